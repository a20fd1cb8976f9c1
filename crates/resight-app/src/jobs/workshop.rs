//! What jobs work with.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use resight_store::StoreError;

use crate::AppError;
use crate::collections::Collections;
use crate::config::Config;
use crate::export::ExportRoom;

/// The data folder, and threads to work on.
pub(super) struct Workshop {
    pub(super) config: Config,
    pub(super) collections: Collections,
    pub(super) threads: FewThreads,
    /// What files of exports may take.
    pub(super) exports: ExportRoom,
}

/// Half of the threads that the settings allow, of lower priority than those of requests. They are there while
/// something uses them: each takes address space also while it does nothing.
pub(crate) struct FewThreads {
    count: usize,
    pool: Mutex<Weak<rayon::ThreadPool>>,
}

impl FewThreads {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            count: (config.thread_count() / 2).max(1),
            pool: Mutex::default(),
        }
    }

    /// The threads, until the returned value and its clones are dropped.
    pub(crate) fn get(&self) -> Result<Arc<rayon::ThreadPool>, AppError> {
        let mut present = self.pool.lock();
        if let Some(pool) = present.upgrade() {
            return Ok(pool);
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(self.count)
            .thread_name(|number| format!("resight-job-{number}"))
            .start_handler(|_| lower_priority())
            .build()
            .map_err(|error| StoreError::Failed {
                location: "the threads of jobs".into(),
                detail: error.to_string(),
            })?;
        let pool = Arc::new(pool);
        *present = Arc::downgrade(&pool);
        Ok(pool)
    }
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
