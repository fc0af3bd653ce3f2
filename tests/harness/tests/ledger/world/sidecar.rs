//! The sidecar's process: its own ledger on its own database.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use uraiden_core::Address;
use uraiden_core::digest::keccak256;
use uraiden_sidecar::health::HealthBoard;
use uraiden_sidecar::store::{Binding, Chain, Database, Epoch, Opened, Risks, Scope, Store};

use super::World;
use crate::chain::CONFIRMATIONS;
use crate::model::TAKE_BACKS_IN_A_ROW;
use crate::payer::{CONTRACT, RECEIVER};

pub(super) fn binding() -> Binding {
    Binding {
        chain: Chain { id: 31337, genesis: [1; 32] },
        contract: CONTRACT,
        code_hash: [2; 32],
        token: Address([0x70; 20]),
        receiver: RECEIVER,
        challenge_period: 500,
    }
}

pub(super) async fn open(path: PathBuf) -> (Store, JoinHandle<()>) {
    let scope = Scope {
        contract: CONTRACT,
        receiver: RECEIVER,
        confirmations: u32::try_from(CONFIRMATIONS).expect("few"),
        exposure_limit: None,
        take_backs_in_a_row: TAKE_BACKS_IN_A_ROW,
    };
    let health = Arc::new(HealthBoard::new(Duration::from_secs(60)));
    let database = database(path).await;
    let Opened { store, writer } =
        Store::open(&database, scope, Risks::default(), health).await.expect("the ledger opens");
    (store, tokio::spawn(async move { writer.run().await.expect("the ledger closes") }))
}

/// This file; where the tests are given a PostgreSQL database, a schema of it that stands for the file.
async fn database(path: PathBuf) -> Database {
    let Ok(server) = std::env::var("URAIDEN_TEST_POSTGRES") else { return path.into() };
    let schema = format!("u{}", hex::encode(&keccak256(&[path.as_os_str().as_encoded_bytes()])[..8]));
    let mut session = PgConnection::connect(&server).await.expect("the tests' server");
    let make = AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {schema}"));
    session.execute(make).await.expect("a schema is made");
    session.close().await.expect("the session ends");
    format!("{server}?options[search_path]={schema}").parse().expect("a URL")
}

/// What the sidecar does before it reads the chain.
pub(super) async fn lead(store: &Store) -> Epoch {
    store.seize_lease("the only sidecar").await.expect("the ledger has a lease")
}

/// Where a folder is written fast. Durability is not what is tested here: no machine loses its power.
pub(super) fn folder() -> TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
    folder.expect("a temporary folder")
}

impl World {
    pub(super) async fn restart(&mut self) {
        let path = self.folder.path().join("ledger.db");
        self.stop().await;
        (self.store, self.writing) = open(path).await;
        self.epoch = lead(&self.store).await;
        self.store.bind(self.epoch, binding()).await.expect("the same ledger");
    }

    /// Ends the sidecar's process.
    pub(super) async fn stop(&mut self) {
        let elsewhere = folder();
        let (other, idle) = open(elsewhere.path().join("none.db")).await;
        drop(std::mem::replace(&mut self.store, other));
        let ended = std::mem::replace(&mut self.writing, idle);
        ended.await.expect("the writer ends well");
    }
}
