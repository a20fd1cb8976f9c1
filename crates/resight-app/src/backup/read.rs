//! Looking up what the backup before has, in the order in which a backup lists its files.

use super::COLLECTIONS;
use super::manifest::{Entry, Reader};
use crate::AppError;

/// Where a file of a picture stands in the list: collection (empty for the default one), key, and which file of the
/// picture.
type Position = (String, u64, u8);

/// The manifest before, read once beside the new one.
pub(super) struct Previous {
    reader: Option<Reader>,
    next: Option<(Position, Entry)>,
}

impl Previous {
    pub(super) fn new(reader: Option<Reader>) -> Self {
        Self { reader, next: None }
    }

    /// The entry of this file of the picture `key`, if it is the same. Positions ascend from call to call.
    pub(super) fn find(
        &mut self,
        path: &str,
        key: u64,
        modified_ns: u64,
        length: u64,
    ) -> Result<Option<Entry>, AppError> {
        let wanted = position(path, key);
        loop {
            if self.next.is_none() {
                let Some(reader) = &mut self.reader else {
                    return Ok(None);
                };
                match reader.next()? {
                    // Files that belong to no picture have none.
                    Some(entry) => {
                        let key = entry.key;
                        self.next = key.map(|key| (position(&entry.path, key), entry));
                    }
                    None => self.reader = None,
                }
                continue;
            }
            match &self.next {
                Some((at, _)) if *at < wanted => self.next = None,
                Some((at, entry)) if *at == wanted => {
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

/// That of a picture's file with this path in the data folder.
fn position(path: &str, key: u64) -> Position {
    let in_collection = path.strip_prefix(COLLECTIONS);
    let collection = in_collection.and_then(|rest| rest.split('/').next());
    // With the folder above: a collection may be called so too.
    let is_thumbnail = path.contains("blobs/thumbnails/");
    let collection = collection.unwrap_or_default().to_owned();
    (collection, key, u8::from(is_thumbnail))
}
