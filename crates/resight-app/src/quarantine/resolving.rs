//! Resolving groups of duplicates: one after the other, each picture by itself.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use resight_engine::{
    EngineError, Labels, Library, Picture, PictureId, id_of_content, path_of_text, path_text,
    readable,
};

use super::carried::missing_labels;
use super::log::{Line, Log};
use super::moving::{is_free, is_same, make_folder, move_file, sync_folder};
use super::{
    FileState, Group, ResolveOptions, Resolved, ResolvedFile, ResolvedGroup, ResolvedPicture,
};
use crate::{AppError, Code};

/// Pictures that are removed in one commit.
const AT_ONCE: usize = 1000;
/// Bytes of an upload that are copied at once.
const PART: u64 = 1 << 20;
/// Folder of a resolution for the bytes of uploads.
const UPLOADS: &str = "uploads";

/// Why a picture is not removed.
type Refusal = (Code, String);

/// Removes pictures in favour of those that are kept, or tells what that would do.
///
/// # Errors
/// `unknown_picture` where one that is to be kept is not stored: then nothing is done. `quarantine_folder`, and
/// those of the store; what was done by then is done.
pub fn resolve(
    library: &Library,
    groups: &[Group],
    options: &ResolveOptions<'_>,
) -> Result<Resolved, AppError> {
    let kept: Result<Vec<Picture>, EngineError> = groups
        .iter()
        .map(|group| library.picture(&group.keep))
        .collect();
    let kept = kept?;
    let _turn = match options.quarantine {
        Some(quarantine) => {
            quarantine.check_apart(options.roots)?;
            Some(quarantine.0.turn.lock())
        }
        None => None,
    };
    let mut work = Work {
        library,
        options,
        log: None,
        without_files: Vec::new(),
    };
    let mut resolved = Vec::with_capacity(groups.len());
    for (group, keep) in groups.iter().zip(kept) {
        resolved.push(work.group(group, &keep)?);
    }
    for ids in work.without_files.chunks(AT_ONCE) {
        library.remove(ids)?;
    }
    Ok(Resolved {
        resolution: work.log.map(|log| log.id),
        groups: resolved,
    })
}

struct Work<'a> {
    library: &'a Library,
    options: &'a ResolveOptions<'a>,
    /// Begun with the first file that is moved.
    log: Option<Log>,
    /// Pictures that are removed at the end, in few commits: no file of them is moved.
    without_files: Vec<PictureId>,
}

/// A picture that is to be removed, and what becomes of its files.
struct Planned {
    picture: Picture,
    files: Vec<PlannedFile>,
}

struct PlannedFile {
    shown: ResolvedFile,
    /// The registered folder that it lies in, where it is to be moved.
    root: Option<PathBuf>,
}

impl Work<'_> {
    fn group(&mut self, group: &Group, keep: &Picture) -> Result<ResolvedGroup, AppError> {
        let mut planned = Vec::new();
        for id in &group.remove {
            planned.push(match self.library.picture(id) {
                Ok(picture) => self.plan(picture),
                Err(EngineError::UnknownPicture(id)) => {
                    let detail = format!("no picture has the id {id}");
                    Err(refused(id, String::new(), Code::UnknownPicture, detail))
                }
                Err(error) => return Err(error.into()),
            });
        }
        let carried = self.carry_over(keep, &planned)?;
        let mut done = Vec::new();
        for one in planned {
            done.push(match (one, &carried) {
                (Err(refused), _) => refused,
                (Ok(planned), Err(why)) => planned.refused(why.clone()),
                (Ok(planned), Ok(_)) if self.options.dry_run => planned.done(None),
                (Ok(planned), Ok(_)) => self.remove(planned)?,
            });
        }
        Ok(ResolvedGroup {
            keep: keep.id.clone(),
            carried_over: carried.unwrap_or(false),
            remove: done,
        })
    }

    /// Gives the kept picture the labels that it lacks. Returns whether it lacks some; a refusal where it cannot have
    /// them.
    fn carry_over(
        &self,
        keep: &Picture,
        planned: &[Result<Planned, ResolvedPicture>],
    ) -> Result<Result<bool, Refusal>, AppError> {
        if !self.options.carry_over {
            return Ok(Ok(false));
        }
        let removed: Vec<&Labels> = planned
            .iter()
            .flatten()
            .map(|one| &one.picture.labels)
            .collect();
        let patch = missing_labels(&keep.labels, &removed, self.options.metadata);
        if patch.is_empty() {
            return Ok(Ok(false));
        }
        if keep.labels.tags.len() + patch.add_tags.len() > resight_engine::Tag::MOST {
            let detail = "the kept picture would have too many tags".to_owned();
            return Ok(Err((Code::TooManyTags, detail)));
        }
        if !self.options.dry_run {
            self.library.label(vec![(keep.id.clone(), patch)])?;
        }
        Ok(Ok(true))
    }

    /// Looks at a picture's files.
    fn plan(&self, picture: Picture) -> Result<Planned, ResolvedPicture> {
        let mut files = Vec::new();
        let mut refusal = None;
        for source in &picture.sources {
            let (file, why) = match self.options.quarantine {
                Some(_) => self.plan_move(source, &picture),
                None => (stays(source, &picture), None),
            };
            refusal = refusal.or(why);
            files.push(file);
        }
        if picture.uploaded {
            let state = match self.options.quarantine {
                Some(_) => FileState::Moved,
                None => FileState::Stays,
            };
            // Without a quarantine nothing of it is left, and nothing moved.
            if state == FileState::Moved {
                files.push(PlannedFile {
                    shown: shown(None, picture.byte_len, state),
                    root: None,
                });
            }
        }
        let planned = Planned { picture, files };
        match refusal {
            Some(why) => Err(planned.refused(why)),
            None => Ok(planned),
        }
    }

    fn plan_move(&self, source: &str, picture: &Picture) -> (PlannedFile, Option<Refusal>) {
        let path = path_of_text(source);
        let plain = |state| PlannedFile {
            shown: shown(Some(source.to_owned()), picture.byte_len, state),
            root: None,
        };
        let named = readable(source);
        let refuse =
            |state, code, why: &str| (plain(state), Some((code, format!("{named} {why}"))));
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if is_missing(&error) => return (plain(FileState::Missing), None),
            Err(error) => {
                let why = format!("cannot be looked at: {error}");
                return refuse(FileState::Stays, Code::QuarantineFailed, &why);
            }
        };
        if !metadata.is_file() {
            let why = "is a link or no file, and is not moved";
            return refuse(FileState::Stays, Code::QuarantineFailed, why);
        }
        let Some(root) = self.root_of(&path) else {
            let why = "lies in no registered folder";
            return refuse(FileState::NotRegistered, Code::FileNotRegistered, why);
        };
        if metadata.len() != picture.byte_len {
            let why = "has other bytes than those that were indexed";
            return refuse(FileState::Changed, Code::FileChanged, why);
        }
        let file = PlannedFile {
            root: Some(root),
            ..plain(FileState::Moved)
        };
        (file, None)
    }

    /// The registered folder that a file really lies in.
    fn root_of(&self, path: &Path) -> Option<PathBuf> {
        let folder = fs::canonicalize(path.parent()?).ok()?;
        let roots = self.options.roots.iter();
        roots.clone().find(|root| folder.starts_with(root)).cloned()
    }

    /// Moves a picture's files and removes it; what fails leaves it with its files where they were.
    fn remove(&mut self, mut planned: Planned) -> Result<ResolvedPicture, AppError> {
        if self.options.quarantine.is_none() || planned.files.iter().all(|one| !one.moves()) {
            self.without_files.push(planned.picture.id.clone());
            return Ok(planned.done(None));
        }
        let folder = self.record(&mut planned)?;
        let id = planned.picture.id.clone();
        let mut moved = 0;
        let mut failed = None;
        for file in planned.files.iter_mut().filter(|file| file.moves()) {
            match self.bring(file, &planned.picture) {
                Ok(()) => moved += 1,
                Err(why) => {
                    if why.0 == Code::FileChanged {
                        (file.shown.state, file.shown.to) = (FileState::Changed, None);
                    }
                    failed = Some(why);
                    break;
                }
            }
        }
        if failed.is_none()
            && let Err(error) = self.library.remove(std::slice::from_ref(&id))
        {
            put_back(&planned, moved)?;
            self.note(Line::Kept { id: id.to_string() })?;
            return Err(error.into());
        }
        match failed {
            None => {
                self.note(Line::Removed { id: id.to_string() })?;
                Ok(planned.done(None))
            }
            Some(why) => {
                put_back(&planned, moved)?;
                self.note(Line::Kept { id: id.to_string() })?;
                tracing::debug!(folder = %folder.display(), "files were put back at once");
                Ok(planned.refused(why))
            }
        }
    }

    fn note(&mut self, line: Line) -> Result<(), AppError> {
        match &mut self.log {
            Some(log) => log.write(&[line]),
            None => Ok(()),
        }
    }

    /// Puts on record where each file of the picture goes, and returns the folder of the resolution.
    fn record(&mut self, planned: &mut Planned) -> Result<PathBuf, AppError> {
        let Some(quarantine) = self.options.quarantine else {
            return Err(AppError::QuarantineOff);
        };
        let log = match &mut self.log {
            Some(log) => log,
            none => none.insert(Log::begin(quarantine.folder(), self.options.collection)?),
        };
        let folder = log.folder.clone();
        let mut lines = vec![Line::of(&planned.picture)];
        for file in planned.files.iter_mut().filter(|file| file.moves()) {
            let to = match &file.shown.path {
                Some(path) => folder.join(below_root(&path_of_text(path))),
                None => folder.join(UPLOADS).join(planned.picture.id.as_str()),
            };
            let within = to.strip_prefix(quarantine.folder()).unwrap_or(&to);
            let (Some(to_text), root) = (path_text(within), file.root.as_deref()) else {
                return Err(unwritable(&to, io::ErrorKind::InvalidInput.into()));
            };
            lines.push(Line::File {
                picture: planned.picture.id.to_string(),
                from: file.shown.path.clone(),
                root: root.and_then(path_text),
                to: to_text,
                bytes: file.shown.bytes,
            });
            file.shown.to = Some(to);
        }
        log.write(&lines)?;
        Ok(folder)
    }

    /// Brings one file to the quarantine.
    fn bring(&self, file: &PlannedFile, picture: &Picture) -> Result<(), Refusal> {
        let Some(to) = &file.shown.to else {
            return Ok(());
        };
        let failed = |error: io::Error| {
            let named = file
                .shown
                .path
                .as_deref()
                .map_or("the upload".to_owned(), readable);
            (
                Code::QuarantineFailed,
                format!("{named} was not moved: {error}"),
            )
        };
        let folder = to.parent().unwrap_or(Path::new("."));
        make_folder(folder).map_err(failed)?;
        let Some(path) = &file.shown.path else {
            return self.bring_upload(picture, to).map_err(failed);
        };
        let from = path_of_text(path);
        let changed = || {
            let why = format!(
                "{} has other bytes than those that were indexed",
                readable(path)
            );
            (Code::FileChanged, why)
        };
        let seen = match content_of(&from, &picture.id).map_err(failed)? {
            Some(seen) => seen,
            None => return Err(changed()),
        };
        match move_file(&from, to, &picture.id) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(changed()),
            done => done.map_err(failed)?,
        }
        // Somebody may have written to it between the look and the move.
        let now = fs::symlink_metadata(to).map_err(failed)?;
        if is_same(&seen, &now) || content_of(to, &picture.id).map_err(failed)?.is_some() {
            return Ok(());
        }
        move_file(to, &from, &picture.id).map_err(failed)?;
        Err(changed())
    }

    fn bring_upload(&self, picture: &Picture, to: &Path) -> io::Result<()> {
        let folder = to.parent().unwrap_or(Path::new("."));
        let mut copy = tempfile::NamedTempFile::new_in(folder)?;
        let mut at = 0;
        while at < picture.byte_len {
            let part = self
                .library
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
}

impl PlannedFile {
    fn moves(&self) -> bool {
        self.shown.state == FileState::Moved
    }
}

impl Planned {
    fn done(self, refusal: Option<Refusal>) -> ResolvedPicture {
        let stays = |file: &PlannedFile| file.shown.state == FileState::Stays;
        ResolvedPicture {
            returns: refusal.is_none() && self.files.iter().any(stays),
            id: self.picture.id,
            name: self.picture.name,
            refusal,
            files: self.files.into_iter().map(|file| file.shown).collect(),
        }
    }

    /// Nothing is moved then.
    fn refused(mut self, why: Refusal) -> ResolvedPicture {
        for file in &mut self.files {
            if file.moves() {
                (file.shown.state, file.shown.to) = (FileState::Stays, None);
            }
        }
        // An upload's bytes are no file of a folder.
        self.files.retain(|file| file.shown.path.is_some());
        self.done(Some(why))
    }
}

fn refused(id: PictureId, name: String, code: Code, detail: String) -> ResolvedPicture {
    ResolvedPicture {
        id,
        name,
        refusal: Some((code, detail)),
        returns: false,
        files: Vec::new(),
    }
}

fn shown(path: Option<String>, bytes: u64, state: FileState) -> ResolvedFile {
    ResolvedFile {
        path,
        to: None,
        bytes,
        state,
    }
}

fn stays(source: &str, picture: &Picture) -> PlannedFile {
    let is_there = !is_free(&path_of_text(source));
    let state = match is_there {
        true => FileState::Stays,
        false => FileState::Missing,
    };
    PlannedFile {
        shown: shown(Some(source.to_owned()), picture.byte_len, state),
        root: None,
    }
}

/// Moves the first so many files of a picture back.
fn put_back(planned: &Planned, count: usize) -> Result<(), AppError> {
    let moved = planned.files.iter().filter(|file| file.moves());
    for file in moved.take(count) {
        let Some(to) = &file.shown.to else {
            continue;
        };
        let back = match &file.shown.path {
            Some(path) => move_file(to, &path_of_text(path), &planned.picture.id),
            None => fs::remove_file(to),
        };
        back.map_err(|error| unwritable(to, error))?;
    }
    Ok(())
}

fn unwritable(path: &Path, error: io::Error) -> AppError {
    AppError::unwritable(path, error)
}

/// What a file is like that has the picture's bytes; `None` where it has others.
fn content_of(path: &Path, id: &PictureId) -> io::Result<Option<fs::Metadata>> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    Ok((id_of_content(&file)? == *id).then_some(metadata))
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
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

/// Whether no picture stands twice in a request, as kept or as removed.
pub fn stands_once(groups: &[Group]) -> bool {
    let mut seen = HashSet::new();
    groups
        .iter()
        .flat_map(|group| group.remove.iter().chain([&group.keep]))
        .all(|id| seen.insert(id))
}
