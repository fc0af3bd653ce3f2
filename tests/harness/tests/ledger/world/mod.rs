//! Workers, payers, a network, a sidecar and a chain, and the rules that hold between them.

mod calls;
mod requests;
mod rules;
mod sidecar;

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use tokio::task::JoinHandle;
use uraiden_core::config::Config;
use uraiden_core::gate::{Gate, Moment, StreamId};
use uraiden_core::route::Surroundings;
use uraiden_core::wire::{BatchRequest, ChannelKey};
use uraiden_core::{Address, TokenAmount};
use uraiden_sidecar::store::{Closing, Epoch, EventKind, Store};

use crate::chain::{CONFIRMATIONS, Chain};
use crate::model::{Channel, Model};
use crate::op::{OnChain, Op};
use crate::payer::{CONTRACT, Client, RECEIVER};
use crate::tally;

use sidecar::{binding, folder, lead, open};

const PAYERS: u8 = 2;
/// The first two share an Envoy.
const WORKERS: u8 = 3;
const DEPOSIT: u64 = 200;
const DEAR: u64 = 10;
const CHEAP: u64 = 3;

/// One loaded module.
#[derive(Default)]
struct Vm {
    random: u64,
    /// What was served through it, by channel.
    served: HashMap<ChannelKey, u64>,
    /// What may be charged without being served: clients that left after their request ran, and what was under way
    /// when it crashed.
    forgiven: HashMap<ChannelKey, u64>,
    /// Clients that left before their request ran, and those that Envoy gave up: a crash may keep what they paid from
    /// being taken back.
    left_early: HashMap<ChannelKey, u64>,
}

struct Worker {
    gate: Gate,
    /// Its place in [`World::vms`].
    vm: usize,
    envoy: usize,
    flight: Option<Flight>,
}

/// A call that its worker waits for.
struct Flight {
    batch: BatchRequest,
    /// The answer, once it arrived at the sidecar.
    response: Option<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    RequestHeld,
    Upstream,
    /// The upstream's answer is held; whether it is a failure.
    ResponseHeld {
        failed: bool,
    },
}

struct Stream {
    id: StreamId,
    worker: usize,
    payer: usize,
    price: u64,
    place: Place,
}

pub(crate) struct World {
    folder: TempDir,
    store: Store,
    epoch: Epoch,
    writing: JoinHandle<()>,
    ready: bool,
    chain: Chain,
    model: Model,
    now: Moment,
    workers: Vec<Worker>,
    vms: Vec<Vm>,
    announced: [HashMap<u32, Vec<u8>>; 2],
    clients: Vec<Client>,
    streams: Vec<Stream>,
    next_stream: StreamId,
    /// Calls that their workers gave up before they arrived.
    late: Vec<BatchRequest>,
    /// The first thing that was seen to be wrong.
    broken: Option<String>,
}

struct Around<'a> {
    announced: &'a HashMap<u32, Vec<u8>>,
}

impl Surroundings for Around<'_> {
    fn source(&self) -> Option<Vec<u8>> {
        None
    }

    fn cluster(&self) -> Option<Vec<u8>> {
        Some(b"app".to_vec())
    }

    fn metadata(&self) -> Option<Vec<u8>> {
        None
    }

    fn virtual_host_metadata(&self) -> Option<Vec<u8>> {
        None
    }

    fn announced(&self, slot: u32) -> Option<Vec<u8>> {
        self.announced.get(&slot).cloned()
    }
}

fn config() -> Config {
    let json = serde_json::json!({
        "sidecar": { "cluster": "internal", "publicCluster": "public" },
        "contract": CONTRACT, "receiver": RECEIVER, "token": Address([0x70; 20]), "chainId": 31337,
        "rules": [
            { "match": { "path": "/dear" }, "price": DEAR.to_string() },
            { "match": { "path": "/cheap" }, "price": CHEAP.to_string() },
        ],
    });
    Config::from_json(json.to_string().as_bytes()).expect("a good configuration")
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = folder();
        let (store, writing) = open(folder.path().join("ledger.db")).await;
        let epoch = lead(&store).await;
        store.bind(epoch, binding()).await.expect("an empty ledger takes any binding");
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        let mut world = Self {
            folder,
            store,
            epoch,
            writing,
            ready: true,
            chain: Chain::new(),
            model: Model::default(),
            now: since,
            workers: Vec::new(),
            vms: Vec::new(),
            announced: [HashMap::new(), HashMap::new()],
            clients: (0..PAYERS).map(Client::new).collect(),
            streams: Vec::new(),
            next_stream: 0,
            late: Vec::new(),
            broken: None,
        };
        for payer in 0..usize::from(PAYERS) {
            let key = world.clients[payer].key;
            world.mine(vec![(key, EventKind::Opened, DEPOSIT)]).await;
        }
        for _ in 0..CONFIRMATIONS {
            world.mine(Vec::new()).await;
        }
        for worker in 0..usize::from(WORKERS) {
            let loaded = world.load(usize::from(worker >= 2));
            world.workers.push(loaded);
            world.tick(worker).await;
        }
        world
    }

    fn load(&mut self, envoy: usize) -> Worker {
        let random = 0x1000 + u64::try_from(self.vms.len()).expect("few");
        self.vms.push(Vm { random, ..Vm::default() });
        Worker { gate: Gate::new(config(), random), vm: self.vms.len() - 1, envoy, flight: None }
    }

    async fn mine(&mut self, events: Vec<(ChannelKey, EventKind, u64)>) {
        let advance = self.chain.mine(events);
        self.store.advance(self.epoch, advance).await.expect("the ledger takes a block");
    }

    pub(crate) async fn apply(&mut self, op: Op) {
        let worker = |n: u8| usize::from(n) % usize::from(WORKERS);
        match op {
            Op::Pay { payer, worker: at, what, post, cheap } => {
                let payer = usize::from(payer) % usize::from(PAYERS);
                self.pay(payer, worker(at), what, post, if cheap { CHEAP } else { DEAR });
            }
            Op::Respond { stream, fails } => self.respond(stream, if fails { 503 } else { 200 }),
            Op::GiveUp { stream } => self.give_up(stream),
            Op::Leave { stream } => self.leave(stream),
            Op::Call { worker: at } => self.call(worker(at)),
            Op::Ask { worker: at } => {
                self.call(worker(at));
                self.arrive(worker(at)).await;
                self.answer(worker(at));
            }
            Op::Arrive { worker: at } => self.arrive(worker(at)).await,
            Op::Answer { worker: at } => self.answer(worker(at)),
            Op::Fail { worker: at, how } => self.fail(worker(at), how),
            Op::ArriveLate { call } => {
                if !self.late.is_empty() {
                    let batch = self.late.remove(usize::from(call) % self.late.len());
                    self.decide(&batch).await;
                }
            }
            Op::Tick { worker: at } => {
                self.now += Duration::from_millis(300);
                self.tick(worker(at)).await;
            }
            Op::Crash { worker: at } => self.crash(worker(at)),
            Op::Restart => self.restart().await,
            Op::Health { ready } => self.ready = ready,
            Op::Close { payer, wrong } => {
                let key = self.clients[usize::from(payer) % usize::from(PAYERS)].key;
                let held = self.model.channels.get(&key).map_or(0, Channel::balance);
                let balance = held + u64::from(wrong);
                let expected = self.model.close(key, balance, &self.chain);
                if expected == Closing::Marked {
                    tally::count("closing agreements");
                }
                let found = self.store.close(key, TokenAmount::new(balance)).await.expect("it is written");
                self.expect(found == expected, || {
                    format!("closing at {balance}: {found:?}, not {expected:?}")
                });
            }
            Op::Mine { payer, what } => {
                let key = self.clients[usize::from(payer) % usize::from(PAYERS)].key;
                let events = self.event(key, what).map(|(kind, amount)| (key, kind, amount));
                self.mine(events.into_iter().collect()).await;
            }
            Op::Reorganise { depth, keeps, halves } => {
                let mut picks = keeps;
                let again = |kind, amount: u64| {
                    picks = picks.rotate_left(1);
                    let amount = match kind {
                        EventKind::Opened | EventKind::ToppedUp if halves => amount / 2,
                        _ => amount,
                    };
                    (picks & 1 == 1).then_some(amount)
                };
                let before =
                    self.clients.iter().map(|client| self.chain.confirmed(&client.key).1).collect::<Vec<_>>();
                if let Some(advance) = self.chain.reorganise(usize::from(depth % 6), again) {
                    let after = self.clients.iter().map(|client| self.chain.confirmed(&client.key).1);
                    if !after.eq(before) {
                        tally::count("reorganisations that changed a deposit");
                    }
                    self.store.advance(self.epoch, advance).await.expect("the ledger takes a reorganisation");
                }
            }
        }
    }

    /// What the contract would let happen to a channel now.
    fn event(&self, key: ChannelKey, what: OnChain) -> Option<(EventKind, u64)> {
        let life = self.chain.life(&key)?;
        match (what, life) {
            (OnChain::TopUp, EventKind::Opened) => Some((EventKind::ToppedUp, 40)),
            (OnChain::Withdraw, EventKind::Opened) => Some((EventKind::Withdrawn, 1)),
            (OnChain::CloseRequest, EventKind::Opened) => Some((EventKind::CloseRequested, 0)),
            (OnChain::Settle, EventKind::CloseRequested) => Some((EventKind::Settled, 0)),
            (
                OnChain::Nothing
                | OnChain::TopUp
                | OnChain::Withdraw
                | OnChain::CloseRequest
                | OnChain::Settle,
                _,
            ) => None,
        }
    }

    fn crash(&mut self, worker: usize) {
        let old = self.workers[worker].vm;
        let vm = &mut self.vms[old];
        for stream in self.streams.extract_if(.., |stream| stream.worker == worker) {
            *vm.forgiven.entry(self.clients[stream.payer].key).or_default() += stream.price;
        }
        for (key, price) in vm.left_early.drain() {
            *vm.forgiven.entry(key).or_default() += price;
        }
        let envoy = self.workers[worker].envoy;
        let loaded = self.load(envoy);
        let crashed = std::mem::replace(&mut self.workers[worker], loaded);
        if let Some(Flight { batch, response: None }) = crashed.flight {
            self.late.push(batch);
        }
    }
}
