//! The public id of a picture.

use std::fmt;

/// Public id of a picture: 32 lower-case hexadecimal characters, the first 16 bytes of the BLAKE3
/// hash of the file's bytes. The store does not compute it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PictureId(String);

impl PictureId {
    /// Takes exactly 32 characters of `0-9a-f`; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == 32 && text.bytes().all(hex)).then(|| Self(text.to_owned()))
    }

    /// The 32 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PictureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::PictureId;

    #[test]
    fn an_id_is_32_lower_case_hexadecimal_characters() {
        let good = "0123456789abcdef0123456789abcdef";
        assert_eq!(
            PictureId::parse(good).map(|id| id.to_string()),
            Some(good.into())
        );
        for bad in [
            "",
            &good[1..],
            "0123456789ABCDEF0123456789abcdef",
            "g123456789abcdef0123456789abcdef",
            "0123456789abcdef0123456789abcdef0",
        ] {
            assert_eq!(PictureId::parse(bad), None, "{bad:?}");
        }
    }
}
