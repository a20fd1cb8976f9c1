//! A plug-in: an author's file, and the calls to it, whichever way it runs.

use std::sync::Arc;
use std::time::Duration;

use crate::config::PluginConfig;
#[cfg(feature = "embed")]
use crate::embedded::Embedded;
use crate::error::PluginError;
use crate::manifest::Manifest;
use crate::status::Status;
use crate::ticket::{CallOptions, Callback, Outcome, Ticket};
use crate::value::Call;
use crate::workers::Workers;

/// A running plug-in. Dropping it ends its workers and whatever they started.
pub struct Plugin(Way);

enum Way {
    Workers(Workers),
    #[cfg(feature = "embed")]
    Embedded(Embedded),
}

/// The same call of whichever there is.
macro_rules! either {
    ($plugin:expr, $way:ident => $call:expr) => {
        match &$plugin.0 {
            Way::Workers($way) => $call,
            #[cfg(feature = "embed")]
            Way::Embedded($way) => $call,
        }
    };
}

impl Plugin {
    /// Begins to start the workers and returns; [`Plugin::wait_ready`] waits for them. Calls made
    /// meanwhile wait in the queue.
    pub fn start(config: PluginConfig) -> Result<Self, PluginError> {
        let config = config.checked()?;
        #[cfg(feature = "embed")]
        if config.in_process {
            return Embedded::start(config).map(|way| Self(Way::Embedded(way)));
        }
        Workers::start(config).map(|way| Self(Way::Workers(way)))
    }

    /// The configuration, checked.
    pub fn config(&self) -> &PluginConfig {
        either!(self, way => way.config())
    }

    /// Waits for the first worker, up to `limit`; its manifest, or why there is none.
    pub fn wait_ready(&self, limit: Duration) -> Result<Arc<Manifest>, PluginError> {
        either!(self, way => way.wait_ready(limit))
    }

    /// What is served now; none before the first worker is ready.
    pub fn manifest(&self) -> Option<Arc<Manifest>> {
        either!(self, way => way.manifest())
    }

    /// Calls a function and waits for the answer. Where a worker is free, the call runs on this
    /// thread and borrowed bytes are not copied into a queue.
    pub fn call(&self, call: Call<'_>) -> Outcome {
        self.call_with(call, CallOptions::default())
    }

    /// As [`Plugin::call`], with options.
    pub fn call_with(&self, call: Call<'_>, options: CallOptions) -> Outcome {
        either!(self, way => way.call_with(call, options))
    }

    /// Calls a function from a task, within a tokio runtime that has I/O and time. Dropping the
    /// future takes the call back.
    pub async fn call_async(&self, call: Call<'static>, options: CallOptions) -> Outcome {
        either!(self, way => way.call_async(call, options).await)
    }

    /// Puts a call into the queue. A refusal, too, comes through the ticket.
    pub fn submit(&self, call: Call<'static>, options: CallOptions) -> Ticket {
        self.ticket(call, options, None)
    }

    /// As [`Plugin::submit`], and `done` gets the outcome: on a thread of the plug-in, or on this
    /// one when the call is refused. It must not block. Dropping the ticket cancels the call.
    pub fn submit_then(
        &self,
        call: Call<'static>,
        options: CallOptions,
        done: impl FnOnce(Outcome) + Send + 'static,
    ) -> Ticket {
        self.ticket(call, options, Some(Box::new(done)))
    }

    fn ticket(&self, call: Call<'static>, options: CallOptions, done: Option<Callback>) -> Ticket {
        either!(self, way => way.submit(call, options, done))
    }

    /// Loads the file anew: new workers are started and warmed, then they serve and the old ones
    /// finish what they do. When one of them does not come up, the old ones stay.
    pub fn reload(&self) -> Result<Arc<Manifest>, PluginError> {
        either!(self, way => way.reload())
    }

    /// How it does.
    pub fn status(&self) -> Status {
        either!(self, way => way.status())
    }
}
