//! Bringing the files of one picture to the quarantine, and back at once where its removal fails.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use resight_engine::{
    Library, Picture, PictureId, id_of_content, path_of_text, path_text, readable,
};

use super::log::{Line, Log};
use super::mounts::{NOT_MOUNTED, is_mount};
use super::moving::{
    is_file_of, is_free, is_full, is_same, make_folder, move_back, move_file, sync_folder,
    unwritable,
};
use super::planning::{Planned, PlannedFile, Refusal};
use super::{FileState, ResolvedPicture};
use crate::{AppError, Code};

/// Bytes of an upload that are copied at once.
const PART: u64 = 1 << 20;
/// Folder of a resolution for the bytes of uploads.
const UPLOADS: &str = "uploads";

/// Puts on record where each file of the picture goes.
pub(super) fn record(
    log: &mut Log,
    quarantine: &Path,
    planned: &mut Planned,
) -> Result<(), AppError> {
    let id = planned.picture.id.to_string();
    let mut lines = vec![Line::of(&planned.picture)];
    for file in &mut planned.files {
        let [root, mount] =
            [&file.root, &file.mount].map(|path| path.as_deref().and_then(path_text));
        if !file.moves() {
            let from = file.shown.path.clone();
            lines.extend(from.map(|from| Line::Missing {
                picture: id.clone(),
                from,
                root,
            }));
            continue;
        }
        let to = match &file.shown.path {
            Some(path) => log.folder.join(below_root(&path_of_text(path))),
            None => log.folder.join(UPLOADS).join(&id),
        };
        let within = to.strip_prefix(quarantine).unwrap_or(&to);
        let Some(to_text) = path_text(within) else {
            return Err(unwritable(&to, io::ErrorKind::InvalidInput.into()));
        };
        lines.push(Line::File {
            picture: id.clone(),
            from: file.shown.path.clone(),
            root,
            mount,
            to: to_text,
            bytes: file.shown.bytes,
        });
        file.shown.to = Some(to);
    }
    log.write(&lines)
}

/// Brings one file to the quarantine. After a failure it may be at either place, or at both: [`take_back`] looks.
pub(super) fn bring(
    library: &Library,
    file: &PlannedFile,
    picture: &Picture,
) -> Result<(), Refusal> {
    let Some(to) = &file.shown.to else {
        return Ok(());
    };
    let path = file.shown.path.as_deref();
    let failed = |error: io::Error| {
        let named = path.map_or("the upload".to_owned(), readable);
        let code = match is_full(&error) {
            true => Code::StoreFull,
            false => Code::QuarantineFailed,
        };
        (code, format!("{named} was not moved: {error}"))
    };
    let folder = to.parent().unwrap_or(Path::new("."));
    make_folder(folder).map_err(failed)?;
    let Some(path) = path else {
        return bring_upload(library, picture, to).map_err(failed);
    };
    let from = path_of_text(path);
    let changed = || {
        let why = "has other bytes than those that were indexed";
        (Code::FileChanged, format!("{} {why}", readable(path)))
    };
    let seen = content_of(&from, &picture.id).map_err(failed)?;
    let seen = seen.ok_or_else(changed)?;
    match move_file(&from, to, &picture.id) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(changed()),
        done => done.map_err(failed)?,
    }
    // Somebody may have written to it between the look and the move.
    let now = fs::symlink_metadata(to).map_err(failed)?;
    if is_same(&seen, &now) || content_of(to, &picture.id).map_err(failed)?.is_some() {
        return Ok(());
    }
    Err(changed())
}

fn bring_upload(library: &Library, picture: &Picture, to: &Path) -> io::Result<()> {
    let folder = to.parent().unwrap_or(Path::new("."));
    let mut copy = tempfile::NamedTempFile::new_in(folder)?;
    let mut at = 0;
    while at < picture.byte_len {
        let part = library
            .stored_part(&picture.id, at..at.saturating_add(PART))
            .map_err(io::Error::other)?;
        if part.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        io::Write::write_all(&mut copy, &part)?;
        at += part.len() as u64;
    }
    copy.as_file().sync_all()?;
    if content_of(copy.path(), &picture.id)?.is_none() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "its bytes are damaged",
        ));
    }
    copy.persist_noclobber(to).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Refuses a picture that was not removed, with its files where they were: whatever was done of their moves is found on
/// the disk. `has_upload`: the data folder has its bytes. Where a file cannot be taken back the log has it, and undoing
/// brings it back: then the refusal is an `Err`.
pub(super) fn take_back(
    mut planned: Planned,
    has_upload: bool,
    (code, detail): Refusal,
) -> Result<ResolvedPicture, ResolvedPicture> {
    let mut is_back = true;
    for file in &mut planned.files {
        let Some(to) = file.shown.to.clone() else {
            continue;
        };
        let back = match &file.shown.path {
            _ if is_free(&to) => Ok(()),
            _ if file.mount.as_deref().is_some_and(|mount| !is_mount(mount)) => {
                Err(NOT_MOUNTED.to_owned())
            }
            Some(path) => {
                let back = move_back(&to, &path_of_text(path), &planned.picture.id);
                back.map(|_| ())
            }
            // Another picture's file may be there: then this one's bytes never came to it.
            None if has_upload && !is_file_of(&to, &planned.picture.id) => Ok(()),
            None if has_upload => fs::remove_file(&to).map_err(|error| error.to_string()),
            None => Err("its upload is not stored".to_owned()),
        };
        if let Err(error) = back {
            is_back = false;
            tracing::error!(at = %to.display(), %error, "a file stays in the quarantine");
            continue;
        }
        file.shown.to = None;
        file.shown.state = match code == Code::FileChanged && !is_it(file, &planned.picture.id) {
            true => FileState::Changed,
            false => FileState::Stays,
        };
    }
    if is_back {
        return Ok(planned.refused((code, detail)));
    }
    let more =
        "a file of it stays in the quarantine, from which undoing this resolution brings it back";
    Err(planned.left((code, format!("{detail}; {more}"))))
}

fn is_it(file: &PlannedFile, id: &PictureId) -> bool {
    let path = file.shown.path.as_deref().map(path_of_text);
    path.is_none_or(|path| content_of(&path, id).is_ok_and(|found| found.is_some()))
}

/// What a file is like that has the picture's bytes; `None` where it has others.
fn content_of(path: &Path, id: &PictureId) -> io::Result<Option<fs::Metadata>> {
    let file = open_file(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(None);
    }
    Ok((id_of_content(&file)? == *id).then_some(metadata))
}

/// A pipe is not waited for, which nobody may write to.
#[cfg(unix)]
fn open_file(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open};

    let how = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(open(path, how, Mode::empty())?.into())
}

#[cfg(not(unix))]
fn open_file(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// An absolute path without its beginning, so that it can lie below another folder.
fn below_root(path: &Path) -> PathBuf {
    use std::path::Component;

    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name),
            _ => None,
        })
        .collect()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_that_nobody_writes_to_is_no_picture() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let id = PictureId::parse(&"0".repeat(32)).unwrap();
        assert!(content_of(&path, &id).unwrap().is_none());
    }
}
