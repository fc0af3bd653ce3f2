//! docker-compose.yml and the Dockerfile behind it, without Docker.

mod cell;
mod container;
mod dockerfile;
mod file;
mod images;
mod story;

use anyhow::Result;

pub(crate) use cell::Cell;

/// Whether docker-compose.yml has this service.
pub(crate) fn has_service(name: &str) -> Result<bool> {
    Ok(file::Compose::read()?.services.contains_key(name))
}

/// Whether the Dockerfile has this stage.
pub(crate) fn has_stage(name: &str) -> Result<bool> {
    Ok(dockerfile::read()?.contains_key(name))
}
