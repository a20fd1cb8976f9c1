//! Stored bytes changed at random: each is refused, or read as what it says. Where a checksum covers them, they
//! are also sealed again after the change, so that the readers behind the checksum are reached.

use resight_test_support::fuzz;
use resight_vision::{Descriptors, ModelId};

use crate::mapped::Bytes;
use crate::picture_words::{PictureWords, Posting};
use crate::place::Place;
use crate::segment::Segment;
use crate::segment_file::SegmentFile;
use crate::vocabulary::{TrainOptions, Vocabulary, train};
use crate::{Key, file_header};

fn words(key: u64) -> PictureWords {
    let posting = |i: u64| Posting {
        word: ((key * 7 + i * 13) % 40) as u32,
        signature: key.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i,
        place: Place((key * 31 + i) as u32),
    };
    PictureWords::new((0..9).map(posting).collect())
}

/// The same bytes where eight-byte numbers may begin.
fn owned(bytes: &[u8]) -> Bytes {
    let mut words = vec![0u64; bytes.len().div_ceil(8)];
    bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
    Bytes::Owned(words, bytes.len())
}

#[test]
fn words_are_read_as_they_were_written() {
    let tag = [1, 2, 3, 4];
    let places = [Place(1), Place(2)];
    let first = [&[1][..], &[7; 24]].concat();
    let corpus = [
        words(1).to_bytes(tag),
        words(2).to_bytes(tag)[..5].to_vec(),
        first,
    ];
    let mut read = 0;
    fuzz("words", 20_000, &corpus, |bytes| {
        if let Ok(words) = PictureWords::from_bytes(bytes, tag) {
            read += 1;
            assert_eq!(words.to_bytes(tag), bytes);
        }
        if let Ok(words) = PictureWords::from_bytes_and_places(bytes, &places) {
            assert_eq!(words.postings().len(), 2);
        }
    });
    assert!(read > 100, "{read}");
}

#[test]
fn a_changed_segment_is_refused() {
    let owner = [5; 16];
    let pictures: Vec<_> = (0..30).map(|key| (Key(key), words(key))).collect();
    let mut whole = Vec::new();
    Segment::build(&pictures).write(&owner, &mut whole).unwrap();
    assert!(<Segment as SegmentFile>::open(owned(&whole), &owner).is_ok());
    fuzz("segment", 20_000, std::slice::from_ref(&whole), |bytes| {
        let opened = <Segment as SegmentFile>::open(owned(bytes), &owner);
        assert!(opened.is_err() || bytes == whole);
        // Lengths and counts that fit, in a header that is sealed again: only the body is foreign.
        if let Some((header, body)) = bytes.split_first_chunk::<{ file_header::HEADER }>() {
            let mut header = *header;
            file_header::seal(&mut header, blake3::hash(body).as_bytes());
            let sealed = [&header[..], body].concat();
            let _ = <Segment as SegmentFile>::open(owned(&sealed), &owner);
        }
    });
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
    let whole = trained.to_bytes();
    // Behind the magic and 16 bytes of BLAKE3 of the rest.
    let body_at = 24;
    let mut used = 0;
    fuzz(
        "vocabulary",
        20_000,
        std::slice::from_ref(&whole),
        |bytes| {
            let read = Vocabulary::from_bytes(bytes);
            assert!(read.is_err() || bytes == whole);
            if bytes.len() > body_at {
                let mut sealed = bytes.to_vec();
                let hash = blake3::hash(&sealed[body_at..]);
                sealed[..body_at - 16].copy_from_slice(&whole[..body_at - 16]);
                sealed[body_at - 16..body_at].copy_from_slice(&hash.as_bytes()[..16]);
                if let Ok(read) = Vocabulary::from_bytes(&sealed) {
                    used += 1;
                    let one = vec![9; 20 * read.dimension()];
                    let one = Descriptors::from_bytes(read.dimension(), one).unwrap();
                    let assigned = read.assign(&one);
                    assert!(assigned.iter().all(|a| (a.word as usize) < read.len()));
                }
            }
        },
    );
    assert!(used > 100, "{used}");
}
