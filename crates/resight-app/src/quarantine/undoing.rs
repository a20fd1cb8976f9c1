//! Putting back what a resolution moved.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::mem;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resight_engine::{
    EngineError, FolderOptions, Indexer, LabelPatch, Labels, Library, Metadata, ObjectId,
    PictureId, Tag, Update, path_of_text,
};
use resight_store::{CollectionName, now_ms};

use super::Quarantine;
use super::carried::missing_labels;
use super::log::{Line, Log, kept, pictures, returned};
use super::mounts::{NOT_MOUNTED, is_mount};
use super::moving::{is_file_of, is_free, move_back, said};
use crate::collections::Collections;
use crate::config::{Config, resolved};
use crate::folders::{Folder, Folders};
use crate::{AppError, Code};

/// What came of putting files back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Files that were put back now.
    pub restored: u64,
    /// Files that were not, and pictures that are not as they were: paths as stored text, and why. No reason has a path.
    pub refused: Vec<(String, String)>,
    /// Pictures that are stored again, with their labels, since this call.
    pub pictures: u64,
}

/// What files are put back with.
pub struct Return<'a> {
    /// Where they are.
    pub quarantine: &'a Quarantine,
    /// The data folder's collections.
    pub collections: &'a Collections,
    /// Its registered folders, whose rules pictures are added by.
    pub folders: &'a Folders,
    /// Its settings.
    pub config: &'a Config,
    /// Reads metadata.
    pub metadata: fn(&str) -> Result<Metadata, String>,
}

/// A resolution that is being undone.
struct Undoing<'a> {
    library: &'a Arc<Library>,
    quarantine: &'a Path,
    lines: &'a [Line],
    /// Folders that are registered for the collection.
    registered: &'a [Folder],
    /// Pictures that stayed with their files.
    kept: HashSet<&'a str>,
    /// Pictures that earlier calls stored again.
    returned: HashSet<&'a str>,
    /// Pictures that were stored before this call.
    stored: HashSet<&'a str>,
    /// Pictures of which a file was refused.
    refused: HashSet<&'a str>,
    /// Paths that have their files, by their registered folders.
    to_index: BTreeMap<PathBuf, Vec<PathBuf>>,
    undone: Undone,
}

impl Return<'_> {
    /// Puts the files of a resolution back where nothing is, and stores their pictures again. It may be asked for
    /// again: what is back counts as nothing, and keeps the labels that it was given since.
    ///
    /// # Errors
    /// `unknown_resolution`, `quarantine_gone`, `busy` while folders of the collection are looked through or files of it
    /// moved, and those of the store.
    pub fn undo(
        &self,
        library: &Arc<Library>,
        (name, collection): (&CollectionName, &str),
        resolution: &str,
    ) -> Result<Undone, AppError> {
        let indexing = self.collections.indexing(name);
        let _alone = indexing
            .try_lock_for(self.quarantine.0.patience)
            .ok_or_else(|| AppError::FoldersInUse(name.clone()))?;
        self.quarantine.0.place.check()?;
        let (mut log, lines) = Log::open(self.quarantine.folder(), resolution, collection)?;
        let registered = self.folders.list()?.into_iter();
        let own = registered.filter(|folder| folder.record.new.collection == *name);
        let own: Vec<Folder> = own.collect();
        let mut undoing = Undoing {
            library,
            quarantine: self.quarantine.folder(),
            lines: &lines,
            registered: &own,
            kept: kept(&lines),
            returned: returned(&lines),
            stored: stored(library, &lines),
            refused: HashSet::new(),
            to_index: BTreeMap::new(),
            undone: Undone::default(),
        };
        lines.iter().for_each(|line| undoing.bring_back(line));
        for (root, paths) in mem::take(&mut undoing.to_index) {
            if let Some(folder) = own.iter().find(|folder| folder.path() == root) {
                self.index(library, folder, paths)?;
            }
        }
        let mut noted = Vec::new();
        for line in pictures(&lines) {
            if let Some(id) = undoing.label_again(line, self.metadata) {
                noted.push(Line::Returned { id: id.to_owned() });
            }
        }
        let mut undone = undoing.undone;
        undone.pictures = noted.len() as u64;
        if undone.refused.is_empty() {
            noted.push(Line::Undone { at_ms: now_ms() });
        }
        log.write(&noted)?;
        Ok(undone)
    }

    /// Compares just these paths of a folder with what is stored.
    fn index(
        &self,
        library: &Arc<Library>,
        folder: &Folder,
        paths: Vec<PathBuf>,
    ) -> Result<(), AppError> {
        let options = FolderOptions {
            parts: Some(paths),
            // A run for what came back removes nothing.
            prune: false,
            ..folder.rules.options(self.config)?
        };
        let go_on = AtomicBool::new(false);
        let indexer = Indexer::new(library.clone());
        indexer.index_folder(&folder.path(), &options, &go_on, &mut |_| {})?;
        Ok(())
    }
}

impl<'a> Undoing<'a> {
    /// Brings back the file that a line names.
    fn bring_back(&mut self, line: &'a Line) {
        let (Line::File { picture, .. } | Line::Missing { picture, .. }) = line else {
            return;
        };
        let Some(id) = PictureId::parse(picture).filter(|_| !self.kept.contains(&**picture)) else {
            return;
        };
        let (path, done) = match line {
            Line::File {
                from,
                root,
                mount,
                to,
                ..
            } => {
                let to = self.quarantine.join(path_of_text(to));
                if is_free(&to) && self.returned.contains(&**picture) {
                    return;
                }
                match from {
                    Some(from) => {
                        let from_where = [root, mount].map(Option::as_deref);
                        (from, self.put_back(&to, from, from_where, &id))
                    }
                    None => (picture, self.upload_again(&to, &id)),
                }
            }
            // It may be there again.
            Line::Missing { from, root, .. } => {
                if let Ok((path, root)) = self.place(from, [root.as_deref(), None])
                    && is_file_of(&path, &id)
                {
                    self.to_index
                        .entry(root)
                        .or_default()
                        .push(path_of_text(from));
                }
                return;
            }
            _ => return,
        };
        match done {
            Ok(is_new) => self.undone.restored += u64::from(is_new),
            Err(why) => {
                self.undone.refused.push((path.clone(), why));
                self.refused.insert(picture);
            }
        }
    }

    /// Moves one file back. Returns whether it came from the quarantine.
    fn put_back(
        &mut self,
        to: &Path,
        from: &str,
        from_where: [Option<&str>; 2],
        id: &PictureId,
    ) -> Result<bool, String> {
        let (path, root) = self.place(from, from_where)?;
        let is_new = match is_free(to) {
            false => move_back(to, &path, id)?,
            true if is_file_of(&path, id) => false,
            true => return Err(NOT_HERE.to_owned()),
        };
        self.to_index
            .entry(root)
            .or_default()
            .push(path_of_text(from));
        Ok(is_new)
    }

    /// Where a path really leads, and the registered folder that it lies in: nothing is written elsewhere, whatever has
    /// become a link since.
    fn place(
        &self,
        from: &str,
        [root, mount]: [Option<&str>; 2],
    ) -> Result<(PathBuf, PathBuf), String> {
        let [root, mount] = [root, mount].map(|text| text.map(path_of_text));
        let is_registered = |root: &PathBuf| self.registered.iter().any(|own| own.path() == *root);
        let Some(root) = root.filter(is_registered) else {
            return Err("its folder is not registered any more".to_owned());
        };
        // A drive that is away is no folder to make.
        if !root.is_dir() {
            return Err("its registered folder is not there".to_owned());
        }
        // What came to lie in its place would be hidden once it is back.
        if mount.is_some_and(|mount| !is_mount(&mount)) {
            return Err(NOT_MOUNTED.to_owned());
        }
        let from = path_of_text(from);
        let outside = || "it would come to lie outside its registered folder".to_owned();
        let (Some(above), Some(file)) = (from.parent(), from.file_name()) else {
            return Err(outside());
        };
        let above = resolved(above);
        let is_plain = |part: Component<'_>| part != Component::ParentDir;
        match above.starts_with(&root) && above.components().all(is_plain) {
            true => Ok((above.join(file), root)),
            false => Err(outside()),
        }
    }

    /// Adds the bytes of an upload again. Returns whether they were still here.
    fn upload_again(&self, to: &Path, id: &PictureId) -> Result<bool, String> {
        if is_free(to) {
            return match self.library.picture(id) {
                Ok(_) => Ok(false),
                Err(_) => Err(NOT_HERE.to_owned()),
            };
        }
        let name = self.lines.iter().find_map(|line| match line {
            Line::Picture { id: of, name, .. } if *of == id.as_str() => Some(&**name),
            _ => None,
        });
        let bytes = fs::read(to).map_err(|error| said(&error))?;
        let added = Indexer::new(self.library.clone()).add(&bytes, name.unwrap_or_default());
        added.map_err(|error| title_of(&error))?;
        // It is stored durably.
        fs::remove_file(to).map_err(|error| said(&error))?;
        Ok(true)
    }

    /// Gives the picture of a line, which is stored again, the labels that it had. One that was stored before this call
    /// keeps those that it has. Returns its id where that was done.
    fn label_again(
        &mut self,
        line: &'a Line,
        metadata: fn(&str) -> Result<Metadata, String>,
    ) -> Option<&'a str> {
        let Line::Picture { id, .. } = line else {
            return None;
        };
        let picture = PictureId::parse(id)?;
        if self.kept.contains(&**id) || self.returned.contains(&**id) {
            return None;
        }
        let labels = labels_of(line);
        let labelled = self.library.picture(&picture).and_then(|found| {
            let patch = match self.stored.contains(&**id) {
                true => missing_labels(&found.labels, &[&labels], metadata),
                false => all_of(labels, metadata),
            };
            match patch.is_empty() {
                true => Ok(()),
                false => self.library.label(vec![(picture, patch)]).map(|_| ()),
            }
        });
        match labelled {
            Ok(()) => return Some(id),
            // What keeps it away was said.
            Err(EngineError::UnknownPicture(_)) if self.refused.contains(&**id) => {}
            Err(error) => {
                let why = match error {
                    EngineError::UnknownPicture(_) => "no file of it was indexed".to_owned(),
                    error => format!("its labels were not restored: {}", title_of(&error)),
                };
                self.undone.refused.push((self.path_of(id), why));
            }
        }
        None
    }

    /// A path of a picture, or its id where it has none.
    fn path_of(&self, id: &str) -> String {
        let path = self.lines.iter().find_map(|line| match line {
            Line::File { picture, from, .. } if picture == id => from.clone(),
            Line::Missing { picture, from, .. } if picture == id => Some(from.clone()),
            _ => None,
        });
        path.unwrap_or_else(|| id.to_owned())
    }
}

const NOT_HERE: &str = "it is not in the quarantine any more";

/// The pictures of a log that are stored.
fn stored<'a>(library: &Library, lines: &'a [Line]) -> HashSet<&'a str> {
    let ids = lines.iter().filter_map(|line| match line {
        Line::Picture { id, .. } => Some(&**id),
        _ => None,
    });
    ids.filter(|id| PictureId::parse(id).is_some_and(|id| library.picture(&id).is_ok()))
        .collect()
}

/// The labels that a line has.
fn labels_of(line: &Line) -> Labels {
    let Line::Picture {
        tags,
        object,
        metadata,
        ..
    } = line
    else {
        return Labels::default();
    };
    Labels {
        tags: tags.iter().filter_map(|tag| Tag::parse(tag)).collect(),
        object: object.as_deref().and_then(ObjectId::parse),
        metadata: metadata.clone(),
    }
}

/// What gives a new picture these labels, over those of its folder.
fn all_of(labels: Labels, metadata: fn(&str) -> Result<Metadata, String>) -> LabelPatch {
    let metadata = labels.metadata.and_then(|text| metadata(&text).ok());
    LabelPatch {
        add_tags: labels.tags,
        object: labels.object.map_or(Update::Keep, Update::Set),
        metadata: metadata.map_or(Update::Keep, Update::Set),
        ..LabelPatch::default()
    }
}

/// The errors of the engine may name paths.
fn title_of(error: &EngineError) -> String {
    Code::from(error).title().to_owned()
}
