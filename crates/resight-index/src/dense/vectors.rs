//! An immutable run of vectors: their keys, their codes, and themselves in half precision.
//!
//! It is one run of bytes, the same in memory and on disk; `docs/index-format.md` has the layout.

use std::io;
use std::ops::Range;

use super::code::{encode, fitted_step};
use super::fault::MAX_DIMENSION;
use super::vector::to_halves;
use crate::Key;
use crate::file_header::{self, HEADER};
use crate::live::LiveSegment;
use crate::mapped::Bytes;
use crate::segment_file::Keyed;

/// A segment has at most this many vectors: a graph of so many is rebuilt in minutes.
pub(super) const MAX_VECTORS: usize = 1 << 20;

const MAGIC: [u8; 8] = *b"RSIGHTDV";
const VERSION: u32 = 1;
/// Parts begin at multiples of a cache line.
const ALIGNED: usize = 64;

/// A run of vectors.
///
/// Invariant: keys ascend.
#[derive(Debug)]
pub(super) struct Vectors {
    bytes: Bytes,
    layout: Layout,
    dimension: usize,
    step: f32,
}

#[derive(Clone, Debug)]
struct Layout {
    keys: Range<usize>,
    missed: Range<usize>,
    codes: Range<usize>,
    halves: Range<usize>,
}

impl Layout {
    /// `None` when the lengths overflow.
    fn of(count: usize, dimension: usize) -> Option<Self> {
        let mut at = HEADER;
        let mut part = |size: usize| {
            let range = at..at.checked_add(count.checked_mul(size)?)?;
            at = range.end.checked_next_multiple_of(ALIGNED)?;
            Some(range)
        };
        Some(Self {
            keys: part(8)?,
            missed: part(4)?,
            codes: part(dimension)?,
            halves: part(dimension.checked_mul(2)?)?,
        })
    }
}

impl Vectors {
    /// Builds a run of unit vectors, in any order of keys, each key once.
    pub(super) fn build(vectors: &[(Key, Vec<f32>)], dimension: usize) -> Self {
        let mut order: Vec<usize> = (0..vectors.len()).collect();
        order.sort_unstable_by_key(|&i| vectors[i].0);
        Self::of(order.len(), dimension, |keys, halves| {
            let rows = halves.chunks_exact_mut(dimension);
            for ((row, key), &i) in rows.zip(keys).zip(&order) {
                *key = vectors[i].0.0;
                to_halves(&vectors[i].1, row);
            }
        })
    }

    /// The live vectors of all `parts`; a key is live in one part only.
    pub(super) fn merge<S: Keyed + AsRef<Self>>(
        parts: &[&LiveSegment<S>],
        dimension: usize,
    ) -> Self {
        let mut order = Vec::with_capacity(parts.iter().map(|p| p.len()).sum());
        for (part, number) in parts.iter().zip(0u32..) {
            let keys = part.segment.keys().iter().zip(0u32..);
            let live = keys.filter(|k| part.is_live(k.1));
            order.extend(live.map(|(&key, at)| (key, number, at)));
        }
        order.sort_unstable();
        Self::of(order.len(), dimension, |keys, halves| {
            let rows = halves.chunks_exact_mut(dimension);
            for ((row, to), &(key, part, at)) in rows.zip(keys).zip(&order) {
                *to = key;
                row.copy_from_slice((*parts[part as usize].segment).as_ref().halves(at));
            }
        })
    }

    /// A run of `count` vectors whose keys and halves `fill` writes.
    fn of(count: usize, dimension: usize, fill: impl FnOnce(&mut [u64], &mut [u16])) -> Self {
        // Lengths of what is in memory, and a dimension that was checked.
        let layout = Layout::of(count, dimension).unwrap_or_else(|| unreachable!());
        let mut words = vec![0u64; layout.halves.end.div_ceil(8)];
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        let (front, halves) = bytes.split_at_mut(layout.halves.start);
        let (front, codes) = front.split_at_mut(layout.codes.start);
        let (front, missed) = front.split_at_mut(layout.missed.start);
        let halves = &mut halves[..layout.halves.len()];
        let halves: &mut [u16] = bytemuck::cast_slice_mut(halves);
        fill(
            bytemuck::cast_slice_mut(&mut front[layout.keys.clone()]),
            halves,
        );
        let step = fitted_step(halves, dimension);
        let missed: &mut [f32] = bytemuck::cast_slice_mut(&mut missed[..layout.missed.len()]);
        let mut floats = vec![0.0; dimension];
        let codes = codes.chunks_exact_mut(dimension);
        for ((row, codes), missed) in halves.chunks_exact(dimension).zip(codes).zip(missed) {
            *missed = encode(row, step, &mut floats, codes);
        }
        Self {
            bytes: Bytes::Owned(words, layout.halves.end),
            layout,
            dimension,
            step,
        }
    }

    /// Reads what [`Vectors::write`] wrote for this owner.
    ///
    /// Errors: why the bytes are refused, as a clause for the log.
    pub(super) fn open(bytes: Bytes, owner: &[u8; 16]) -> Result<Self, &'static str> {
        const DAMAGED: &str = "it is damaged";
        let all = bytes.as_slice();
        let (header, body) = file_header::split(all, &MAGIC).ok_or(DAMAGED)?;
        if !file_header::has_version(header, VERSION) {
            return Err("it was made by another version of the format");
        }
        if header[40..56] != *owner {
            return Err("it was made with another model");
        }
        let whole = file_header::is_intact(header);
        let dimension = word(header, 12) as usize;
        let count = u64::from(word(header, 16)) | u64::from(word(header, 20)) << 32;
        let layout = usize::try_from(count)
            .ok()
            .filter(|&n| whole && n <= MAX_VECTORS && (1..=MAX_DIMENSION).contains(&dimension))
            .and_then(|n| Layout::of(n, dimension))
            .filter(|layout| layout.halves.end == all.len())
            .ok_or(DAMAGED)?;
        if !file_header::covers(header, &hash(body)) {
            return Err(DAMAGED);
        }
        let step = f32::from_bits(word(header, 24));
        Ok(Self {
            bytes,
            layout,
            dimension,
            step,
        })
    }

    /// Writes the bytes behind a header that lets them be opened again.
    pub(super) fn write(&self, owner: &[u8; 16], out: &mut dyn io::Write) -> io::Result<()> {
        let body = &self.bytes.as_slice()[HEADER..];
        let mut header = file_header::new(&MAGIC, VERSION);
        header[12..16].copy_from_slice(&(self.dimension as u32).to_le_bytes());
        header[16..24].copy_from_slice(&(self.keys().len() as u64).to_le_bytes());
        header[24..28].copy_from_slice(&self.step.to_le_bytes());
        header[40..56].copy_from_slice(owner);
        file_header::seal(&mut header, &hash(body));
        out.write_all(&header)?;
        out.write_all(body)
    }

    /// Identifies the contents of a run read from a file; zeros for one in memory.
    pub(super) fn identity(&self) -> &[u8] {
        file_header::own_hash(self.bytes.as_slice())
    }

    pub(super) fn keys(&self) -> &[u64] {
        self.part(&self.layout.keys)
    }

    /// The length of each vector's difference to its code.
    pub(super) fn missed(&self) -> &[f32] {
        self.part(&self.layout.missed)
    }

    /// The codes, end to end.
    pub(super) fn codes(&self) -> &[u8] {
        &self.bytes.as_slice()[self.layout.codes.clone()]
    }

    /// The code of one vector.
    pub(super) fn code(&self, number: u32) -> &[u8] {
        let start = number as usize * self.dimension;
        &self.codes()[start..start + self.dimension]
    }

    /// One vector in half precision, as bits.
    pub(super) fn halves(&self, number: u32) -> &[u16] {
        let start = number as usize * self.dimension;
        &self.part(&self.layout.halves)[start..start + self.dimension]
    }

    pub(super) fn dimension(&self) -> usize {
        self.dimension
    }

    pub(super) fn step(&self) -> f32 {
        self.step
    }

    /// Bytes in memory or on disk.
    pub(super) fn length(&self) -> usize {
        self.bytes.as_slice().len()
    }

    fn part<T: bytemuck::Pod>(&self, range: &Range<usize>) -> &[T] {
        // Parts begin at multiples of 64, and the memory at one of 8.
        bytemuck::cast_slice(&self.bytes.as_slice()[range.clone()])
    }
}

/// The little-endian number at `at`.
pub(super) fn word(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

/// BLAKE3, in parallel: bodies may be gigabytes.
pub(super) fn hash(bytes: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new()
        .update_rayon(bytes)
        .finalize()
        .as_bytes()
}
