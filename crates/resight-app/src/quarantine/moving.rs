//! Moving one file: never over another, and durable when it returns.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::Path;

use resight_engine::{PictureId, id_of_content};
use tempfile::NamedTempFile;

/// Bytes that are copied at once.
const PART: usize = 1 << 20;

/// Moves a file to where nothing is, on its file system or to another one; the folder it comes to is there.
///
/// # Errors
/// `AlreadyExists` where something is there, and then both stay; `InvalidData` where the file is copied to another
/// file system and has not the content of `id`.
pub(super) fn move_file(from: &Path, to: &Path, id: &PictureId) -> io::Result<()> {
    match rename_to_nothing(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy_over(from, to, id)?,
        done => done?,
    }
    for folder in [to.parent(), from.parent()].into_iter().flatten() {
        sync_folder(folder)?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;

    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some file systems do not know the flag.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => link_to_nothing(from, to),
        done => Ok(done?),
    }
}

#[cfg(not(target_os = "linux"))]
fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
    link_to_nothing(from, to)
}

/// A link never takes another file's place.
fn link_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Those that know no links are copied on, too.
        Err(_) => Err(io::ErrorKind::CrossesDevices.into()),
    }
}

/// The copy is whole, on the disk and compared before the file goes.
fn copy_over(from: &Path, to: &Path, id: &PictureId) -> io::Result<()> {
    let mut source = File::open(from)?;
    let metadata = source.metadata()?;
    let folder = to.parent().unwrap_or(Path::new("."));
    let mut copy = NamedTempFile::new_in(folder)?;
    let mut part = vec![0; PART];
    loop {
        match source.read(&mut part)? {
            0 => break,
            count => copy.write_all(&part[..count])?,
        }
    }
    copy.as_file().set_permissions(metadata.permissions())?;
    if let Ok(modified) = metadata.modified() {
        copy.as_file().set_modified(modified)?;
    }
    copy.as_file().sync_all()?;
    if id_of_content(File::open(copy.path())?)? != *id {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it has changed while it was copied",
        ));
    }
    copy.persist_noclobber(to).map_err(|error| error.error)?;
    sync_folder(folder)?;
    fs::remove_file(from)
}

/// Makes a folder and those above it.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_folder(above)?;
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => sync_folder(above)?,
        }
    }
    Ok(())
}

/// Puts a folder's entries on the disk. Elsewhere than on Unix a folder cannot be opened for this.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    match cfg!(unix) {
        true => File::open(folder)?.sync_all(),
        false => Ok(()),
    }
}

/// Whether two looks at a file saw the same content: nobody wrote to it in between.
pub(super) fn is_same(a: &Metadata, b: &Metadata) -> bool {
    a.len() == b.len() && a.modified().ok() == b.modified().ok()
}

/// Whether nothing has this name.
pub(super) fn is_free(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Mover = fn(&Path, &Path) -> io::Result<()>;

    #[test]
    fn no_way_of_moving_writes_over_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        fn id_of(bytes: &[u8]) -> PictureId {
            id_of_content(bytes).unwrap()
        }
        let ways: [Mover; 3] = [rename_to_nothing, link_to_nothing, |from, to| {
            copy_over(from, to, &id_of(b"content"))
        }];
        for way in ways {
            fs::write(&from, b"content").unwrap();
            fs::write(&to, b"other").unwrap();
            let error = way(&from, &to).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read(&from).unwrap(), b"content");
            assert_eq!(fs::read(&to).unwrap(), b"other");
            fs::remove_file(&to).unwrap();
            way(&from, &to).unwrap();
            assert!(is_free(&from));
            assert_eq!(fs::read(&to).unwrap(), b"content");
            fs::remove_file(&to).unwrap();
            // Nothing but the one file was left.
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
        fs::write(&from, b"changed").unwrap();
        let error = copy_over(&from, &to, &id_of(b"content")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(is_free(&to) && !is_free(&from));
    }
}
