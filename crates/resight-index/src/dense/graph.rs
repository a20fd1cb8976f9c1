//! A graph over the codes of one segment, along which a search finds the nearest vectors without
//! scanning all.
//!
//! Each vector has edges to at most [`DEGREE`] others, chosen so that each leads somewhere the
//! others do not (Subramanya et al. 2019, DiskANN). In a cluster of more vectors than that, all edges
//! of a vector stay within its cluster. So one vector in [`THINNING`] has edges in a second layer as
//! well, one in `THINNING`² in a third, and so on (Malkov and Yashunin 2018): there clusters are
//! small, and edges lead from one to the next. A walk begins at the best of a random sample, about
//! twice the root of the number of vectors, and descends with all that it has found. So it reaches
//! the right cluster, or both clusters that a query lies between.

use std::io;
use std::ops::Range;

use super::vectors::{Vectors, hash, word};
use super::walk::{Codes, Near, walk};
use crate::file_header::{self, HEADER};
use crate::mapped::Bytes;

/// A vector has at most this many edges.
pub(super) const DEGREE: usize = 32;
/// One vector in this many is in the next layer too.
pub(super) const THINNING: usize = 4;
/// Vectors that a walk keeps in view in the upper layers.
pub(super) const UPPER_BREADTH: usize = 64;
/// Fills up the row of a vector with fewer edges.
pub(super) const NO_VECTOR: u32 = u32::MAX;

const MAGIC: [u8; 8] = *b"RSIGHTDG";
const VERSION: u32 = 2;

/// The edges of one segment's vectors.
///
/// Invariant: entries, members and neighbours are numbers of vectors; the members of a layer ascend.
#[derive(Debug)]
pub(super) struct Graph {
    bytes: Bytes,
    layout: Layout,
    count: usize,
}

/// Byte range of each part.
#[derive(Debug)]
struct Layout {
    entries: Range<usize>,
    /// Members and their rows, the coarsest layer first.
    upper: Vec<[Range<usize>; 2]>,
    /// Rows of all vectors.
    rows: Range<usize>,
}

/// Vectors that have edges among themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layer<'a> {
    /// Ascending.
    pub(super) members: &'a [u32],
    /// [`DEGREE`] numbers for each.
    pub(super) rows: &'a [u32],
}

impl<'a> Layer<'a> {
    fn neighbours(self, number: u32) -> &'a [u32] {
        match self.members.binary_search(&number) {
            Ok(at) => present(&self.rows[at * DEGREE..(at + 1) * DEGREE]),
            Err(_) => &[],
        }
    }
}

/// Number of vectors of each upper layer, the coarsest first; each is larger than the number of
/// entries.
pub(super) fn upper_sizes(count: usize, entries: usize) -> Vec<usize> {
    let thinned = |size: &usize| Some(size / THINNING);
    let sizes = std::iter::successors(Some(count / THINNING), thinned);
    let mut sizes: Vec<usize> = sizes.take_while(|&size| size > entries.max(1)).collect();
    sizes.reverse();
    sizes
}

/// Walks through the upper layers, then along `neighbours`; calls `then` with the `breadth` nearest,
/// best first.
pub(super) fn descend<'g, 'l, R>(
    codes: Codes<'_>,
    query: &[i8],
    entries: &[u32],
    upper: impl Iterator<Item = Layer<'l>>,
    neighbours: impl Fn(u32) -> &'g [u32],
    breadth: usize,
    then: impl FnOnce(&[Near]) -> R,
) -> R {
    let mut begins = Vec::new();
    for layer in upper {
        let from = if begins.is_empty() { entries } else { &begins };
        let numbers = |near: &[Near]| near.iter().map(|n| n.number).collect();
        let along = |number| layer.neighbours(number);
        begins = walk(codes, query, from, along, UPPER_BREADTH, numbers);
    }
    let from = if begins.is_empty() { entries } else { &begins };
    walk(codes, query, from, neighbours, breadth, then)
}

/// The edges of a row, without what fills it up.
pub(super) fn present(row: &[u32]) -> &[u32] {
    let length = row.iter().position(|&n| n == NO_VECTOR);
    &row[..length.unwrap_or(row.len())]
}

fn layout(count: usize, entries: usize) -> Option<Layout> {
    let mut at = HEADER;
    let mut part = |numbers: usize| {
        let start = at.checked_next_multiple_of(64)?;
        at = start.checked_add(numbers.checked_mul(4)?)?;
        Some(start..at)
    };
    let begins = part(entries)?;
    let upper = upper_sizes(count, entries).into_iter();
    let upper = upper.map(|size| Some([part(size)?, part(size.checked_mul(DEGREE)?)?]));
    let upper = upper.collect::<Option<_>>()?;
    Some(Layout {
        entries: begins,
        upper,
        rows: part(count.checked_mul(DEGREE)?)?,
    })
}

impl Graph {
    /// A graph of these entries, these upper layers, as many and as large as [`upper_sizes`] says, and
    /// [`DEGREE`] numbers for each vector, with [`NO_VECTOR`] after the last.
    pub(super) fn of<'a>(
        entries: &[u32],
        upper: impl Iterator<Item = Layer<'a>>,
        rows: &[u32],
    ) -> Self {
        let count = rows.len() / DEGREE;
        // Lengths of what is in memory.
        let layout = layout(count, entries.len()).unwrap_or_else(|| unreachable!());
        let mut words = vec![0u64; layout.rows.end.div_ceil(8)];
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        let mut put = |range: &Range<usize>, numbers: &[u32]| {
            bytes[range.clone()].copy_from_slice(bytemuck::cast_slice(numbers));
        };
        put(&layout.entries, entries);
        for ([members, edges], layer) in layout.upper.iter().zip(upper) {
            put(members, layer.members);
            put(edges, layer.rows);
        }
        put(&layout.rows, rows);
        Self {
            bytes: Bytes::Owned(words, layout.rows.end),
            layout,
            count,
        }
    }

    /// Reads what [`Graph::write`] wrote for the same vectors.
    ///
    /// Errors: why the bytes are refused, as a clause for the log.
    pub(super) fn open(bytes: Bytes, vectors: &Vectors) -> Result<Self, &'static str> {
        const DAMAGED: &str = "it is damaged";
        let all = bytes.as_slice();
        let (header, body) = file_header::split(all, &MAGIC).ok_or(DAMAGED)?;
        if !file_header::has_version(header, VERSION) || word(header, 12) as usize != DEGREE {
            return Err("it was made by another version of the format");
        }
        if header[32..64] != *vectors.identity() {
            return Err("it was made for other vectors");
        }
        let whole = file_header::is_intact(header);
        let (count, begins) = (word(header, 16) as usize, word(header, 20) as usize);
        let layout = layout(count, begins)
            .filter(|l| whole && count == vectors.keys().len() && l.rows.end == all.len())
            .ok_or(DAMAGED)?;
        if !file_header::covers(header, &hash(body)) {
            return Err(DAMAGED);
        }
        let graph = Self {
            bytes,
            layout,
            count,
        };
        let are_vectors = |numbers: &[u32], may_end| {
            let is_vector = |n: &u32| (*n as usize) < count || may_end && *n == NO_VECTOR;
            numbers.iter().all(is_vector)
        };
        let is_valid = are_vectors(graph.entries(), false)
            && are_vectors(graph.rows(), true)
            && graph.upper().all(|l| {
                l.members.is_sorted() && are_vectors(l.members, false) && are_vectors(l.rows, true)
            });
        is_valid.then_some(graph).ok_or(DAMAGED)
    }

    /// Writes the bytes behind a header that lets them be opened again with these vectors.
    pub(super) fn write(&self, vectors: &Vectors, out: &mut dyn io::Write) -> io::Result<()> {
        let body = &self.bytes.as_slice()[HEADER..];
        let mut header = file_header::new(&MAGIC, VERSION);
        header[12..16].copy_from_slice(&(DEGREE as u32).to_le_bytes());
        header[16..20].copy_from_slice(&(self.count as u32).to_le_bytes());
        header[20..24].copy_from_slice(&(self.entries().len() as u32).to_le_bytes());
        header[32..64].copy_from_slice(vectors.identity());
        file_header::seal(&mut header, &hash(body));
        out.write_all(&header)?;
        out.write_all(body)
    }

    /// Calls `then` with the `breadth` nearest that a walk finds, best first.
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
        let (entries, upper) = (self.entries(), self.upper());
        descend(codes, query, entries, upper, neighbours, breadth, then)
    }

    fn numbers(&self, range: &Range<usize>) -> &[u32] {
        bytemuck::cast_slice(&self.bytes.as_slice()[range.clone()])
    }

    /// The upper layers, the coarsest first.
    fn upper(&self) -> impl Iterator<Item = Layer<'_>> {
        self.layout.upper.iter().map(|[members, rows]| Layer {
            members: self.numbers(members),
            rows: self.numbers(rows),
        })
    }

    /// The vectors at which a walk begins: a random sample.
    pub(super) fn entries(&self) -> &[u32] {
        self.numbers(&self.layout.entries)
    }

    fn rows(&self) -> &[u32] {
        self.numbers(&self.layout.rows)
    }

    /// Bytes in memory or on disk.
    pub(super) fn length(&self) -> usize {
        self.bytes.as_slice().len()
    }
}
