use resight_test_support::Random;

use super::*;

fn descriptors(rows: &[[u8; 4]]) -> Descriptors {
    Descriptors::from_bytes(4, rows.concat()).unwrap()
}

/// `count` descriptors of bytes up to `largest`.
fn random_descriptors(
    random: &mut Random,
    count: usize,
    dimension: usize,
    largest: u8,
) -> Descriptors {
    Descriptors::from_bytes(dimension, random.bytes(count * dimension, largest)).unwrap()
}

/// Two nearest of each query feature and nearest of each result feature, by the definition.
fn definition(query: &Descriptors, result: &Descriptors) -> (Vec<Forward>, Backward) {
    let distance = |q: usize, r: usize| -> u32 {
        let pairs = query.get(q).iter().zip(result.get(r));
        pairs.map(|(&a, &b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    let forward = (0..query.len()).map(|q| {
        let mut all: Vec<(u32, u32)> = (0..result.len())
            .map(|r| (distance(q, r), r as u32))
            .collect();
        all.sort_unstable();
        Forward {
            nearest: *all.first().unwrap_or(&(u32::MAX, u32::MAX)),
            second: all.get(1).map_or(u32::MAX, |s| s.0),
        }
    });
    let backward = (0..result.len()).map(|r| {
        let all = (0..query.len()).map(|q| (distance(q, r), q as u32));
        all.min().unwrap_or((u32::MAX, u32::MAX))
    });
    let (distances, queries) = backward.unzip();
    (forward.collect(), Backward { distances, queries })
}

/// All levels, at once, row by row and the other way round, equal the definition.
fn check(query: &Descriptors, result: &Descriptors, what: &str) {
    let (forward, backward) = definition(query, result);
    for &simd in Simd::available() {
        let mut at_once = Nearest::on(simd, query.len(), result.len());
        at_once.compare_all(query, result);
        let mut by_rows = Nearest::on(simd, query.len(), result.len());
        // From the last to the first: the order must not matter.
        for (i, descriptor) in (0..query.len()).zip(query.iter()).rev() {
            by_rows.compare(i as u32, descriptor, 0, result.as_bytes());
        }
        let mut by_results = Nearest::on(simd, query.len(), result.len());
        let dimension = query.dimension();
        // Every third feature, and all others; runs of all lengths, from the last to the first.
        let packed = [true, false].map(|third| {
            let chosen = (0..query.len()).filter(|i| (i % 3 == 0) == third);
            let rows = chosen.clone().flat_map(|i| query.get(i).to_vec());
            let queries = chosen.clone().map(|i| i as u32).collect();
            PackedQueries::new(queries, rows.collect(), dimension)
        });
        let mut until = result.len();
        for length in 0.. {
            let first = until.saturating_sub(length);
            let rows = &result.as_bytes()[first * dimension..until * dimension];
            for packed in &packed {
                by_results.compare_run(first as u32, rows, packed);
            }
            until = first;
            if until == 0 {
                break;
            }
        }
        for (found, how) in [
            (at_once, "at once"),
            (by_rows, "by rows"),
            (by_results, "by results"),
        ] {
            assert_eq!(found.forward, forward, "{what}, {simd:?}, {how}");
            assert_eq!(found.backward, backward, "{what}, {simd:?}, {how}");
        }
    }
}

/// `PackedQueries::nearest` equals its definition on all levels.
fn check_few(random: &mut Random, queries: usize, rows: usize, dimension: usize, most: u8) {
    let own = random_descriptors(random, queries, dimension, most);
    let rows = random_descriptors(random, rows, dimension, most);
    let numbers = (0..queries as u32).collect();
    let packed = PackedQueries::new(numbers, own.as_bytes().to_vec(), dimension);
    for n in [1, 3, 6] {
        let expected = own.iter().flat_map(|row| {
            let distance = |other: &[u8]| {
                let squares = row
                    .iter()
                    .zip(other)
                    .map(|(&a, &b)| u32::from(a.abs_diff(b)).pow(2));
                squares.sum::<u32>()
            };
            let mut all: Vec<(u32, u32)> = rows.iter().map(distance).zip(40..).collect();
            all.sort_unstable();
            all.resize(n.max(all.len()), PackedQueries::NONE);
            all.truncate(n);
            all
        });
        let expected: Vec<(u32, u32)> = expected.collect();
        for &simd in Simd::available() {
            let found = packed.nearest_on(simd, 40, rows.as_bytes(), n);
            assert_eq!(
                found,
                expected,
                "{queries}x{} of {dimension}, {simd:?}",
                rows.len()
            );
        }
    }
}

#[test]
fn the_nearest_few_are_found_on_every_level() {
    let mut random = Random::new(9);
    for dimension in [128, 64, 5] {
        for (queries, rows) in [(1, 1), (15, 7), (16, 64), (17, 66), (40, 3), (3, 0)] {
            check_few(&mut random, queries, rows, dimension, 255);
            // Few values, so many equals.
            check_few(&mut random, queries, rows, dimension, 1);
        }
    }
}

fn check_random(random: &mut Random, queries: usize, results: usize, dimension: usize) {
    let query = random_descriptors(random, queries, dimension, 255);
    let result = random_descriptors(random, results, dimension, 255);
    check(
        &query,
        &result,
        &format!("{queries}x{results} of {dimension}"),
    );
}

#[test]
fn all_levels_agree_with_the_definition() {
    let mut random = Random::new(1);
    for dimension in [1, 3, 31, 32, 64, 128, 200] {
        for queries in [0, 1, 2, 15, 16, 17, 33, 48, 100] {
            for results in [0, 1, 2, 15, 16, 17, 33, 100] {
                check_random(&mut random, queries, results, dimension);
            }
        }
    }
}

#[test]
fn a_run_out_of_bounds_changes_nothing() {
    let pair = descriptors(&[[0; 4], [9; 4]]);
    let mut nearest = Nearest::new(2, 2);
    for first in [1, 7, u32::MAX] {
        let mut broken = nearest.clone();
        let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            broken.compare(0, pair.get(0), first, pair.as_bytes());
        }));
        assert!(refused.is_err() && broken.matches(&MatchOptions::default()).is_empty());
    }
    nearest.compare_all(&pair, &pair);
    assert_eq!(nearest.matches(&MatchOptions::default()).len(), 2);
    for ratio in [0.0, -1.0, f32::NAN] {
        let options = MatchOptions {
            ratio,
            ..MatchOptions::default()
        };
        assert!(nearest.matches(&options).is_empty(), "{ratio}");
    }
}

#[test]
fn ties_go_to_the_smaller_index() {
    let mut random = Random::new(2);
    for dimension in [1, 3, 64, 128] {
        // Bytes 0 and 1 give few distances, so most of them tie; a copy gives equal descriptors.
        let query = random_descriptors(&mut random, 100, dimension, 1);
        let result = random_descriptors(&mut random, 133, dimension, 1);
        check(&query, &result, "small bytes");
        check(&query, &query, "itself");
        let twice = [result.as_bytes(), result.as_bytes()].concat();
        let twice = Descriptors::from_bytes(dimension, twice).unwrap();
        check(&query, &twice, "twice");
        check(&twice, &query, "twice, turned round");
        for value in [0, 127, 128, 255] {
            let equal = Descriptors::from_bytes(dimension, vec![value; 50 * dimension]).unwrap();
            check(&equal, &equal, "all equal");
            check(&equal, &result, "one side equal");
        }
    }
}

#[test]
fn chunks_join_without_a_seam() {
    let mut random = Random::new(3);
    // Long descriptors of full range leave few bits for indices: several chunks on both sides.
    // The longest leave too few, and the rows are compared one by one.
    for (queries, results, dimension) in [(150, 1100, 700), (90, 40, 3000), (5000, 3, 130)] {
        check_random(&mut random, queries, results, dimension);
    }
    let (black, white) = (vec![0; 300 * 128], vec![255; 4500 * 128]);
    let black = Descriptors::from_bytes(128, black).unwrap();
    let white = Descriptors::from_bytes(128, white).unwrap();
    check(&black, &white, "as far as can be");
    check(&white, &black, "as far as can be, turned round");
}

#[test]
fn ratio_at_its_edges() {
    let options = |ratio| MatchOptions {
        ratio,
        ..MatchOptions::default()
    };
    let count = |a: &[[u8; 4]], b: &[[u8; 4]], ratio| {
        match_all(&descriptors(a), &descriptors(b), &options(ratio)).len()
    };
    let zero = [0, 0, 0, 0];
    // An only neighbour has no rival.
    assert_eq!(count(&[zero], &[[255; 4]], 0.1), 1);
    // Equal descriptors beat any other, but not a second one equal to them.
    assert_eq!(count(&[zero], &[zero, [1, 0, 0, 0]], 0.1), 1);
    assert_eq!(count(&[zero], &[zero, zero], 1.0), 0);
    // 3/5 exactly: the share must be undercut.
    assert_eq!(count(&[zero], &[[3, 0, 0, 0], [5, 0, 0, 0]], 0.59), 0);
    assert_eq!(count(&[zero], &[[3, 0, 0, 0], [5, 0, 0, 0]], 0.61), 1);
    assert_eq!(count(&[zero], &[[3, 0, 0, 0], [3, 0, 0, 0]], 1.0), 0);
    // The largest distance is allowed, one more is not.
    let near = |max_distance| {
        let options = MatchOptions {
            max_distance,
            ..MatchOptions::default()
        };
        let (a, b) = (descriptors(&[zero]), descriptors(&[[3, 0, 0, 0]]));
        match_all(&a, &b, &options).len()
    };
    assert_eq!((near(9), near(8)), (1, 0));
}

#[test]
fn the_clear_pair_is_matched_and_the_doubtful_is_not() {
    let a = descriptors(&[[0, 0, 0, 0], [100, 0, 0, 0], [200, 200, 0, 0]]);
    let b = descriptors(&[
        [201, 200, 0, 0],
        [98, 0, 0, 0],
        [102, 0, 0, 0],
        [0, 0, 3, 0],
    ]);
    let found = match_all(&a, &b, &MatchOptions::default());
    let pairs: Vec<_> = found
        .iter()
        .map(|m| (m.query, m.result, m.distance))
        .collect();
    // The middle one has two equally near neighbours.
    assert_eq!(pairs, [(2, 0, 1), (0, 3, 9)]);
}

#[test]
fn one_result_feature_serves_one_query_feature() {
    let a = descriptors(&[[10, 0, 0, 0], [12, 0, 0, 0]]);
    let b = descriptors(&[[11, 0, 0, 0], [200, 0, 0, 0]]);
    assert_eq!(match_all(&a, &b, &MatchOptions::default()).len(), 1);
}

#[test]
fn the_order_of_parts_does_not_matter() {
    let a = descriptors(&[[9, 9, 9, 9]]);
    let b = descriptors(&[[9, 9, 9, 8], [0, 0, 0, 0], [9, 9, 8, 9], [7, 7, 7, 7]]);
    let rows = b.as_bytes();
    let (mut one, mut two) = (Nearest::new(1, 4), Nearest::new(1, 4));
    one.compare(0, a.get(0), 0, &rows[..8]);
    one.compare(0, a.get(0), 2, &rows[8..]);
    two.compare(0, a.get(0), 2, &rows[8..]);
    two.compare(0, a.get(0), 0, &rows[..8]);
    assert_eq!(one.forward[0].nearest, (1, 0));
    assert_eq!(one.forward, two.forward);
    assert_eq!(one.backward, two.backward);
}

#[test]
fn different_lengths_match_nowhere() {
    let a = descriptors(&[[1, 2, 3, 4]]);
    let b = Descriptors::from_bytes(2, vec![1, 2]).unwrap();
    assert!(match_all(&a, &b, &MatchOptions::default()).is_empty());
}

#[test]
fn unequal_dimensions_are_not_compared() {
    let a = descriptors(&[[1, 2, 3, 4]]);
    let b = Descriptors::from_bytes(2, vec![1, 2]).unwrap();
    let mut nearest = Nearest::new(1, 1);
    nearest.compare_all(&a, &b);
    assert_eq!(nearest.forward, [Forward::NONE]);
}

#[test]
fn more_features_than_announced_are_refused() {
    use std::panic::catch_unwind;

    for &simd in Simd::available() {
        // Long descriptors are compared row by row.
        for dimension in [4, 3000] {
            let many = Descriptors::from_bytes(dimension, vec![255; 40 * dimension]).unwrap();
            let many = &many;
            let refused = |queries, results| {
                let mut nearest = Nearest::on(simd, queries, results);
                catch_unwind(move || nearest.compare_all(many, many)).is_err()
            };
            assert!(refused(40, 39), "{simd:?} {dimension}: results");
            assert!(refused(39, 40), "{simd:?} {dimension}: queries");
            assert!(!refused(41, 41), "{simd:?} {dimension}: fewer");
        }
        let row = [7; 4];
        let past = |query, first| {
            let mut nearest = Nearest::on(simd, 1, 3);
            catch_unwind(move || nearest.compare(query, &row, first, &[7; 8])).is_err()
        };
        assert!(!past(0, 1));
        assert!(past(0, 2), "{simd:?}: the run passes the end");
        assert!(past(1, 0), "{simd:?}: no such query feature");
        for dimension in [4, 128] {
            let past = |query, first, bytes| {
                let packed = PackedQueries::new(vec![query], vec![7; dimension], dimension);
                let mut nearest = Nearest::on(simd, 1, 3);
                let run = catch_unwind(std::panic::AssertUnwindSafe(|| {
                    nearest.compare_run(first, &vec![7; bytes], &packed);
                }));
                assert!(run.is_ok() || nearest.matches(&MatchOptions::default()).is_empty());
                run.is_err()
            };
            assert!(!past(0, 1, 2 * dimension));
            assert!(
                past(0, 2, 2 * dimension),
                "{simd:?}: the run passes the end"
            );
            assert!(past(1, 0, 2 * dimension), "{simd:?}: no such query feature");
            assert!(past(0, 0, dimension + 1), "{simd:?}: no whole descriptors");
        }
    }
}
