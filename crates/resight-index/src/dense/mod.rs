//! The dense index: one vector a picture, and those nearest to a query by their cosine.
//!
//! Useful for global descriptors of deep models, which tell what a picture looks like; not for
//! local features, which are many a picture and have the inverted index. Up to about 100,000 vectors are
//! searched exactly: codes of one byte a number, with a step fitted to the data, tell which may be
//! among the best, and those are compared in half precision. Above, a graph over the codes is
//! followed to the candidates.

mod build;
mod code;
mod exact;
mod graph;
mod keeper;
mod segment;
mod snapshot;
mod vector;
mod vectors;
mod walk;

use std::path::Path;
use std::sync::Arc;

use crate::Key;
use crate::current::Kept;
use crate::folder::Folder;
use crate::live::{Keyed, LiveSegment, remove_all};
use keeper::Keeper;
use segment::{DenseSegment, kept_graph, merged};
pub use snapshot::{DenseSnapshot, NearestOptions};
use vector::unit;
use vectors::{LONGEST, MOST, Vectors};

/// Says of a key whether its vector may be found.
pub type KeyFilter<'a> = dyn Fn(Key) -> bool + Sync + 'a;

/// Segments that are merged by the one who adds have at most so many vectors together; larger ones
/// are merged by a thread of the index's own.
const SMALL: usize = 1024;

/// How a dense index is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DenseSettings {
    /// Segments of so many vectors and more get a graph.
    pub graph_from: usize,
    /// Threads that make a graph, beside those that search.
    pub graph_threads: usize,
}

impl Default for DenseSettings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            graph_from: 100_000,
            graph_threads: cores.div_ceil(2),
        }
    }
}

/// Why a vector is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VectorFault {
    /// It is of another model.
    #[error("the vector has {found} numbers, and those of this model have {expected}")]
    Dimension {
        /// What the index holds.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// A number is infinite or none.
    #[error("the vector holds a number that is not finite")]
    NotFinite,
    /// All its numbers are 0, or nearly.
    #[error("the vector is zero, which has no direction")]
    NoDirection,
}

/// A vector that is refused, and with it all that came with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("picture {}: {fault}", key.0)]
pub struct RefusedVector {
    /// Whose vector.
    pub key: Key,
    /// Why.
    pub fault: VectorFault,
}

/// A dimension that no index can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("vectors of {0} numbers cannot be indexed: 1 to {LONGEST} can")]
pub struct WrongDimension(pub usize);

/// What opening a folder found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DenseOpened {
    /// Of the pictures said to be held, those whose vectors are to be added, ascending.
    pub missing: Vec<Key>,
    /// Why not all segments could be taken over.
    pub lost: Option<String>,
}

/// Takes adds and removals; both are in every snapshot taken afterwards.
///
/// Invariant: each key counts in one segment at most.
#[derive(Debug)]
pub struct DenseIndex {
    kept: Kept<DenseSnapshot>,
    dimension: usize,
}

impl DenseIndex {
    /// An empty index in memory, for vectors of this many numbers.
    pub fn new(dimension: usize, settings: DenseSettings) -> Result<Self, WrongDimension> {
        check(dimension)?;
        Ok(Self::start(dimension, Vec::new(), Some(None), settings))
    }

    /// The index that is kept in `folder`: large segments are mapped from there, and saved there
    /// where it may be written to. What lies there under another `tag` is given up: the tag names all
    /// that must be the same for vectors to be compared and keys to mean the same pictures (the
    /// model, its version and numerics, the catalogue). `held` are the pictures that have a vector
    /// in the catalogue, in any order: vectors of others are left out, and missing ones told.
    pub fn open(
        tag: &str,
        dimension: usize,
        folder: &Path,
        writable: bool,
        mut held: Vec<Key>,
        settings: DenseSettings,
    ) -> Result<(Self, DenseOpened), WrongDimension> {
        check(dimension)?;
        let mut owner = [0; 16];
        let named = format!("{dimension} {tag}");
        owner.copy_from_slice(&blake3::hash(named.as_bytes()).as_bytes()[..16]);
        let mut files = Folder::<DenseSegment>::new(folder, owner);
        let (saved, lost) = files.read();
        held.sort_unstable();
        held.dedup();
        let mut found = vec![false; held.len()];
        let mut segments = Vec::with_capacity(saved.len());
        // The newest first: a picture that was removed and added again is in two.
        for saved in saved.into_iter().rev() {
            let mut live = LiveSegment::<DenseSegment> {
                segment: saved.segment,
                removed: Arc::default(),
                file: Some(saved.name),
            };
            let removed = Arc::make_mut(&mut live.removed);
            for (&key, number) in live.segment.keys().iter().zip(0u32..) {
                match held.binary_search(&Key(key)) {
                    Ok(at) if !found[at] => found[at] = true,
                    _ => removed.insert(number),
                }
            }
            if let Some(name) = &live.file
                && let Some(graph) = kept_graph(folder, name, &live.segment.vectors)
            {
                live.segment = live.segment.with(graph).into();
            }
            segments.push(live);
        }
        segments.reverse();
        segments.retain(|s| s.len() > 0);
        let missing = held.iter().zip(&found).filter(|(_, found)| !**found);
        let opened = DenseOpened {
            missing: missing.map(|(key, _)| *key).collect(),
            lost,
        };
        let keeping = writable.then_some(Some(files));
        Ok((Self::start(dimension, segments, keeping, settings), opened))
    }

    /// `keeping`: whether segments are merged, and where they are saved.
    fn start(
        dimension: usize,
        segments: Vec<LiveSegment<DenseSegment>>,
        keeping: Option<Option<Folder<DenseSegment>>>,
        settings: DenseSettings,
    ) -> Self {
        let snapshot = DenseSnapshot {
            segments,
            dimension,
        };
        let kept = match keeping {
            None => Kept::untidied(snapshot),
            Some(folder) => {
                let mut keeper = Keeper {
                    folder,
                    dimension,
                    graph_from: settings.graph_from.max(1),
                    threads: settings.graph_threads.max(1),
                };
                Kept::new(snapshot, move |current, snapshot| {
                    keeper.step(current, snapshot)
                })
            }
        };
        Self { kept, dimension }
    }

    /// The present state. Cheap: it shares everything.
    pub fn snapshot(&self) -> Arc<DenseSnapshot> {
        self.kept.current.snapshot()
    }

    /// Waits until everything is merged, saved and in a graph that should be.
    pub fn settle(&self) {
        self.kept.settle();
    }

    /// Adds vectors of any length above 0, which is made 1; gives how many were added. A key that is
    /// held already is left out, as is one that came before in the same call. All are refused where
    /// one is.
    pub fn add(&self, vectors: &[(Key, &[f32])]) -> Result<usize, RefusedVector> {
        let mut units: Vec<(Key, Vec<f32>)> = Vec::with_capacity(vectors.len());
        for &(key, vector) in vectors {
            let unit =
                unit(vector, self.dimension).map_err(|fault| RefusedVector { key, fault })?;
            units.push((key, unit));
        }
        // Stable: the first of a key stays.
        units.sort_by_key(|v| v.0);
        units.dedup_by_key(|v| v.0);
        let writer = self.kept.current.lock();
        let before = self.snapshot();
        units.retain(|v| !before.contains(v.0));
        if units.is_empty() {
            return Ok(0);
        }
        let mut segments = before.segments.clone();
        for part in units.chunks(MOST) {
            let vectors = Vectors::build(part, self.dimension);
            segments.push(LiveSegment::of(DenseSegment::of(vectors)));
            merge_tail(&mut segments, self.dimension);
        }
        self.kept.current.change(writer, before.with(segments));
        Ok(units.len())
    }

    /// Removes vectors; gives the number of those that were held.
    pub fn remove(&self, keys: &[Key]) -> usize {
        let writer = self.kept.current.lock();
        let before = self.snapshot();
        let mut segments = before.segments.clone();
        let total = remove_all(&mut segments, keys).iter().map(Vec::len).sum();
        if total > 0 {
            segments.retain(|s| s.len() > 0);
            for live in &mut segments {
                if live.segment.keys().len() <= SMALL && is_sparse(live) {
                    *live = LiveSegment::of(merged(&[live], self.dimension));
                }
            }
            self.kept.current.change(writer, before.with(segments));
        }
        total
    }
}

fn check(dimension: usize) -> Result<(), WrongDimension> {
    match (1..=LONGEST).contains(&dimension) {
        true => Ok(()),
        false => Err(WrongDimension(dimension)),
    }
}

/// Whether more than a fifth of it has been removed.
fn is_sparse(live: &LiveSegment<DenseSegment>) -> bool {
    5 * live.removed.len() > live.segment.keys().len()
}

/// Merges the newest segments as long as they are small.
fn merge_tail(segments: &mut Vec<LiveSegment<DenseSegment>>, dimension: usize) {
    while let [.., older, newer] = &segments[..]
        && 2 * newer.len() >= older.len()
        && older.len() + newer.len() <= SMALL
    {
        let merged = LiveSegment::of(merged(&[older, newer], dimension));
        segments.truncate(segments.len() - 2);
        segments.push(merged);
    }
}

#[cfg(test)]
mod tests;
