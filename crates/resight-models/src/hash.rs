//! Hashes of models' files.

use std::fmt::{self, Write as _};

use sha2::{Digest, Sha256};

/// The hash of a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileHash {
    /// SHA-256 (FIPS 180-4), the one that others publish.
    Sha256([u8; 32]),
    /// BLAKE3, the one that installing a file without a hash writes.
    Blake3([u8; 32]),
}

impl FileHash {
    /// Reads 64 hexadecimal digits.
    pub(crate) fn sha256(hex: &str) -> Result<Self, String> {
        Ok(Self::Sha256(digits("sha256", hex)?))
    }

    /// Reads 64 hexadecimal digits.
    pub(crate) fn blake3(hex: &str) -> Result<Self, String> {
        Ok(Self::Blake3(digits("blake3", hex)?))
    }

    /// The BLAKE3 hash of `bytes`.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self::Blake3(*blake3::hash(bytes).as_bytes())
    }

    /// The hash of `bytes` of the same kind as this one.
    pub(crate) fn same_kind(self, bytes: &[u8]) -> Self {
        match self {
            Self::Sha256(_) => Self::Sha256(Sha256::digest(bytes).into()),
            Self::Blake3(_) => Self::of(bytes),
        }
    }

    /// As a manifest's key names it.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Sha256(_) => "sha256",
            Self::Blake3(_) => "blake3",
        }
    }
}

impl fmt::Display for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Sha256(bytes) | Self::Blake3(bytes)) = self;
        f.write_str(&hexadecimal(bytes))
    }
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn digits(key: &str, hex: &str) -> Result<[u8; 32], String> {
    let wrong = || format!("{key} has to be 64 hexadecimal digits");
    let mut bytes = [0; 32];
    if hex.len() != 64 || !hex.bytes().all(|c| c.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let text = std::str::from_utf8(pair).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(text, 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}
