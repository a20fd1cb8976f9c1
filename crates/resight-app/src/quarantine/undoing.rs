//! Putting back what a resolution moved.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resight_engine::{
    FolderOptions, Indexer, LabelPatch, Library, Metadata, ObjectId, PictureId, Tag, Update,
    id_of_content, path_of_text, readable,
};
use resight_store::{CollectionName, now_ms};

use super::Quarantine;
use super::log::{Line, Log, kept, picture_id};
use super::moving::{is_free, make_folder, move_file};
use crate::AppError;
use crate::collections::Collections;
use crate::config::Config;
use crate::folders::Folders;

/// What came of putting files back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Files that were put back now.
    pub restored: u64,
    /// Files that were not: paths as stored text, and why.
    pub refused: Vec<(String, String)>,
    /// Pictures that are stored again, with their labels.
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

impl Return<'_> {
    /// Puts the files of a resolution back where nothing is, and stores their pictures again. It may be asked for
    /// again: what is back counts as nothing.
    ///
    /// # Errors
    /// `unknown_resolution`, and those of the store.
    pub fn undo(
        &self,
        library: &Arc<Library>,
        (name, collection): (&CollectionName, &str),
        resolution: &str,
    ) -> Result<Undone, AppError> {
        let _turn = self.quarantine.0.turn.lock();
        let (mut log, lines) = Log::open(self.quarantine.folder(), resolution, collection)?;
        let mut undone = Undone::default();
        let mut to_index: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        let stayed = kept(&lines);
        for line in &lines {
            let Line::File {
                picture,
                from,
                root,
                to,
                ..
            } = line
            else {
                continue;
            };
            let Some(id) = picture_id(picture).filter(|_| !stayed.contains(&&**picture)) else {
                continue;
            };
            let to = self.quarantine.folder().join(path_of_text(to));
            match from {
                Some(from) => {
                    let path = path_of_text(from);
                    match put_back(&to, &path, root.as_deref(), &id) {
                        Ok(is_new) => {
                            undone.restored += u64::from(is_new);
                            let root = root.as_deref().map(path_of_text);
                            let root = root.or_else(|| path.parent().map(Path::to_owned));
                            to_index
                                .entry(root.unwrap_or_default())
                                .or_default()
                                .push(path);
                        }
                        Err(why) => undone.refused.push((from.clone(), why)),
                    }
                }
                None => match self.upload_again(library, &to, &id, &lines) {
                    Ok(is_new) => undone.restored += u64::from(is_new),
                    Err(why) => undone.refused.push((id.to_string(), why)),
                },
            }
        }
        for (root, paths) in to_index {
            self.index(library, name, &root, paths)?;
        }
        undone.pictures = self.label_again(library, &lines, &stayed)?;
        log.write(&[Line::Undone { at_ms: now_ms() }])?;
        Ok(undone)
    }

    /// Adds the bytes of an upload again. Returns whether they were still here.
    fn upload_again(
        &self,
        library: &Arc<Library>,
        to: &Path,
        id: &PictureId,
        lines: &[Line],
    ) -> Result<bool, String> {
        if is_free(to) {
            return match library.picture(id) {
                Ok(_) => Ok(false),
                Err(_) => Err("it is not in the quarantine any more".to_owned()),
            };
        }
        let name = lines.iter().find_map(|line| match line {
            Line::Picture { id: of, name, .. } if *of == id.as_str() => Some(&**name),
            _ => None,
        });
        let bytes = fs::read(to).map_err(|error| error.to_string())?;
        let added = Indexer::new(library.clone()).add(&bytes, name.unwrap_or_default());
        added.map_err(|error| error.to_string())?;
        // It is stored durably.
        fs::remove_file(to).map_err(|error| error.to_string())?;
        Ok(true)
    }

    /// Compares just these paths of a folder with what is stored.
    fn index(
        &self,
        library: &Arc<Library>,
        name: &CollectionName,
        root: &Path,
        paths: Vec<PathBuf>,
    ) -> Result<(), AppError> {
        let registered = self.folders.list()?;
        let folder = registered
            .iter()
            .find(|folder| folder.record.new.collection == *name && folder.path() == root);
        let options = match folder {
            Some(folder) => folder.rules.options(self.config)?,
            None => FolderOptions {
                skip: Some(self.config.root.clone()),
                ..FolderOptions::default()
            },
        };
        let options = FolderOptions {
            parts: Some(paths),
            // A run for what came back removes nothing.
            prune: false,
            ..options
        };
        let lock = self.collections.indexing(name);
        let _alone = lock.lock();
        let go_on = AtomicBool::new(false);
        Indexer::new(library.clone()).index_folder(root, &options, &go_on, &mut |_| {})?;
        Ok(())
    }

    /// Gives pictures that are stored again, without those that `stayed`, the labels that they had. Returns their
    /// number.
    fn label_again(
        &self,
        library: &Library,
        lines: &[Line],
        stayed: &[&str],
    ) -> Result<u64, AppError> {
        let mut patches = Vec::new();
        for line in lines {
            let Line::Picture {
                id,
                tags,
                object,
                metadata,
                ..
            } = line
            else {
                continue;
            };
            let Some(picture) = picture_id(id).filter(|_| !stayed.contains(&&**id)) else {
                continue;
            };
            if library.picture(&picture).is_err() {
                continue;
            }
            let object = object.as_deref().and_then(ObjectId::parse);
            let metadata = metadata
                .as_deref()
                .and_then(|text| (self.metadata)(text).ok());
            let patch = LabelPatch {
                add_tags: tags.iter().filter_map(|tag| Tag::parse(tag)).collect(),
                object: object.map_or(Update::Keep, Update::Set),
                metadata: metadata.map_or(Update::Keep, Update::Set),
                ..LabelPatch::default()
            };
            patches.push((picture, patch));
        }
        let count = patches.len() as u64;
        library.label(patches)?;
        Ok(count)
    }
}

/// Moves one file back. Returns whether it was still here.
fn put_back(to: &Path, from: &Path, root: Option<&str>, id: &PictureId) -> Result<bool, String> {
    let is_it = |path: &Path| {
        let file = File::open(path).and_then(id_of_content);
        file.is_ok_and(|found| found == *id)
    };
    match (is_free(to), is_free(from)) {
        (true, false) if is_it(from) => Ok(false),
        (true, _) => Err("it is not in the quarantine any more".to_owned()),
        // A move that was cut short after the copy.
        (false, false) if is_it(from) && is_it(to) => {
            fs::remove_file(to).map_err(|error| error.to_string())?;
            Ok(false)
        }
        (false, false) => Err("something else is there now".to_owned()),
        (false, true) => {
            // A drive that is away is no folder to make.
            if let Some(root) = root
                && !path_of_text(root).is_dir()
            {
                return Err(format!("the folder {} is not there", readable(root)));
            }
            let folder = from.parent().unwrap_or(Path::new("."));
            make_folder(folder)
                .and_then(|()| move_file(to, from, id))
                .map_err(|error| error.to_string())?;
            Ok(true)
        }
    }
}
