//! Python behind the extractors' traits, and Python functions, in worker processes.

mod breaker;
mod channel;
mod check;
mod config;
mod death;
#[cfg(feature = "embed")]
mod embedded;
mod error;
mod flight;
mod global;
mod local;
mod manifest;
mod mapping;
mod monitor;
mod output;
mod plugin;
mod pool;
mod processes;
mod quarantine;
mod reply;
mod role;
mod runner;
mod sample;
mod slot;
mod spawn;
mod state;
mod status;
mod supervisor;
mod suspects;
mod tally;
mod ticket;
mod turn;
mod value;
mod wire;
mod worker;
mod workers;

pub use check::{CheckReport, Trial, check, template};
pub use config::PluginConfig;
pub use error::{PluginError, Side};
pub use global::PythonGlobalExtractor;
pub use local::{Encoding, PythonLocalExtractor};
pub use manifest::{Batch, DeclaredKind, Function, Manifest, Parameter, Role};
pub use monitor::Cause;
pub use plugin::Plugin;
pub use role::MODEL_PREFIX;
pub use slot::Transport;
pub use status::{Health, LastError, Latency, Status};
pub use ticket::{CallOptions, Outcome, Ticket};
pub use value::{Attachment, Call, Content, Data, Local, Reply, Rows};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// No lock here is held over code that leaves its data half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
