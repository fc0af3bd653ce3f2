//! The connection manager around the paywall: how paths are read, and how long a stream may be held.

use std::time::Duration;

use super::document::Node;
use super::finding::{Code, Finding};
use super::paywall::Paywall;
use super::routes::Route;

/// Whether each spelling of a path takes the same route.
pub(super) fn paths(paywall: &Paywall<'_>, routes: &[Route<'_>], findings: &mut Vec<Finding>) {
    // Where routes decide, another spelling is free; where rules do, the paywall refuses it.
    let routes_decide =
        paywall.is_disabled() || routes.iter().any(|route| !route.is_on || route.price_map().is_some());
    let code = if routes_decide { Code::PathsAroundPrices } else { Code::PathsRefused };
    for field in ["normalize_path", "merge_slashes"] {
        let setting = paywall.manager.get(field);
        if !setting.is_true() {
            findings.push(setting.wrong(code));
        }
    }
    let slashes = paywall.manager.get("path_with_escaped_slashes_action");
    let known = ["REJECT_REQUEST", "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD"];
    if !slashes.text().is_some_and(|action| known.contains(&action)) {
        findings.push(slashes.wrong(code));
    }
}

/// Whether a stream that the paywall holds ends at some time, and not before the sidecar can have answered.
pub(super) fn idle_timeouts(
    paywall: &Paywall<'_>,
    routes: &[Route<'_>],
    call: Duration,
    findings: &mut Vec<Finding>,
) {
    let setting = paywall.manager.get("stream_idle_timeout");
    let own: Vec<_> = routes
        .iter()
        .filter(|route| route.is_on && route.leads_on())
        .map(|route| route.node.at("route.idle_timeout"))
        .collect();
    let all_have_their_own = !own.is_empty() && own.iter().all(Node::is_there);
    let mut counting: Vec<_> = own.into_iter().filter(Node::is_there).collect();
    if !all_have_their_own {
        counting.push(setting);
    }
    for setting in counting {
        match setting.text().and_then(duration) {
            None | Some(Duration::ZERO) => findings.push(setting.wrong(Code::NoIdleTimeout)),
            Some(bound) if bound <= call => findings.push(
                setting
                    .finding(Code::ShortIdleTimeout, format!("{bound:?}, and sidecar.timeout is {call:?}")),
            ),
            Some(_) => {}
        }
    }
}

/// `1.5s`, as protobuf's JSON form writes durations.
fn duration(text: &str) -> Option<Duration> {
    let seconds = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}
