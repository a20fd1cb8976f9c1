//! The files of a backup: each under the hash of its content. One that no longer has it is exchanged by a rename.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::copy::{self, Content};
use super::{BackupFolder, FILES, UNFINISHED, sync_folder};
use crate::AppError;
use crate::private;

/// The files, while a backup is written.
pub(super) struct Pool<'a> {
    folder: &'a BackupFolder,
    /// Hashes of all files of this backup, cut to half.
    referenced: HashSet<[u8; 16]>,
    /// Files that are new.
    pub(super) copied: u64,
    /// Their length in bytes.
    pub(super) copied_bytes: u64,
}

impl<'a> Pool<'a> {
    /// Deletes what an earlier backup left unfinished.
    pub(super) fn begin(folder: &'a BackupFolder) -> Result<Self, AppError> {
        let unfinished = folder.path.join(UNFINISHED);
        for make in [&unfinished, &folder.path.join(FILES)] {
            private::create_folder(make).map_err(|error| AppError::unwritable(make, error))?;
        }
        clear(&unfinished)?;
        Ok(Self {
            folder,
            referenced: HashSet::new(),
            copied: 0,
            copied_bytes: 0,
        })
    }

    /// Folder for files that are being written.
    pub(super) fn unfinished(&self) -> PathBuf {
        self.folder.path.join(UNFINISHED)
    }

    /// Takes over bytes, unless a file has them, which is read.
    pub(super) fn store(&mut self, bytes: &[u8], content: Content) -> Result<(), AppError> {
        self.refer(content);
        if self.is_whole(content) {
            return Ok(());
        }
        let unfinished = self.unfinished().join("file");
        copy::write(&unfinished, bytes, content)?;
        self.put(&unfinished, content, |_| Ok(()))
    }

    /// Takes over a finished file, unless one that is there has the same content, which is read.
    pub(super) fn take(&mut self, from: &Path, content: Content) -> Result<(), AppError> {
        self.refer(content);
        if self.is_whole(content) {
            return Ok(());
        }
        self.put(from, content, make_private)
    }

    /// Moves a file to its place.
    fn put(
        &mut self,
        from: &Path,
        content: Content,
        prepare: fn(&Path) -> io::Result<()>,
    ) -> Result<(), AppError> {
        let to = self.folder.file(&content.hash);
        let put = || {
            private::create_folder(to.parent().unwrap_or(&self.folder.path))?;
            prepare(from)?;
            fs::rename(from, &to)
        };
        put().map_err(|error| AppError::unwritable(&to, error))?;
        self.copied += 1;
        self.copied_bytes += content.length;
        Ok(())
    }

    /// Whether there is a file of this name and length. It is not read.
    pub(super) fn has(&self, content: Content) -> bool {
        let found = fs::metadata(self.folder.file(&content.hash));
        found.is_ok_and(|file| file.len() == content.length)
    }

    /// Whether there is a file that has this content. It is read.
    pub(super) fn is_whole(&self, content: Content) -> bool {
        self.has(content) && copy::check(&self.folder.file(&content.hash), content).is_ok()
    }

    /// Keeps a file that is there.
    pub(super) fn refer(&mut self, content: Content) {
        self.referenced.insert(half(&content.hash));
    }

    /// Writes the entries of all folders with files of this backup to the disk. A backup that was killed may have
    /// renamed files that are kept, and not have done so.
    pub(super) fn sync(&self) -> Result<(), AppError> {
        let files = self.folder.path.join(FILES);
        let shards: BTreeSet<u8> = self.referenced.iter().map(|hash| hash[0]).collect();
        for shard in shards {
            sync_folder(&files.join(format!("{shard:02x}")))?;
        }
        sync_folder(&files)
    }

    /// Deletes files that this backup does not name. What cannot be deleted now is tried again by the next one.
    pub(super) fn delete_others(&self) -> u64 {
        let _ = clear(&self.unfinished());
        let mut deleted = 0;
        let shards = fs::read_dir(self.folder.path.join(FILES))
            .into_iter()
            .flatten();
        for shard in shards.flatten() {
            let Ok(files) = fs::read_dir(shard.path()) else {
                continue;
            };
            for file in files.flatten() {
                let hex =
                    [shard.file_name(), file.file_name()].map(|n| n.to_string_lossy().into_owned());
                let hash = blake3::Hash::from_hex(hex.concat());
                let is_old = hash.is_ok_and(|hash| !self.referenced.contains(&half(&hash)));
                if is_old && fs::remove_file(file.path()).is_ok() {
                    deleted += 1;
                }
            }
        }
        deleted
    }
}

/// Lets the owner alone read a file that SQLite has written.
#[cfg(unix)]
fn make_private(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn make_private(_: &Path) -> io::Result<()> {
    Ok(())
}

fn half(hash: &blake3::Hash) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&hash.as_bytes()[..16]);
    half
}

fn clear(folder: &Path) -> Result<(), AppError> {
    let unwritable = |error| AppError::unwritable(folder, error);
    for entry in fs::read_dir(folder).map_err(unwritable)? {
        let path = entry.map_err(unwritable)?.path();
        if path.is_dir() {
            fs::remove_dir_all(&path).map_err(unwritable)?;
        } else if fs::remove_file(&path).is_err() && path.exists() {
            return Err(unwritable(io::Error::other(
                "a file in it cannot be deleted",
            )));
        }
    }
    Ok(())
}
