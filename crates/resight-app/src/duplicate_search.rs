//! Looks for duplicates in the background.
//!
//! One thread does it for all collections, a step of each in turn, and rests as long as it works, so
//! that searches have the machine. It comes to a closed collection when that is open again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use resight_engine::{Duplicates, EngineError, Library};

use crate::background::{Background, rest};
use crate::collections::{Collections, Inner};

/// A new round begins at least this often, with or without new pictures.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The longest rest between two steps.
const LONGEST_REST: Duration = Duration::from_secs(5);

impl Collections {
    /// Pairs all pictures that are stored or come, in the default collection and in those that are open,
    /// until the returned value is dropped.
    pub fn find_duplicates_in_background(&self) -> Option<DuplicateSearch> {
        let inner = self.0.clone()?;
        let default = inner.default.clone();
        let thread = Background::begin(
            "resight-pairs",
            "duplicates are not looked for",
            move |cancel| run(&inner, cancel),
        )?;
        Some(DuplicateSearch { default, thread })
    }
}

fn run(collections: &Inner, cancel: &AtomicBool) {
    // Elsewhere this work runs on all threads; here it has to leave them to searches.
    let one_thread = match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(pool) => pool,
        Err(error) => {
            tracing::warn!("duplicates are not looked for: {error}");
            return;
        }
    };
    let is_cancelled = || cancel.load(Ordering::Relaxed);
    let mut seen_pictures = 0;
    while !is_cancelled() {
        let mut has_more = false;
        for name in collections.open_names() {
            let begun = Instant::now();
            let Some((lease, closing)) = collections.lease_beside(&name) else {
                continue;
            };
            let stop = || is_cancelled() || closing.load(Ordering::Relaxed);
            let pair = || Duplicates::new(lease.shared()).update_some(&stop);
            let step = {
                let _alone = collections.pairing.lock();
                one_thread.install(pair)
            };
            // A removal of the collection waits for it.
            drop(lease);
            match step {
                Ok(step) if step.done == 0 => continue,
                Ok(step) => {
                    tracing::debug!("{} pictures of {name} not checked yet", step.left);
                    has_more = true;
                }
                Err(EngineError::Cancelled) => {}
                // Tried again with the next picture, or after a while.
                Err(error) => tracing::warn!("looking for duplicates in {name} stopped: {error}"),
            }
            rest(begun.elapsed().min(LONGEST_REST), cancel);
        }
        if !has_more && !is_cancelled() {
            seen_pictures = collections
                .default
                .wait_for_pictures(seen_pictures, LONGEST_WAIT);
        }
    }
}

/// A search for duplicates in the background. Dropping it ends the search; pairs found so far are stored.
pub struct DuplicateSearch {
    default: Arc<Library>,
    thread: Background,
}

impl Drop for DuplicateSearch {
    fn drop(&mut self) {
        // The thread may be waiting for pictures; `Background` waits for its end after this.
        self.thread.cancel();
        self.default.wake();
    }
}
