//! The suite for indexes of words.

use std::sync::Arc;

use super::exhaustive::ExhaustiveWords;
use super::subject::WordSubject;
use crate::Key;
use crate::candidate::{CandidateOptions, Candidates};
use crate::candidate_filter::CandidateFilter;
use crate::candidate_index::{CandidateError, WordSnapshot};
use crate::picture_words::{PictureWords, Posting};
use crate::place::Place;
use crate::query_words::{AssignedFeature, QueryFeature, QueryWords};
use crate::random::SplitMix64;

/// Makes an empty index for a vocabulary of this many words.
pub type NewWordIndex<'a> = dyn Fn(usize) -> Box<dyn WordSubject> + 'a;

const WORDS: usize = 60;

/// Keys whose lower 32 bits are 0.
const HIGH: [u64; 2] = [1 << 32, 1 << 40];

/// Checks an implementation. Panics where an answer is not that of an exhaustive search.
///
/// Errors: those of the implementation.
pub fn check_word_index(new: &NewWordIndex<'_>) -> Result<(), CandidateError> {
    an_empty_index_has_no_candidates(new)?;
    answers_are_those_of_an_exhaustive_search(new)?;
    a_filter_applies_before_candidates_are_cut_off(new)?;
    a_query_in_parts_is_the_query_at_once(new)?;
    a_snapshot_does_not_change(new)?;
    of_pictures_with_one_key_the_first_stays(new)
}

/// A picture whose words, signatures and places follow from its key. Neighbours share some.
fn picture(key: u64) -> PictureWords {
    let postings = (0..18).map(|i| {
        let mut random = SplitMix64::new(key / 3 * 100 + i / 2);
        let (word, signature) = (random.below(WORDS) as u32, random.next());
        let mut own = SplitMix64::new(key * 1000 + i);
        Posting {
            word,
            // Five bits differ, so that distances do as well.
            signature: (0..5).fold(signature, |s, _| s ^ 1 << own.below(64)),
            place: Place(random.next() as u32 ^ own.below(4) as u32),
        }
    });
    PictureWords::new(postings.collect())
}

fn pictures(keys: impl IntoIterator<Item = u64>) -> Vec<(Key, PictureWords)> {
    let keys = keys.into_iter();
    keys.map(|key| (Key(key), picture(key))).collect()
}

/// The query of a picture; every third feature is looked up in a second word as well.
fn query(key: u64) -> QueryWords {
    let picture = picture(key);
    let features = picture.postings().iter().zip(0u32..).map(|(p, number)| {
        let own = AssignedFeature {
            word: p.word,
            signature: p.signature,
        };
        let second = AssignedFeature {
            word: (p.word + 1) % WORDS as u32,
            signature: p.signature.rotate_left(1),
        };
        QueryFeature {
            assigned: [own, second][..1 + usize::from(number % 3 == 0)].to_vec(),
            cells: Vec::new(),
            place: p.place,
        }
    });
    QueryWords {
        features: features.collect(),
    }
}

fn ask(
    snapshot: &dyn WordSnapshot,
    words: QueryWords,
    options: CandidateOptions,
    filter: &CandidateFilter,
) -> Result<Candidates, CandidateError> {
    let mut query = snapshot.word_query(options)?;
    query.add(words)?;
    query.candidates(filter)
}

/// Every candidate; the ten best by votes are considered.
fn everything() -> CandidateOptions {
    CandidateOptions {
        limit: usize::MAX,
        max_hamming: 64,
        considered: 10,
    }
}

fn an_empty_index_has_no_candidates(new: &NewWordIndex<'_>) -> Result<(), CandidateError> {
    let subject = new(WORDS);
    let snapshot = subject.index().word_snapshot()?;
    assert_eq!(snapshot.pictures(), 0);
    let found = ask(&*snapshot, query(3), everything(), &CandidateFilter::all())?;
    assert_eq!(found, Candidates::default());
    Ok(())
}

/// Options that cut off at different steps.
fn varied_options() -> Vec<CandidateOptions> {
    let varied = [
        (usize::MAX, 64, 10),
        (5, 24, 0),
        (3, 24, 20),
        (20, 10, 1000),
        (0, 64, 10),
    ];
    let options = varied.map(|(limit, max_hamming, considered)| CandidateOptions {
        limit,
        max_hamming,
        considered,
    });
    options.to_vec()
}

fn answers_are_those_of_an_exhaustive_search(new: &NewWordIndex<'_>) -> Result<(), CandidateError> {
    let (subject, expected) = (new(WORDS), ExhaustiveWords::new(WORDS));
    // Keys in no order, in batches of different sizes, with removals and additions of the same.
    let mut random = SplitMix64::new(7);
    let mut keys: Vec<u64> = (0..150).map(|i| i * 67 % 151 + 1).collect();
    keys.push(1 << 40);
    let mut rest = &keys[..];
    while !rest.is_empty() {
        let (batch, later) = rest.split_at(rest.len().min(1 + random.below(30)));
        rest = later;
        for subject in [&*subject, &expected as &dyn WordSubject] {
            subject.add(pictures(batch.iter().copied()));
        }
        let gone: Vec<Key> = (0..4)
            .map(|_| Key(keys[random.below(keys.len())]))
            .collect();
        let again = pictures(gone[..2].iter().map(|key| key.0));
        for subject in [&*subject, &expected as &dyn WordSubject] {
            subject.remove(&gone);
            subject.add(again.clone());
        }
        let snapshot = subject.index().word_snapshot()?;
        let expected = expected.index().word_snapshot()?;
        assert_eq!(snapshot.pictures(), expected.pictures());
        for options in varied_options() {
            let words = query(keys[random.below(keys.len())]);
            let all = CandidateFilter::all();
            assert_eq!(
                ask(&*snapshot, words.clone(), options, &all)?,
                ask(&*expected, words, options, &all)?,
                "{options:?}"
            );
        }
    }
    Ok(())
}

fn a_filter_applies_before_candidates_are_cut_off(
    new: &NewWordIndex<'_>,
) -> Result<(), CandidateError> {
    let (subject, expected) = (new(WORDS), ExhaustiveWords::new(WORDS));
    for subject in [&*subject, &expected as &dyn WordSubject] {
        subject.add(pictures((1..80).rev()));
        // They have the postings of a picture below 2³² and differ from its key in the upper bits only.
        subject.add(HIGH.map(|key| (Key(key + 30), picture(30))).to_vec());
    }
    let snapshot = subject.index().word_snapshot()?;
    let expected = expected.index().word_snapshot()?;
    let every_third = Arc::new((0..80).step_by(3).collect::<roaring::RoaringTreemap>());
    let all = CandidateFilter::all();
    let filters = [
        all.clone().except([Key(30)]),
        all.clone().in_range(20..=40),
        all.clone().in_range(20..=HIGH[0] + 30),
        all.clone().in_range(HIGH[0]..),
        all.clone().except([30, HIGH[1] + 30].map(Key)),
        all.clone()
            .only(Arc::new([29, 30, HIGH[0] + 30].into_iter().collect())),
        all.clone().in_range(1..1),
        all.clone().only(Arc::default()),
        all.clone().without(every_third.clone()),
        all.clone()
            .only(every_third)
            .except([Key(30), Key(33)])
            .in_range(10..=70),
    ];
    for filter in filters {
        let sharing = |snapshot: &dyn WordSnapshot| {
            let mut asked = snapshot.word_query(everything())?;
            asked.add(query(30))?;
            let total = asked.candidates(&filter)?.total;
            let keys = asked.sharing(&filter)?;
            assert_eq!(keys.len(), total as u64, "{filter:?}");
            Ok::<_, CandidateError>(keys)
        };
        assert_eq!(sharing(&*snapshot)?, sharing(&*expected)?, "{filter:?}");
        for options in varied_options() {
            let found = ask(&*snapshot, query(30), options, &filter)?;
            assert!(found.best.iter().all(|c| filter.accepts(c.key)));
            assert_eq!(
                found,
                ask(&*expected, query(30), options, &filter)?,
                "{filter:?}"
            );
        }
    }
    let few = ask(&*snapshot, query(30), varied_options()[1], &all)?;
    assert!(few.best.len() == 5 && few.total > 5, "{few:?}");
    assert_eq!(few.best[0].key, Key(30), "a picture finds itself");
    Ok(())
}

fn a_query_in_parts_is_the_query_at_once(new: &NewWordIndex<'_>) -> Result<(), CandidateError> {
    let subject = new(WORDS);
    subject.add(pictures(1..80));
    let snapshot = subject.index().word_snapshot()?;
    let all = CandidateFilter::all();
    let mut both = query(9);
    both.features.extend(query(50).features);
    let mut parts = snapshot.word_query(everything())?;
    assert!(parts.features().is_empty());
    assert_eq!(parts.candidates(&all)?, Candidates::default());
    parts.add(query(9))?;
    let first = ask(&*snapshot, query(9), everything(), &all)?;
    assert_eq!(parts.candidates(&all)?, first);
    parts.add(QueryWords::default())?;
    parts.add(query(50))?;
    assert_eq!(parts.features(), both.features);
    let second = parts.candidates(&all)?;
    assert_eq!(second, ask(&*snapshot, both, everything(), &all)?);
    assert_ne!(second, first);
    Ok(())
}

fn a_snapshot_does_not_change(new: &NewWordIndex<'_>) -> Result<(), CandidateError> {
    let subject = new(WORDS);
    subject.add(pictures(1..40));
    let before = subject.index().word_snapshot()?;
    let all = CandidateFilter::all();
    let found = ask(&*before, query(5), everything(), &all)?;
    subject.remove(&[Key(5), Key(6)]);
    subject.add(pictures(40..60));
    let after = subject.index().word_snapshot()?;
    assert_eq!((before.pictures(), after.pictures()), (39, 57));
    assert_eq!(ask(&*before, query(5), everything(), &all)?, found);
    let without = ask(&*after, query(5), everything(), &all)?;
    assert!(without.best.iter().all(|c| c.key != Key(5)));
    Ok(())
}

fn of_pictures_with_one_key_the_first_stays(new: &NewWordIndex<'_>) -> Result<(), CandidateError> {
    let subject = new(WORDS);
    subject.add(vec![(Key(5), picture(5)), (Key(5), picture(20))]);
    subject.add(vec![(Key(2), picture(2)), (Key(5), picture(30))]);
    let snapshot = subject.index().word_snapshot()?;
    let expected = new(WORDS);
    expected.add(pictures([2, 5]));
    let expected = expected.index().word_snapshot()?;
    assert_eq!(snapshot.pictures(), 2);
    let all = CandidateFilter::all();
    for key in [2, 5, 20, 30] {
        assert_eq!(
            ask(&*snapshot, query(key), everything(), &all)?,
            ask(&*expected, query(key), everything(), &all)?
        );
    }
    Ok(())
}
