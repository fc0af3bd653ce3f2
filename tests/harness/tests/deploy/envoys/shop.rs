//! What every paywall in front of the sample service has to do, whatever the configuration looks like.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::sync::OnceCell;
use uraiden_client::{Payer, proof_headers};
use uraiden_core::{TokenAmount, header};
use uraiden_harness::{Answer, NO_HEADERS, Options, Stack, send};

/// How long the paywall may take to hear from the sidecar, or to hear of a new price.
const PATIENCE: Duration = Duration::from_secs(20);

/// One stack for all configurations; each brings an Envoy of its own.
pub(crate) async fn stack() -> Result<&'static Stack> {
    static STACK: OnceCell<Stack> = OnceCell::const_new();
    STACK.get_or_try_init(|| Stack::start(Options::default())).await
}

/// A GET, exactly as it is written.
pub(crate) async fn get(envoy: SocketAddr, path: &str) -> Result<Answer> {
    send(envoy, "GET", path, NO_HEADERS, "").await
}

/// The headers of a payment of the whole balance.
pub(crate) fn paying(payer: &Payer, balance: u64) -> Vec<(String, String)> {
    let headers = proof_headers(&payer.proof(TokenAmount::new(balance)));
    headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Waits until every worker asks for this price: as many answers in a row as make it sure.
pub(crate) async fn until_priced(envoy: SocketAddr, path: &str, price: u64) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let mut in_a_row = 0;
    while in_a_row < 32 {
        let answer = get(envoy, path).await?;
        let asked = answer.header(header::PRICE) == Some(price.to_string().as_str());
        in_a_row = if answer.status == 402 && asked { in_a_row + 1 } else { 0 };
        ensure!(Instant::now() < deadline, "{path} answers {}: {}", answer.status, answer.text());
    }
    Ok(())
}

/// Sells below `/premium/` for 1000, gives the rest away, lets nobody around the price, and has the channel API.
pub(crate) async fn sells(stack: &Stack, envoy: SocketAddr, name: &str) -> Result<()> {
    let (free, paid) = (format!("/free/{name}"), format!("/premium/{name}"));
    until_priced(envoy, &paid, 1000).await?;
    assert_eq!(stack.upstream().seen(&paid), 0, "{name}: served unpaid");

    let answer = send(envoy, "GET", &free, [(header::UPSTREAM_SENDER, "0x1")], "").await?;
    assert_eq!(answer.status, 200, "{name}: {}", answer.text());
    let seen = answer.json()?;
    assert_eq!(
        seen["headers"][header::UPSTREAM_SENDER],
        serde_json::Value::Null,
        "{name}: a stranger's word: {seen}"
    );

    let payer = stack.payer().await?;
    for balance in [1000, 2000] {
        let answer = send(envoy, "GET", &paid, paying(&payer, balance), "").await?;
        assert_eq!((answer.status, answer.header(header::COST)), (200, Some("1000")), "{}", answer.text());
        let sender = answer.json()?["headers"][header::UPSTREAM_SENDER].clone();
        assert_eq!(sender, payer.channel().sender.to_string(), "{name}");
    }
    assert_eq!(stack.upstream().seen(&paid), 2, "{name}");

    for spelling in [
        format!("//premium/{name}"),
        format!("/premium//{name}"),
        format!("/x/../premium/{name}"),
        format!("/./premium/{name}"),
        format!("/%70remium/{name}"),
        format!("/premium%2f{name}"),
        format!("/premium;a/{name}"),
        format!("/premium\\{name}"),
        format!("/x/%2e%2e/premium/{name}"),
    ] {
        let answer = get(envoy, &spelling).await?;
        assert!(matches!(answer.status, 400 | 402), "{name}: {spelling} is answered by {}", answer.status);
    }
    assert_eq!(stack.upstream().seen(&paid), 2, "{name}: a spelling led around the price");

    let stats = get(envoy, "/api/1/stats").await?;
    assert_eq!(
        (stats.status, &stats.json()?["contract_address"]),
        (200, &serde_json::json!(stack.contract()))
    );
    assert_eq!(get(envoy, "/js/paywall.js").await?.status, 200, "{name}");
    Ok(())
}
