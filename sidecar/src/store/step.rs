//! Steps of the writer's transaction that other files of the store describe.

use core::fmt;

use futures_util::future::BoxFuture;
use sqlx::AnyConnection;
use tokio::sync::oneshot;

use super::writer::Job;
use super::{Store, StoreError};

/// A part of a transaction, which is given the time in milliseconds since 1970. It may be taken more than once, since a
/// transaction that met another one may have to begin anew.
pub(super) struct Step(Box<dyn Take>);

trait Take: Send {
    /// Takes the step, and keeps what it answers.
    fn take<'s>(
        &'s mut self,
        connection: &'s mut AnyConnection,
        now: u64,
    ) -> BoxFuture<'s, Result<(), sqlx::Error>>;

    /// Tells the last answer.
    fn tell(self: Box<Self>);
}

struct Taking<T, F> {
    step: F,
    answer: Option<T>,
    reply: oneshot::Sender<T>,
}

impl<T, F> Take for Taking<T, F>
where
    T: Send,
    F: for<'c> Fn(&'c mut AnyConnection, u64) -> BoxFuture<'c, Result<T, sqlx::Error>> + Send,
{
    fn take<'s>(
        &'s mut self,
        connection: &'s mut AnyConnection,
        now: u64,
    ) -> BoxFuture<'s, Result<(), sqlx::Error>> {
        let taken = (self.step)(connection, now);
        let answer = &mut self.answer;
        Box::pin(async move {
            *answer = Some(taken.await?);
            Ok(())
        })
    }

    fn tell(self: Box<Self>) {
        if let Some(answer) = self.answer {
            // An asker that has gone away is no matter: what it asked for is done.
            let _ = self.reply.send(answer);
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Step")
    }
}

impl Step {
    /// Takes it.
    pub(super) async fn take(&mut self, connection: &mut AnyConnection, now: u64) -> Result<(), sqlx::Error> {
        self.0.take(connection, now).await
    }

    /// Answers, once the transaction is durable. Dropped in place of that, it tells the asker that nothing is known.
    pub(super) fn tell(self) {
        self.0.tell();
    }
}

impl Store {
    /// Has the writer take this step, and answers when it is durable. An error of one step undoes all that share its
    /// transaction, so what is merely not possible is an answer and no error.
    pub(super) async fn step<T, F>(&self, step: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> Fn(&'c mut AnyConnection, u64) -> BoxFuture<'c, Result<T, sqlx::Error>> + Send + 'static,
    {
        self.ask(|reply| Job::Step(Step(Box::new(Taking { step, answer: None, reply })))).await
    }
}
