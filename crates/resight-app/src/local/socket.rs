//! The socket's place in the data folder.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Folder of the socket, in the data folder.
pub(super) const FOLDER: &str = "local";
const NAME: &str = "socket";
/// The longest path that any system takes for a socket, less one.
const LONGEST: usize = 100;

/// A path by which the socket is reached.
struct Place {
    path: PathBuf,
    /// Keeps a short path to the folder good.
    _folder: Option<File>,
}

fn place(root: &Path) -> io::Result<Place> {
    let folder = root.join(FOLDER);
    let path = folder.join(NAME);
    if path.as_os_str().len() <= LONGEST || !cfg!(target_os = "linux") {
        return Ok(Place {
            path,
            _folder: None,
        });
    }
    let folder = File::open(folder)?;
    let number = std::os::fd::AsRawFd::as_raw_fd(&folder);
    Ok(Place {
        path: PathBuf::from(format!("/proc/self/fd/{number}/{NAME}")),
        _folder: Some(folder),
    })
}

/// Listens. For the one process that has the data folder open for changes: what an earlier one has left is deleted.
pub(super) fn listen(root: &Path) -> io::Result<UnixListener> {
    remove(root);
    UnixListener::bind(&place(root)?.path)
}

pub(super) fn connect(root: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(&place(root)?.path)
}

/// Which socket it is: by device and number.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

impl Identity {
    /// Of the socket in a data folder.
    pub(super) fn of(root: &Path) -> io::Result<Self> {
        let found = std::fs::symlink_metadata(root.join(FOLDER).join(NAME))?;
        Ok(Self(found.dev(), found.ino()))
    }

    /// Whether it is still there.
    pub(super) fn is_at(&self, root: &Path) -> bool {
        Self::of(root).is_ok_and(|found| found == *self)
    }
}

pub(super) fn remove(root: &Path) {
    // Where it stays, nobody answers there, and a command says that the folder is in use.
    let _ = std::fs::remove_file(root.join(FOLDER).join(NAME));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_has_a_socket_as_well() {
        let folder = tempfile::tempdir().unwrap();
        for root in [
            folder.path().join("short"),
            folder.path().join("long".repeat(40)),
        ] {
            std::fs::create_dir_all(root.join(FOLDER)).unwrap();
            assert!(connect(&root).is_err());
            let first = listen(&root);
            if first.is_err() && !cfg!(target_os = "linux") {
                continue;
            }
            drop(first.unwrap());
            // A process that was killed has left its socket.
            let _listener = listen(&root).unwrap();
            connect(&root).unwrap();
        }
    }
}
