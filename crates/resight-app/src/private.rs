//! Files that their owner alone can read.

use std::fs::OpenOptions;

pub(crate) use resight_store::create_private as create_folder;

/// Options by which a file is written, and created where it does not exist.
pub(crate) fn to_write() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
