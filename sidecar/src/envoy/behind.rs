//! The filters between the paywall and the router.

use super::finding::{Code, Finding};
use super::paywall::Paywall;

/// Filters that can change method, path, host or route: what was paid for is not what is served then. A program can do
/// anything; the rest have it among their settings.
const REROUTES: [&str; 11] = [
    "composite",
    "dynamic_modules",
    "ext_proc",
    "golang",
    "grpc_http1_reverse_bridge",
    "grpc_json_reverse_transcoder",
    "grpc_json_transcoder",
    "header_mutation",
    "lua",
    "on_demand",
    "wasm",
];

/// Filters that answer by themselves. By then a payment is under way, and an answer below 500 is charged.
const ANSWERS: [&str; 15] = [
    "api_key_auth",
    "basic_auth",
    "buffer",
    "csrf",
    "custom_response",
    "ext_authz",
    "fault",
    "gcp_authn",
    "health_check",
    "jwt_authn",
    "local_ratelimit",
    "oauth2",
    "rate_limit_quota",
    "ratelimit",
    "rbac",
];

/// Filters that neither answer nor lead elsewhere: they compress, count, sign, or translate an answer;
/// or they answer in a way that is not charged (503), or with what was paid for (a cache).
const HARMLESS: [&str; 27] = [
    "adaptive_concurrency",
    "admission_control",
    "alternate_protocols_cache",
    "aws_request_signing",
    "bandwidth_limit",
    "cache",
    "cdn_loop",
    "compressor",
    "connect_grpc_bridge",
    "cors",
    "credential_injector",
    "decompressor",
    "dynamic_forward_proxy",
    "geoip",
    "grpc_field_extraction",
    "grpc_http1_bridge",
    "grpc_stats",
    "grpc_web",
    "header_to_metadata",
    "ip_tagging",
    "json_to_metadata",
    "original_src",
    "router",
    "set_filter_state",
    "set_metadata",
    "stateful_session",
    "tap",
];

/// What stands behind the paywall and should stand before it.
pub(super) fn check(paywall: &Paywall<'_>, findings: &mut Vec<Finding>) {
    for (filter, config) in &paywall.behind {
        let name = filter.get("name").text().unwrap_or_default();
        // Names are free, types are not.
        let kind = config.message_type().strip_prefix("envoy.extensions.filters.http.");
        let kind = kind.or_else(|| name.strip_prefix("envoy.filters.http."));
        let kind = kind.map_or(name, |kind| kind.split('.').next().unwrap_or(kind));
        // The route is looked up anew, by what the filter may have changed.
        let clears = config.get("clear_route_cache").is_true();
        let code = match kind {
            _ if clears => Code::Reroutes,
            _ if REROUTES.contains(&kind) => Code::Reroutes,
            _ if ANSWERS.contains(&kind) => Code::AnswersAfterPayment,
            _ if HARMLESS.contains(&kind) => continue,
            _ => Code::UnknownFilter,
        };
        let clears = if clears { ", with clear_route_cache" } else { "" };
        findings.push(filter.finding(code, format!("{kind}{clears}")));
    }
}
