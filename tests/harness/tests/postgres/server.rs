//! What the scenes trust: the harness's servers lose nothing that they should keep, and lose what they should.

use anyhow::Result;
use sqlx::{Connection, Executor, PgConnection};
use uraiden_harness::{Postgres, Replication, Wire, WireFault};

/// A database with one empty table, and its URL.
async fn table(server: &Postgres) -> Result<String> {
    let url = server.database("ledger").await?;
    PgConnection::connect(&url).await?.execute("CREATE TABLE numbers (number BIGINT)").await?;
    Ok(url)
}

async fn write(url: &str, number: i64) -> Result<()> {
    let mut session = PgConnection::connect(url).await?;
    let mut transaction = session.begin().await?;
    sqlx::query("INSERT INTO numbers VALUES ($1)").bind(number).execute(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}

async fn numbers(url: &str) -> Result<Vec<i64>> {
    let mut session = PgConnection::connect(url).await?;
    Ok(sqlx::query_scalar("SELECT number FROM numbers ORDER BY number").fetch_all(&mut session).await?)
}

#[tokio::test]
async fn what_was_committed_outlives_every_end_of_the_server() -> Result<()> {
    let mut server = Postgres::start("").await?;
    let url = table(&server).await?;
    write(&url, 1).await?;
    server.kill()?;
    assert!(write(&url, 9).await.is_err());
    server.resume().await?;
    write(&url, 2).await?;
    server.stop()?;
    server.resume().await?;
    assert_eq!(numbers(&url).await?, [1, 2]);
    Ok(())
}

#[tokio::test]
async fn a_synchronous_standby_has_what_was_committed() -> Result<()> {
    let mut server = Postgres::start("").await?;
    table(&server).await?;
    let standby = server.standby(Replication::Synchronous).await?;
    let wire = Wire::to(server.address())?;
    let by_wire = server.url_by(wire.address(), "ledger");
    for number in 0..20 {
        write(&by_wire, number).await?;
    }
    server.kill()?;
    standby.promote().await?;
    wire.lead_to(standby.address());
    assert_eq!(numbers(&by_wire).await?, (0..20).collect::<Vec<_>>());
    write(&by_wire, 20).await?;
    Ok(())
}

#[tokio::test]
async fn an_asynchronous_standby_that_lags_loses_what_was_committed() -> Result<()> {
    let mut server = Postgres::start("").await?;
    let url = table(&server).await?;
    let stream = Wire::to(server.address())?;
    let standby = server.standby_by(stream.address()).await?;
    server.until_followed(Replication::Asynchronous).await?;
    write(&url, 1).await?;
    let copy = server.url_by(standby.address(), "ledger");
    while numbers(&copy).await? != [1] {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    stream.set(WireFault::Closed);
    write(&url, 2).await?;
    server.kill()?;
    standby.promote().await?;
    assert_eq!(numbers(&copy).await?, [1]);
    Ok(())
}

#[tokio::test]
async fn the_wire_cuts_a_commit_before_or_after_it_is_one() -> Result<()> {
    let server = Postgres::start("").await?;
    table(&server).await?;
    let wire = Wire::to(server.address())?;
    let url = server.url_by(wire.address(), "ledger");
    for (fault, number, kept) in
        [(WireFault::CutBeforeCommit, 1, &[][..]), (WireFault::CutAfterCommit, 2, &[2])]
    {
        let cuts = wire.cuts();
        wire.set(fault);
        assert!(write(&url, number).await.is_err(), "{fault:?}");
        wire.set(WireFault::None);
        assert_eq!((wire.cuts(), numbers(&url).await?.as_slice()), (cuts + 1, kept), "{fault:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_server_with_a_full_disk_ends_and_comes_back_with_everything() -> Result<()> {
    let mut server = Postgres::start("").await?;
    let url = table(&server).await?;
    write(&url, 1).await?;
    server.limit_files(Some(4096))?;
    assert!(write(&url, 2).await.is_err());
    while server.part().is_running() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    server.resume().await?;
    write(&url, 3).await?;
    assert_eq!(numbers(&url).await?, [1, 3]);
    Ok(())
}
