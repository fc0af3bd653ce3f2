//! One of the sidecars that share a ledger leads: it follows the chain and brings money home. The others serve all that
//! filters, clients and operators ask, and one of them takes over when the leader is gone.

mod duties;
mod seat;
mod times;
mod watch;
mod word;

use crate::chain::{Ended, Fatal, Lookout};
use crate::store::Sharing;

pub use duties::Duties;
pub use seat::{Seat, Term};
pub use times::Times;

/// A process's part in leading.
pub struct Leadership {
    seat: Seat,
    duties: Duties,
}

impl Leadership {
    /// With these duties whenever it is its turn.
    pub fn new(seat: Seat, duties: Duties) -> Self {
        Self { seat, duties }
    }

    /// Leads whenever it is its turn, and otherwise waits for that, for ever.
    pub async fn run(&mut self) -> Fatal {
        let Duties { store, health, .. } = &self.duties;
        match store.sharing() {
            Sharing::Sole => take_turns(&mut self.seat, &self.duties).await,
            Sharing::Shared => tokio::select! {
                fatal = take_turns(&mut self.seat, &self.duties) => fatal,
                fatal = watch::watch(store, health) => fatal,
            },
        }
    }

    /// Leaves the lead to another process at once, where this one has it.
    pub async fn give_back(&mut self) {
        self.seat.give_back().await;
    }
}

async fn take_turns(seat: &mut Seat, duties: &Duties) -> Fatal {
    let Duties { node, store, health, interval, .. } = duties;
    let others = store.sharing() == Sharing::Shared;
    loop {
        let lookout = Lookout::new(node, store.clone(), health.clone(), *interval);
        let term = tokio::select! {
            term = seat.wait() => term,
            fatal = lookout.run(), if others => return fatal,
        };
        // Whichever ends first, the other is dropped with all that it holds in memory.
        let ended = tokio::select! {
            lost = seat.hold(term) => lost.into(),
            ended = duties.carry_out(term.epoch) => ended,
        };
        match ended {
            Ended::Fatal(fatal) => return fatal,
            Ended::LeaseLost => seat.stand_back(),
            Ended::NodeAway => {
                tracing::warn!("the Ethereum node is away for too long: another sidecar may reach one");
                seat.give_back().await;
                seat.stand_aside();
            }
        }
    }
}
