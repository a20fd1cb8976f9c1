//! Inner products of byte codes: the innermost loop of a search by global descriptors.
//!
//! One side is unsigned and the other signed, as the multiply-add of every SIMD set requires. Sums
//! are whole numbers, so all paths agree.

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use crate::dispatch::Level;
use crate::dispatch::{Simd, prefetch, widest};

/// Most bytes of a code: 255 · 128 · 2¹⁶ is less than 2³¹.
pub const LONGEST_CODE: usize = 1 << 16;

/// Bytes of a row that are prefetched; the processor's own prefetcher finds the rest.
const AHEAD: usize = 512;
const CACHE_LINE: usize = 64;

#[inline(always)]
fn product(query: &[i8], row: &[u8]) -> i32 {
    let mut sum = 0i32;
    for (&q, &r) in query.iter().zip(row) {
        // Factors of 16 bits compile to the pair multiply-add of every SIMD set.
        sum += i32::from(i16::from(q)) * i32::from(r as i16);
    }
    sum
}

#[inline(always)]
fn all_body(query: &[i8], rows: &[u8], out: &mut Vec<i32>) {
    let rows = rows.chunks_exact(query.len());
    out.extend(rows.map(|row| product(query, row)));
}

#[inline(always)]
fn some_body(query: &[i8], rows: &[u8], numbers: &[u32], out: &mut Vec<i32>) {
    out.extend(
        numbers
            .iter()
            .map(|&n| product(query, row(rows, query.len(), n))),
    );
}

/// The row of this number; empty where there is none.
#[inline(always)]
fn row(rows: &[u8], length: usize, number: u32) -> &[u8] {
    let start = number as usize * length;
    rows.get(start..start + length).unwrap_or_default()
}

widest! {
    fn all(query: &[i8], rows: &[u8], out: &mut Vec<i32>) = all_body
}

widest! {
    fn some(query: &[i8], rows: &[u8], numbers: &[u32], out: &mut Vec<i32>) = some_body
}

/// Writes the inner products of `query` with each row of `rows` to `out`. `rows` holds codes of the
/// same length end to end. Codes that are empty or longer than [`LONGEST_CODE`] have no products.
pub fn inner_products(query: &[i8], rows: &[u8], out: &mut Vec<i32>) {
    inner_products_on(Simd::widest(), query, rows, out);
}

/// Writes the inner products of `query` with the rows of these numbers to `out`, in their order; 0
/// for a row that `rows` does not have.
pub fn inner_products_of(query: &[i8], rows: &[u8], numbers: &[u32], out: &mut Vec<i32>) {
    inner_products_of_on(Simd::widest(), query, rows, numbers, out);
}

#[inline]
pub(crate) fn inner_products_on(simd: Simd, query: &[i8], rows: &[u8], out: &mut Vec<i32>) {
    out.clear();
    if query.is_empty() || query.len() > LONGEST_CODE {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if simd.level() == Level::Avx512 {
        return x86::all(simd, query, rows, out);
    }
    #[cfg(target_arch = "aarch64")]
    if simd.level() >= Level::Neon {
        return neon::all(simd, query, rows, out);
    }
    all(simd, query, rows, out);
}

#[inline]
pub(crate) fn inner_products_of_on(
    simd: Simd,
    query: &[i8],
    rows: &[u8],
    numbers: &[u32],
    out: &mut Vec<i32>,
) {
    out.clear();
    if query.is_empty() || query.len() > LONGEST_CODE {
        return;
    }
    // Rows lie anywhere, so the processor cannot predict their addresses.
    for &number in numbers {
        let start = number as usize * query.len();
        for at in (0..query.len().min(AHEAD)).step_by(CACHE_LINE) {
            prefetch(rows, start + at);
        }
    }
    #[cfg(target_arch = "x86_64")]
    if simd.level() == Level::Avx512 {
        return x86::some(simd, query, rows, numbers, out);
    }
    #[cfg(target_arch = "aarch64")]
    if simd.level() >= Level::Neon {
        return neon::some(simd, query, rows, numbers, out);
    }
    some(simd, query, rows, numbers, out);
}

#[cfg(test)]
mod tests {
    use resight_test_support::Random;

    use super::*;

    fn definition(query: &[i8], row: &[u8]) -> i32 {
        let products = query.iter().zip(row);
        products.map(|(&q, &r)| i32::from(q) * i32::from(r)).sum()
    }

    #[test]
    fn all_levels_agree_with_the_definition() {
        let mut random = Random::new(1);
        for &simd in Simd::available() {
            for length in [1, 3, 31, 63, 64, 65, 127, 128, 200, 512, 513] {
                for count in [0, 1, 2, 3, 4, 5, 9, 33] {
                    let query: Vec<i8> = (0..length).map(|_| random.byte() as i8).collect();
                    // The last row is incomplete.
                    let rows = random.bytes(length * count + length / 2, 255);
                    let expected: Vec<i32> = rows
                        .chunks_exact(length)
                        .map(|row| definition(&query, row))
                        .collect();
                    let mut found = vec![1];
                    inner_products_on(simd, &query, &rows, &mut found);
                    assert_eq!(found, expected, "{simd:?} {length} {count}");
                    let numbers: Vec<u32> = (0..=count as u32).rev().chain([u32::MAX]).collect();
                    inner_products_of_on(simd, &query, &rows, &numbers, &mut found);
                    let some = numbers.iter();
                    let some = some.map(|&n| expected.get(n as usize).copied().unwrap_or(0));
                    assert_eq!(found, some.collect::<Vec<_>>(), "{simd:?} {length} {count}");
                }
            }
        }
    }

    #[test]
    fn extremes_do_not_overflow() {
        for &simd in Simd::available() {
            for (q, r) in [(-128, 255), (127, 255), (-128, 0), (-1, 128)] {
                let (query, rows) = (vec![q; LONGEST_CODE], vec![r; 3 * LONGEST_CODE]);
                let mut found = Vec::new();
                inner_products_on(simd, &query, &rows, &mut found);
                assert_eq!(found, [definition(&query, &rows); 3], "{simd:?} {q} {r}");
            }
            let mut found = vec![7];
            inner_products_on(simd, &vec![1; LONGEST_CODE + 1], &[1; 1 << 17], &mut found);
            assert!(found.is_empty());
            inner_products_on(simd, &[], &[1, 2], &mut found);
            assert!(found.is_empty());
        }
    }
}
