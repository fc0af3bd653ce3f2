//! Spans for OpenTelemetry, sent over OTLP/HTTP: one for each question of a request whose trace is recorded, in that
//! trace.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    Span, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
    TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanData};
use uraiden_core::trace::TraceContext;
use uraiden_core::wire::{Answer, Entry, EntryTrace};

use crate::settings::OtlpEndpoint;

/// How long the collector may take for one delivery.
const DELIVERY: Duration = Duration::from_secs(5);

/// Makes spans and sends them from a thread of its own. What a collector does not take is lost, and no payment waits
/// for it.
#[derive(Clone, Debug)]
pub struct Spans {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// Spans cannot be sent.
#[derive(Debug, thiserror::Error)]
#[error("the export of spans to {endpoint} cannot be set up: {reason}")]
pub struct SpansError {
    endpoint: OtlpEndpoint,
    reason: String,
}

/// Questions whose spans began.
#[derive(Debug)]
pub struct Asked {
    since: SystemTime,
    entries: usize,
    traced: Vec<(usize, &'static str, TraceContext)>,
}

impl Spans {
    /// Sends to this collector from now on.
    ///
    /// # Errors
    ///
    /// [`SpansError`] where no HTTP client can be made. A collector that is away is no error.
    pub fn to(endpoint: &OtlpEndpoint) -> Result<Self, SpansError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint.traces())
            .with_timeout(DELIVERY)
            .build()
            .map_err(|error| SpansError { endpoint: endpoint.clone(), reason: error.to_string() })?;
        let exporter = Delivery { exporter, endpoint: endpoint.clone(), fails: AtomicBool::new(false) };
        let resource = Resource::builder()
            .with_service_name("uraiden")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        let tracer = provider.tracer("uraiden");
        Ok(Self { provider, tracer })
    }

    /// Begins the spans of the questions of a batch that belong to a trace.
    pub fn begin(&self, entries: &[Entry], traces: Vec<EntryTrace>) -> Asked {
        let named = |EntryTrace { entry, context }: EntryTrace| {
            let name = match entries.get(entry)? {
                Entry::Lookup(_) => "uraiden lookup",
                Entry::Commit(_) => "uraiden commit",
                Entry::TakeBack(_) => "uraiden take back",
            };
            Some((entry, name, context))
        };
        let traced = traces.into_iter().filter_map(named).collect();
        Asked { since: SystemTime::now(), entries: entries.len(), traced }
    }

    /// Ends them. Without answers the ledger could not be read or written.
    pub fn end(&self, asked: Asked, answers: Option<&[Answer]>) {
        let now = SystemTime::now();
        for (entry, name, context) in asked.traced {
            let answer = answers.and_then(|answers| answers.get(entry));
            let attributes = [
                KeyValue::new("uraiden.batch.entries", i64::try_from(asked.entries).unwrap_or(i64::MAX)),
                KeyValue::new("uraiden.answer", answer.map_or("none", word)),
            ];
            let builder = self.tracer.span_builder(name).with_kind(SpanKind::Server);
            let builder = builder.with_start_time(asked.since).with_attributes(attributes);
            let mut span = builder.start_with_context(&self.tracer, &parent(&context));
            if answer.is_none() {
                span.set_status(Status::error("the ledger did not answer"));
            }
            span.end_with_timestamp(now);
        }
    }

    /// Sends what is left, for at most as long as one delivery may take. Blocks, so not for the async runtime.
    pub fn finish(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(DELIVERY) {
            tracing::warn!(%error, "the last spans were not delivered");
        }
    }
}

/// Says once in the log when deliveries begin to fail, and when they succeed again.
#[derive(Debug)]
struct Delivery {
    exporter: SpanExporter,
    endpoint: OtlpEndpoint,
    fails: AtomicBool,
}

impl opentelemetry_sdk::trace::SpanExporter for Delivery {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let delivered = self.exporter.export(batch).await;
        let failed_before = self.fails.swap(delivered.is_err(), Ordering::Relaxed);
        let endpoint = &self.endpoint;
        match &delivered {
            Err(error) if !failed_before => {
                tracing::warn!(%endpoint, %error, "spans are lost: not delivered")
            }
            Ok(()) if failed_before => tracing::info!(%endpoint, "spans are delivered again"),
            Err(_) | Ok(()) => {}
        }
        delivered
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// What the answer is called on the wire.
fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Channel { .. } => "channel",
        Answer::Accepted { .. } => "accepted",
        Answer::Refused { .. } => "refused",
        Answer::TakenBack { .. } => "takenBack",
        Answer::Credited { .. } => "credited",
        Answer::Final { .. } => "final",
        Answer::Conflict => "conflict",
    }
}

/// The span above, which another program made.
fn parent(TraceContext { traceparent, tracestate }: &TraceContext) -> Context {
    // A state that cannot be read is left out, as the recommendation has it.
    let state = tracestate.as_deref().and_then(|state| state.parse::<TraceState>().ok()).unwrap_or_default();
    Context::new().with_remote_span_context(SpanContext::new(
        TraceId::from(traceparent.trace()),
        SpanId::from(traceparent.span()),
        TraceFlags::SAMPLED,
        true,
        state,
    ))
}
