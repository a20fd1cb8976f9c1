use super::*;

#[test]
fn limits_and_distances_are_respected() {
    let index = Index::new(WORDS);
    index.add((1..=30).map(|k| (Key(k), words(k))).collect());
    let snapshot = index.snapshot();
    let all = snapshot.candidates(&query(3), &everything());
    let few = snapshot.candidates(
        &query(3),
        &CandidateOptions {
            limit: 4,
            ..everything()
        },
    );
    assert_eq!(few.best[..], all.best[..4]);
    assert_eq!(few.total, all.total);
    let exact = snapshot.candidates(
        &query(3),
        &CandidateOptions {
            max_hamming: 0,
            ..everything()
        },
    );
    assert_eq!(exact.total, 1);
    assert_eq!(exact.best[0].key, Key(3));
}

#[test]
fn a_refused_picture_takes_no_place() {
    let index = Index::new(WORDS);
    for from in [1, 21] {
        index.add((from..from + 20).map(|k| (Key(k), words(k))).collect());
    }
    let snapshot = index.snapshot();
    let all = results(&index, 7);
    assert!(all.len() > 5);
    // The filter refuses the picture itself and others of both segments; there are two places.
    let accepted = |key: Key| key.0.is_multiple_of(3);
    let options = CandidateOptions {
        limit: 2,
        considered: 2,
        ..everything()
    };
    let words = query(7);
    let mut asked = snapshot.query(options);
    asked.add(words);
    let found = asked.candidates(&accepted);
    let expected: Vec<&Candidate> = all.iter().filter(|c| accepted(c.key)).collect();
    assert_eq!(found.total, expected.len());
    let keys: Vec<Key> = found.best.iter().map(|c| c.key).collect();
    let scores = |c: &Candidate| c.score.to_bits();
    assert_eq!(keys, [expected[0].key, expected[1].key]);
    assert_eq!(scores(&found.best[0]), scores(expected[0]));
    let none = asked.candidates(&|_| false);
    assert_eq!((none.total, none.best.len()), (0, 0));
}

/// A picture of words of their own, at places that follow from a similarity.
fn placed(first: u32, count: u32, at: impl Fn(u32) -> (f32, f32)) -> PictureWords {
    let posting = |i: u32| {
        let (x, y) = at(i);
        let keypoint = resight_vision::Keypoint {
            x,
            y,
            scale: 3.0,
            angle: 1.0,
            response: 0.0,
        };
        Posting {
            word: first + i,
            signature: u64::from(i).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            place: Place::of(&keypoint, [1000, 1000]),
        }
    };
    PictureWords::new((0..count).map(posting).collect())
}

#[test]
fn a_picture_whose_matches_agree_comes_before_one_with_more_votes() {
    let index = Index::new(WORDS);
    let row = |i: u32| (20.0 + 12.0 * i as f32, 40.0 + (i * i % 97) as f32);
    let apart = |i: u32| ((i * 613 % 991) as f32, (i * 389 % 997) as f32);
    let query = placed(0, 40, row);
    index.add(vec![
        (Key(1), placed(0, 40, apart)),
        (
            Key(2),
            placed(0, 25, |i| (row(i).0 + 300.0, row(i).1 + 200.0)),
        ),
        (Key(3), placed(0, 2, row)),
        (Key(4), placed(5, 1, row)),
    ]);
    let features = query.postings().iter().map(|p| QueryFeature {
        assigned: vec![AssignedFeature {
            word: p.word,
            signature: p.signature,
        }],
        cells: vec![],
        place: p.place,
    });
    let query = QueryWords {
        features: features.collect(),
    };
    let keys = |considered| {
        let options = CandidateOptions {
            considered,
            ..everything()
        };
        let found = index.snapshot().candidates(&query, &options);
        found.best.iter().map(|c| c.key.0).collect::<Vec<u64>>()
    };
    assert_eq!(keys(0), [1, 2, 3, 4]);
    assert_eq!(keys(10), [2, 1, 3, 4]);
    // Considered first are those with the most votes.
    assert_eq!(keys(1), [1, 2, 3, 4]);
    let found = index.snapshot().candidates(&query, &everything());
    let agreeing: Vec<u32> = found.best.iter().map(|c| c.agreeing).collect();
    assert!(agreeing[0] > 20 && agreeing[1] < 6, "{agreeing:?}");
    assert_eq!(agreeing[2..], [2, 0]);
    let agreement: Vec<f64> = found.best.iter().map(|c| c.agreement).collect();
    assert!(agreement[2] > 0.0 && agreement[3] == 0.0, "{agreement:?}");
}

#[test]
fn few_agreeing_matches_come_behind_three_whatever_their_votes() {
    let candidate = |key, agreeing, agreement, score| Candidate {
        key: Key(key),
        score,
        agreement,
        agreeing,
    };
    let in_order = [
        candidate(5, 4, 9.0, 1.0),
        candidate(4, 3, 8.0, 1.0),
        candidate(3, 2, 30.0, 1.0),
        candidate(1, 2, 20.0, 2.0),
        candidate(2, 2, 20.0, 1.0),
        candidate(9, 2, 20.0, 1.0),
        candidate(8, 0, 0.0, 7.0),
    ];
    let mut sorted = in_order;
    sorted.reverse();
    sorted.sort_by(Candidate::order);
    assert_eq!(sorted, in_order);
}

#[test]
fn a_query_in_parts_is_the_query_at_once() {
    let index = Index::new(WORDS);
    for from in (1..1000u64).step_by(500) {
        index.add((from..from + 500).map(|k| (Key(k), words(k))).collect());
    }
    index.remove(&[Key(4)]);
    let snapshot = index.snapshot();
    let (first, second) = (query(3), query(700));
    let mut all = first.clone();
    all.features.extend(second.features.clone());
    let mut parts = snapshot.query(everything());
    assert!(parts.features().is_empty());
    parts.add(first.clone());
    let before = parts.candidates(&|_| true);
    assert_eq!(before, snapshot.candidates(&first, &everything()));
    let nothing = QueryWords::default();
    parts.add(nothing);
    parts.add(second);
    let after = parts.candidates(&|_| true);
    assert_eq!(after, snapshot.candidates(&all, &everything()));
    assert_ne!(after, before);
}

#[test]
fn few_of_many_are_the_first_of_all() {
    let index = Index::new(WORDS);
    index.add((1..4000u64).map(|k| (Key(k), words(k))).collect());
    let snapshot = index.snapshot();
    assert_eq!(snapshot.segments.len(), 1);
    let all = snapshot.candidates(&query(17), &everything());
    assert!(all.total > 2000);
    for limit in [1, 3, 50] {
        let options = CandidateOptions {
            limit,
            considered: 0,
            ..everything()
        };
        let few = snapshot.candidates(&query(17), &options);
        let mut by_votes = all.best.clone();
        by_votes.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.key.cmp(&b.key)));
        let keys = |found: &[Candidate]| found.iter().map(|c| c.key).collect::<Vec<_>>();
        assert_eq!(keys(&few.best), keys(&by_votes[..limit]));
        assert_eq!(few.total, all.total);
    }
}

#[test]
fn the_number_of_threads_does_not_change_results() {
    let index = Index::new(WORDS);
    for from in (1..4000u64).step_by(500) {
        index.add((from..from + 500).map(|k| (Key(k), words(k))).collect());
    }
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| results(&index, 77))
    };
    let one = with(1);
    assert_eq!(one[0].key, Key(77));
    for threads in [2, 3, 8] {
        assert_eq!(with(threads), one);
    }
}
