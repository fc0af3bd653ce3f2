//! A gate, and what happens to it.

use std::time::Duration;

use uraiden_core::Address;
use uraiden_core::answer::PROBLEM_TYPE_PREFIX;
use uraiden_core::channel::{ChannelState, OpenChannel};
use uraiden_core::config::{Config, Overlap};
use uraiden_core::gate::{Call, CallOutcome, Gate, Headers, Notice, Step, StreamId};
use uraiden_core::request::Request;
use uraiden_core::response::Response;
use uraiden_core::route::Surroundings;
use uraiden_core::wire::{
    Answer, BatchRequest, BatchResponse, Entry, EntryTrace, Health, Identity, Ledger, VERSION,
};

use crate::common::{OPEN_BLOCK, address, amount, contract, receiver, sender, sign};

pub(crate) struct Scene {
    pub(crate) gate: Gate,
    /// What another worker announced.
    pub(crate) announced: Option<Vec<u8>>,
    pub(crate) now: Duration,
    /// The traces that the last call told.
    pub(crate) traces: Vec<EntryTrace>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let now = Duration::from_secs(1_000_000);
        Self { gate: Gate::new(config(), 0xfeed), announced: None, now, traces: Vec::new() }
    }

    /// The sidecar was heard and is ready.
    pub(crate) fn ready() -> Self {
        let mut scene = Self::new();
        scene.hear(Health::Ready);
        scene
    }

    /// Safe requests go upstream meanwhile, and the gate remembers the payer's channel at this balance.
    pub(crate) fn overlapping(balance: u64) -> Self {
        let config = Config { overlap: Overlap::SafeMethods, ..config() };
        let mut scene = Self { gate: Gate::new(config, 0xfeed), ..Self::new() };
        scene.hear(Health::Ready);
        scene.know(balance);
        scene
    }

    /// The gate remembers the payer's channel at this balance.
    pub(crate) fn with_channel(balance: u64) -> Self {
        let mut scene = Self::ready();
        scene.know(balance);
        scene
    }

    fn know(&mut self, balance: u64) {
        assert_eq!(self.pay(1, balance), Step::Hold);
        self.call();
        self.answer(vec![Answer::Channel { channel: open(balance) }]);
        self.gate.gone(1);
    }

    /// Stream 2 paid and is at the upstream.
    pub(crate) fn served(balance: u64) -> Self {
        let mut scene = Self::with_channel(balance - 10);
        assert_eq!(scene.pay(2, balance), Step::Hold);
        scene.call();
        let steps = scene.answer(vec![Answer::Accepted { channel: open(balance) }]);
        assert!(matches!(only(steps, 2), Step::Forward(_)));
        scene
    }

    pub(crate) fn get(&mut self, stream: StreamId, target: &str, headers: &[(&str, &str)]) -> Step {
        self.request(stream, "GET", target, headers)
    }

    pub(crate) fn request(
        &mut self,
        stream: StreamId,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Step {
        let headers = with_pseudo(method, target, headers);
        let route = OnRoute { announced: self.announced.clone(), ..OnRoute::to("app") };
        self.gate.request(stream, Request::new(&headers), &route, self.now)
    }

    pub(crate) fn pay(&mut self, stream: StreamId, balance: u64) -> Step {
        self.pay_for(stream, "/paid", balance)
    }

    pub(crate) fn pay_for(&mut self, stream: StreamId, target: &str, balance: u64) -> Step {
        self.pay_by(stream, "GET", target, balance, &[])
    }

    pub(crate) fn pay_by(
        &mut self,
        stream: StreamId,
        method: &str,
        target: &str,
        balance: u64,
        more: &[(&str, &str)],
    ) -> Step {
        let headers = [
            ("rdn-sender-address", sender().to_string()),
            ("rdn-open-block", OPEN_BLOCK.to_string()),
            ("rdn-sender-balance", balance.to_string()),
            ("rdn-balance-signature", sign(amount(balance)).to_string()),
        ];
        let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
        let headers: Vec<_> = headers.chain(more.iter().copied()).collect();
        self.request(stream, method, target, &headers)
    }

    pub(crate) fn response(&mut self, stream: StreamId, status: u16) -> Step {
        let headers = [(":status".to_owned(), status.to_string().into_bytes())];
        let now = self.now;
        self.gate.response(stream, Response::new(&headers), || now)
    }

    pub(crate) fn has_work(&self) -> bool {
        self.gate.has_work(|| self.now)
    }

    pub(crate) fn released(&mut self, stream: StreamId, status: u16) -> Headers {
        match self.response(stream, status) {
            Step::Release(headers) => headers,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn call(&mut self) -> Vec<Entry> {
        let Call { batch, timeout } = self.gate.next_call(self.now).expect("something to ask");
        let BatchRequest { version, identity: asked, sent_at, entries, traces } = batch;
        assert_eq!((version, asked), (VERSION, identity()));
        assert_eq!(u128::from(sent_at), self.now.as_millis());
        assert!(timeout <= self.gate.config().sidecar.timeout);
        self.traces = traces;
        entries
    }

    pub(crate) fn answer(&mut self, answers: Vec<Answer>) -> Vec<(StreamId, Step)> {
        let body = serde_json::to_vec(&response(Health::Ready, answers)).unwrap();
        self.gate.answered(CallOutcome::Response { status: 200, body: &body }, self.now).0
    }

    /// The call that is under way comes to nothing.
    pub(crate) fn fail(&mut self, outcome: CallOutcome<'_>) -> (Vec<(StreamId, Step)>, Vec<Notice>) {
        self.gate.answered(outcome, self.now)
    }

    pub(crate) fn hear(&mut self, health: Health) {
        self.gate.tick(self.now).expect("no call is under way");
        let body = serde_json::to_vec(&response(health, vec![])).unwrap();
        let _ = self.gate.answered(CallOutcome::Response { status: 200, body: &body }, self.now);
    }
}

/// A route to this cluster, with this metadata map.
pub(crate) struct OnRoute {
    pub(crate) cluster: &'static str,
    pub(crate) metadata: Option<Vec<u8>>,
    pub(crate) announced: Option<Vec<u8>>,
}

impl OnRoute {
    pub(crate) fn to(cluster: &'static str) -> Self {
        Self { cluster, metadata: None, announced: None }
    }
}

impl Surroundings for OnRoute {
    fn source(&self) -> Option<Vec<u8>> {
        Some(b"192.0.2.1:4711".to_vec())
    }

    fn cluster(&self) -> Option<Vec<u8>> {
        Some(self.cluster.into())
    }

    fn metadata(&self) -> Option<Vec<u8>> {
        self.metadata.clone()
    }

    fn virtual_host_metadata(&self) -> Option<Vec<u8>> {
        None
    }

    fn announced(&self, slot: u32) -> Option<Vec<u8>> {
        assert!(slot < 16_384);
        self.announced.clone()
    }
}

pub(crate) fn with_pseudo(method: &str, target: &str, headers: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    let all = [&[(":method", method), (":path", target), (":authority", "host")][..], headers].concat();
    all.into_iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect()
}

pub(crate) fn token() -> Address {
    address(3)
}

pub(crate) fn config() -> Config {
    let json = serde_json::json!({
        "sidecar": { "cluster": "uraiden-internal", "publicCluster": "uraiden-public" },
        "contract": contract(), "receiver": receiver(), "token": token(), "chainId": 31337,
        "overlap": "never",
        "rules": [
            { "match": { "pathPrefix": "/paid" }, "price": "10" },
            {
                "match": { "pathPrefix": "/auction/" },
                "priceFrom": { "cluster": "prices", "path": "/price", "ttl": "1s" },
            },
        ],
    });
    Config::from_json(json.to_string().as_bytes()).unwrap()
}

pub(crate) fn identity() -> Identity {
    Identity { chain_id: 31337, contract: contract(), receiver: receiver(), token: token() }
}

pub(crate) fn ledger() -> Ledger {
    Ledger { id: "00112233445566778899aabbccddeeff".to_owned(), generation: 1 }
}

pub(crate) fn response(health: Health, answers: Vec<Answer>) -> BatchResponse {
    BatchResponse { version: VERSION, identity: identity(), ledger: ledger(), health, answers }
}

pub(crate) fn open(balance: u64) -> ChannelState {
    let signature = (balance > 0).then(|| sign(amount(balance)));
    ChannelState::Open(OpenChannel { balance: amount(balance), signature, ..OpenChannel::new(amount(100)) })
}

pub(crate) fn only(steps: Vec<(StreamId, Step)>, stream: StreamId) -> Step {
    let [(found, step)] = <[_; 1]>::try_from(steps).expect("one step");
    assert_eq!(found, stream);
    step
}

/// Status, problem code and headers of a reply.
pub(crate) fn replied(step: Step) -> (u16, String, Headers) {
    let Step::Reply(reply) = step else { panic!("{step:?}") };
    let document: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(document["status"], reply.status);
    let code = document["type"].as_str().unwrap().strip_prefix(PROBLEM_TYPE_PREFIX).unwrap().to_owned();
    (reply.status, code, reply.headers)
}

pub(crate) fn value(headers: &Headers, name: &str) -> String {
    let mut values = headers.iter().filter(|(found, _)| *found == name);
    let value = values.next().unwrap_or_else(|| panic!("no {name} in {headers:?}")).1.clone();
    assert!(values.next().is_none(), "{name} twice");
    value
}
