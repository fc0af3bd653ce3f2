//! docker-compose.yml and the Dockerfile behind it, without Docker.

mod cell;
mod dockerfile;
mod file;
mod images;
mod story;
