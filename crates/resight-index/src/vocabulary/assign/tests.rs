use super::super::{TrainOptions, VocabularyError, train};
use super::*;
use resight_test_support::Random;

/// Descriptors around `centres` well-separated points.
fn clustered(centres: usize, each: usize, dimension: usize) -> Descriptors {
    let mut random = Random::new(11);
    let mut next = || random.byte();
    let points: Vec<Vec<u8>> = (0..centres)
        .map(|_| (0..dimension).map(|_| next() / 2 + 20).collect())
        .collect();
    let mut bytes = Vec::new();
    for _ in 0..each {
        for p in &points {
            bytes.extend(p.iter().map(|&v| v + next() % 8));
        }
    }
    Descriptors::from_bytes(dimension, bytes).unwrap()
}

fn small(words: usize) -> (Vocabulary, Descriptors) {
    let descriptors = clustered(40, 30, 32);
    let options = TrainOptions {
        words,
        rounds: 6,
        seed: 3,
    };
    let vocabulary = train(&ModelId::new("test/1"), &descriptors, &options, &mut |_| {
        true
    })
    .unwrap();
    (vocabulary, descriptors)
}

#[test]
fn neighbours_share_words_and_bits() {
    let (vocabulary, descriptors) = small(64);
    assert_eq!(vocabulary.len(), 64);
    let assigned = vocabulary.assign(&descriptors);
    // Descriptors 40 apart come from the same point.
    let same = (0..descriptors.len() - 40)
        .filter(|&i| assigned[i].word == assigned[i + 40].word)
        .count();
    let other = (0..descriptors.len() - 41)
        .filter(|&i| assigned[i].word == assigned[i + 41].word)
        .count();
    assert!(same > 500 && other < 60, "{same} {other}");
}

/// Squared distance and number of the `n` nearest of `rows`, numbered from `first`.
fn nearest(descriptor: &[u8], rows: &[u8], first: u32, n: usize) -> Vec<(u32, u32)> {
    let distance = |row: &[u8]| -> u32 {
        let pairs = row.iter().zip(descriptor);
        pairs.map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum()
    };
    let rows = rows.chunks_exact(descriptor.len()).map(distance);
    let mut all: Vec<(u32, u32)> = rows.zip(first..).collect();
    all.sort_unstable();
    all.truncate(n);
    all
}

#[test]
fn words_are_the_nearest_in_the_nearest_cells() {
    // With fewer cells than are visited, and with more.
    for words in [9, 64, 300] {
        let (vocabulary, descriptors) = small(words);
        let d = vocabulary.dimension;
        let keypoint = Keypoint {
            x: 1.0,
            y: 1.0,
            scale: 2.0,
            angle: 0.0,
            response: 0.0,
        };
        let features = LocalFeatures {
            keypoints: vec![keypoint; descriptors.len()],
            descriptors,
        };
        let asked = vocabulary.assign_some(&features, [640, 480], 12, &|i| i % 5 != 0);
        let stored = vocabulary.assign(&features.descriptors);
        for (i, descriptor) in features.descriptors.iter().enumerate() {
            let cells = nearest(descriptor, &vocabulary.centres, 0, 12);
            let inside = cells.iter().take(VISITED_CELLS).flat_map(|&(_, cell)| {
                let words = vocabulary.cell_words(cell);
                let rows = words.start as usize * d..words.end as usize * d;
                nearest(descriptor, &vocabulary.words[rows], words.start, 3)
            });
            let mut inside: Vec<(u32, u32)> = inside.collect();
            inside.sort_unstable();
            assert_eq!(stored[i].word, inside[0].1);
            let own = &asked.features[i];
            assert!(own.cells.iter().eq(cells.iter().map(|(_, cell)| cell)));
            let near = inside.iter().take(3);
            let near = near.filter(|w| 5 * w.0 <= 6 * inside[0].0 && i % 5 != 0);
            let found = own.assigned.iter().map(|a| a.word);
            assert!(found.eq(near.map(|w| w.1)), "{i} of {words}");
        }
    }
}

#[test]
fn the_first_word_of_a_query_feature_is_the_stored_one() {
    let (vocabulary, descriptors) = small(64);
    let keypoints = (0..descriptors.len()).map(|i| Keypoint {
        x: i as f32,
        y: 1.0,
        scale: 2.0,
        angle: 0.0,
        response: 0.0,
    });
    let features = LocalFeatures {
        keypoints: keypoints.collect(),
        descriptors,
    };
    let size = [2000, 100];
    let stored = vocabulary.postings(&features, size);
    let query = vocabulary.assign_query(&features, size, 4);
    assert_eq!(stored.len(), features.len());
    for (p, q) in stored.iter().zip(&query.features) {
        let a = q.assigned[0];
        assert_eq!(
            (p.word, p.signature, p.place),
            (a.word, a.signature, q.place)
        );
        assert!((1..=3).contains(&q.assigned.len()));
        assert_eq!(q.cells.len(), 4);
    }
    let some = vocabulary.assign_some(&features, size, 4, &|number| number % 3 == 1);
    for (number, (few, all)) in some.features.iter().zip(&query.features).enumerate() {
        let words = if number % 3 == 1 {
            &all.assigned[..]
        } else {
            &[]
        };
        assert_eq!(few.assigned, words);
        assert_eq!((&few.cells, few.place), (&all.cells, all.place));
    }
}

#[test]
fn cells_partition_the_words() {
    let (vocabulary, _) = small(50);
    let mut next = 0;
    for c in 0..vocabulary.cells() as u32 {
        let words = vocabulary.cell_words(c);
        assert_eq!(words.start, next);
        next = words.end;
    }
    assert_eq!(next as usize, vocabulary.len());
}

#[test]
fn training_does_not_depend_on_threads() {
    let (many, _) = small(64);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let (one, _) = pool.install(|| small(64));
    assert_eq!(many, one);
    assert_eq!(many.id(), one.id());
}

#[test]
fn bytes_round_trip_and_damage_is_seen() {
    let (vocabulary, _) = small(32);
    let bytes = vocabulary.to_bytes();
    let read = Vocabulary::from_bytes(&bytes).unwrap();
    assert_eq!(read, vocabulary);
    assert!(matches!(
        Vocabulary::from_bytes(b"GIF89a"),
        Err(VocabularyError::NotAVocabulary)
    ));
    for cut in [8, 20, 40, bytes.len() / 2, bytes.len() - 1] {
        assert!(matches!(
            Vocabulary::from_bytes(&bytes[..cut]),
            Err(VocabularyError::Damaged(_))
        ));
    }
    for at in [9, 30, 60, bytes.len() - 5] {
        let mut changed = bytes.clone();
        changed[at] ^= 4;
        assert!(matches!(
            Vocabulary::from_bytes(&changed),
            Err(VocabularyError::Damaged(_))
        ));
    }
}

#[test]
fn a_packed_vocabulary_reads_as_the_same_and_damage_is_seen() {
    let (mut vocabulary, _) = small(32);
    // Far from the projections of their words, on both sides.
    for (median, far) in [(3, i16::MAX), (70, i16::MIN), (71, 900)] {
        vocabulary.medians[median] = far;
    }
    vocabulary.id = vocabulary.compute_id();
    let packed = vocabulary.to_packed();
    let read = Vocabulary::from_bytes(&packed).unwrap();
    assert_eq!(read, vocabulary);
    assert_eq!(read.to_packed(), packed);
    // A byte in place of two, and a few medians and the id beside them.
    let saved = SIGNATURE_BITS * vocabulary.len();
    assert!(vocabulary.to_bytes().len() - packed.len() > saved / 2);
    for cut in [8, 20, 40, packed.len() / 2, packed.len() - 1] {
        let read = Vocabulary::from_bytes(&packed[..cut]);
        assert!(matches!(read, Err(VocabularyError::Damaged(_))), "{cut}");
    }
}

#[test]
fn too_little_to_learn_from_is_said() {
    let descriptors = clustered(5, 5, 16);
    let result = train(
        &ModelId::new("t"),
        &descriptors,
        &TrainOptions::default(),
        &mut |_| true,
    );
    assert!(matches!(
        result,
        Err(VocabularyError::TooFewFeatures { found: 25, .. })
    ));
}

#[test]
fn training_can_be_stopped() {
    let descriptors = clustered(40, 30, 32);
    let options = TrainOptions {
        words: 64,
        ..TrainOptions::default()
    };
    let mut rounds = 0;
    let result = train(&ModelId::new("t"), &descriptors, &options, &mut |s| {
        rounds = s.round;
        s.round < 3
    });
    assert_eq!(result, Err(VocabularyError::Cancelled));
    assert_eq!(rounds, 3);
}

#[test]
fn the_shipped_vocabulary_reads() {
    let generic = Vocabulary::generic();
    assert_eq!(generic.dimension(), 128);
    assert!(generic.len() >= 4096);
    assert_eq!(generic.id(), generic.compute_id());
}
