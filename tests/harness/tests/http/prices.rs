//! What a request costs, and that no spelling of it costs less.

use anyhow::Result;
use uraiden_core::header;
use uraiden_harness::NO_HEADERS;

use crate::fixture::{assert_terms, paying, problem, stack};

#[tokio::test]
async fn a_price_on_the_route_comes_before_the_rules() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let answer = stack.raw_get("/on-route/a", NO_HEADERS).await?;
    assert_terms(stack, &answer, 7);
    let answer = stack.raw_get("/on-route/a", paying(&payer, 7)).await?;
    assert_eq!((answer.status, answer.header(header::COST)), (200, Some("7")));
    assert_eq!(stack.raw_get("/on-route-free/a", NO_HEADERS).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_route_whose_price_cannot_be_read_is_closed() -> Result<()> {
    let stack = stack().await?;
    for (path, why) in [
        ("/on-route-number/a", "is a number: quote it"),
        ("/on-route-typo/a", "no decimal digit at position 1"),
    ] {
        let answer = stack.raw_get(path, NO_HEADERS).await?;
        assert_eq!((answer.status, problem(&answer).as_str()), (502, "bad-route-price"));
        assert!(answer.text().contains(why), "{}", answer.text());
        assert_eq!(stack.upstream().seen(path), 0);
    }
    Ok(())
}

/// Each of these might be the priced path `/premium/spelling` for some server. None reaches the upstream unpaid.
#[tokio::test]
async fn no_spelling_of_a_priced_path_is_served_unpaid() -> Result<()> {
    let stack = stack().await?;
    for path in [
        "/premium/spelling",
        "/premium/spelling?a=b",
        "/premium//spelling",
        "//premium/spelling",
        "///premium/spelling",
        "/./premium/spelling",
        "/x/../premium/spelling",
        "/x/%2e%2e/premium/spelling",
        "/x/%2E%2E/premium/spelling",
        "/x/..%2fpremium/spelling",
        "/x/..;/premium/spelling",
        "/x/..;a=b/premium/spelling",
        "/.;/premium/spelling",
        "/;/premium/spelling",
        "/;a/premium/spelling",
        "/premium;a/spelling",
        "/premium/spelling;a",
        "/premium;/spelling",
        "/premium%3Ba/spelling",
        "/premium%3B/spelling",
        "/%70remium/spelling",
        "/%50remium/../premium/spelling",
        "/premiu%6d/spelling",
        "/premium/%73pelling",
        "/premium%2Fspelling",
        "/premium%2fspelling",
        "/premium%5Cspelling",
        "/premium\\spelling",
        "/%2Fpremium/spelling",
        "/%2570remium/spelling",
        "/premium%252Fspelling",
        "/premium/%00spelling",
        "/premium/spelling%00",
        "/premium/spelling%0a",
        "/premium%09/spelling",
        "/premium/spelling%3Fa",
        "/premium/spelling%23a",
        "/premium/spelling/",
        "/premium/spelling/.",
        "/premium/x/../spelling",
        "/premium/%",
        "/premium/%c0%af",
        "/x%c0%af..%c0%afpremium/spelling",
        "/x/%uff0e./premium/spelling",
        "http://host/premium/spelling",
    ] {
        let answer = stack.raw_get(path, NO_HEADERS).await?;
        assert!(matches!(answer.status, 400 | 402), "{path}: {} {}", answer.status, answer.text());
    }
    for (name, value) in [
        ("x-http-method-override", "GET"),
        ("x-http-method", "GET"),
        ("x-original-url", "/premium/spelling"),
        ("x-rewrite-url", "/premium/spelling"),
    ] {
        let answer = stack.raw("POST", "/premium/spelling", [(name, value)], "").await?;
        assert!(matches!(answer.status, 400 | 402), "{name}: {}", answer.status);
    }
    let answer = stack.raw_get("/free", [("x-original-url", "/premium/spelling")]).await?;
    assert_eq!((answer.status, problem(&answer).as_str()), (400, "ambiguous-path"));
    for method in ["HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let answer = stack.raw(method, "/premium/spelling", NO_HEADERS, "").await?;
        assert_eq!(answer.status, 402, "{method}");
    }
    assert_eq!(stack.upstream().seen("/premium/spelling"), 0);
    Ok(())
}

#[tokio::test]
async fn a_true_preflight_is_never_charged() -> Result<()> {
    let stack = stack().await?;
    let preflight = [("origin", "https://a.example"), ("access-control-request-method", "GET")];
    assert_eq!(stack.raw("OPTIONS", "/premium/preflight", preflight, "").await?.status, 200);
    assert_eq!(stack.raw("OPTIONS", "/premium/preflight", [preflight[0]], "").await?.status, 402);
    assert_eq!(stack.raw("GET", "/premium/preflight", preflight, "").await?.status, 402);
    Ok(())
}

#[tokio::test]
async fn the_channel_api_is_never_behind_the_paywall() -> Result<()> {
    let stack = stack().await?;
    let stats = stack.raw_get("/api/1/stats", NO_HEADERS).await?;
    assert_eq!(stats.status, 200, "{}", stats.text());
    assert_eq!(stats.json()?["receiver_address"], stack.receiver().to_string());
    // A path that only looks like it is the application's.
    assert_eq!(stack.raw_get("/api/10", NO_HEADERS).await?.status, 200);
    assert_eq!(stack.upstream().seen("/api/10"), 1);
    Ok(())
}
