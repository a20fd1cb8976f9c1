//! Checksums of rows, for stores that keep them beside the bytes: CRC-32 over the kind of the row, the picture's key
//! and the bytes, so that the row of another picture fails too.

/// What a checksum covers. The numbers are part of the format of every store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The picture's own row, without lengths and sums.
    Record = 1,
    /// Features of a picture or a view.
    Features = 2,
    /// Words of a picture or a view, also staged ones.
    Words = 3,
    /// A vector of a picture.
    Vector = 4,
    /// The record of a view.
    View = 5,
}

impl Part {
    /// What [`crate::StoreError::PictureDamaged`] calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Features => "features",
            Self::Words => "words",
            Self::Vector => "vector",
            Self::View => "view",
        }
    }
}

/// The checksum of bytes that belong to a key.
pub fn sum_of(part: Part, key: i64, bytes: &[u8]) -> i64 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[part as u8]);
    hasher.update(&key.to_le_bytes());
    hasher.update(bytes);
    i64::from(hasher.finalize())
}

/// The values of a record as the bytes that its sum covers, without its key. A store keeps the order of its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordBytes(Vec<u8>);

impl RecordBytes {
    /// Adds an absent value.
    pub fn absent(&mut self) {
        self.0.push(0);
    }

    /// Adds a whole number.
    pub fn number(&mut self, number: i64) {
        self.0.push(1);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// Adds a number that is not whole.
    pub fn real(&mut self, number: f64) {
        self.0.push(2);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// Adds text.
    pub fn text(&mut self, text: &[u8]) {
        self.0.push(3);
        self.0.extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.0.extend_from_slice(text);
    }

    /// Adds a whole number that may be absent.
    pub fn optional_number(&mut self, number: Option<i64>) {
        match number {
            Some(number) => self.number(number),
            None => self.absent(),
        }
    }

    /// Adds text that may be absent.
    pub fn optional_text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text.as_bytes()),
            None => self.absent(),
        }
    }

    /// The sum of the record with this key.
    pub fn sum(&self, part: Part, key: i64) -> i64 {
        sum_of(part, key, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_belongs_to_its_part_its_key_and_its_bytes() {
        let sum = sum_of(Part::Words, 7, b"abc");
        assert_ne!(sum, sum_of(Part::Features, 7, b"abc"));
        assert_ne!(sum, sum_of(Part::Words, 8, b"abc"));
        assert_ne!(sum, sum_of(Part::Words, 7, b"abd"));
    }

    #[test]
    fn values_of_a_record_do_not_run_together() {
        let of = |texts: [&str; 2]| {
            let mut bytes = RecordBytes::default();
            for text in texts {
                bytes.text(text.as_bytes());
            }
            bytes.sum(Part::Record, 1)
        };
        assert_ne!(of(["ab", "c"]), of(["a", "bc"]));
        let (mut absent, mut empty) = (RecordBytes::default(), RecordBytes::default());
        absent.optional_text(None);
        empty.optional_text(Some(""));
        assert_ne!(absent, empty);
    }
}
