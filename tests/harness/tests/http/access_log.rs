//! Envoy's access log tells who paid what, from the filter state that only the paywall can set.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::json;
use uraiden_core::header;
use uraiden_harness::{EnvoyConfig, NO_HEADERS, Options, Stack};

use crate::fixture::{PRICE, paying, with};

/// How often Envoy writes its log is its own business: every ten seconds.
const WRITTEN: Duration = Duration::from_secs(20);

/// A line a request, into the same file as Envoy's own log.
fn logged(config: &mut EnvoyConfig) {
    let line = "seen %REQ(:PATH)% %RESPONSE_CODE% %FILTER_STATE(wasm.uraiden_outcome:PLAIN)% \
                %FILTER_STATE(wasm.uraiden_sender:PLAIN)% %FILTER_STATE(wasm.uraiden_amount:PLAIN)%\n";
    config.manager()["access_log"] = json!([{
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": "/dev/stdout",
            "log_format": { "text_format_source": { "inline_string": line } },
        },
    }]);
}

#[tokio::test]
async fn the_access_log_shows_sender_amount_and_outcome() -> Result<()> {
    let mut stack = Stack::start(Options { change: logged, ..Options::default() }).await?;
    let payer = stack.payer().await?;
    let sender = payer.channel().sender;
    let spoofed = [("x-uraiden-sender", "0xthief"), ("wasm.uraiden_outcome", "paid")];
    stack.raw_get("/free/logged", spoofed).await?;
    stack.raw_get("/premium/refused", spoofed).await?;
    stack.raw_get("/premium/unreadable", with(paying(&payer, PRICE), header::BALANCE, "1e3")).await?;
    stack.raw_get("/premium/paid", paying(&payer, PRICE)).await?;
    stack.raw_get("/premium/failed?status=500", paying(&payer, 2 * PRICE)).await?;
    stack.raw_get("/premium//odd", NO_HEADERS).await?;

    let expected = [
        "seen /free/logged 200 free - -".to_owned(),
        "seen /premium/refused 402 payment-required - -".to_owned(),
        "seen /premium/unreadable 409 malformed-payment - -".to_owned(),
        format!("seen /premium/paid 200 paid {sender} 1000"),
        format!("seen /premium/failed?status=500 500 taken-back {sender} 1000"),
    ];
    let deadline = tokio::time::Instant::now() + WRITTEN;
    loop {
        let log = stack.envoy.part().log()?;
        let missing: Vec<_> = expected.iter().filter(|line| !log.contains(line.as_str())).collect();
        if missing.is_empty() {
            return Ok(());
        }
        if tokio::time::Instant::now() > deadline {
            let lines: Vec<_> = log.lines().filter(|line| line.contains("seen /")).collect();
            bail!("not in the access log: {missing:?}, but {lines:#?}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
