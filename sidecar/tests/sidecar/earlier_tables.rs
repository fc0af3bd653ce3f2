//! Databases that were made by each earlier version of the tables are opened and brought up to date. They are kept as
//! files, since a migration that was changed after its release is noticed only by what an old program wrote:
//!
//! ```text
//! URAIDEN_WRITE_FIXTURES=1 cargo test --package uraiden-sidecar --test sidecar earlier_tables
//! ```
//!
//! writes those that are missing. A new migration adds a line to `VERSIONS` and a file; no file is ever changed.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqlSafeStr, SqliteConnection};
use tempfile::TempDir;
use uraiden_core::BlockNumber;
use uraiden_core::wire::{Answer, AttemptId, ChannelKey};
use uraiden_sidecar::store::{OnChain, Undo};

use crate::fixture::{
    CONTRACT, Ledger, TOKEN, attempt, channel, proof, receiver, sender, tokens, with_credit,
};

/// Version, name and tables as the program has them, and what it had written into those that were new.
const VERSIONS: [(i64, &str, &str, &str); 7] = [
    (1, "ledger", include_str!("../../migrations/sqlite/0001_ledger.sql"), LEDGER),
    (2, "claims", include_str!("../../migrations/sqlite/0002_claims.sql"), CLAIMS),
    (3, "incident", include_str!("../../migrations/sqlite/0003_incident.sql"), INCIDENT),
    (4, "generation", include_str!("../../migrations/sqlite/0004_generation.sql"), GENERATION),
    (5, "credit", include_str!("../../migrations/sqlite/0005_credit.sql"), CREDIT),
    (6, "income", include_str!("../../migrations/sqlite/0006_income.sql"), INCOME),
    (7, "leader", include_str!("../../migrations/sqlite/0007_leader.sql"), LEADER),
];

/// Two channels of one sender, read up to block 15. In the words of the queries: amounts are `a0` to `a255`.
const LEDGER: &str = "
INSERT INTO ledger VALUES (1, '0123456789abcdef0123456789abcdef', 1, 31337, @h1, @contract, @h2, @token, @receiver, 500);
INSERT INTO position VALUES (1, 0, 16, 15);
INSERT INTO blocks VALUES (15, @h3);
INSERT INTO events VALUES (10, 0, @h4, @h5, 'opened', @sender, 10, a100);
INSERT INTO events VALUES (11, 0, @h4, @h5, 'opened', @sender, 11, a100);
INSERT INTO events VALUES (12, 0, @h4, @h5, 'topped_up', @sender, 10, a50);
INSERT INTO events VALUES (13, 0, @h4, @h5, 'close_requested', @sender, 11, a5);
INSERT INTO channels VALUES
    (@sender, 10, 'open', a150, a0, NULL, a110, p110, @attempt, a90, p90, NULL, 1000, 2000);
INSERT INTO channels VALUES
    (@sender, 11, 'closing', a100, a0, 513, a20, p20, NULL, NULL, NULL, a20, 1000, 2000);
";

const CLAIMS: &str = "
INSERT INTO levels VALUES (@sender, 10, a100, a90, p90);
UPDATE lease SET epoch = 7;
INSERT INTO intents VALUES (1, 'close', @sender, 11, a20, p20, 3, 7, 1500, NULL);
INSERT INTO transactions VALUES (@h6, 1, 3, 30, 2, x'02', 14);
";

const INCIDENT: &str = "INSERT INTO incident VALUES (1, 14, 15, 1600);";

const GENERATION: &str = "
UPDATE ledger SET generation = 2, held_below = 16;
UPDATE channels SET held_generation = 2 WHERE open_block = 11;
";

const CREDIT: &str = "UPDATE channels SET credit = a20, take_backs = 1 WHERE open_block = 10;";

const INCOME: &str = "INSERT INTO income VALUES (1, 2, 20, 0, 0, 0, 0, 0);";

const LEADER: &str = "UPDATE lease SET draw = 5, beat = 9, holder = 'one-1-0', word = '{}', word_beat = 8;";

fn path_of(version: i64) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/tables-{version}.sqlite"))
}

/// The attempt that made the topmost payment of the first channel.
const TOPMOST: AttemptId = AttemptId(7);

#[tokio::test]
async fn a_database_of_each_version_opens_with_all_that_was_in_it() {
    if std::env::var_os("URAIDEN_WRITE_FIXTURES").is_some() {
        write_those_that_are_missing().await;
    }
    for (version, ..) in VERSIONS {
        let folder = TempDir::new().unwrap();
        let database = folder.path().join("u.db");
        std::fs::copy(path_of(version), &database).unwrap_or_else(|error| panic!("{version}: {error}"));
        std::fs::set_permissions(&database, PermissionsExt::from_mode(0o600)).unwrap();
        let ledger = Ledger::in_folder(folder, 1).await;

        let bound = ledger.store.bound().unwrap();
        assert_eq!(bound.ledger.id, "0123456789abcdef0123456789abcdef", "{version}");
        assert_eq!(bound.ledger.generation, if version < 4 { 1 } else { 2 });
        assert_eq!((bound.identity.contract, bound.identity.receiver), (CONTRACT, receiver()));
        let credit = if version < 5 { 0 } else { 20 };
        assert_eq!(ledger.state().await, with_credit(150, 110, credit), "{version}");
        let row = ledger.store.channel(channel()).await.unwrap().unwrap();
        let undo = Undo { attempt: TOPMOST, balance: tokens(90), signature: Some(proof(90)) };
        assert_eq!(row.undo, Some(undo), "{version}");

        let other = ChannelKey { open_block: BlockNumber(11), ..channel() };
        let row = ledger.store.channel(other).await.unwrap().unwrap();
        assert_eq!((row.on_chain, row.balance, row.settle_block), (OnChain::Closing, tokens(20), Some(513)));
        assert_eq!(
            (row.closing_balance, row.asked_balance),
            (Some(tokens(20)), Some(tokens(5))),
            "{version}"
        );
        assert_eq!(row.held_generation, (version >= 4).then_some(2));
        let intents = ledger.store.intents(0).await.unwrap();
        assert_eq!(intents.len(), usize::from(version >= 2), "{version}");
        assert!(intents.iter().all(|intent| intent.transactions.len() == 1 && intent.nonce == Some(3)));
        assert_eq!(ledger.store.incident().await.unwrap().is_some(), version >= 3, "{version}");
        // And it is used from there on.
        ledger.read_chain(16, &[]).await;
        let paid = ledger.commit(attempt(8, 20, 130)).await;
        assert_eq!(paid, Answer::Accepted { channel: with_credit(150, 130, credit) }, "{version}");
    }
}

async fn write_those_that_are_missing() {
    for (version, ..) in VERSIONS {
        let path = path_of(version);
        if path.exists() {
            continue;
        }
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true).page_size(512);
        let mut connection = options.connect().await.unwrap();
        let mut migrations = Vec::new();
        for (number, name, tables, rows) in VERSIONS.into_iter().filter(|(number, ..)| *number <= version) {
            let (name, tables) = (name.into(), tables.into_sql_str());
            migrations.push(Migration::new(number, name, MigrationType::Simple, tables, false));
            Migrator::with_migrations(migrations.clone()).run(&mut connection).await.unwrap();
            fill(&mut connection, rows).await;
        }
        // As the sidecar leaves it.
        sqlx::query("PRAGMA journal_mode = WAL").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// Runs statements with our words in them.
async fn fill(connection: &mut SqliteConnection, rows: &str) {
    let blob = |bytes: &[u8]| format!("x'{}'", hex::encode(bytes));
    let mut sql = rows.to_owned();
    for (word, bytes) in [
        ("@contract", CONTRACT.0.to_vec()),
        ("@receiver", receiver().0.to_vec()),
        ("@sender", sender().0.to_vec()),
        ("@token", TOKEN.0.to_vec()),
        ("@attempt", TOPMOST.0.to_be_bytes().to_vec()),
    ] {
        sql = sql.replace(word, &blob(&bytes));
    }
    for hash in 1..=6 {
        sql = sql.replace(&format!("@h{hash}"), &blob(&[hash; 32]));
    }
    // Longer numbers first, so that a100 is not taken for a10.
    for amount in [150, 110, 100, 90, 50, 20, 5, 0] {
        sql = sql.replace(&format!(" a{amount}"), &format!(" {}", blob(&tokens(amount).to_be_bytes())));
        sql = sql.replace(&format!(" p{amount}"), &format!(" {}", blob(&proof(amount).to_bytes())));
    }
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(connection).await.unwrap();
}
