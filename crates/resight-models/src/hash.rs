//! Hashes of model files.

use std::fmt;

use sha2::{Digest, Sha256};

/// The hash of a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileHash {
    /// SHA-256 (FIPS 180-4), which model authors publish.
    Sha256([u8; 32]),
    /// BLAKE3, which `models add` writes for a file without a hash.
    Blake3([u8; 32]),
}

impl FileHash {
    /// Parses 64 hexadecimal digits.
    pub(crate) fn sha256(digits: &str) -> Result<Self, String> {
        Ok(Self::Sha256(parse("sha256", digits)?))
    }

    /// Parses 64 hexadecimal digits.
    pub(crate) fn blake3(digits: &str) -> Result<Self, String> {
        Ok(Self::Blake3(parse("blake3", digits)?))
    }

    /// The BLAKE3 hash of `bytes`.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self::Blake3(*blake3::hash(bytes).as_bytes())
    }

    /// The hash of `bytes`, of the same kind as `self`.
    pub(crate) fn same_kind(self, bytes: &[u8]) -> Self {
        match self {
            Self::Sha256(_) => Self::Sha256(Sha256::digest(bytes).into()),
            Self::Blake3(_) => Self::of(bytes),
        }
    }

    /// The key of a manifest: `sha256` or `blake3`.
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
        f.write_str(&hex::encode(bytes))
    }
}

fn parse(key: &str, digits: &str) -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(digits, &mut bytes)
        .map_err(|_| format!("{key} has to be 64 hexadecimal digits"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the empty input, as FIPS 180-4's examples and the BLAKE3 paper have them.
    const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const BLAKE3: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

    #[test]
    fn hashes_equal_the_published_ones() {
        for (expected, hash) in [
            (SHA256, FileHash::sha256(SHA256)),
            (BLAKE3, FileHash::blake3(BLAKE3)),
        ] {
            let hash = hash.unwrap();
            assert_eq!(hash.to_string(), expected);
            assert_eq!(hash.same_kind(b""), hash);
            assert_ne!(hash.same_kind(b"x"), hash);
        }
        assert_eq!(FileHash::of(b"").to_string(), BLAKE3);
    }

    #[test]
    fn digits_are_64_of_either_case() {
        let upper = SHA256.to_uppercase();
        assert_eq!(FileHash::sha256(&upper), FileHash::sha256(SHA256));
        let long = format!("{SHA256}00");
        for wrong in ["", "12", &SHA256[1..], &long, &SHA256.replace('e', "g")] {
            let error = FileHash::blake3(wrong).unwrap_err();
            assert_eq!(error, "blake3 has to be 64 hexadecimal digits", "{wrong}");
        }
    }
}
