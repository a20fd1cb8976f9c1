//! Inner products with AVX-512 instructions; the twins in plain Rust are `all_body` and
//! `some_body` of the parent.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::row;
use crate::dispatch::{Level, Simd};

/// Appends the products; panics without AVX-512.
#[inline]
pub(super) fn all(simd: Simd, query: &[i8], rows: &[u8], out: &mut Vec<i32>) {
    assert!(simd.level() == Level::Avx512);
    // SAFETY: a `Simd` of this level exists only where the processor has all these features.
    unsafe { all_rows(query, rows, out) }
}

/// Appends the products; panics without AVX-512.
#[inline]
pub(super) fn some(simd: Simd, query: &[i8], rows: &[u8], numbers: &[u32], out: &mut Vec<i32>) {
    assert!(simd.level() == Level::Avx512);
    // SAFETY: a `Simd` of this level exists only where the processor has all these features.
    unsafe { some_rows(query, rows, numbers, out) }
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn all_rows(query: &[i8], rows: &[u8], out: &mut Vec<i32>) {
    let rows = rows.chunks_exact(query.len());
    out.reserve(rows.len());
    for row in rows {
        out.push(product(query, row));
    }
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn some_rows(query: &[i8], rows: &[u8], numbers: &[u32], out: &mut Vec<i32>) {
    out.reserve(numbers.len());
    for &number in numbers {
        out.push(product(query, row(rows, query.len(), number)));
    }
}

#[inline]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn product(query: &[i8], row: &[u8]) -> i32 {
    let (queries, query_rest) = query.as_chunks::<64>();
    let (bytes, rest) = row.as_chunks::<64>();
    // Two sums, so that one multiply-add need not wait for the one before it.
    let mut sums = [_mm512_setzero_si512(); 2];
    for (i, (query, bytes)) in queries.iter().zip(bytes).enumerate() {
        // SAFETY: 64 readable bytes each; no alignment is required.
        let (query, bytes) = unsafe {
            (
                _mm512_loadu_si512(query.as_ptr().cast()),
                _mm512_loadu_si512(bytes.as_ptr().cast()),
            )
        };
        sums[i % 2] = _mm512_dpbusd_epi32(sums[i % 2], bytes, query);
    }
    let mut sum = _mm512_reduce_add_epi32(_mm512_add_epi32(sums[0], sums[1]));
    for (&q, &r) in query_rest.iter().zip(rest) {
        sum += i32::from(q) * i32::from(r);
    }
    sum
}
