//! Who is near whom: a graph over the codes of one segment, to find the nearest without looking at
//! all.
//!
//! Each vector has edges to at most [`DEGREE`] others, chosen so that each leads somewhere the
//! others do not (Subramanya et al. 2019, DiskANN). In place of a hierarchy of layers, a walk begins
//! at the best of a random sample of about twice the root of their number, so that it starts in the
//! right cluster, or in both that a query lies between.

use std::io;
use std::ops::Range;

use super::vectors::{Vectors, hash, word};
use super::walk::{Codes, Near, walk};
use crate::mapped::Bytes;
use crate::sealed::{self, HEADER};

/// Edges of a vector at most.
pub(super) const DEGREE: usize = 32;
/// Stands where a vector has fewer edges.
pub(super) const NOBODY: u32 = u32::MAX;

const MAGIC: [u8; 8] = *b"RSIGHTDG";
const VERSION: u32 = 1;

/// The edges of one segment's vectors.
///
/// Invariant: entries and neighbours are numbers of vectors.
#[derive(Debug)]
pub(super) struct Graph {
    bytes: Bytes,
    entries: Range<usize>,
    neighbours: Range<usize>,
    count: usize,
}

/// Of edges that begin at the same vector, those that there are.
pub(super) fn present(row: &[u32]) -> &[u32] {
    let length = row.iter().position(|&n| n == NOBODY);
    &row[..length.unwrap_or(row.len())]
}

fn layout(count: usize, entries: usize) -> Option<(Range<usize>, Range<usize>)> {
    let entries = HEADER..HEADER.checked_add(entries.checked_mul(4)?)?;
    let start = entries.end.checked_next_multiple_of(64)?;
    let length = count.checked_mul(4 * DEGREE)?;
    Some((entries, start..start.checked_add(length)?))
}

impl Graph {
    /// A graph of these entries, and [`DEGREE`] numbers for each vector, with [`NOBODY`] after the
    /// last.
    pub(super) fn of(entries: &[u32], rows: &[u32]) -> Self {
        let count = rows.len() / DEGREE;
        // Sizes of what is in memory.
        let parts = layout(count, entries.len()).unwrap_or_else(|| unreachable!());
        let mut words = vec![0u64; parts.1.end.div_ceil(8)];
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        bytes[parts.0.clone()].copy_from_slice(bytemuck::cast_slice(entries));
        bytes[parts.1.clone()].copy_from_slice(bytemuck::cast_slice(rows));
        Self {
            bytes: Bytes::Owned(words, parts.1.end),
            entries: parts.0,
            neighbours: parts.1,
            count,
        }
    }

    /// Reads what [`Graph::write`] wrote for the same vectors; says why not.
    pub(super) fn open(bytes: Bytes, vectors: &Vectors) -> Result<Self, &'static str> {
        const DAMAGED: &str = "it is damaged";
        let all = bytes.as_slice();
        let (header, body) = sealed::split(all, &MAGIC).ok_or(DAMAGED)?;
        if !sealed::is_of_version(header, VERSION) || word(header, 12) as usize != DEGREE {
            return Err("it was made by another version of the format");
        }
        if header[32..64] != *vectors.seal() {
            return Err("it was made for other vectors");
        }
        let whole = sealed::is_whole(header);
        let (count, begins) = (word(header, 16) as usize, word(header, 20) as usize);
        let (entries, neighbours) = layout(count, begins)
            .filter(|l| whole && count == vectors.keys().len() && l.1.end == all.len())
            .ok_or(DAMAGED)?;
        if !sealed::is_for(header, &hash(body)) {
            return Err(DAMAGED);
        }
        let graph = Self {
            bytes,
            entries,
            neighbours,
            count,
        };
        let are_vectors = |numbers: &[u32], nobody| {
            let fine = |n: &u32| (*n as usize) < count || nobody && *n == NOBODY;
            numbers.iter().all(fine)
        };
        let fine = are_vectors(graph.entries(), false) && are_vectors(graph.rows(), true);
        fine.then_some(graph).ok_or(DAMAGED)
    }

    /// The bytes, with a header that lets them be opened again with these vectors.
    pub(super) fn write(&self, vectors: &Vectors, out: &mut dyn io::Write) -> io::Result<()> {
        let body = &self.bytes.as_slice()[HEADER..];
        let mut header = sealed::begun(&MAGIC, VERSION);
        header[12..16].copy_from_slice(&(DEGREE as u32).to_le_bytes());
        header[16..20].copy_from_slice(&(self.count as u32).to_le_bytes());
        header[20..24].copy_from_slice(&(self.entries().len() as u32).to_le_bytes());
        header[32..64].copy_from_slice(vectors.seal());
        sealed::seal(&mut header, &hash(body));
        out.write_all(&header)?;
        out.write_all(body)
    }

    /// Gives `then` the `breadth` nearest that a walk finds, best first.
    pub(super) fn nearest<R>(
        &self,
        vectors: &Vectors,
        query: &[i8],
        breadth: usize,
        then: impl FnOnce(&[Near]) -> R,
    ) -> R {
        let codes = Codes {
            bytes: vectors.codes(),
            count: self.count,
        };
        let neighbours = |number: u32| {
            let start = number as usize * DEGREE;
            present(&self.rows()[start..start + DEGREE])
        };
        walk(codes, query, self.entries(), neighbours, breadth, then)
    }

    /// Vectors where a walk begins: a random sample.
    pub(super) fn entries(&self) -> &[u32] {
        bytemuck::cast_slice(&self.bytes.as_slice()[self.entries.clone()])
    }

    fn rows(&self) -> &[u32] {
        bytemuck::cast_slice(&self.bytes.as_slice()[self.neighbours.clone()])
    }

    /// Bytes held, in memory or on disk.
    pub(super) fn length(&self) -> usize {
        self.bytes.as_slice().len()
    }
}
