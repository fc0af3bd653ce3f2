//! Prices on routes, and routes without one.

use serde_json::Value;
use uraiden_core::TokenAmount;
use uraiden_core::config::Config;
use uraiden_core::header;
use uraiden_core::route::RouteError;

use super::document::Node;
use super::finding::{Code, Finding};
use super::paywall::Paywall;
use super::routes::Route;

/// What only the paywall may say to a service.
const FOR_UPSTREAM: [&str; 5] = [
    header::UPSTREAM_SENDER,
    header::UPSTREAM_AMOUNT,
    header::UPSTREAM_CHANNEL,
    header::UPSTREAM_PAYMENT,
    header::UPSTREAM_MARK,
];

/// Whether each route costs what its operator means. Without a configuration nothing is known of other prices.
pub(super) fn check(
    paywall: &Paywall<'_>,
    routes: &[Route<'_>],
    config: Option<&Config>,
    findings: &mut Vec<Finding>,
) {
    let priced_elsewhere =
        config.is_none_or(|config| config.default_price.is_some() || !config.rules.is_empty());
    let public = config.map(|config| config.sidecar.public_cluster.as_str());
    for route in routes.iter().filter(|route| route.leads_on()) {
        let is_gateway = public.is_some() && route.cluster() == public;
        match (route.price_map(), route.is_on) {
            (Some(map), true) => findings.extend(unreadable(&map)),
            // What a virtual host says of all its routes, one of them may be meant to be without.
            (Some(map), false) if is_own(route) => {
                findings.push(map.finding(Code::PriceWithoutPaywall, map.shown()));
            }
            (Some(_), false) | (None, false) if !is_gateway => findings.extend(strangers_word(route)),
            (None, true) if paywall.is_disabled() && !priced_elsewhere => {
                let enabled = route.node.get("typed_per_filter_config").member(paywall.name());
                findings.push(enabled.wrong(Code::PaywallWithoutPrice));
            }
            (None | Some(_), _) => {}
        }
    }
}

/// Whether the route has a price of its own.
fn is_own(route: &Route<'_>) -> bool {
    route.node.at("metadata.filter_metadata").member("uraiden").is_there()
}

/// What the filter would say of a price, which reaches it in another form.
fn unreadable(map: &Node<'_>) -> Option<Finding> {
    let price = map.member("price");
    let error = match price.value() {
        None => RouteError::NoPrice,
        Some(Value::String(text)) if text.is_empty() => RouteError::NoPrice,
        Some(Value::String(text)) => RouteError::Unreadable { error: text.parse::<TokenAmount>().err()? },
        Some(Value::Number(_)) => RouteError::Number,
        Some(_) => RouteError::NotText,
    };
    Some(price.finding(Code::RoutePrice, format!("{}: {error}", price.shown())))
}

/// Which of the paywall's headers a client can send to the service on this route.
fn strangers_word(route: &Route<'_>) -> Option<Finding> {
    let nodes = [&route.node, &route.above[0], &route.above[1]];
    let lists = nodes.map(|node| node.get("request_headers_to_remove").items());
    let removed: Vec<_> =
        lists.iter().flatten().filter_map(Node::text).map(str::to_ascii_lowercase).collect();
    let kept: Vec<_> =
        FOR_UPSTREAM.into_iter().filter(|name| !removed.iter().any(|own| own == name)).collect();
    let place = route.node.get("request_headers_to_remove");
    (!kept.is_empty()).then(|| place.finding(Code::StrangersHeaders, format!("no {}", kept.join(", "))))
}
