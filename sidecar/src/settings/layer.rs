//! One source of settings: what it says, and nothing about what it leaves out.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use alloy::primitives::U256;
use clap::Args;
use serde::Deserialize;
use uraiden_core::{Address, TokenAmount};

use super::{
    AssetsPath, ChannelLists, CloseNeeds, GatewayPath, Listen, LogFormat, NetworkDatabase, OtlpEndpoint,
    RpcUrls, SettingsError, Span,
};
use crate::store::Database;

/// What one source says. The names of the flags are also the keys of the settings file.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Layer {
    /// JSON-RPC of the Ethereum node, http(s) or ws(s); several with commas between them, where the next is asked when
    /// one fails or lags
    #[arg(long, env = "URAIDEN_RPC_URL", value_name = "URL", hide_env_values = true, help_heading = "Chain")]
    pub rpc_url: Option<RpcUrls>,

    /// Address of the RaidenMicroTransferChannels contract
    #[arg(long, env = "URAIDEN_CONTRACT", value_name = "ADDRESS", help_heading = "Chain")]
    pub contract: Option<Address>,

    /// First block to read events from, such as the one the contract was deployed in [default: 0]
    #[arg(long, env = "URAIDEN_START_BLOCK", value_name = "N", help_heading = "Chain")]
    pub start_block: Option<u64>,

    /// Blocks on top of an event's block before it is believed; 12 or more where reorganisations happen [default: 1]
    #[arg(long, env = "URAIDEN_CONFIRMATIONS", value_name = "N", help_heading = "Chain")]
    pub confirmations: Option<u32>,

    /// How often to ask for new blocks [default: 1s]
    #[arg(long, env = "URAIDEN_POLL_INTERVAL", value_name = "DURATION", help_heading = "Chain")]
    pub poll_interval: Option<Span>,

    /// How long the node may be silent before paid requests are refused [default: 30s]
    #[arg(long, env = "URAIDEN_NODE_TIMEOUT", value_name = "DURATION", help_heading = "Chain")]
    pub node_timeout: Option<Span>,

    /// How old the newest block may be before paid requests are refused [default: 5m; not checked on chains 61, 1337
    /// and 31337]
    #[arg(long, env = "URAIDEN_MAX_HEAD_AGE", value_name = "DURATION", help_heading = "Chain")]
    pub max_head_age: Option<Span>,

    /// Least amount of wei that the receiver must have for challenges, else paid requests are refused [default: what
    /// three challenges cost at twice the current fee]
    #[arg(long, env = "URAIDEN_MIN_ETH", value_name = "WEI", help_heading = "Closing")]
    pub min_eth: Option<U256>,

    /// Least amount, in base units of the token, that is worth a challenge where a sender closes at less than is held;
    /// what was withdrawn before does not count [default: 0]
    #[arg(long, env = "URAIDEN_MIN_CHALLENGE", value_name = "AMOUNT", help_heading = "Closing")]
    pub min_challenge: Option<TokenAmount>,

    /// Blocks after the challenge period in which a sender may settle, before the channel is closed from our side
    /// [default: 100]
    #[arg(long, env = "URAIDEN_SETTLE_GRACE", value_name = "BLOCKS", help_heading = "Closing")]
    pub settle_grace: Option<u64>,

    /// Withdraw from an open channel when more than this is unclaimed, in base units of the token [default: never]
    #[arg(long, env = "URAIDEN_WITHDRAW_ABOVE", value_name = "AMOUNT", help_heading = "Closing")]
    pub withdraw_above: Option<TokenAmount>,

    /// Withdraw from an open channel with something unclaimed this long after the last withdrawal, or after its
    /// opening [default: never]
    #[arg(long, env = "URAIDEN_WITHDRAW_AFTER", value_name = "DURATION", help_heading = "Closing")]
    pub withdraw_after: Option<Span>,

    /// Take no more payments from a channel that would then have more than this unclaimed, in base units of the token,
    /// until it was withdrawn [default: its deposit]
    #[arg(long, env = "URAIDEN_EXPOSURE_LIMIT", value_name = "AMOUNT", help_heading = "Paying")]
    pub exposure_limit: Option<TokenAmount>,

    /// Take back at most this many payments of a channel in a row, because their resources failed, before one has to
    /// stay [default: 10]
    #[arg(long, env = "URAIDEN_TAKE_BACKS_IN_A_ROW", value_name = "COUNT", help_heading = "Paying")]
    pub take_backs_in_a_row: Option<u32>,

    /// Private key of the receiver, 64 hex digits, in a file that nobody else can read
    #[arg(long, env = "URAIDEN_RECEIVER_KEY_FILE", value_name = "FILE", help_heading = "Receiver")]
    pub receiver_key_file: Option<PathBuf>,

    /// Encrypted key of the receiver (geth keystore, version 3), in place of a plain key file
    #[arg(long, env = "URAIDEN_RECEIVER_KEYSTORE", value_name = "FILE", help_heading = "Receiver")]
    pub receiver_keystore: Option<PathBuf>,

    /// Password of the keystore, in a file that nobody else can read
    #[arg(long, env = "URAIDEN_RECEIVER_PASSWORD_FILE", value_name = "FILE", help_heading = "Receiver")]
    pub receiver_password_file: Option<PathBuf>,

    /// Where all balances and proofs are: a SQLite file, made where there is none, or
    /// postgres://USER@HOST:PORT/NAME?sslmode=verify-full, which several sidecars can share [default: uraiden.db]
    #[arg(
        long,
        env = "URAIDEN_DATABASE",
        value_name = "FILE|URL",
        hide_env_values = true,
        help_heading = "Ledger"
    )]
    pub database: Option<Database>,

    /// Use a PostgreSQL server that may lose payments in a crash, as with synchronous_commit = off [default: false]
    #[arg(
        long, env = "URAIDEN_ALLOW_LOSING_COMMITS", value_name = "BOOL", help_heading = "Ledger",
        num_args = 0..=1, require_equals = true, default_missing_value = "true"
    )]
    pub allow_losing_commits: Option<bool>,

    /// Use a PostgreSQL server whose standbys all lag, so that a failover may lose payments; one that did is noticed,
    /// and paid routes are closed [default: false]
    #[arg(
        long, env = "URAIDEN_ALLOW_LOSING_FAILOVER", value_name = "BOOL", help_heading = "Ledger",
        num_args = 0..=1, require_equals = true, default_missing_value = "true"
    )]
    pub allow_losing_failover: Option<bool>,

    /// What to do with a database on a network file system, where SQLite's write-ahead log is not safe [default: refuse]
    #[arg(long, env = "URAIDEN_NETWORK_DATABASE", value_name = "WHAT", help_heading = "Ledger")]
    pub network_database: Option<NetworkDatabase>,

    /// Channel API for clients; port 0 takes a free one [default: 127.0.0.1:8090]
    #[arg(long, env = "URAIDEN_PUBLIC_LISTEN", value_name = "ADDRESS:PORT", help_heading = "Listeners")]
    pub public_listen: Option<SocketAddr>,

    /// For Envoy's filters only: ADDRESS:PORT, or unix:PATH (made with mode 0600) [default: 127.0.0.1:8091]
    #[arg(long, env = "URAIDEN_INTERNAL_LISTEN", value_name = "WHERE", help_heading = "Listeners")]
    pub internal_listen: Option<Listen>,

    /// Bearer token that the filters must show; needed where internal-listen is no loopback address or Unix socket
    #[arg(long, env = "URAIDEN_INTERNAL_TOKEN_FILE", value_name = "FILE", help_heading = "Listeners")]
    pub internal_token_file: Option<PathBuf>,

    /// /healthz, /readyz and /metrics for operators [default: 127.0.0.1:8092]
    #[arg(long, env = "URAIDEN_ADMIN_LISTEN", value_name = "ADDRESS:PORT", help_heading = "Listeners")]
    pub admin_listen: Option<SocketAddr>,

    /// Bearer token for `uraiden close` and the like; without it the admin listener only tells health and metrics
    #[arg(long, env = "URAIDEN_ADMIN_TOKEN_FILE", value_name = "FILE", help_heading = "Listeners")]
    pub admin_token_file: Option<PathBuf>,

    /// Write the bound addresses to this file, as JSON, once all listeners are there
    #[arg(long, env = "URAIDEN_ADDRESSES_FILE", value_name = "FILE", help_heading = "Listeners")]
    pub addresses_file: Option<PathBuf>,

    /// Path root of the channel API [default: /api/1]
    #[arg(long, env = "URAIDEN_GATEWAY_PATH", value_name = "PATH", help_heading = "Channel API")]
    pub gateway_path: Option<GatewayPath>,

    /// Where the payment page's script and style sheet are, as in the filter's assetsPath [default: /js/]
    #[arg(long, env = "URAIDEN_ASSETS_PATH", value_name = "PATH", help_heading = "Channel API")]
    pub assets_path: Option<AssetsPath>,

    /// What closes a channel: the right balance, or a balance proof [default: balance]
    #[arg(long, env = "URAIDEN_CLOSE_NEEDS", value_name = "WHAT", help_heading = "Channel API")]
    pub close_needs: Option<CloseNeeds>,

    /// Whether clients may list channels; one that they can name they always see [default: on]
    #[arg(long, env = "URAIDEN_CHANNEL_LISTS", value_name = "WHAT", help_heading = "Channel API")]
    pub channel_lists: Option<ChannelLists>,

    /// Send spans of payments to this OpenTelemetry collector, the base URL of its OTLP/HTTP receiver, such as
    /// http://127.0.0.1:4318 [default: none are sent]
    #[arg(
        long,
        env = "URAIDEN_OTLP_ENDPOINT",
        value_name = "URL",
        hide_env_values = true,
        help_heading = "Logs"
    )]
    pub otlp_endpoint: Option<OtlpEndpoint>,

    /// How logs are written [default: text]
    #[arg(long, env = "URAIDEN_LOG_FORMAT", value_name = "FORMAT", help_heading = "Logs")]
    pub log_format: Option<LogFormat>,

    /// Which logs are written: a level, or levels by module such as "info,uraiden_sidecar=debug" [default: info]
    #[arg(long, env = "URAIDEN_LOG_FILTER", value_name = "FILTER", help_heading = "Logs")]
    pub log_filter: Option<String>,
}

impl Layer {
    /// Reads a settings file.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Unreadable`]; [`SettingsError::File`] for what is no TOML, an unknown key, or a wrong value.
    pub fn from_file(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| SettingsError::Unreadable { path: path.to_owned(), source })?;
        toml::from_str(&text)
            .map_err(|error| SettingsError::File { path: path.to_owned(), message: error.to_string() })
    }

    /// What this source says, and where it is silent what the one below says.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        Self {
            rpc_url: self.rpc_url.or(below.rpc_url),
            contract: self.contract.or(below.contract),
            start_block: self.start_block.or(below.start_block),
            confirmations: self.confirmations.or(below.confirmations),
            poll_interval: self.poll_interval.or(below.poll_interval),
            node_timeout: self.node_timeout.or(below.node_timeout),
            max_head_age: self.max_head_age.or(below.max_head_age),
            min_eth: self.min_eth.or(below.min_eth),
            min_challenge: self.min_challenge.or(below.min_challenge),
            settle_grace: self.settle_grace.or(below.settle_grace),
            withdraw_above: self.withdraw_above.or(below.withdraw_above),
            withdraw_after: self.withdraw_after.or(below.withdraw_after),
            exposure_limit: self.exposure_limit.or(below.exposure_limit),
            take_backs_in_a_row: self.take_backs_in_a_row.or(below.take_backs_in_a_row),
            receiver_key_file: self.receiver_key_file.or(below.receiver_key_file),
            receiver_keystore: self.receiver_keystore.or(below.receiver_keystore),
            receiver_password_file: self.receiver_password_file.or(below.receiver_password_file),
            database: self.database.or(below.database),
            allow_losing_commits: self.allow_losing_commits.or(below.allow_losing_commits),
            allow_losing_failover: self.allow_losing_failover.or(below.allow_losing_failover),
            network_database: self.network_database.or(below.network_database),
            public_listen: self.public_listen.or(below.public_listen),
            internal_listen: self.internal_listen.or(below.internal_listen),
            internal_token_file: self.internal_token_file.or(below.internal_token_file),
            admin_listen: self.admin_listen.or(below.admin_listen),
            admin_token_file: self.admin_token_file.or(below.admin_token_file),
            addresses_file: self.addresses_file.or(below.addresses_file),
            gateway_path: self.gateway_path.or(below.gateway_path),
            assets_path: self.assets_path.or(below.assets_path),
            close_needs: self.close_needs.or(below.close_needs),
            channel_lists: self.channel_lists.or(below.channel_lists),
            otlp_endpoint: self.otlp_endpoint.or(below.otlp_endpoint),
            log_format: self.log_format.or(below.log_format),
            log_filter: self.log_filter.or(below.log_filter),
        }
    }
}
