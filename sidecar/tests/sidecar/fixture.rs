//! A ledger in a temporary folder, and a sender who signs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use uraiden_core::channel::{ChannelState, OpenChannel};
use uraiden_core::digest;
use uraiden_core::wire::{Answer, Attempt, AttemptId, ChannelKey, Entry};
use uraiden_core::{Address, BlockNumber, Signature, TokenAmount};
use uraiden_sidecar::health::HealthBoard;
use uraiden_sidecar::store::{
    self, Advance, Binding, Chain, ChainEvent, Commits, Database, Epoch, EventKind, Opened, Risks, Scope,
    Store,
};

pub(crate) const CONTRACT: Address = Address([0xcc; 20]);
pub(crate) const TOKEN: Address = Address([0x70; 20]);

/// Blocks of one reading of the chain: the channel's opening is in the first, and confirmed by the second.
pub(crate) const OPEN_BLOCK: u32 = 10;

pub(crate) fn tokens(units: u64) -> TokenAmount {
    TokenAmount::new(units)
}

pub(crate) fn signer(seed: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_slice(&[seed; 32]).unwrap()
}

pub(crate) fn address(signer: &PrivateKeySigner) -> Address {
    Address(signer.address().into_array())
}

/// The merchant, whose key is `signer(0xbb)`.
pub(crate) fn receiver() -> Address {
    address(&signer(0xbb))
}

pub(crate) fn sender() -> Address {
    address(&signer(0xaa))
}

pub(crate) fn channel() -> ChannelKey {
    ChannelKey { sender: sender(), open_block: BlockNumber(OPEN_BLOCK) }
}

pub(crate) fn binding() -> Binding {
    Binding {
        chain: Chain { id: 31337, genesis: [1; 32] },
        contract: CONTRACT,
        code_hash: [2; 32],
        token: TOKEN,
        receiver: receiver(),
        challenge_period: 500,
    }
}

/// A balance proof of the sender with this key.
pub(crate) fn proof_by(key: &PrivateKeySigner, balance: u64) -> Signature {
    let digest = digest::balance_proof(receiver(), BlockNumber(OPEN_BLOCK), tokens(balance), CONTRACT);
    Signature::from_bytes(&key.sign_hash_sync(&digest.into()).unwrap().as_bytes()).unwrap()
}

pub(crate) fn proof(balance: u64) -> Signature {
    proof_by(&signer(0xaa), balance)
}

/// The attempt `id` to pay `price`, up to `balance`.
pub(crate) fn attempt(id: u128, price: u64, balance: u64) -> Attempt {
    Attempt {
        id: AttemptId(id),
        channel: channel(),
        price: tokens(price),
        balance: tokens(balance),
        signature: proof(balance),
    }
}

/// An open channel with what we hold of it; no proof at balance 0.
pub(crate) fn open(deposit: u64, balance: u64) -> ChannelState {
    ChannelState::Open(open_channel(deposit, balance))
}

pub(crate) fn open_channel(deposit: u64, balance: u64) -> OpenChannel {
    let signature = (balance > 0).then(|| proof(balance));
    OpenChannel { balance: tokens(balance), signature, ..OpenChannel::new(tokens(deposit)) }
}

/// The same with a credit.
pub(crate) fn with_credit(deposit: u64, balance: u64, credit: u64) -> ChannelState {
    ChannelState::Open(OpenChannel { credit: tokens(credit), ..open_channel(deposit, balance) })
}

/// The event `kind` of our channel in this block.
pub(crate) fn event(block: u32, kind: EventKind, amount: u64) -> ChainEvent {
    ChainEvent {
        block: u64::from(block),
        block_hash: [7; 32],
        log_index: 0,
        tx_hash: [8; 32],
        channel: channel(),
        kind,
        amount: tokens(amount),
    }
}

pub(crate) fn scope() -> Scope {
    Scope {
        contract: CONTRACT,
        receiver: receiver(),
        confirmations: 1,
        exposure_limit: None,
        take_backs_in_a_row: 3,
    }
}

/// The ledger that belongs to this folder: a file in it, or a schema of the server that the tests are given.
pub(crate) async fn database_of(folder: &TempDir) -> Database {
    let Ok(server) = std::env::var(POSTGRES) else { return Database::Sqlite(folder.path().join("u.db")) };
    postgres_schema(&server, &schema_of(folder)).await
}

/// As it is done with `pg_dump`, and then told that it is a copy.
async fn copy_schema(from: &str, to: &str) {
    let mut connection = PgConnection::connect(&std::env::var(POSTGRES).unwrap()).await.unwrap();
    let mut sql = format!("CREATE SCHEMA {to};");
    for table in [
        "uraiden_tables",
        "ledger",
        "position",
        "blocks",
        "incident",
        "events",
        "channels",
        "attempts",
        "levels",
        "income",
        "writers",
        "lease",
        "intents",
        "transactions",
        "arrival",
        "server",
    ] {
        sql += &format!("CREATE TABLE {to}.{table} (LIKE {from}.{table} INCLUDING ALL);");
        sql += &format!("INSERT INTO {to}.{table} SELECT * FROM {from}.{table};");
    }
    sql += &format!("UPDATE {to}.ledger SET copied_at = 1;");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Where the tables of a ledger are, in PostgreSQL.
pub(crate) fn schema_of(folder: &TempDir) -> String {
    format!("u{}", hex::encode(folder.path().file_name().unwrap().as_encoded_bytes()))
}

/// The variable that names a PostgreSQL database, in which each ledger of a test gets a schema of its own.
pub(crate) const POSTGRES: &str = "URAIDEN_TEST_POSTGRES";

/// A schema of this database, made where there is none.
async fn postgres_schema(server: &str, name: &str) -> Database {
    let mut connection = PgConnection::connect(server).await.unwrap();
    let sql = format!("CREATE SCHEMA IF NOT EXISTS {name}");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let sign = if server.contains('?') { '&' } else { '?' };
    format!("{server}{sign}options[search_path]={name}").parse().unwrap()
}

pub(crate) struct Ledger {
    pub(crate) folder: TempDir,
    pub(crate) database: Database,
    pub(crate) store: Store,
    pub(crate) health: Arc<HealthBoard>,
    /// Under which this process leads.
    pub(crate) epoch: Epoch,
    writing: JoinHandle<Result<(), sqlx::Error>>,
}

impl Ledger {
    /// Bound, and empty.
    pub(crate) async fn new() -> Self {
        let ledger = Self::in_folder(TempDir::new().unwrap(), 1).await;
        ledger.store.bind(ledger.epoch, binding()).await.unwrap();
        ledger
    }

    /// With one confirmed channel.
    pub(crate) async fn with_deposit(deposit: u64) -> Self {
        let ledger = Self::new().await;
        ledger.read_chain(OPEN_BLOCK, &[event(OPEN_BLOCK, EventKind::Opened, deposit)]).await;
        ledger.read_chain(OPEN_BLOCK + 1, &[]).await;
        ledger
    }

    /// With one confirmed channel that is lent this much.
    pub(crate) async fn lending(deposit: u64, exposure_limit: u64) -> Self {
        let scope = Scope { exposure_limit: Some(tokens(exposure_limit)), ..scope() };
        let ledger = Self::scoped(TempDir::new().unwrap(), scope).await;
        ledger.store.bind(ledger.epoch, binding()).await.unwrap();
        ledger.read_chain(OPEN_BLOCK, &[event(OPEN_BLOCK, EventKind::Opened, deposit)]).await;
        ledger.read_chain(OPEN_BLOCK + 1, &[]).await;
        ledger
    }

    /// What lies in the folder, or something new.
    pub(crate) async fn in_folder(folder: TempDir, confirmations: u32) -> Self {
        Self::scoped(folder, Scope { confirmations, ..scope() }).await
    }

    async fn scoped(folder: TempDir, scope: Scope) -> Self {
        let database = database_of(&folder).await;
        Self::at(folder, database, scope).await
    }

    /// What is in this database, or something new.
    pub(crate) async fn at(folder: TempDir, database: Database, scope: Scope) -> Self {
        let health = Arc::new(HealthBoard::new(Duration::from_secs(60)));
        let Opened { store, writer } =
            Store::open(&database, scope, Risks::default(), health.clone()).await.unwrap();
        let writing = tokio::spawn(writer.run());
        let epoch = store.seize_lease("test").await.unwrap();
        Self { folder, database, store, health, epoch, writing }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("u.db")
    }

    /// Does to its tables what an operator or a disaster does.
    pub(crate) async fn tamper(&self, sql: &'static str) {
        if let Database::Sqlite(path) = &self.database {
            let mut connection = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            return connection.close().await.unwrap();
        }
        let mut connection = PgConnection::connect(&std::env::var(POSTGRES).unwrap()).await.unwrap();
        let schema = format!("SET search_path = {}", schema_of(&self.folder));
        sqlx::raw_sql(AssertSqlSafe(schema)).execute(&mut connection).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Ends this process of the ledger, and starts the next.
    pub(crate) async fn restart(self) -> Self {
        self.restart_with_confirmations(1).await
    }

    pub(crate) async fn restart_with_confirmations(self, confirmations: u32) -> Self {
        let folder = self.stop().await;
        Self::in_folder(folder, confirmations).await
    }

    /// A backup of it, taken into use.
    pub(crate) async fn restored(&self) -> Self {
        let folder = TempDir::new().unwrap();
        match self.database {
            Database::Sqlite(_) => {
                drop(store::copy(&self.path(), &folder.path().join("u.db")).await.unwrap())
            }
            Database::Postgres(_) => copy_schema(&schema_of(&self.folder), &schema_of(&folder)).await,
        }
        Self::in_folder(folder, 1).await
    }

    pub(crate) async fn stop(self) -> TempDir {
        drop(self.store);
        self.writing.await.unwrap().unwrap();
        self.folder
    }

    /// The head is at this block, and this happened in it.
    pub(crate) async fn read_chain(&self, head: u32, events: &[ChainEvent]) {
        self.read_again_from(head, head, events).await;
    }

    /// The blocks from `from` on are read again, and these are their events.
    pub(crate) async fn read_again_from(&self, from: u32, head: u32, events: &[ChainEvent]) {
        self.advance(from, head, events, false).await;
    }

    /// A reorganisation: the blocks from `from` on are others now, and these are their events.
    pub(crate) async fn replace_from(&self, from: u32, head: u32, events: &[ChainEvent]) {
        self.advance(from, head, events, true).await;
    }

    async fn advance(&self, from: u32, head: u32, events: &[ChainEvent], replaces: bool) {
        let advance = Advance {
            start_block: 0,
            from: u64::from(from),
            replaces,
            next: u64::from(head) + 1,
            events: events.to_vec(),
            blocks: Vec::new(),
        };
        self.store.advance(self.epoch, advance).await.unwrap();
    }

    pub(crate) async fn ask(&self, entry: Entry) -> Answer {
        self.ask_all(vec![entry]).await.remove(0)
    }

    pub(crate) async fn ask_all(&self, entries: Vec<Entry>) -> Vec<Answer> {
        self.store.batch(entries, Commits::Judge { until: u64::MAX }).await.unwrap()
    }

    pub(crate) async fn commit(&self, attempt: Attempt) -> Answer {
        self.ask(Entry::Commit(attempt)).await
    }

    pub(crate) async fn take_back(&self, attempt: Attempt) -> Answer {
        self.ask(Entry::TakeBack(attempt)).await
    }

    pub(crate) async fn state(&self) -> ChannelState {
        match self.ask(Entry::Lookup(channel())).await {
            Answer::Channel { channel } => channel,
            other => panic!("a lookup is answered with a channel, not {other:?}"),
        }
    }
}
