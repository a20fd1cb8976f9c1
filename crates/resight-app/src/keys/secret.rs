//! Secrets of keys, and what stands for a key in a browser.
//!
//! A secret is `resight_ID_SECRET`: the key's id (12 hexadecimal digits) and 256 random bits (64 digits). The id
//! selects the key, so that one hash is computed for a request, whatever the number of keys.

use blake3::Hash;

/// Hexadecimal digits of an id.
pub(super) const ID_DIGITS: usize = 12;
const SECRET_DIGITS: usize = 64;
const PREFIX: &str = "resight_";
/// What keeps hashes for one purpose apart from those for another one.
const SESSIONS: &str = "resight 2026-11 sessions of API keys";

/// Why a secret or a session is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretError {
    /// No key has it.
    Unknown,
    /// Its time is over.
    Ended,
}

/// As many random bytes from the system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// A new secret of the key with this id.
pub(super) fn secret(id: &str) -> Result<String, getrandom::Error> {
    let bits: [u8; 32] = random()?;
    Ok(format!("{PREFIX}{id}_{}", hex::encode(bits)))
}

/// The id in a secret, if it has the form of one.
pub(super) fn id_of(secret: &str) -> Option<&str> {
    let (id, rest) = secret.strip_prefix(PREFIX)?.split_once('_')?;
    let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let fits = id.len() == ID_DIGITS && rest.len() == SECRET_DIGITS && is_hex(id) && is_hex(rest);
    fits.then_some(id)
}

/// What is stored of a secret.
pub(super) fn hash(pepper: &[u8; 32], secret: &str) -> Hash {
    blake3::keyed_hash(pepper, secret.as_bytes())
}

/// A short text that tells data folders apart and nothing about their secrets.
pub(super) fn label(pepper: &[u8; 32]) -> String {
    let hash = blake3::keyed_hash(pepper, b"label");
    hex::encode(&hash.as_bytes()[..4])
}

/// The text of a session of a key that ends at `end`. Nothing of it is stored: the hash shows that this data
/// folder made it. It is made of the hash of the key's secret as well, so that it ends with the key.
pub(super) fn session(pepper: &[u8; 32], id: &str, key: Hash, end: i64) -> String {
    let made = format!("{id}.{end}");
    format!("{made}.{}", proof(pepper, &made, key).to_hex())
}

/// What the text of a session begins with, the id and the end in that, and its hash. Not checked yet.
pub(super) fn parts_of_session(text: &str) -> Option<(&str, &str, i64, Hash)> {
    let (made, proof) = text.rsplit_once('.')?;
    let (id, end) = made.split_once('.')?;
    Some((made, id, end.parse().ok()?, Hash::from_hex(proof).ok()?))
}

/// The hash that the session `id.end` must have. `Hash` is compared in constant time.
pub(super) fn proof(pepper: &[u8; 32], made: &str, key: Hash) -> Hash {
    let mut secret = blake3::Hasher::new_derive_key(SESSIONS);
    secret.update(pepper).update(key.as_bytes());
    blake3::keyed_hash(secret.finalize().as_bytes(), made.as_bytes())
}
