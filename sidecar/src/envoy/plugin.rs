//! The wasm filter: what it is told, and what happens when it crashes.

use uraiden_core::config::Config;
use uraiden_core::wire::Identity;

use super::finding::{Code, Finding};
use super::paywall::Paywall;

/// The one message that reaches a filter as the text that it holds.
const TEXT: &str = "google.protobuf.StringValue";

/// What the filter would read, by its own parser.
pub(super) fn read(paywall: &Paywall<'_>, findings: &mut Vec<Finding>) -> Option<Config> {
    let configuration = paywall.plugin.get("configuration");
    let text = configuration.get("value");
    let (TEXT, Some(json)) = (configuration.message_type(), text.text()) else {
        // Its value may have a token in it.
        let found = match (configuration.is_there(), configuration.message_type()) {
            (false, _) => "nothing".to_owned(),
            (true, TEXT) => "no text".to_owned(),
            (true, other) => format!("a {other:?}"),
        };
        findings.push(configuration.finding(Code::PluginNotText, found));
        return None;
    };
    Config::from_json(json.as_bytes())
        .map_err(|error| findings.push(text.finding(Code::PluginConfiguration, error.to_string())))
        .ok()
}

/// What becomes of requests when the filter's VM crashes, and of requests that it holds.
pub(super) fn failures(paywall: &Paywall<'_>, findings: &mut Vec<Finding>) {
    let (policy, open) = (paywall.plugin.get("failure_policy"), paywall.plugin.get("fail_open"));
    if open.is_true() {
        findings.push(open.wrong(Code::FailOpen));
    } else if policy.text() == Some("FAIL_OPEN") {
        findings.push(policy.wrong(Code::FailOpen));
    } else if policy.text() != Some("FAIL_RELOAD") {
        findings.push(policy.wrong(Code::NoReload));
    }
    let leak = paywall.plugin.get("allow_on_headers_stop_iteration");
    if leak.is_true() {
        findings.push(leak.wrong(Code::StopIteration));
    }
}

/// Whether filter and sidecar mean the same money.
pub(super) fn fits(
    paywall: &Paywall<'_>,
    config: &Config,
    served: Option<&Identity>,
    findings: &mut Vec<Finding>,
) {
    let Some(served) = served else { return };
    let own = &config.identity;
    let pairs = [
        ("chainId", own.chain_id.to_string(), served.chain_id.to_string()),
        ("contract", own.contract.to_string(), served.contract.to_string()),
        ("receiver", own.receiver.to_string(), served.receiver.to_string()),
        ("token", own.token.to_string(), served.token.to_string()),
    ];
    let differences = pairs.iter().filter(|(_, own, served)| own != served);
    let text = paywall.plugin.at("configuration.value");
    findings.extend(differences.map(|(key, own, served)| {
        text.finding(Code::OtherIdentity, format!("{key}: {own}, and the sidecar serves {served}"))
    }));
}
