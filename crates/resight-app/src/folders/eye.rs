//! What tells of changes in a folder: the system, or looking through it from time to time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use notify::{Config, ErrorKind, Event, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};

use super::FolderState;

/// How changes are noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Following {
    /// The system tells of them; of folders on file systems of other machines it cannot, and they are looked through.
    #[default]
    Auto,
    /// Folders are looked through from time to time.
    Poll,
    /// Not at all.
    Off,
}

/// What was told of a folder.
pub(super) struct Told {
    pub(super) folder: u64,
    pub(super) event: notify::Result<Event>,
}

/// Where what is told goes.
#[derive(Clone)]
pub(super) struct Ear {
    pub(super) sender: SyncSender<Told>,
    /// Set when there was more than it takes.
    pub(super) was_full: Arc<AtomicBool>,
}

impl Ear {
    fn of(&self, folder: u64) -> impl Fn(notify::Result<Event>) + Send + 'static {
        let ear = self.clone();
        move |event| {
            // Reading a file tells of nothing.
            if event.as_ref().is_ok_and(|event| event.kind.is_access()) {
                return;
            }
            if ear.sender.try_send(Told { folder, event }).is_err() {
                ear.was_full.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// Tells of changes until it is dropped.
pub(super) struct Eye {
    _watcher: Box<dyn Watcher + Send>,
    pub(super) state: FolderState,
}

impl Eye {
    /// Watches a folder with all that is below.
    pub(super) fn open(
        root: &Path,
        folder: u64,
        following: Following,
        poll_each: Duration,
        ear: &Ear,
    ) -> notify::Result<Self> {
        if following == Following::Auto && !is_remote(root) {
            match told(root, folder, ear) {
                Ok(eye) => return Ok(eye),
                Err(error) => {
                    let why = match error.kind {
                        ErrorKind::MaxFilesWatch => {
                            "the system watches no more folders (fs.inotify.max_user_watches)"
                                .to_owned()
                        }
                        _ => error.to_string(),
                    };
                    let seconds = poll_each.as_secs();
                    tracing::warn!(
                        "{} is looked through every {seconds} s: {why}",
                        root.display()
                    );
                }
            }
        }
        let config = without_links().with_poll_interval(poll_each);
        let mut watcher = PollWatcher::new(ear.of(folder), config)?;
        watcher.watch(root, RecursiveMode::Recursive)?;
        Ok(Self {
            _watcher: Box::new(watcher),
            state: FolderState::Polling,
        })
    }
}

/// Behind a link lies a folder that is watched by its own path, or one elsewhere. With both, the system would tell of
/// changes under one of the two paths alone, and of none once that one is gone.
fn without_links() -> Config {
    Config::default().with_follow_symlinks(false)
}

fn told(root: &Path, folder: u64, ear: &Ear) -> notify::Result<Eye> {
    let mut watcher = RecommendedWatcher::new(ear.of(folder), without_links())?;
    watcher.watch(root, RecursiveMode::Recursive)?;
    Ok(Eye {
        _watcher: Box::new(watcher),
        state: FolderState::Watching,
    })
}

/// Whether other machines change the file system's files, of which this one is not told.
#[cfg(target_os = "linux")]
fn is_remote(path: &Path) -> bool {
    // Not known: then it is looked through, which works everywhere.
    rustix::fs::statfs(path).map_or(true, |stat| is_remote_type(stat.f_type as u64))
}

#[cfg(not(target_os = "linux"))]
fn is_remote(_: &Path) -> bool {
    false
}

/// By the numbers of Linux' `magic.h` and of the drivers.
#[cfg(target_os = "linux")]
fn is_remote_type(number: u64) -> bool {
    const REMOTE: [u64; 12] = [
        0x6969,      // NFS
        0x517B,      // SMB
        0xFF53_4D42, // CIFS
        0xFE53_4D42, // SMB 2 and 3
        0x6573_5546, // FUSE
        0x0102_1997, // 9p
        0x5346_414F, // AFS
        0x00C3_6400, // Ceph
        0x786F_4256, // shared folders of VirtualBox
        0x0BD0_0BD0, // Lustre
        0x4750_4653, // GPFS
        0x7375_7245, // Coda
    ];
    // The field is signed on some processors.
    REMOTE.contains(&(number & 0xFFFF_FFFF))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn file_systems_of_other_machines_are_told_from_disks() {
        for remote in [0x6969, 0xFF53_4D42, 0xFFFF_FFFF_FE53_4D42, 0x6573_5546] {
            assert!(is_remote_type(remote), "{remote:x}");
        }
        // ext4, btrfs, xfs, tmpfs, overlayfs.
        for own in [0xEF53, 0x9123_683E, 0x5846_5342, 0x0102_1994, 0x794C_7630] {
            assert!(!is_remote_type(own), "{own:x}");
        }
    }
}
