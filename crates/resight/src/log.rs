//! The log on standard error.

use std::io::IsTerminal;

use resight_app::Code;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt, reload};

use crate::arguments::{LogFormat, SharedArgs};
use crate::error::CliError;
#[cfg(feature = "otel")]
use crate::traces::Traces;

/// A log that was begun.
pub(crate) struct Log {
    /// Exchanges the filter; `None` where a test has a log already.
    exchange: Option<Exchange>,
    /// Sends what is left when the process ends.
    #[cfg(feature = "otel")]
    _traces: Option<Traces>,
}

/// Exchanges a log's filter; tells whether it could.
type Exchange = Box<dyn Fn(EnvFilter) -> bool>;

impl Log {
    /// Begins it, and sends traces to the collector that is named. Once a process.
    ///
    /// # Errors
    /// A collector that cannot be sent to.
    pub(crate) fn start(shared: &SharedArgs) -> Result<Self, CliError> {
        #[cfg(feature = "otel")]
        let traces = shared.otlp_endpoint.as_deref().map(Traces::to).transpose();
        #[cfg(feature = "otel")]
        let traces = traces.map_err(refused)?;
        if cfg!(not(feature = "otel")) && shared.otlp_endpoint.is_some() {
            let why = "this program was built without OpenTelemetry (cargo build --features otel)";
            return Err(refused(why.into()));
        }
        let (filter, handle) = reload::Layer::new(filter(shared));
        let lines = fmt::layer().with_writer(std::io::stderr);
        let lines = match shared.log_format {
            LogFormat::Text => lines
                .with_ansi(std::io::stderr().is_terminal())
                .with_target(shared.verbose > 1)
                .boxed(),
            LogFormat::Json => lines.json().with_span_list(false).with_ansi(false).boxed(),
        };
        let log = tracing_subscriber::registry();
        #[cfg(feature = "otel")]
        let log = log.with(traces.as_ref().map(Traces::layer));
        let log = log.with(lines.with_filter(filter));
        let begun = log.try_init().is_ok();
        let exchange = begun.then(|| Box::new(move |to| handle.reload(to).is_ok()) as Exchange);
        Ok(Self {
            exchange,
            #[cfg(feature = "otel")]
            _traces: traces,
        })
    }

    /// Logs what `shared` says from now on.
    pub(crate) fn change(&self, shared: &SharedArgs) {
        if let Some(exchange) = &self.exchange
            && !exchange(filter(shared))
        {
            tracing::error!("what is logged could not be changed");
        }
    }
}

fn refused(why: String) -> CliError {
    CliError::Usage {
        code: Code::BadParameter,
        detail: format!("--otlp-endpoint: {why}"),
        next_step:
            "Name a collector's address as in http://127.0.0.1:4318, or leave the option out."
                .into(),
    }
}

fn filter(shared: &SharedArgs) -> EnvFilter {
    let level = match (shared.quiet, shared.verbose) {
        (true, _) => "error",
        // People wait for what their plug-ins print.
        (false, 0) => "warn,resight_plugin::output=info",
        (false, 1) => "info",
        (false, _) => "debug",
    };
    EnvFilter::new(shared.log.as_deref().unwrap_or(level))
}
