//! What commands change stored pictures with: the data folder, or a server that has it open.

use std::path::PathBuf;
use std::sync::Arc;

use resight_app::Code;
use resight_app::config::Config;
use resight_app::data_folder::{self, WritableFolder};
use resight_app::local::Served;
use resight_engine::{Duplicates, ForgetOptions, Forgotten, LabelPatch, Library, PictureId};
use resight_store::CollectionName;

use crate::error::CliError;

pub(super) enum Changer {
    /// This process has the data folder open for changes.
    Own(WritableFolder),
    /// A server has.
    Server {
        server: Served,
        collection: CollectionName,
        /// For looking things up.
        library: Arc<Library>,
    },
}

impl Changer {
    /// Opens the data folder for changes that describe no picture, or finds the server that has it open.
    pub(super) fn open(config: &Config) -> Result<Self, CliError> {
        match data_folder::open_for_removing(config) {
            Err(error) if error.code() == Code::StoreLocked => {
                let Some(server) = Served::find(&config.root) else {
                    return Err(error.into());
                };
                Ok(Self::Server {
                    server,
                    collection: config.collection.clone(),
                    library: data_folder::open_for_listing(config, false)?,
                })
            }
            opened => Ok(Self::Own(opened?)),
        }
    }

    /// The library as it is, to look things up in.
    pub(super) fn library(&self) -> &Arc<Library> {
        match self {
            Self::Own(folder) => &folder.library,
            Self::Server { library, .. } => library,
        }
    }

    /// Removes pictures; returns whether each was there.
    pub(super) fn remove(&self, ids: &[PictureId]) -> Result<Vec<bool>, CliError> {
        Ok(match self {
            Self::Own(folder) => folder.library.remove(ids)?,
            Self::Server {
                server, collection, ..
            } => server.remove(collection, ids)?,
        })
    }

    /// Changes the labels of pictures, all at once.
    pub(super) fn label(&self, patches: Vec<(PictureId, LabelPatch)>) -> Result<(), CliError> {
        match self {
            Self::Own(folder) => drop(folder.library.label(patches)?),
            Self::Server {
                server, collection, ..
            } => drop(server.label(collection, &patches)?),
        }
        Ok(())
    }

    /// Forgets paths.
    pub(super) fn forget(&self, paths: &[PathBuf], prune: bool) -> Result<Forgotten, CliError> {
        let options = ForgetOptions {
            prune,
            dry_run: false,
        };
        Ok(match self {
            Self::Own(folder) => folder.library.forget_paths(paths, options)?,
            Self::Server {
                server, collection, ..
            } => server.forget(collection, paths, prune)?,
        })
    }

    /// Says that two pictures are no match, or takes it back; returns whether that changed something.
    pub(super) fn not_a_match(&self, pair: [&PictureId; 2], undo: bool) -> Result<bool, CliError> {
        let [a, b] = pair;
        Ok(match self {
            Self::Own(folder) => {
                let duplicates = Duplicates::new(folder.library.clone());
                match undo {
                    true => duplicates.drop_not_a_match(a, b)?,
                    false => duplicates.add_not_a_match(a, b)?,
                }
            }
            Self::Server {
                server, collection, ..
            } => server.not_a_match(collection, pair, undo)?,
        })
    }
}
