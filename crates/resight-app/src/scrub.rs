//! Reads what is stored in the background, at a low rate, and finds damage before a search does.
//!
//! One thread does it for all open collections, a picture of each in turn.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use resight_engine::{EngineError, Library};
use resight_store::CollectionName;

use crate::background::{Background, rest};
use crate::collections::{Collections, Inner};

pub use crate::scrub_state::ScrubState;

/// Bytes a second that are read unless told otherwise.
pub const DEFAULT_RATE: u64 = 1 << 20;

/// Damaged pictures that are remembered at most; all are in the log.
const MOST: usize = 1000;

/// How far it has come is stored this often.
const REMEMBERED_EACH: Duration = Duration::from_secs(300);

/// Between two rounds over everything, and where there is nothing to read.
const REST: Duration = Duration::from_secs(60);

/// Checked pictures whose missing checksums are added together.
const SEALED_TOGETHER: usize = 64;

/// How far one collection was read.
struct Progress {
    after: Option<u64>,
    /// Whether this round began at the first picture.
    is_whole_round: bool,
    whole: Vec<u64>,
    remembered: Instant,
}

impl Collections {
    /// Reads everything that is stored, again and again, at most so many bytes a second, in the default
    /// collection and in those that are open, until the returned value is dropped. Nothing at a rate of 0.
    pub fn scrub_in_background(&self, bytes_a_second: u64) -> Option<Background> {
        let inner = self.0.clone()?;
        if bytes_a_second == 0 {
            return None;
        }
        Background::begin(
            "resight-scrub",
            "damage is not looked for in the background",
            move |cancel| run(&inner, bytes_a_second, cancel),
        )
    }

    /// What the reading in the background has found.
    pub fn scrubbed(&self) -> ScrubState {
        let inner = self.0.as_deref();
        inner.map_or_else(ScrubState::default, |inner| inner.scrubbed.lock().clone())
    }
}

fn run(collections: &Inner, rate: u64, cancel: &AtomicBool) {
    let is_cancelled = || cancel.load(Ordering::Relaxed);
    let mut all: HashMap<CollectionName, Progress> = HashMap::new();
    while !is_cancelled() {
        let mut has_read = false;
        // Another collection may get the name of one that was removed.
        // One that cannot be looked for stays until it can.
        all.retain(|name, _| collections.places.has(name).unwrap_or(true));
        for name in collections.open_names() {
            if is_cancelled() {
                break;
            }
            let Some((lease, _)) = collections.lease_beside(&name) else {
                continue;
            };
            let library = lease.shared();
            let progress = all
                .entry(name.clone())
                .or_insert_with(|| Progress::begin(&library));
            let step = one_more(&library, &name, progress, &collections.scrubbed);
            // A removal of the collection waits for it.
            drop((library, lease));
            match step {
                Ok(Some(bytes)) => {
                    has_read = true;
                    rest(Duration::from_secs_f64(bytes as f64 / rate as f64), cancel);
                }
                Ok(None) => {}
                Err(error) => tracing::warn!("{name} is not read in the background: {error}"),
            }
        }
        if !has_read {
            rest(REST, cancel);
        }
    }
    for (name, progress) in &mut all {
        if let Some((lease, _)) = collections.lease_beside(name) {
            progress.remember(&lease.shared());
        }
    }
}

impl Progress {
    fn begin(library: &Library) -> Self {
        let after = library.scrubbed_up_to().unwrap_or_default();
        Self {
            after: after.filter(|after| *after > 0),
            is_whole_round: after.is_none_or(|after| after == 0),
            whole: Vec::new(),
            remembered: Instant::now(),
        }
    }

    /// Stores how far pictures were read.
    fn remember(&mut self, library: &Library) {
        self.add_checksums(library);
        self.remembered = Instant::now();
        // A full disk, perhaps: the next process begins further back.
        if let Err(error) = library.remember_scrubbed(self.after.unwrap_or(0)) {
            tracing::debug!("how far pictures were read is not stored: {error}");
        }
    }

    fn add_checksums(&mut self, library: &Library) {
        let whole = std::mem::take(&mut self.whole);
        if let Err(error) = library.add_checksums(&whole) {
            tracing::debug!("missing checksums are not added for now: {error}");
        }
    }
}

/// Checks the next picture. Returns the bytes that were read; `None` at the end of a whole round, after which it
/// begins again.
fn one_more(
    library: &Arc<Library>,
    name: &CollectionName,
    progress: &mut Progress,
    state: &Mutex<ScrubState>,
) -> Result<Option<u64>, EngineError> {
    let before = progress.after.unwrap_or(0);
    let scrubbed = library.scrub_after(progress.after)?;
    let reached = scrubbed.as_ref().map_or(u64::MAX, |scrubbed| scrubbed.key);
    let mut state = state.lock();
    // Pictures in between are gone.
    state
        .damaged
        .retain(|(of, key), _| of != name || *key <= before || *key >= reached);
    let Some(scrubbed) = scrubbed else {
        let is_whole = std::mem::replace(&mut progress.is_whole_round, true);
        state.rounds += u64::from(is_whole);
        drop(state);
        progress.after = None;
        progress.remember(library);
        return Ok((!is_whole).then_some(0));
    };
    progress.after = Some(scrubbed.key);
    state.pictures += 1;
    let entry = (name.clone(), scrubbed.key);
    if scrubbed.findings.is_empty() {
        state.damaged.remove(&entry);
        progress
            .whole
            .extend(scrubbed.is_complete.then_some(scrubbed.key));
    } else if state.damaged.get(&entry) != Some(&scrubbed.findings) {
        for finding in &scrubbed.findings {
            let (kind, thing) = (finding.kind.as_str(), &finding.thing);
            tracing::error!("{kind} in {name}: {thing}: {}", finding.detail);
        }
        if state.damaged.len() < MOST || state.damaged.contains_key(&entry) {
            state.damaged.insert(entry, scrubbed.findings);
        }
    }
    drop(state);
    if progress.whole.len() >= SEALED_TOGETHER {
        progress.add_checksums(library);
    }
    if progress.remembered.elapsed() >= REMEMBERED_EACH {
        progress.remember(library);
    }
    Ok(Some(scrubbed.bytes))
}
