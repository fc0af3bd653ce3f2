use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, SqliteConnection};
use uraiden_core::Address;
use uraiden_core::wire::{Entry, Health};
use uraiden_sidecar::health::HealthBoard;
use uraiden_sidecar::store::{BindError, Binding, Chain, Commits, Database, OpenError, Risks, Scope, Store};

use crate::fixture::{Ledger, attempt, binding, open, scope};

async fn try_open(path: &std::path::Path, scope: Scope) -> Result<(), OpenError> {
    let health = Arc::new(HealthBoard::new(Duration::from_secs(60)));
    Store::open(&Database::Sqlite(path.to_owned()), scope, Risks::default(), health).await.map(drop)
}

#[tokio::test]
async fn one_process_at_a_time() {
    let ledger = Ledger::new().await;
    let path = ledger.path();
    assert!(matches!(try_open(&path, scope()).await, Err(OpenError::InUse { .. })));
    let _folder = ledger.stop().await;
    try_open(&path, scope()).await.unwrap();
}

#[tokio::test]
async fn nobody_else_may_read_the_proofs() {
    let ledger = Ledger::new().await;
    let mode = |name: &str| {
        let path = ledger.folder.path().join(name);
        path.metadata().unwrap().permissions().mode() & 0o777
    };
    for name in ["u.db", "u.db-wal", "u.db-shm", "u.db.lock"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    let path = ledger.path();
    let _folder = ledger.stop().await;
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
    assert!(matches!(try_open(&path, scope()).await, Err(OpenError::Mode { mode: 0o640, .. })));
}

#[tokio::test]
async fn tables_of_a_later_version_are_refused() {
    let ledger = Ledger::new().await;
    let path = ledger.path();
    let _folder = ledger.stop().await;
    let mut connection = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (99, 'later', 1, x'00', 0)",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
    assert!(matches!(try_open(&path, scope()).await, Err(OpenError::TooNew { version: 99, .. })));
}

#[tokio::test]
async fn a_ledger_serves_one_contract_and_receiver() {
    let ledger = Ledger::new().await;
    let path = ledger.path();
    let _folder = ledger.stop().await;
    let other = Address([9; 20]);
    for (name, scope) in [
        ("contract", Scope { contract: other, ..scope() }),
        ("receiver", Scope { receiver: other, ..scope() }),
    ] {
        match try_open(&path, scope).await {
            Err(OpenError::Binding {
                source: BindError::Other { name: found, found: value, .. }, ..
            }) => {
                assert_eq!((found, value), (name, other.to_string()));
            }
            result => panic!("{name}: {result:?}"),
        }
    }
}

#[tokio::test]
async fn a_ledger_serves_one_chain_code_and_token() {
    let ledger = Ledger::new().await;
    let first = ledger.store.bound().unwrap().ledger.clone();
    assert_eq!((first.id.len(), first.generation), (32, 1));
    let ledger = ledger.restart().await;
    assert_eq!(ledger.store.bound().unwrap().ledger, first);
    ledger.store.bind(ledger.epoch, binding()).await.unwrap();
    ledger.store.check_chain(binding().chain).unwrap();
    assert!(ledger.store.check_chain(Chain { id: 1, ..binding().chain }).is_err());
    for (name, other) in [
        ("chain id", Binding { chain: Chain { id: 1, ..binding().chain }, ..binding() }),
        ("genesis block", Binding { chain: Chain { genesis: [9; 32], ..binding().chain }, ..binding() }),
        ("contract code", Binding { code_hash: [9; 32], ..binding() }),
        ("token", Binding { token: Address([9; 20]), ..binding() }),
        ("challenge period", Binding { challenge_period: 501, ..binding() }),
    ] {
        match ledger.store.bind(ledger.epoch, other).await {
            Err(BindError::Other { name: found, .. }) => assert_eq!(found, name),
            result => panic!("{name}: {result:?}"),
        }
    }
}

#[tokio::test]
async fn a_ledger_that_cannot_be_written_accepts_nothing_and_recovers() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.health.in_step();
    let mut saboteur = SqliteConnection::connect(ledger.path().to_str().unwrap()).await.unwrap();
    // The first is written by payments, the second by whatever tries again.
    for sabotage in ["ALTER TABLE attempts RENAME TO gone", "ALTER TABLE ledger RENAME TO gone_too"] {
        sqlx::query(sabotage).execute(&mut saboteur).await.unwrap();
    }
    let entries = vec![Entry::Commit(attempt(1, 10, 10))];
    assert!(ledger.store.batch(entries.clone(), Commits::Judge { until: u64::MAX }).await.is_err());
    assert_eq!(ledger.state().await, open(100, 0));
    let reason = "the ledger cannot be written".to_owned();
    let failing = Health::NotReady { reason };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while ledger.health.health() != failing {
        assert!(tokio::time::Instant::now() < deadline, "still ready");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    for repair in ["ALTER TABLE gone RENAME TO attempts", "ALTER TABLE gone_too RENAME TO ledger"] {
        sqlx::query(repair).execute(&mut saboteur).await.unwrap();
    }
    saboteur.close().await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !ledger.health.is_ready() {
        assert!(tokio::time::Instant::now() < deadline, "still not ready");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ledger.store.batch(entries, Commits::Judge { until: u64::MAX }).await.unwrap();
    assert_eq!(ledger.state().await, open(100, 10));
}
