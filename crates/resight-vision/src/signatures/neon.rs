//! Sixteen signatures at a time, with the instruction that counts the bits of each byte. The twin is
//! `plain` in the module above.

#![allow(unsafe_code)]

use std::arch::aarch64::*;

use crate::dispatch::{Level, Simd};

/// Whether [`near`] works on this level.
#[inline]
pub(super) fn has(simd: Simd) -> bool {
    simd.level() >= Level::Neon
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
    let (groups, rest) = signatures.as_chunks::<16>();
    // No distance is above 64.
    let bound = most.min(64) as u8;
    for (group, signatures) in groups.iter().enumerate() {
        // SAFETY: a `Simd` of this level exists only where the processor has NEON.
        let (distances, any) = unsafe { distances(signatures, query, bound) };
        // Near signatures are few.
        if any {
            for (i, distance) in distances.into_iter().enumerate() {
                if distance <= bound {
                    found(16 * group + i, u32::from(distance));
                }
            }
        }
    }
    for (i, signature) in rest.iter().enumerate() {
        let distance = (signature ^ query).count_ones();
        if distance <= most {
            found(16 * groups.len() + i, distance);
        }
    }
}

/// The distances, and whether any is at most `bound`.
#[target_feature(enable = "neon")]
fn distances(signatures: &[u64; 16], query: u64, bound: u8) -> ([u8; 16], bool) {
    let query = vdupq_n_u64(query);
    let mut counts = [vdupq_n_u8(0); 8];
    for (counts, pair) in counts.iter_mut().zip(signatures.as_chunks::<2>().0) {
        // SAFETY: 16 readable bytes; no alignment is required.
        let pair = unsafe { vld1q_u64(pair.as_ptr()) };
        *counts = vcntq_u8(vreinterpretq_u8_u64(veorq_u64(pair, query)));
    }
    // Neighbouring counts are added three times; a sum of eight is at most 64.
    let fours = [
        vpaddq_u8(counts[0], counts[1]),
        vpaddq_u8(counts[2], counts[3]),
        vpaddq_u8(counts[4], counts[5]),
        vpaddq_u8(counts[6], counts[7]),
    ];
    let twos = [vpaddq_u8(fours[0], fours[1]), vpaddq_u8(fours[2], fours[3])];
    let all = vpaddq_u8(twos[0], twos[1]);
    let mut distances = [0; 16];
    // SAFETY: 16 writable bytes; no alignment is required.
    unsafe { vst1q_u8(distances.as_mut_ptr(), all) };
    (distances, vminvq_u8(all) <= bound)
}
