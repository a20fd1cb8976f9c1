//! Stored bytes changed at random, through the functions that the fuzzers call.

use resight_test_support::fuzz_reader;
use resight_vision::{Descriptors, ModelId};

use crate::Key;
use crate::dense::fuzzing::{stored_graph, stored_vectors};
use crate::fuzzing::{self, OWNER, TAG};
use crate::picture_words::{PictureWords, Posting};
use crate::place::Place;
use crate::segment::Segment;
use crate::segment_file::SegmentFile;
use crate::vocabulary::{TrainOptions, train};

fn words(key: u64) -> PictureWords {
    let posting = |i: u64| Posting {
        word: ((key * 7 + i * 13) % 40) as u32,
        signature: key.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i,
        place: Place((key * 31 + i) as u32),
    };
    PictureWords::new((0..9).map(posting).collect())
}

#[test]
fn words_are_read_as_they_were_written() {
    let first = [&[1][..], &[7; 24]].concat();
    let made = vec![
        words(1).to_bytes(TAG),
        words(2).to_bytes(TAG)[..5].to_vec(),
        first,
    ];
    let (read, refused) = fuzz_reader("words", 20_000, made, fuzzing::words);
    assert!(read > 100 && refused > 100, "{read} {refused}");
}

#[test]
fn a_changed_segment_is_refused() {
    let pictures: Vec<_> = (0..30).map(|key| (Key(key), words(key))).collect();
    let mut whole = Vec::new();
    Segment::build(&pictures).write(&OWNER, &mut whole).unwrap();
    let opened = <Segment as SegmentFile>::open(fuzzing::owned(&whole), &OWNER);
    assert!(opened.is_ok());
    let (read, refused) = fuzz_reader("segment", 20_000, vec![whole], fuzzing::segment);
    assert!(read > 100 && refused > 100, "{read} {refused}");
}

#[test]
fn a_changed_vocabulary_is_refused_or_can_be_used() {
    let descriptors: Vec<u8> = (0..600u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let descriptors = Descriptors::from_bytes(6, descriptors).unwrap();
    let options = TrainOptions {
        words: 16,
        rounds: 2,
        seed: 3,
    };
    let trained = train(&ModelId::new("m/1"), &descriptors, &options, &mut |_| true).unwrap();
    let made = vec![trained.to_bytes(), trained.to_packed()];
    let (read, refused) = fuzz_reader("vocabulary", 20_000, made, fuzzing::vocabulary);
    assert!(read > 100 && refused > 100, "{read} {refused}");
}

#[test]
fn changed_vectors_are_refused() {
    let made = vec![stored_vectors()];
    let (read, refused) = fuzz_reader("vectors", 20_000, made, fuzzing::vectors);
    assert!(read > 100 && refused > 100, "{read} {refused}");
}

#[test]
fn a_changed_graph_is_refused_or_walked() {
    let made = vec![stored_graph()];
    let (read, refused) = fuzz_reader("graph", 5_000, made, fuzzing::graph);
    assert!(read > 100 && refused > 100, "{read} {refused}");
}
