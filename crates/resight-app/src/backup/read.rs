//! Looking up what the backup before has, in the order in which a backup lists its files.

use super::manifest::{Entry, Reader};
use crate::AppError;

/// Where a file of a picture stands in the list: collection, key, and which file of the picture.
pub(super) type Position = (String, u64, u8);

/// The manifest before, read once beside the new one.
pub(super) struct Previous {
    reader: Option<Reader>,
    next: Option<(Position, Entry)>,
}

impl Previous {
    pub(super) fn new(reader: Option<Reader>) -> Self {
        Self { reader, next: None }
    }

    /// The entry at this position, if it is of the same file. Positions ascend from call to call.
    pub(super) fn find(
        &mut self,
        wanted: &Position,
        path: &str,
        modified_ns: u64,
        length: u64,
    ) -> Result<Option<Entry>, AppError> {
        loop {
            if self.next.is_none() {
                let Some(reader) = &mut self.reader else {
                    return Ok(None);
                };
                match reader.next()? {
                    Some(entry) => self.next = position(&entry).map(|at| (at, entry)),
                    None => self.reader = None,
                }
                continue;
            }
            match &self.next {
                Some((at, _)) if at < wanted => self.next = None,
                Some((at, entry)) if at == wanted => {
                    let same = entry.path == path
                        && entry.length == length
                        && entry.modified_ns == Some(modified_ns);
                    return Ok(same.then(|| entry.clone()));
                }
                _ => return Ok(None),
            }
        }
    }
}

/// Files that belong to no picture have none.
fn position(entry: &Entry) -> Option<Position> {
    let key = entry.key?;
    let in_collection = entry.path.strip_prefix("collections/");
    let collection = in_collection.and_then(|rest| rest.split('/').next());
    let is_thumbnail = entry.path.contains("/thumbnails/");
    Some((
        collection.unwrap_or_default().to_owned(),
        key,
        u8::from(is_thumbnail),
    ))
}
