//! Named values, and the record of removed pictures.

use crate::error::StoreError;
use crate::id::PictureId;

/// Named text values of a catalogue. Names are the caller's; `pairs_looked_up_to` is reserved for
/// [`crate::Pairs`].
pub trait Settings: Send + Sync {
    /// The value under this name.
    fn setting(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Sets a value, as durably as [`crate::Changes::commit`].
    fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError>;
}

/// Ids of removed pictures whose blobs may still exist. The commit that removes a picture records its
/// id. The id leaves the record with [`RemovedPictures::forget_removed`], or when the picture is
/// added again; so no recorded id is that of a stored picture. A picture may be added again while its
/// old blobs are being deleted: the caller must keep the two apart.
pub trait RemovedPictures: Send + Sync {
    /// At most `limit` recorded ids, ascending.
    fn removed_pictures(&self, limit: usize) -> Result<Vec<PictureId>, StoreError>;

    /// Takes ids off the record once their blobs are deleted, as durably as
    /// [`crate::Changes::commit`]. Ids that are not recorded are ignored.
    fn forget_removed(&self, ids: &[PictureId]) -> Result<(), StoreError>;
}
