//! What only a ledger in PostgreSQL can meet: several processes, and a server that forgets.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use alloy::signers::SignerSync;
use sqlx::{Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tokio::task::JoinSet;
use uraiden_core::channel::ChannelState;
use uraiden_core::wire::{Answer, Attempt, ChannelKey, Entry};
use uraiden_core::{BlockNumber, Signature, digest};
use uraiden_sidecar::health::HealthBoard;
use uraiden_sidecar::store::{
    ChainEvent, Closing, Commits, Database, EventKind, OpenError, Opened, Risks, Store,
};

use crate::fixture::{
    CONTRACT, Ledger, OPEN_BLOCK, POSTGRES, attempt, channel, event, open, receiver, schema_of, scope,
    signer, tokens,
};

/// A second and a third process on the ledger of the first.
async fn three(first: &Ledger) -> Vec<Store> {
    let mut stores = vec![first.store.clone()];
    for _ in 0..2 {
        stores.push(another(first).await);
    }
    stores
}

async fn another(first: &Ledger) -> Store {
    let opened = opened(first).await;
    tokio::spawn(opened.writer.run());
    opened.store
}

/// One that writes nothing yet.
async fn opened(first: &Ledger) -> Opened {
    let health = Arc::new(HealthBoard::new(Duration::from_secs(60)));
    Store::open(&first.database, scope(), Risks::default(), health).await.unwrap()
}

/// The database of a folder in PostgreSQL, by sessions that do not wait for the disk.
pub(crate) fn fragile_url(folder: &TempDir) -> String {
    let server = std::env::var(POSTGRES).unwrap();
    let sign = if server.contains('?') { '&' } else { '?' };
    format!("{server}{sign}options[search_path]={}&options[synchronous_commit]=off", schema_of(folder))
}

async fn commit(store: &Store, id: u128, price: u64, balance: u64) -> Answer {
    let entries = vec![Entry::Commit(attempt(id, price, balance))];
    store.batch(entries, Commits::Judge { until: u64::MAX }).await.unwrap().remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_several_processes_are_offered_counts_once() {
    let ledger = Ledger::with_deposit(100).await;
    let stores = three(&ledger).await;
    for round in 1..=20 {
        let mut racing = JoinSet::new();
        for (at, store) in (0..).zip(&stores) {
            let store = store.clone();
            racing.spawn(async move { commit(&store, 100 * u128::from(round) + at, 5, 5 * round).await });
        }
        let answers = racing.join_all().await;
        let accepted = answers.iter().filter(|answer| matches!(answer, Answer::Accepted { .. })).count();
        assert_eq!(accepted, 1, "round {round}: {answers:?}");
    }
    assert_eq!(ledger.state().await, open(100, 100));
    for store in &stores {
        let found = store.channel(channel()).await.unwrap().unwrap();
        assert_eq!(found.balance, tokens(100));
    }
    let income: u64 = ledger.store.income(0).await.unwrap().iter().map(|income| income.payments).sum();
    assert_eq!(income, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_that_reaches_several_processes_counts_once_and_is_answered_by_all() {
    let ledger = Ledger::with_deposit(100).await;
    let stores = three(&ledger).await;
    let mut racing = JoinSet::new();
    for store in &stores {
        let store = store.clone();
        racing.spawn(async move { commit(&store, 1, 10, 10).await });
    }
    for answer in racing.join_all().await {
        assert_eq!(answer, Answer::Accepted { channel: open(100, 10) });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closing_a_payment_and_a_top_up_that_race_leave_one_balance() {
    for round in 0..15 {
        let ledger = Ledger::with_deposit(100).await;
        let stores = three(&ledger).await;
        assert!(matches!(commit(&stores[0], 1, 10, 10).await, Answer::Accepted { .. }));
        let closing = tokio::spawn({
            let store = stores[0].clone();
            async move { store.close(channel(), tokens(10)).await.unwrap() }
        });
        let paying = tokio::spawn({
            let store = stores[1].clone();
            async move { commit(&store, 2, 15, 25).await }
        });
        let topped_up = [event(OPEN_BLOCK + 2, EventKind::ToppedUp, 50)];
        ledger.read_chain(OPEN_BLOCK + 2, &topped_up).await;
        ledger.read_chain(OPEN_BLOCK + 3, &[]).await;
        let (closed, paid) = (closing.await.unwrap(), paying.await.unwrap());

        let row = stores[2].channel(channel()).await.unwrap().unwrap();
        assert_eq!(row.deposit, tokens(150), "round {round}");
        match (closed, &paid) {
            (Closing::Marked, Answer::Refused { .. }) => {
                assert_eq!((row.balance, row.closing_balance), (tokens(10), Some(tokens(10))));
                assert_eq!(row.undo, None, "what an agreement names is final");
            }
            (Closing::OtherBalance, Answer::Accepted { .. }) => {
                assert_eq!((row.balance, row.closing_balance), (tokens(25), None));
            }
            other => panic!("round {round}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_crosses_a_deposit_keeps_the_proof_before_it() {
    let ledger = Ledger::with_deposit(100).await;
    let other = another(&ledger).await;
    assert!(matches!(commit(&other, 1, 90, 90).await, Answer::Accepted { .. }));
    ledger.read_chain(OPEN_BLOCK + 2, &[event(OPEN_BLOCK + 2, EventKind::ToppedUp, 50)]).await;
    ledger.read_chain(OPEN_BLOCK + 3, &[]).await;
    assert!(matches!(commit(&other, 2, 30, 120).await, Answer::Accepted { .. }));
    // The top-up is reorganised away.
    ledger.replace_from(OPEN_BLOCK + 2, OPEN_BLOCK + 3, &[]).await;
    let row = other.channel(channel()).await.unwrap().unwrap();
    let claimable = other.claimable(&row).await.unwrap().unwrap();
    assert_eq!((row.deposit, claimable.balance), (tokens(100), tokens(90)));
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_the_server_forgot_start_a_generation_that_takes_no_payments() {
    let ledger = Ledger::with_deposit(100).await;
    assert!(matches!(ledger.commit(attempt(1, 10, 10)).await, Answer::Accepted { .. }));
    ledger
        .tamper(
            "UPDATE writers SET count = count - 1; DELETE FROM attempts; \
         UPDATE channels SET balance = undo_balance, signature = undo_signature, undo_attempt = NULL, \
         undo_balance = NULL, undo_signature = NULL",
        )
        .await;
    // Nobody was told of it yet: what comes next finds it out, and is not accepted.
    let refused = ledger.commit(attempt(2, 5, 5)).await;
    assert_eq!(refused, Answer::Refused { channel: ChannelState::Closed });
    let row = ledger.store.channel(channel()).await.unwrap().unwrap();
    assert_eq!((row.balance, row.held_generation), (tokens(0), Some(2)));
    // Once it is known, it starts no further one.
    ledger.read_chain(OPEN_BLOCK + 2, &[]).await;
    let row = ledger.store.channel(channel()).await.unwrap().unwrap();
    assert_eq!(row.held_generation, Some(2));
}

/// Each of them has lost something, and one of them finds that out late.
#[tokio::test(flavor = "multi_thread")]
async fn one_loss_starts_one_generation_however_many_find_out() {
    let ledger = Ledger::with_deposit(100).await;
    let stores = three(&ledger).await;
    let late = opened(&ledger).await;
    for (id, store) in (1..).zip(&stores) {
        assert!(matches!(commit(store, u128::from(id), 5, 5 * id).await, Answer::Accepted { .. }));
    }
    ledger.tamper("UPDATE writers SET count = count - 1; DELETE FROM writers WHERE count <= 0").await;
    let mut finding = JoinSet::new();
    for (id, store) in (10..).zip(&stores) {
        let store = store.clone();
        finding.spawn(async move { commit(&store, id, 5, 20).await });
    }
    for answer in finding.join_all().await {
        assert_eq!(answer, Answer::Refused { channel: ChannelState::Closed });
    }

    // A channel that is opened afterwards has lost nothing.
    ledger.store.refresh().await.unwrap();
    ledger.store.reach_head(ledger.epoch, u64::from(OPEN_BLOCK + 1)).await.unwrap();
    let block = OPEN_BLOCK + 5;
    let opening = event(block, EventKind::Opened, 100);
    let new = ChannelKey { open_block: BlockNumber(block), ..opening.channel };
    ledger.read_chain(block, &[ChainEvent { channel: new, ..opening }]).await;
    ledger.read_chain(block + 1, &[]).await;
    let pay = |id: u128, balance: u64| {
        let digest = digest::balance_proof(receiver(), new.open_block, tokens(balance), CONTRACT);
        let signature = signer(0xaa).sign_hash_sync(&digest.into()).unwrap().as_bytes();
        let signature = Signature::from_bytes(&signature).unwrap();
        vec![Entry::Commit(Attempt { channel: new, signature, ..attempt(id, 5, balance) })]
    };
    let judge = Commits::Judge { until: u64::MAX };
    let answers = stores[0].batch(pay(20, 5), judge).await.unwrap();
    assert!(matches!(answers[..], [Answer::Accepted { .. }]), "{answers:?}");
    tokio::spawn(late.writer.run());
    let answers = late.store.batch(pay(21, 10), judge).await.unwrap();
    assert!(matches!(answers[..], [Answer::Accepted { .. }]), "{answers:?}");

    late.store.refresh().await.unwrap();
    assert_eq!(late.store.bound().unwrap().ledger.generation, 2);
    assert_eq!(late.store.channel(channel()).await.unwrap().unwrap().held_generation, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_that_the_server_forgot_is_not_counted_again() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.tamper("UPDATE writers SET count = count - 1").await;
    ledger.commit(attempt(1, 5, 5)).await;
    ledger
        .tamper(
            "UPDATE channels SET held_generation = NULL; UPDATE ledger SET generation = 1; \
         UPDATE writers SET count = count - 1",
        )
        .await;
    ledger.commit(attempt(2, 5, 5)).await;
    // Filters have seen the second one.
    let row = ledger.store.channel(channel()).await.unwrap().unwrap();
    assert_eq!(row.held_generation, Some(3));
}

/// Nobody asks for anything, and what was lost is found out all the same: others may rely on it.
#[tokio::test(flavor = "multi_thread")]
async fn a_loss_is_found_out_by_who_has_nothing_to_do() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.tamper("UPDATE writers SET count = count - 1").await;
    let found = async {
        while ledger.store.channel(channel()).await.unwrap().unwrap().held_generation != Some(2) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), found).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_timeline_holds_channels_back_unless_commits_waited_for_a_standby() {
    for (earlier, generation) in [
        ("UPDATE server SET timeline = timeline - 1, waits = 1", 1),
        ("UPDATE server SET timeline = timeline - 1, waits = 0", 2),
        // As after an upgrade of the server.
        ("UPDATE server SET timeline = timeline + 1, waits = 0", 1),
    ] {
        let mut ledger = Ledger::with_deposit(100).await;
        ledger.tamper(earlier).await;
        // What is known is not found again.
        for _ in 0..2 {
            ledger = ledger.restart().await;
            assert_eq!(ledger.store.bound().unwrap().ledger.generation, generation, "{earlier}");
            let row = ledger.store.channel(channel()).await.unwrap().unwrap();
            assert_eq!(row.held_generation, (generation == 2).then_some(2), "{earlier}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_does_not_wait_for_the_disk_is_refused() {
    let folder = TempDir::new().unwrap();
    let ledger = Ledger::in_folder(folder, 1).await;
    let Database::Postgres(_) = &ledger.database else { panic!("these run on PostgreSQL") };
    let fragile: Database = fragile_url(&ledger.folder).parse().unwrap();
    let health = || Arc::new(HealthBoard::new(Duration::from_secs(60)));
    let refused = Store::open(&fragile, scope(), Risks::default(), health()).await.err().unwrap();
    assert!(matches!(refused, OpenError::Fragile { .. }), "{refused}");
    assert!(refused.to_string().contains("synchronous_commit is off"), "{refused}");
    let risks = Risks { losing_commits: true, ..Risks::default() };
    Store::open(&fragile, scope(), risks, health()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_may_start_at_once() {
    let folder = TempDir::new().unwrap();
    let database = crate::fixture::database_of(&folder).await;
    let open = || {
        let health = Arc::new(HealthBoard::new(Duration::from_secs(60)));
        Store::open(&database, scope(), Risks::default(), health)
    };
    for opened in futures_util::future::join_all([open(), open(), open(), open()]).await {
        opened.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_stands_in_a_file_has_its_place_in_postgresql() {
    let ledger = Ledger::new().await;
    let file = ledger.folder.path().join("u.db");
    let health = Arc::new(HealthBoard::new(Duration::from_secs(60)));
    let opened =
        Store::open(&Database::Sqlite(file.clone()), scope(), Risks::default(), health).await.unwrap();
    let mut sqlite = SqliteConnection::connect(file.to_str().unwrap()).await.unwrap();
    let in_file: BTreeSet<(String, String)> = sqlx::query_as(
        "SELECT tables.name, columns.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns \
         WHERE tables.type = 'table' AND tables.name NOT LIKE '\\_%' ESCAPE '\\' AND tables.name <> 'moved'",
    )
    .fetch_all(&mut sqlite)
    .await
    .unwrap()
    .into_iter()
    .collect();
    drop(opened);
    let in_postgres: BTreeSet<(String, String)> = sqlx::query_as(
        "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns \
         WHERE table_schema = $1",
    )
    .bind(schema_of(&ledger.folder))
    .fetch_all(&mut PgConnection::connect(&std::env::var(POSTGRES).unwrap()).await.unwrap())
    .await
    .unwrap()
    .into_iter()
    .collect();
    let missing: Vec<_> = in_file.difference(&in_postgres).collect();
    assert!(in_file.len() > 60 && missing.is_empty(), "{missing:?} of {}", in_file.len());
}

#[tokio::test]
async fn payments_find_their_rows_by_an_index_however_few_there_are() {
    const PAYMENTS: u64 = 50;
    let ledger = Ledger::with_deposit(PAYMENTS).await;
    for balance in 1..=PAYMENTS {
        let answer = commit(&ledger.store, u128::from(balance), 1, balance).await;
        assert!(matches!(answer, Answer::Accepted { .. }), "{answer:?}");
    }
    let schema = schema_of(&ledger.folder);
    // A session tells what it did when it ends.
    ledger.stop().await;
    let mut server = PgConnection::connect(&std::env::var(POSTGRES).unwrap()).await.unwrap();
    loop {
        let updates: i64 = sqlx::query_scalar(
            "SELECT n_tup_upd FROM pg_stat_all_tables WHERE schemaname = $1 AND relname = 'channels'",
        )
        .bind(&schema)
        .fetch_one(&mut server)
        .await
        .unwrap();
        if updates >= PAYMENTS as i64 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Tables with one row, too: see how batches begin a transaction.
    let read: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_stat_all_tables WHERE schemaname = $1 AND seq_scan >= $2",
    )
    .bind(&schema)
    .bind(PAYMENTS as i64)
    .fetch_all(&mut server)
    .await
    .unwrap();
    assert!(read.is_empty(), "{read:?} were read from end to end for each payment");
}
