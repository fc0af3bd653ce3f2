//! The Ethereum node: a few questions, each with a time limit, and nothing believed that was not asked for.

use core::future::{Future, IntoFuture};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alloy::eips::BlockNumberOrTag;
use alloy::network::Ethereum;
use alloy::primitives::{B256, U256, keccak256};
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::types::{Block, Filter};
use alloy::transports::{RpcError, TransportError, TransportErrorKind};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::OnceCell;
use uraiden_core::Address;

use super::contract::{RaidenMicroTransferChannels, TestToken};
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
    /// At least one.
    endpoints: Arc<[Endpoint]>,
    /// Which of them is asked; the same for all copies.
    current: Arc<AtomicUsize>,
    /// How the token is written: asked for until it was told once.
    token: Arc<OnceCell<TokenFacts>>,
    contract: Address,
    receiver: Address,
    timeout: Duration,
}

#[derive(Debug)]
struct Endpoint {
    provider: RootProvider<Ethereum>,
    url: RpcUrl,
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

/// Why the node was of no use.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// It did not answer in time.
    #[error("{call} was not answered within {} ms", after.as_millis())]
    Silent {
        /// The question.
        call: &'static str,
        /// The limit.
        after: Duration,
    },
    /// It cannot be reached, or answered with an error.
    #[error("{call}: {reason}")]
    Failed {
        /// The question.
        call: &'static str,
        /// What went wrong.
        reason: String,
        /// Whether a question about fewer blocks may be answered.
        too_much: bool,
    },
    /// The contract refuses.
    #[error("{call}: the contract refuses: {reason}")]
    Reverted {
        /// The question.
        call: &'static str,
        /// What the node says of it.
        reason: String,
    },
    /// It has no such block, though it must.
    #[error("the node has no block {0}")]
    NoBlock(u64),
    /// There is no contract at the address: a wrong address, a wrong chain, or a node that is far behind.
    #[error("there is no contract at {0} on this node's chain")]
    NoContract(Address),
    /// It is another contract.
    #[error("the contract at {contract} says that its version is {found:?}, where 0.2.x is expected")]
    OtherVersion {
        /// Its address.
        contract: Address,
        /// What it says.
        found: String,
    },
    /// Its log entries are not what was asked for.
    #[error("eth_getLogs: {0}")]
    Log(#[from] BadLog),
}

impl NodeError {
    /// Whether a question about fewer blocks may be answered.
    pub(super) fn is_too_much(&self) -> bool {
        matches!(self, Self::Silent { .. } | Self::Failed { too_much: true, .. })
    }
}

impl Node {
    /// A node at the first of these URLs; the others are for when it fails. Every question is given up after `timeout`.
    pub fn new(urls: RpcUrls, contract: Address, receiver: Address, timeout: Duration) -> Self {
        let endpoint = |url: RpcUrl| Endpoint { provider: RootProvider::new_http(url.secret().clone()), url };
        let endpoints = urls.into_iter().map(endpoint).collect();
        Self { endpoints, current: Arc::default(), token: Arc::default(), contract, receiver, timeout }
    }

    /// Asks the next node from now on, for all copies. `false` where there is only one.
    pub(super) fn change(&self) -> bool {
        if self.endpoints.len() < 2 {
            return false;
        }
        let current = self.current.load(Ordering::Relaxed);
        self.current.store((current + 1) % self.endpoints.len(), Ordering::Relaxed);
        true
    }

    pub(super) fn provider(&self) -> &RootProvider<Ethereum> {
        &self.endpoint().provider
    }

    fn endpoint(&self) -> &Endpoint {
        // The index is always that of an endpoint, see `change`.
        &self.endpoints[self.current.load(Ordering::Relaxed)]
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
        let id = self.ask("eth_chainId", self.provider().get_chain_id()).await?;
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
        let code = self.ask("eth_getCode", self.provider().get_code_at(address)).await?;
        if code.is_empty() {
            return Err(NodeError::NoContract(self.contract));
        }
        let contract = RaidenMicroTransferChannels::new(address, self.provider());
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
        let token = TestToken::new(token.0.into(), self.provider());
        self.ask("balanceOf()", token.balanceOf(account.0.into()).call()).await
    }

    /// How the contract's token wants to be written. Asked once.
    ///
    /// # Errors
    ///
    /// [`NodeError`]; also where the token does not say.
    pub async fn token_facts(&self, token: Address) -> Result<&TokenFacts, NodeError> {
        let contract = TestToken::new(token.0.into(), self.provider());
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
        block.ok_or(NodeError::NoBlock(0))
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
        let logs = self.ask("eth_getLogs", self.provider().get_logs(&filter)).await?;
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
            .ask("eth_getBlockByNumber", self.provider().get_block_by_number(number).into_future())
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
        let reason = self.endpoints.iter().fold(reason, |text, endpoint| endpoint.url.redact(&text));
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

/// What alloy's several errors tell us.
pub(super) struct CallError {
    reason: String,
    too_much: bool,
    reverted: bool,
}

impl From<TransportError> for CallError {
    fn from(error: TransportError) -> Self {
        let too_much = match &error {
            // Nodes say "too many results" and the like in the words and numbers of their own.
            RpcError::ErrorResp(_) | RpcError::DeserError { .. } | RpcError::NullResp => true,
            RpcError::Transport(TransportErrorKind::HttpError(error)) => {
                matches!(error.status, 400 | 413 | 422)
            }
            RpcError::Transport(_)
            | RpcError::UnsupportedFeature(_)
            | RpcError::LocalUsageError(_)
            | RpcError::SerError(_) => false,
        };
        Self { reason: whole(&error), too_much, reverted: is_revert(&error) }
    }
}

impl From<alloy::contract::Error> for CallError {
    fn from(error: alloy::contract::Error) -> Self {
        let reverted = match &error {
            alloy::contract::Error::TransportError(error) => is_revert(error),
            _ => false,
        };
        Self { reason: whole(&error), too_much: false, reverted }
    }
}

/// Whether the node says that the contract refused. Nodes agree on code 3 for it, or else on the word.
pub(super) fn is_revert(error: &TransportError) -> bool {
    error.as_error_resp().is_some_and(|refusal| refusal.code == 3 || refusal.message.contains("revert"))
}

/// An error with the errors behind it, cut where a node sends a novel.
fn whole(error: &dyn std::error::Error) -> String {
    const MAX_CHARACTERS: usize = 300;
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
