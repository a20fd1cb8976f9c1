//! The header of an index file, by which it is known again and told whole from damaged.
//!
//! 128 bytes: what it is and of which version, 52 bytes that each kind of file has for itself, the
//! BLAKE3 of all that follows, and the BLAKE3 of the header up to there (`docs/index-format.md`).

/// Bytes before the body.
pub(crate) const HEADER: usize = 128;
/// Where the body's hash stands.
const BODY: usize = 64;
/// Where the header's own hash stands, after everything it covers.
const SEAL: usize = 96;

pub(crate) type Header = [u8; HEADER];

/// A header of which only what it is and the version are said yet.
pub(crate) fn begun(magic: &[u8; 8], version: u32) -> Header {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(magic);
    header[8..12].copy_from_slice(&version.to_le_bytes());
    header
}

/// Completes a header with the hash of the body, and its own.
pub(crate) fn seal(header: &mut Header, body: &[u8; 32]) {
    header[BODY..SEAL].copy_from_slice(body);
    let own = blake3::hash(&header[..SEAL]);
    header[SEAL..].copy_from_slice(own.as_bytes());
}

/// The header and the body of a file that begins with `magic`; nothing of it has been checked.
pub(crate) fn split<'a>(all: &'a [u8], magic: &[u8; 8]) -> Option<(&'a Header, &'a [u8])> {
    all.split_first_chunk()
        .filter(|(header, _): &(&Header, _)| header[..8] == *magic)
}

pub(crate) fn is_of_version(header: &Header, version: u32) -> bool {
    header[8..12] == version.to_le_bytes()
}

/// Whether the header is as it was sealed.
pub(crate) fn is_whole(header: &Header) -> bool {
    *blake3::hash(&header[..SEAL]).as_bytes() == header[SEAL..]
}

/// Whether it was sealed for a body of this hash.
pub(crate) fn is_for(header: &Header, body: &[u8; 32]) -> bool {
    header[BODY..SEAL] == *body
}

/// The header's own hash, which identifies the file; zeros for one that was never sealed.
pub(crate) fn own_hash(all: &[u8]) -> &[u8] {
    &all[SEAL..HEADER]
}
