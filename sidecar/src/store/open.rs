//! Opening a ledger: brought up to date, of this contract and receiver, and one that is in use no copy of another one.

use std::sync::Arc;

use sqlx::{AnyConnection, AnyPool, Connection};
use tokio::sync::mpsc;

use super::backend::{Backend, Lookups};
use super::open_error::OpenError;
use super::postgres::{self, Postgres, Risks};
use super::remembered::Remembered;
use super::sqlite::{self, Sqlite};
use super::verify::{Coming, Verifier};
use super::writer::{QUEUE, Writer, now};
use super::{Bound, Database, Scope, Sharing, Store, binding, generation};
use crate::health::HealthBoard;

/// An open ledger.
pub struct Opened {
    /// The handle that everyone gets.
    pub store: Store,
    /// The task that writes; it ends when the last handle is gone.
    pub writer: Writer,
}

/// What a ledger is when it is opened.
struct Found {
    bound: Option<Bound>,
    /// Whether the head of the chain was not reached yet since the generation began.
    behind: bool,
}

impl Store {
    /// Opens the ledger in this database, and makes it where there is none. `risks` is what PostgreSQL may promise less.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn open(
        database: &Database,
        scope: Scope,
        risks: Risks,
        health: Arc<HealthBoard>,
    ) -> Result<Opened, OpenError> {
        match database {
            Database::Sqlite(path) => {
                let failed = |source| OpenError::Sqlite { path: path.clone(), source };
                let (lock, mut connection) = sqlite::prepare(path).await?;
                let found = find(&mut connection, scope, database).await?.map_err(failed)?;
                let sqlite = Sqlite::new(path, lock, connection, scope).await.map_err(failed)?;
                let lookups = Lookups::Index(sqlite.index());
                let readers = sqlite::readers(path).map_err(failed)?;
                Ok(opened(Backend::Sqlite(Box::new(sqlite)), lookups, readers, found, scope, health))
            }
            Database::Postgres(url) => {
                let failed = |source| OpenError::Postgres { database: url.to_string(), source };
                let mut connection = postgres::prepare_durable(url, risks).await?;
                postgres::look(&mut connection).await.map_err(failed)?;
                let found = find(&mut connection, scope, database).await?.map_err(failed)?;
                let postgres = Postgres::new(url, connection, scope, now()).await.map_err(failed)?;
                let lookups = Lookups::Postgres(postgres::lookups(url).map_err(failed)?);
                let readers = postgres::readers(url).map_err(failed)?;
                Ok(opened(Backend::Postgres(Box::new(postgres)), lookups, readers, found, scope, health))
            }
        }
    }
}

fn opened(
    backend: Backend,
    lookups: Lookups,
    readers: AnyPool,
    found: Found,
    scope: Scope,
    health: Arc<HealthBoard>,
) -> Opened {
    let (jobs, queue) = mpsc::channel(QUEUE);
    let coming = Coming::default();
    let sharing = match backend {
        // The lock says so.
        Backend::Sqlite(_) => Sharing::Sole,
        Backend::Postgres(_) => Sharing::Shared,
    };
    Opened {
        store: Store {
            scope,
            jobs,
            readers,
            lookups,
            verifier: Arc::new(Verifier::new()),
            coming: coming.clone(),
            sharing,
            remembered: Arc::new(Remembered::new(found.bound, found.behind)),
            totals: Arc::default(),
        },
        writer: Writer::new(backend, queue, coming, health),
    }
}

/// Starts the next generation where the ledger is a copy, and compares it with what it is to serve.
async fn find(
    connection: &mut AnyConnection,
    scope: Scope,
    database: &Database,
) -> Result<Result<Found, sqlx::Error>, OpenError> {
    let read = async {
        if let Some(generation) = start_if_copied(connection).await? {
            tracing::warn!(
                generation,
                "the database is a copy that is taken into use: all its channels are held back until they are closed or \
                 released"
            );
        }
        let behind = generation::is_behind(connection).await?;
        Ok(Found { bound: binding::read(connection).await?, behind })
    };
    let found = match read.await {
        Ok(found) => found,
        Err(error) => return Ok(Err(error)),
    };
    if let Some(bound) = &found.bound {
        bound
            .binding
            .compare_parties(scope.contract, scope.receiver)
            .map_err(|source| OpenError::Binding { database: database.to_string(), source })?;
    }
    Ok(Ok(found))
}

/// In one transaction, so that a copy starts its generation as a whole or not at all.
async fn start_if_copied(connection: &mut AnyConnection) -> Result<Option<u64>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let generation = generation::start_if_copied(&mut transaction).await?;
    transaction.commit().await?;
    Ok(generation)
}
