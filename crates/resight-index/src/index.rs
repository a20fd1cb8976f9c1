//! The index that grows and shrinks, one change at a time; readers hold snapshots.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::Key;
use crate::picture_words::PictureWords;
use crate::segment::{Part, Segment};
use crate::snapshot::{LiveSegment, Snapshot};

/// Takes adds and removals; both are in every snapshot taken afterwards.
///
/// Invariant: each segment's keys lie above those of the segment before it, because keys come
/// from the catalogue in ascending order and segments are merged with their neighbours only.
#[derive(Debug)]
pub struct Index {
    /// Held by the one who changes; readers never wait for it.
    writer: Mutex<()>,
    current: RwLock<Arc<Snapshot>>,
}

impl Index {
    /// An empty index for a vocabulary of `words` words.
    pub fn new(words: usize) -> Self {
        let empty = Snapshot {
            segments: Vec::new(),
            frequencies: Arc::new(vec![0; words]),
        };
        Self {
            writer: Mutex::new(()),
            current: RwLock::new(Arc::new(empty)),
        }
    }

    /// The present state. Cheap: it shares everything.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        // A panic elsewhere cannot leave a half-made snapshot behind: it is swapped as a whole.
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Adds pictures. A key that is held already, or that is not above all keys added before, is
    /// left out; the catalogue never gives one.
    pub fn add(&self, mut pictures: Vec<(Key, PictureWords)>) {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.snapshot();
        let last = before
            .segments
            .iter()
            .rev()
            .find_map(|s| s.segment.keys().last().copied());
        pictures.retain(|p| last.is_none_or(|l| p.0 > l));
        pictures.sort_by_key(|p| p.0);
        pictures.dedup_by_key(|p| p.0);
        if pictures.is_empty() {
            return;
        }
        let segment = Segment::build(&pictures);
        let mut frequencies = before.frequencies.to_vec();
        count(&segment, &mut frequencies, None, 1);
        let mut segments = before.segments.clone();
        segments.push(LiveSegment {
            segment: Arc::new(segment),
            removed: Arc::default(),
        });
        merge_tail(&mut segments);
        self.publish(segments, frequencies);
    }

    /// Removes pictures; gives the number of those that were held.
    pub fn remove(&self, keys: &[Key]) -> usize {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.snapshot();
        let mut segments = before.segments.clone();
        let mut frequencies = before.frequencies.to_vec();
        let mut total = 0;
        for live in &mut segments {
            let mut found: Vec<u32> = keys
                .iter()
                .filter_map(|&key| live.segment.find(key).filter(|&p| live.is_live(p)))
                .collect();
            found.sort_unstable();
            found.dedup();
            if !found.is_empty() {
                count(&live.segment, &mut frequencies, Some(&found), -1);
                total += found.len();
                live.removed = Arc::new(live.removed.iter().copied().chain(found).collect());
            }
        }
        if total > 0 {
            segments.retain(|s| s.len() > 0);
            compact(&mut segments);
            self.publish(segments, frequencies);
        }
        total
    }

    fn publish(&self, segments: Vec<LiveSegment>, frequencies: Vec<u32>) {
        let next = Arc::new(Snapshot {
            segments,
            frequencies: Arc::new(frequencies),
        });
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = next;
    }
}

/// Adds `by` to the frequency of each word for every picture that has it; of all pictures or of
/// those in `chosen`, ascending.
fn count(segment: &Segment, frequencies: &mut [u32], chosen: Option<&[u32]>, by: i32) {
    /// Up to so many pictures are looked up in each list instead of reading the whole list.
    const FEW: usize = 8;
    for (word, pictures) in segment.lists() {
        let runs = || pictures.chunk_by(|a, b| a == b).map(|run| run[0]);
        let different = match chosen {
            None => runs().count(),
            Some(few) if few.len() <= FEW => few
                .iter()
                .filter(|p| pictures.binary_search(p).is_ok())
                .count(),
            Some(many) => runs().filter(|p| many.binary_search(p).is_ok()).count(),
        };
        if let Some(f) = frequencies.get_mut(word as usize) {
            *f = f.saturating_add_signed(by * different as i32);
        }
    }
}

/// Merges the newest segments as long as one is not well below the size of the one before: each
/// picture is copied a logarithmic number of times, and a search meets few segments.
fn merge_tail(segments: &mut Vec<LiveSegment>) {
    while let [.., older, newer] = &segments[..]
        && 2 * newer.len() >= older.len()
    {
        let merged = merge(older, newer);
        segments.truncate(segments.len() - 2);
        segments.push(merged);
    }
}

/// Rewrites segments of which more than a quarter has been removed.
fn compact(segments: &mut [LiveSegment]) {
    let nothing = LiveSegment {
        segment: Arc::new(Segment::build(&[])),
        removed: Arc::default(),
    };
    for live in segments {
        if 4 * live.removed.len() > live.segment.keys().len() {
            *live = merge(live, &nothing);
        }
    }
}

fn merge(older: &LiveSegment, newer: &LiveSegment) -> LiveSegment {
    let merged = Segment::merge(
        &Part {
            segment: &older.segment,
            is_live: &|p| older.is_live(p),
        },
        &Part {
            segment: &newer.segment,
            is_live: &|p| newer.is_live(p),
        },
    );
    LiveSegment {
        segment: Arc::new(merged),
        removed: Arc::default(),
    }
}

#[cfg(test)]
mod tests;
