//! Eight signatures at a time, with the instruction that counts bits in each of eight words (Ice
//! Lake, Zen 4). The twin is `plain` in the module above.

#![allow(unsafe_code)]

use std::arch::x86_64::{
    _MM_HINT_T1, _mm_prefetch, _mm512_add_epi64, _mm512_cmple_epu64_mask, _mm512_loadu_si512,
    _mm512_maskz_compress_epi64, _mm512_or_si512, _mm512_popcnt_epi64, _mm512_set_epi64,
    _mm512_set1_epi64, _mm512_slli_epi64, _mm512_storeu_si512, _mm512_xor_si512,
};

use crate::dispatch::{Level, Simd};

/// Whether [`near`] works on this level.
#[inline]
pub(super) fn has(simd: Simd) -> bool {
    simd.level() == Level::Avx512
        && is_x86_feature_detected!("avx512vpopcntdq")
        && is_x86_feature_detected!("popcnt")
}

/// As `within`; panics unless [`has`].
pub(super) fn near(
    simd: Simd,
    signatures: &[u64],
    query: u64,
    most: u32,
    found: &mut impl FnMut(usize, u32),
) {
    assert!(has(simd));
    // SAFETY: a `Simd` of this level proves AVX-512 F, and `has` checks the other features.
    unsafe { near_by_eight(signatures, query, most, found) }
}

/// Groups of eight whose near signatures are gathered before `found` is called.
const TOGETHER: usize = 16;

/// Near signatures are few, at unpredictable places. They are gathered without a branch, because
/// mispredicted branches took longer than the comparison.
#[target_feature(enable = "avx512f,avx512vpopcntdq,popcnt")]
fn near_by_eight(signatures: &[u64], query: u64, most: u32, found: &mut impl FnMut(usize, u32)) {
    let (query_lanes, bound) = (
        _mm512_set1_epi64(query.cast_signed()),
        _mm512_set1_epi64(i64::from(most)),
    );
    // A hit has its index in the upper half of a word and its distance in the lower.
    let lanes = _mm512_slli_epi64::<32>(_mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
    let mut gathered = [0u64; 8 * TOGETHER];
    let (eights, rest) = signatures.as_chunks::<8>();
    for (run, eights) in eights.chunks(TOGETHER).enumerate() {
        let mut count = 0;
        for (i, eight) in eights.iter().enumerate() {
            // SAFETY: `eight` is 64 readable bytes; no alignment is required.
            let eight = unsafe { _mm512_loadu_si512(eight.as_ptr().cast()) };
            let distances = _mm512_popcnt_epi64(_mm512_xor_si512(eight, query_lanes));
            let near = _mm512_cmple_epu64_mask(distances, bound);
            let first = _mm512_set1_epi64(((8 * (run * TOGETHER + i)) << 32).cast_signed() as i64);
            let all = _mm512_or_si512(_mm512_add_epi64(first, lanes), distances);
            let hits = _mm512_maskz_compress_epi64(near, all);
            let room = &mut gathered[count..count + 8];
            // SAFETY: `room` is 64 writable bytes; no alignment is required.
            unsafe { _mm512_storeu_si512(room.as_mut_ptr().cast(), hits) };
            count += near.count_ones() as usize;
        }
        for &hit in &gathered[..count] {
            found((hit >> 32) as usize, hit as u32);
        }
    }
    for (i, signature) in rest.iter().enumerate() {
        let distance = (signature ^ query).count_ones();
        if distance <= most {
            found(8 * eights.len() + i, distance);
        }
    }
}

/// Bytes of a cache line.
const LINE: usize = 64;
/// Most lines prefetched; the processor's own prefetcher continues from there.
const MOST_LINES: usize = 256;

pub(super) fn prefetch<T>(items: &[T]) {
    let bytes = size_of_val(items);
    let start: *const i8 = items.as_ptr().cast();
    for line in 0..bytes.div_ceil(LINE).min(MOST_LINES) {
        // SAFETY: a prefetch does not read its address, and this one lies inside `items`.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(start.add(line * LINE)) };
    }
}
