//! Duplicates that are resolved, as JSON.

use resight_app::quarantine as app;
use resight_engine::readable;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::timestamp;

/// Which pictures are removed in favour of which, and what becomes of their labels and files.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with groups")]
pub(crate) struct ResolveWanted {
    /// At most 1000, with at most 10,000 pictures to remove. A picture stands in one group, once.
    #[schema(min_items = 1, max_items = 1000)]
    pub(crate) groups: Vec<GroupWanted>,
    /// The kept picture gets the tags of the others, and what it lacks of an object and of metadata.
    #[serde(default)]
    pub(crate) carry_over: bool,
    /// What becomes of the files.
    #[serde(default)]
    pub(crate) files: FilesWanted,
    /// Only tell what would happen.
    #[serde(default)]
    pub(crate) dry_run: bool,
}

/// A picture to keep, and those to remove.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with keep and remove")]
pub(crate) struct GroupWanted {
    /// Id of the picture that is kept.
    pub(crate) keep: String,
    /// Ids of those that are removed.
    #[schema(min_items = 1)]
    pub(crate) remove: Vec<String>,
}

/// What becomes of the files of removed pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FilesWanted {
    /// They stay where they are.
    #[default]
    Keep,
    /// Those in registered folders are moved, where the server allows it.
    Quarantine,
}

/// What came of resolving duplicates, or would.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResolveAnswer {
    /// Whether nothing was done.
    dry_run: bool,
    /// By which it can be undone; null where files were kept, and where no picture was removed.
    #[schema(required)]
    resolution: Option<String>,
    /// Pictures that were removed, or would be.
    removed: usize,
    /// Pictures that were not, or would not be.
    refused: usize,
    /// Files that were moved, or would be.
    moved: usize,
    /// Their bytes.
    bytes: u64,
    /// In the order of the request.
    groups: Vec<ResolvedGroup>,
}

/// A picture that is kept, and what came of the others.
#[derive(Debug, Serialize, ToSchema)]
struct ResolvedGroup {
    /// Id of the kept picture.
    keep: String,
    /// Whether its labels change.
    carried_over: bool,
    /// The others.
    remove: Vec<ResolvedPicture>,
}

/// What came of a picture.
#[derive(Debug, Serialize, ToSchema)]
struct ResolvedPicture {
    /// Its id.
    id: String,
    /// Its name; empty where it is not stored.
    name: String,
    /// Whether it was removed, or would be.
    removed: bool,
    /// Why not: one of the list of errors; null where it was.
    #[schema(required)]
    code: Option<&'static str>,
    /// The same as a sentence.
    #[schema(required)]
    detail: Option<String>,
    /// Whether a file of it stays in a folder, or may be in a registered folder that is away: it comes back with that
    /// file when the folder is looked through.
    returns: bool,
    /// Its files.
    files: Vec<ResolvedFile>,
}

/// What came of a file.
#[derive(Debug, Serialize, ToSchema)]
struct ResolvedFile {
    /// Where it lies or lay: for admins the whole path, for others its last name. Null for an upload, whose bytes the
    /// data folder has.
    #[schema(required)]
    path: Option<String>,
    /// Where it was moved; null where it was not, and for others than admins.
    #[schema(required)]
    to: Option<String>,
    /// Its bytes.
    bytes: u64,
    /// `moved`, `stays`, `changed` (it has other bytes than the picture), `missing`, or `not_registered`: it lies in no
    /// registered folder.
    #[schema(example = "moved")]
    state: &'static str,
}

impl ResolveAnswer {
    /// `is_admin`: whether paths are told.
    pub fn new(found: app::Resolved, dry_run: bool, is_admin: bool) -> Self {
        let pictures = || found.groups.iter().flat_map(|group| &group.remove);
        let is_removed = |picture: &&app::ResolvedPicture| picture.refusal.is_none();
        let removed = pictures().filter(is_removed).count();
        let moved = || {
            let files = pictures().flat_map(|picture| &picture.files);
            files.filter(|file| file.state == app::FileState::Moved)
        };
        Self {
            dry_run,
            removed,
            refused: pictures().count() - removed,
            moved: moved().count(),
            bytes: moved().map(|file| file.bytes).sum(),
            resolution: found.resolution.clone(),
            groups: found
                .groups
                .into_iter()
                .map(|group| ResolvedGroup {
                    keep: group.keep.to_string(),
                    carried_over: group.carried_over,
                    remove: group
                        .remove
                        .into_iter()
                        .map(|picture| ResolvedPicture::new(picture, is_admin))
                        .collect(),
                })
                .collect(),
        }
    }
}

impl ResolvedPicture {
    fn new(picture: app::ResolvedPicture, is_admin: bool) -> Self {
        let (code, detail) = picture.refusal.unzip();
        Self {
            id: picture.id.to_string(),
            name: picture.name,
            removed: code.is_none(),
            detail: detail.map(|detail| match (is_admin, code) {
                // It may name a path.
                (false, Some(code)) => code.title().to_owned(),
                _ => detail,
            }),
            code: code.map(resight_app::Code::as_str),
            returns: picture.returns,
            files: picture
                .files
                .into_iter()
                .map(|file| ResolvedFile {
                    path: file.path.map(|path| told(path, is_admin)),
                    to: file
                        .to
                        .filter(|_| is_admin)
                        .map(|to| to.to_string_lossy().into_owned()),
                    bytes: file.bytes,
                    state: file.state.as_str(),
                })
                .collect(),
        }
    }
}

/// A path for its reader.
fn told(path: String, is_admin: bool) -> String {
    if is_admin {
        return path;
    }
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    readable(name)
}

/// What files were moved for duplicates.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResolutionList {
    /// Whether this server moves files.
    pub quarantine: bool,
    /// The newest first, at most a hundred.
    pub resolutions: Vec<ResolutionShown>,
}

/// Files that were moved by one request.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResolutionShown {
    /// By which it can be undone.
    #[schema(example = "20261130T105500Z-1a2b3c")]
    id: String,
    /// When (RFC 3339, UTC).
    #[schema(format = DateTime)]
    made: String,
    /// Pictures that were removed.
    pictures: u64,
    /// Files that were moved.
    files: u64,
    /// Their bytes.
    bytes: u64,
    /// Whether all of them were put back, and their pictures stored again.
    undone: bool,
}

impl From<app::Resolution> for ResolutionShown {
    fn from(one: app::Resolution) -> Self {
        Self {
            id: one.id,
            made: timestamp(one.made_ms),
            pictures: one.pictures,
            files: one.files,
            bytes: one.bytes,
            undone: one.undone,
        }
    }
}

/// Which resolution is undone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with resolution")]
pub(crate) struct UndoWanted {
    /// Its id.
    pub(crate) resolution: String,
}

/// What came of putting files back.
#[derive(Debug, Serialize, ToSchema)]
pub struct UndoAnswer {
    /// The resolution's id.
    resolution: String,
    /// Files that were put back now.
    restored: u64,
    /// Files that were not, and pictures that did not get their labels again.
    refused: Vec<NotRestored>,
    /// Pictures that are stored again, with their labels, since this request.
    pictures: u64,
}

/// A file that was not put back.
#[derive(Debug, Serialize, ToSchema)]
struct NotRestored {
    /// Where it lay: for admins the whole path, for others its last name. Of an upload its id.
    path: String,
    /// Why not.
    detail: String,
}

impl UndoAnswer {
    /// Of this resolution. `is_admin`: whether paths are told.
    pub fn new(resolution: String, undone: app::Undone, is_admin: bool) -> Self {
        let refused = undone.refused.into_iter();
        Self {
            resolution,
            restored: undone.restored,
            refused: refused
                .map(|(path, detail)| NotRestored {
                    path: told(path, is_admin),
                    detail,
                })
                .collect(),
            pictures: undone.pictures,
        }
    }
}
