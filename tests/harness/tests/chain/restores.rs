//! A ledger that is lost, and what a backup or an export brings back: the proofs, and channels that are held back, since
//! agreements to close may be out that nobody here knows of any more.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use uraiden_harness::Stack;

use crate::fixture::{Customer, options, tokens, until_open};

#[tokio::test]
async fn a_backup_that_is_restored_holds_channels_back_until_they_are_released() -> Result<()> {
    let mut stack = Stack::start(options()).await?;
    let customer = Customer::who_paid(&stack, 3).await?;
    let backup = stack.logs().join("backup.db");
    let backup = backup.to_str().context("a path in UTF-8")?.to_owned();

    // Payments go on while the backup is made.
    let payments = async {
        for balance in 4..=40 {
            customer.pay(&stack, 10 * balance).await?;
        }
        anyhow::Ok(())
    };
    let arguments = ["backup", &backup, "--json"];
    let (made, paid) = tokio::join!(stack.sidecar.on_database(&arguments), payments);
    paid?;
    let made = made?;
    assert_eq!(made.code, 0, "{}", made.stderr);
    let made: Value = serde_json::from_str(&made.stdout)?;
    assert_eq!((&made["channels"], &made["ledger"]["generation"]), (&json!(1), &json!(1)));
    let again = stack.sidecar.on_database(&["backup", &backup]).await?;
    assert!(again.code == 1 && again.stderr.contains("is there already"), "{again:?}");

    // What the backup does not know: payments, an agreement to close, and a channel.
    let late = Customer::who_paid(&stack, 1).await?;
    assert_eq!(customer.ask_for_agreement(&stack, 400).await?, 200);
    let refused = stack.sidecar.on_database(&["restore", &backup]).await?;
    assert!(refused.code == 1 && refused.stderr.contains("in use"), "{refused:?}");
    lose_database(&mut stack)?;
    let restored = stack.sidecar.on_database(&["restore", &backup]).await?;
    assert_eq!(restored.code, 0, "{}", restored.stderr);
    stack.sidecar.restart().await?;
    until_open(&stack).await?;

    let held = balance_of(&stack, &customer).await?;
    assert!((30..=400).contains(&held), "{held}");
    for (customer, balance) in [(&customer, held + 10), (&customer, 410), (&late, 10), (&late, 20)] {
        // Each of Envoy's workers has forgotten what it knew.
        for _ in 0..8 {
            let answer = customer.offer(&stack, balance).await?;
            assert_eq!(answer.status, 402, "{}", answer.text());
            assert_eq!(answer.json()?["type"], "urn:uraiden:problem:channel-closed", "{}", answer.text());
        }
    }
    assert_eq!(customer.ask_for_agreement(&stack, held).await?, 409);
    let (code, report) = stack.sidecar.command(&["check"]).await?;
    assert_eq!((code, report["held"].as_array().map(Vec::len)), (1, Some(2)), "{report}");
    let leader = &report["leader"];
    assert_eq!((&leader["here"], &leader["lastBeatMs"]), (&json!(true), &json!(null)), "{report}");
    let (_, channels) = stack.sidecar.command(&["channels"]).await?;
    assert!(
        channels.as_array().is_some_and(|lines| lines.iter().all(|line| line["state"] == "held")),
        "{channels}"
    );

    // Whoever opens a channel now is served.
    Customer::who_paid(&stack, 1).await?;

    let (sender, open_block) = (late.channel().sender.to_string(), late.channel().open_block.to_string());
    let release = ["channels", "release", &sender, &open_block];
    let (code, tried) = stack.sidecar.command(&[&release[..], &["--dry-run"]].concat()).await?;
    assert_eq!((code, &tried[0]["released"], &tried[0]["dryRun"]), (0, &json!(false), &json!(true)));
    assert_eq!(late.try_to_pay(&stack, 10).await?, 402);
    let (code, released) = stack.sidecar.command(&release).await?;
    assert_eq!((code, &released[0]["released"]), (0, &json!(true)), "{released}");
    late.pay(&stack, 10).await?;
    let (code, refused) = stack.sidecar.command(&release).await?;
    assert_eq!((code, &refused[0]["refusal"]), (1, &json!("the channel is not held back")));

    // The other one is closed with what the backup has.
    let (sender, open_block) =
        (customer.channel().sender.to_string(), customer.channel().open_block.to_string());
    let (_, closing) = stack.sidecar.command(&["close", &sender, &open_block, "--wait", "0s"]).await?;
    assert_eq!(closing[0]["balance"], json!(held.to_string()), "{closing}");
    customer.until_settled(&stack).await?;
    assert_eq!(tokens(&stack, stack.receiver()).await?, held);
    Ok(())
}

#[tokio::test]
async fn a_cheat_is_challenged_with_what_a_backup_has() -> Result<()> {
    let mut stack = Stack::start(options()).await?;
    let cheat = Customer::who_paid(&stack, 3).await?;
    let backup = stack.logs().join("backup.db");
    let backup = backup.to_str().context("a path in UTF-8")?.to_owned();
    assert_eq!(stack.sidecar.on_database(&["backup", &backup]).await?.code, 0);
    lose_database(&mut stack)?;
    cheat.ask_to_close(0).await?;
    stack.chain.mine(1).await?;
    assert_eq!(stack.sidecar.on_database(&["restore", &backup]).await?.code, 0);
    stack.sidecar.restart().await?;
    cheat.until_settled(&stack).await?;
    assert_eq!(tokens(&stack, stack.receiver()).await?, 30);
    Ok(())
}

#[tokio::test]
async fn an_export_is_imported_into_a_new_database() -> Result<()> {
    let mut stack = Stack::start(options()).await?;
    let customers = [Customer::who_paid(&stack, 3).await?, Customer::who_paid(&stack, 5).await?];
    let export = stack.logs().join("channels.jsonl");
    let export = export.to_str().context("a path in UTF-8")?.to_owned();
    let exported = stack.sidecar.on_database(&["export", "--output", &export]).await?;
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    let printed = stack.sidecar.on_database(&["export"]).await?;
    assert_eq!(printed.stdout, std::fs::read_to_string(&export)?);

    lose_database(&mut stack)?;
    let tampered = stack.logs().join("tampered.jsonl");
    std::fs::write(&tampered, printed.stdout.replacen("\"balance\":\"50\"", "\"balance\":\"60\"", 1))?;
    let refused = stack.sidecar.on_database(&["import", tampered.to_str().context("a path")?]).await?;
    assert!(
        refused.code == 1 && refused.stderr.contains("is not the sender's; nothing was imported"),
        "{refused:?}"
    );

    let imported = stack.sidecar.on_database(&["import", &export, "--json"]).await?;
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    let imported: Value = serde_json::from_str(&imported.stdout)?;
    assert_eq!((&imported["channels"], &imported["ledger"]["generation"]), (&json!(2), &json!(2)));
    stack.sidecar.restart().await?;
    until_open(&stack).await?;
    assert_eq!(customers[0].try_to_pay(&stack, 40).await?, 402);
    let (code, released) = stack.sidecar.command(&["channels", "release", "--all"]).await?;
    assert_eq!((code, released.as_array().map(Vec::len)), (0, Some(2)), "{released}");
    customers[0].pay(&stack, 40).await?;
    customers[1].pay(&stack, 60).await
}

/// What the sidecar has of the channel.
async fn balance_of(stack: &Stack, customer: &Customer) -> Result<u64> {
    let channel = stack.sidecar.admin_call("GET", &customer.admin_path()).await?.json()?;
    Ok(channel["balance"].as_str().context("a balance")?.parse()?)
}

/// The sidecar ends, and its disk with it.
fn lose_database(stack: &mut Stack) -> Result<()> {
    stack.sidecar.part().kill();
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let path = format!("{}{suffix}", stack.sidecar.database().display());
        std::fs::remove_file(&path).with_context(|| path.clone())?;
    }
    Ok(())
}
