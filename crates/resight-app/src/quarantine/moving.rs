//! Moving one file: never over another, and durable when it returns.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::Path;

use resight_engine::{PictureId, id_of_content};
use resight_store::StoreError;
use tempfile::NamedTempFile;

use crate::AppError;

/// Bytes that are copied at once.
const PART: usize = 1 << 20;

/// Moves a file to where nothing is, on its file system or to another one; the folder it comes to is there.
///
/// # Errors
/// `AlreadyExists` where something is there, and then both stay; `InvalidData` where the file is copied to another
/// file system and has not the content of `id`.
pub(super) fn move_file(from: &Path, to: &Path, id: &PictureId) -> io::Result<()> {
    let moved = rename_to_nothing(from, to);
    or_copied(moved, from, to, id)?;
    for folder in [to.parent(), from.parent()].into_iter().flatten() {
        sync_folder(folder)?;
    }
    Ok(())
}

/// Has the picture's file at `from` again and nothing at `to`, whatever was done of its move: what lies where is looked
/// at before and after. Something is at `to`. Returns whether the file came from there.
///
/// # Errors
/// A reason without paths; `to` is as it was then.
pub(super) fn move_back(to: &Path, from: &Path, id: &PictureId) -> Result<bool, String> {
    if !is_free(from) {
        // A move that was cut short, or failed, after the copy.
        if is_file_of(from, id) && is_file_of(to, id) && !is_one_path(from, to) {
            fs::remove_file(to).map_err(|error| said(&error))?;
            return Ok(false);
        }
        return Err("something else is there now".to_owned());
    }
    let folder = from.parent().unwrap_or(Path::new("."));
    match make_folder(folder).and_then(|()| move_file(to, from, id)) {
        Err(error) if is_free(from) || !is_free(to) => Err(said(&error)),
        _ => Ok(true),
    }
}

/// Whether two paths lead to one entry of one folder, such as by a link or a mount: what is removed at one of them is gone
/// at the other. A file with a second name is not meant.
fn is_one_path(a: &Path, b: &Path) -> bool {
    let above = |path: &Path| path.parent().and_then(|above| fs::metadata(above).ok());
    let is_one_folder = match (above(a), above(b)) {
        (Some(a), Some(b)) => is_it(&a, &b),
        // Nothing is removed that was not looked at.
        _ => true,
    };
    a.file_name() == b.file_name() && is_one_folder
}

/// Whether the picture's bytes are in the file itself, and not behind a link: it may lead to the only copy.
pub(super) fn is_file_of(path: &Path, id: &PictureId) -> bool {
    let is_file = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    let found = || File::open(path).and_then(id_of_content);
    is_file && found().is_ok_and(|found| found == *id)
}

/// What happened, without a path: some errors name one.
pub(super) fn said(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code).to_string(),
        None => error.kind().to_string(),
    }
}

/// Whether there is no space for more.
pub(super) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};

    matches!(error.kind(), StorageFull | QuotaExceeded)
}

/// The failure of a folder or file of the quarantine.
pub(super) fn unwritable(path: &Path, source: io::Error) -> AppError {
    let location = || path.display().to_string();
    match is_full(&source) {
        true => StoreError::Full {
            location: location(),
        }
        .into(),
        false => AppError::QuarantineUnwritable {
            path: path.to_owned(),
            source,
        },
    }
}

/// Whether files may be moved to the folder and out of it. A mount that is read only says no to everybody.
#[cfg(target_os = "linux")]
pub(super) fn is_writable(folder: &Path) -> bool {
    use rustix::fs::{Access, access};

    access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// Elsewhere the move itself tells.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_writable(_: &Path) -> bool {
    true
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

/// Copies the file where it could not be moved as it is.
fn or_copied(moved: io::Result<()>, from: &Path, to: &Path, id: &PictureId) -> io::Result<()> {
    match moved {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy_over(from, to, id),
        done => done,
    }
}

/// A link never takes another file's place.
fn link_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
    link_and_remove(from, to, is_one_file)
}

fn link_and_remove(
    from: &Path,
    to: &Path,
    is_one_file: impl FnOnce(&Path, &Path) -> bool,
) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) if is_free(from) || is_one_file(from, to) => remove_first(from, to),
        // The file was replaced meanwhile, or its file system gives each name a number of its own, as some in user space do.
        // Who copies it looks at its bytes.
        Ok(()) => {
            remove_second(from, to);
            // Where somebody removed the first name, the second is the only one.
            let is_moved = is_free(from) && !is_free(to);
            let again = io::ErrorKind::CrossesDevices;
            if is_moved { Ok(()) } else { Err(again.into()) }
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Those that know no links are copied on, too.
        Err(_) => Err(io::ErrorKind::CrossesDevices.into()),
    }
}

/// The copy is whole, on the disk and compared before the file goes, and the file goes only while it is the one that was
/// copied, with the content that it had then.
fn copy_over(from: &Path, to: &Path, id: &PictureId) -> io::Result<()> {
    copy_and_remove(from, to, id, || ())
}

/// `copied` is called between the copy and the last look at the file.
fn copy_and_remove(
    from: &Path,
    to: &Path,
    id: &PictureId,
    copied: impl FnOnce(),
) -> io::Result<()> {
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
    let synced = sync_folder(folder);
    copied();
    match synced {
        Ok(()) if is_unchanged(from, &metadata) || is_free(from) => remove_first(from, to),
        Ok(()) => Err(replaced(from, to)),
        Err(error) => {
            remove_second(from, to);
            Err(error)
        }
    }
}

/// Drops a copy whose file was replaced or written to meanwhile: what is there now has no other.
fn replaced(from: &Path, to: &Path) -> io::Error {
    remove_second(from, to);
    io::Error::new(
        io::ErrorKind::InvalidData,
        "it has changed while it was moved",
    )
}

/// Whether two looks were at one file or folder.
#[cfg(unix)]
fn is_it(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    a.dev() == b.dev() && a.ino() == b.ino()
}

#[cfg(not(unix))]
fn is_it(a: &Metadata, b: &Metadata) -> bool {
    is_same(a, b)
}

/// Whether the name stands for the very file that was looked at `then`, and not for a link to it or for one that took its
/// place, and nobody wrote to it since.
fn is_unchanged(path: &Path, then: &Metadata) -> bool {
    fs::symlink_metadata(path)
        .is_ok_and(|now| is_it(&now, then) && is_same(&now, then) && changed(&now) == changed(then))
}

/// When the system last saw a change of the file, which no program can set back.
#[cfg(unix)]
fn changed(metadata: &Metadata) -> Option<(i64, i64)> {
    use std::os::unix::fs::MetadataExt;

    Some((metadata.ctime(), metadata.ctime_nsec()))
}

#[cfg(not(unix))]
fn changed(_: &Metadata) -> Option<(i64, i64)> {
    None
}

/// Removes the first of two names or copies; where it stays, the second goes. One of them is there in any case.
fn remove_first(from: &Path, to: &Path) -> io::Result<()> {
    match fs::remove_file(from) {
        Err(_) if is_free(from) => Ok(()),
        Err(error) => {
            remove_second(from, to);
            Err(error)
        }
        done => done,
    }
}

/// Removes the second of two names or copies, while the first is there.
fn remove_second(from: &Path, to: &Path) {
    if fs::symlink_metadata(from).is_ok() {
        let _copy = fs::remove_file(to);
    }
}

/// Whether two names stand for one file.
fn is_one_file(a: &Path, b: &Path) -> bool {
    let [a, b] = [a, b].map(fs::symlink_metadata);
    a.is_ok_and(|a| b.is_ok_and(|b| is_it(&a, &b)))
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

/// Puts a folder's entries on the disk, where that can be asked for: elsewhere than on Unix, in a folder that may be
/// written to and not read, and on some file systems it cannot.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};

    if !cfg!(unix) {
        return Ok(());
    }
    let opened = match File::open(folder) {
        Err(error) if error.kind() == PermissionDenied => return Ok(()),
        opened => opened?,
    };
    match opened.sync_all() {
        Err(error) if matches!(error.kind(), InvalidInput | Unsupported) => Ok(()),
        done => done,
    }
}

/// Whether two looks at a file saw the same content: nobody wrote to it in between.
pub(super) fn is_same(a: &Metadata, b: &Metadata) -> bool {
    a.len() == b.len() && a.modified().ok() == b.modified().ok()
}

/// Whether nothing has this name.
pub(super) fn is_free(path: &Path) -> bool {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};

    // Nothing can have a name that is too long, or lie in a file.
    let nothing =
        |error: io::Error| matches!(error.kind(), NotFound | NotADirectory | InvalidFilename);
    fs::symlink_metadata(path).is_err_and(nothing)
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

    #[test]
    fn a_file_that_is_replaced_while_it_is_copied_stays() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to, beside] = ["from", "to", "beside"].map(|name| folder.path().join(name));
        let id = id_of_content(&b"content"[..]).unwrap();
        let replace = || {
            fs::write(&beside, b"another").unwrap();
            fs::rename(&beside, &from).unwrap();
        };
        let write_within = || fs::write(&from, b"written").unwrap();
        let ways: [(&dyn Fn(), &[u8]); 2] = [(&replace, b"another"), (&write_within, b"written")];
        for (way, left) in ways {
            fs::write(&from, b"content").unwrap();
            let error = copy_and_remove(&from, &to, &id, way).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert_eq!(fs::read(&from).unwrap(), left);
            assert!(is_free(&to));
        }
        // Of a file that somebody removed the copy is the only one.
        fs::write(&from, b"content").unwrap();
        copy_and_remove(&from, &to, &id, || fs::remove_file(&from).unwrap()).unwrap();
        assert!(is_file_of(&to, &id) && is_free(&from));
    }

    #[test]
    fn a_file_whose_names_have_numbers_of_their_own_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        let id = id_of_content(&b"content"[..]).unwrap();
        fs::write(&from, b"content").unwrap();
        let moved = link_and_remove(&from, &to, |_, _| false);
        assert!(is_free(&to) && is_file_of(&from, &id));
        or_copied(moved, &from, &to, &id).unwrap();
        assert!(is_free(&from) && is_file_of(&to, &id));
        // One that was replaced stays, and what came in its place is not taken for it.
        fs::rename(&to, &from).unwrap();
        let moved = link_and_remove(&from, &to, |_, _| {
            fs::remove_file(&from).unwrap();
            fs::write(&from, b"another").is_err()
        });
        let error = or_copied(moved, &from, &to, &id).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(fs::read(&from).unwrap(), b"another");
        assert!(is_free(&to));
        // Of a file that somebody removed the second name is the only one.
        fs::write(&from, b"content").unwrap();
        let remove = |from: &Path, _: &Path| fs::remove_file(from).is_err();
        link_and_remove(&from, &to, remove).unwrap();
        assert!(is_free(&from) && is_file_of(&to, &id));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_cannot_be_removed_leaves_no_copy() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("to");
        // Everybody may read it, and nobody may remove it.
        let from = Path::new("/proc/version");
        let id = id_of_content(File::open(from).unwrap()).unwrap();
        for way in [move_file, copy_over] {
            way(from, &to, &id).unwrap_err();
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_may_not_be_read_gives_its_files_and_takes_them() {
        use std::os::unix::fs::PermissionsExt;

        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("folder");
        let (from, to) = (folder.join("from"), above.path().join("to"));
        fs::create_dir(&folder).unwrap();
        fs::write(&from, b"content").unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o333)).unwrap();
        if File::open(&folder).is_ok() {
            println!("SKIPPED: this user may read every folder");
            return;
        }
        let id = id_of_content(&b"content"[..]).unwrap();
        move_file(&from, &to, &id).unwrap();
        assert!(is_free(&from) && is_file_of(&to, &id));
        assert_eq!(move_back(&to, &from, &id), Ok(true));
        assert!(is_free(&to) && is_file_of(&from, &id));
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
    fn a_file_is_taken_back_from_wherever_its_move_ended() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["above/from", "to"].map(|name| folder.path().join(name));
        let id = id_of_content(&b"content"[..]).unwrap();
        fs::write(&to, b"content").unwrap();
        assert_eq!(move_back(&to, &from, &id), Ok(true));
        assert!(is_file_of(&from, &id) && is_free(&to));
        // A move that ended between the copy and the removal.
        fs::copy(&from, &to).unwrap();
        assert_eq!(move_back(&to, &from, &id), Ok(false));
        assert!(is_file_of(&from, &id) && is_free(&to));
        for nowhere in [
            from.join("below a file"),
            folder.path().join("n".repeat(300)),
        ] {
            assert!(is_free(&nowhere));
        }
        // Something else came to the place.
        fs::write(&to, b"content").unwrap();
        fs::write(&from, b"other").unwrap();
        move_back(&to, &from, &id).unwrap_err();
        assert_eq!(fs::read(&from).unwrap(), b"other");
        assert!(is_file_of(&to, &id));
        #[cfg(unix)]
        {
            // A link to the only copy.
            fs::remove_file(&from).unwrap();
            std::os::unix::fs::symlink(&to, &from).unwrap();
            move_back(&to, &from, &id).unwrap_err();
            assert!(is_file_of(&to, &id));
            // The only copy itself, by a link to its folder.
            let linked = folder.path().join("linked");
            std::os::unix::fs::symlink(folder.path(), &linked).unwrap();
            move_back(&to, &linked.join("to"), &id).unwrap_err();
            assert!(is_file_of(&to, &id));
            // One with a second name elsewhere loses only the first.
            let second = folder.path().join("second");
            fs::hard_link(&to, &second).unwrap();
            assert_eq!(move_back(&to, &second, &id), Ok(false));
            assert!(is_free(&to) && is_file_of(&second, &id));
        }
    }
}
