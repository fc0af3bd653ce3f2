use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use uraiden_core::channel::ChannelState;
use uraiden_sidecar::store::{
    self, BindError, ChannelRow, Database, EventKind, HeldProof, ImportError, Imported, LineFault, Mode,
};

use crate::fixture::{
    CONTRACT, Ledger, OPEN_BLOCK, attempt, channel, database_of, event, open, proof, proof_by, receiver,
    sender, signer, tokens,
};

/// Deposit 100, topped up by 50; paid 90, 120 and 140, of which 90 is the highest within the first deposit, and 30 are a
/// credit.
async fn ledger() -> Ledger {
    let ledger = Ledger::with_deposit(100).await;
    ledger.read_chain(12, &[event(12, EventKind::ToppedUp, 50)]).await;
    ledger.read_chain(13, &[]).await;
    for (id, price, balance) in [(1, 90, 90), (2, 30, 120), (3, 20, 140)] {
        ledger.commit(attempt(id, price, balance)).await;
    }
    // Its resource failed when the next payment stood on it.
    ledger.take_back(attempt(2, 30, 120)).await;
    ledger
}

async fn exported(ledger: &Ledger) -> Vec<String> {
    let mut lines = Vec::new();
    store::export(&ledger.database, &mut lines, |_, _| ()).await.unwrap();
    String::from_utf8(lines).unwrap().lines().map(str::to_owned).collect()
}

async fn import_into(folder: &TempDir, lines: &[String], mode: Mode) -> Result<Imported, ImportError> {
    store::import(&database_of(folder).await, lines.join("\n").as_bytes(), mode, |_, _| ()).await
}

fn database(folder: &Path) -> std::path::PathBuf {
    folder.join("u.db")
}

/// The chain is read again from its beginning, as a new database has to.
async fn read_all(ledger: &Ledger) {
    let opened = event(OPEN_BLOCK, EventKind::Opened, 100);
    ledger.read_again_from(0, 15, &[opened, event(12, EventKind::ToppedUp, 50)]).await;
}

async fn row(ledger: &Ledger) -> ChannelRow {
    ledger.store.channel(channel()).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_format_is_documented() {
    let lines = exported(&ledger().await).await;
    let parsed: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [header, line] = &parsed[..] else { panic!("{lines:?}") };
    for (name, value) in [
        ("uraidenExport", json!(1)),
        ("chainId", json!(31337)),
        ("genesis", json!(format!("0x{}", "01".repeat(32)))),
        ("contract", json!(CONTRACT.to_string())),
        ("receiver", json!(receiver().to_string())),
        ("challengePeriod", json!(500)),
        ("channels", json!(1)),
    ] {
        assert_eq!(header[name], value, "{name}");
    }
    assert_eq!(header["ledger"]["generation"], json!(1));
    for (name, value) in [
        ("sender", json!(sender().to_string())),
        ("openBlock", json!(OPEN_BLOCK)),
        ("balance", json!("140")),
        ("signature", json!(proof(140).to_string())),
        ("closingBalance", json!(null)),
        ("credit", json!("30")),
        ("levels", json!([{"deposit": "100", "balance": "90", "signature": proof(90).to_string()}])),
    ] {
        assert_eq!(line[name], value, "{name}");
    }
    let attempt = format!("{:032x}", 3);
    let undo = json!({"attempt": attempt, "balance": "120", "signature": proof(120).to_string()});
    assert_eq!(line["undo"], undo);
    let manual = include_str!("../../../docs/operations.md");
    for key in header.as_object().unwrap().keys().chain(line.as_object().unwrap().keys()) {
        assert!(manual.contains(&format!("`{key}`")), "docs/operations.md does not name {key}");
    }
}

#[tokio::test]
async fn everything_that_was_signed_survives_and_the_channels_are_held_back() {
    let before = ledger().await;
    let lines = exported(&before).await;
    let folder = TempDir::new().unwrap();
    let imported = import_into(&folder, &lines, Mode::Order).await.unwrap();
    assert_eq!((imported.channels, imported.ledger.generation), (1, 2));
    assert_eq!(imported.ledger.id, before.store.bound().unwrap().ledger.id);

    let after = Ledger::in_folder(folder, 1).await;
    read_all(&after).await;
    assert_eq!(after.state().await, ChannelState::Closed);
    let (old, new) = (row(&before).await, row(&after).await);
    assert_eq!(
        (new.balance, new.signature, new.undo, new.deposit, new.credit),
        (old.balance, old.signature, old.undo, old.deposit, tokens(30))
    );
    // The level of the first deposit too: the top-up goes away.
    after.read_again_from(12, 16, &[]).await;
    let best = after.store.claimable(&row(&after).await).await.unwrap();
    assert_eq!(best, Some(HeldProof { balance: tokens(90), signature: proof(90) }));
}

#[tokio::test]
async fn a_closing_mark_is_imported_and_claimed_at_its_balance() {
    let before = ledger().await;
    before.store.close(channel(), tokens(140)).await.unwrap();
    let folder = TempDir::new().unwrap();
    import_into(&folder, &exported(&before).await, Mode::Order).await.unwrap();
    let after = Ledger::in_folder(folder, 1).await;
    read_all(&after).await;
    after.store.release(channel(), Mode::Order).await.unwrap().unwrap();
    assert_eq!(after.state().await, ChannelState::Closed);
    let claimed = after.store.claimable(&row(&after).await).await.unwrap();
    assert_eq!(claimed.map(|proof| proof.balance), Some(tokens(140)));
}

#[tokio::test]
async fn a_bad_line_is_named_and_nothing_is_imported() {
    let lines = exported(&ledger().await).await;
    let change = |name: &str, value: Value| {
        let mut line: Value = serde_json::from_str(&lines[1]).unwrap();
        *line.pointer_mut(name).unwrap() = value;
        vec![lines[0].clone(), line.to_string()]
    };
    let stranger = json!(proof_by(&signer(0xab), 140).to_string());
    let not_by_sender = |balance| LineFault::NotBySender { balance: tokens(balance) };
    let order = |lower, upper| LineFault::Order { lower: tokens(lower), upper: tokens(upper) };
    for (bad, number, expected) in [
        (change("/signature", stranger), 2, not_by_sender(140)),
        (change("/balance", json!("141")), 2, not_by_sender(141)),
        (change("/openBlock", json!(11)), 2, not_by_sender(140)),
        (change("/undo/balance", json!("119")), 2, not_by_sender(119)),
        (change("/undo/balance", json!("140")), 2, order(140, 140)),
        (change("/credit", json!("141")), 2, order(141, 140)),
        (change("/undo/signature", json!(null)), 2, LineFault::NoProof { balance: tokens(120) }),
        (change("/levels/0/balance", json!("89")), 2, not_by_sender(89)),
        (change("/levels/0/deposit", json!("89")), 2, order(90, 89)),
        (change("/closingBalance", json!("139")), 2, LineFault::ClosingWithoutProof { balance: tokens(139) }),
        (vec![lines[0].clone(), lines[1].clone(), lines[1].clone()], 3, LineFault::Twice),
        (vec![lines[0].replace("\"uraidenExport\":1", "\"uraidenExport\":2")], 1, LineFault::Version(2)),
    ] {
        let folder = TempDir::new().unwrap();
        match import_into(&folder, &bad, Mode::Order).await {
            Err(ImportError::Line { line, fault }) => assert_eq!((line, &fault), (number, &expected)),
            other => panic!("{expected}: {other:?}"),
        }
        let after = Ledger::in_folder(folder, 1).await;
        assert!(after.store.bound().is_none(), "{expected}: bound all the same");
        assert_eq!(after.store.channel(channel()).await.unwrap(), None, "{expected}");
    }
    for bad in [
        vec![],
        vec!["{}".to_owned()],
        vec![lines[0].clone(), " ".to_owned()],
        vec![lines[0].clone(), lines[1].replace("\"levels\"", "\"more\":1,\"levels\"")],
    ] {
        let refused = import_into(&TempDir::new().unwrap(), &bad, Mode::Order).await;
        assert!(matches!(refused, Err(ImportError::Line { fault: LineFault::Unreadable(_), .. })), "{bad:?}");
    }
}

#[tokio::test]
async fn an_export_that_is_not_whole_is_refused() {
    let lines = exported(&ledger().await).await;
    let cut = import_into(&TempDir::new().unwrap(), &lines[..1], Mode::Order).await;
    assert!(matches!(cut, Err(ImportError::Count { said: 1, found: 0 })), "{cut:?}");
}

#[tokio::test]
async fn a_dry_run_finds_what_is_wrong_and_changes_nothing() {
    let lines = exported(&ledger().await).await;
    let folder = TempDir::new().unwrap();
    assert_eq!(import_into(&folder, &lines, Mode::DryRun).await.unwrap().channels, 1);
    assert!(!database(folder.path()).exists());
    let bad = [lines[0].clone(), lines[1].replace("\"140\"", "\"141\"")];
    assert!(import_into(&folder, &bad, Mode::DryRun).await.is_err());

    let folder = Ledger::with_deposit(100).await.stop().await;
    import_into(&folder, &lines, Mode::DryRun).await.unwrap();
    let ledger = Ledger::in_folder(folder, 1).await;
    assert_eq!(ledger.state().await, open(100, 0));
}

#[tokio::test]
async fn what_the_database_holds_is_never_lowered() {
    let old = exported(&ledger().await).await;
    for (paid, kept) in [(50, 140), (140, 140), (145, 145)] {
        let other = Ledger::with_deposit(150).await;
        other.commit(attempt(9, paid, paid)).await;
        let folder = other.stop().await;
        import_into(&folder, &old, Mode::Order).await.unwrap();
        let after = Ledger::in_folder(folder, 1).await;
        let row = row(&after).await;
        assert_eq!((row.balance, row.signature), (tokens(kept), Some(proof(kept))), "{paid}");
        assert_eq!(after.store.bound().unwrap().ledger.generation, 2);
    }
}

#[tokio::test]
async fn an_agreement_is_claimed_at_its_balance_also_where_more_was_paid_since() {
    let before = ledger().await;
    before.store.close(channel(), tokens(140)).await.unwrap();
    let lines = exported(&before).await;
    let other = Ledger::with_deposit(150).await;
    other.commit(attempt(9, 145, 145)).await;
    let folder = other.stop().await;
    import_into(&folder, &lines, Mode::Order).await.unwrap();
    let after = Ledger::in_folder(folder, 1).await;
    let claimed = after.store.claimable(&row(&after).await).await.unwrap();
    assert_eq!(claimed, Some(HeldProof { balance: tokens(140), signature: proof(140) }));

    let other = Ledger::with_deposit(150).await;
    other.commit(attempt(9, 130, 130)).await;
    other.store.close(channel(), tokens(130)).await.unwrap();
    let refused = import_into(&other.stop().await, &lines, Mode::Order).await;
    let fault = LineFault::OtherAgreement { imported: tokens(140), held: tokens(130) };
    match refused {
        Err(ImportError::Line { line: 2, fault: found }) => assert_eq!(found, fault),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_ledger_takes_nothing_from_its_own_past_or_from_another_contract() {
    let before = ledger().await;
    let lines = exported(&before).await;
    let in_use = store::import(&before.database, lines.join("\n").as_bytes(), Mode::Order, |_, _| ()).await;
    match before.database {
        Database::Sqlite(_) => assert!(matches!(in_use, Err(ImportError::Open(_))), "{in_use:?}"),
        // It may be used meanwhile.
        Database::Postgres(_) => assert!(matches!(in_use, Err(ImportError::SameLedger(_))), "{in_use:?}"),
    }
    let folder = before.stop().await;
    let same = import_into(&folder, &lines, Mode::Order).await;
    assert!(matches!(same, Err(ImportError::SameLedger(_))), "{same:?}");

    let folder = Ledger::with_deposit(100).await.stop().await;
    let elsewhere = [lines[0].replace("\"chainId\":31337", "\"chainId\":1"), lines[1].clone()];
    match import_into(&folder, &elsewhere, Mode::Order).await {
        Err(ImportError::Binding(BindError::Other { name, .. })) => assert_eq!(name, "chain id"),
        other => panic!("{other:?}"),
    }
}
