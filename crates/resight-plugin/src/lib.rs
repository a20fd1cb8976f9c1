//! Python behind the extractors' traits, and Python functions, in worker processes.

mod call;
mod check;
mod config;
#[cfg(feature = "embed")]
mod embedded;
mod error;
mod extractors;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod manifest;
mod metrics;
mod plugin;
mod queue;
mod reply;
mod status;
mod supervisor;
mod worker;
mod workers;

pub use call::{Attachment, Call, CallOptions, Content, Data, FileFacts};
pub use check::{CheckReport, Trial, check, template};
pub use config::PluginConfig;
pub use error::{PluginError, Side};
pub use extractors::MODEL_PREFIX;
pub use extractors::global::PythonGlobalExtractor;
pub use extractors::local::{Encoding, PythonLocalExtractor};
pub use manifest::{Batch, DeclaredKind, Function, FunctionRef, Manifest, Parameter, Role, Takes};
pub use plugin::Plugin;
pub use queue::reply_slot::PendingReply;
pub use reply::{ExtractedFeatures, HttpAnswer, JsonText, Outcome, Reply, Rows};
pub use status::{Health, LastError, Latency, Status};
pub use worker::death::Cause;
pub use worker::memory::Transport;
