//! One intent, a step further: sign, keep, send, look whether it is included, raise the offer.

use std::collections::HashMap;
use std::sync::Arc;

use alloy::network::TransactionBuilder;
use alloy::primitives::U256;
use alloy::primitives::aliases::U192;
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall;
use uraiden_core::{Address, BlockNumber, ChannelId, TokenAmount};

use super::fees::Fees;
use crate::chain::contract::RaidenMicroTransferChannels::{cooperativeCloseCall, withdrawCall};
use crate::chain::{Node, NodeError};
use crate::key::{ReceiverKey, SigningError};
use crate::store::{Epoch, HeldProof, Intent, Purpose, Store, StoreError, Transaction};

/// Blocks that a transaction may wait for its inclusion before its offer is raised.
const PATIENCE: u64 = 3;

/// What sending nothing to oneself uses.
const PLAIN_GAS: u64 = 21_000;

/// What intents look at in one round.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    epoch: Epoch,
    /// The newest block that was read.
    head: u64,
    /// The first nonce that no block has.
    pub(super) open_nonce: u64,
    /// The first nonce that no believed block has.
    unconfirmed_nonce: u64,
}

/// Why an intent did not come further.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error("the node does not answer: {reason}")]
    NodeAway { reason: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("nothing was signed: {0}")]
    Signing(#[from] SigningError),
    #[error("the receiver {receiver} has {has} wei, and the transaction needs {needs}: send ETH to it")]
    NoEther { receiver: Address, has: U256, needs: U256 },
    #[error(
        "the balance {balance} is above the deposit {deposit} that the chain shows, so the contract refuses it"
    )]
    AboveDeposit { balance: TokenAmount, deposit: TokenAmount },
    #[error("the ledger is not bound to a chain yet")]
    Unbound,
    #[error("the intent has changed meanwhile")]
    Changed,
}

/// Takes intents further.
pub(super) struct Errand {
    store: Store,
    node: Node,
    key: Arc<ReceiverKey>,
    /// What was last sent for each intent, and at which newest block: the node need not be told twice.
    sent: HashMap<i64, ([u8; 32], u64)>,
}

/// What a transaction does.
struct Act {
    request: TransactionRequest,
    gas: u64,
}

impl Errand {
    pub(super) fn new(store: Store, node: Node, key: Arc<ReceiverKey>) -> Self {
        Self { store, node, key, sent: HashMap::new() }
    }

    /// Looks at the account. `head` was read, and all below `confirmed_below` is believed.
    pub(super) async fn look(
        &self,
        epoch: Epoch,
        head: u64,
        confirmed_below: u64,
    ) -> Result<View, NodeError> {
        let account = self.key.address();
        let open_nonce = self.node.nonce(account, None).await?;
        let unconfirmed_nonce = match confirmed_below.checked_sub(1) {
            Some(believed) => self.node.nonce(account, Some(believed)).await?,
            None => 0,
        };
        Ok(View { epoch, head, open_nonce, unconfirmed_nonce })
    }

    /// Takes an intent further. Where it has become needless and `others_wait` for its nonce, the nonce is used up.
    pub(super) async fn step(
        &mut self,
        intent: &Intent,
        view: &View,
        others_wait: bool,
    ) -> Result<(), Trouble> {
        if intent.purpose == Purpose::Withdraw && !intent.is_wanted() {
            self.store.finish_withdrawal(view.epoch, intent.id).await?;
        }
        if let Some(nonce) = intent.nonce.filter(|nonce| *nonce < view.open_nonce) {
            return self.included(intent, nonce, view).await;
        }
        let in_the_way = intent.nonce.is_some() && others_wait;
        if !intent.is_wanted() && !in_the_way {
            return Ok(());
        }
        let last = intent.transactions.last();
        if let Some(last) = last.filter(|last| view.head < last.head.saturating_add(PATIENCE)) {
            return self.send(intent, last, view).await;
        }
        let act = match intent.is_wanted() {
            true => self.act(intent).await,
            false => Ok(self.nothing()),
        };
        let act = match act {
            // It may be possible again later, with another nonce.
            Err(Trouble::Node(NodeError::Reverted { .. })) if in_the_way => self.nothing(),
            act => act?,
        };
        match (self.offer(&act, last).await, last) {
            (Ok(Some(fees)), _) => self.sign_and_send(intent, act, fees, view).await,
            (Ok(None), Some(last)) => self.send(intent, last, view).await,
            (Ok(None), None) => Ok(()),
            (Err(trouble), Some(last)) => {
                self.send(intent, last, view).await?;
                Err(trouble)
            }
            (Err(trouble), None) => Err(trouble),
        }
    }

    /// A block has the intent's nonce. Once that is believed and the chain still has not done what is wanted, the
    /// nonce went into something else: the contract refused, or somebody else used the account.
    async fn included(&self, intent: &Intent, nonce: u64, view: &View) -> Result<(), Trouble> {
        if !intent.is_wanted() || nonce >= view.unconfirmed_nonce {
            return Ok(());
        }
        tracing::warn!(
            channel = %self.channel(intent),
            nonce,
            "the transaction with this nonce did not do what is wanted: trying again with another"
        );
        match self.store.release_nonce(view.epoch, intent.id, nonce).await? {
            true => Ok(()),
            false => Err(Trouble::Changed),
        }
    }

    /// What brings the claimed balance home, if the contract lets us.
    async fn act(&self, intent: &Intent) -> Result<Act, Trouble> {
        let ChannelId { contract, receiver, .. } = self.channel(intent);
        let input = match intent.purpose {
            Purpose::Close => self.closing(intent).await?,
            Purpose::Withdraw => withdrawal(intent.channel.key.open_block, &intent.proof),
        };
        let request = request(receiver, contract, input);
        let gas = self.node.gas(request.clone()).await?;
        // The refunds and prices of the block that includes it may differ from those of now.
        Ok(Act { request, gas: gas.saturating_add(gas / 4) })
    }

    async fn closing(&self, intent: &Intent) -> Result<Vec<u8>, Trouble> {
        // The mark is durable: the intent was written in its transaction.
        let agreement = self.key.sign_closing(&self.channel(intent), intent.proof.balance).await?;
        let call = cooperativeCloseCall {
            _receiver_address: self.key.address().0.into(),
            _open_block_number: intent.channel.key.open_block.0,
            _balance: U192::from_be_bytes(intent.proof.balance.to_be_bytes()),
            _balance_msg_sig: intent.proof.signature.to_bytes().into(),
            _closing_sig: agreement.to_bytes().into(),
        };
        Ok(call.abi_encode())
    }

    /// Uses a nonce up.
    fn nothing(&self) -> Act {
        let account = self.key.address().0.into();
        let request =
            TransactionRequest::default().with_from(account).with_to(account).with_value(U256::ZERO);
        Act { request, gas: PLAIN_GAS }
    }

    /// What to offer for an act: more than for the last transaction. `None` where more would not help.
    async fn offer(&self, act: &Act, last: Option<&Transaction>) -> Result<Option<Fees>, Trouble> {
        let market = self.node.market().await?;
        let last = last.map(|last| Fees { max: last.max_fee, priority: last.priority_fee });
        let Some(wish) = last.map_or_else(|| Some(Fees::of(market)), |last| last.raised(market)) else {
            return Ok(None);
        };
        let receiver = self.key.address();
        let has = self.node.ether(receiver).await?;
        let gas = U256::from(act.gas);
        let per_gas = u128::try_from(has / gas).unwrap_or(u128::MAX);
        match wish.within(per_gas, market, last) {
            Some(fees) => Ok(Some(fees)),
            None => Err(Trouble::NoEther { receiver, has, needs: gas * U256::from(wish.max) }),
        }
    }

    async fn sign_and_send(
        &mut self,
        intent: &Intent,
        act: Act,
        fees: Fees,
        view: &View,
    ) -> Result<(), Trouble> {
        let chain_id = self.store.bound().ok_or(Trouble::Unbound)?.identity.chain_id;
        let nonce = match intent.nonce {
            Some(nonce) => nonce,
            None => {
                let assigned = self.store.assign_nonce(view.epoch, intent.id, view.open_nonce).await?;
                assigned.ok_or(Trouble::Changed)?
            }
        };
        let request = act
            .request
            .with_chain_id(chain_id)
            .with_nonce(nonce)
            .with_gas_limit(act.gas)
            .with_max_fee_per_gas(fees.max)
            .with_max_priority_fee_per_gas(fees.priority);
        let signed = self.key.sign_transaction(request).await?;
        let transaction = Transaction {
            hash: signed.hash,
            nonce,
            max_fee: fees.max,
            priority_fee: fees.priority,
            raw: signed.raw,
            head: view.head,
        };
        if !self.store.keep_transaction(view.epoch, intent.id, transaction.clone()).await? {
            return Err(Trouble::Changed);
        }
        tracing::info!(
            channel = %self.channel(intent),
            purpose = intent.purpose.as_str(),
            transaction = format!("0x{}", hex::encode(transaction.hash)),
            nonce,
            max_fee = fees.max,
            "sending"
        );
        self.send(intent, &transaction, view).await
    }

    /// Hands a kept transaction to the node, once for each new block: nodes forget.
    async fn send(&mut self, intent: &Intent, transaction: &Transaction, view: &View) -> Result<(), Trouble> {
        let now = (transaction.hash, view.head);
        if self.sent.get(&intent.id) == Some(&now) {
            return Ok(());
        }
        if let Err(error) = self.node.send(&transaction.raw).await
            // Every node has words of its own for "I have it already".
            && !self.node.has_transaction(transaction.hash).await?
        {
            return Err(error.into());
        }
        self.sent.insert(intent.id, now);
        Ok(())
    }

    fn channel(&self, intent: &Intent) -> ChannelId {
        ChannelId {
            contract: self.store.scope().contract,
            receiver: self.key.address(),
            sender: intent.channel.key.sender,
            open_block: intent.channel.key.open_block,
        }
    }
}

/// The receiver's call of the contract.
pub(super) fn request(receiver: Address, contract: Address, input: Vec<u8>) -> TransactionRequest {
    TransactionRequest::default().with_from(receiver.0.into()).with_to(contract.0.into()).with_input(input)
}

/// Takes out all of a proof that was not taken out before.
pub(super) fn withdrawal(open_block: BlockNumber, proof: &HeldProof) -> Vec<u8> {
    let call = withdrawCall {
        _open_block_number: open_block.0,
        _balance: U192::from_be_bytes(proof.balance.to_be_bytes()),
        _balance_msg_sig: proof.signature.to_bytes().into(),
    };
    call.abi_encode()
}
