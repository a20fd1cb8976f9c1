//! A segment of the dense index: vectors and, where they are many, their graph.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::graph::Graph;
use super::vectors::Vectors;
use crate::folder::remove;
use crate::live::LiveSegment;
use crate::mapped::Bytes;
use crate::merge_policy::SegmentMeta;
use crate::segment_file::{Keyed, SegmentFile};

/// A segment of vectors with its tombstones.
pub(super) type LiveVectors = LiveSegment<DenseSegment>;

/// What the merge policy knows of a segment.
pub(super) fn meta(live: &LiveVectors) -> SegmentMeta {
    SegmentMeta {
        pictures: live.segment.keys().len(),
        live: live.len(),
    }
}

/// Vectors, searched exactly or along their graph.
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

    /// The same vectors with a graph.
    pub(super) fn with(&self, graph: Graph) -> Self {
        Self {
            vectors: self.vectors.clone(),
            graph: Some(Arc::new(graph)),
        }
    }

    /// The live vectors of several segments in one, without a graph.
    pub(super) fn merge(parts: &[&LiveVectors], dimension: usize) -> Self {
        Self::of(Vectors::merge(parts, dimension))
    }

    /// Bytes in memory or on disk.
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
impl SegmentFile for DenseSegment {
    const EXTENSION: &'static str = ".vectors";

    fn open(bytes: Bytes, owner: &[u8; 16]) -> Result<Self, String> {
        Ok(Self::of(Vectors::open(bytes, owner)?))
    }

    fn write(&self, owner: &[u8; 16], out: &mut dyn io::Write) -> io::Result<()> {
        self.vectors.write(owner, out)
    }
}

const GRAPH: &str = ".graph";

/// The name of the graph's file beside a file of vectors.
pub(super) fn graph_name(vectors: &str) -> String {
    let stem = vectors.strip_suffix(DenseSegment::EXTENSION);
    format!("{}{GRAPH}", stem.unwrap_or(vectors))
}

/// The graph in `folder` for the vectors of the file `name`; `None` where it has none or a damaged
/// one, which is rebuilt.
pub(super) fn read_graph(folder: &Path, name: &str, vectors: &Vectors) -> Option<Graph> {
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
            tracing::warn!("{} is rebuilt: {e}", path.display());
            None
        }
    }
}

/// Removes the graphs of all files but these.
pub(super) fn remove_graphs_except(folder: &Path, files: &[Arc<str>]) -> io::Result<()> {
    let wanted: Vec<String> = files.iter().map(|name| graph_name(name)).collect();
    for entry in std::fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        let unused = name
            .to_str()
            .is_some_and(|n| n.ends_with(GRAPH) && !wanted.iter().any(|w| w == n));
        if unused {
            remove(&entry.path());
        }
    }
    Ok(())
}
