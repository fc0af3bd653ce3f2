//! What the dashboard and the alert rules ask Prometheus for is there, with the labels that they use, once a real Envoy
//! and a real sidecar have served something.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use uraiden_harness::{Options, Scrape, Stack};

use crate::fixture::{PRICE, paying};

const DASHBOARD: &str = include_str!("../../../../envoy/observe/grafana.json");
const ALERTS: &str = include_str!("../../../../envoy/observe/alerts.yaml");
const MANUAL: &str = include_str!("../../../../docs/operations.md");
/// Where the outcomes are listed.
const WORDS: [&str; 2] =
    [include_str!("../../../../docs/problems.md"), include_str!("../../../../docs/observing.md")];

const SHADOW: &str = "uraiden_filter_shadow_requests_total";
const REQUESTS: &str = "uraiden_filter_requests_total";

#[tokio::test]
async fn panels_and_alerts_ask_for_figures_that_are_there() -> Result<()> {
    let stack = Stack::start(Options::default()).await?;
    let payer = stack.payer().await?;
    for (path, headers) in [
        ("/free", Vec::new()),
        ("/premium/x", Vec::new()),
        ("/premium/x", paying(&payer, PRICE)),
        ("/premium/x?status=503", paying(&payer, 2 * PRICE)),
    ] {
        stack.raw_get(path, headers).await?;
    }
    let scrape = until_flushed(&stack).await?;
    let (panels, alerts) = (panels()?, alerts()?);
    assert!(panels.len() > 40 && alerts.len() > 15, "{} {}", panels.len(), alerts.len());
    for (asker, query, shown) in panels.iter().chain(&alerts) {
        // What only a filter in shadow mode counts is told with the labels of requests.
        let asked = query.replace(SHADOW, REQUESTS);
        scrape.has(&asked, shown, is_documented).with_context(|| format!("{asker}: {query}"))?;
    }
    Ok(())
}

#[test]
fn each_alert_is_explained_in_the_manual_and_the_manual_explains_no_other() -> Result<()> {
    let named: BTreeSet<_> = alerts()?.into_iter().map(|(name, ..)| name).collect();
    let explained: BTreeSet<_> = MANUAL
        .lines()
        .filter_map(|line| line.strip_prefix("### Uraiden"))
        .map(|rest| format!("Uraiden{rest}"))
        .collect();
    assert_eq!(named, explained);
    Ok(())
}

/// Outcomes that did not come to pass are at least documented.
fn is_documented(label: &str, value: &str) -> bool {
    label == "outcome" && WORDS.iter().any(|page| page.contains(&format!("| `{value}` |")))
}

/// Who asks, what, and which labels are shown of the answer.
type Query = (String, String, Vec<String>);

/// The queries of the panels and of the variables, as Prometheus gets them.
fn panels() -> Result<Vec<Query>> {
    let dashboard: Value = serde_json::from_str(DASHBOARD)?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut queries = Vec::new();
    for panel in list(&dashboard["panels"]) {
        let title = panel["title"].as_str().context("a title")?.to_owned();
        for target in list(&panel["targets"]) {
            let query = target["expr"].as_str().context("an expr")?;
            let query = query.replace("$__rate_interval", "5m").replace("$route", ".*");
            ensure!(!query.contains('$'), "{title}: an unknown variable in {query}");
            let shown = target["legendFormat"].as_str().unwrap_or_default();
            let labels = shown.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
            queries.push((title.clone(), query, labels.map(str::to_owned).collect()));
        }
    }
    for variable in list(&dashboard["templating"]["list"]) {
        let Some(query) = variable["query"]["query"].as_str() else { continue };
        let arguments = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
        let (metric, label) = arguments.and_then(|both| both.split_once(", ")).context("label_values")?;
        queries.push((format!("variable {}", variable["name"]), metric.to_owned(), vec![label.to_owned()]));
    }
    Ok(queries)
}

/// The alerts by their names. Every rule has what Prometheus insists on, and a severity and a summary.
fn alerts() -> Result<Vec<Query>> {
    let rules: Value = serde_norway::from_str(ALERTS)?;
    let mut queries = Vec::new();
    for group in rules["groups"].as_array().context("groups")? {
        ensure!(group["name"].is_string(), "a group without a name");
        for rule in group["rules"].as_array().context("rules")? {
            let name = rule["alert"].as_str().context("an alert without a name")?;
            let query = rule["expr"].as_str().with_context(|| format!("{name} has no expr"))?;
            ensure!(
                matches!(rule["labels"]["severity"].as_str(), Some("critical" | "warning")),
                "{name} has no severity"
            );
            let summary =
                rule["annotations"]["summary"].as_str().with_context(|| format!("{name}: summary"))?;
            let labels = summary.split("$labels.").skip(1).filter_map(|rest| rest.split([' ', '}']).next());
            queries.push((name.to_owned(), query.to_owned(), labels.map(str::to_owned).collect()));
        }
    }
    Ok(queries)
}

/// Envoy tells histograms every five seconds.
async fn until_flushed(stack: &Stack) -> Result<Scrape> {
    for _ in 0..100 {
        let envoy = Scrape::of_envoy(stack.envoy.admin()).await?;
        if envoy.sum("uraiden_filter_payment_microseconds_count", &[]) >= 2.0 {
            let sidecar = Scrape::parse(&stack.sidecar.ask_admin("/metrics").await?.text())?;
            return Ok(envoy.and(sidecar));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bail!("Envoy did not tell its histograms")
}
