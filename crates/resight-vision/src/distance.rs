//! Squared Euclidean distance of byte descriptors: the innermost loop of matching and of the
//! assignment of visual words.

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use crate::dispatch::Level;
use crate::dispatch::{Simd, widest};

/// The squared differences of this many bytes sum to less than 2³¹.
const PIECE: usize = 1 << 15;

#[inline(always)]
fn squared(a: &[u8], b: &[u8]) -> u32 {
    let mut sum = 0i32;
    for (&x, &y) in a.iter().zip(b) {
        // Differences of 16 bits compile to the pair multiply-add of every SIMD set.
        let d = i16::from(x) - i16::from(y);
        sum += i32::from(d) * i32::from(d);
    }
    sum as u32
}

/// As [`squared`], for any length.
#[inline(always)]
fn squared_long(a: &[u8], b: &[u8]) -> u32 {
    let pieces = a.chunks(PIECE).zip(b.chunks(PIECE));
    pieces.fold(0, |sum: u32, (a, b)| sum.saturating_add(squared(a, b)))
}

#[inline(always)]
fn plain_body(query: &[u8], rows: &[u8], out: &mut Vec<u32>) {
    if let Ok(query) = <&[u8; 128]>::try_from(query) {
        // With a constant length the compiler keeps the query in registers.
        out.extend(rows.chunks_exact(128).map(|row| squared(query, row)));
    } else if query.len() <= PIECE {
        let rows = rows.chunks_exact(query.len());
        out.extend(rows.map(|row| squared(query, row)));
    } else {
        let rows = rows.chunks_exact(query.len());
        out.extend(rows.map(|row| squared_long(query, row)));
    }
}

widest! {
    fn plain(query: &[u8], rows: &[u8], out: &mut Vec<u32>) = plain_body
}

/// Writes the squared distances from `query` to each row of `rows` to `out`. `rows` holds
/// descriptors of the same length end to end; an incomplete last row is ignored. Distances from
/// 2³² on, which only descriptors of more than 66,051 bytes can have, become `u32::MAX`.
pub fn squared_distances(query: &[u8], rows: &[u8], out: &mut Vec<u32>) {
    squared_distances_on(Simd::widest(), query, rows, out);
}

/// As [`squared_distances`], with the instructions of `simd`.
#[inline]
pub(crate) fn squared_distances_on(simd: Simd, query: &[u8], rows: &[u8], out: &mut Vec<u32>) {
    out.clear();
    if query.is_empty() {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if query.len() == x86::LENGTH {
        match simd.level() {
            Level::Avx512 => return x86::avx512(simd, query, rows, out),
            Level::Avx2 => return x86::avx2(simd, query, rows, out),
            Level::Sse42 | Level::Sse2 => return x86::sse2(simd, query, rows, out),
            Level::Plain => {}
        }
    }
    #[cfg(target_arch = "aarch64")]
    if let Ok(query) = <&[u8; neon::LENGTH]>::try_from(query) {
        match simd.level() {
            Level::Dotprod => return neon::dotprod(simd, query, rows, out),
            Level::Neon => return neon::neon(simd, query, rows, out),
            Level::Plain => {}
        }
    }
    plain(simd, query, rows, out);
}

#[cfg(test)]
mod tests;
