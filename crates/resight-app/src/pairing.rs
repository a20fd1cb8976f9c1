//! Looking for duplicates beside other work.
//!
//! One thread does it for all collections, a step of each in turn, and rests as long as it works, so
//! that searches have the machine. A collection that is closed is looked at when it is opened again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use resight_engine::{Duplicates, EngineError, Library};

use crate::background::Background;
use crate::collections::{Collections, Inner};

/// How often it is looked at all, whoever told of pictures or not.
const AT_LEAST: Duration = Duration::from_secs(60);

/// The longest rest between two steps.
const LONGEST_REST: Duration = Duration::from_secs(5);

impl Collections {
    /// Looks for pairs of all pictures that are held or come, in the default collection and in those
    /// that are open, until what is returned is dropped.
    pub fn keep_looking_for_pairs(&self) -> Option<Pairing> {
        let inner = self.0.clone()?;
        let engine = inner.default.clone();
        let looking = Background::begin(
            "resight-pairs",
            "duplicates are not looked for",
            move |cancel| look(&inner, cancel),
        )?;
        Some(Pairing { engine, looking })
    }
}

fn look(collections: &Inner, cancel: &AtomicBool) {
    // What is done in parallel elsewhere is done by this one thread here.
    let alone = match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(alone) => alone,
        Err(error) => {
            tracing::warn!("duplicates are not looked for: {error}");
            return;
        }
    };
    let is_cancelled = || cancel.load(Ordering::Relaxed);
    let mut told = 0;
    while !is_cancelled() {
        let mut more = false;
        for name in collections.open_names() {
            let begun = Instant::now();
            let Some((lease, closing)) = collections.lease_beside(&name) else {
                continue;
            };
            let stop = || is_cancelled() || closing.load(Ordering::Relaxed);
            let looked = alone.install(|| Duplicates::new(lease.shared()).update_some(&stop));
            // Whoever removes the collection waits for it.
            drop(lease);
            match looked {
                Ok(step) if step.done == 0 => continue,
                Ok(step) => {
                    tracing::debug!("{} pictures of {name} are yet to be looked for", step.left);
                    more = true;
                }
                Err(EngineError::Cancelled) => {}
                // Tried again with the next picture, or after a while.
                Err(error) => tracing::warn!("looking for duplicates in {name} stopped: {error}"),
            }
            rest(begun.elapsed().min(LONGEST_REST), &is_cancelled);
        }
        if !more && !is_cancelled() {
            told = collections.default.wait_for_pictures(told, AT_LEAST);
        }
    }
}

fn rest(duration: Duration, is_cancelled: &dyn Fn() -> bool) {
    let until = Instant::now() + duration;
    while Instant::now() < until && !is_cancelled() {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Looking in the background; dropping it stops it, and what is done is kept.
pub struct Pairing {
    engine: Arc<Library>,
    looking: Background,
}

impl Drop for Pairing {
    fn drop(&mut self) {
        // It may be waiting for pictures; its end is awaited after this.
        self.looking.cancel();
        self.engine.wake();
    }
}
