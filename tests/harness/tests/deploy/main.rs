//! What operators copy: images, configurations, manifests and the commands of the documentation.

mod compose;
mod envoys;
mod image;
mod manifests;
mod place;
