//! What `uraiden serve` is told: by flags, by `URAIDEN_*` variables, by a TOML file, in this order of precedence.

mod assets_path;
mod duration;
mod gateway_path;
mod layer;
mod listen;
mod otlp_endpoint;
mod rpc_url;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use alloy::primitives::U256;
use clap::ValueEnum;
use serde::Deserialize;
use uraiden_core::{Address, TokenAmount};

pub use assets_path::AssetsPath;
pub use duration::{Span, SpanError};
pub use gateway_path::{GatewayPath, GatewayPathError};
pub use layer::Layer;
pub use listen::{Listen, ListenError};
pub use otlp_endpoint::{OtlpEndpoint, OtlpEndpointError};
pub use rpc_url::{RpcUrl, RpcUrlError, RpcUrls};

use crate::store::{Database, Risks};

/// Everything that `uraiden serve` has to know, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The Ethereum node, and those that are asked when it fails.
    pub rpc_url: RpcUrls,
    /// The `RaidenMicroTransferChannels`.
    pub contract: Address,
    /// Where the receiver's key is.
    pub receiver_key: KeySource,
    /// Where the ledger is.
    pub database: Database,
    /// What of a PostgreSQL server is accepted although it may lose payments.
    pub risks: Risks,
    /// Whether the file may lie on a network file system.
    pub network_database: NetworkDatabase,
    /// The first block that can hold an event of the contract.
    pub start_block: u64,
    /// Blocks on top of an event's block before the event is believed.
    pub confirmations: u32,
    /// Time between two questions for the chain's head.
    pub poll_interval: Duration,
    /// How long the node may be silent before paid requests are refused.
    pub node_timeout: Duration,
    /// How old the newest block may be before paid requests are refused; `None`: five minutes, except on development
    /// chains.
    pub max_head_age: Option<Duration>,
    /// The least that the receiver must have for transactions, in wei; `None`: what three challenges may cost now.
    pub min_eth: Option<U256>,
    /// What is not withdrawn yet and less than this, in base units of the token, is not challenged for.
    pub min_challenge: TokenAmount,
    /// More than this much unclaimed is withdrawn from an open channel, in base units of the token.
    pub withdraw_above: Option<TokenAmount>,
    /// Something unclaimed is withdrawn from an open channel this long after the last time.
    pub withdraw_after: Option<Duration>,
    /// How much of a channel's balance may be neither withdrawn nor claimed, in base units of the token; `None` where
    /// only the deposit bounds it.
    pub exposure_limit: Option<TokenAmount>,
    /// How many payments of a channel are taken back, because their resources failed, before one has to be final.
    pub take_backs_in_a_row: u32,
    /// Blocks after the challenge period that a sender has to settle, before we close the channel.
    pub settle_grace: u64,
    /// The channel API's listener.
    pub public_listen: SocketAddr,
    /// The filters' listener.
    pub internal_listen: Listen,
    /// The filters' bearer token.
    pub internal_token_file: Option<PathBuf>,
    /// The operators' listener.
    pub admin_listen: SocketAddr,
    /// The operators' bearer token; without one there are no admin calls.
    pub admin_token_file: Option<PathBuf>,
    /// Where the bound addresses are written to.
    pub addresses_file: Option<PathBuf>,
    /// The path root of the channel API.
    pub gateway_path: GatewayPath,
    /// Where the payment page's files are.
    pub assets_path: AssetsPath,
    /// What a client has to show to close a channel.
    pub close_needs: CloseNeeds,
    /// Whether clients may list channels.
    pub channel_lists: ChannelLists,
    /// Where spans are sent; `None`: nowhere.
    pub otlp_endpoint: Option<OtlpEndpoint>,
    /// How logs are written.
    pub log_format: LogFormat,
    /// Which logs are written.
    pub log_filter: String,
}

/// Where a private key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A file with the key's 64 hex digits.
    Plain(PathBuf),
    /// A keystore, version 3, and a file with its password.
    Keystore {
        /// The JSON file.
        keystore: PathBuf,
        /// The password's file.
        password_file: PathBuf,
    },
}

/// What a client has to show to close a channel cooperatively.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CloseNeeds {
    /// The balance, as the original clients do; after five wrong ones in an hour, a proof.
    Balance,
    /// A balance proof of the sender, in the header RDN-Balance-Signature.
    Proof,
}

/// Whether a database may lie on a network file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkDatabase {
    /// It may not.
    Refuse,
    /// It may: it is used from one machine alone, and its locks are known to work.
    Allow,
}

/// Whether clients may list channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelLists {
    /// As the original.
    On,
    /// Who has channels, and how much is in them, is nobody else's business.
    Off,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The settings file cannot be read.
    #[error("cannot read the settings file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The settings file has an unknown key or a wrong value.
    #[error("settings file {}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The place, the key and what is expected.
        message: String,
    },
    /// Something needed was not said.
    #[error(
        "{name} is missing: give --{name}, the variable {}, or {name} in the settings file",
        variable(name)
    )]
    Missing {
        /// The setting.
        name: &'static str,
    },
    /// Settings that do not go together.
    #[error("{0}")]
    Contradiction(&'static str),
    /// A value outside its bounds.
    #[error("{name} is {value}, where {bound} is expected")]
    Bound {
        /// The setting.
        name: &'static str,
        /// What was said.
        value: String,
        /// What is possible.
        bound: &'static str,
    },
    /// Strangers could accept payments.
    #[error(
        "internal-listen is {address}, which other machines can reach, and there is no internal-token-file: whoever \
         reaches the internal listener can accept payments. Give --internal-token-file, or listen on 127.0.0.1 or on \
         unix:PATH"
    )]
    OpenInternalListener {
        /// The address.
        address: SocketAddr,
    },
}

fn variable(name: &str) -> String {
    format!("URAIDEN_{}", name.to_uppercase().replace('-', "_"))
}

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

impl Settings {
    /// Fills in the defaults and checks what was said.
    ///
    /// # Errors
    ///
    /// Names the setting, its value and the bound.
    pub fn from_layer(layer: Layer) -> Result<Self, SettingsError> {
        fn need<T>(name: &'static str, value: Option<T>) -> Result<T, SettingsError> {
            value.ok_or(SettingsError::Missing { name })
        }

        let receiver_key =
            key_source(layer.receiver_key_file, layer.receiver_keystore, layer.receiver_password_file)?;
        let settings = Self {
            rpc_url: need("rpc-url", layer.rpc_url)?,
            contract: need("contract", layer.contract)?,
            receiver_key,
            database: layer.database.unwrap_or_else(|| Database::Sqlite("uraiden.db".into())),
            risks: Risks {
                losing_commits: layer.allow_losing_commits.unwrap_or(false),
                losing_failover: layer.allow_losing_failover.unwrap_or(false),
            },
            network_database: layer.network_database.unwrap_or(NetworkDatabase::Refuse),
            start_block: layer.start_block.unwrap_or(0),
            confirmations: layer.confirmations.unwrap_or(1),
            poll_interval: layer.poll_interval.unwrap_or(Span::seconds(1)).0,
            node_timeout: layer.node_timeout.unwrap_or(Span::seconds(30)).0,
            max_head_age: layer.max_head_age.map(|span| span.0),
            min_eth: layer.min_eth,
            min_challenge: layer.min_challenge.unwrap_or(TokenAmount::ZERO),
            withdraw_above: layer.withdraw_above,
            withdraw_after: layer.withdraw_after.map(|span| span.0),
            exposure_limit: layer.exposure_limit,
            take_backs_in_a_row: layer.take_backs_in_a_row.unwrap_or(10),
            settle_grace: layer.settle_grace.unwrap_or(100),
            public_listen: layer.public_listen.unwrap_or(loopback(8090)),
            internal_listen: layer.internal_listen.unwrap_or(Listen::Tcp(loopback(8091))),
            internal_token_file: layer.internal_token_file,
            admin_listen: layer.admin_listen.unwrap_or(loopback(8092)),
            admin_token_file: layer.admin_token_file,
            addresses_file: layer.addresses_file,
            gateway_path: layer.gateway_path.unwrap_or_default(),
            assets_path: layer.assets_path.unwrap_or_default(),
            close_needs: layer.close_needs.unwrap_or(CloseNeeds::Balance),
            channel_lists: layer.channel_lists.unwrap_or(ChannelLists::On),
            otlp_endpoint: layer.otlp_endpoint,
            log_format: layer.log_format.unwrap_or(LogFormat::Text),
            log_filter: layer.log_filter.unwrap_or_else(|| "info".to_owned()),
        };
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), SettingsError> {
        let bound = |name, value: String, bound, holds| {
            if holds { Ok(()) } else { Err(SettingsError::Bound { name, value, bound }) }
        };
        let span = |duration| Span(duration).to_string();
        let (poll, timeout) = (self.poll_interval, self.node_timeout);

        bound(
            "confirmations",
            self.confirmations.to_string(),
            "at most 10000",
            self.confirmations <= 10_000,
        )?;
        bound(
            "take-backs-in-a-row",
            self.take_backs_in_a_row.to_string(),
            "at most 1000",
            self.take_backs_in_a_row <= 1000,
        )?;
        bound(
            "exposure-limit",
            self.exposure_limit.unwrap_or_default().to_string(),
            "more than 0",
            self.exposure_limit.is_none_or(|limit| !limit.is_zero()),
        )?;
        bound(
            "start-block",
            self.start_block.to_string(),
            "at most 4294967295",
            self.start_block <= u64::from(u32::MAX),
        )?;
        bound(
            "poll-interval",
            span(poll),
            "50ms to 1h",
            (Span::millis(50).0..=Span::seconds(3600).0).contains(&poll),
        )?;
        bound(
            "node-timeout",
            span(timeout),
            "1s to 24h",
            (Span::seconds(1).0..=Span::seconds(86_400).0).contains(&timeout),
        )?;
        bound("node-timeout", span(timeout), "more than poll-interval", timeout > poll)?;
        if let Some(age) = self.max_head_age {
            let bounds = Span::seconds(1).0..=Span::seconds(86_400).0;
            bound("max-head-age", span(age), "1s to 24h", bounds.contains(&age))?;
        }
        match self.internal_listen {
            Listen::Tcp(address) if !address.ip().is_loopback() && self.internal_token_file.is_none() => {
                Err(SettingsError::OpenInternalListener { address })
            }
            Listen::Tcp(_) | Listen::Unix(_) => Ok(()),
        }
    }
}

fn key_source(
    plain: Option<PathBuf>,
    keystore: Option<PathBuf>,
    password_file: Option<PathBuf>,
) -> Result<KeySource, SettingsError> {
    match (plain, keystore, password_file) {
        (Some(path), None, None) => Ok(KeySource::Plain(path)),
        (None, Some(keystore), Some(password_file)) => Ok(KeySource::Keystore { keystore, password_file }),
        (None, Some(_), None) => Err(SettingsError::Missing { name: "receiver-password-file" }),
        (None, None, Some(_)) => Err(SettingsError::Missing { name: "receiver-keystore" }),
        (None, None, None) => Err(SettingsError::Missing { name: "receiver-key-file" }),
        (Some(_), Some(_), _) | (Some(_), None, Some(_)) => Err(SettingsError::Contradiction(
            "receiver-key-file and receiver-keystore (with receiver-password-file) are two sources of one key: give \
             one of them",
        )),
    }
}
