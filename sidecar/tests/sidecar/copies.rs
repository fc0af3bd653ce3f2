use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sqlx::{Connection, Row, SqliteConnection};
use tempfile::TempDir;
use uraiden_core::wire::Answer;
use uraiden_sidecar::store::{self, CopyError, Mode, OpenError};

use crate::fixture::{Ledger, attempt, channel, open, tokens};

fn left_in(folder: &TempDir) -> Vec<String> {
    let names = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_backup_is_whole_private_and_one_file_while_payments_go_on() {
    let ledger = Ledger::with_deposit(10_000).await;
    let folder = TempDir::new().unwrap();
    let backup = folder.path().join("backup.db");
    ledger.commit(attempt(1, 10, 10)).await;
    let payments = async {
        for payment in 2..=300 {
            let balance = u64::try_from(payment).unwrap() * 10;
            let answer = ledger.commit(attempt(payment, 10, balance)).await;
            assert!(matches!(answer, Answer::Accepted { .. }), "{payment}: {answer:?}");
        }
    };
    let database = ledger.path();
    let (copied, ()) = tokio::join!(store::copy(&database, &backup), payments);
    let copied = copied.unwrap();
    assert_eq!((copied.channels, copied.block, copied.ledger.generation), (1, Some(11), 1));
    assert_eq!(left_in(&folder), ["backup.db"]);
    assert_eq!(backup.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    std::fs::rename(&backup, folder.path().join("u.db")).unwrap();
    let restored = Ledger::in_folder(folder, 1).await;
    let row = restored.store.channel(channel()).await.unwrap().unwrap();
    assert!((tokens(10)..=tokens(3000)).contains(&row.balance), "{}", row.balance);
    let proof = crate::fixture::proof(row.balance.to_string().parse().unwrap());
    assert_eq!(row.signature, Some(proof), "balance and proof of one moment");
}

#[tokio::test]
async fn nothing_is_overwritten() {
    let ledger = Ledger::with_deposit(100).await;
    let folder = TempDir::new().unwrap();
    let backup = folder.path().join("backup.db");
    for hindrance in ["backup.db", "backup.db-wal", "backup.db-shm", "backup.db.partial"] {
        let hindrance = folder.path().join(hindrance);
        std::fs::write(&hindrance, "mine").unwrap();
        match store::copy(&ledger.path(), &backup).await {
            Err(CopyError::Exists(path)) => assert_eq!(path, hindrance),
            other => panic!("{}: {other:?}", hindrance.display()),
        }
        assert_eq!(std::fs::read_to_string(&hindrance).unwrap(), "mine");
        std::fs::remove_file(hindrance).unwrap();
    }
    store::copy(&ledger.path(), &backup).await.unwrap();
}

#[tokio::test]
async fn what_is_no_ledger_makes_no_copy() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("text"), "no database".repeat(1000)).unwrap();
    std::fs::write(path("empty"), "").unwrap();
    for source in ["text", "empty", "missing"] {
        let error = store::copy(&path(source), &path("copy")).await.unwrap_err();
        assert!(error.to_string().contains(source), "{error}");
    }
    assert_eq!(left_in(&folder), ["empty", "text"]);
}

#[tokio::test]
async fn a_damaged_database_is_not_taken_for_a_backup() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    let folder = ledger.stop().await;
    let database = folder.path().join("u.db");
    let mut bytes = std::fs::read(&database).unwrap();
    // Zeros in the place of the pages with the tables' rows.
    let half = bytes.len() / 2;
    bytes[half..].fill(0);
    std::fs::write(&database, bytes).unwrap();
    let error = store::copy(&database, &folder.path().join("copy.db")).await.unwrap_err();
    assert!(matches!(error, CopyError::Damaged { .. } | CopyError::Sqlite { .. }), "{error}");
    assert!(!folder.path().join("copy.db").exists());
}

#[tokio::test]
async fn a_plain_copy_of_the_file_is_restored_as_a_backup_is() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    let database = ledger.path();
    assert!(matches!(
        store::restore(&database, &database).await,
        Err(CopyError::Open(OpenError::InUse { .. }))
    ));
    let folder = ledger.stop().await;
    let plain = folder.path().join("plain.db");
    std::fs::rename(&database, &plain).unwrap();
    store::restore(&plain, &database).await.unwrap();

    let ledger = Ledger::in_folder(folder, 1).await;
    assert_eq!(ledger.store.bound().unwrap().ledger.generation, 2);
    ledger.store.release(channel(), Mode::Order).await.unwrap().unwrap();
    assert_eq!(ledger.state().await, open(100, 10));
}

#[tokio::test]
async fn a_copy_of_a_copy_keeps_its_time() {
    let ledger = Ledger::with_deposit(100).await;
    let folder = TempDir::new().unwrap();
    let (first, second) = (folder.path().join("1.db"), folder.path().join("2.db"));
    store::copy(&ledger.path(), &first).await.unwrap();
    store::copy(&first, &second).await.unwrap();
    assert_eq!(copied_at(&first).await, copied_at(&second).await);
    assert!(copied_at(&first).await.is_some());
    assert_eq!(copied_at(&ledger.path()).await, None);
}

async fn copied_at(database: &Path) -> Option<i64> {
    let mut connection = connect(database).await;
    sqlx::query("SELECT copied_at FROM ledger").fetch_one(&mut connection).await.unwrap().get(0)
}

async fn connect(database: &Path) -> SqliteConnection {
    SqliteConnection::connect(database.to_str().unwrap()).await.unwrap()
}
