//! Counting what a transaction decides. It counts only once it is durable: a transaction that fails decided nothing.

use std::cell::RefCell;

use crate::metrics::{self, Decision};

tokio::task_local! {
    static TALLY: RefCell<Vec<Decision>>;
}

/// Takes note of a decision of the transaction under way.
pub(super) fn note(decision: Decision) {
    // Without a transaction, as in tests of single steps, nobody counts.
    let _ = TALLY.try_with(|tally| tally.borrow_mut().push(decision));
}

/// Runs a transaction, and counts what it decided if it succeeds.
pub(super) async fn count<T, E>(transaction: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    TALLY
        .scope(RefCell::default(), async {
            let result = transaction.await;
            if result.is_ok() {
                TALLY.with(RefCell::take).into_iter().for_each(metrics::decided);
            }
            result
        })
        .await
}
