//! What the maintenance thread does: it merges, saves and builds graphs, while others search, add and
//! remove.

use std::io;
use std::sync::Arc;

use super::build::build;
use super::merge_policy::candidates;
use super::segment::{
    DenseSegment, LiveVectors, graph_name, meta, read_graph, remove_graphs_except,
};
use super::snapshot::DenseSnapshot;
use crate::folder::{SavedSegment, SegmentFolder, remove};
use crate::live::replaced;
use crate::merge_policy::{MergeJob, SegmentMeta, TAIL_PICTURES};
use crate::segment_file::Keyed;
use crate::snapshot_cell::SnapshotCell;

/// State of the maintenance thread.
pub(super) struct VectorMaintenance {
    /// `None`: nothing is saved.
    pub(super) folder: Option<SegmentFolder<DenseSegment>>,
    pub(super) dimension: usize,
    /// Segments of at least this many vectors get a graph.
    pub(super) graph_from: usize,
    /// Threads that build a graph.
    pub(super) threads: usize,
}

/// What to do next, by positions of segments.
#[derive(Debug, PartialEq, Eq)]
enum Task {
    Merge(MergeJob),
    Save(usize),
    BuildGraph(usize),
}

impl VectorMaintenance {
    /// Does the next task. Returns `None` when there is none.
    pub(super) fn step(
        &mut self,
        cell: &SnapshotCell<DenseSnapshot>,
        snapshot: &DenseSnapshot,
        may_save: bool,
    ) -> Option<io::Result<()>> {
        let segments = &snapshot.segments;
        Some(match self.next_task(segments, may_save)? {
            Task::Merge(job) => self.merge(cell, &segments[job], may_save),
            Task::Save(at) => self.save(cell, &segments[at]),
            Task::BuildGraph(at) => self.add_graph(cell, &segments[at], may_save),
        })
    }

    /// What makes segments few and dense first; then what takes long.
    fn next_task(&self, segments: &[LiveVectors], may_save: bool) -> Option<Task> {
        let saves = self.folder.is_some() && may_save;
        let has_graph = |s: &LiveVectors| s.segment.graph.is_some();
        let metas: Vec<SegmentMeta> = segments.iter().map(meta).collect();
        let joins_graphs =
            |job: &MergeJob| job.len() > 1 && segments[job.clone()].iter().any(has_graph);
        let unsaved = |s: &LiveVectors| s.file.is_none() && s.segment.keys().len() >= TAIL_PICTURES;
        let lacks_graph =
            |s: &LiveVectors| s.segment.keys().len() >= self.graph_from && !has_graph(s);
        let quick = candidates(&metas).find(|job| !joins_graphs(job));
        let save = || segments.iter().position(unsaved).filter(|_| saves);
        let graph = || segments.iter().position(lacks_graph);
        quick
            .map(Task::Merge)
            .or_else(|| save().map(Task::Save))
            .or_else(|| graph().map(Task::BuildGraph))
            .or_else(|| candidates(&metas).find(joins_graphs).map(Task::Merge))
    }

    /// Puts one segment in the place of several. Where one of them had a graph, the new one gets its
    /// graph before it replaces them, as searches would be slower without.
    fn merge(
        &mut self,
        cell: &SnapshotCell<DenseSnapshot>,
        old: &[LiveVectors],
        may_save: bool,
    ) -> io::Result<()> {
        let all: Vec<&LiveVectors> = old.iter().collect();
        let mut new = LiveVectors::of(DenseSegment::merge(&all, self.dimension));
        let with_graph = old.iter().any(|p| p.segment.graph.is_some());
        if with_graph && new.len() >= self.graph_from {
            if let Some(folder) = self.folder.as_mut().filter(|_| may_save) {
                new = saved(folder, &new)?;
            }
            let Some(segment) = self.with_graph(cell, &new, may_save)? else {
                return Ok(());
            };
            new.segment = segment.into();
        }
        let is_saved = new.file.is_some();
        replace(cell, old, new);
        if is_saved {
            self.publish(cell)
        } else {
            // The manifest goes on naming the old files until the new segment is saved as well.
            Ok(())
        }
    }

    fn save(&mut self, cell: &SnapshotCell<DenseSnapshot>, live: &LiveVectors) -> io::Result<()> {
        let Some(folder) = &mut self.folder else {
            return Ok(());
        };
        let saved = saved(folder, live)?;
        replace(cell, std::slice::from_ref(live), saved);
        self.publish(cell)
    }

    fn add_graph(
        &mut self,
        cell: &SnapshotCell<DenseSnapshot>,
        live: &LiveVectors,
        may_save: bool,
    ) -> io::Result<()> {
        if let Some(segment) = self.with_graph(cell, live, may_save)? {
            let mut new = live.clone();
            new.segment = segment.into();
            replace(cell, std::slice::from_ref(live), new);
        }
        Ok(())
    }

    /// The segment with a graph, which is saved beside its vectors where those are; `None` when the
    /// index is closed meanwhile.
    fn with_graph(
        &self,
        cell: &SnapshotCell<DenseSnapshot>,
        live: &LiveVectors,
        may_save: bool,
    ) -> io::Result<Option<DenseSegment>> {
        let vectors = &live.segment.vectors;
        // A pool of its own: searches on the shared pool do not wait behind it.
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(self.threads)
            .thread_name(|i| format!("resight-graph-{i}"))
            .build()
            .map_err(io::Error::other)?;
        let Some(graph) = threads.install(|| build(vectors, &|| cell.is_closed())) else {
            return Ok(None);
        };
        let folder = self.folder.as_ref().filter(|_| may_save);
        let Some((folder, name)) = folder.zip(live.file.as_ref()) else {
            return Ok(Some(live.segment.with(graph)));
        };
        folder.put(&graph_name(name), &|out| graph.write(vectors, out))?;
        let mapped = read_graph(folder.path(), name, vectors).unwrap_or(graph);
        Ok(Some(live.segment.with(mapped)))
    }

    /// Writes a manifest of the saved segments. Vectors of the others are read from the catalogue at
    /// a start.
    fn publish(&self, cell: &SnapshotCell<DenseSnapshot>) -> io::Result<()> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let snapshot = cell.snapshot();
        let names = snapshot.segments.iter().filter_map(|s| s.file.clone());
        let names: Vec<_> = names.collect();
        folder.publish(&names, &[])?;
        remove_graphs_except(folder.path(), &names)
    }
}

/// Saves the vectors, and the graph that they have if it was built while nothing could be saved.
pub(super) fn saved(
    folder: &mut SegmentFolder<DenseSegment>,
    live: &LiveVectors,
) -> io::Result<LiveVectors> {
    let SavedSegment { name, mut segment } = folder.save(&live.segment)?;
    if let Some(graph) = &live.segment.graph {
        // The file has the vectors in the same order, so their numbers in the graph stay.
        let vectors = &segment.vectors;
        if let Err(e) = folder.put(&graph_name(&name), &|out| graph.write(vectors, out)) {
            // Nothing names it, and the next attempt saves the vectors under another name.
            remove(&folder.path().join(&*name));
            return Err(e);
        }
        let mapped = read_graph(folder.path(), &name, vectors).map(Arc::new);
        segment = Arc::new(DenseSegment {
            vectors: vectors.clone(),
            graph: Some(mapped.unwrap_or_else(|| graph.clone())),
        });
    }
    Ok(LiveVectors {
        segment,
        tombstones: live.tombstones.clone(),
        file: Some(name),
    })
}

/// Puts `new` in the place of `old`, unless `old` is no longer there.
fn replace(cell: &SnapshotCell<DenseSnapshot>, old: &[LiveVectors], new: LiveVectors) {
    let _writer = cell.lock();
    let before = cell.snapshot();
    if let Some(segments) = replaced(&before.segments, old, vec![new]) {
        cell.publish(before.with(segments));
    }
}
