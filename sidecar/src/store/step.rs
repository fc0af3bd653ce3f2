//! Steps of the writer's transaction that other files of the store describe.

use core::fmt;

use futures_util::future::BoxFuture;
use sqlx::SqliteConnection;
use tokio::sync::oneshot;

use super::writer::{Change, Job};
use super::{Store, StoreError};

/// Told once the transaction is durable. Dropped, it tells the asker that nothing is known.
pub(super) type Tell = Box<dyn FnOnce() + Send>;

type Run =
    Box<dyn for<'c> FnOnce(&'c mut SqliteConnection, u64) -> BoxFuture<'c, Result<Tell, sqlx::Error>> + Send>;

/// A part of a transaction, which is given the time in milliseconds since 1970.
pub(super) struct Step(Run);

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Step")
    }
}

impl Step {
    fn new<T, F>(step: F, reply: oneshot::Sender<T>) -> Self
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection, u64) -> BoxFuture<'c, Result<T, sqlx::Error>>
            + Send
            + 'static,
    {
        Self(Box::new(move |connection, now| {
            Box::pin(async move {
                let answer = step(connection, now).await?;
                // An asker that has gone away is no matter: what it asked for is done.
                Ok(Box::new(move || drop(reply.send(answer))) as Tell)
            })
        }))
    }

    pub(super) async fn run(self, connection: &mut SqliteConnection, now: u64) -> Result<Tell, sqlx::Error> {
        (self.0)(connection, now).await
    }
}

impl Store {
    /// Has the writer take this step, and answers when it is durable. An error of one step undoes all that share its
    /// transaction, so what is merely not possible is an answer and no error.
    pub(super) async fn step<T, F>(&self, step: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection, u64) -> BoxFuture<'c, Result<T, sqlx::Error>>
            + Send
            + 'static,
    {
        self.ask(|reply| Job::Change(Change::Step(Step::new(step, reply)))).await
    }
}
