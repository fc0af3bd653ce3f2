//! Times signature checks in Envoy, where they run: a filter that answers each request with a figure.
//!
//! The plugin's configuration is a list of signatures, `[{"address": "0x…", "digest": "…", "signature": "0x…"}]`, each
//! by another signer. A request's path names what to time; the answer is the mean time of one check in microseconds.
//! `/bytes` answers how much memory a signer of [`FEW`] takes instead.

#![expect(missing_docs, reason = "the SDK's macro exports a function that cannot be documented")]

use std::cell::RefCell;
use std::rc::Rc;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, BufferType, ContextType, MapType};
use serde_json::Value;
use uraiden_core::digest::Digest;
use uraiden_core::{Address, Signature, Signers};

/// So many signers sign in turn where signers are few.
const FEW: usize = 64;

/// What the filter uses by default.
const MEMORY: usize = 16 << 20;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root { meter: None }));
}}

struct Case {
    address: Address,
    digest: Digest,
    signature: Signature,
}

struct Meter {
    cases: Vec<Case>,
    few: Signers,
    many: Signers,
}

impl Meter {
    fn new(configuration: &[u8]) -> Option<Self> {
        let list: Value = serde_json::from_slice(configuration).ok()?;
        let cases: Vec<_> = list.as_array()?.iter().map(case).collect::<Option<_>>()?;
        Some(Self { cases, few: Signers::new(MEMORY), many: Signers::new(MEMORY) })
    }

    /// What to time, by the request's path; `None` for a path without a meaning, or a check that goes wrong.
    fn measure(&mut self, path: &[u8]) -> Option<f64> {
        let Self { cases, few, many } = self;
        let first = &cases[..FEW.min(cases.len())];
        match path {
            b"/first" => time(first, |case| case.signature.signer(&case.digest) == Some(case.address)),
            b"/few" => time(first, |case| few.signed(case.address, &case.signature, &case.digest)),
            b"/many" => time(cases, |case| many.signed(case.address, &case.signature, &case.digest)),
            b"/bytes" => Some(few.table_bytes() as f64 / first.len() as f64),
            _ => None,
        }
    }
}

fn case(value: &Value) -> Option<Case> {
    let text = |name: &str| value[name].as_str();
    Some(Case {
        address: text("address")?.parse().ok()?,
        digest: hex::decode(text("digest")?).ok()?.try_into().ok()?,
        signature: text("signature")?.parse().ok()?,
    })
}

/// Microseconds per case; `None` if one is not judged to be good.
fn time(cases: &[Case], mut check: impl FnMut(&Case) -> bool) -> Option<f64> {
    let start = hostcalls::get_current_time().ok()?;
    let all_good = cases.iter().all(&mut check);
    let spent = hostcalls::get_current_time().ok()?.duration_since(start).ok()?;
    all_good.then(|| spent.as_secs_f64() * 1e6 / cases.len() as f64)
}

struct Root {
    meter: Option<Rc<RefCell<Meter>>>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        let configuration = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, size).ok().flatten();
        self.meter = Meter::new(&configuration.unwrap_or_default()).map(|meter| Rc::new(RefCell::new(meter)));
        self.meter.is_some()
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream { meter: self.meter.clone()? }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Stream {
    meter: Rc<RefCell<Meter>>,
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        let path = hostcalls::get_map_value_bytes(MapType::HttpRequestHeaders, ":path").ok().flatten();
        let figure = self.meter.borrow_mut().measure(&path.unwrap_or_default());
        let (status, body) = figure.map_or((400, String::new()), |figure| (200, figure.to_string()));
        // There is nobody to tell of a failure: who asked gets no answer, and says so.
        let _ = hostcalls::send_http_response(status, vec![], Some(body.as_bytes()));
        Action::Pause
    }
}
