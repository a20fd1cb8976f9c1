//! Which system calls change files, and what each is about to do.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use nix::libc;
use nix::unistd::Pid;

/// What a call does to files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Puts bytes into a file.
    Write,
    /// Changes the length of a file.
    Resize,
    /// Makes a file's bytes, or a folder's entries, durable.
    Sync,
    /// Changes the entries of a folder: creates, renames, removes.
    Entry,
    /// Reads a file, or opens one without creating it.
    Read,
}

/// Where a call's arguments name its file.
#[derive(Clone, Copy)]
enum Place {
    /// A descriptor in this argument.
    Descriptor(usize),
    /// A path in this argument.
    Path(usize),
    /// A folder's descriptor in this argument, and a path in the next.
    At(usize),
}

/// A call that is about to happen to a file of the watched folder.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The system call's name.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// The file, below the watched folder.
    pub(crate) file: PathBuf,
}

impl Call {
    /// Which call on which kind of file: names made of ids and numbers count as one.
    pub(crate) fn class(&self) -> String {
        let parts = self.file.components().map(|part| {
            let part = part.as_os_str().to_string_lossy();
            let digits = part.chars().filter(char::is_ascii_hexdigit).count();
            let is_id = part.len() == 2 && digits == 2 || digits >= 8;
            let is_number = part.starts_with(|c: char| c.is_ascii_digit());
            match is_id || is_number {
                true => "#".to_owned(),
                false => part.into_owned(),
            }
        });
        format!("{} {}", self.name, parts.collect::<Vec<_>>().join("/"))
    }
}

/// Registers of a thread at the entry of a call.
pub(crate) struct Entry {
    pub(crate) process: Pid,
    pub(crate) number: i64,
    pub(crate) arguments: [u64; 6],
}

impl Entry {
    /// The call, where it concerns a file of `folder` and may change it, or reads it.
    pub(crate) fn call(&self, folder: &Path) -> Option<Call> {
        let (name, kind, place) = self.known()?;
        let named = match place {
            Place::Descriptor(at) => self.descriptor(self.arguments[at])?,
            Place::Path(at) => self.below_current(self.text(self.arguments[at])?)?,
            Place::At(at) => self.at(at)?,
        };
        let file = named.strip_prefix(folder).ok()?.to_path_buf();
        Some(Call { name, kind, file })
    }

    fn known(&self) -> Option<(&'static str, Kind, Place)> {
        use Place::{At, Descriptor};
        let creates = |flags: u64| flags as i32 & (libc::O_CREAT | libc::O_TRUNC) != 0;
        let opened = |flags| match creates(flags) {
            true => Kind::Entry,
            false => Kind::Read,
        };
        Some(match self.number {
            libc::SYS_write => ("write", Kind::Write, Descriptor(0)),
            libc::SYS_pwrite64 => ("pwrite64", Kind::Write, Descriptor(0)),
            libc::SYS_writev => ("writev", Kind::Write, Descriptor(0)),
            libc::SYS_pwritev => ("pwritev", Kind::Write, Descriptor(0)),
            libc::SYS_copy_file_range => ("copy_file_range", Kind::Write, Descriptor(2)),
            libc::SYS_sendfile => ("sendfile", Kind::Write, Descriptor(0)),
            libc::SYS_ftruncate => ("ftruncate", Kind::Resize, Descriptor(0)),
            libc::SYS_fallocate => ("fallocate", Kind::Resize, Descriptor(0)),
            libc::SYS_fsync => ("fsync", Kind::Sync, Descriptor(0)),
            libc::SYS_fdatasync => ("fdatasync", Kind::Sync, Descriptor(0)),
            libc::SYS_open => ("open", opened(self.arguments[1]), Place::Path(0)),
            libc::SYS_openat => ("openat", opened(self.arguments[2]), At(0)),
            libc::SYS_mkdir => ("mkdir", Kind::Entry, Place::Path(0)),
            libc::SYS_mkdirat => ("mkdirat", Kind::Entry, At(0)),
            libc::SYS_rmdir => ("rmdir", Kind::Entry, Place::Path(0)),
            libc::SYS_unlink => ("unlink", Kind::Entry, Place::Path(0)),
            libc::SYS_unlinkat => ("unlinkat", Kind::Entry, At(0)),
            libc::SYS_rename => ("rename", Kind::Entry, Place::Path(0)),
            libc::SYS_renameat => ("renameat", Kind::Entry, At(0)),
            libc::SYS_renameat2 => ("renameat2", Kind::Entry, At(0)),
            libc::SYS_link => ("link", Kind::Entry, Place::Path(1)),
            libc::SYS_linkat => ("linkat", Kind::Entry, At(2)),
            libc::SYS_read => ("read", Kind::Read, Descriptor(0)),
            libc::SYS_pread64 => ("pread64", Kind::Read, Descriptor(0)),
            _ => return None,
        })
    }

    fn at(&self, at: usize) -> Option<PathBuf> {
        let path = self.text(self.arguments[at + 1])?;
        if path.is_absolute() {
            return Some(path);
        }
        match self.arguments[at] as i32 {
            libc::AT_FDCWD => self.below_current(path),
            _ => Some(self.descriptor(self.arguments[at])?.join(path)),
        }
    }

    fn below_current(&self, path: PathBuf) -> Option<PathBuf> {
        if path.is_absolute() {
            return Some(path);
        }
        let current = std::fs::read_link(format!("/proc/{}/cwd", self.process)).ok()?;
        Some(current.join(path))
    }

    fn descriptor(&self, number: u64) -> Option<PathBuf> {
        let number = number as i32;
        std::fs::read_link(format!("/proc/{}/fd/{number}", self.process)).ok()
    }

    /// The text at an address of the process.
    fn text(&self, address: u64) -> Option<PathBuf> {
        let mut memory = File::open(format!("/proc/{}/mem", self.process)).ok()?;
        memory.seek(SeekFrom::Start(address)).ok()?;
        let mut bytes = Vec::new();
        // Not beyond the page, which may be the last that is mapped; then on to the next.
        while bytes.len() < 4096 {
            let mut chunk = [0; 256];
            let here = address + bytes.len() as u64;
            let left = (4096 - here % 4096).min(256) as usize;
            let read = memory.read(&mut chunk[..left]).ok().filter(|n| *n > 0)?;
            let end = chunk[..read].iter().position(|byte| *byte == 0);
            bytes.extend_from_slice(&chunk[..end.unwrap_or(read)]);
            if end.is_some() {
                return Some(PathBuf::from(String::from_utf8(bytes).ok()?));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_ids_and_numbers_are_one_class() {
        let class = |file: &str| {
            let call = Call {
                name: "rename",
                kind: Kind::Entry,
                file: file.into(),
            };
            call.class()
        };
        let id = "0123456789abcdef0123456789abcdef";
        assert_eq!(
            class(&format!("blobs/originals/01/{id}")),
            "rename blobs/originals/#/#"
        );
        assert_eq!(
            class("catalogue.sqlite3-wal"),
            "rename catalogue.sqlite3-wal"
        );
        assert_eq!(class("blobs/+tmp/17-3"), "rename blobs/+tmp/#");
    }
}
