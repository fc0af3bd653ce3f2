//! Workers, payers, a network, a sidecar and a chain, and the rules that hold between them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use tokio::task::JoinHandle;
use uraiden_core::channel::ChannelState;
use uraiden_core::config::Config;
use uraiden_core::gate::{CallOutcome, Gate, Moment, Step, StreamId};
use uraiden_core::request::Request;
use uraiden_core::response::Response;
use uraiden_core::route::Surroundings;
use uraiden_core::wire::{
    Answer, AttemptId, BatchRequest, BatchResponse, COMMIT_FOR, ChannelKey, Entry, Health, Ledger, VERSION,
};
use uraiden_core::{Address, BalanceProof, ChannelId, TokenAmount, header};
use uraiden_sidecar::health::HealthBoard;
use uraiden_sidecar::store::{
    Binding, Chain as ChainName, Closing, Commits, EventKind, Opened, Scope, Store,
};

use crate::chain::{CONFIRMATIONS, Chain};
use crate::model::{Model, Outcome, TAKE_BACKS_IN_A_ROW, small};
use crate::op::{Failure, OnChain, Op, What};
use crate::payer::{CONTRACT, Client, RECEIVER, proof, proves};
use crate::tally;

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

fn binding() -> Binding {
    Binding {
        chain: ChainName { id: 31337, genesis: [1; 32] },
        contract: CONTRACT,
        code_hash: [2; 32],
        token: Address([0x70; 20]),
        receiver: RECEIVER,
        challenge_period: 500,
    }
}

async fn open(path: PathBuf) -> (Store, JoinHandle<()>) {
    let scope = Scope {
        contract: CONTRACT,
        receiver: RECEIVER,
        confirmations: u32::try_from(CONFIRMATIONS).expect("few"),
        exposure_limit: None,
        take_backs_in_a_row: TAKE_BACKS_IN_A_ROW,
    };
    let health = Arc::new(HealthBoard::new(Duration::from_secs(60)));
    let Opened { store, writer } = Store::open(&path, scope, health).await.expect("the ledger opens");
    (store, tokio::spawn(async move { writer.run().await.expect("the ledger closes") }))
}

/// Where a folder is written fast. Durability is not what is tested here: no machine loses its power.
fn folder() -> TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
    folder.expect("a temporary folder")
}

fn tally(entry: &Entry, answer: &Answer) {
    match (entry, answer) {
        (Entry::Commit(_), Answer::Accepted { .. }) => tally::count("accepted"),
        (Entry::Commit(_), Answer::Refused { .. }) => tally::count("refused"),
        (Entry::Commit(_), Answer::TakenBack { .. }) => {
            tally::count("late commits that were cancelled before")
        }
        (Entry::TakeBack(_), Answer::TakenBack { .. }) => tally::count("taken back"),
        (Entry::TakeBack(_), Answer::Credited { .. }) => tally::count("credited"),
        (Entry::TakeBack(_), Answer::Final { .. }) => tally::count("kept, after too many take-backs"),
        (Entry::Lookup(_) | Entry::Commit(_) | Entry::TakeBack(_), _) => {}
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = folder();
        let (store, writing) = open(folder.path().join("ledger.db")).await;
        store.bind(binding()).await.expect("an empty ledger takes any binding");
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        let mut world = Self {
            folder,
            store,
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
        self.store.advance(advance).await.expect("the ledger takes a block");
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
                let held = self.model.channels.get(&key).map_or(0, crate::model::Channel::balance);
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
                    self.store.advance(advance).await.expect("the ledger takes a reorganisation");
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

    fn pay(&mut self, payer: usize, worker: usize, what: What, post: bool, price: u64) {
        let client = &mut self.clients[payer];
        let balance = match what {
            What::Next | What::Forged => client.held + price,
            What::Again => client.last,
            What::Replay => client.held,
            What::TooMuch => client.held + 2 * price,
            What::Older => client.held.saturating_sub(price),
        };
        let index = u8::try_from(payer).expect("few");
        let signature = match what {
            What::Forged => proof(PAYERS, balance),
            What::Next | What::Again | What::Replay | What::TooMuch | What::Older => proof(index, balance),
        };
        client.last = balance;
        let key = client.key;
        let headers: Vec<(String, Vec<u8>)> = [
            (":method", if post { "POST" } else { "GET" }.to_owned()),
            (":path", if price == DEAR { "/dear" } else { "/cheap" }.to_owned()),
            (":authority", "host".to_owned()),
            ("rdn-sender-address", key.sender.to_string()),
            ("rdn-open-block", key.open_block.to_string()),
            ("rdn-sender-balance", balance.to_string()),
            ("rdn-balance-signature", signature.to_string()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into_bytes()))
        .collect();
        let id = self.next_stream;
        self.next_stream += 1;
        self.streams.push(Stream { id, worker, payer, price, place: Place::RequestHeld });
        let at = &mut self.workers[worker];
        let around = Around { announced: &self.announced[at.envoy] };
        let step = at.gate.request(id, Request::new(&headers), &around, self.now);
        self.take(id, step);
    }

    /// The stream that a number means, among those at one of these places.
    fn find(&self, n: u8, at: impl Fn(Place) -> bool) -> Option<usize> {
        let there: Vec<usize> =
            (0..self.streams.len()).filter(|&index| at(self.streams[index].place)).collect();
        there.get(usize::from(n) % there.len().max(1)).copied()
    }

    fn respond(&mut self, n: u8, status: u16) {
        let Some(index) = self.find(n, |place| place == Place::Upstream) else { return };
        self.streams[index].place = Place::ResponseHeld { failed: status >= 500 };
        self.response(index, status);
    }

    fn give_up(&mut self, n: u8) {
        let Some(index) = self.find(n, |place| place != Place::Upstream) else { return };
        let Stream { worker, payer, price, .. } = self.streams[index];
        *self.vms[self.workers[worker].vm].left_early.entry(self.clients[payer].key).or_default() += price;
        self.streams[index].place = Place::ResponseHeld { failed: true };
        self.response(index, 504);
    }

    fn response(&mut self, index: usize, status: u16) {
        let Stream { id, worker, .. } = self.streams[index];
        let headers = [(":status".to_owned(), status.to_string().into_bytes())];
        let step = self.workers[worker].gate.response(id, Response::new(&headers), self.now);
        self.take(id, step);
    }

    fn leave(&mut self, n: u8) {
        let Some(index) = self.find(n, |_| true) else { return };
        let stream = self.streams.swap_remove(index);
        let worker = &mut self.workers[stream.worker];
        worker.gate.gone(stream.id);
        let vm = &mut self.vms[worker.vm];
        let books = match stream.place {
            Place::RequestHeld => &mut vm.left_early,
            // What failed is taken back, unless the module crashes before.
            Place::ResponseHeld { failed: true } => &mut vm.left_early,
            Place::Upstream | Place::ResponseHeld { failed: false } => &mut vm.forgiven,
        };
        *books.entry(self.clients[stream.payer].key).or_default() += stream.price;
    }

    fn call(&mut self, worker: usize) {
        let at = &mut self.workers[worker];
        let Some(call) = at.gate.next_call(self.now) else { return };
        // A repeated call takes the place of the one that broke.
        at.flight = Some(Flight { batch: call.batch, response: None });
    }

    async fn arrive(&mut self, worker: usize) {
        let Some(Flight { batch, response: None }) = &self.workers[worker].flight else { return };
        let batch = batch.clone();
        let body = self.decide(&batch).await;
        if let Some(flight) = &mut self.workers[worker].flight {
            flight.response = Some(body);
        }
    }

    /// The sidecar takes a batch; its answers are compared with the model's.
    async fn decide(&mut self, batch: &BatchRequest) -> Vec<u8> {
        let sent = Duration::from_millis(batch.sent_at);
        let judged = self.ready && self.now.saturating_sub(sent) <= COMMIT_FOR;
        let commits = if judged { Commits::Judge { until: u64::MAX } } else { Commits::Refuse };
        let answers = self.store.batch(batch.entries.clone(), commits).await.expect("the ledger answers");
        for (entry, answer) in batch.entries.iter().zip(&answers) {
            let (model, chain) = (&mut self.model, &self.chain);
            let expected = model.answer(entry, chain, judged, |attempt| proves(attempt, PAYERS));
            tally(entry, answer);
            if *answer != expected && self.broken.is_none() {
                self.broken = Some(format!("{entry:?} was answered {answer:?}, not {expected:?}"));
            }
            if let (Entry::Commit(attempt), Answer::Accepted { channel: ChannelState::Open(open) }) =
                (entry, answer)
            {
                // M3, in words of its own.
                let fits = open.balance <= open.deposit && attempt.balance <= open.balance;
                self.expect(fits, || format!("M3: {open:?} after {attempt:?}"));
            }
        }
        let health = if self.ready {
            Health::Ready
        } else {
            Health::NotReady { reason: "Ethereum node is not responding".to_owned() }
        };
        let ledger = Ledger { id: "0".repeat(32), generation: 1 };
        let identity = batch.identity;
        let response = BatchResponse { version: VERSION, identity, ledger, health, answers };
        serde_json::to_vec(&response).expect("it has a JSON form")
    }

    fn answer(&mut self, worker: usize) {
        let Some(Flight { response: Some(body), .. }) =
            self.workers[worker].flight.take_if(|flight| flight.response.is_some())
        else {
            return;
        };
        self.answered(worker, CallOutcome::Response { status: 200, body: &body });
    }

    fn fail(&mut self, worker: usize, how: Failure) {
        let Some(flight) = self.workers[worker].flight.take() else { return };
        if flight.response.is_none() {
            self.late.push(flight.batch);
        }
        let outcome = match how {
            Failure::TimedOut => {
                self.now += Duration::from_millis(500);
                CallOutcome::Response { status: 504, body: b"upstream request timeout" }
            }
            Failure::CutOff => CallOutcome::CutOff,
            Failure::Refused => CallOutcome::Response { status: 503, body: b"no healthy upstream" },
            Failure::Nonsense => CallOutcome::Response { status: 200, body: b"{}" },
        };
        let before = self.streams.len();
        let refused = self.answered(worker, outcome);
        self.expect(refused == 0, || {
            format!("M8: {refused} of {before} streams were told 402 by a failed call")
        });
    }

    /// Hands an outcome to a worker; how many streams got a 402.
    fn answered(&mut self, worker: usize, outcome: CallOutcome<'_>) -> usize {
        let (steps, _) = self.workers[worker].gate.answered(outcome, self.now);
        let mut refused = 0;
        for (stream, step) in steps {
            refused += usize::from(matches!(&step, Step::Reply(reply) if reply.status == 402));
            self.take(stream, step);
        }
        refused
    }

    async fn tick(&mut self, worker: usize) {
        let Some(call) = self.workers[worker].gate.tick(self.now) else { return };
        let body = self.decide(&call.batch).await;
        self.answered(worker, CallOutcome::Response { status: 200, body: &body });
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

    async fn restart(&mut self) {
        let path = self.folder.path().join("ledger.db");
        self.stop().await;
        (self.store, self.writing) = open(path).await;
        self.store.bind(binding()).await.expect("the same ledger");
    }

    /// Ends the sidecar's process.
    async fn stop(&mut self) {
        let elsewhere = folder();
        let (other, idle) = open(elsewhere.path().join("none.db")).await;
        drop(std::mem::replace(&mut self.store, other));
        let ended = std::mem::replace(&mut self.writing, idle);
        ended.await.expect("the writer ends well");
    }

    /// What a step means for the client.
    fn take(&mut self, id: StreamId, step: Step) {
        let Some(index) = self.streams.iter().position(|stream| stream.id == id) else {
            self.expect(false, || format!("stream {id} is gone and gets {step:?}"));
            return;
        };
        let (worker, payer, price, place) = {
            let stream = &self.streams[index];
            (stream.worker, stream.payer, stream.price, stream.place)
        };
        let headers = match step {
            Step::Hold => return,
            Step::Pass => {
                self.expect(false, || "a priced request passed".to_owned());
                return;
            }
            Step::Forward(admission) => {
                self.expect(place == Place::RequestHeld, || format!("stream {id} went upstream twice"));
                self.streams[index].place = Place::Upstream;
                if admission.headers.contains(&(header::UPSTREAM_PAYMENT, "pending".to_owned())) {
                    tally::count("ran before its payment was durable");
                }
                if let Some(announcement) = admission.announcement {
                    let envoy = self.workers[worker].envoy;
                    self.announced[envoy].insert(announcement.slot, announcement.bytes);
                }
                return;
            }
            Step::Release(headers) => {
                match place {
                    Place::ResponseHeld { failed: false } => {
                        let vm = self.workers[worker].vm;
                        let key = self.clients[payer].key;
                        *self.vms[vm].served.entry(key).or_default() += price;
                        let free = headers.contains(&(header::COST, "0".to_owned()));
                        tally::count(if free { "served from a credit" } else { "served by a new balance" });
                    }
                    Place::ResponseHeld { failed: true } => {}
                    Place::RequestHeld | Place::Upstream => {
                        self.expect(false, || format!("stream {id} has no response to release"));
                    }
                }
                headers
            }
            Step::Refund(headers) => headers,
            Step::Reply(reply) => {
                let known = reply.headers.iter().map(|(name, value)| (*name, value.clone())).collect();
                let expected = matches!(reply.status, 402 | 502 | 503);
                self.expect(expected, || format!("stream {id} was answered {}", reply.status));
                match (reply.status, place) {
                    (402, Place::ResponseHeld { .. }) => {
                        tally::count("told 402 in place of an answer that was held");
                    }
                    (502, _) => tally::count("told 502"),
                    (_, Place::RequestHeld | Place::Upstream | Place::ResponseHeld { .. }) => {}
                }
                known
            }
        };
        if let Some((_, balance)) = headers.iter().find(|(name, _)| *name == header::SENDER_BALANCE) {
            self.clients[payer].held = balance.parse().expect("a balance");
        }
        self.workers[worker].gate.gone(id);
        self.streams.swap_remove(index);
    }

    fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.broken.is_none() {
            self.broken = Some(what());
        }
    }

    /// The rules, after each event.
    pub(crate) async fn check(&mut self) -> Result<(), String> {
        if let Some(broken) = self.broken.take() {
            return Err(broken);
        }
        for client in &self.clients {
            let key = client.key;
            let Some(row) = self.store.channel(key).await.map_err(|error| error.to_string())? else {
                return Err("a channel was forgotten".to_owned());
            };
            let empty = crate::model::Channel::default();
            let channel = self.model.channels.get(&key).unwrap_or(&empty);
            // M2, M5, M7, M10: what is claimed is what was accepted and not taken back, and a mark stays.
            let found = (small(row.balance), small(row.credit), row.closing_balance.map(small));
            let expected = (channel.balance(), channel.credit, channel.closing);
            if found != expected {
                return Err(format!("balance, credit and mark are {found:?}, not {expected:?}"));
            }
            if channel.credit > channel.balance() {
                return Err(format!(
                    "M7: a credit of {} in a balance of {}",
                    channel.credit,
                    channel.balance()
                ));
            }
            // M4: what would be claimed now is a proof of the sender's that counts, and no better one is there.
            let claim = self.store.claimable(&row).await.map_err(|error| error.to_string())?;
            let deposit = small(row.deposit);
            if let Some(claim) = claim {
                let balance = small(claim.balance);
                let counts = channel
                    .steps
                    .iter()
                    .any(|step| step.balance == balance && step.signature == claim.signature);
                let id = ChannelId {
                    contract: CONTRACT,
                    receiver: RECEIVER,
                    sender: key.sender,
                    open_block: key.open_block,
                };
                let signed = BalanceProof { channel: id, balance: claim.balance, signature: claim.signature };
                if !counts
                    || balance > deposit.max(channel.closing.unwrap_or(0))
                    || signed.signer() != Some(key.sender)
                {
                    return Err(format!(
                        "M4: {balance} of {channel:?} would be claimed with a deposit of {deposit}"
                    ));
                }
                if deposit >= channel.balance() && balance != channel.balance() {
                    return Err(format!("M4: {balance} in place of {} would be claimed", channel.balance()));
                }
            } else if deposit >= channel.balance() && !channel.steps.is_empty() {
                return Err(format!(
                    "M4: nothing of {channel:?} could be claimed with a deposit of {deposit}"
                ));
            }
        }
        // M1 and M2: whatever was served was paid for, once, durably.
        for vm in &self.vms {
            for (key, served) in &vm.served {
                let paid = self.paid(vm, key);
                if *served > paid {
                    return Err(format!("M1: {served} were served for {paid}"));
                }
            }
        }
        Ok(())
    }

    /// What the attempts of a module pay for, as the ledger has them.
    fn paid(&self, vm: &Vm, key: &ChannelKey) -> u64 {
        let of = |(id, (attempt, outcome)): (&AttemptId, &(uraiden_core::wire::Attempt, Outcome))| {
            let own = id.0 >> 64 == u128::from(vm.random) && attempt.channel == *key && outcome.pays();
            own.then(|| small(attempt.price))
        };
        self.model.attempts.iter().filter_map(of).sum()
    }

    /// Lets everything that is under way come to its end, and looks at who paid for nothing.
    pub(crate) async fn settle(mut self) -> Result<(), String> {
        for batch in std::mem::take(&mut self.late) {
            self.decide(&batch).await;
        }
        for _ in 0..200 {
            let mut busy = false;
            for worker in 0..self.workers.len() {
                self.call(worker);
                busy |= self.workers[worker].flight.is_some();
                self.arrive(worker).await;
                self.answer(worker);
                self.tick(worker).await;
            }
            while self.find(0, |place| place == Place::Upstream).is_some() {
                self.respond(0, 200);
                busy = true;
            }
            self.check().await?;
            if !busy && self.streams.is_empty() {
                break;
            }
        }
        if !self.streams.is_empty() {
            return Err(format!("{} streams hang", self.streams.len()));
        }
        for vm in &self.vms {
            for client in &self.clients {
                let of = |book: &HashMap<ChannelKey, u64>| book.get(&client.key).copied().unwrap_or(0);
                let (paid, served, forgiven) = (self.paid(vm, &client.key), of(&vm.served), of(&vm.forgiven));
                if paid > served + forgiven {
                    return Err(format!("{paid} were paid, {served} served, and {forgiven} may be lost"));
                }
            }
        }
        self.stop().await;
        Ok(())
    }
}
