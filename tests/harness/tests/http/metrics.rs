//! What the filter counts, as Envoy tells Prometheus, and that it is what docs/observing.md says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::json;
use uraiden_core::header;
use uraiden_harness::{EnvoyConfig, Options, Scrape, Stack};

use crate::fixture::{PRICE, paying, with};

const MANUAL: &str = include_str!("../../../../docs/observing.md");

/// What every name begins with.
const OURS: &str = "uraiden_filter_";

const SHADOW: &str = "uraiden_filter_shadow_requests_total";

/// A rule with a name, a route with a name, and charges counted in hundreds.
fn named(config: &mut EnvoyConfig) {
    config.plugin["rules"][1]["name"] = json!("premium");
    config.plugin["amountUnit"] = json!("100");
    let route = json!({
        "match": { "prefix": "/on-route/" },
        "route": { "cluster": "app", "timeout": "15s", "idle_timeout": "20s" },
        "metadata": { "filter_metadata": { "uraiden": { "price": "130", "name": "reports" } } },
    });
    config.routes().insert(0, route);
}

#[tokio::test]
async fn requests_and_charges_are_counted_under_the_names_that_the_manual_has() -> Result<()> {
    let stack = Stack::start(Options { change: named, ..Options::default() }).await?;
    let before = Scrape::of_envoy(stack.envoy.admin()).await?;
    let payer = stack.payer().await?;
    for (path, headers) in [
        ("/free", Vec::new()),
        ("/premium", Vec::new()),
        ("/premium/x", Vec::new()),
        ("/premium/x", with(paying(&payer, PRICE), header::BALANCE, "1e3")),
        ("/premium/x", paying(&payer, PRICE)),
        ("/premium/x", paying(&payer, PRICE)),
        ("/premium/x?status=503", paying(&payer, 2 * PRICE)),
        ("/on-route/x", paying(&payer, PRICE + 130)),
        ("/on-route/x", paying(&payer, PRICE + 260)),
        // `;` begins a second reading of the path, in which it costs nothing.
        ("/premium;/x", Vec::new()),
    ] {
        stack.raw_get(path, headers).await?;
    }
    let scrape = until_told(&stack, "uraiden_filter_payment_microseconds_count", 4.0).await?;

    let requests = |route, outcome| {
        let labels = [("route", route), ("outcome", outcome)];
        let name = "uraiden_filter_requests_total";
        scrape.sum(name, &labels) - before.sum(name, &labels)
    };
    for (route, outcome, expected) in [
        ("default", "free", 1.0),
        ("rule-0", "payment-required", 1.0),
        ("premium", "payment-required", 1.0),
        ("premium", "malformed-payment", 1.0),
        ("premium", "paid", 1.0),
        ("premium", "replay", 1.0),
        ("premium", "taken-back", 1.0),
        ("reports", "paid", 2.0),
        ("none", "ambiguous-path", 1.0),
    ] {
        assert_eq!(requests(route, outcome), expected, "{route} {outcome}");
    }
    let count = |name: &str, labels: &[(&str, &str)]| scrape.sum(&format!("{OURS}{name}"), labels);
    // 130 and 130 are 2 hundreds with 60 left, whichever worker counts them or one each.
    assert_eq!(count("charged_units_total", &[("route", "premium")]), 20.0);
    assert_eq!(count("charged_units_total", &[("route", "reports")]), 2.0);
    assert_eq!(count("refunded_units_total", &[("route", "premium")]), 10.0);
    assert_eq!(count("take_backs_total", &[("step", "asked")]), 1.0);
    assert_eq!(count("take_backs_total", &[("step", "taken-back")]), 1.0);
    assert_eq!(count("take_backs_total", &[("step", "given-up")]), 0.0);
    assert_eq!(count("unknown_outcomes_total", &[]), 0.0);
    assert!(count("sidecar_calls_total", &[("result", "answered")]) > 4.0);
    assert!(count("sidecar_call_entries_sum", &[]) >= 5.0);
    assert!(count("signature_checks_total", &[]) >= 5.0, "{scrape:?}");
    let buckets = scrape.named("uraiden_filter_payment_microseconds_bucket").count();
    assert_eq!(buckets, 13, "the buckets of the shipped configuration, and infinity");
    agrees_with_the_manual(&scrape);
    Ok(())
}

/// Names, kinds and labels.
fn agrees_with_the_manual(scrape: &Scrape) {
    let told: BTreeMap<_, _> =
        scrape.kinds.iter().filter(|(name, _)| name.starts_with(OURS)).map(|(a, b)| (&**a, &**b)).collect();
    let rows = MANUAL.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `uraiden_filter_")?.split(" | ");
        let name = cells.next()?.trim_end_matches('`');
        let (kind, labels) = (cells.next()?, cells.next()?);
        Some((format!("{OURS}{name}"), kind, labels.split('`').skip(1).step_by(2).collect::<BTreeSet<_>>()))
    });
    let rows: Vec<_> = rows.collect();
    let documented: BTreeMap<_, _> = rows.iter().map(|(name, kind, _)| (&**name, *kind)).collect();
    // This one is made in shadow mode only, which has a scene of its own.
    let documented: BTreeMap<_, _> = documented.into_iter().filter(|(name, _)| *name != SHADOW).collect();
    assert_eq!(told, documented);
    for (name, kind, labels) in rows.iter().filter(|(name, ..)| name != SHADOW) {
        let sample = if *kind == "histogram" { format!("{name}_count") } else { name.clone() };
        let mut found = scrape.labels(&sample);
        // Envoy's own, of the wasm runtime's scope.
        found.retain(|label| !label.starts_with("envoy_"));
        assert_eq!(&found, labels, "{name}");
    }
}

/// Envoy tells histograms every five seconds, and signatures are counted every second.
async fn until_told(stack: &Stack, name: &str, value: f64) -> Result<Scrape> {
    for _ in 0..100 {
        let scrape = Scrape::of_envoy(stack.envoy.admin()).await?;
        if scrape.sum(name, &[]) >= value && scrape.sum("uraiden_filter_signature_checks_total", &[]) >= 5.0 {
            return Ok(scrape);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bail!("{name} did not come to be {value}")
}
