//! A request's trace goes on into the sidecar: in the call's header, and as spans that a collector gets.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use serde_json::json;
use tokio::net::TcpListener;
use uraiden_core::wire::BATCH_PATH;
use uraiden_harness::{EnvoyConfig, Options, Stack};

use crate::fixture::{PRICE, calls_go_to, paying};

const MANUAL: &str = include_str!("../../../../docs/observing.md");

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const UNRECORDED: &str = "11111111111111111111111111111111";
const PARENT: &str = "00f067aa0ba902b7";

/// A collector of OpenTelemetry, which keeps every span with the service that it is from.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<(String, Span)>>>);

impl Collector {
    async fn start() -> Result<(Self, SocketAddr)> {
        let collector = Self::default();
        let app = Router::new().route("/v1/traces", post(collect)).with_state(collector.clone());
        Ok((collector, listen(app).await?))
    }

    /// All spans of a trace, in the order in which they came.
    fn of(&self, trace: &str) -> Vec<(String, Span)> {
        let all = self.0.lock().unwrap();
        all.iter().filter(|(_, span)| hex::encode(&span.trace_id) == trace).cloned().collect()
    }
}

async fn collect(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else { return StatusCode::BAD_REQUEST };
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != "application/x-protobuf") {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE;
    }
    let mut all = collector.0.lock().unwrap();
    for resource in request.resource_spans {
        let about = resource.resource.unwrap_or_default();
        let service = text(&about.attributes, "service.name").unwrap_or_default();
        let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        all.extend(spans.map(|span| (service.clone(), span)));
    }
    StatusCode::OK
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let value = attributes.iter().find(|attribute| attribute.key == key)?.value.clone()?;
    match value {
        AnyValue { value: Some(Value::StringValue(text)) } => Some(text),
        AnyValue { value: Some(Value::IntValue(number)) } => Some(number.to_string()),
        _ => None,
    }
}

async fn listen(app: Router) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, app).await });
    Ok(address)
}

/// The headers of a payment in a trace.
fn traced(headers: Vec<(String, String)>, trace: &str, flags: &str) -> Vec<(String, String)> {
    let parent = ("traceparent".to_owned(), format!("00-{trace}-{PARENT}-{flags}"));
    let state = ("tracestate".to_owned(), "vendor=7".to_owned());
    headers.into_iter().chain([parent, state]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_payment_has_its_spans_under_that_of_its_request() -> Result<()> {
    let (collector, address) = Collector::start().await?;
    let flags = vec![("--otlp-endpoint", format!("http://{address}"))];
    let options = Options { sidecar_flags: flags, concurrency: 1, ..Options::default() };
    let mut stack = Stack::start(options).await?;
    let payer = stack.payer().await?;
    let pay = async |path: &str, balance, trace, flags| {
        let answer = stack.raw_get(path, traced(paying(&payer, balance), trace, flags)).await?;
        anyhow::Ok(answer.status)
    };
    // The filter does not know the channel yet: this one is looked up, too.
    assert_eq!(pay("/premium/a", PRICE, TRACE, "01").await?, 200);
    assert_eq!(pay("/premium/a", 2 * PRICE, UNRECORDED, "00").await?, 200);
    // It delivers what is left before it ends.
    tokio::task::block_in_place(|| stack.sidecar.part().stop());

    let spans = collector.of(TRACE);
    let names: Vec<_> = spans.iter().map(|(_, span)| span.name.as_str()).collect();
    assert_eq!(names, ["uraiden lookup", "uraiden commit"]);
    for ((service, span), answer) in spans.iter().zip(["channel", "accepted"]) {
        assert_eq!(service, "uraiden");
        assert_eq!(hex::encode(&span.parent_span_id), PARENT);
        assert_eq!((span.kind(), span.trace_state.as_str()), (SpanKind::Server, "vendor=7"));
        assert!(span.start_time_unix_nano > 0 && span.start_time_unix_nano <= span.end_time_unix_nano);
        assert_eq!(text(&span.attributes, "uraiden.answer").as_deref(), Some(answer));
        assert_eq!(text(&span.attributes, "uraiden.batch.entries").as_deref(), Some("1"));
    }
    assert_eq!(collector.of(UNRECORDED), []);
    Ok(())
}

#[tokio::test]
async fn without_a_collector_payments_go_on_and_the_log_says_so_once() -> Result<()> {
    let flags = vec![("--otlp-endpoint", "http://127.0.0.1:9".to_owned())];
    let mut stack = Stack::start(Options { sidecar_flags: flags, ..Options::default() }).await?;
    let payer = stack.payer().await?;
    for balance in 1..=3 {
        let headers = traced(paying(&payer, balance * PRICE), TRACE, "01");
        assert_eq!(stack.raw_get("/premium/a", headers).await?.status, 200);
    }
    for _ in 0..200 {
        let log = stack.sidecar.part().log()?;
        if log.contains("spans are lost") {
            assert!(log.contains("endpoint=http://127.0.0.1:9"), "{log}");
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the log says nothing of spans that are lost")
}

static COLLECTOR: OnceLock<SocketAddr> = OnceLock::new();

/// Envoy's tracer as the manual shows it, and the cluster that it names.
fn with_tracer(config: &mut EnvoyConfig) {
    let block = MANUAL.split("```yaml\n").find(|block| block.starts_with("tracing:")).expect("the block");
    let yaml = block.split("```").next().expect("its end");
    let tracing: serde_json::Value = serde_norway::from_str(yaml).expect("YAML");
    config.manager()["tracing"] = tracing["tracing"].clone();
    let address = COLLECTOR.get().expect("it is there before Envoy");
    let socket = json!({ "address": address.ip().to_string(), "port_value": address.port() });
    let endpoint = json!({ "endpoint": { "address": { "socket_address": socket } } });
    let clusters = config.envoy["static_resources"]["clusters"].as_array_mut().expect("clusters");
    clusters.push(json!({
        "name": "otel-collector",
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": "otel-collector", "endpoints": [{ "lb_endpoints": [endpoint] }],
        },
    }));
}

#[tokio::test]
async fn envoys_own_spans_are_in_the_same_trace() -> Result<()> {
    let (collector, address) = Collector::start().await?;
    COLLECTOR.set(address).ok().context("set once")?;
    let flags = vec![("--otlp-endpoint", format!("http://{address}"))];
    let stack =
        Stack::start(Options { sidecar_flags: flags, change: with_tracer, ..Options::default() }).await?;
    let payer = stack.payer().await?;
    let headers = traced(paying(&payer, PRICE), TRACE, "01");
    assert_eq!(stack.raw_get("/premium/a", headers).await?.status, 200);
    assert_eq!(stack.raw_get("/premium/a", paying(&payer, 2 * PRICE)).await?.status, 200);
    // Both deliver every five seconds.
    for _ in 0..200 {
        let spans = collector.of(TRACE);
        let services: BTreeSet<&str> = spans.iter().map(|(service, _)| service.as_str()).collect();
        if services.len() == 2 {
            assert_eq!(services.into_iter().collect::<Vec<_>>(), ["front-proxy", "uraiden"]);
            let all = collector.0.lock().unwrap();
            let ours = all.iter().filter(|(service, _)| service == "uraiden");
            assert_eq!(ours.count(), 2, "a trace that begins at Envoy is not seen by filters");
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("only {:?} came", collector.of(TRACE))
}

static BETWEEN: OnceLock<SocketAddr> = OnceLock::new();

/// Stands before the sidecar and notes the trace of each call.
#[derive(Clone, Default)]
struct Between {
    sidecar: Arc<OnceLock<SocketAddr>>,
    seen: Arc<Mutex<Vec<[Option<String>; 2]>>>,
}

async fn carry(State(between): State<Between>, headers: HeaderMap, body: Bytes) -> Response {
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    between.seen.lock().unwrap().push(["traceparent", "tracestate"].map(value));
    match between.ask(&headers, body).await {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response(),
    }
}

impl Between {
    async fn ask(&self, headers: &HeaderMap, body: Bytes) -> Result<Response> {
        let sidecar = self.sidecar.get().context("the sidecar is not known yet")?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        let mut request = client.post(format!("http://{sidecar}{BATCH_PATH}")).body(body);
        for name in ["authorization", "content-type"] {
            request = request.header(name, headers.get(name).context(name)?);
        }
        let answer = request.send().await?;
        Ok((StatusCode::from_u16(answer.status().as_u16())?, answer.text().await?).into_response())
    }
}

fn between(config: &mut EnvoyConfig) {
    calls_go_to(config, BETWEEN.get().expect("it is there before Envoy").port());
}

#[tokio::test]
async fn a_call_has_the_trace_of_its_first_recorded_request_in_its_headers() -> Result<()> {
    let proxy = Between::default();
    let address = listen(Router::new().fallback(carry).with_state(proxy.clone())).await?;
    BETWEEN.set(address).ok().context("set once")?;
    let options = Options { change: between, open: false, concurrency: 1, ..Options::default() };
    let stack = Stack::start(options).await?;
    proxy.sidecar.set(stack.sidecar.internal()).ok().context("set once")?;
    let payer = stack.payer().await?;
    let headers = traced(paying(&payer, PRICE), TRACE, "01");
    for _ in 0..100 {
        if stack.raw_get("/premium/a", headers.clone()).await?.status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let parent = Some(format!("00-{TRACE}-{PARENT}-01"));
    let seen = proxy.seen.lock().unwrap();
    assert!(seen.contains(&[parent, Some("vendor=7".to_owned())]), "{seen:?}");
    assert!(seen.contains(&[None, None]), "a call for health only is in no trace");
    Ok(())
}
