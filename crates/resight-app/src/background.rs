//! Work beside requests, each in a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

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
        let thread = thread::Builder::new().name(name.into());
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
        // It may rest.
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
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

/// Rests in the thread of a [`Background`] for so long, or until that is cancelled.
pub(crate) fn rest(duration: Duration, cancel: &AtomicBool) {
    let begun = Instant::now();
    while !cancel.load(Ordering::Relaxed) {
        let left = duration.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return;
        }
        // May end early for no reason.
        thread::park_timeout(left);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn cancelling_ends_a_rest() {
        let (tell, told) = mpsc::channel();
        let resting = Background::begin("rest", "", move |cancel| {
            tell.send(()).unwrap();
            rest(Duration::from_secs(3600), cancel);
            tell.send(()).unwrap();
        });
        told.recv().unwrap();
        // Time to lie down; where it was not enough, the rest has to end all the same.
        thread::sleep(Duration::from_millis(20));
        resting.as_ref().unwrap().cancel();
        // Fails after a minute, which no test needs, and must not wait for the thread then.
        if told.recv_timeout(Duration::from_secs(60)).is_err() {
            std::mem::forget(resting);
            panic!("it still rests");
        }
    }
}
