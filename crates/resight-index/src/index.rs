//! The index that grows and shrinks, one change at a time; readers hold snapshots.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::Key;
use crate::current::Kept;
use crate::folder::Folder;
use crate::keeper;
use crate::live::{Keyed, LiveSegment, Removed, remove_all};
use crate::picture_words::PictureWords;
use crate::segment::{MOST, Part, Segment};
use crate::snapshot::Snapshot;
use crate::vocabulary::Vocabulary;

/// Segments that are merged by the one who adds have at most so many pictures together; larger
/// ones are merged by a thread of the index's own.
pub(crate) const SMALL: usize = 1024;

/// Takes adds and removals; both are in every snapshot taken afterwards.
///
/// Invariant: each segment's keys lie above those of the segment before it, because keys come
/// from the catalogue in ascending order and segments are merged with their neighbours only.
#[derive(Debug)]
pub struct Index {
    kept: Kept<Snapshot>,
    /// With more bytes of segments that have no file, those who add wait for the keeper.
    most_unsaved: usize,
}

/// So many where segments are saved: two large ones. What is added at once comes on top, and what a merge is
/// making.
const MOST_UNSAVED: usize = 2 << 30;

/// What becomes of large segments in the background.
enum Keeping {
    /// They are merged, and saved here.
    In(Folder<Segment>),
    /// They are merged.
    InMemory,
    /// One who only reads leaves them as they are.
    Nothing,
}

/// What opening a folder of segments found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Pictures that need not be added again: all up to this key.
    pub last: Option<Key>,
    /// Why not all segments could be taken over.
    pub lost: Option<String>,
}

impl Index {
    /// An empty index in memory, for a vocabulary of `words` words.
    pub fn new(words: usize) -> Self {
        Self::start(words, Vec::new(), Keeping::InMemory)
    }

    /// The index that is kept in `folder`: large segments are mapped from there, and saved there
    /// where it may be written to. `held` gives the pictures that the catalogue holds, ascending by
    /// key, each with its number of features: segments that disagree are given up. Pictures above
    /// [`Opened::last`] are to be added.
    pub fn open<E>(
        vocabulary: &Vocabulary,
        folder: &Path,
        writable: bool,
        held: impl FnOnce() -> Result<Vec<(Key, u32)>, E>,
    ) -> Result<(Self, Opened), E> {
        let mut id = [0; 16];
        id.copy_from_slice(&blake3::hash(vocabulary.id().as_bytes()).as_bytes()[..16]);
        let mut folder = Folder::new(folder, id);
        // First the segments, then the catalogue: what was added in between lies above them.
        let (saved, mut lost) = folder.read();
        let held = held()?;
        let mut segments = Vec::with_capacity(saved.len());
        for saved in saved {
            match reconciled(&saved.segment, &held) {
                Some(removed) => segments.push(LiveSegment {
                    segment: saved.segment,
                    removed: Arc::new(removed),
                    file: Some(saved.name),
                }),
                None => {
                    lost = Some(format!("{} and the catalogue disagree", saved.name));
                    break;
                }
            }
        }
        let last = segments.last().and_then(|s| s.segment.keys().last());
        let opened = Opened {
            last: last.copied().map(Key),
            lost,
        };
        let covered = held.partition_point(|h| opened.last.is_some_and(|l| h.0 <= l));
        let live: usize = segments.iter().map(LiveSegment::len).sum();
        let words = vocabulary.len();
        let keeping = match writable {
            true => Keeping::In(folder),
            false => Keeping::Nothing,
        };
        if live != covered {
            let lost = Some("segments and catalogue disagree".to_owned());
            let opened = Opened { last: None, lost };
            return Ok((Self::start(words, Vec::new(), keeping), opened));
        }
        Ok((Self::start(words, segments, keeping), opened))
    }

    fn start(words: usize, segments: Vec<LiveSegment>, keeping: Keeping) -> Self {
        let mut frequencies = vec![0u32; words];
        for live in &segments {
            gain(&live.segment, &mut frequencies);
            let gone: Vec<u32> = live.removed.iter().collect();
            if !gone.is_empty() {
                forget(&live.segment, &mut frequencies, &gone);
            }
        }
        let snapshot = Snapshot {
            segments,
            frequencies: Arc::new(frequencies),
        };
        let (mut folder, most_unsaved) = match keeping {
            Keeping::In(folder) => (Some(folder), MOST_UNSAVED),
            Keeping::InMemory => (None, usize::MAX),
            Keeping::Nothing => {
                return Self {
                    kept: Kept::untidied(snapshot),
                    most_unsaved: usize::MAX,
                };
            }
        };
        let mut failed = false;
        let kept = Kept::new(snapshot, move |current, snapshot| {
            let writable = folder.as_mut().filter(|_| !failed);
            match keeper::step(current, snapshot, writable) {
                // What cannot be saved now is in memory, and tried again after the next change; segments
                // are merged meanwhile.
                Some(Err(e)) => {
                    tracing::warn!("a part of the index is not saved: {e}");
                    failed = true;
                    Some(Ok(()))
                }
                done => {
                    failed &= done.is_some();
                    done
                }
            }
        });
        Self { kept, most_unsaved }
    }

    /// The same, with less memory.
    #[cfg(test)]
    pub(crate) fn with_most_unsaved(mut self, bytes: usize) -> Self {
        self.most_unsaved = bytes;
        self
    }

    /// The present state. Cheap: it shares everything.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.kept.current.snapshot()
    }

    /// Waits until everything is merged and saved that should be.
    pub fn settle(&self) {
        self.kept.settle();
    }

    /// Adds pictures. A key that is held already, or that is not above all keys added before, is
    /// left out; the catalogue never gives one. Where more are added than can be saved meanwhile, it
    /// waits for that, so that memory is bounded; where nothing can be saved, it does not.
    pub fn add(&self, mut pictures: Vec<(Key, PictureWords)>) {
        let writer = self.kept.current.lock();
        let before = self.snapshot();
        let last = before
            .segments
            .iter()
            .rev()
            .find_map(|s| s.segment.keys().last().copied());
        pictures.retain(|p| last.is_none_or(|l| p.0.0 > l));
        pictures.sort_by_key(|p| p.0);
        pictures.dedup_by_key(|p| p.0);
        if pictures.is_empty() {
            return;
        }
        let mut frequencies = before.frequencies.to_vec();
        let mut segments = before.segments.clone();
        for part in pictures.chunks(MOST) {
            let segment = Segment::build(part);
            gain(&segment, &mut frequencies);
            segments.push(LiveSegment::of(segment));
            merge_tail(&mut segments);
        }
        self.kept.current.change(
            writer,
            Snapshot {
                segments,
                frequencies: Arc::new(frequencies),
            },
        );
        self.kept
            .wait_while(|snapshot| unsaved(snapshot) > self.most_unsaved);
    }

    /// Removes pictures; gives the number of those that were held.
    pub fn remove(&self, keys: &[Key]) -> usize {
        let writer = self.kept.current.lock();
        let before = self.snapshot();
        let mut segments = before.segments.clone();
        let mut frequencies = before.frequencies.to_vec();
        let found = remove_all(&mut segments, keys);
        let total = found.iter().map(Vec::len).sum();
        for (live, found) in segments.iter().zip(&found) {
            if !found.is_empty() {
                forget(&live.segment, &mut frequencies, found);
            }
        }
        if total > 0 {
            segments.retain(|s| s.len() > 0);
            for live in &mut segments {
                if live.segment.keys().len() <= SMALL && is_sparse(live) {
                    // It is small, so it becomes one.
                    *live = merge(&[live]).pop().unwrap_or_else(|| live.clone());
                }
            }
            self.kept.current.change(
                writer,
                Snapshot {
                    segments,
                    frequencies: Arc::new(frequencies),
                },
            );
        }
        total
    }
}

/// Pictures of `segment` that `held` lacks; `None` when one of them has another number of features
/// there, so that the two cannot be of one history.
fn reconciled(segment: &Segment, held: &[(Key, u32)]) -> Option<Removed> {
    let mut removed = Removed::default();
    let first = segment.keys().first().copied().unwrap_or_default();
    let mut at = held.partition_point(|h| h.0.0 < first);
    let pictures = segment.keys().iter().zip(segment.features());
    for ((&key, &features), picture) in pictures.zip(0u32..) {
        while held.get(at).is_some_and(|h| h.0.0 < key) {
            at += 1;
        }
        match held.get(at).filter(|h| h.0.0 == key) {
            Some(same) if same.1 == features => {}
            Some(_) => return None,
            None => removed.insert(picture),
        }
    }
    Some(removed)
}

fn gain(segment: &Segment, frequencies: &mut [u32]) {
    for (&word, &pictures) in segment.words().iter().zip(segment.frequencies()) {
        if let Some(f) = frequencies.get_mut(word as usize) {
            *f += pictures;
        }
    }
}

/// Takes one from the frequency of each word for every picture of `gone`, ascending, that has it.
fn forget(segment: &Segment, frequencies: &mut [u32], gone: &[u32]) {
    /// Up to so many pictures are looked up in each list instead of reading the whole list.
    const FEW: usize = 8;
    for (word, pictures) in segment.lists() {
        let different = if gone.len() <= FEW {
            let has =
                |p: &&u32| u16::try_from(**p).is_ok_and(|p| pictures.binary_search(&p).is_ok());
            gone.iter().filter(has).count()
        } else {
            let runs = pictures.chunk_by(|a, b| a == b);
            runs.filter(|run| gone.binary_search(&u32::from(run[0])).is_ok())
                .count()
        };
        if let Some(f) = frequencies.get_mut(word as usize) {
            *f = f.saturating_sub(different as u32);
        }
    }
}

/// Bytes of segments without a file.
pub(crate) fn unsaved(snapshot: &Snapshot) -> usize {
    let segments = snapshot.segments.iter();
    let unsaved = segments.filter(|s| s.file.is_none());
    unsaved.map(|s| s.segment.length()).sum()
}

/// Pictures of these that count.
fn total(segments: &[LiveSegment]) -> usize {
    segments.iter().map(LiveSegment::len).sum()
}

/// Whether it is too large to be filled up from the next.
pub(crate) fn is_full(live: &LiveSegment) -> bool {
    4 * live.len() >= 3 * MOST
}

/// Whether a segment is to be merged with those behind it: they are not well below its size, and all fit
/// into one, or none is full, and as many of them as can fill it up. So each picture is copied a logarithmic
/// number of times, and a search meets few segments.
pub(crate) fn belong_together(older: &LiveSegment, newer: &[LiveSegment]) -> bool {
    let behind = total(newer);
    let fits = older.len() + behind <= MOST;
    let fills = !is_full(older) && !newer.iter().any(is_full);
    2 * behind >= older.len() && (fits || fills)
}

/// Whether more than a quarter of it has been removed.
pub(crate) fn is_sparse(live: &LiveSegment) -> bool {
    4 * live.removed.len() > live.segment.keys().len()
}

/// Merges the newest segments as long as they are small.
fn merge_tail(segments: &mut Vec<LiveSegment>) {
    while let [.., older, newer] = &segments[..]
        && belong_together(older, std::slice::from_ref(newer))
        && older.len() + newer.len() <= SMALL
    {
        let merged = merge(&[older, newer]);
        segments.truncate(segments.len() - 2);
        segments.extend(merged);
    }
}

/// What counts of these neighbours, in as few segments as can be: all but the last have [`MOST`] pictures.
pub(crate) fn merge(segments: &[&LiveSegment]) -> Vec<LiveSegment> {
    let total: usize = segments.iter().map(|s| s.len()).sum();
    let cuts = (0..total).step_by(MOST);
    cuts.map(|cut| {
        let mut before = 0;
        let ranges = segments.iter().map(|s| {
            let own = s.len();
            let place = |number: usize| s.place(number.saturating_sub(before).min(own));
            let range = place(cut)..place(cut + MOST);
            before += own;
            range
        });
        let ranges: Vec<Range<u32>> = ranges.collect();
        let live = segments.iter().zip(ranges);
        let live: Vec<_> = live
            .map(|(s, range)| move |picture| range.contains(&picture) && s.is_live(picture))
            .collect();
        let parts = segments.iter().zip(&live).map(|(s, is_live)| Part {
            segment: &s.segment,
            is_live,
        });
        LiveSegment::of(Segment::merge(&parts.collect::<Vec<_>>()))
    })
    .collect()
}

#[cfg(test)]
mod tests;
