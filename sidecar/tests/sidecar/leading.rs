//! Taking turns at leading, in processes that share a ledger.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use uraiden_core::wire::Health;
use uraiden_sidecar::chain::{Ended, Follower, Following, Node};
use uraiden_sidecar::collect::Alarms;
use uraiden_sidecar::health::HealthBoard;
use uraiden_sidecar::lead::{Seat, Times};
use uraiden_sidecar::store::{Sharing, Store};

use crate::fixture::{CONTRACT, Ledger, receiver};

/// Long enough for a loaded machine to renew in time.
const TIMES: Times = Times {
    lease: Duration::from_secs(1),
    renew: Duration::from_millis(50),
    look: Duration::from_millis(20),
};

/// Nothing takes this long.
const AGES: Duration = Duration::from_secs(60);

fn seat(name: &str, store: &Store, health: &Arc<HealthBoard>) -> Seat {
    Seat::new(
        name.to_owned(),
        store.clone(),
        Sharing::Shared,
        TIMES,
        health.clone(),
        Arc::new(Alarms::default()),
    )
}

fn board() -> Arc<HealthBoard> {
    Arc::new(HealthBoard::new(AGES))
}

/// A shared ledger that nobody leads.
async fn vacant() -> Ledger {
    let ledger = Ledger::new().await;
    ledger.store.give_lease_back(ledger.epoch).await.unwrap();
    ledger
}

async fn holder(store: &Store) -> Option<String> {
    store.lease().await.unwrap().holder
}

#[tokio::test]
async fn a_lease_that_is_renewed_is_not_taken_and_one_that_is_not_is() {
    let ledger = vacant().await;
    let (health, other_health) = (board(), board());
    let mut first = seat("first", &ledger.store, &health);
    let term = timeout(AGES, first.wait()).await.unwrap();
    let mut second = seat("second", &ledger.store, &other_health);
    tokio::select! {
        _ = first.hold(term) => panic!("nobody takes it away"),
        _ = second.wait() => panic!("it is not free"),
        () = tokio::time::sleep(2 * TIMES.lease) => {}
    }
    assert!(health.leads() && !other_health.leads());
    assert_eq!(other_health.leader().unwrap().name, "first");

    // It is not renewed any more, as by a process that was killed.
    let gone = Instant::now();
    let later = timeout(AGES, second.wait()).await.unwrap();
    assert!(gone.elapsed() >= TIMES.lease, "{:?}", gone.elapsed());
    assert_eq!(later.epoch.number(), term.epoch.number() + 1);
    assert!(other_health.leads());
    // It learns so as soon as it goes on.
    timeout(AGES, first.hold(term)).await.unwrap();
}

#[tokio::test]
async fn a_lease_that_is_given_back_is_taken_at_once() {
    let ledger = vacant().await;
    let (health, other_health) = (board(), board());
    let mut first = seat("first", &ledger.store, &health);
    let term = timeout(AGES, first.wait()).await.unwrap();
    let times = Times { lease: AGES, ..TIMES };
    let mut second = Seat::new(
        "second".to_owned(),
        ledger.store.clone(),
        Sharing::Shared,
        times,
        other_health.clone(),
        Arc::default(),
    );
    tokio::select! {
        _ = first.hold(term) => panic!("nobody takes it away"),
        _ = second.wait() => panic!("it is not free"),
        () = tokio::time::sleep(Duration::from_millis(200)) => {}
    }
    first.give_back().await;
    assert_eq!(holder(&ledger.store).await, None);
    timeout(AGES / 2, second.wait()).await.unwrap();
    assert!(other_health.leads());
    // It is not the first one's any more, which must not take it from the second.
    first.give_back().await;
    assert_eq!(holder(&ledger.store).await.as_deref(), Some("second"));
}

#[tokio::test]
async fn who_cannot_renew_stops_before_another_may_begin() {
    let ledger = vacant().await;
    let mut seat = seat("first", &ledger.store, &board());
    let term = timeout(AGES, seat.wait()).await.unwrap();
    // Nobody can write, for longer than a lease.
    let blocker = rusqlite::Connection::open(ledger.path()).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    timeout(AGES, seat.hold(term)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    blocker.execute_batch("ROLLBACK").unwrap();

    // The lease has its name, so it need not wait until that runs out.
    seat.stand_back();
    let again = timeout(AGES, seat.wait()).await.unwrap();
    assert!(again.epoch.number() > term.epoch.number());
}

#[tokio::test]
async fn who_waits_is_as_ready_as_the_leader_says_from_its_next_word_on() {
    let ledger = vacant().await;
    let health = board();
    let mut leader = seat("leader", &ledger.store, &health);
    let term = timeout(AGES, leader.wait()).await.unwrap();
    health.in_step();
    tokio::select! {
        _ = leader.hold(term) => panic!("nobody takes it away"),
        // Until it has said something.
        () = async { while ledger.store.lease().await.unwrap().word.is_none() { tokio::task::yield_now().await } } => {}
    }

    // The leader is silent: what it said may be old.
    let standby = board();
    let mut other = seat("other", &ledger.store, &standby);
    let waited = timeout(TIMES.lease / 2, other.wait()).await;
    assert!(waited.is_err(), "the leader is not gone yet");
    assert!(!standby.is_ready());

    let ready = async {
        while !standby.is_ready() {
            tokio::time::sleep(TIMES.look).await;
        }
    };
    tokio::select! {
        _ = leader.hold(term) => panic!("nobody takes it away"),
        _ = other.wait() => panic!("it is not free"),
        done = timeout(AGES, ready) => done.unwrap(),
    }
    health.incident(Some("ours alone: each reads the ledger".to_owned()));
    assert_eq!(standby.health(), Health::Ready);
}

#[tokio::test]
async fn who_has_no_ethereum_node_leaves_the_chain_to_those_who_may_have_one() {
    let ledger = Ledger::new().await;
    // Nothing listens there.
    let node = Node::new("http://127.0.0.1:9".parse().unwrap(), CONTRACT, receiver(), Duration::from_secs(1));
    let following = Following {
        start_block: 0,
        poll_interval: Duration::from_millis(10),
        max_head_age: None,
        give_up_after: Some(Duration::from_millis(100)),
    };
    let follow =
        |following| Follower::new(&node, ledger.store.clone(), ledger.epoch, board(), following).run();
    let ended = timeout(AGES, follow(following)).await.unwrap();
    assert!(matches!(ended, Ended::NodeAway), "{ended:?}");

    // Whoever is alone waits for it.
    let alone = Following { give_up_after: None, ..following };
    assert!(timeout(Duration::from_millis(500), follow(alone)).await.is_err());
}

#[tokio::test]
async fn what_another_process_binds_is_known_to_all() {
    let folder = tempfile::TempDir::new().unwrap();
    let ledger = Ledger::in_folder(folder, 1).await;
    assert!(ledger.store.bound().is_none());
    let connection = rusqlite::Connection::open(ledger.path()).unwrap();
    let values = "zeroblob(32), x'cccccccccccccccccccccccccccccccccccccccc', zeroblob(32), zeroblob(20)";
    let receiver = receiver().0.to_vec();
    let insert = format!(
        "INSERT INTO ledger (one, id, generation, chain_id, genesis, contract, code_hash, token, receiver, \
         challenge_period) VALUES (1, 'abc', 1, 31337, {values}, ?1, 500)"
    );
    connection.execute(&insert, [receiver]).unwrap();
    ledger.store.refresh().await.unwrap();
    assert_eq!(ledger.store.bound().unwrap().ledger.id, "abc");
    connection.execute("UPDATE ledger SET generation = 2", []).unwrap();
    ledger.store.refresh().await.unwrap();
    assert_eq!(ledger.store.bound().unwrap().ledger.generation, 2);

    connection.execute("UPDATE ledger SET contract = zeroblob(20)", []).unwrap();
    assert!(ledger.store.refresh().await.is_err(), "a ledger of another contract");
}
