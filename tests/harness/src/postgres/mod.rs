//! A PostgreSQL server of our own, on a free loopback port, with its data in a folder that goes with it.

mod family;
mod programs;
mod standby;
mod wire;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use crate::Part;
use crate::folder::Folder;
use family::Family;
use programs::Programs;

pub use standby::Replication;
pub use wire::{Wire, WireFault};

/// The superuser, and who keeps a ledger.
const ADMIN: &str = "postgres";
const KEEPER: &str = "uraiden";

/// A server that makes everything durable, as one in production does, and takes little memory.
const SETTINGS: &str = "
fsync = on
full_page_writes = on
synchronous_commit = on
shared_buffers = 32MB
max_connections = 60
max_wal_size = 256MB
wal_level = replica
max_wal_senders = 4
wal_keep_size = 64MB
hot_standby = on
unix_socket_directories = ''
# Nothing of it is left in /dev/shm by one that was killed.
dynamic_shared_memory_type = mmap
log_checkpoints = off
";

/// A running server. It is stopped when dropped, and its data is removed.
#[derive(Debug)]
pub struct Postgres {
    // Stopped before the folder goes.
    part: Part,
    programs: Programs,
    data: PathBuf,
    address: SocketAddr,
    password: String,
    folder: Folder,
}

impl Postgres {
    /// Makes a server with further lines in its configuration, such as `max_connections = 10`, and starts it.
    ///
    /// # Errors
    ///
    /// Names what is missing, or shows the end of the server's log.
    pub async fn start(settings: &str) -> Result<Self> {
        Self::start_in(Folder::new()?, settings).await
    }

    /// The same with its data in memory where the machine allows that, for tests that no loss of power is part of.
    ///
    /// # Errors
    ///
    /// As for [`Postgres::start`].
    pub async fn start_fast(settings: &str) -> Result<Self> {
        Self::start_in(Folder::fast()?, settings).await
    }

    async fn start_in(folder: Folder, settings: &str) -> Result<Self> {
        let password = crate::sidecar::random_token()?;
        let mut server = Self::prepare(folder, password)?;
        let secret = server.folder.write_secret("admin.password", &server.password)?;
        server.programs.give(&secret)?;
        let mut initdb = server.programs.part("initdb", server.folder.file("initdb.log"));
        initdb
            .flag("--pgdata", &server.data)
            .flag("--username", ADMIN)
            .flag("--pwfile", &secret)
            .flag("--auth", "scram-sha-256")
            .flag("--encoding", "UTF8")
            .flag("--locale", "C")
            // So that an idle server takes megabytes, and a full one comes soon.
            .flag("--wal-segsize", "1")
            // The server itself syncs.
            .arg("--no-sync");
        initdb.run()?;
        let file = server.data.join("postgresql.conf");
        let shipped = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        fs::write(&file, format!("{shipped}\n{SETTINGS}\n{settings}\n"))?;
        server.resume().await?;
        server.run(&format!("CREATE ROLE {KEEPER} LOGIN PASSWORD '{}'", server.password)).await?;
        // To see whether a standby follows.
        server.run(&format!("GRANT pg_monitor TO {KEEPER}")).await?;
        Ok(server)
    }

    /// A server that has no data yet.
    fn prepare(folder: Folder, password: String) -> Result<Self> {
        let programs = Programs::find()?;
        programs.give(folder.path())?;
        let data = folder.file("data");
        let address = free_port()?;
        let mut part = programs.part("postgres", folder.file("postgres.log"));
        part.flag("-D", &data)
            .flag("-h", address.ip().to_string())
            .flag("-p", address.port().to_string())
            // A fast shutdown: sessions are ended, everything is written.
            .ended_by(Signal::INT);
        Ok(Self { part, programs, data, address, password, folder })
    }

    /// Where it listens, after every start.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes an empty database, and answers the URL for who keeps a ledger in it: `postgres://…`, with a password.
    ///
    /// # Errors
    ///
    /// The server does not answer, or has one of this name.
    pub async fn database(&self, name: &str) -> Result<String> {
        self.run(&format!("CREATE DATABASE {name} OWNER {KEEPER}")).await?;
        Ok(self.url_by(self.address, name))
    }

    /// The URL of a database if the server is reached at another address.
    pub fn url_by(&self, address: SocketAddr, name: &str) -> String {
        format!("postgres://{KEEPER}:{}@{address}/{name}", self.password)
    }

    /// The URL of the superuser.
    pub fn admin_url(&self) -> String {
        format!("postgres://{ADMIN}:{}@{}/postgres", self.password, self.address)
    }

    /// A session of the superuser in one of the databases.
    ///
    /// # Errors
    ///
    /// The server does not answer.
    pub async fn session(&self, database: &str) -> Result<PgConnection> {
        let options = PgConnectOptions::new()
            .host(&self.address.ip().to_string())
            .port(self.address.port())
            .username(ADMIN)
            .password(&self.password)
            .database(database)
            .disable_statement_logging();
        options.connect().await.with_context(|| format!("database {database} at {}", self.address))
    }

    /// Runs one statement as the superuser.
    ///
    /// # Errors
    ///
    /// The server's.
    pub async fn run(&self, statement: &str) -> Result<()> {
        let mut session = self.session(ADMIN).await?;
        session.execute(AssertSqlSafe(statement)).await.with_context(|| statement.to_owned())?;
        Ok(session.close().await?)
    }

    /// Changes a setting that needs no new start; new transactions know it when this returns.
    ///
    /// # Errors
    ///
    /// The server's.
    pub async fn set(&self, name: &str, value: &str) -> Result<()> {
        self.run(&format!("ALTER SYSTEM SET {name} = '{value}'")).await?;
        self.run("SELECT pg_reload_conf()").await
    }

    /// Ends all sessions but our own (SIGTERM by the server), so that clients have to connect again.
    ///
    /// # Errors
    ///
    /// The server's.
    pub async fn end_sessions(&self) -> Result<()> {
        self.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
        )
        .await
    }

    /// The server's own process, to be asked how it fares.
    pub fn part(&mut self) -> &mut Part {
        &mut self.part
    }

    /// Time on a processor that its processes have taken so far. Sessions that have ended meanwhile do not count.
    ///
    /// # Errors
    ///
    /// It does not run.
    pub fn cpu(&self) -> Result<Duration> {
        Ok(Family::of(self.part.pid()?)?.cpu())
    }

    /// Starts it after it was stopped or killed, and waits until it takes connections.
    ///
    /// # Errors
    ///
    /// The end of its log.
    pub async fn resume(&mut self) -> Result<()> {
        self.part.start()?;
        let Self { part, address, password, .. } = self;
        let options = PgConnectOptions::new()
            .host(&address.ip().to_string())
            .port(address.port())
            .username(ADMIN)
            .password(password)
            .database(ADMIN);
        part.ready(async || Ok(options.connect().await?.close().await?)).await
    }

    /// Stops it in order: sessions are ended, everything is written.
    ///
    /// # Errors
    ///
    /// Something of it is left.
    pub fn stop(&mut self) -> Result<()> {
        let family = Family::of(self.part.pid()?)?;
        self.part.stop();
        family.until_gone()
    }

    /// `kill -9` for all of it, as if the machine had gone down. What was not written to the disk is lost.
    ///
    /// # Errors
    ///
    /// It does not run, or something of it is left.
    pub fn kill(&mut self) -> Result<()> {
        let family = Family::of(self.part.pid()?)?;
        family.signal(Signal::KILL);
        self.part.kill();
        family.until_gone()
    }

    /// Stops all its clocks: connections stay, and nothing is answered.
    ///
    /// # Errors
    ///
    /// It does not run.
    pub fn freeze(&mut self) -> Result<()> {
        Family::of(self.part.pid()?)?.signal(Signal::STOP);
        Ok(())
    }

    /// Lets a frozen server go on.
    ///
    /// # Errors
    ///
    /// It does not run.
    pub fn thaw(&mut self) -> Result<()> {
        Family::of(self.part.pid()?)?.signal(Signal::CONT);
        Ok(())
    }

    /// Fills its disk: from now on a write beyond this many bytes of a file fails in all of its processes; `None` lifts
    /// that. A server that cannot write its log of changes ends, and has to be started again.
    ///
    /// # Errors
    ///
    /// It does not run.
    pub fn limit_files(&mut self, bytes: Option<u64>) -> Result<()> {
        let family = Family::of(self.part.pid()?)?;
        for process in family.alive() {
            let limited = self.programs.limit_files(process, bytes);
            // A session may end meanwhile, and all of them do when the first one cannot write.
            if limited.is_err() && family.alive().any(|left| left == process) {
                return limited;
            }
        }
        Ok(())
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        self.part.log_tail()
    }
}

/// A port that nobody listens on. Somebody else may take it before the server does; the kernel gives the same one again
/// only after it has given all others.
fn free_port() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("127.0.0.1:0")?;
    Ok(listener.local_addr()?)
}
