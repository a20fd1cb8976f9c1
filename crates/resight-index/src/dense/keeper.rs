//! What the index's thread does: it merges, saves, and makes graphs, while others search, add and
//! remove.

use std::io;

use super::build::build;
use super::segment::{DenseSegment, graph_name, kept_graph, merged, remove_graphs_except};
use super::snapshot::DenseSnapshot;
use super::vectors::MOST;
use super::{SMALL, is_sparse};
use crate::current::Current;
use crate::folder::{Folder, Saved};
use crate::live::{Keyed, LiveSegment, replaced};

type Live = LiveSegment<DenseSegment>;

/// The thread's own things.
pub(super) struct Keeper {
    pub(super) folder: Option<Folder<DenseSegment>>,
    pub(super) dimension: usize,
    /// Segments of so many vectors and more get a graph.
    pub(super) graph_from: usize,
    /// Threads that make a graph.
    pub(super) threads: usize,
}

/// What is to be done next.
enum Task {
    /// One segment in place of these neighbours, or of one with too many removed.
    Merge(Vec<Live>),
    Save(Live),
    Graph(Live),
}

impl Keeper {
    /// Does one thing that is to be done, if any is.
    pub(super) fn step(
        &mut self,
        current: &Current<DenseSnapshot>,
        snapshot: &DenseSnapshot,
    ) -> Option<io::Result<()>> {
        Some(match self.next(&snapshot.segments)? {
            Task::Merge(parts) => self.merge(current, &parts),
            Task::Save(live) => self.save(current, &live),
            Task::Graph(live) => self.add_graph(current, &live),
        })
    }

    /// What makes few and sound segments first; then what takes long.
    fn next(&self, segments: &[Live]) -> Option<Task> {
        let wants_graph = |s: &Live| s.segment.keys().len() >= self.graph_from;
        let has_graph = |s: &Live| s.segment.graph.is_some();
        let large = |s: &&Live| s.segment.keys().len() > SMALL;
        // Removals may have left neighbours anywhere that would fit into one.
        let pair = |with_graphs: bool| {
            let pairs = segments.windows(2).rev();
            let mut pairs = pairs.filter(|p| p.iter().any(has_graph) == with_graphs);
            pairs.find(|p| belong_together(&p[0], &p[1]) && p[0].len() + p[1].len() > SMALL)
        };
        let sparse = |s: &&Live| is_sparse(s) && large(s);
        let unsaved = |s: &&Live| {
            self.folder.is_some() && s.file.is_none() && s.segment.keys().len() >= SMALL
        };
        if let Some(sparse) = segments.iter().find(sparse) {
            return Some(Task::Merge(vec![sparse.clone()]));
        }
        if let Some(pair) = pair(false) {
            return Some(Task::Merge(pair.to_vec()));
        }
        if let Some(live) = segments.iter().find(unsaved) {
            return Some(Task::Save(live.clone()));
        }
        let bare = segments.iter().find(|s| wants_graph(s) && !has_graph(s));
        if let Some(live) = bare {
            return Some(Task::Graph(live.clone()));
        }
        pair(true).map(|pair| Task::Merge(pair.to_vec()))
    }

    /// A segment in place of several; with its graph where one of them had one, as a search would
    /// be slower meanwhile.
    fn merge(&mut self, current: &Current<DenseSnapshot>, parts: &[Live]) -> io::Result<()> {
        let all: Vec<&Live> = parts.iter().collect();
        let mut new = Live::of(merged(&all, self.dimension));
        let with_graph = parts.iter().any(|p| p.segment.graph.is_some());
        if with_graph && new.len() >= self.graph_from {
            if let Some(folder) = &mut self.folder {
                new = saved(folder, &new)?;
            }
            let Some(graph) = self.graph(current, &new)? else {
                return Ok(());
            };
            new.segment = graph.into();
        }
        let is_saved = new.file.is_some();
        replace(current, parts, new);
        match is_saved {
            true => self.publish(current),
            // The manifest goes on naming its parts until it is saved as well.
            false => Ok(()),
        }
    }

    fn save(&mut self, current: &Current<DenseSnapshot>, live: &Live) -> io::Result<()> {
        let Some(folder) = &mut self.folder else {
            return Ok(());
        };
        let saved = saved(folder, live)?;
        replace(current, std::slice::from_ref(live), saved);
        self.publish(current)
    }

    fn add_graph(&mut self, current: &Current<DenseSnapshot>, live: &Live) -> io::Result<()> {
        if let Some(segment) = self.graph(current, live)? {
            let mut new = live.clone();
            new.segment = segment.into();
            replace(current, std::slice::from_ref(live), new);
        }
        Ok(())
    }

    /// The segment with a graph, kept beside its vectors; `None` when the index is closed meanwhile.
    fn graph(
        &self,
        current: &Current<DenseSnapshot>,
        live: &Live,
    ) -> io::Result<Option<DenseSegment>> {
        let vectors = &live.segment.vectors;
        // Threads of its own, so that searches on the shared ones need not wait behind it.
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(self.threads)
            .thread_name(|i| format!("resight-graph-{i}"))
            .build()
            .map_err(io::Error::other)?;
        let Some(graph) = threads.install(|| build(vectors, &|| current.is_closed())) else {
            return Ok(None);
        };
        let Some((folder, name)) = self.folder.as_ref().zip(live.file.as_ref()) else {
            return Ok(Some(live.segment.with(graph)));
        };
        folder.put(&graph_name(name), &|out| graph.write(vectors, out))?;
        let kept = kept_graph(folder.path(), name, vectors).unwrap_or(graph);
        Ok(Some(live.segment.with(kept)))
    }

    /// Makes those that are saved the ones that count. What lies between them is given by the
    /// catalogue at a start.
    fn publish(&self, current: &Current<DenseSnapshot>) -> io::Result<()> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let snapshot = current.snapshot();
        let names = snapshot.segments.iter().filter_map(|s| s.file.clone());
        let names: Vec<_> = names.collect();
        folder.publish(&names, &[])?;
        remove_graphs_except(folder.path(), &names)
    }
}

fn saved(folder: &mut Folder<DenseSegment>, live: &Live) -> io::Result<Live> {
    let Saved { name, segment } = folder.save(&live.segment)?;
    Ok(Live {
        segment,
        removed: live.removed.clone(),
        file: Some(name),
    })
}

/// Whether two neighbours are to be one, by the rule of the inverted index, for larger segments.
fn belong_together(older: &Live, newer: &Live) -> bool {
    2 * newer.len() >= older.len() && older.len() + newer.len() <= MOST
}

/// Puts `new` where `old` stand, unless they are no longer there.
fn replace(current: &Current<DenseSnapshot>, old: &[Live], new: Live) {
    let _writer = current.lock();
    let before = current.snapshot();
    if let Some(segments) = replaced(&before.segments, old, vec![new]) {
        current.publish(before.with(segments));
    }
}
