//! The channel API for clients. Never behind the paywall.

mod channels;
mod close;
mod stats;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, Method, header};
use axum::middleware;
use axum::routing::get;
use uraiden_core::wire::ChannelKey;
use uraiden_core::{Address, ChannelId};

use super::assets;
use super::error::{no_such_method, no_such_path};
use super::guesses::Guesses;
use crate::chain::Node;
use crate::key::ReceiverKey;
use crate::settings::{AssetsPath, ChannelLists, CloseNeeds, GatewayPath};
use crate::store::Store;

/// A request to close has a body of a few bytes.
const MAX_BYTES: usize = 4 * 1024;

/// What the listener needs.
pub struct Public {
    /// The ledger.
    pub store: Store,
    /// Signs closing agreements.
    pub key: Arc<ReceiverKey>,
    /// Says what the receiver holds.
    pub node: Node,
    /// The contract that holds the deposits.
    pub contract: Address,
    /// What closes a channel.
    pub close_needs: CloseNeeds,
    /// Whether clients may list channels.
    pub channel_lists: ChannelLists,
    /// The first block that can hold an event of the contract.
    pub start_block: u64,
}

struct Api {
    public: Public,
    guesses: Guesses,
    stats: stats::Cache,
}

impl Api {
    fn channel_id(&self, key: ChannelKey) -> ChannelId {
        ChannelId {
            contract: self.public.contract,
            receiver: self.public.key.address(),
            sender: key.sender,
            open_block: key.open_block,
        }
    }
}

/// The channel API below `gateway_path`, each path with and without a slash at the end; and what the paywall's page
/// loads, below `assets_path`.
pub fn router(public: Public, gateway_path: &GatewayPath, assets_path: &AssetsPath) -> Router {
    let api = Arc::new(Api { public, guesses: Guesses::default(), stats: stats::Cache::default() });
    let channel = || get(channels::one).delete(close::close);
    let routes = Router::new()
        .route("/stats", get(stats::stats))
        .route("/stats/", get(stats::stats))
        .route("/channels", get(channels::all))
        .route("/channels/", get(channels::all))
        .route("/channels/{sender}", get(channels::of_sender))
        .route("/channels/{sender}/", get(channels::of_sender))
        .route("/channels/{sender}/{open_block}", channel())
        .route("/channels/{sender}/{open_block}/", channel());
    Router::new()
        .nest(gateway_path.as_str(), routes)
        .merge(assets::router(assets_path.as_str(), assets::PAYWALL))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(MAX_BYTES))
        .layer(middleware::from_fn(open_to_scripts))
        .with_state(api)
}

/// Reading is open to scripts of every origin: there is nothing to read that a stranger may not see.
async fn open_to_scripts(
    request: axum::extract::Request,
    next: middleware::Next,
) -> axum::response::Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = next.run(request).await;
    if reads {
        let any = HeaderValue::from_static("*");
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    }
    response
}
