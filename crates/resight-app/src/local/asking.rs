//! The command's side.

use std::path::{Path, PathBuf};

use resight_engine::{Forgotten, LabelPatch, PictureId, path_text};
use resight_store::{CollectionName, StoreError};

use super::message::{Patch, Reply, Request, texts};
use crate::{AppError, Code};

/// A server that has the data folder open, and changes it for commands.
#[derive(Clone, Debug)]
pub struct Served {
    root: PathBuf,
}

impl Served {
    /// The server of the data folder `root`; `None` where none answers.
    pub fn find(root: &Path) -> Option<Self> {
        let root = root.to_owned();
        is_there(&root).then_some(Self { root })
    }

    /// Removes pictures; returns whether each was there.
    pub fn remove(
        &self,
        collection: &CollectionName,
        ids: &[PictureId],
    ) -> Result<Vec<bool>, AppError> {
        let request = Request::Remove {
            collection: collection.to_string(),
            ids: texts(ids),
        };
        self.each(&request)
    }

    /// Changes the labels of pictures, all at once; returns whether each is there.
    pub fn label(
        &self,
        collection: &CollectionName,
        patches: &[(PictureId, LabelPatch)],
    ) -> Result<Vec<bool>, AppError> {
        let patches = patches.iter();
        let request = Request::Label {
            collection: collection.to_string(),
            patches: patches
                .map(|(id, patch)| (id.to_string(), Patch::of(patch)))
                .collect(),
        };
        self.each(&request)
    }

    /// Forgets paths, which mean what they mean to this process.
    pub fn forget(
        &self,
        collection: &CollectionName,
        paths: &[PathBuf],
        prune: bool,
    ) -> Result<Forgotten, AppError> {
        let absolute = |path: &PathBuf| {
            let whole = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            path_text(&whole)
        };
        let sent: Vec<(&PathBuf, Option<String>)> =
            paths.iter().map(|path| (path, absolute(path))).collect();
        let request = Request::Forget {
            collection: collection.to_string(),
            paths: sent.iter().filter_map(|(_, text)| text.clone()).collect(),
            prune,
        };
        match self.ask(&request)? {
            Reply::Forgotten {
                paths,
                refusals,
                kept_without_path,
                removed,
                unknown,
            } => {
                // As they were named here. No path is stored whose name has no text.
                let is_unknown =
                    |text: &Option<String>| text.as_ref().is_none_or(|text| unknown.contains(text));
                let named = sent.into_iter().filter(|(_, text)| is_unknown(text));
                Ok(Forgotten {
                    paths,
                    refusals,
                    kept_without_path,
                    removed,
                    unknown: named.map(|(path, _)| path.clone()).collect(),
                })
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Says that two pictures are no match, or takes it back; returns whether that changed something.
    pub fn not_a_match(
        &self,
        collection: &CollectionName,
        [a, b]: [&PictureId; 2],
        undo: bool,
    ) -> Result<bool, AppError> {
        self.one(&Request::NotAMatch {
            collection: collection.to_string(),
            a: a.to_string(),
            b: b.to_string(),
            undo,
        })
    }

    /// Makes an empty collection; returns whether it is new.
    pub fn create_collection(&self, name: &CollectionName) -> Result<bool, AppError> {
        self.one(&Request::CreateCollection {
            name: name.to_string(),
        })
    }

    /// Removes a collection with all its pictures.
    pub fn remove_collection(&self, name: &CollectionName) -> Result<(), AppError> {
        let request = Request::RemoveCollection {
            name: name.to_string(),
        };
        self.one(&request).map(drop)
    }

    /// Gives a collection another name.
    pub fn rename_collection(
        &self,
        from: &CollectionName,
        to: &CollectionName,
    ) -> Result<(), AppError> {
        let request = Request::RenameCollection {
            from: from.to_string(),
            to: to.to_string(),
        };
        self.one(&request).map(drop)
    }

    fn each(&self, request: &Request) -> Result<Vec<bool>, AppError> {
        match self.ask(request)? {
            Reply::Each { done } => Ok(done),
            other => Err(unexpected(&other)),
        }
    }

    fn one(&self, request: &Request) -> Result<bool, AppError> {
        match self.ask(request)? {
            Reply::One { done } => Ok(done),
            other => Err(unexpected(&other)),
        }
    }

    fn ask(&self, request: &Request) -> Result<Reply, AppError> {
        let told = exchange(&self.root, request);
        let reply = told.map_err(|error| AppError::ByServer {
            code: Code::Cancelled,
            next_step: "See what is stored, and run the command again where that is needed.".into(),
            detail: format!(
                "the server did not answer, and may have made the change or not: {error}"
            ),
        })?;
        match reply {
            Reply::Failed {
                code,
                detail,
                next_step,
            } => Err(AppError::ByServer {
                code: Code::parse(&code).unwrap_or(Code::Internal),
                detail,
                next_step,
            }),
            reply => Ok(reply),
        }
    }
}

#[cfg(unix)]
fn is_there(root: &Path) -> bool {
    super::socket::connect(root).is_ok()
}

#[cfg(not(unix))]
fn is_there(_: &Path) -> bool {
    false
}

#[cfg(unix)]
fn exchange(root: &Path, request: &Request) -> std::io::Result<Reply> {
    use std::io::{BufRead, BufReader, Read, Write};
    let mut stream = super::socket::connect(root)?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    line.clear();
    BufReader::new(stream.take(super::message::MOST_BYTES)).read_until(b'\n', &mut line)?;
    Ok(serde_json::from_slice(&line)?)
}

#[cfg(not(unix))]
fn exchange(_: &Path, _: &Request) -> std::io::Result<Reply> {
    Err(std::io::ErrorKind::Unsupported.into())
}

fn unexpected(reply: &Reply) -> AppError {
    StoreError::Failed {
        location: "the server".into(),
        detail: format!("it answered {reply:?}"),
    }
    .into()
}
