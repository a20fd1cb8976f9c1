//! The dense index that grows and shrinks, one change at a time; readers take snapshots.

use std::path::Path;
use std::sync::Arc;

use super::fault::{MAX_DIMENSION, RefusedVector, WrongDimension};
use super::maintenance::VectorMaintenance;
use super::merge_policy::{is_sparse, merges_in_tail};
use super::segment::{DenseSegment, LiveVectors, meta, read_graph};
use super::snapshot::DenseSnapshot;
use super::vector::unit;
use super::vectors::{MAX_VECTORS, Vectors};
use crate::Key;
use crate::folder::SegmentFolder;
use crate::live::{LiveSegment, remove_all, set_tombstones};
use crate::merge_policy::TAIL_PICTURES;
use crate::segment_file::Keyed;
use crate::snapshot_cell::Maintained;

/// Settings of a dense index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DenseSettings {
    /// Segments of at least this many vectors get a graph.
    pub graph_from: usize,
    /// Threads that build a graph, beside those that search.
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

/// What [`DenseIndex::open`] found in the folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DenseOpened {
    /// Stored pictures that are in no segment: the caller adds their vectors. Ascending.
    pub missing: Vec<Key>,
    /// Why not all segments were taken over.
    pub lost: Option<String>,
}

/// Takes additions and removals; both are in every snapshot taken afterwards.
///
/// Invariant: a key is live in at most one segment.
#[derive(Debug)]
pub struct DenseIndex {
    maintained: Maintained<DenseSnapshot>,
    dimension: usize,
}

/// What happens to large segments in the background.
enum Maintenance {
    /// They are merged, saved here, and get graphs.
    SaveTo(SegmentFolder<DenseSegment>),
    /// They are merged and get graphs.
    InMemory,
    /// Read-only: nothing.
    Off,
}

impl DenseIndex {
    /// An empty index in memory, for vectors of this many numbers.
    pub fn new(dimension: usize, settings: DenseSettings) -> Result<Self, WrongDimension> {
        check(dimension)?;
        let maintenance = Maintenance::InMemory;
        Ok(Self::start(dimension, Vec::new(), maintenance, settings))
    }

    /// The index in `folder`. Large segments are mapped from there and, where it is `writable`, saved
    /// there. `tag` names all that must be the same for vectors to be comparable and keys to mean the
    /// same pictures: the model, its version and numerics, the catalogue. Files of another tag are
    /// given up. `stored` are the pictures with a vector in the catalogue, in any order: vectors of
    /// others are left out, and [`DenseOpened`] lists those that the caller must add.
    pub fn open(
        tag: &str,
        dimension: usize,
        folder: &Path,
        writable: bool,
        mut stored: Vec<Key>,
        settings: DenseSettings,
    ) -> Result<(Self, DenseOpened), WrongDimension> {
        check(dimension)?;
        let mut owner = [0; 16];
        let identity = format!("{dimension} {tag}");
        owner.copy_from_slice(&blake3::hash(identity.as_bytes()).as_bytes()[..16]);
        let mut files = SegmentFolder::<DenseSegment>::new(folder, owner);
        if writable {
            files.remove_temporary_files();
        }
        let (saved, lost) = files.read();
        stored.sort_unstable();
        stored.dedup();
        let segments = saved.into_iter().map(|saved| {
            let graph = read_graph(folder, &saved.name, &saved.segment.vectors);
            LiveVectors {
                segment: graph.map_or(saved.segment.clone(), |g| saved.segment.with(g).into()),
                tombstones: Arc::default(),
                file: Some(saved.name),
            }
        });
        let mut segments: Vec<LiveVectors> = segments.collect();
        let found = set_tombstones(&mut segments, &stored);
        segments.retain(|s| s.len() > 0);
        let missing = stored.iter().zip(&found).filter(|(_, found)| !**found);
        let opened = DenseOpened {
            missing: missing.map(|(key, _)| *key).collect(),
            lost,
        };
        let maintenance = if writable {
            Maintenance::SaveTo(files)
        } else {
            Maintenance::Off
        };
        let index = Self::start(dimension, segments, maintenance, settings);
        Ok((index, opened))
    }

    fn start(
        dimension: usize,
        segments: Vec<LiveVectors>,
        maintenance: Maintenance,
        settings: DenseSettings,
    ) -> Self {
        let snapshot = DenseSnapshot {
            segments,
            dimension,
        };
        let folder = match maintenance {
            Maintenance::SaveTo(folder) => Some(folder),
            Maintenance::InMemory => None,
            Maintenance::Off => {
                return Self {
                    maintained: Maintained::without_thread(snapshot),
                    dimension,
                };
            }
        };
        let mut maintenance = VectorMaintenance {
            folder,
            dimension,
            graph_from: settings.graph_from.max(1),
            threads: settings.graph_threads.max(1),
        };
        let maintained = Maintained::new(snapshot, move |cell, snapshot, may_save| {
            maintenance.step(cell, snapshot, may_save)
        });
        Self {
            maintained,
            dimension,
        }
    }

    /// The latest snapshot. Cheap: it shares all data.
    pub fn snapshot(&self) -> Arc<DenseSnapshot> {
        self.maintained.cell.snapshot()
    }

    /// Blocks until everything is merged, saved and in a graph that should be.
    pub fn settle(&self) {
        self.maintained.settle();
    }

    /// Adds vectors of any length above 0, which are scaled to length 1; returns how many. Leaves out
    /// a key that is in the index already, and one that stands earlier in the same call.
    ///
    /// Errors: the first vector that is refused; then none is added.
    pub fn add(&self, vectors: &[(Key, &[f32])]) -> Result<usize, RefusedVector> {
        let mut units: Vec<(Key, Vec<f32>)> = Vec::with_capacity(vectors.len());
        for &(key, vector) in vectors {
            let unit =
                unit(vector, self.dimension).map_err(|fault| RefusedVector { key, fault })?;
            units.push((key, unit));
        }
        // Stable: of one key, the first vector stays.
        units.sort_by_key(|v| v.0);
        units.dedup_by_key(|v| v.0);
        let writer = self.maintained.cell.lock();
        let before = self.snapshot();
        units.retain(|v| !before.contains(v.0));
        if units.is_empty() {
            return Ok(0);
        }
        let mut segments = before.segments.clone();
        for part in units.chunks(MAX_VECTORS) {
            let vectors = Vectors::build(part, self.dimension);
            segments.push(LiveSegment::of(DenseSegment::of(vectors)));
            merge_tail(&mut segments, self.dimension);
        }
        self.maintained.cell.change(writer, before.with(segments));
        Ok(units.len())
    }

    /// Removes vectors; returns how many of them were in the index.
    pub fn remove(&self, keys: &[Key]) -> usize {
        let writer = self.maintained.cell.lock();
        let before = self.snapshot();
        let mut segments = before.segments.clone();
        let total = remove_all(&mut segments, keys).iter().map(Vec::len).sum();
        if total == 0 {
            return 0;
        }
        segments.retain(|s| s.len() > 0);
        for live in &mut segments {
            if live.segment.keys().len() <= TAIL_PICTURES && is_sparse(meta(live)) {
                *live = LiveSegment::of(DenseSegment::merge(&[live], self.dimension));
            }
        }
        self.maintained.cell.change(writer, before.with(segments));
        total
    }
}

fn check(dimension: usize) -> Result<(), WrongDimension> {
    if (1..=MAX_DIMENSION).contains(&dimension) {
        Ok(())
    } else {
        Err(WrongDimension(dimension))
    }
}

/// Merges the newest segments while they are small.
fn merge_tail(segments: &mut Vec<LiveVectors>, dimension: usize) {
    while let [.., older, newer] = &segments[..]
        && merges_in_tail(meta(older), meta(newer))
    {
        let merged = DenseSegment::merge(&[older, newer], dimension);
        segments.truncate(segments.len() - 2);
        segments.push(LiveSegment::of(merged));
    }
}
