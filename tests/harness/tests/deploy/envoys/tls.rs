//! envoy/tls.yaml, with a certificate that openssl makes.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use uraiden_core::header;

use super::shipped::shipped;
use super::shop::{get, paying, stack};
use crate::place;

/// A name that only this test knows.
const HOST: &str = "paywall.test";

/// Makes an authority, and a certificate of it for [`HOST`].
fn certify(folder: &Path) -> Result<()> {
    let extensions = format!("subjectAltName=DNS:{HOST}\nbasicConstraints=CA:FALSE\n");
    std::fs::write(folder.join("extensions"), extensions)?;
    for arguments in [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.crt",
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=paywall -keyout tls.key -out tls.csr",
        "x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out tls.crt",
    ] {
        place::output(Command::new("openssl").args(arguments.split(' ')).current_dir(folder))?;
    }
    Ok(())
}

#[tokio::test]
async fn the_file_with_tls_sells_over_tls_only() -> Result<()> {
    let stack = stack().await?;
    let folder = tempfile::tempdir()?;
    certify(folder.path())?;
    let envoy = stack.envoy_with("tls", &shipped(stack, folder.path(), "envoy/tls.yaml")?, None).await?;
    let authority = std::fs::read(folder.path().join("ca.crt"))?;
    let client = reqwest::Client::builder()
        .add_root_certificate(reqwest::Certificate::from_pem(&authority)?)
        .resolve(HOST, envoy.address())
        .build()?;
    let url = |path: &str| format!("https://{HOST}:{}{path}", envoy.address().port());

    assert_eq!(client.get(url("/free/tls")).send().await?.status(), 200);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let page = loop {
        let page = client.get(url("/premium/tls")).header("accept", "text/html").send().await?;
        if page.status() == 402 {
            break page;
        }
        anyhow::ensure!(std::time::Instant::now() < deadline, "the paid path answers {}", page.status());
    };
    let cookies: Vec<_> = page.headers().get_all("set-cookie").iter().collect();
    assert!(!cookies.is_empty());
    for cookie in cookies {
        assert!(cookie.to_str()?.contains("Secure"), "{cookie:?}");
    }

    let payer = stack.payer().await?;
    let mut request = client.get(url("/premium/tls"));
    for (name, value) in paying(&payer, 1000) {
        request = request.header(name, value);
    }
    let paid = request.send().await?;
    assert_eq!(paid.status(), 200);
    assert_eq!(paid.headers().get(header::COST).context("no cost")?, "1000");

    let moved = get(envoy.listener("redirect").await?, "/premium/tls").await?;
    assert_eq!(moved.status, 301);
    assert!(moved.header("location").is_some_and(|to| to.starts_with("https://")), "{:?}", moved.headers);
    assert_eq!(moved.header(header::PRICE), None);
    Ok(())
}
