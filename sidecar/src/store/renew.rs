//! Starting a ledger's next generation by order: for databases that were restored by other means than `uraiden restore`,
//! and do not know that they are copies.

use sqlx::Connection;

use super::{Database, OpenError, generation, postgres, sqlite};

/// Starts the next generation of the ledger in this database, whose channels are held back from then on, and answers
/// its number; `None` where there is no ledger that was ever bound to a chain. No process may use a SQLite file
/// meanwhile; those that share a PostgreSQL database take note of it.
///
/// # Errors
///
/// [`OpenError`]; then nothing has changed.
pub async fn renew(database: &Database) -> Result<Option<u64>, OpenError> {
    let (_lock, mut connection) = match database {
        Database::Sqlite(path) => {
            let (lock, connection) = sqlite::prepare(path).await?;
            (Some(lock), connection)
        }
        Database::Postgres(url) => (None, postgres::prepare(url).await?),
    };
    let started = async {
        let mut transaction = connection.begin().await?;
        let generation = match sqlx::query("SELECT 1 FROM ledger").fetch_optional(&mut *transaction).await? {
            Some(_) => Some(generation::start(&mut transaction).await?),
            None => None,
        };
        transaction.commit().await?;
        connection.close().await?;
        Ok(generation)
    };
    started.await.map_err(|source| match database {
        Database::Sqlite(path) => OpenError::Sqlite { path: path.clone(), source },
        Database::Postgres(url) => OpenError::Postgres { database: url.to_string(), source },
    })
}
