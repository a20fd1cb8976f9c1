//! What is fed to the readers of stored bytes by the tests and by the fuzzers of `fuzz`: each input is refused, or read
//! as what it says. Where a checksum covers the bytes, they are also sealed again, so that the readers behind the
//! checksum are reached. Each function returns whether something was read, and panics where a reader is wrong.

pub use crate::dense::fuzzing::{graph, vectors};

use resight_vision::Descriptors;

use crate::file_header;
use crate::mapped::Bytes;
use crate::picture_words::PictureWords;
use crate::place::Place;
use crate::segment::Segment;
use crate::segment_file::{Keyed, SegmentFile};
use crate::vocabulary::Vocabulary;

/// Which index the files belong to.
pub(crate) const OWNER: [u8; 16] = [5; 16];
/// Which vocabulary words belong to.
pub(crate) const TAG: [u8; 4] = [1, 2, 3, 4];
/// Magic, hash of the rest: where the rest of a vocabulary begins.
const VOCABULARY_BODY: usize = 24;

/// The same bytes where eight-byte numbers may begin.
pub(crate) fn owned(bytes: &[u8]) -> Bytes {
    let mut words = vec![0u64; bytes.len().div_ceil(8)];
    bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
    Bytes::Owned(words, bytes.len())
}

/// The same file with a header that fits its body.
pub(crate) fn sealed(bytes: &[u8]) -> Option<Bytes> {
    let (header, body) = bytes.split_first_chunk::<{ file_header::HEADER }>()?;
    let mut header = *header;
    file_header::seal(&mut header, blake3::hash(body).as_bytes());
    Some(owned(&[&header[..], body].concat()))
}

/// The words of a picture in both versions.
pub fn words(bytes: &[u8]) -> bool {
    if let Ok(words) = PictureWords::from_bytes_and_places(bytes, &[Place(1), Place(2)]) {
        assert_eq!(words.postings().len(), 2);
    }
    let read = PictureWords::from_bytes(bytes, TAG);
    if let Ok(words) = &read {
        assert_eq!(words.to_bytes(TAG), bytes);
    }
    read.is_ok()
}

/// A file of postings.
pub fn segment(bytes: &[u8]) -> bool {
    let read = <Segment as SegmentFile>::open(owned(bytes), &OWNER);
    if let Ok(segment) = &read {
        let mut written = Vec::new();
        let done = segment.write(&OWNER, &mut written);
        assert!(done.is_ok() && written == bytes, "it is not what was read");
    }
    // The bodies of these are foreign: they fit their lengths, and nothing else is promised of them.
    let foreign = sealed(bytes).map(|all| <Segment as SegmentFile>::open(all, &OWNER));
    if let Some(Ok(segment)) = foreign {
        assert_eq!(segment.keys().len(), segment.features().len());
        return true;
    }
    read.is_ok()
}

/// A file of a vocabulary, which then assigns words.
pub fn vocabulary(bytes: &[u8]) -> bool {
    let _ = Vocabulary::from_bytes(bytes);
    if bytes.len() <= VOCABULARY_BODY {
        return false;
    }
    let mut sealed = bytes.to_vec();
    let hash = blake3::hash(&sealed[VOCABULARY_BODY..]);
    sealed[VOCABULARY_BODY - 16..VOCABULARY_BODY].copy_from_slice(&hash.as_bytes()[..16]);
    let Ok(read) = Vocabulary::from_bytes(&sealed) else {
        return false;
    };
    let one = Descriptors::from_bytes(read.dimension(), vec![9; 20 * read.dimension()]);
    if let Some(one) = one {
        let assigned = read.assign(&one);
        assert!(assigned.iter().all(|a| (a.word as usize) < read.len()));
    }
    true
}
