//! A plug-in: an author's file, and calls of its functions.

use std::sync::Arc;
use std::time::Duration;

use crate::call::{Call, CallOptions};
use crate::config::PluginConfig;
#[cfg(feature = "embed")]
use crate::embedded::EmbeddedPlugin;
use crate::error::PluginError;
use crate::manifest::{FunctionRef, Manifest};
use crate::queue::reply_slot::PendingReply;
use crate::reply::Outcome;
use crate::status::Status;
use crate::workers::WorkerPlugin;

/// A running plug-in. Dropping it ends its workers and whatever they started.
pub struct Plugin(Runtime);

enum Runtime {
    Workers(WorkerPlugin),
    #[cfg(feature = "embed")]
    Embedded(EmbeddedPlugin),
}

/// Calls the same method of whichever runtime there is.
macro_rules! either {
    ($plugin:expr, $runtime:ident => $call:expr) => {
        match &$plugin.0 {
            Runtime::Workers($runtime) => $call,
            #[cfg(feature = "embed")]
            Runtime::Embedded($runtime) => $call,
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
            return EmbeddedPlugin::start(config).map(|it| Self(Runtime::Embedded(it)));
        }
        WorkerPlugin::start(config).map(|it| Self(Runtime::Workers(it)))
    }

    /// The configuration, checked.
    pub fn config(&self) -> &PluginConfig {
        either!(self, it => it.config())
    }

    /// Waits at most `limit` for the first worker. Returns its manifest, or why there is none.
    pub fn wait_ready(&self, limit: Duration) -> Result<Arc<Manifest>, PluginError> {
        either!(self, it => it.wait_ready(limit))
    }

    /// The version of the file that serves now; none before the first worker is ready.
    pub fn manifest(&self) -> Option<Arc<Manifest>> {
        either!(self, it => it.manifest())
    }

    /// Looks a function up for [`Call::of`]. Before the first worker is ready, the error says why
    /// there is none.
    pub fn function(&self, name: &str) -> Result<FunctionRef, PluginError> {
        if let Some(manifest) = self.manifest() {
            return manifest.require(name);
        }
        let status = self.status();
        let last_error = status.last_error;
        Err(PluginError::StartFailed {
            reason: status.reason.unwrap_or_else(|| "it is starting".into()),
            traceback: last_error.and_then(|e| e.traceback).unwrap_or_default(),
        })
    }

    /// Calls a function and waits for the reply. When a worker is free, the call runs on this thread
    /// and its borrowed bytes are not copied into a queue.
    pub fn call(&self, call: Call<'_>) -> Outcome {
        self.call_with(call, CallOptions::default())
    }

    /// As [`Plugin::call`], with options.
    pub fn call_with(&self, call: Call<'_>, options: CallOptions) -> Outcome {
        either!(self, it => it.call_with(call, options))
    }

    /// Calls a function from a task, within a tokio runtime that has I/O and time. Dropping the
    /// future cancels the call.
    pub async fn call_async(&self, call: Call<'static>, options: CallOptions) -> Outcome {
        either!(self, it => it.call_async(call, options).await)
    }

    /// Puts a call into the queue. The pending reply also gets a refusal.
    pub fn submit(&self, call: Call<'static>, options: CallOptions) -> PendingReply {
        either!(self, it => it.submit(call, options))
    }

    /// Loads the file again: starts and warms up new workers, which then serve while the old ones
    /// finish their calls. When one of the new ones fails, the old ones stay.
    pub fn reload(&self) -> Result<Arc<Manifest>, PluginError> {
        either!(self, it => it.reload())
    }

    /// The state of the plug-in now.
    pub fn status(&self) -> Status {
        either!(self, it => it.status())
    }
}
