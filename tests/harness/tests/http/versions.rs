//! Filter and sidecar of releases that do not understand each other.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use axum::Router;
use tokio::net::TcpListener;
use uraiden_core::wire::VERSION;
use uraiden_harness::{EnvoyConfig, NO_HEADERS, Options, Stack};

use crate::fixture::{calls_go_to, problem};

#[tokio::test]
async fn a_sidecar_of_another_version_closes_priced_routes_and_the_log_names_both() -> Result<()> {
    static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    ADDRESS.set(listener.local_addr()?).ok().context("set once")?;
    let answer = || async { r#"{"version":99,"shape":["of tomorrow"]}"# };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    let change = |config: &mut EnvoyConfig| {
        calls_go_to(config, ADDRESS.get().expect("it listens before Envoy starts").port());
    };
    let mut stack = Stack::start(Options { change, open: false, ..Options::default() }).await?;

    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        let answer = stack.raw_get("/premium/versions", NO_HEADERS).await?;
        assert_eq!(answer.status, 502, "{}", answer.text());
        if problem(&answer) == "misconfigured" {
            break;
        }
        ensure!(Instant::now() < deadline, "{}", answer.text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(stack.raw_get("/free", NO_HEADERS).await?.status, 200);
    assert_eq!(stack.upstream().seen("/premium/versions"), 0);
    let log = stack.envoy.part().log()?;
    let line = format!(
        "priced routes close: the filter speaks version {VERSION} of the messages between filter and sidecar, the sidecar \
         version 99"
    );
    assert!(log.contains(&line), "{log}");
    Ok(())
}
