//! What jobs work with.

use std::sync::Arc;

use resight_store::StoreError;

use crate::AppError;
use crate::collections::Collections;
use crate::config::Config;

/// The data folder, and threads to work on.
pub(super) struct Workshop {
    pub(super) config: Config,
    pub(super) collections: Collections,
    /// Few threads of low priority.
    pub(super) threads: Arc<rayon::ThreadPool>,
}

/// Half of the threads that the settings allow, of lower priority than those of requests.
pub(crate) fn few_threads(config: &Config) -> Result<rayon::ThreadPool, AppError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads((config.thread_count() / 2).max(1))
        .thread_name(|number| format!("resight-job-{number}"))
        .start_handler(|_| lower_priority())
        .build()
        .map_err(|error| {
            StoreError::Failed {
                location: "the threads of jobs".into(),
                detail: error.to_string(),
            }
            .into()
        })
}

/// On Linux a thread has a priority of its own, and 0 means the caller.
#[cfg(target_os = "linux")]
fn lower_priority() {
    if let Err(error) = rustix::process::setpriority_process(None, 10) {
        tracing::debug!("a thread of jobs keeps its priority: {error}");
    }
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}
