//! The way of every payment: one transaction for all batches that wait.

use sqlx::{Connection, PgConnection};
use uraiden_core::wire::Answer;

use super::super::Scope;
use super::super::batches::{self, Batch, Prune};
use super::super::draft::Draft;
use super::commits::{Commits, Counted, Failed};
use super::connection::{self, BEGIN_BATCHES};
use super::{read, write};

/// What is durable now.
pub(super) struct Decided<'a> {
    pub(super) draft: Draft<'a>,
    /// To each batch.
    pub(super) answers: Vec<Vec<Answer>>,
    /// What to acknowledge.
    pub(super) counted: Counted,
}

/// Decides these batches, one entry after the other, makes that durable, and says what each is to be answered. `now` is
/// in milliseconds since 1970.
///
/// # Errors
///
/// Nothing is decided; or nobody knows, where the connection broke.
pub(super) async fn decide<'a>(
    connection: &mut PgConnection,
    scope: &'a Scope,
    batches: &[Batch],
    prune: Option<Prune>,
    now: u64,
    commits: &Commits,
) -> Result<Decided<'a>, Failed> {
    let mut transaction = connection.begin_with(BEGIN_BATCHES).await.map_err(Failed::NotBegun)?;
    let decided = write_down(&mut transaction, scope, batches, prune, now, commits).await;
    connection::end(transaction, decided).await
}

async fn write_down<'a>(
    connection: &mut PgConnection,
    scope: &'a Scope,
    batches: &[Batch],
    prune: Option<Prune>,
    now: u64,
    commits: &Commits,
) -> Result<Decided<'a>, Failed> {
    let mut draft = read::read(connection, scope, batches::entries(batches), now).await?;
    let answers = batches::decide(&mut draft, batches);
    write::write(&draft, connection, commits.writer).await?;
    if let Some(prune) = prune {
        write::prune(connection, prune, now).await?;
    }
    let counted = commits.count_directly(connection).await?;
    Ok(Decided { draft, answers, counted })
}
