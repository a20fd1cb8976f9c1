//! Squared Euclidean distance of byte descriptors: the innermost loop of matching and of
//! assigning visual words.

use crate::dispatch::widest;

#[inline(always)]
fn squared(a: &[u8], b: &[u8]) -> u32 {
    let mut sum = 0i32;
    for (&x, &y) in a.iter().zip(b) {
        // Sixteen bits hold the difference; the pair multiply-add of every SIMD set does the rest.
        let d = i16::from(x) - i16::from(y);
        sum += i32::from(d) * i32::from(d);
    }
    sum as u32
}

#[inline(always)]
fn squared_distances_body(query: &[u8], rows: &[u8], out: &mut Vec<u32>) {
    out.clear();
    if let Ok(query) = <&[u8; 128]>::try_from(query) {
        // A length known to the compiler keeps the query in registers.
        out.extend(rows.chunks_exact(128).map(|row| squared(query, row)));
    } else if !query.is_empty() {
        out.extend(
            rows.chunks_exact(query.len())
                .map(|row| squared(query, row)),
        );
    }
}

widest! {
    /// Squared distances from `query` to each row of `rows`, which holds descriptors of the same
    /// length end to end; `out` is cleared first. Lengths up to 32,768 bytes cannot overflow.
    pub fn squared_distances(query: &[u8], rows: &[u8], out: &mut Vec<u32>) = squared_distances_body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_and_narrow_agree_with_the_definition() {
        for dimension in [1, 31, 64, 128, 200] {
            let byte = |i: usize| (i.wrapping_mul(2_654_435_761) >> 7) as u8;
            let query: Vec<u8> = (0..dimension).map(byte).collect();
            let rows: Vec<u8> = (0..dimension * 9).map(|i| byte(i + 1000)).collect();
            let (mut wide, mut narrow) = (vec![1], vec![]);
            squared_distances(&query, &rows, &mut wide);
            squared_distances_body(&query, &rows, &mut narrow);
            let want: Vec<u32> = rows
                .chunks(dimension)
                .map(|r| {
                    r.iter()
                        .zip(&query)
                        .map(|(&a, &b)| u32::from(a.abs_diff(b)).pow(2))
                        .sum()
                })
                .collect();
            assert_eq!(wide, want);
            assert_eq!(narrow, want);
        }
        let mut out = vec![5];
        squared_distances(&[], &[1, 2], &mut out);
        assert!(out.is_empty());
    }
}
