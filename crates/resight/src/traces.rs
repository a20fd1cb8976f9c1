//! Traces of requests, sent to a collector of OpenTelemetry by OTLP over HTTP.
//!
//! Invariant: no request waits for the collector. Spans are sent from a thread of their own; what a collector that does not
//! answer leaves behind is dropped once 2,048 wait.

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Metadata;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

/// Where a collector takes traces, below its own address.
const TRACES: &str = "/v1/traces";
/// The standard's variables that may name the service.
const NAMED: [&str; 2] = ["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"];

/// What sends spans; what is left is sent when it is dropped.
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// For a collector at `endpoint`, as in `http://127.0.0.1:4318`.
    ///
    /// # Errors
    /// What is wrong with the address, as a sentence without its end.
    pub(crate) fn to(endpoint: &str) -> Result<Self, String> {
        // Another part of the process may have chosen it already, which is as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::blocking::Client::builder()
            .build()
            .map_err(|error| error.to_string())?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(format!("{}{TRACES}", endpoint.trim_end_matches('/')))
            .build()
            .map_err(|error| error.to_string())?;
        let mut resource = Resource::builder();
        if NAMED.iter().all(|name| std::env::var_os(name).is_none()) {
            resource = resource.with_service_name("resight");
        }
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            .with_batch_exporter(exporter)
            .build();
        opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
        Ok(Self(provider))
    }

    /// Makes spans of OpenTelemetry of those of the log.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    {
        // Lines of the log stay in the log: they have paths and names of files.
        let is_request = |of: &Metadata<'_>| of.is_span() && of.name() == "request";
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("resight"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_filter(filter_fn(is_request))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!("the last traces were not sent: {error}");
        }
    }
}
