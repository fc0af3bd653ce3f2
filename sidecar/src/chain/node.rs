//! The Ethereum node: a few questions, each with a time limit, and nothing believed that was not asked for.

use core::future::{Future, IntoFuture};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use alloy::eips::BlockNumberOrTag;
use alloy::network::Ethereum;
use alloy::primitives::{B256, U256, keccak256};
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::types::{Block, Filter};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::OnceCell;
use uraiden_core::Address;

use super::contract::{RaidenMicroTransferChannels, TestToken};
use super::endpoint::Endpoint;
use super::error::{CallError, NodeError};
use super::event::{self, BadLog};
use crate::metrics;
use crate::settings::{RpcUrl, RpcUrls};
use crate::store::{Binding, Chain, ChainEvent};

/// How many headers are asked for at a time.
const CONCURRENT: usize = 16;

/// The versions of the contract that we know start so.
const KNOWN_VERSION: &str = "0.2.";

/// A node, or one of several, and whose events we want from it.
#[derive(Clone, Debug)]
pub struct Node {
    /// The same for all copies.
    connection: Arc<Connection>,
    /// Whether this copy asks also before it is known that this is our chain.
    asks_unchecked: bool,
    /// How the token is written: asked for until it was told once.
    token: Arc<OnceCell<TokenFacts>>,
    contract: Address,
    receiver: Address,
    timeout: Duration,
}

/// Which node is asked.
#[derive(Debug)]
struct Connection {
    /// At least one.
    endpoints: Vec<Endpoint>,
    /// Which of them.
    current: AtomicUsize,
    /// Whether its chain and contract were found to be those of the ledger.
    checked: AtomicBool,
}

/// How a token wants to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFacts {
    /// Its name.
    pub name: String,
    /// What stands behind an amount.
    pub symbol: String,
    /// One whole token is 10 to the power of this many base units.
    pub decimals: u8,
}

/// A block, as far as we need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) number: u64,
    pub(super) hash: [u8; 32],
    pub(super) parent: [u8; 32],
    /// Seconds since 1970.
    pub(super) timestamp: u64,
}

/// Which blocks' events are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stretch {
    /// Exactly this block, whatever the chain does meanwhile.
    Block(Header),
    /// All from the first to the last.
    Range(u64, u64),
}

impl Node {
    /// A node at the first of these URLs; the others are for when it fails. Every question is given up after `timeout`.
    pub fn new(urls: RpcUrls, contract: Address, receiver: Address, timeout: Duration) -> Self {
        let endpoints = urls.into_iter().map(Endpoint::new).collect();
        let connection =
            Connection { endpoints, current: AtomicUsize::default(), checked: AtomicBool::default() };
        Self {
            connection: Arc::new(connection),
            asks_unchecked: false,
            token: Arc::default(),
            contract,
            receiver,
            timeout,
        }
    }

    /// The copy of whoever checks the node. All others get [`NodeError::NotConnected`] until that is done: what the
    /// node of another chain says of an account's nonce would do harm.
    pub(super) fn unchecked(&self) -> Self {
        Self { asks_unchecked: true, ..self.clone() }
    }

    /// Sets the connection up, where its kind needs that.
    pub(super) async fn connect(&self) -> Result<(), NodeError> {
        self.ask("connecting", self.endpoint().connect()).await
    }

    /// All copies may ask from now on.
    pub(super) fn trust(&self) {
        self.connection.checked.store(true, Ordering::Relaxed);
    }

    /// Nobody but the checking copy asks until [`Node::trust`].
    pub(super) fn distrust(&self) {
        self.connection.checked.store(false, Ordering::Relaxed);
    }

    /// Asks the next node from now on, for all copies, once it is checked. `false` where there is only one.
    pub(super) fn change(&self) -> bool {
        let nodes = self.connection.endpoints.len();
        if nodes < 2 {
            return false;
        }
        self.distrust();
        let current = self.connection.current.load(Ordering::Relaxed);
        self.connection.current.store((current + 1) % nodes, Ordering::Relaxed);
        true
    }

    pub(super) fn provider(&self) -> Result<RootProvider<Ethereum>, NodeError> {
        let asks = self.asks_unchecked || self.connection.checked.load(Ordering::Relaxed);
        asks.then(|| self.endpoint().provider()).flatten().ok_or(NodeError::NotConnected)
    }

    fn endpoint(&self) -> &Endpoint {
        // The index is always that of an endpoint, see `change`.
        &self.connection.endpoints[self.connection.current.load(Ordering::Relaxed)]
    }

    /// The channel contract.
    pub fn contract(&self) -> Address {
        self.contract
    }

    pub(super) fn receiver(&self) -> Address {
        self.receiver
    }

    /// Where it is, without credentials.
    pub fn url(&self) -> &RpcUrl {
        &self.endpoint().url
    }

    /// Which chain it is.
    ///
    /// # Errors
    ///
    /// [`NodeError`].
    pub async fn chain(&self) -> Result<Chain, NodeError> {
        let id = self.ask("eth_chainId", self.provider()?.get_chain_id()).await?;
        let genesis = self.header(0).await?.ok_or(NodeError::NoBlock(0))?.hash;
        Ok(Chain { id, genesis })
    }

    /// What the node says of the contract, on this chain.
    ///
    /// # Errors
    ///
    /// [`NodeError`].
    pub async fn binding(&self, chain: Chain) -> Result<Binding, NodeError> {
        let address = self.contract.0.into();
        let code = self.ask("eth_getCode", self.provider()?.get_code_at(address)).await?;
        if code.is_empty() {
            return Err(NodeError::NoContract(self.contract));
        }
        let contract = RaidenMicroTransferChannels::new(address, self.provider()?);
        let version = self.ask("version()", contract.version().call()).await?;
        if !version.starts_with(KNOWN_VERSION) {
            return Err(NodeError::OtherVersion { contract: self.contract, found: version });
        }
        let token = self.ask("token()", contract.token().call()).await?;
        let challenge_period = self.ask("challenge_period()", contract.challenge_period().call()).await?;
        Ok(Binding {
            chain,
            contract: self.contract,
            code_hash: keccak256(&code).0,
            token: event::ours(token),
            receiver: self.receiver,
            challenge_period: u64::from(challenge_period),
        })
    }

    /// What an account holds of a token, in base units.
    ///
    /// # Errors
    ///
    /// [`NodeError`].
    pub async fn token_balance(&self, token: Address, account: Address) -> Result<U256, NodeError> {
        let token = TestToken::new(token.0.into(), self.provider()?);
        self.ask("balanceOf()", token.balanceOf(account.0.into()).call()).await
    }

    /// How the contract's token wants to be written. Asked once.
    ///
    /// # Errors
    ///
    /// [`NodeError`]; also where the token does not say.
    pub async fn token_facts(&self, token: Address) -> Result<&TokenFacts, NodeError> {
        let contract = TestToken::new(token.0.into(), self.provider()?);
        let ask = async || {
            Ok(TokenFacts {
                name: self.ask("name()", contract.name().call()).await?,
                symbol: self.ask("symbol()", contract.symbol().call()).await?,
                decimals: self.ask("decimals()", contract.decimals().call()).await?,
            })
        };
        self.token.get_or_try_init(ask).await
    }

    /// The newest block.
    pub(super) async fn latest(&self) -> Result<Header, NodeError> {
        let block = self.block(BlockNumberOrTag::Latest).await?;
        block.ok_or(NodeError::NoHead)
    }

    /// The block with this number; `None` where the chain is shorter.
    pub(super) async fn header(&self, number: u64) -> Result<Option<Header>, NodeError> {
        self.block(BlockNumberOrTag::Number(number)).await
    }

    /// All blocks from `first` to `last`.
    pub(super) async fn headers(&self, first: u64, last: u64) -> Result<Vec<Header>, NodeError> {
        stream::iter(first..=last)
            .map(|number| async move { self.header(number).await?.ok_or(NodeError::NoBlock(number)) })
            .buffered(CONCURRENT)
            .try_collect()
            .await
    }

    /// The events of our channels, in their order on the chain.
    pub(super) async fn events(&self, stretch: Stretch) -> Result<Vec<ChainEvent>, NodeError> {
        let filter = Filter::new()
            .address(alloy::primitives::Address::from(self.contract.0))
            .event_signature(super::event::TOPICS.to_vec())
            .topic2(alloy::primitives::Address::from(self.receiver.0).into_word());
        let (filter, first, last) = match stretch {
            Stretch::Block(header) => {
                (filter.at_block_hash(B256::from(header.hash)), header.number, header.number)
            }
            Stretch::Range(first, last) => (filter.from_block(first).to_block(last), first, last),
        };
        let logs = self.ask("eth_getLogs", self.provider()?.get_logs(&filter)).await?;
        let mut events = logs
            .iter()
            .map(|log| event::read(log, self.contract, self.receiver))
            .collect::<Result<Vec<_>, _>>()?;
        if events.iter().any(|event| !(first..=last).contains(&event.block)) {
            return Err(BadLog::Unplaced.into());
        }
        let place = |event: &ChainEvent| (event.block, event.log_index);
        events.sort_by_key(place);
        events.dedup();
        match events.windows(2).find(|pair| place(&pair[0]) == place(&pair[1])) {
            Some(&[ChainEvent { block, log_index, .. }, _]) => {
                Err(BadLog::SamePlace { block, log_index }.into())
            }
            Some(_) | None => Ok(events),
        }
    }

    async fn block(&self, number: BlockNumberOrTag) -> Result<Option<Header>, NodeError> {
        let block: Option<Block> = self
            .ask("eth_getBlockByNumber", self.provider()?.get_block_by_number(number).into_future())
            .await?;
        Ok(block.map(|block| Header {
            number: block.header.number,
            hash: block.header.hash.0,
            parent: block.header.parent_hash.0,
            timestamp: block.header.timestamp,
        }))
    }

    /// What an error of alloy's means, without the URL's secrets.
    pub(super) fn failed(&self, call: &'static str, error: impl Into<CallError>) -> NodeError {
        let CallError { reason, too_much, reverted } = error.into();
        // Another copy may have changed to another node since the question.
        let reason =
            self.connection.endpoints.iter().fold(reason, |text, endpoint| endpoint.url.redact(&text));
        match reverted {
            true => NodeError::Reverted { call, reason },
            false => NodeError::Failed { call, reason, too_much },
        }
    }

    pub(super) async fn ask<T, E: Into<CallError>>(
        &self,
        call: &'static str,
        question: impl IntoFuture<Output = Result<T, E>, IntoFuture: Future>,
    ) -> Result<T, NodeError> {
        let node = self.url().to_string();
        let answer = match tokio::time::timeout(self.timeout, question.into_future()).await {
            Err(_) => Err(NodeError::Silent { call, after: self.timeout }),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.failed(call, error)),
        };
        // That the contract refuses is an answer.
        metrics::node_asked(node, matches!(answer, Ok(_) | Err(NodeError::Reverted { .. })));
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_asks_a_node_before_it_was_checked() {
        // Nothing listens there.
        let urls = "http://127.0.0.1:1".parse().unwrap();
        let node = Node::new(urls, Address([0xcc; 20]), Address([0xbb; 20]), Duration::from_secs(5));
        let asked = async |node: &Node| match node.ether(Address([1; 20])).await {
            Err(NodeError::NotConnected) => false,
            Err(NodeError::Failed { .. }) => true,
            other => panic!("{other:?}"),
        };
        let checking = node.unchecked();
        assert!(!asked(&node).await);
        assert!(asked(&checking).await);
        checking.trust();
        assert!(asked(&node).await);
        checking.distrust();
        assert!(!asked(&node.clone()).await);
    }
}
