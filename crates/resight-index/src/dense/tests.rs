use std::path::Path;

use super::fault::MAX_DIMENSION;
use super::vector::unit;
use super::vectors::Vectors;
use super::*;
use crate::Key;
use resight_test_support::Random;

const DIMENSION: usize = 48;

/// Makes vectors in clusters of random directions.
pub(super) struct Clusters {
    centres: Vec<Vec<f32>>,
    noise: Random,
    dimension: usize,
}

impl Clusters {
    pub(super) fn new(clusters: usize, dimension: usize) -> Self {
        let mut noise = Random::new(5);
        let mut centre = || (0..dimension).map(|_| noise.normal() as f32).collect();
        let centres = (0..clusters).map(|_| centre()).collect();
        Self {
            centres,
            noise,
            dimension,
        }
    }

    pub(super) fn one(&mut self) -> Vec<f32> {
        let at = self.noise.next_u64() as usize % self.centres.len();
        let noise = &mut self.noise;
        let noisy = self.centres[at]
            .iter()
            .map(|c| c + 0.7 * noise.normal() as f32);
        unit(&noisy.collect::<Vec<_>>(), self.dimension).unwrap()
    }

    /// Half way between members of two clusters.
    pub(super) fn between(&mut self) -> Vec<f32> {
        loop {
            let (a, b) = (self.one(), self.one());
            let sum: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
            // Of one number, two may be opposite: nothing lies half way.
            if let Ok(half_way) = unit(&sum, self.dimension) {
                return half_way;
            }
        }
    }
}

pub(super) fn many(clusters: &mut Clusters, count: u64) -> Vec<(Key, Vec<f32>)> {
    (0..count).map(|k| (Key(k), clusters.one())).collect()
}

fn lent(vectors: &[(Key, Vec<f32>)]) -> Vec<(Key, &[f32])> {
    vectors.iter().map(|(k, v)| (*k, &v[..])).collect()
}

fn settings(graph_from: usize) -> DenseSettings {
    DenseSettings {
        graph_from,
        graph_threads: 2,
    }
}

fn memory(vectors: &[(Key, Vec<f32>)], graph_from: usize) -> DenseIndex {
    let index = DenseIndex::new(vectors[0].1.len(), settings(graph_from)).unwrap();
    for part in vectors.chunks(700) {
        assert_eq!(index.add(&lent(part)), Ok(part.len()));
    }
    index
}

/// The definition: every cosine in double precision, of vectors rounded as they are kept.
fn by_definition(vectors: &[(Key, Vec<f32>)], query: &[f32], k: usize) -> Vec<(Key, f64)> {
    let mut all: Vec<(Key, f64)> = vectors
        .iter()
        .map(|(key, v)| {
            let rounded = v.iter().map(|x| f64::from(half::f16::from_f32(*x)));
            let rounded: Vec<f64> = rounded.collect();
            let dot: f64 = rounded
                .iter()
                .zip(query)
                .map(|(x, q)| x * f64::from(*q))
                .sum();
            let length = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
            let lengths = length(&mut rounded.iter().copied())
                * length(&mut query.iter().map(|q| f64::from(*q)));
            (*key, dot / lengths)
        })
        .collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all.truncate(k);
    all
}

fn check_exact(index: &DenseIndex, stored: &[(Key, Vec<f32>)], query: &[f32], k: usize) {
    let found = index.snapshot().nearest(query, k, None).unwrap();
    let expected = by_definition(stored, query, k);
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found.0, expected.0);
        assert!((f64::from(found.1) - expected.1).abs() < 1e-6);
    }
}

#[test]
fn exact_search_finds_what_the_definition_does() {
    for dimension in [1, 3, 64, 200] {
        let mut clusters = Clusters::new(20, dimension);
        let vectors = many(&mut clusters, 3000);
        let index = memory(&vectors, usize::MAX);
        for k in [1, 10, 300] {
            // In one dimension there are two vectors, and only keys to tell their owners apart.
            let (one, between) = (clusters.one(), clusters.between());
            check_exact(&index, &vectors, &one, k);
            check_exact(&index, &vectors, &between, k);
        }
        check_exact(&index, &vectors, &vectors[17].1, 5000);
    }
}

#[test]
fn neither_threads_nor_segments_change_results() {
    let mut clusters = Clusters::new(20, DIMENSION);
    let vectors = many(&mut clusters, 4000);
    let parts = memory(&vectors, usize::MAX);
    let at_once = DenseIndex::new(DIMENSION, settings(usize::MAX)).unwrap();
    let mut backwards = lent(&vectors);
    backwards.reverse();
    at_once.add(&backwards).unwrap();
    for _ in 0..20 {
        let query = clusters.between();
        let expected = at_once.snapshot().nearest(&query, 50, None).unwrap();
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let snapshot = parts.snapshot();
            let found = pool
                .build()
                .unwrap()
                .install(|| snapshot.nearest(&query, 50, None));
            assert_eq!(found.unwrap(), expected);
        }
    }
}

#[test]
fn bad_vectors_are_refused_and_nothing_is_added() {
    let index = DenseIndex::new(3, settings(usize::MAX)).unwrap();
    let good = [1.0f32, 2.0, 2.0];
    let faults: [(&[f32], VectorFault); 5] = [
        (
            &[1.0, 2.0],
            VectorFault::Dimension {
                expected: 3,
                found: 2,
            },
        ),
        (
            &[],
            VectorFault::Dimension {
                expected: 3,
                found: 0,
            },
        ),
        (&[1.0, f32::NAN, 0.0], VectorFault::NotFinite),
        (&[f32::INFINITY, 0.0, 0.0], VectorFault::NotFinite),
        (&[0.0, -0.0, 0.0], VectorFault::NoDirection),
    ];
    for (bad, fault) in faults {
        let key = Key(2);
        let refused = index.add(&[(Key(1), &good), (key, bad)]);
        assert_eq!(refused, Err(RefusedVector { key, fault }));
        assert_eq!(index.snapshot().nearest(bad, 1, None), Err(fault));
        assert_eq!(index.snapshot().cosines(bad, &[]), Err(fault));
        assert!(index.snapshot().is_empty());
    }
    // Any length will do.
    let large = [f32::MAX, 2.0, f32::MIN];
    assert_eq!(
        index.add(&[(Key(1), &good), (Key(2), &large), (Key(1), &large)]),
        Ok(2)
    );
    assert_eq!(index.add(&[(Key(1), &large)]), Ok(0));
    let found = index
        .snapshot()
        .nearest(&[-1e-6, -2e-6, -2e-6], 5, None)
        .unwrap();
    assert_eq!(found[1], (Key(1), -1.0));
    assert_eq!(index.snapshot().nearest(&good, 0, None), Ok(vec![]));
    assert_eq!(
        DenseIndex::new(0, settings(1)).err(),
        Some(WrongDimension(0))
    );
    assert!(DenseIndex::new(MAX_DIMENSION + 1, settings(1)).is_err());
}

#[test]
fn equal_cosines_are_ordered_by_key() {
    let index = DenseIndex::new(2, settings(usize::MAX)).unwrap();
    let vectors: Vec<_> = [9, 4, 7, 1, 30].map(|k| (Key(k), vec![3.0, 4.0])).into();
    for v in &vectors {
        index.add(&lent(std::slice::from_ref(v))).unwrap();
    }
    let found = index.snapshot().nearest(&[0.6, 0.8], 3, None).unwrap();
    assert_eq!(found.iter().map(|f| f.0.0).collect::<Vec<_>>(), [1, 4, 7]);
}

#[test]
fn a_filter_and_removals_are_respected_with_and_without_a_graph() {
    let mut clusters = Clusters::new(20, DIMENSION);
    let vectors = many(&mut clusters, 3000);
    for graph_from in [usize::MAX, 1000] {
        let index = memory(&vectors, graph_from);
        index.settle();
        let before = index.snapshot();
        let removed: Vec<Key> = (0..3000).filter(|k| k % 7 == 0).map(Key).collect();
        assert_eq!(index.remove(&removed), removed.len());
        assert_eq!(index.remove(&removed), 0);
        assert_eq!(index.snapshot().len(), 3000 - removed.len());
        assert_eq!(before.len(), 3000);
        for every in [2, 10, 200, 5000] {
            let filter = move |key: Key| key.0 % every == 1;
            let stored = vectors.iter().filter(|v| v.0.0 % 7 != 0);
            let stored: Vec<_> = stored.filter(|v| filter(v.0)).cloned().collect();
            let query = clusters.between();
            let found = index.snapshot().nearest(&query, 30, Some(&filter)).unwrap();
            let expected = by_definition(&stored, &query, 30);
            // Never fewer than there are.
            assert_eq!(found.len(), expected.len(), "{every}");
            assert!(found.iter().all(|f| filter(f.0) && f.0.0 % 7 != 0));
            let right = expected.iter().filter(|e| found.iter().any(|f| f.0 == e.0));
            assert!(right.count() * 100 >= 95 * expected.len(), "{every}");
        }
        index.settle();
        assert_eq!(index.snapshot().len(), 3000 - removed.len());
    }
}

#[test]
fn a_removed_vector_may_be_added_again() {
    let mut clusters = Clusters::new(5, DIMENSION);
    let vectors = many(&mut clusters, 100);
    let index = memory(&vectors, usize::MAX);
    index.remove(&[Key(3)]);
    assert!(!index.snapshot().contains(Key(3)));
    let mut keys = index.snapshot().keys();
    keys.sort();
    assert_eq!(
        keys,
        (0..100).filter(|k| *k != 3).map(Key).collect::<Vec<_>>()
    );
    assert_eq!(index.snapshot().vector(Key(3)), None);
    assert_eq!(index.add(&lent(&vectors[3..4])), Ok(1));
    assert_eq!(index.snapshot().len(), 100);
    check_exact(&index, &vectors, &vectors[3].1, 10);
    let snapshot = index.snapshot();
    let cosines = snapshot
        .cosines(&vectors[3].1, &[Key(3), Key(1000), Key(4)])
        .unwrap();
    assert!(cosines[0].is_some_and(|c| c > 0.99999) && cosines[1].is_none());
    assert_eq!(
        cosines[2],
        Some(
            snapshot
                .nearest(&vectors[3].1, 100, None)
                .unwrap()
                .iter()
                .find(|f| f.0 == Key(4))
                .unwrap()
                .1
        )
    );
    let kept = snapshot.vector(Key(3)).unwrap();
    assert!(
        kept.iter()
            .zip(&vectors[3].1)
            .all(|(a, b)| (a - b).abs() < 1e-3)
    );
}

mod graphs;
mod random_operations;
mod saved;
