//! What a stack is made of.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use clap::builder::PossibleValue;
use serde_json::Value;
use uraiden_core::{Address, TokenAmount};

use crate::EnvoyConfig;

/// How many sidecars a stack can have.
const MOST_SIDECARS: usize = crate::sidecar::NAMES.len();

/// What differs from stack to stack. The default is for tests: a chain that mines a block a transaction, and two
/// worker threads in Envoy, so that a channel is met on a worker that has not seen it.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the paid path costs, in base units of the token; at least 1.
    pub price: TokenAmount,
    /// The path that costs it, with everything below. Starts with `/`.
    pub paid_path: String,
    /// EIP-155's id of the development chain.
    pub chain_id: u64,
    /// The time between two blocks; `None` mines a block per transaction and otherwise only on [`DevChain::mine`].
    ///
    /// [`DevChain::mine`]: crate::DevChain::mine
    pub block_time: Option<Duration>,
    /// For how many blocks the node keeps its state, in memory. Left to itself it would write those of older ones to
    /// disk, and never delete them.
    pub kept_states: u32,
    /// How many blocks must be on top of an event before the sidecar believes it.
    pub confirmations: u32,
    /// Whether the sidecar asks the node through [`Stack::rpc_proxy`].
    ///
    /// [`Stack::rpc_proxy`]: crate::Stack::rpc_proxy
    pub rpc_proxy: bool,
    /// Whether the sidecar asks the node over a WebSocket, through [`Stack::relay`].
    ///
    /// [`Stack::relay`]: crate::Stack::relay
    pub websocket: bool,
    /// Whether the sidecar also knows the node without proxy and relay, for when they fail.
    pub spare_node: bool,
    /// Whether the filter reaches the sidecar through [`Stack::link`].
    ///
    /// [`Stack::link`]: crate::Stack::link
    pub link: bool,
    /// Whether Envoy reads its listener from a file that [`Envoy::replace_filter`] changes.
    ///
    /// [`Envoy::replace_filter`]: crate::Envoy::replace_filter
    pub listener_by_xds: bool,
    /// Whether Envoy runs the module that panics at a request with the header `x-crash-the-paywall`.
    pub crashing_filter: bool,
    /// Where the sidecars keep the ledger.
    pub database: Database,
    /// Whether they reach a server through [`Stack::wire`].
    ///
    /// [`Stack::wire`]: crate::Stack::wire
    pub wire: bool,
    /// How many sidecars share the ledger; more than one only with [`Database::Postgres`].
    pub sidecars: usize,
    /// How many Envoys stand in front of them.
    pub envoys: usize,
    /// More flags of `uraiden serve`, each with its value, which is empty for a flag that has none.
    pub sidecar_flags: Vec<(&'static str, String)>,
    /// More keys of the filter's configuration, each with its value.
    pub filter_keys: Vec<(&'static str, Value)>,
    /// A chain and contract that are there already, instead of new ones.
    pub existing: Option<ExistingChain>,
    /// The service that is sold, instead of the sample.
    pub upstream: Option<SocketAddr>,
    /// Another Envoy binary than the pinned one.
    pub envoy: Option<PathBuf>,
    /// Envoy's worker threads.
    pub concurrency: u32,
    /// Changes Envoy's configuration before it starts.
    pub change: fn(&mut EnvoyConfig),
    /// Whether to wait until the paid path asks for its price. A scene whose paywall stays closed does not.
    pub open: bool,
}

/// What a ledger is kept by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file in the stack's folder.
    Sqlite,
    /// A server of the stack's own.
    Postgres {
        /// Further lines of the server's configuration.
        settings: &'static str,
    },
}

/// As a flag of a program says it.
impl ValueEnum for Database {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Sqlite, Self::Postgres { settings: "" }]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres { .. } => "postgres",
        }))
    }
}

/// A chain with a channel contract on it.
#[derive(Clone, Debug)]
pub struct ExistingChain {
    /// The node.
    pub rpc_url: String,
    /// The `RaidenMicroTransferChannels`.
    pub contract: Address,
    /// A file with the receiver's private key in hex, which only its owner can read.
    pub receiver_key_file: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            price: TokenAmount::new(1000),
            paid_path: "/premium".to_owned(),
            chain_id: 31337,
            block_time: None,
            kept_states: 256,
            confirmations: 1,
            rpc_proxy: false,
            websocket: false,
            spare_node: false,
            link: false,
            listener_by_xds: false,
            crashing_filter: false,
            database: Database::Sqlite,
            wire: false,
            sidecars: 1,
            envoys: 1,
            sidecar_flags: Vec::new(),
            filter_keys: Vec::new(),
            existing: None,
            upstream: None,
            envoy: None,
            concurrency: 2,
            change: |_| {},
            open: true,
        }
    }
}

impl Options {
    pub(crate) fn check(&self) -> Result<()> {
        let path = &self.paid_path;
        ensure!(
            path.starts_with('/') && path.len() > 1,
            "paid path {path:?}: starts with / and is more than that"
        );
        ensure!(!self.price.is_zero(), "price 0: a paid path costs 1 or more");
        let envoys = crate::envoy::NAMES.len();
        ensure!((1..=envoys).contains(&self.envoys), "{} Envoys: 1 to {envoys}", self.envoys);
        let most = if self.database == Database::Sqlite { 1 } else { MOST_SIDECARS };
        ensure!(
            (1..=most).contains(&self.sidecars),
            "{} sidecars on {:?}: 1 to {most}",
            self.sidecars,
            self.database
        );
        Ok(())
    }
}
