//! Work beside requests, each in a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Work in the background; dropping it stops that and waits for its end, and what is done is kept.
pub struct Background {
    cancel: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Begins `work`, which ends soon after the flag that it is given is set. `None` where there is no
    /// thread to be had, with a warning that `what_then` begins.
    pub(crate) fn begin(
        name: &str,
        what_then: &str,
        work: impl FnOnce(&AtomicBool) + Send + 'static,
    ) -> Option<Self> {
        let cancel = Arc::new(AtomicBool::new(false));
        let theirs = cancel.clone();
        let thread = std::thread::Builder::new().name(name.into());
        match thread.spawn(move || work(&theirs)) {
            Ok(thread) => Some(Self {
                cancel,
                thread: Some(thread),
            }),
            Err(error) => {
                tracing::warn!("{what_then}: {error}");
                None
            }
        }
    }

    /// Lets it end, without waiting for that.
    pub(crate) fn cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.cancel();
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}
