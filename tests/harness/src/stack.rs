//! All parts together.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hyper::body::Bytes;
use reqwest::Url;
use uraiden_core::{Address, TokenAmount};

use crate::envoy::{self, Paywall};
use crate::folder::Folder;
use crate::ground::Ground;
use crate::nodes::Nodes;
use crate::options::Database;
use crate::sidecar::{GATEWAY_PATH, LEDGER, NAMES, Shared};
use crate::tools::Tools;
use crate::{
    Account, Answer, Deployment, DevChain, Envoy, Link, NO_HEADERS, Options, Postgres, Relay, RpcProxy,
    Sidecar, Upstream, Wire, raw,
};

/// A path that costs nothing.
const FREE_PATH: &str = "/free";

/// The database of a server.
const LEDGER_DATABASE: &str = "ledger";

/// Where a ledger is.
#[derive(Debug)]
pub(crate) enum Ledger {
    /// A file.
    Sqlite(PathBuf),
    /// A URL.
    Postgres(String),
}

/// How long the paywall may take to hear from the sidecar.
const OPEN: Duration = Duration::from_secs(20);

/// A running stack. The parts stop in the order of the fields.
#[derive(Debug)]
pub struct Stack {
    /// The front door.
    pub envoy: Envoy,
    /// The other Envoys, see [`Options::envoys`].
    pub other_envoys: Vec<Envoy>,
    /// The channel manager, or the first of them.
    pub sidecar: Sidecar,
    /// The other sidecars, see [`Options::sidecars`].
    pub others: Vec<Sidecar>,
    shared: Shared,
    wire: Option<Wire>,
    postgres: Option<Postgres>,
    /// The chain.
    pub chain: DevChain,
    rpc_proxy: Option<RpcProxy>,
    link: Option<Link>,
    relay: Option<Relay>,
    pub(crate) deployment: Deployment,
    upstream: Option<Upstream>,
    receiver: Account,
    pub(crate) options: Options,
    tools: Tools,
    // Removed last: the others write into it.
    folder: Folder,
}

impl Stack {
    /// Starts everything and waits until the paid path asks for its price.
    ///
    /// # Errors
    ///
    /// Names what is missing or did not become ready, with the tail of its log.
    pub async fn start(options: Options) -> Result<Self> {
        options.check()?;
        let tools = Tools::find(options.envoy.as_deref())?;
        let folder = Folder::new()?;
        let ground = Ground::prepare(&tools, &folder, &options).await?;
        let Ground { chain, deployment, receiver, receiver_key_file } = ground;
        let contract = deployment.contract;
        let rpc_proxy = options.rpc_proxy.then(|| RpcProxy::start(chain.rpc_url())).transpose()?;
        let relay = options.websocket.then(|| Relay::start(chain.address()?)).transpose()?;
        let nodes = Nodes::new(&chain, rpc_proxy.as_ref(), relay.as_ref(), options.spare_node);
        let (postgres, wire, database) = match options.database {
            Database::Sqlite => (None, None, folder.file(LEDGER).display().to_string()),
            Database::Postgres { settings } => {
                let postgres = Postgres::start(settings).await?;
                postgres.database(LEDGER_DATABASE).await?;
                let wire = options.wire.then(|| Wire::to(postgres.address())).transpose()?;
                let address = wire.as_ref().map_or(postgres.address(), Wire::address);
                let url = postgres.url_by(address, LEDGER_DATABASE);
                (Some(postgres), wire, url)
            }
        };
        let shared = Shared::new(&folder, nodes, contract, &receiver_key_file, database)?;
        let mut sidecars = Vec::new();
        for name in &NAMES[..options.sidecars] {
            sidecars.push(Sidecar::start(&tools, &folder, name, &shared, &options).await?);
        }
        let listeners = |of: fn(&Sidecar) -> SocketAddr| sidecars.iter().map(of).collect::<Vec<_>>();
        let (sidecar_public, internal) = (listeners(Sidecar::public), listeners(Sidecar::internal));
        let others = sidecars.split_off(1);
        let sidecar = sidecars.remove(0);
        let link = options.link.then(|| Link::start(sidecar.internal())).transpose()?;
        let sidecar_internal = link.as_ref().map_or(internal, |link| vec![link.address()]);
        let (upstream, sold) = match options.upstream {
            Some(address) => (None, address),
            None => {
                let upstream = Upstream::start()?;
                let address = upstream.address();
                (Some(upstream), address)
            }
        };
        let paywall = Paywall {
            wasm: if options.crashing_filter { &tools.crashing_wasm } else { &tools.wasm },
            upstream: sold,
            sidecar_public,
            sidecar_internal,
            bearer_token: sidecar.token(),
            contract,
            receiver: receiver.address,
            token: deployment.token,
            chain_id: chain.chain_id(),
            paid_path: &options.paid_path,
            price: options.price,
            listener_by_xds: options.listener_by_xds,
            filter_keys: &options.filter_keys,
            change: options.change,
        };
        let mut envoys = Vec::new();
        for name in &envoy::NAMES[..options.envoys] {
            envoys.push(Envoy::start(&tools, &folder, name, &paywall, options.concurrency).await?);
        }
        let other_envoys = envoys.split_off(1);
        let envoy = envoys.remove(0);
        let mut stack = Self {
            envoy,
            other_envoys,
            sidecar,
            others,
            shared,
            wire,
            postgres,
            chain,
            rpc_proxy,
            relay,
            link,
            deployment,
            upstream,
            receiver,
            options,
            tools,
            folder,
        };
        if stack.options.open {
            stack.until_open().await?;
        }
        Ok(stack)
    }

    /// One more Envoy in front of the same sidecar and service, configured as the first one. It has to stop before the
    /// stack does.
    ///
    /// # Errors
    ///
    /// What keeps it from becoming ready.
    pub async fn another_envoy(&self, name: &'static str) -> Result<Envoy> {
        self.envoy.twin(&self.tools, &self.folder, name, self.options.concurrency).await
    }

    /// One more Envoy, with this configuration. Its listener `public`, at port 0 like the admin interface, is in it, or in
    /// the file `listener`. It has to stop before the stack does.
    ///
    /// # Errors
    ///
    /// What keeps it from becoming ready.
    pub async fn envoy_with(
        &self,
        name: &'static str,
        configuration: &serde_json::Value,
        listener: Option<PathBuf>,
    ) -> Result<Envoy> {
        let concurrency = self.options.concurrency;
        Envoy::run(&self.tools, &self.folder, name, configuration, listener, concurrency).await
    }

    /// The module that Envoy loads.
    pub fn wasm(&self) -> &std::path::Path {
        &self.tools.wasm
    }

    /// The contract that holds the deposits.
    pub fn contract(&self) -> Address {
        self.deployment.contract
    }

    /// The token of the deposits.
    pub fn token(&self) -> Address {
        self.deployment.token
    }

    /// The merchant.
    pub fn receiver(&self) -> Address {
        self.receiver.address
    }

    /// What the paid path costs.
    pub fn price(&self) -> TokenAmount {
        self.options.price
    }

    /// A path that costs [`Stack::price`], as does everything below it.
    pub fn paid_path(&self) -> &str {
        &self.options.paid_path
    }

    /// A path that costs nothing.
    pub fn free_path(&self) -> &str {
        FREE_PATH
    }

    /// The URL of a path at Envoy.
    ///
    /// # Panics
    ///
    /// If the path does not start with `/`.
    pub fn url(&self, path: &str) -> Url {
        assert!(path.starts_with('/'), "a path starts with /: {path:?}");
        format!("http://{}{path}", self.envoy.address()).parse().expect("an address and a path make a URL")
    }

    /// The root of the channel API, as clients reach it through Envoy.
    pub fn gateway(&self) -> Url {
        self.url(GATEWAY_PATH)
    }

    /// The service that is sold.
    ///
    /// # Panics
    ///
    /// If [`Options::upstream`] names another one than the sample.
    pub fn upstream(&self) -> &Upstream {
        self.upstream.as_ref().expect("the sample upstream runs, unless the options name another")
    }

    /// What stands between the sidecar and the node.
    ///
    /// # Panics
    ///
    /// Without [`Options::rpc_proxy`].
    pub fn rpc_proxy(&self) -> &RpcProxy {
        self.rpc_proxy.as_ref().expect("the options ask for it")
    }

    /// What stands between the filter and the sidecar.
    ///
    /// # Panics
    ///
    /// Without [`Options::link`].
    pub fn link(&self) -> &Link {
        self.link.as_ref().expect("the options ask for it")
    }

    /// Runs a further sidecar with these flags, which has to refuse to start, and answers its exit code and its log.
    ///
    /// # Errors
    ///
    /// It goes on.
    pub async fn refused_sidecar(&self, flags: Vec<(&'static str, String)>) -> Result<(Option<i32>, String)> {
        let options = Options { sidecar_flags: flags, ..self.options.clone() };
        Sidecar::refused(&self.tools, &self.folder, &self.shared, &options).await
    }

    /// The server with the ledger.
    ///
    /// # Panics
    ///
    /// Without [`Database::Postgres`].
    pub fn postgres(&mut self) -> &mut Postgres {
        self.postgres.as_mut().expect("the options ask for it")
    }

    /// Has the sidecar use this server from its next start on, past a wire: its ledger was moved to the database that
    /// [`Stack::new_home`] has made there.
    pub fn moved_to(&mut self, postgres: Postgres, wire: Wire) {
        self.sidecar.move_to(&postgres.url_by(wire.address(), LEDGER_DATABASE));
        (self.postgres, self.wire) = (Some(postgres), Some(wire));
    }

    /// Makes a database on this server, and answers its URL by the wire.
    ///
    /// # Errors
    ///
    /// The server's.
    pub async fn new_home(postgres: &Postgres, wire: &Wire) -> Result<String> {
        postgres.database(LEDGER_DATABASE).await?;
        Ok(postgres.url_by(wire.address(), LEDGER_DATABASE))
    }

    /// Takes another server for the one with the ledger, after a failover, and lets the sidecars find it. Answers the old
    /// one.
    ///
    /// # Panics
    ///
    /// Without [`Database::Postgres`] and [`Options::wire`].
    pub fn fail_over(&mut self, to: Postgres) -> Postgres {
        self.wire().lead_to(to.address());
        std::mem::replace(self.postgres(), to)
    }

    /// What stands between the sidecars and their database.
    ///
    /// # Panics
    ///
    /// Without [`Database::Postgres`] and [`Options::wire`].
    pub fn wire(&self) -> &Wire {
        self.wire.as_ref().expect("the options ask for it")
    }

    /// Where the ledger is, past what may break on the way: a file, or a URL with a password in it.
    pub(crate) fn ledger(&self) -> Ledger {
        match &self.postgres {
            Some(_) => Ledger::Postgres(self.ledger_url()),
            None => Ledger::Sqlite(self.ledger_file()),
        }
    }

    /// The URL of the ledger's database, with a password in it, past what may break on the way.
    ///
    /// # Panics
    ///
    /// Without [`Database::Postgres`].
    pub fn ledger_url(&self) -> String {
        let postgres = self.postgres.as_ref().expect("the options ask for it");
        postgres.url_by(postgres.address(), LEDGER_DATABASE)
    }

    /// Where the ledger is, for people: a file, or a server without its password.
    pub fn ledger_place(&self) -> String {
        match &self.postgres {
            Some(postgres) => format!("PostgreSQL at {}, database {LEDGER_DATABASE}", postgres.address()),
            None => format!("SQLite, {}", self.ledger_file().display()),
        }
    }

    /// The sidecar's database, where it is a file.
    pub fn ledger_file(&self) -> PathBuf {
        self.folder.file(LEDGER)
    }

    /// The wire between the sidecar's WebSocket and the node.
    ///
    /// # Panics
    ///
    /// Without [`Options::websocket`].
    pub fn relay(&self) -> &Relay {
        self.relay.as_ref().expect("the options ask for it")
    }

    /// The folder with the log of each part. It goes with the stack, unless a test panics.
    pub fn logs(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A GET through Envoy, exactly as it is written.
    pub async fn raw_get(
        &self,
        path: &str,
        headers: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>,
    ) -> Result<Answer> {
        self.raw("GET", path, headers, Bytes::new()).await
    }

    /// A request through Envoy, exactly as it is written.
    pub async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>,
        body: impl Into<Bytes>,
    ) -> Result<Answer> {
        raw::send(self.envoy.address(), method, path, headers, body).await
    }

    /// Fails with a log's tail if a part has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        self.chain.check()?;
        for number in 0..self.options.sidecars {
            self.sidecar_at(number).part().check()?;
        }
        for number in 0..self.options.envoys {
            self.envoy_at(number).part().check()?;
        }
        Ok(())
    }

    /// The tails of all logs.
    pub fn log_tails(&mut self) -> String {
        let mut tails = vec![self.envoy.part().log_tail()];
        tails.extend((0..self.options.sidecars).map(|number| self.sidecar_at(number).part().log_tail()));
        tails.extend(self.postgres.as_ref().map(Postgres::log_tail));
        tails.join("\n")
    }

    /// The paywall answers 502 until it has heard from the sidecar, and each of Envoy's workers hears for itself.
    /// The kernel spreads connections over the workers at random: so many 402s in a row come from all of them.
    async fn until_open(&mut self) -> Result<()> {
        let deadline = Instant::now() + OPEN;
        for door in self.doors() {
            let mut in_a_row = 0;
            while in_a_row < 16 * self.options.concurrency {
                self.check()?;
                let path = self.paid_path().to_owned();
                let answer = raw::send(door, "GET", &path, NO_HEADERS, "").await.context("the paid path")?;
                if answer.status == 402 {
                    in_a_row += 1;
                    continue;
                }
                in_a_row = 0;
                if Instant::now() > deadline {
                    let (status, text) = (answer.status, answer.text());
                    let tails = self.log_tails();
                    bail!("the paid path answers {status} instead of 402 after {OPEN:?}: {text}\n{tails}");
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }
}
