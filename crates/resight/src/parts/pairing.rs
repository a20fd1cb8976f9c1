//! Looking for duplicates beside other work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use resight_engine::{Engine, EngineError};

use super::Writing;

/// How often it is looked at all, whoever told of pictures or not.
const AT_LEAST: Duration = Duration::from_secs(60);

/// The longest rest between two steps.
const LONGEST_REST: Duration = Duration::from_secs(5);

impl Writing {
    /// Looks for pairs of all pictures that are held or come, until what is returned is dropped. One
    /// thread does it and rests as long as it works, so that searches have the machine.
    pub fn keep_looking_for_pairs(&self) -> Option<Pairing> {
        let engine = self.engine.clone();
        let cancel = Arc::new(AtomicBool::new(false));
        let theirs = cancel.clone();
        let thread = std::thread::Builder::new().name("resight-pairs".into());
        let thread = thread.spawn(move || look(&engine, &theirs));
        match thread {
            Ok(thread) => Some(Pairing {
                engine: self.engine.clone(),
                cancel,
                thread: Some(thread),
            }),
            Err(error) => {
                tracing::warn!("duplicates are not looked for: {error}");
                None
            }
        }
    }
}

fn look(engine: &Engine, cancel: &AtomicBool) {
    // What is done in parallel elsewhere is done by this one thread here.
    let alone = match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(alone) => alone,
        Err(error) => {
            tracing::warn!("duplicates are not looked for: {error}");
            return;
        }
    };
    let mut told = 0;
    while !cancel.load(Ordering::Relaxed) {
        let mut begun = Instant::now();
        let looked = alone.install(|| {
            engine.update_pairs(cancel, &mut |step| {
                tracing::debug!("{} pictures are yet to be looked for", step.left);
                let until = Instant::now() + begun.elapsed().min(LONGEST_REST);
                while Instant::now() < until && !cancel.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(10));
                }
                begun = Instant::now();
            })
        });
        match looked {
            Ok(()) | Err(EngineError::Cancelled) => {}
            // Tried again with the next picture, or after a while.
            Err(error) => tracing::warn!("looking for duplicates stopped: {error}"),
        }
        if !cancel.load(Ordering::Relaxed) {
            told = engine.wait_for_pictures(told, AT_LEAST);
        }
    }
}

/// Looking in the background; dropping it stops it, and what is done is kept.
pub struct Pairing {
    engine: Arc<Engine>,
    cancel: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Pairing {
    fn drop(&mut self) {
        self.cancel.store(true, Ordering::Relaxed);
        self.engine.wake();
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}
