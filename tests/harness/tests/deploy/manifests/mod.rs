//! What is applied to a cluster, rendered by kubectl and checked by the published models.

mod gateway;
mod istio;
mod models;
mod render;
mod sidecar;

pub(crate) use render::Rendered;
