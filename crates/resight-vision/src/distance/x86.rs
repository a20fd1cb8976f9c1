//! Distances of 128-byte descriptors with SSE2, AVX2 and AVX-512 instructions, four rows at a time; the
//! twin in plain Rust is `plain_body` of the parent.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use crate::dispatch::{Level, Simd};

/// The only length served here: SIFT's.
pub(super) const LENGTH: usize = 128;

type Row = [u8; LENGTH];

/// Appends the distances; panics without AVX-512 or unless `query` has [`LENGTH`] bytes.
#[inline]
pub(super) fn avx512(simd: Simd, query: &[u8], rows: &[u8], out: &mut Vec<u32>) {
    assert!(simd.level() == Level::Avx512);
    // SAFETY: a `Simd` of this level exists only where the processor has all these features.
    unsafe { avx512_rows(query, rows, out) }
}

/// Appends the distances; panics without AVX2 or unless `query` has [`LENGTH`] bytes.
#[inline]
pub(super) fn avx2(simd: Simd, query: &[u8], rows: &[u8], out: &mut Vec<u32>) {
    assert!(simd.level() >= Level::Avx2);
    // SAFETY: a `Simd` of this level or a wider one exists only where the processor has AVX2.
    unsafe { avx2_rows(query, rows, out) }
}

/// Appends the distances; panics without SSE2 or unless `query` has [`LENGTH`] bytes.
#[inline]
pub(super) fn sse2(simd: Simd, query: &[u8], rows: &[u8], out: &mut Vec<u32>) {
    assert!(simd.level() >= Level::Sse2);
    // SAFETY: a `Simd` of this level or a wider one exists only where the processor has SSE2.
    unsafe { sse2_rows(query, rows, out) }
}

/// Appends the results of `four` for each four rows. In an incomplete group the last row stands for
/// the missing ones.
macro_rules! by_fours {
    ($rows:expr, $out:expr, $four:expr) => {{
        let (rows, _) = $rows.as_chunks::<LENGTH>();
        let (fours, rest) = rows.as_chunks::<4>();
        $out.reserve(rows.len());
        for four in fours {
            $out.extend_from_slice(&$four([&four[0], &four[1], &four[2], &four[3]]));
        }
        if let Some(last) = rest.last() {
            let row = |i: usize| rest.get(i).unwrap_or(last);
            let four = $four([row(0), row(1), row(2), last]);
            $out.extend_from_slice(&four[..rest.len()]);
        }
    }};
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: 64 readable bytes; no alignment is required.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn to_array(v: __m128i) -> [u32; 4] {
    let mut out = [0; 4];
    // SAFETY: 16 writable bytes; no alignment is required.
    unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), v) };
    out
}

/// The multiply-add requires one side to be signed bytes, so 128 is subtracted from them:
/// Σ(a−b)² = Σa² + Σb(b−128) + Σb(−128) − 2 Σb(a−128). Intermediate sums may wrap.
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn avx512_rows(query: &[u8], rows: &[u8], out: &mut Vec<u32>) {
    let (halves, _) = query.as_chunks::<64>();
    let top = _mm512_set1_epi8(-128);
    // No `map` or `sum` here: those functions are compiled without these instructions, so closures
    // with them could not be inlined.
    let shifted = [
        _mm512_xor_si512(load(&halves[0]), top),
        _mm512_xor_si512(load(&halves[1]), top),
    ];
    let mut norm = 0u32;
    for &a in query {
        norm += u32::from(a) * u32::from(a);
    }
    let norm = _mm_set1_epi32(norm as i32);
    let row = |row: &Row| {
        let (halves, _) = row.as_chunks::<64>();
        let mut own = _mm512_setzero_si512();
        let mut own_shift = _mm512_setzero_si512();
        let mut product = _mm512_setzero_si512();
        for half in 0..2 {
            let b = load(&halves[half]);
            own = _mm512_dpbusd_epi32(own, b, _mm512_xor_si512(b, top));
            own_shift = _mm512_dpbusd_epi32(own_shift, b, top);
            product = _mm512_dpbusd_epi32(product, b, shifted[half]);
        }
        let own = _mm512_add_epi32(own, own_shift);
        _mm512_sub_epi32(own, _mm512_slli_epi32::<1>(product))
    };
    let add_pairs = |a: __m512i, b: __m512i| {
        _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b))
    };
    let four = |rows: [&Row; 4]| {
        let (a, b, c, d) = (row(rows[0]), row(rows[1]), row(rows[2]), row(rows[3]));
        let (ab, cd) = (add_pairs(a, b), add_pairs(c, d));
        let all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
        let (low, high) = (
            _mm512_castsi512_si256(all),
            _mm512_extracti64x4_epi64::<1>(all),
        );
        let sum = _mm256_add_epi32(low, high);
        let (low, high) = (
            _mm256_castsi256_si128(sum),
            _mm256_extracti128_si256::<1>(sum),
        );
        to_array(_mm_add_epi32(_mm_add_epi32(low, high), norm))
    };
    by_fours!(rows, out, four);
}

#[inline]
#[target_feature(enable = "avx2")]
fn widen(bytes: &[u8; 16]) -> __m256i {
    // SAFETY: 16 readable bytes; no alignment is required.
    _mm256_cvtepu8_epi16(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}

#[target_feature(enable = "avx2")]
fn avx2_rows(query: &[u8], rows: &[u8], out: &mut Vec<u32>) {
    let mut wide = [_mm256_setzero_si256(); 8];
    for (wide, bytes) in wide.iter_mut().zip(query.as_chunks::<16>().0) {
        *wide = widen(bytes);
    }
    let row = |row: &Row| {
        let mut sum = _mm256_setzero_si256();
        for (&a, b) in wide.iter().zip(row.as_chunks::<16>().0) {
            let difference = _mm256_sub_epi16(a, widen(b));
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(difference, difference));
        }
        sum
    };
    let four = |rows: [&Row; 4]| {
        let (a, b, c, d) = (row(rows[0]), row(rows[1]), row(rows[2]), row(rows[3]));
        let all = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
        let (low, high) = (
            _mm256_castsi256_si128(all),
            _mm256_extracti128_si256::<1>(all),
        );
        to_array(_mm_add_epi32(low, high))
    };
    by_fours!(rows, out, four);
}

/// The lower and the upper eight bytes, each widened to 16 bits.
#[inline]
#[target_feature(enable = "sse2")]
fn widen_halves(bytes: &[u8; 16]) -> [__m128i; 2] {
    // SAFETY: 16 readable bytes; no alignment is required.
    let bytes = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
    let zero = _mm_setzero_si128();
    [
        _mm_unpacklo_epi8(bytes, zero),
        _mm_unpackhi_epi8(bytes, zero),
    ]
}

#[target_feature(enable = "sse2")]
fn sse2_rows(query: &[u8], rows: &[u8], out: &mut Vec<u32>) {
    let mut wide = [[_mm_setzero_si128(); 2]; 8];
    for (wide, bytes) in wide.iter_mut().zip(query.as_chunks::<16>().0) {
        *wide = widen_halves(bytes);
    }
    let row = |row: &Row| {
        // Two sums, so that one addition need not wait for the one before it.
        let mut sums = [_mm_setzero_si128(); 2];
        for (a, b) in wide.iter().zip(row.as_chunks::<16>().0) {
            let b = widen_halves(b);
            for half in 0..2 {
                let difference = _mm_sub_epi16(a[half], b[half]);
                let squares = _mm_madd_epi16(difference, difference);
                sums[half] = _mm_add_epi32(sums[half], squares);
            }
        }
        _mm_add_epi32(sums[0], sums[1])
    };
    let add_pairs =
        |a: __m128i, b: __m128i| _mm_add_epi32(_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
    let four = |rows: [&Row; 4]| {
        let ab = add_pairs(row(rows[0]), row(rows[1]));
        let cd = add_pairs(row(rows[2]), row(rows[3]));
        to_array(_mm_add_epi32(
            _mm_unpacklo_epi64(ab, cd),
            _mm_unpackhi_epi64(ab, cd),
        ))
    };
    by_fours!(rows, out, four);
}
