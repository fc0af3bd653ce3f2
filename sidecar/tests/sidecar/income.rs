//! The merchant's figures: income by the hour, and what all channels add up to.

use alloy::primitives::U256;
use uraiden_sidecar::store::{Books, EventKind, Income};

use crate::fixture::{Ledger, OPEN_BLOCK, attempt, event};

async fn income(ledger: &Ledger) -> (u64, U256) {
    let hours = ledger.store.income(0).await.unwrap();
    let sum = |(payments, amount), hour: &Income| (payments + hour.payments, amount + hour.amount);
    hours.iter().fold((0, U256::ZERO), sum)
}

#[tokio::test]
async fn accepted_payments_are_income_and_those_taken_back_are_not() {
    let ledger = Ledger::with_deposit(100).await;
    assert_eq!(income(&ledger).await, (0, U256::ZERO));
    ledger.commit(attempt(1, 10, 10)).await;
    ledger.commit(attempt(1, 10, 10)).await;
    ledger.commit(attempt(2, 7, 17)).await;
    assert_eq!(income(&ledger).await, (2, U256::from(17)), "a repeated message is no second payment");
    ledger.commit(attempt(3, 100, 117)).await;
    ledger.commit(attempt(4, 8, 17)).await;
    assert_eq!(income(&ledger).await, (2, U256::from(17)), "what is refused is no income");
    ledger.take_back(attempt(2, 7, 17)).await;
    ledger.take_back(attempt(2, 7, 17)).await;
    ledger.take_back(attempt(1, 10, 10)).await;
    assert_eq!(
        income(&ledger).await,
        (1, U256::from(10)),
        "only the topmost payment can be taken back, once"
    );
    let ledger = ledger.restart().await;
    assert_eq!(income(&ledger).await, (1, U256::from(10)));
}

#[tokio::test]
async fn the_books_follow_a_channel_from_its_opening_to_its_end() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 30, 30)).await;
    let open = Books {
        open: 1,
        locked: U256::from(100),
        earned: U256::from(30),
        claimable: U256::from(30),
        ..Books::default()
    };
    assert_eq!(ledger.store.books().await.unwrap(), open);

    ledger.read_chain(OPEN_BLOCK + 2, &[event(OPEN_BLOCK + 2, EventKind::Withdrawn, 20)]).await;
    ledger.read_chain(OPEN_BLOCK + 3, &[]).await;
    let withdrawn =
        Books { locked: U256::from(80), claimable: U256::from(10), paid_out: U256::from(20), ..open };
    assert_eq!(ledger.store.books().await.unwrap(), withdrawn);

    ledger.read_chain(OPEN_BLOCK + 4, &[event(OPEN_BLOCK + 4, EventKind::CloseRequested, 30)]).await;
    ledger.read_chain(OPEN_BLOCK + 5, &[]).await;
    assert_eq!(ledger.store.books().await.unwrap(), Books { open: 0, closing: 1, ..withdrawn });

    ledger.read_chain(OPEN_BLOCK + 6, &[event(OPEN_BLOCK + 6, EventKind::Settled, 30)]).await;
    ledger.read_chain(OPEN_BLOCK + 7, &[]).await;
    let over = Books { settled: 1, earned: U256::from(30), paid_out: U256::from(30), ..Books::default() };
    assert_eq!(ledger.store.books().await.unwrap(), over);
}
