//! Envoy's host calls that the filter uses, none of which panics on what a client sends.
//!
//! The SDK panics where Envoy answers a call with an unexpected status, so each function says when it may be called.

use std::time::{Duration, UNIX_EPOCH};

use log::error;
use proxy_wasm::hostcalls;
use proxy_wasm::types::{Bytes, GrpcStatusCode, MapType};
use uraiden_core::answer::{GrpcStatus, Reply};
use uraiden_core::decide::Payment;
use uraiden_core::gate::{Admission, Announcement, FREE, Headers, Moment, PAID};
use uraiden_core::route::Surroundings;

/// The time. At any time.
pub(crate) fn now() -> Moment {
    hostcalls::get_current_time()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .unwrap_or(Duration::ZERO)
}

/// All request headers, while the request's headers are looked at or held.
pub(crate) fn request_headers() -> Vec<(String, Bytes)> {
    hostcalls::get_map_bytes(MapType::HttpRequestHeaders).unwrap_or_default()
}

/// All response headers, while the response's headers are looked at.
pub(crate) fn response_headers() -> Vec<(String, Bytes)> {
    hostcalls::get_map_bytes(MapType::HttpResponseHeaders).unwrap_or_default()
}

/// Removes every copy of a request header, while the request's headers are looked at.
pub(crate) fn remove_request_header(name: &str) {
    report("remove a request header", hostcalls::remove_map_value(MapType::HttpRequestHeaders, name));
}

/// Replaces all cookies of the request, while its headers are looked at.
pub(crate) fn set_cookies(cookies: &[u8]) {
    let value = (!cookies.is_empty()).then_some(cookies);
    report("set cookies", hostcalls::set_map_value_bytes(MapType::HttpRequestHeaders, "cookie", value));
}

/// Sends the request upstream with what the paywall has to say of it, while its headers are looked at or held.
pub(crate) fn admit(admission: &Admission) {
    set(MapType::HttpRequestHeaders, &admission.headers);
    if let Some(Announcement { slot, bytes }) = &admission.announcement {
        report("share a balance", hostcalls::set_shared_data(&place(*slot), Some(bytes), None));
    }
    let outcome = if admission.payment.is_some() { PAID } else { FREE };
    note(outcome, admission.payment.as_ref());
}

/// Sets response headers, replacing every copy, while the response's headers are looked at or held.
pub(crate) fn set_response_headers(headers: &Headers) {
    set(MapType::HttpResponseHeaders, headers);
}

fn set(map: MapType, headers: &Headers) {
    for (name, value) in headers {
        report("set a header", hostcalls::set_map_value(map, name, Some(value)));
    }
}

/// Tells access logs and later filters what became of the stream of the effective context, as filter state
/// `wasm.uraiden_outcome`, `wasm.uraiden_sender` and `wasm.uraiden_amount`. No client can set these.
pub(crate) fn note(outcome: &str, payment: Option<&Payment>) {
    let set = |name, value: &str| {
        report("note an outcome", hostcalls::set_property(vec![name], Some(value.as_bytes())));
    };
    set("uraiden_outcome", outcome);
    if let Some(payment) = payment {
        set("uraiden_sender", &payment.proof().channel.sender.to_string());
        set("uraiden_amount", &payment.price().to_string());
    }
}

/// Answers the stream of the effective context. At most once a stream.
pub(crate) fn reply(reply: &Reply) {
    note(reply.code, None);
    let headers = reply.headers.iter().map(|(name, value)| (*name, value.as_str()));
    let sent = match reply.grpc_status {
        None => {
            let body = Some(reply.body.as_bytes());
            hostcalls::send_http_response(u32::from(reply.status), headers.collect(), body)
        }
        Some(status) => {
            let metadata = headers.map(|(name, value)| (name, value.as_bytes())).collect();
            hostcalls::send_grpc_response(grpc_code(status), Some(&reply.body), metadata)
        }
    };
    report("reply", sent);
}

fn grpc_code(status: GrpcStatus) -> GrpcStatusCode {
    match status {
        GrpcStatus::InvalidArgument => GrpcStatusCode::InvalidArgument,
        GrpcStatus::FailedPrecondition => GrpcStatusCode::FailedPrecondition,
        GrpcStatus::Unavailable => GrpcStatusCode::Unavailable,
    }
}

/// What is around the request of the effective context, while its headers are looked at.
pub(crate) struct Current;

impl Surroundings for Current {
    fn source(&self) -> Option<Bytes> {
        property(vec!["source", "address"])
    }

    fn cluster(&self) -> Option<Bytes> {
        property(vec!["xds", "cluster_name"])
    }

    fn metadata(&self) -> Option<Bytes> {
        property(vec!["xds", "route_metadata", "filter_metadata", NAMESPACE])
    }

    fn announced(&self, slot: u32) -> Option<Bytes> {
        hostcalls::get_shared_data(&place(slot)).ok().and_then(|(bytes, _)| bytes)
    }

    fn virtual_host_metadata(&self) -> Option<Bytes> {
        property(vec!["xds", "virtual_host_metadata", "filter_metadata", NAMESPACE])
    }
}

/// The key under which workers share what was announced.
fn place(slot: u32) -> String {
    format!("uraiden-announced-{slot}")
}

/// The key under `metadata.filter_metadata` of a route.
const NAMESPACE: &str = "uraiden";

fn property(path: Vec<&str>) -> Option<Bytes> {
    hostcalls::get_property(path).ok().flatten()
}

/// Logs a host call that failed; there is nothing else to be done about it.
pub(crate) fn report<T, E: std::fmt::Debug>(what: &str, result: Result<T, E>) -> Option<T> {
    result.inspect_err(|status| error!("Envoy could not {what}: {status:?}")).ok()
}
