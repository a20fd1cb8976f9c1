//! Search among 64-bit binary signatures by Hamming distance (Hamming embedding: Jégou, Douze and
//! Schmid, ECCV 2008).

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::dispatch::Simd;

/// Calls `found` with the index and the Hamming distance of each of `signatures` that differs from
/// `query` in at most `most` bits, in ascending order of indices.
#[inline]
pub fn within(
    simd: Simd,
    signatures: &[u64],
    query: u64,
    most: u32,
    mut found: impl FnMut(usize, u32),
) {
    #[cfg(target_arch = "x86_64")]
    if x86::has(simd) {
        x86::near(simd, signatures, query, most, &mut found);
        return;
    }
    #[cfg(target_arch = "aarch64")]
    if neon::has(simd) {
        neon::near(simd, signatures, query, most, &mut found);
        return;
    }
    plain(simd, signatures, query, most, &mut found);
}

/// Prefetches the first cache lines of `items`.
#[inline]
pub fn prefetch<T>(items: &[T]) {
    #[cfg(target_arch = "x86_64")]
    x86::prefetch(items);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = items;
}

/// Signatures whose distances are counted together.
const BLOCK: usize = 64;

fn plain(
    simd: Simd,
    signatures: &[u64],
    query: u64,
    most: u32,
    found: &mut impl FnMut(usize, u32),
) {
    let mut distances = [0u8; BLOCK];
    for (block, signatures) in signatures.chunks(BLOCK).enumerate() {
        count(simd, signatures, query, &mut distances);
        for (i, &distance) in distances[..signatures.len()].iter().enumerate() {
            if u32::from(distance) <= most {
                found(block * BLOCK + i, u32::from(distance));
            }
        }
    }
}

crate::dispatch::widest!(
    fn count(signatures: &[u64], query: u64, distances: &mut [u8; BLOCK]) = count_body
);

#[inline(always)]
fn count_body(signatures: &[u64], query: u64, distances: &mut [u8; BLOCK]) {
    for (distance, signature) in distances.iter_mut().zip(signatures) {
        *distance = (signature ^ query).count_ones() as u8;
    }
}

#[cfg(test)]
mod tests {
    use resight_test_support::Random;

    use super::*;

    #[test]
    fn every_path_finds_the_signatures_within_the_bound() {
        let mut random = Random::new(9);
        for length in [0, 1, 7, 8, 9, 63, 64, 65, 200, 1000] {
            let mut signatures: Vec<u64> = (0..length).map(|_| random.next_u64()).collect();
            let equal = random.next_u64();
            if let Some(last) = signatures.last_mut() {
                *last = equal;
            }
            for (query, most) in [
                (random.next_u64(), 24),
                (random.next_u64(), 32),
                (equal, 0),
                (0, 64),
                (u64::MAX, 0),
            ] {
                let want: Vec<(usize, u32)> = (0..length)
                    .map(|i| (i, (signatures[i] ^ query).count_ones()))
                    .filter(|(_, distance)| *distance <= most)
                    .collect();
                for &simd in Simd::available() {
                    let mut got = Vec::new();
                    within(simd, &signatures, query, most, |i, d| got.push((i, d)));
                    assert_eq!(got, want, "{}", simd.name());
                    let mut twin = Vec::new();
                    plain(simd, &signatures, query, most, &mut |i, d| {
                        twin.push((i, d))
                    });
                    assert_eq!(twin, want, "plain, {}", simd.name());
                }
            }
        }
    }
}
