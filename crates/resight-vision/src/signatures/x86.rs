//! Eight signatures at a time, with the instruction that counts bits in each of eight words (Ice
//! Lake, Zen 4). The twin is `plain` in the module above.

#![allow(unsafe_code)]

use std::arch::x86_64::{
    _MM_HINT_T1, _mm_prefetch, _mm512_cmple_epu64_mask, _mm512_loadu_si512, _mm512_popcnt_epi64,
    _mm512_set1_epi64, _mm512_xor_si512,
};

use crate::dispatch::{Level, Simd};

/// Whether [`near`] works on this level.
#[inline]
pub(super) fn has(simd: Simd) -> bool {
    simd.level() == Level::Avx512 && is_x86_feature_detected!("avx512vpopcntdq")
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
    // SAFETY: the processor has AVX-512 F, or there would be no `Simd` of this level, and it has
    // been asked for the other.
    unsafe { near_by_eight(signatures, query, most, found) }
}

#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn near_by_eight(signatures: &[u64], query: u64, most: u32, found: &mut impl FnMut(usize, u32)) {
    let (wanted, bound) = (
        _mm512_set1_epi64(query.cast_signed()),
        _mm512_set1_epi64(i64::from(most)),
    );
    let (eights, rest) = signatures.as_chunks::<8>();
    for (i, eight) in eights.iter().enumerate() {
        // SAFETY: `eight` is 64 bytes; the load asks for no alignment.
        let eight_words = unsafe { _mm512_loadu_si512(eight.as_ptr().cast()) };
        let distances = _mm512_popcnt_epi64(_mm512_xor_si512(eight_words, wanted));
        let mut near = _mm512_cmple_epu64_mask(distances, bound);
        while near != 0 {
            let at = near.trailing_zeros() as usize;
            near &= near - 1;
            found(8 * i + at, (eight[at] ^ query).count_ones());
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
/// Lines asked for at most: memory's own prefetcher goes on from there.
const MOST_LINES: usize = 256;

pub(super) fn prefetch<T>(items: &[T]) {
    let bytes = size_of_val(items);
    let start: *const i8 = items.as_ptr().cast();
    for line in 0..bytes.div_ceil(LINE).min(MOST_LINES) {
        // SAFETY: an address that is only asked for is never read, and this one lies inside `items`.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(start.add(line * LINE)) };
    }
}
