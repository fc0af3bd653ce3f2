//! A ledger moves from a file to a server, and whatever breaks on the way, the two are never in use at once.

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use uraiden_harness::audit::Interruptions;
use uraiden_harness::{Database, Options, Postgres, Stack, Wire, WireFault, migration};

use crate::chance::Chance;
use crate::crowd::Habits;
use crate::scene::{options, play};

/// A ledger with rows in all its tables.
const LEDGER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sidecar/tests/fixtures/tables-7.sqlite");

/// How late each answer is, so that a move takes long enough to be interrupted.
const LATE: Duration = Duration::from_millis(20);

/// How long something may take to be seen.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sidecar_sells_on_after_its_ledger_was_moved() -> Result<()> {
    let options = Options { database: Database::Sqlite, sidecars: 1, ..options() };
    play("moved to PostgreSQL", options, Habits::default(), async |scene| {
        let file = scene.stack.ledger_file();
        let server = Postgres::start("").await?;
        let wire = Wire::to(server.address())?;
        let home = Stack::new_home(&server, &wire).await?;
        let refused = migration(&file, &home)?.output().await?;
        ensure!(!refused.status.success() && said(&refused).contains("is in use"), "{}", said(&refused));

        scene.stack.sidecar.part().stop();
        // Neither before the server hears of the commit nor after it does the program learn what became of it.
        for (fault, then) in [
            (WireFault::CutBeforeCommit, "the file can be used again"),
            (WireFault::CutAfterCommit, "the move is finished"),
        ] {
            wire.set(WireFault::Slow(LATE));
            let moving = migration(&file, &home)?.stderr(std::process::Stdio::piped()).spawn()?;
            until_writing(&server, "ledger").await?;
            wire.set(fault);
            let cut = moving.wait_with_output().await?;
            wire.set(WireFault::None);
            ensure!(!cut.status.success() && said(&cut).contains("is not known"), "{}", said(&cut));
            let (code, log) = scene.stack.refused_sidecar(Vec::new()).await?;
            ensure!(code == Some(1) && log.contains("was being moved to postgres://"), "{code:?}: {log}");
            let mut again = migration(&file, &home)?;
            if fault == WireFault::CutBeforeCommit {
                again.arg("--cancel");
            }
            let again = again.output().await?;
            ensure!(again.status.success() && said(&again).contains(then), "{}", said(&again));
        }
        let (code, log) = scene.stack.refused_sidecar(Vec::new()).await?;
        ensure!(code == Some(1) && log.contains("was moved to postgres://"), "{code:?}: {log}");
        scene.stack.moved_to(server, wire);
        scene.stack.sidecar.restart().await?;
        let metrics = scene.stack.sidecar.ask_admin("/metrics").await?.text();
        ensure!(metrics.contains("uraiden_ledger_generation 1\n"), "a move is no copy\n{metrics}");
        Ok(Interruptions::default())
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_may_be_killed_at_any_moment() -> Result<()> {
    let mut chance = Chance::of("move killed");
    let server = Postgres::start("").await?;
    let wire = Wire::to(server.address())?;
    let mut whole = Duration::ZERO;
    let mut states = Vec::new();
    for round in 0..12 {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("u.db");
        std::fs::copy(LEDGER, &file).context(LEDGER)?;
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        let database = format!("round_{round}");
        server.database(&database).await?;
        let home = server.url_by(wire.address(), &database);
        wire.set(WireFault::Slow(LATE));
        let start = Instant::now();
        let mut moving = migration(&file, &home)?.spawn()?;
        match round {
            0 => {
                ensure!(moving.wait().await?.success(), "nothing was in its way");
                whole = start.elapsed();
            }
            1..=3 => {
                until_marked(&file).await?;
                moving.kill().await?;
            }
            _ => {
                chance.wait(whole).await;
                moving.kill().await?;
            }
        }
        wire.set(WireFault::None);
        states.push(recover(&server, &file, &database, &home).await?);
    }
    println!("move killed: {} ms undisturbed; found then: {states:?}", whole.as_millis());
    ensure!(states.contains(&State::Untouched), "never killed before the mark: {states:?}");
    ensure!(states.contains(&State::Marked), "never killed between mark and answer: {states:?}");
    Ok(())
}

/// How a killed move has left the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Untouched,
    Marked,
    Arrived,
}

/// Checks that only one of the two can be used, runs the move again, and compares.
async fn recover(server: &Postgres, file: &Path, database: &str, home: &str) -> Result<State> {
    let state = match mark(file).await? {
        None => State::Untouched,
        Some(0) => State::Marked,
        Some(_) => State::Arrived,
    };
    let again = migration(file, home)?.output().await?;
    let told = said(&again);
    match state {
        State::Untouched => ensure!(again.status.success() && told.contains("rows moved from"), "{told}"),
        State::Marked => {
            let knows = told.contains("the move is finished") != told.contains("beginning anew");
            ensure!(again.status.success() && knows, "{told}");
        }
        State::Arrived => ensure!(!again.status.success() && told.contains("was moved to"), "{told}"),
    }
    ensure!(mark(file).await? == Some(1), "the file does not say that it was moved");
    let mut source = open(file).await?;
    let mut target = server.session(database).await?;
    for table in ["ledger", "channels", "attempts", "levels", "events", "intents", "transactions", "income"] {
        let sql = format!("SELECT count(*) FROM {table}");
        let there: i64 = sqlx::query_scalar(AssertSqlSafe(sql.clone())).fetch_one(&mut target).await?;
        let here: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut source).await?;
        ensure!(there == here, "{table}: {there} rows of {here}");
    }
    target.close().await?;
    source.close().await?;
    Ok(state)
}

async fn open(file: &Path) -> Result<SqliteConnection> {
    Ok(SqliteConnectOptions::new().filename(file).connect().await?)
}

/// What the file says of its move: whether all of it arrived for sure. A file of an earlier version says nothing.
async fn mark(file: &Path) -> Result<Option<i64>> {
    let mut connection = open(file).await?;
    let known: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'moved'")
        .fetch_one(&mut connection)
        .await?;
    let mark = match known {
        0 => None,
        _ => sqlx::query_scalar("SELECT arrived FROM moved").fetch_optional(&mut connection).await?,
    };
    connection.close().await?;
    Ok(mark)
}

async fn until_marked(file: &Path) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while mark(file).await?.is_none() {
        ensure!(Instant::now() < deadline, "the file was not marked in {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// Waits until rows are on their way.
async fn until_writing(server: &Postgres, database: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let mut session = server.session(database).await?;
    loop {
        let writing: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND query LIKE 'INSERT INTO%unnest(%'",
        )
        .bind(database)
        .fetch_one(&mut session)
        .await?;
        if writing > 0 {
            return Ok(session.close().await?);
        }
        if Instant::now() > deadline {
            bail!("nothing was written in {PATIENCE:?}");
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// What it has printed.
fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
