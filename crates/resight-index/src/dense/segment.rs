//! Vectors and, where they are many, their graph: what the dense index is made of.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::graph::Graph;
use super::vectors::Vectors;
use crate::live::{Filed, Keyed, LiveSegment};
use crate::mapped::Bytes;

/// Vectors, searched exactly or by their graph.
#[derive(Clone, Debug)]
pub(super) struct DenseSegment {
    pub(super) vectors: Arc<Vectors>,
    pub(super) graph: Option<Arc<Graph>>,
}

impl DenseSegment {
    pub(super) fn of(vectors: Vectors) -> Self {
        Self {
            vectors: Arc::new(vectors),
            graph: None,
        }
    }

    /// The same with a graph.
    pub(super) fn with(&self, graph: Graph) -> Self {
        Self {
            vectors: self.vectors.clone(),
            graph: Some(Arc::new(graph)),
        }
    }

    /// Bytes held, in memory or on disk.
    pub(super) fn length(&self) -> usize {
        self.vectors.length() + self.graph.as_ref().map_or(0, |g| g.length())
    }
}

impl AsRef<Vectors> for DenseSegment {
    fn as_ref(&self) -> &Vectors {
        &self.vectors
    }
}

impl Keyed for DenseSegment {
    fn keys(&self) -> &[u64] {
        self.vectors.keys()
    }
}

/// The file of vectors; a graph has its own.
impl Filed for DenseSegment {
    const ENDING: &'static str = ".vectors";

    fn open(bytes: Bytes, owner: &[u8; 16]) -> Result<Self, String> {
        Ok(Self::of(Vectors::open(bytes, owner)?))
    }

    fn write(&self, owner: &[u8; 16], out: &mut dyn io::Write) -> io::Result<()> {
        self.vectors.write(owner, out)
    }

    /// Keys come in any order.
    fn may_follow(&self, _before: &Self) -> bool {
        true
    }
}

const GRAPH: &str = ".graph";

/// The name of the graph's file beside a file of vectors.
pub(super) fn graph_name(vectors: &str) -> String {
    let stem = vectors.strip_suffix(DenseSegment::ENDING);
    format!("{}{GRAPH}", stem.unwrap_or(vectors))
}

/// The graph that is kept in `folder` for the vectors of this file; none where there is none. A
/// graph that cannot be read is made anew.
pub(super) fn kept_graph(folder: &Path, name: &str, vectors: &Vectors) -> Option<Graph> {
    let path = folder.join(graph_name(name));
    let file = match File::open(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return None,
        file => file,
    };
    let graph = file
        .and_then(|file| Bytes::map(&file))
        .and_then(|bytes| Graph::open(bytes, vectors).map_err(io::Error::other));
    match graph {
        Ok(graph) => Some(graph),
        Err(e) => {
            tracing::warn!("{} is made anew: {e}", path.display());
            None
        }
    }
}

/// Removes graphs of files that no longer count.
pub(super) fn remove_graphs_except(folder: &Path, counting: &[Arc<str>]) -> io::Result<()> {
    let wanted: Vec<String> = counting.iter().map(|name| graph_name(name)).collect();
    for entry in std::fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        let unused = name
            .to_str()
            .is_some_and(|n| n.ends_with(GRAPH) && !wanted.iter().any(|w| w == n));
        if unused && let Err(e) = std::fs::remove_file(entry.path()) {
            tracing::warn!("{} stays for now: {e}", entry.path().display());
        }
    }
    Ok(())
}

/// One in place of several.
pub(super) fn merged(parts: &[&LiveSegment<DenseSegment>], dimension: usize) -> DenseSegment {
    DenseSegment::of(Vectors::merge(parts, dimension))
}
