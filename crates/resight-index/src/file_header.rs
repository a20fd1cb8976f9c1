//! The header of an index file, which identifies the file and detects damage.
//!
//! 128 bytes: magic and version, 52 bytes that each kind of file defines for itself, the BLAKE3 of
//! the body, and the BLAKE3 of the header up to there (`docs/index-format.md`).

/// Bytes before the body.
pub(crate) const HEADER: usize = 128;
/// Offset of the body's hash.
const BODY_HASH: usize = 64;
/// Offset of the header's own hash, which covers everything before it.
const OWN_HASH: usize = 96;

pub(crate) type Header = [u8; HEADER];

/// A header with magic and version; the rest is zero.
pub(crate) fn new(magic: &[u8; 8], version: u32) -> Header {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(magic);
    header[8..12].copy_from_slice(&version.to_le_bytes());
    header
}

/// Completes a header with the hash of the body and its own.
pub(crate) fn seal(header: &mut Header, body: &[u8; 32]) {
    header[BODY_HASH..OWN_HASH].copy_from_slice(body);
    let own = blake3::hash(&header[..OWN_HASH]);
    header[OWN_HASH..].copy_from_slice(own.as_bytes());
}

/// Header and body of a file that begins with `magic`. Checks nothing else.
pub(crate) fn split<'a>(all: &'a [u8], magic: &[u8; 8]) -> Option<(&'a Header, &'a [u8])> {
    all.split_first_chunk()
        .filter(|(header, _): &(&Header, _)| header[..8] == *magic)
}

pub(crate) fn has_version(header: &Header, version: u32) -> bool {
    header[8..12] == version.to_le_bytes()
}

/// Whether the header is unchanged since [`seal`].
pub(crate) fn is_intact(header: &Header) -> bool {
    *blake3::hash(&header[..OWN_HASH]).as_bytes() == header[OWN_HASH..]
}

/// Whether the header was sealed for a body of this hash.
pub(crate) fn covers(header: &Header, body: &[u8; 32]) -> bool {
    header[BODY_HASH..OWN_HASH] == *body
}

/// The header's own hash, which identifies the file; zeros before [`seal`].
pub(crate) fn own_hash(all: &[u8]) -> &[u8] {
    &all[OWN_HASH..HEADER]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGIC: &[u8; 8] = b"RSIGHTXX";

    fn sealed(body: &[u8]) -> Vec<u8> {
        let mut header = new(MAGIC, 3);
        header[40] = 9;
        seal(&mut header, blake3::hash(body).as_bytes());
        [&header[..], body].concat()
    }

    #[test]
    fn a_sealed_header_covers_its_body_and_no_other() {
        let file = sealed(b"body");
        let (header, body) = split(&file, MAGIC).unwrap();
        assert_eq!(body, b"body");
        assert!(has_version(header, 3) && !has_version(header, 2));
        assert!(is_intact(header));
        assert!(covers(header, blake3::hash(b"body").as_bytes()));
        assert!(!covers(header, blake3::hash(b"Body").as_bytes()));
        assert_eq!(own_hash(&file), &header[OWN_HASH..]);
    }

    #[test]
    fn a_changed_byte_anywhere_in_the_header_is_seen() {
        let file = sealed(b"body");
        for at in 0..HEADER {
            let mut changed = file.clone();
            changed[at] ^= 1;
            let seen = split(&changed, MAGIC).is_none_or(|(header, _)| !is_intact(header));
            assert!(seen, "byte {at}");
        }
        assert!(split(&file[..HEADER - 1], MAGIC).is_none());
        assert!(split(&file, b"RSIGHTYY").is_none());
    }
}
