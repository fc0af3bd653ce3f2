//! What the merchant orders by `uraiden close`, `withdraw` and the like.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use uraiden_harness::{Options, Stack};

use crate::fixture::{Customer, options, set_ether, tokens, until};

/// Blocks come by themselves, as the commands wait for confirmations.
async fn stack() -> Result<Stack> {
    Stack::start(Options { block_time: Some(Duration::from_millis(300)), ..options() }).await
}

#[tokio::test]
async fn a_channel_is_closed_from_our_side() -> Result<()> {
    let stack = stack().await?;
    let customer = Customer::who_paid(&stack, 3).await?;
    let (sender, open_block) = name(&customer);

    let (code, tried) = stack.sidecar.command(&["close", &sender, &open_block, "--dry-run"]).await?;
    assert_eq!((code, &tried[0]["balance"], &tried[0]["dryRun"]), (0, &json!("30"), &json!(true)));
    customer.pay(&stack, 40).await?;

    let (code, closed) = stack.sidecar.command(&["close", &sender, &open_block]).await?;
    assert_eq!(
        (code, &closed[0]["balance"], &closed[0]["done"]),
        (0, &json!("40"), &json!(true)),
        "{closed}"
    );
    assert_eq!(tokens(&stack, stack.receiver()).await?, 40);
    assert_eq!(customer.try_to_pay(&stack, 50).await?, 402);

    let (code, again) = stack.sidecar.command(&["close", &sender, &open_block]).await?;
    assert_eq!((code, &again[0]["refusal"]), (1, &json!("the channel is settled")));
    Ok(())
}

#[tokio::test]
async fn all_channels_with_something_to_claim_are_closed() -> Result<()> {
    let stack = stack().await?;
    let customers = [Customer::who_paid(&stack, 1).await?, Customer::who_paid(&stack, 2).await?];
    let idle = Customer::new(&stack).await?;
    let (code, closed) = stack.sidecar.command(&["close", "--all"]).await?;
    assert_eq!((code, closed.as_array().map(Vec::len)), (0, Some(2)), "{closed}");
    for customer in &customers {
        assert!(!customer.is_on_chain().await?);
    }
    assert_eq!((idle.is_on_chain().await?, tokens(&stack, stack.receiver()).await?), (true, 30));

    let (code, left) = stack.sidecar.command(&["channels"]).await?;
    assert_eq!((code, left.as_array().map(Vec::len), &left[0]["state"]), (0, Some(1), &json!("open")));
    let (_, all) = stack.sidecar.command(&["channels", "--all"]).await?;
    assert_eq!(all.as_array().map(Vec::len), Some(3));
    Ok(())
}

#[tokio::test]
async fn what_is_final_is_withdrawn_and_the_channel_stays_open() -> Result<()> {
    let stack = stack().await?;
    let customer = Customer::who_paid(&stack, 3).await?;
    let (sender, open_block) = name(&customer);
    // The third payment could still be taken back.
    let (code, withdrawn) = stack.sidecar.command(&["withdraw", &sender, &open_block]).await?;
    assert_eq!((code, &withdrawn[0]["balance"]), (0, &json!("20")), "{withdrawn}");
    assert_eq!(tokens(&stack, stack.receiver()).await?, 20);

    customer.pay(&stack, 40).await?;
    let (code, withdrawn) = stack.sidecar.command(&["withdraw", "--all"]).await?;
    assert_eq!((code, &withdrawn[0]["balance"]), (0, &json!("30")), "{withdrawn}");
    let (code, refused) = stack.sidecar.command(&["withdraw", &sender, &open_block]).await?;
    let nothing = "nothing that is final is left to withdraw: 30 were withdrawn";
    assert_eq!((code, &refused[0]["refusal"]), (1, &json!(nothing)));

    let (code, _) = stack.sidecar.command(&["close", &sender, &open_block]).await?;
    assert_eq!((code, tokens(&stack, stack.receiver()).await?), (0, 40));
    Ok(())
}

#[tokio::test]
async fn much_is_withdrawn_by_itself() -> Result<()> {
    let flags = vec![("--withdraw-above", "25".to_owned())];
    let block_time = Some(Duration::from_millis(300));
    let stack = Stack::start(Options { block_time, sidecar_flags: flags, ..options() }).await?;
    let customer = Customer::who_paid(&stack, 4).await?;
    let small = Customer::who_paid(&stack, 2).await?;
    // Three payments are final.
    until("it is withdrawn", &stack, async || Ok(tokens(&stack, stack.receiver()).await? == 30)).await?;
    customer.pay(&stack, 50).await?;
    small.pay(&stack, 30).await
}

/// The contract pays a cheat's receiver what is above the earlier withdrawal.
#[tokio::test]
async fn a_cheat_is_challenged_for_what_was_not_withdrawn() -> Result<()> {
    let stack = stack().await?;
    let cheat = Customer::who_paid(&stack, 3).await?;
    let (sender, open_block) = name(&cheat);
    assert_eq!(stack.sidecar.command(&["withdraw", &sender, &open_block]).await?.0, 0);
    cheat.ask_to_close(20).await?;
    cheat.until_settled(&stack).await?;
    assert_eq!(tokens(&stack, stack.receiver()).await?, 30);
    Ok(())
}

#[tokio::test]
async fn without_credentials_nothing_is_told_or_changed() -> Result<()> {
    let stack = stack().await?;
    let customer = Customer::who_paid(&stack, 3).await?;
    let (sender, open_block) = name(&customer);
    let admin = format!("http://{}", stack.sidecar.admin());
    let public = format!("http://{}/api/1", stack.sidecar.public());
    let http = reqwest::Client::new();
    let channel = format!("/admin/channels/{sender}/{open_block}");
    for (method, path) in [
        ("DELETE", channel.clone()),
        ("DELETE", format!("/api/1{channel}")),
        ("POST", format!("{channel}/withdraw")),
        ("POST", "/admin/resume".to_owned()),
        ("GET", channel.clone()),
        ("GET", "/admin/channels".to_owned()),
        ("GET", "/admin/nothing".to_owned()),
    ] {
        for token in [None, Some("0123456789abcdef")] {
            let mut request = http.request(method.parse()?, format!("{admin}{path}"));
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            assert_eq!(request.send().await?.status().as_u16(), 401, "{method} {path} {token:?}");
        }
    }
    let answer = http.delete(format!("{public}{channel}")).send().await?;
    assert_eq!(answer.status().as_u16(), 404, "clients' listener has no admin calls");
    customer.pay(&stack, 40).await?;

    // With them, the path of the original is one too.
    let answer = stack.sidecar.admin_call("DELETE", &format!("/api/1{channel}")).await?;
    assert_eq!((answer.status, answer.json()?["balance"].clone()), (200, json!("40")));
    customer.until_settled(&stack).await
}

#[tokio::test]
async fn what_is_not_there_or_cannot_be_closed_is_refused() -> Result<()> {
    let stack = stack().await?;
    let customer = Customer::new(&stack).await?;
    let (sender, open_block) = name(&customer);
    for (arguments, refusal) in [
        (["close", &sender, "4294967295"], "there is no such channel"),
        (["withdraw", &sender, "4294967295"], "there is no such channel"),
        (["close", &sender, &open_block], "nothing was paid through this channel"),
        (["withdraw", &sender, &open_block], "nothing was paid through this channel"),
    ] {
        let (code, refused) = stack.sidecar.command(&arguments).await?;
        assert_eq!((code, &refused[0]["refusal"]), (1, &json!(refusal)), "{arguments:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_check_says_what_needs_an_operator() -> Result<()> {
    let stack = stack().await?;
    let (code, report) = stack.sidecar.command(&["check"]).await?;
    assert_eq!((code, &report["reason"], &report["overspent"]), (0, &Value::Null, &json!([])), "{report}");
    set_ether(&stack, "0x1").await?;
    until("the check fails", &stack, async || {
        let (code, report) = stack.sidecar.command(&["check"]).await?;
        Ok(code == 1 && report["reason"] == "the receiver has too little ETH for challenges")
    })
    .await
}

fn name(customer: &Customer) -> (String, String) {
    (customer.channel().sender.to_string(), customer.channel().open_block.to_string())
}
