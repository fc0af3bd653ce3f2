//! What operators copy: images, configurations, manifests and the commands of the documentation.

mod compose;
mod docs;
mod envoys;
mod image;
mod manifests;
mod place;
