//! One of these a worker and listener: reads the configuration and makes the calls to the sidecar.
//!
//! Calls are made from root callbacks only. The SDK hands an answer to the context in whose callback the call was
//! made, and a stream's context may be gone by then.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::rc::Rc;
use std::time::Duration;

use log::{debug, error, info, warn};
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{BufferType, ContextType, MapType};
use uraiden_core::config::{Config, Mode};
use uraiden_core::gate::{Call, CallOutcome, Gate, Inquiry, Notice, Step, StreamId, TAKEN_BACK};
use uraiden_core::trace::{TRACEPARENT, TRACESTATE};
use uraiden_core::wire::BATCH_PATH;

use crate::host;
use crate::meters::{Meters, SignatureMeters};
use crate::shared_keys::SharedKeyStore;
use crate::stream::Stream;

/// How often the sidecar is asked for its health.
const TICK: Duration = Duration::from_secs(1);

/// The longest answer to a call that is looked at, in bytes: four times what the largest batch is answered with. Memory
/// that a VM took once is never given back.
const LONGEST_ANSWER: usize = 4 << 20;

/// What the streams of a worker share.
pub(crate) struct Worker {
    pub(crate) gate: RefCell<Gate>,
    /// Wakes the root in the next turn of the worker's event loop. The name is this worker's own.
    wake_queue: u32,
    awake: Cell<bool>,
    /// Calls to price services that are under way, by Envoy's token.
    inquiries: RefCell<HashMap<u32, u64>>,
    signatures: SignatureMeters,
}

impl Worker {
    /// Lets the root make a call, after a stream asked something.
    pub(crate) fn wake_root(&self) {
        if !self.awake.get() && self.gate.borrow().has_work(host::now) {
            self.awake.set(true);
            host::report("wake the worker", hostcalls::enqueue_shared_queue(self.wake_queue, Some(b"w")));
        }
    }
}

pub(crate) struct Root {
    id: u32,
    worker: Option<Rc<Worker>>,
}

impl Root {
    pub(crate) fn new(id: u32) -> Self {
        Self { id, worker: None }
    }

    fn read_configuration(&self) -> Option<Worker> {
        let json = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX).ok().flatten();
        let config = Config::from_json(&json.unwrap_or_default())
            .inspect_err(|error| error!("the paywall's configuration is refused: {error}"))
            .ok()?;
        // A hasher's keys are random and differ in every VM.
        let random = RandomState::new().build_hasher().finish();
        let wake_queue = hostcalls::register_shared_queue(&format!("uraiden-{random:016x}"))
            .inspect_err(|status| error!("Envoy could not register a queue: {status:?}"))
            .ok()?;
        let rules = config.rules.len();
        info!("paywall of {} on chain {}, {rules} rules", config.identity.receiver, config.identity.chain_id);
        if config.mode == Mode::Shadow {
            warn!("shadow mode: nothing is refused or charged");
        }
        let mut gate = Gate::new(config, random);
        gate.share_keys(Box::new(SharedKeyStore));
        gate.observe(Box::new(Meters::new()));
        Some(Worker {
            gate: RefCell::new(gate),
            wake_queue,
            awake: Cell::new(false),
            inquiries: RefCell::new(HashMap::new()),
            signatures: SignatureMeters::new(),
        })
    }

    /// Makes all calls that are worth making now.
    fn flush(&self, worker: &Worker) {
        loop {
            let inquiry = worker.gate.borrow_mut().next_inquiry();
            let Some(inquiry) = inquiry else { break };
            self.ask_price(worker, &inquiry);
        }
        loop {
            let call = worker.gate.borrow_mut().next_call(host::now());
            let Some(call) = call else { break };
            self.dispatch(worker, &call);
        }
    }

    fn dispatch(&self, worker: &Worker, call: &Call) {
        let gate = worker.gate.borrow();
        let sidecar = &gate.config().sidecar;
        let authorization = sidecar.bearer_token.as_ref().map(|token| format!("Bearer {token}"));
        let mut headers = vec![
            (":method", "POST"),
            (":path", BATCH_PATH),
            (":authority", sidecar.cluster.as_str()),
            ("content-type", "application/json"),
        ];
        headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
        // One call carries many requests; whatever stands between follows the first that is traced.
        let context = call.batch.traces.first().map(|first| &first.context);
        let parent = context.map(|context| context.traceparent.to_string());
        headers.extend(parent.as_deref().map(|value| (TRACEPARENT, value)));
        let state = context.and_then(|context| context.tracestate.as_deref());
        headers.extend(state.map(|value| (TRACESTATE, value)));
        let body = serde_json::to_vec(&call.batch).unwrap_or_default();
        host::report("return to the root", hostcalls::set_effective_context(self.id));
        // Zero would be no bound at all.
        let timeout = call.timeout.max(Duration::from_millis(1));
        let sent = hostcalls::dispatch_http_call(&sidecar.cluster, headers, Some(&body), vec![], timeout);
        if let Err(status) = sent {
            // No answer will come: the cluster is unknown, has no endpoint, or its circuit breaker is open.
            debug!("Envoy could not call cluster {}: {status:?}", sidecar.cluster);
            drop(gate);
            self.settle(worker, CallOutcome::NotSent);
        }
    }

    fn ask_price(&self, worker: &Worker, inquiry: &Inquiry) {
        let source = &inquiry.question.source;
        let headers = vec![
            (":method", "POST"),
            (":path", source.path.as_str()),
            (":authority", source.cluster.as_str()),
            ("content-type", "application/json"),
        ];
        let body = inquiry.body();
        host::report("return to the root", hostcalls::set_effective_context(self.id));
        match hostcalls::dispatch_http_call(&source.cluster, headers, Some(&body), vec![], source.timeout) {
            Ok(token) => {
                worker.inquiries.borrow_mut().insert(token, inquiry.id);
            }
            Err(_) => {
                let results =
                    worker.gate.borrow_mut().priced_by(inquiry.id, CallOutcome::NotSent, host::now());
                self.carry_out(results);
            }
        }
    }

    /// Carries out what the answer to a call decides.
    fn settle(&self, worker: &Worker, outcome: CallOutcome<'_>) {
        let results = worker.gate.borrow_mut().answered(outcome, host::now());
        self.carry_out(results);
    }

    fn carry_out(&self, (steps, notices): (Vec<(StreamId, Step)>, Vec<Notice>)) {
        for notice in notices {
            log(&notice);
        }
        for (stream, step) in steps {
            carry_out(stream, &step);
        }
        host::report("return to the root", hostcalls::set_effective_context(self.id));
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, token: u32, num_headers: usize, body_size: usize, _trailers: usize) {
        let Some(worker) = self.worker.clone() else { return };
        let fits = body_size <= LONGEST_ANSWER;
        let read = || hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, body_size).ok().flatten();
        let body = fits.then(read).flatten().unwrap_or_default();
        // Without headers the answer was cut off, and asking for them would panic.
        let status = (fits && num_headers > 0).then(status_of_call).flatten();
        let outcome =
            status.map_or(CallOutcome::CutOff, |status| CallOutcome::Response { status, body: &body });
        let inquiry = worker.inquiries.borrow_mut().remove(&token);
        match inquiry {
            Some(inquiry) => {
                let results = worker.gate.borrow_mut().priced_by(inquiry, outcome, host::now());
                self.carry_out(results);
            }
            None => self.settle(&worker, outcome),
        }
        self.flush(&worker);
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        if let Ok(level) = hostcalls::get_log_level() {
            proxy_wasm::set_log_level(level);
        }
        let Some(worker) = self.read_configuration() else { return false };
        host::report("set a timer", hostcalls::set_tick_period(TICK));
        let call = worker.gate.borrow_mut().tick(host::now());
        if let Some(call) = call {
            self.dispatch(&worker, &call);
        }
        self.worker = Some(Rc::new(worker));
        true
    }

    fn on_tick(&mut self) {
        let Some(worker) = self.worker.clone() else { return };
        worker.signatures.tell(worker.gate.borrow().signatures());
        let call = worker.gate.borrow_mut().tick(host::now());
        if let Some(call) = call {
            self.dispatch(&worker, &call);
            self.flush(&worker);
        }
    }

    fn on_queue_ready(&mut self, queue: u32) {
        let Some(worker) = self.worker.clone() else { return };
        while let Ok(Some(_)) = hostcalls::dequeue_shared_queue(queue) {}
        worker.awake.set(false);
        self.flush(&worker);
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        let worker = self.worker.clone()?;
        Some(Box::new(Stream::new(id, worker)))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

fn status_of_call() -> Option<u16> {
    let status =
        hostcalls::get_map_value_bytes(MapType::HttpCallResponseHeaders, ":status").ok().flatten()?;
    std::str::from_utf8(&status).ok()?.parse().ok()
}

/// Lets a held stream go on. A stream that is gone is left alone: the effective context would stay another one's.
fn carry_out(stream: StreamId, step: &Step) {
    if hostcalls::set_effective_context(stream).is_err() {
        return;
    }
    match step {
        Step::Forward(admission) => {
            host::admit(admission);
            host::report("resume a request", hostcalls::resume_http_request());
        }
        Step::Release(headers) | Step::Refund(headers) => {
            if matches!(step, Step::Refund(_)) {
                host::note(TAKEN_BACK, None);
            }
            host::set_response_headers(headers);
            host::report("resume a response", hostcalls::resume_http_response());
        }
        Step::Reply(reply) => host::reply(reply),
        Step::Hold | Step::Pass => {}
    }
}

fn log(notice: &Notice) {
    match notice {
        Notice::CallFailed { .. } | Notice::PriceUnknown { .. } => debug!("{notice}"),
        Notice::Ready => info!("{notice}"),
        Notice::Lost { .. } | Notice::NotReady { .. } | Notice::NewLedger => warn!("{notice}"),
        Notice::Misconfigured { .. }
        | Notice::OtherVersion { .. }
        | Notice::Conflict { .. }
        | Notice::TakeBackGivenUp { .. } => error!("{notice}"),
    }
}
