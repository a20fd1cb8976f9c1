//! Where file systems begin: a disk that is not mounted leaves a folder in its place, and what is put there is hidden
//! as soon as the disk is back.

use std::path::{Path, PathBuf};

/// Why a file is not put back.
pub(super) const NOT_MOUNTED: &str = "the disk that it lay on is not mounted where it was";

/// The nearest folder, this one or one above it, at which a file system begins; `None` for that of the whole system, and
/// where systems have no such places.
pub(super) fn mount_above(folder: &Path) -> Option<PathBuf> {
    let mut above = folder.ancestors();
    above.find(|folder| is_mount(folder)).map(Path::to_owned)
}

/// Whether a file system begins here that is not that of the folder above. A mount of a folder of the same file system
/// is none.
#[cfg(unix)]
pub(super) fn is_mount(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let device = |folder: &Path| std::fs::metadata(folder).ok().map(|found| found.dev());
    let above = folder.parent().and_then(device);
    above.is_some_and(|above| device(folder).is_some_and(|own| own != above))
}

#[cfg(not(unix))]
pub(super) fn is_mount(_: &Path) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_begins_where_another_is_mounted() {
        let proc = Path::new("/proc");
        assert!(is_mount(proc) && !is_mount(Path::new("/")));
        assert_eq!(mount_above(Path::new("/proc/self")), Some(proc.to_owned()));
        assert_eq!(mount_above(Path::new("/")), None);
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_mount(folder.path()));
        assert_eq!(
            mount_above(folder.path()),
            mount_above(folder.path().parent().unwrap())
        );
        assert!(!is_mount(&folder.path().join("none")));
    }
}
