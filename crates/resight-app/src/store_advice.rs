//! What to do where the store cannot do its work.

use resight_store::StoreError;

/// One sentence for each error.
pub(crate) fn next_step(error: &StoreError) -> &'static str {
    match error {
        StoreError::Locked { .. } => "Stop the process that has the data folder open for changes.",
        StoreError::Damaged { .. } => {
            "Move the data folder away and index the pictures again, or put a backup of the whole folder in its place."
        }
        StoreError::PictureDamaged { .. } => {
            "Repair the data folder; or remove the picture that is named and add it again."
        }
        StoreError::Newer { .. } => {
            "Install the newer version of Resight, or choose another data folder."
        }
        StoreError::Missing { .. } => "Check the data folder's name, or index a folder first.",
        StoreError::Io { .. } => {
            "Check the data folder's permissions: this user must be able to read and write there; and that its disk is healthy."
        }
        StoreError::CutShort { .. } => {
            "Open the data folder once for changes, as a user who may write there; that undoes or completes the change."
        }
        StoreError::Full { .. } => {
            "Free some disk space and try again; nothing of this change was kept."
        }
        StoreError::Gone { .. } => {
            "Put the data folder back in its place and start this process again; nothing of this change was kept."
        }
        StoreError::Busy { .. } => {
            "Try again, and close other programs that write to the catalogue."
        }
        StoreError::Unreachable { .. } => {
            "Check that the database or the object store runs and that this machine reaches it, and try again."
        }
        StoreError::Denied { .. } => {
            "Check the credentials, and that they permit reading, writing, listing and deleting."
        }
        StoreError::Absent { .. } => "Create it, or correct the address.",
        StoreError::Address { .. } => "Correct the address.",
        StoreError::ReadOnly | StoreError::BadName { .. } | StoreError::Failed { .. } => {
            "Report this as a defect; nothing that was acknowledged is lost."
        }
    }
}
