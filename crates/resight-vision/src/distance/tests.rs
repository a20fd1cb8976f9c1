use resight_test_support::Random;

use super::*;

fn definition(query: &[u8], rows: &[u8]) -> Vec<u32> {
    let distance = |row: &[u8]| {
        let squares = row
            .iter()
            .zip(query)
            .map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2));
        u32::try_from(squares.sum::<u64>()).unwrap_or(u32::MAX)
    };
    rows.chunks_exact(query.len()).map(distance).collect()
}

#[test]
fn all_levels_agree_with_the_definition() {
    let mut random = Random::new(1);
    for &simd in Simd::available() {
        for dimension in [1, 3, 31, 32, 64, 127, 128, 129, 200] {
            for count in [0, 1, 2, 3, 4, 5, 15, 16, 17, 33, 100] {
                let query = random.bytes(dimension, 255);
                // The last row is incomplete.
                let rows = random.bytes(dimension * count + dimension / 2, 255);
                let mut found = vec![1];
                squared_distances_on(simd, &query, &rows, &mut found);
                assert_eq!(
                    found,
                    definition(&query, &rows),
                    "{simd:?} {dimension} {count}"
                );
            }
        }
    }
    let mut out = vec![5];
    squared_distances(&[], &[1, 2], &mut out);
    assert!(out.is_empty());
}

#[test]
fn extremes_do_not_overflow() {
    for &simd in Simd::available() {
        for dimension in [128, 32_768, 33_100, 66_051, 70_000] {
            for (a, b) in [(0, 255), (255, 0), (255, 255), (128, 127)] {
                let (query, rows) = (vec![a; dimension], vec![b; 5 * dimension]);
                let mut found = Vec::new();
                squared_distances_on(simd, &query, &rows, &mut found);
                assert_eq!(
                    found,
                    definition(&query, &rows),
                    "{simd:?} {dimension} {a} {b}"
                );
            }
        }
    }
}
