//! The log on standard error.

use std::io::IsTerminal;

use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt, reload};

use crate::arguments::{LogFormat, SharedArgs};

/// A log that was begun.
pub(crate) struct Log {
    /// Exchanges the filter; `None` where a test has a log already.
    exchange: Option<Exchange>,
}

/// Exchanges a log's filter; tells whether it could.
type Exchange = Box<dyn Fn(EnvFilter) -> bool>;

impl Log {
    /// Begins it. Once a process.
    pub(crate) fn start(shared: &SharedArgs) -> Self {
        let (filter, handle) = reload::Layer::new(filter(shared));
        let lines = fmt::layer().with_writer(std::io::stderr);
        let lines = match shared.log_format {
            LogFormat::Text => lines
                .with_ansi(std::io::stderr().is_terminal())
                .with_target(shared.verbose > 1)
                .boxed(),
            LogFormat::Json => lines.json().with_span_list(false).with_ansi(false).boxed(),
        };
        let log = tracing_subscriber::registry().with(filter).with(lines);
        let begun = log.try_init().is_ok();
        let exchange = begun.then(|| Box::new(move |to| handle.reload(to).is_ok()) as Exchange);
        Self { exchange }
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
