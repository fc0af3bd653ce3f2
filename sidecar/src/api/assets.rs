//! The files of web pages, built into the program.

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use uraiden_core::digest::keccak256;

/// A file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asset {
    name: &'static str,
    content_type: &'static str,
    body: &'static [u8],
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// What the paywall's page loads.
pub(super) const PAYWALL: &[Asset] = &[
    Asset {
        name: "paywall.js",
        content_type: SCRIPT,
        body: include_bytes!("../../../clients/web/dist/paywall.js"),
    },
    Asset {
        name: "paywall.css",
        content_type: STYLE,
        body: include_bytes!("../../../clients/web/dist/paywall.css"),
    },
];

/// What the merchant's page loads.
pub(super) const MERCHANT: &[Asset] = &[
    Asset {
        name: "merchant.js",
        content_type: SCRIPT,
        body: include_bytes!("../../../clients/web/dist/merchant.js"),
    },
    Asset {
        name: "merchant.css",
        content_type: STYLE,
        body: include_bytes!("../../../clients/web/dist/merchant.css"),
    },
];

/// Serves files below `folder`, which has no slash at its end. Their names stay when their contents change, so browsers
/// are asked to compare before they use a copy.
pub(super) fn router<S: Clone + Send + Sync + 'static>(folder: &str, assets: &'static [Asset]) -> Router<S> {
    assets.iter().fold(Router::new(), |router, asset| {
        let tag = format!("\"{}\"", hex::encode(keccak256(&[asset.body])));
        let answer = move |headers: HeaderMap| async move { serve(asset, &tag, &headers) };
        router.route(&format!("{folder}/{}", asset.name), get(answer))
    })
}

fn serve(asset: &Asset, tag: &str, headers: &HeaderMap) -> Response {
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|shown| shown.trim().trim_start_matches("W/") == tag);
    let caching = [(header::ETAG, tag), (header::CACHE_CONTROL, "no-cache")];
    if known {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let kind = [(header::CONTENT_TYPE, asset.content_type), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (caching, kind, asset.body).into_response()
}
