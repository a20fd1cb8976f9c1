//! Reading rows.

use std::sync::Arc;

use resight_store::sums::{Part, sum_of};
use resight_store::{ObjectId, PictureId, StoreError, Tag};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::text;

/// A row, and where it was read.
pub(super) struct Line {
    row: Row,
    location: Arc<str>,
}

impl Line {
    pub(super) fn new(row: Row, location: &Arc<str>) -> Self {
        let location = Arc::clone(location);
        Self { row, location }
    }

    pub(super) fn get<'row, T: FromSql<'row>>(&'row self, at: usize) -> Result<T, StoreError> {
        let got = self.row.try_get(at);
        got.map_err(|error| self.not_valid(&error.to_string()))
    }

    /// A number that is stored bit for bit as a signed one.
    pub(super) fn unsigned(&self, at: usize) -> Result<u64, StoreError> {
        self.get::<i64>(at).map(i64::cast_unsigned)
    }

    /// A number in the range of the type.
    pub(super) fn small<T: TryFrom<i64>>(&self, at: usize) -> Result<T, StoreError> {
        self.in_range(self.get(at)?)
    }

    /// As [`Line::small`], `None` for NULL.
    pub(super) fn optional<T: TryFrom<i64>>(&self, at: usize) -> Result<Option<T>, StoreError> {
        let number: Option<i64> = self.get(at)?;
        number.map(|number| self.in_range(number)).transpose()
    }

    fn in_range<T: TryFrom<i64>>(&self, number: i64) -> Result<T, StoreError> {
        T::try_from(number).map_err(|_| self.not_valid(&format!("{number} is out of range")))
    }

    /// Text in the form of `text.rs`.
    pub(super) fn text(&self, at: usize) -> Result<String, StoreError> {
        self.get(at).map(text::read)
    }

    pub(super) fn id(&self, at: usize) -> Result<PictureId, StoreError> {
        let id: &str = self.get(at)?;
        PictureId::parse(id).ok_or_else(|| self.not_valid(&format!("{id:?} is no picture's id")))
    }

    /// An object's id; `None` for NULL.
    pub(super) fn object(&self, at: usize) -> Result<Option<ObjectId>, StoreError> {
        let id: Option<&str> = self.get(at)?;
        let parse = |id: &str| {
            ObjectId::parse(id).ok_or_else(|| self.not_valid(&format!("{id:?} is no object's id")))
        };
        id.map(parse).transpose()
    }

    /// An array of tags.
    pub(super) fn tags(&self, at: usize) -> Result<Vec<Tag>, StoreError> {
        let tags: Vec<&str> = self.get(at)?;
        let parse = |tag: &str| {
            Tag::parse(tag).ok_or_else(|| self.not_valid(&format!("{tag:?} is no tag")))
        };
        tags.into_iter().map(parse).collect()
    }

    /// The bytes in the column `at`, compared with the sum in the next one. The one after that has the picture's id.
    pub(super) fn checked(&self, part: Part, key: u64, at: usize) -> Result<Vec<u8>, StoreError> {
        let bytes: Vec<u8> = self.get(at)?;
        let sum: i64 = self.get(at + 1)?;
        match sum == sum_of(part, key.cast_signed(), &bytes) {
            true => Ok(bytes),
            false => Err(self.damaged(part, key, at + 2)),
        }
    }

    /// The error for a part of a picture that is not what was written. `id` is the column of the picture's id.
    pub(super) fn damaged(&self, part: Part, key: u64, id: usize) -> StoreError {
        let id = self.get::<String>(id);
        StoreError::PictureDamaged {
            location: self.location.to_string(),
            picture: id.unwrap_or_else(|_| format!("number {key}")),
            what: part.name(),
        }
    }

    /// The error for a value that this program does not write.
    pub(super) fn not_valid(&self, detail: &str) -> StoreError {
        StoreError::Damaged {
            location: self.location.to_string(),
            detail: detail.to_owned(),
        }
    }
}

pub(super) use resight_store::listing::{above, at_most, page};

/// Keys as they are stored. One above the signed range becomes negative, and no picture has such a key.
pub(super) fn signed(keys: &[u64]) -> Vec<i64> {
    keys.iter().map(|key| key.cast_signed()).collect()
}

/// Pairs of keys in the first two columns.
pub(super) fn key_pairs(lines: &[Line]) -> Result<Vec<(u64, u64)>, StoreError> {
    let pair = |line: &Line| Ok((line.unsigned(0)?, line.unsigned(1)?));
    lines.iter().map(pair).collect()
}

/// Keys in the first column.
pub(super) fn keys(lines: &[Line]) -> Result<Vec<u64>, StoreError> {
    lines.iter().map(|line| line.unsigned(0)).collect()
}
