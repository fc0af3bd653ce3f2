//! `uraiden serve`: puts the parts together, and takes them apart in order.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::fs::Mode;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::api::admin::Admin;
use crate::api::internal::Internal;
use crate::api::public::Public;
use crate::api::{self, Bound};
use crate::chain::{Following, Node};
use crate::collect::{Alarms, Policy, Purse, Rules};
use crate::health::HealthBoard;
use crate::key::ReceiverKey;
use crate::lead::{Duties, Leadership, Seat, Times};
use crate::metrics::Metrics;
use crate::otlp::Spans;
use crate::secret;
use crate::settings::{Listen, NetworkDatabase, Settings};
use crate::store::{self, Database, Opened, Scope, Sharing, Store};

/// The longest that one question to the node may take.
const NODE_CALL: Duration = Duration::from_secs(10);

/// A token that can be guessed is none.
const MIN_TOKEN: usize = 16;

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
///
/// Whatever makes serving impossible, at the start or later.
pub async fn run(settings: Settings) -> Result<()> {
    // Database, socket and addresses file are nobody else's.
    rustix::process::umask(Mode::from_raw_mode(0o077));

    let key = Arc::new(ReceiverKey::load(&settings.receiver_key).context("the receiver's key")?);
    let internal_token = token("internal", settings.internal_token_file.as_deref())?;
    let admin_token = token("admin", settings.admin_token_file.as_deref())?;
    let scope = Scope {
        contract: settings.contract,
        receiver: key.address(),
        confirmations: settings.confirmations,
        exposure_limit: settings.exposure_limit,
        take_backs_in_a_row: settings.take_backs_in_a_row,
    };
    let health = Arc::new(HealthBoard::new(settings.node_timeout));
    if let Database::Sqlite(path) = &settings.database
        && settings.network_database == NetworkDatabase::Refuse
    {
        store::refuse_network(path)?;
    }
    // What is found when the ledger is opened is counted, too.
    let nodes: Vec<_> = settings.rpc_url.clone().into_iter().map(|url| url.to_string()).collect();
    let metrics = Metrics::install(&nodes)?;
    let Opened { store, writer } =
        Store::open(&settings.database, scope, settings.risks, health.clone()).await?;
    let spans = settings.otlp_endpoint.as_ref().map(Spans::to).transpose()?;
    let node = Node::new(
        settings.rpc_url.clone(),
        settings.contract,
        key.address(),
        NODE_CALL.min(settings.node_timeout),
    );

    let listeners = Listeners::bind(&settings).await?;
    let (stop, stopping) = watch::channel(false);
    let mut writing = tokio::spawn(writer.run());
    let alarms = Arc::new(Alarms::default());
    let times = Times::default();
    if store.sharing() == Sharing::Shared {
        warn_of_short_patience(times, &settings);
    }
    let seat =
        Seat::new(process_name()?, store.clone(), store.sharing(), times, health.clone(), alarms.clone());
    let duties = Duties {
        store: store.clone(),
        node: node.clone(),
        key: key.clone(),
        health: health.clone(),
        alarms: alarms.clone(),
        following: Following {
            start_block: settings.start_block,
            poll_interval: settings.poll_interval,
            max_head_age: settings.max_head_age,
            // While the others are still ready by what this one said last.
            give_up_after: (store.sharing() == Sharing::Shared).then_some(settings.node_timeout / 2),
        },
        rules: Rules {
            min_challenge: settings.min_challenge,
            settle_grace: settings.settle_grace,
            withdraw: Policy { above: settings.withdraw_above, after: settings.withdraw_after },
        },
        interval: settings.poll_interval,
    };
    let mut leadership = Leadership::new(seat, duties);
    let purse =
        Purse::new(node.clone(), key.address(), health.clone(), settings.min_eth, settings.poll_interval);
    let public = Public {
        store: store.clone(),
        key,
        node: node.clone(),
        contract: settings.contract,
        close_needs: settings.close_needs,
        channel_lists: settings.channel_lists,
        start_block: settings.start_block,
    };
    let mut serving = JoinSet::new();
    let Listeners { public: to_clients, internal: to_filters, admin: to_operators } = listeners;
    serving.spawn(
        to_clients.serve(
            api::public::router(public, &settings.gateway_path, &settings.assets_path),
            stopping.clone(),
        ),
    );
    let admin = Admin {
        store: store.clone(),
        health: health.clone(),
        alarms,
        node,
        metrics: metrics.clone(),
        token: admin_token,
    };
    let watching = store.clone();
    let internal = Internal { store, health, token: internal_token, spans: spans.clone() };
    serving.spawn(to_filters.serve(api::internal::router(internal), stopping.clone()));
    serving.spawn(to_operators.serve(api::admin::router(admin, &settings.gateway_path), stopping));

    let outcome = tokio::select! {
        outcome = asked_to_stop() => outcome,
        // Ends only where this process must not go on.
        fatal = leadership.run() => Err(fatal.into()),
        never = purse.run() => match never {},
        never = metrics.upkeep() => match never {},
        never = watching.watch_server() => match never {},
        ended = &mut writing => bail!("the ledger's writer ended by itself: {ended:?}"),
        ended = serving.join_next() => match ended {
            Some(Ok(Err(error))) => Err(error.into()),
            _ => Err(anyhow::anyhow!("a listener ended by itself")),
        },
    };
    // Others need not wait until what is under way here is done.
    leadership.give_back().await;
    drop(leadership);
    stop.send_replace(true);
    while let Some(ended) = serving.join_next().await {
        ended.context("a listener broke down")?.context("a listener")?;
    }
    // With the listeners and the leadership the last handles are gone, so the writer ends when all is written.
    writing.await.context("the ledger's writer broke down")?.context("the ledger")?;
    if let Some(spans) = spans {
        tokio::task::spawn_blocking(|| spans.finish()).await.context("the last spans")?;
    }
    tracing::info!("stopped");
    outcome
}

/// Paid requests are refused where nobody has heard of the chain for the node's timeout.
fn warn_of_short_patience(times: Times, settings: &Settings) {
    let needed = times.take_over(settings.poll_interval);
    if settings.node_timeout < needed {
        tracing::warn!(
            "node-timeout is {:?}, and it may take {needed:?} until another sidecar has taken over from one that was lost: \
             paid requests are refused in between",
            settings.node_timeout
        );
    }
}

async fn asked_to_stop() -> Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => tracing::info!("stopping on SIGTERM"),
        _ = interrupt.recv() => tracing::info!("stopping on SIGINT"),
    }
    Ok(())
}

/// A name that no other process has, and that shows operators where this one runs.
fn process_name() -> Result<String> {
    let mut random = [0; 4];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let machine = rustix::system::uname();
    Ok(format!("{}-{}-{}", machine.nodename().to_string_lossy(), std::process::id(), hex::encode(random)))
}

/// Reads the token that `name` lets in.
fn token(name: &str, path: Option<&Path>) -> Result<Option<Arc<str>>> {
    let Some(path) = path else { return Ok(None) };
    let token = secret::read(path).with_context(|| format!("the {name} token"))?;
    let visible = token.bytes().all(|byte| byte.is_ascii_graphic());
    if token.len() < MIN_TOKEN || !visible {
        bail!(
            "the {name} token in {} has {} characters, where at least {MIN_TOKEN} visible ASCII characters without \
             spaces are expected",
            path.display(),
            token.chars().count()
        );
    }
    Ok(Some(token.into()))
}

struct Listeners {
    public: Bound,
    internal: Bound,
    admin: Bound,
}

/// Where the listeners really are.
#[derive(Serialize)]
struct Addresses {
    public: String,
    internal: String,
    admin: String,
}

impl Listeners {
    async fn bind(settings: &Settings) -> Result<Self> {
        let listeners = Self {
            public: Bound::new("public-listen", &Listen::Tcp(settings.public_listen)).await?,
            internal: Bound::new("internal-listen", &settings.internal_listen).await?,
            admin: Bound::new("admin-listen", &Listen::Tcp(settings.admin_listen)).await?,
        };
        let addresses = Addresses {
            public: listeners.public.address()?.to_string(),
            internal: listeners.internal.address()?.to_string(),
            admin: listeners.admin.address()?.to_string(),
        };
        let Addresses { public, internal, admin } = &addresses;
        tracing::info!(public, internal, admin, "listening");
        if let Some(path) = &settings.addresses_file {
            write_whole(path, &serde_json::to_string(&addresses)?)
                .with_context(|| format!("addresses-file {}", path.display()))?;
        }
        Ok(listeners)
    }
}

/// Whoever waits for the file finds all of it or nothing.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    std::fs::write(&name, format!("{text}\n"))?;
    std::fs::rename(&name, path)
}
