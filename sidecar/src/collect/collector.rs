//! The loop: what is due, and a step further with everything that is under way.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use uraiden_core::TokenAmount;
use uraiden_core::wire::ChannelKey;

use super::alarm::{Alarm, Alarms};
use super::due::{Due, Rules};
use super::errand::{Errand, Trouble, View};
use crate::chain::Node;
use crate::health::HealthBoard;
use crate::key::ReceiverKey;
use crate::store::{ChannelRow, Epoch, Intent, LeaseLost, OnChain, Store, StoreError};

/// A trouble that stays is said again after this long.
const REMINDER: Duration = Duration::from_secs(30);

/// How often to look for what can be withdrawn: that is no hurry, and looks at every channel.
const WITHDRAW_INTERVAL: Duration = Duration::from_secs(5);

/// Brings money home.
pub struct Collector {
    store: Store,
    health: Arc<HealthBoard>,
    alarms: Arc<Alarms>,
    epoch: Epoch,
    rules: Rules,
    /// When it was last looked for what can be withdrawn.
    looked: Option<Instant>,
    interval: Duration,
    errand: Errand,
    complaints: HashMap<ChannelKey, Complaint>,
}

/// A channel's trouble.
struct Complaint {
    text: String,
    said: Instant,
    /// When it was last there.
    seen: Instant,
}

impl Collector {
    /// For the channels of this ledger, looked at every `interval`, under the lease of `epoch`. `alarms` is what operators
    /// are shown.
    #[expect(clippy::too_many_arguments, reason = "all that it has, each once")]
    pub fn new(
        epoch: Epoch,
        store: Store,
        node: Node,
        key: Arc<ReceiverKey>,
        health: Arc<HealthBoard>,
        alarms: Arc<Alarms>,
        rules: Rules,
        interval: Duration,
    ) -> Self {
        let looked = None;
        let errand = Errand::new(store.clone(), node, key);
        Self { store, health, alarms, epoch, rules, looked, interval, errand, complaints: HashMap::new() }
    }

    /// Collects as long as this process leads.
    pub async fn run(mut self) -> LeaseLost {
        loop {
            match self.round().await {
                Ok(()) => {}
                Err(StoreError::LeaseLost(lost)) => return lost,
                Err(error) => tracing::error!(%error, "what is due cannot be found out"),
            }
            tokio::time::sleep(self.interval).await;
        }
    }

    async fn round(&mut self) -> Result<(), StoreError> {
        // Read before the intents, so that these are not older than it.
        let Some(position) = self.store.position().await? else { return Ok(()) };
        let head = position.next_block.saturating_sub(1);
        let started = Instant::now();
        let mut alarms = Vec::new();
        // While old blocks are read, the channel may be settled in one that comes later.
        if self.health.follows_chain() {
            for row in self.store.closing_by_sender().await? {
                self.claim(&row, head, &mut alarms).await?;
            }
        }
        self.withdraw().await?;
        let unfinished = self.store.intents(u64::MAX).await?;
        if !unfinished.is_empty() {
            match self.errand.look(self.epoch, head, position.confirmed_below).await {
                Ok(view) => {
                    for (intent, result) in self.go_on(&view).await? {
                        match result {
                            Ok(()) => {
                                self.note(&intent.channel, intent.proof.balance, None, head, &mut alarms)
                            }
                            Err(trouble) => {
                                let trouble = Some(trouble);
                                self.note(&intent.channel, intent.proof.balance, trouble, head, &mut alarms);
                            }
                        }
                    }
                }
                Err(error) => {
                    let reason = error.to_string();
                    for intent in unfinished {
                        let trouble = Some(Trouble::NodeAway { reason: reason.clone() });
                        self.note(&intent.channel, intent.proof.balance, trouble, head, &mut alarms);
                    }
                }
            }
        }
        self.complaints.retain(|_, complaint| complaint.seen >= started);
        self.alarms.set(alarms);
        Ok(())
    }

    /// Writes the intent to close a channel, if that is due.
    async fn claim(
        &mut self,
        row: &ChannelRow,
        head: u64,
        alarms: &mut Vec<Alarm>,
    ) -> Result<(), StoreError> {
        let Some(proof) = self.store.claimable(row).await? else {
            let held = row.closing_balance.unwrap_or(row.balance);
            if row.asked_balance.is_some_and(|asked| asked < held) {
                let trouble = Trouble::AboveDeposit { balance: held, deposit: row.deposit };
                self.note(row, held, Some(trouble), head, alarms);
            }
            return Ok(());
        };
        let Some(due) = self.rules.judge(row, &proof, head) else { return Ok(()) };
        let rules = self.rules;
        let claimed = self
            .store
            .claim_closing(self.epoch, row.key, move |row, proof| rules.judge(row, proof, head).is_some())
            .await?;
        if let Some(proof) = claimed {
            announce(due, row, proof.balance, head);
        }
        Ok(())
    }

    /// Writes the intents to withdraw what the operator's policy says.
    async fn withdraw(&mut self) -> Result<(), StoreError> {
        if !self.rules.withdraw.is_set() || self.looked.is_some_and(|at| at.elapsed() < WITHDRAW_INTERVAL) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        for due in self.store.unclaimed().await? {
            if !self.rules.withdraw.wants(&due, now) {
                continue;
            }
            let channel = format!("{}/{}", due.key.sender, due.key.open_block);
            match self.store.withdraw_due(self.epoch, due.key).await? {
                Ok(proof) => {
                    tracing::info!(channel, up_to = %proof.balance, "withdrawing, as the policy says")
                }
                Err(refusal) => tracing::debug!(channel, %refusal, "not withdrawn yet"),
            }
        }
        Ok(())
    }

    /// Takes every intent a step further, the one with the lowest nonce first.
    async fn go_on(&mut self, view: &View) -> Result<Vec<(Intent, Result<(), Trouble>)>, StoreError> {
        let intents = self.store.intents(view.open_nonce).await?;
        let mut results = Vec::with_capacity(intents.len());
        for (at, intent) in intents.iter().enumerate() {
            let others_wait = intents.iter().skip(at + 1).any(Intent::is_wanted);
            match self.errand.step(intent, view, others_wait).await {
                Err(Trouble::Store(StoreError::LeaseLost(lost))) => return Err(lost.into()),
                result => results.push(result),
            }
        }
        Ok(intents.into_iter().zip(results).collect())
    }

    /// Raises the alarm for a challenge that is under way, and says what troubles it.
    fn note(
        &mut self,
        row: &ChannelRow,
        balance: TokenAmount,
        trouble: Option<Trouble>,
        head: u64,
        alarms: &mut Vec<Alarm>,
    ) {
        let trouble = trouble.map(|trouble| trouble.to_string());
        let blocks_left = row.settle_block.unwrap_or(u64::MAX).saturating_sub(head);
        if let Some(text) = &trouble {
            self.complain(row, text, blocks_left);
        }
        let challenged = row.asked_balance.is_some_and(|asked| asked < balance);
        if row.on_chain == OnChain::Closing && (challenged || trouble.is_some()) {
            alarms.push(Alarm { channel: row.key, balance, blocks_left, trouble });
        }
    }

    fn complain(&mut self, row: &ChannelRow, text: &str, blocks_left: u64) {
        let now = Instant::now();
        if let Some(complaint) = self.complaints.get_mut(&row.key) {
            complaint.seen = now;
            if complaint.text == text && complaint.said.elapsed() < REMINDER {
                return;
            }
        }
        let channel = name(row);
        match row.on_chain {
            OnChain::Closing => {
                tracing::error!(channel, blocks_left, "money is at stake, not closed yet: {text}");
            }
            OnChain::Absent | OnChain::Unconfirmed | OnChain::Open | OnChain::Settled => {
                tracing::warn!(channel, "no transaction is on its way yet: {text}");
            }
        }
        self.complaints.insert(row.key, Complaint { text: text.to_owned(), said: now, seen: now });
    }
}

fn name(row: &ChannelRow) -> String {
    format!("{}/{}", row.key.sender, row.key.open_block)
}

fn announce(due: Due, row: &ChannelRow, balance: TokenAmount, head: u64) {
    let channel = name(row);
    let asked = row.asked_balance.unwrap_or_default();
    let blocks_left = row.settle_block.unwrap_or_default().saturating_sub(head);
    match due {
        Due::Challenge => tracing::warn!(
            channel, %asked, held = %balance, blocks_left, "the sender asks to close at less than we hold: challenging"
        ),
        Due::Unsettled => tracing::info!(
            channel, %asked, held = %balance, "the sender has not settled after the challenge period: closing"
        ),
    }
}
