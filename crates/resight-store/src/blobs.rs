//! Whole byte strings under a name.

use std::ops::Range;

use crate::error::StoreError;

/// Durable byte strings, each under a name. Any method may be called from any thread.
///
/// A name is one or more parts joined by single `/`, each part made of `a-z`, `0-9`, `.`, `_` and
/// `-`, at most 200 bytes long and without `..`; at most 1024 bytes in all. Every method fails with
/// `store_bad_name` for any other name ([`check_blob_name`]), and with `store_io` if the storage fails.
/// Callers never store one name below another (`a/b` below `a`): a folder cannot.
pub trait BlobStore: Send + Sync {
    /// Stores `bytes` under `name`, in place of earlier bytes. A reader sees the old bytes or the
    /// new ones, never a part; once this has returned `Ok` they survive a power cut. Also fails
    /// with `store_full` and `data_folder_gone`.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// The bytes under `name`, or `None` if there are none.
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// The part of the bytes under `name` that `range` names, or `None` if there are no bytes; shorter where they end
    /// before. Override it where a part can be read without the rest.
    fn part(&self, name: &str, range: Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        let bytes = self.get(name)?;
        Ok(bytes.map(|bytes| {
            let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
            let (start, end) = (within(range.start), within(range.end));
            bytes[start..end.max(start)].to_vec()
        }))
    }

    /// Removes `name`, and returns whether it existed. Cheap, and not durable before
    /// [`BlobStore::settle_deletions`]: a power cut may bring the bytes back.
    fn delete(&self, name: &str) -> Result<bool, StoreError>;

    /// Makes all deletions that have returned durable.
    fn settle_deletions(&self) -> Result<(), StoreError>;

    /// The names of all blobs that are `folder/` and one more part, in any order. `folder` keeps to the rules
    /// of a name.
    fn names(&self, folder: &str) -> Result<Vec<String>, StoreError>;
}

/// Checks a blob's name against the rules of [`BlobStore`]; for implementations.
pub fn check_blob_name(name: &str) -> Result<(), StoreError> {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    let part_is_good = |part: &str| {
        !part.is_empty() && part.len() <= 200 && part != "." && part.bytes().all(allowed)
    };
    if name.len() <= 1024 && !name.contains("..") && name.split('/').all(part_is_good) {
        return Ok(());
    }
    Err(StoreError::BadName {
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::check_blob_name;

    #[test]
    fn names_that_could_leave_the_folder_are_refused() {
        let long = "a".repeat(201);
        let deep = "a/".repeat(512) + "a";
        for bad in [
            "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/..", "a..b", "a/./b", "A",
            "a b", "a\\b", "c:", "a\0", "é", "x+tmp", &long, &deep,
        ] {
            let code = check_blob_name(bad).err().map(|error| error.code());
            assert_eq!(code, Some("store_bad_name"), "{bad:?}");
        }
        for good in ["a", "ab/cd/0f.jpg", "thumb_1-2.webp", ".hidden", &long[1..]] {
            assert!(check_blob_name(good).is_ok(), "{good:?}");
        }
    }
}
