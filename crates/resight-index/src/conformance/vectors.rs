//! The suite for indexes of vectors.

use std::sync::Arc;

use super::exhaustive::ExhaustiveVectors;
use super::subject::VectorSubject;
use crate::Key;
use crate::candidate_filter::CandidateFilter;
use crate::candidate_index::{CandidateError, VectorSnapshot};
use crate::dense::{NearestOptions, VectorFault};
use crate::random::SplitMix64;

/// Makes an empty index for vectors of this dimension.
pub type NewVectorIndex<'a> = dyn Fn(usize) -> Box<dyn VectorSubject> + 'a;

const DIMENSION: usize = 24;

/// Checks an implementation. Panics where an answer is not that of an exhaustive search; approximate
/// answers are compared with `exact` set.
///
/// Errors: those of the implementation.
pub fn check_vector_index(new: &NewVectorIndex<'_>) -> Result<(), CandidateError> {
    an_empty_index_finds_nothing(new)?;
    exact_answers_are_those_of_an_exhaustive_search(new)?;
    a_filter_applies_before_vectors_are_cut_off(new)?;
    of_equal_vectors_the_lower_keys_come_first(new)?;
    stored_vectors_and_cosines_are_in_the_order_of_keys(new)?;
    a_snapshot_does_not_change(new)?;
    refused_queries_say_why(new)
}

/// Keys whose lower 32 bits are 0.
const HIGH: [u64; 2] = [1 << 32, 1 << 40];

/// The vector of a key: one of 20 directions and some noise.
fn vector(key: u64) -> Vec<f32> {
    let (mut centre, mut noise) = (SplitMix64::new(key % 20), SplitMix64::new(1000 + key));
    let number = |random: &mut SplitMix64| random.unit() - 0.5;
    let numbers = (0..DIMENSION).map(|_| 3.0 * number(&mut centre) + number(&mut noise));
    numbers.map(|x| x as f32).collect()
}

fn add(subject: &dyn VectorSubject, keys: impl IntoIterator<Item = u64>) {
    let all: Vec<(Key, Vec<f32>)> = keys.into_iter().map(|k| (Key(k), vector(k))).collect();
    let lent: Vec<(Key, &[f32])> = all.iter().map(|(k, v)| (*k, &v[..])).collect();
    subject.add(&lent);
}

fn exact(limit: usize) -> NearestOptions {
    NearestOptions {
        limit,
        exact: true,
        ..NearestOptions::default()
    }
}

fn an_empty_index_finds_nothing(new: &NewVectorIndex<'_>) -> Result<(), CandidateError> {
    let subject = new(DIMENSION);
    let snapshot = subject.index().vector_snapshot()?;
    assert_eq!((snapshot.dimension(), snapshot.vectors()), (DIMENSION, 0));
    let all = CandidateFilter::all();
    let query = vector(1);
    assert_eq!(snapshot.nearest(&[&query], &exact(9), &all)?, [vec![]]);
    assert!(snapshot.nearest(&[], &exact(9), &all)?.is_empty());
    assert!(snapshot.keys(&all)?.is_empty());
    Ok(())
}

/// Compares the two, for several queries and limits.
fn check_same(
    snapshot: &dyn VectorSnapshot,
    expected: &dyn VectorSnapshot,
    filter: &CandidateFilter,
) -> Result<(), CandidateError> {
    let queries = [3, 8, 77, 1234].map(vector);
    let queries: Vec<&[f32]> = queries.iter().map(Vec::as_slice).collect();
    for limit in [0, 1, 7, 1000] {
        let found = snapshot.nearest(&queries, &exact(limit), filter)?;
        assert_eq!(
            found,
            expected.nearest(&queries, &exact(limit), filter)?,
            "{filter:?}"
        );
        // Never fewer than there are, also where the search is approximate.
        let usual = NearestOptions {
            limit,
            ..NearestOptions::default()
        };
        let approximate = snapshot.nearest(&queries, &usual, filter)?;
        for (found, exact) in approximate.iter().zip(&found) {
            assert_eq!(found.len(), exact.len());
            assert!(found.iter().all(|(key, _)| filter.accepts(*key)));
        }
    }
    assert_eq!(snapshot.keys(filter)?, expected.keys(filter)?);
    assert_eq!(snapshot.count(filter)?, expected.count(filter)?);
    Ok(())
}

fn exact_answers_are_those_of_an_exhaustive_search(
    new: &NewVectorIndex<'_>,
) -> Result<(), CandidateError> {
    let (subject, expected) = (new(DIMENSION), ExhaustiveVectors::new(DIMENSION));
    let keys: Vec<u64> = (0..400)
        .map(|i| i * 67 % 401 + 1)
        .chain([1 << 40])
        .collect();
    for batch in keys.chunks(90) {
        let gone: Vec<Key> = batch.iter().step_by(5).map(|&key| Key(key)).collect();
        for subject in [&*subject, &expected as &dyn VectorSubject] {
            add(subject, batch.iter().copied());
            subject.remove(&gone);
            // Some of them are added again, beside some that it has.
            add(subject, batch.iter().step_by(3).copied());
        }
        let (snapshot, expected) = (
            subject.index().vector_snapshot()?,
            expected.index().vector_snapshot()?,
        );
        assert_eq!(snapshot.vectors(), expected.vectors());
        check_same(&*snapshot, &*expected, &CandidateFilter::all())?;
    }
    Ok(())
}

fn a_filter_applies_before_vectors_are_cut_off(
    new: &NewVectorIndex<'_>,
) -> Result<(), CandidateError> {
    let (subject, expected) = (new(DIMENSION), ExhaustiveVectors::new(DIMENSION));
    for subject in [&*subject, &expected as &dyn VectorSubject] {
        add(subject, 0..300);
        add(subject, HIGH.map(|key| key + 3));
    }
    let (snapshot, expected) = (
        subject.index().vector_snapshot()?,
        expected.index().vector_snapshot()?,
    );
    let all = CandidateFilter::all();
    let few = Arc::new((0..300).step_by(40).collect());
    for filter in [
        all.clone().except([Key(3), Key(8), Key(999)]),
        all.clone().in_range(250..),
        all.clone().in_range(250..=HIGH[1] + 3),
        all.clone().in_range(HIGH[0]..),
        all.clone()
            .only(Arc::new([3, HIGH[1] + 3].into_iter().collect())),
        all.clone().except([3, HIGH[0] + 3].map(Key)),
        all.clone().only(few).except([Key(80)]),
        all.only(Arc::default()),
    ] {
        check_same(&*snapshot, &*expected, &filter)?;
    }
    Ok(())
}

fn of_equal_vectors_the_lower_keys_come_first(
    new: &NewVectorIndex<'_>,
) -> Result<(), CandidateError> {
    let subject = new(DIMENSION);
    let same = vector(1);
    let keys: Vec<u64> = (1..=60).rev().map(|key| 3 * key).collect();
    // One at a time, so that an order of arrival would show.
    for key in &keys {
        subject.add(&[(Key(*key), &same)]);
    }
    // Nearer than all, and added last.
    subject.add(&[(Key(1000), &vector(2))]);
    let snapshot = subject.index().vector_snapshot()?;
    let all = CandidateFilter::all();
    for limit in [1, 2, 10, 59, 61] {
        let found = snapshot.nearest(&[&vector(2)], &exact(limit), &all)?;
        let found: Vec<u64> = found[0].iter().map(|(key, _)| key.0).collect();
        let ascending = keys.iter().rev().copied();
        let expected: Vec<u64> = std::iter::once(1000).chain(ascending).take(limit).collect();
        assert_eq!(found, expected, "{limit}");
    }
    Ok(())
}

fn stored_vectors_and_cosines_are_in_the_order_of_keys(
    new: &NewVectorIndex<'_>,
) -> Result<(), CandidateError> {
    let (subject, expected) = (new(DIMENSION), ExhaustiveVectors::new(DIMENSION));
    for subject in [&*subject, &expected as &dyn VectorSubject] {
        add(subject, (0..50).rev());
        subject.remove(&[Key(7)]);
    }
    let (snapshot, expected) = (
        subject.index().vector_snapshot()?,
        expected.index().vector_snapshot()?,
    );
    let keys = [30, 7, 2, 30, 99].map(Key);
    let stored = snapshot.stored(&keys)?;
    assert_eq!(stored, expected.stored(&keys)?);
    let cosines = snapshot.cosines(&vector(2), &keys)?;
    assert_eq!(cosines, expected.cosines(&vector(2), &keys)?);
    let known = [true, false, true, true, false];
    assert!(stored.iter().map(Option::is_some).eq(known));
    assert!(cosines.iter().map(Option::is_some).eq(known));
    assert!(cosines[2].is_some_and(|cosine| cosine > 0.999));
    Ok(())
}

fn a_snapshot_does_not_change(new: &NewVectorIndex<'_>) -> Result<(), CandidateError> {
    let subject = new(DIMENSION);
    add(&*subject, 0..30);
    let before = subject.index().vector_snapshot()?;
    subject.remove(&[Key(4)]);
    add(&*subject, 30..40);
    let after = subject.index().vector_snapshot()?;
    assert_eq!((before.vectors(), after.vectors()), (30, 39));
    let all = CandidateFilter::all();
    let query = vector(4);
    let nearest = |snapshot: &dyn VectorSnapshot| snapshot.nearest(&[&query], &exact(1), &all);
    assert_eq!(nearest(&*before)?[0][0].0, Key(4));
    assert_ne!(nearest(&*after)?[0][0].0, Key(4));
    Ok(())
}

fn refused_queries_say_why(new: &NewVectorIndex<'_>) -> Result<(), CandidateError> {
    let subject = new(DIMENSION);
    add(&*subject, 0..3);
    let snapshot = subject.index().vector_snapshot()?;
    let (short, zero) = (vec![1.0; DIMENSION - 1], vec![0.0; DIMENSION]);
    let mut infinite = vector(1);
    infinite[3] = f32::INFINITY;
    let dimension = VectorFault::Dimension {
        expected: DIMENSION,
        found: DIMENSION - 1,
    };
    for (query, fault) in [
        (&short, dimension),
        (&infinite, VectorFault::NotFinite),
        (&zero, VectorFault::NoDirection),
    ] {
        let good = vector(1);
        let all = CandidateFilter::all();
        let nearest = snapshot.nearest(&[&good, query], &exact(2), &all);
        let cosines = snapshot.cosines(query, &[Key(1)]);
        let refusals = [nearest.map(drop), cosines.map(drop)];
        for refusal in refusals {
            assert!(
                matches!(refusal, Err(CandidateError::Vector(f)) if f == fault),
                "{refusal:?}"
            );
        }
    }
    Ok(())
}
