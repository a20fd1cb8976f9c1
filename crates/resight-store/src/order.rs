//! The order of lists of pictures, and places in it.

use crate::picture::PictureRecord;

/// What pictures are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrderBy {
    /// When they were added.
    #[default]
    Added,
    /// Their names, byte for byte.
    Name,
    /// When they were taken; those that do not tell come last.
    Taken,
    /// Lengths of their files.
    Bytes,
}

/// An order of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// What they are ordered by.
    pub by: OrderBy,
    /// Whether the largest comes first.
    pub descending: bool,
}

impl Default for Order {
    /// Newest first.
    fn default() -> Self {
        Self {
            by: OrderBy::Added,
            descending: true,
        }
    }
}

/// The value that a picture is ordered by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A time or a length.
    Number(i64),
    /// A name.
    Text(String),
}

/// A place between two pictures of an order: after the one with this value and key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The value that it is ordered by.
    pub value: Value,
    /// The key.
    pub key: u64,
}

impl Order {
    /// The place after a picture.
    pub fn position(self, record: &PictureRecord) -> Position {
        let value = match self.by {
            OrderBy::Added => Value::Number(record.added_ms),
            OrderBy::Name => Value::Text(record.name.clone()),
            OrderBy::Taken => Value::Number(record.taken_ms.unwrap_or(self.untaken())),
            OrderBy::Bytes => Value::Number(record.byte_len.cast_signed()),
        };
        Position {
            value,
            key: record.key,
        }
    }

    /// What stands for the time of a picture that does not tell.
    pub fn untaken(self) -> i64 {
        match self.descending {
            true => i64::MIN,
            false => i64::MAX,
        }
    }
}
