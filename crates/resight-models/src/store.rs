//! The folder of installed models: one folder a model, with its `model.toml` and its file.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::ModelError;
use crate::global::GlobalModel;
use crate::hash::FileHash;
use crate::known::Known;
use crate::local::LocalModel;
use crate::manifest::{FILE_NAME, Manifest};
use crate::runtime::Runtime;

/// The longest manifest read, in bytes.
const MANIFEST_BYTES: u64 = 64 << 10;
/// The longest model read, in bytes: what a message of Protocol Buffers can hold.
const MODEL_BYTES: u64 = 2 << 30;

/// The folder of models. It need not exist before something is added.
#[derive(Clone, Debug)]
pub struct ModelFolder {
    path: PathBuf,
}

/// A model in the folder.
#[derive(Clone, Debug)]
pub struct Installed {
    /// Its description.
    pub manifest: Manifest,
    /// Its file.
    pub file: PathBuf,
    /// Length of the file in bytes; `None` when it is gone.
    pub bytes: Option<u64>,
}

impl ModelFolder {
    /// The folder at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every model in it by name, and the folders in it that hold none that can be used, with why.
    pub fn list(&self) -> Result<(Vec<Installed>, Vec<ModelError>), ModelError> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((vec![], vec![])),
            Err(error) => return Err(ModelError::io(&self.path, error)),
        };
        let mut names: Vec<String> = entries
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        let (mut found, mut broken) = (Vec::new(), Vec::new());
        for name in names {
            match self.find(&name) {
                Ok(model) => found.push(model),
                Err(error) => broken.push(error),
            }
        }
        Ok((found, broken))
    }

    /// The model of this name.
    pub fn find(&self, name: &str) -> Result<Installed, ModelError> {
        let folder = self.folder_of(name)?;
        let path = folder.join(FILE_NAME);
        let manifest = match read_manifest(&path) {
            Err(ModelError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Err(self.missing(name));
            }
            other => other?,
        };
        let wrong = |detail: String| ModelError::Manifest {
            file: path.clone(),
            detail,
        };
        if manifest.name != name {
            return Err(wrong(format!(
                "it names {:?} in the folder of {name:?}",
                manifest.name
            )));
        }
        if manifest.hash.is_none() {
            return Err(wrong("it has neither sha256 nor blake3".into()));
        }
        let file = folder.join(&manifest.file);
        let bytes = fs::metadata(&file).ok().map(|meta| meta.len());
        Ok(Installed {
            manifest,
            file,
            bytes,
        })
    }

    /// Installs a model: its description, which errors say was `named`, and the bytes of its ONNX file,
    /// which were read from `file`. The hash is checked, or taken where the description has none.
    /// Installing the same again changes nothing.
    pub fn install(
        &self,
        manifest_text: &str,
        named: &Path,
        file: &Path,
        bytes: &[u8],
    ) -> Result<Installed, ModelError> {
        // A mark of UTF-8 may only stand first, and a key may come before it here.
        let manifest_text = manifest_text.trim_start_matches('\u{feff}');
        let manifest = Manifest::parse(manifest_text, named)?;
        let (hash, text) = match manifest.hash {
            Some(hash) => (hash, manifest_text.to_owned()),
            None => {
                let hash = FileHash::of(bytes);
                // Keys of the top level stand before the first table.
                (
                    hash,
                    format!("{} = \"{hash}\"\n{manifest_text}", hash.kind()),
                )
            }
        };
        check_hash(hash, bytes, file)?;
        let folder = self.folder_of(&manifest.name)?;
        if folder.exists() {
            return match self.find(&manifest.name) {
                Ok(same) if same.manifest == Manifest::parse(&text, named)? => {
                    check_hash(hash, &read_bounded(&same.file, MODEL_BYTES)?, &same.file)?;
                    Ok(same)
                }
                _ => Err(ModelError::Exists {
                    name: manifest.name,
                }),
            };
        }
        fs::create_dir_all(&self.path).map_err(|e| ModelError::io(&self.path, e))?;
        // Filled under a name that is not listed, then renamed: it is there whole or not at all.
        let staged = tempfile::Builder::new()
            .prefix(".adding-")
            .tempdir_in(&self.path)
            .map_err(|e| ModelError::io(&self.path, e))?;
        write(&staged.path().join(&manifest.file), bytes)?;
        write(&staged.path().join(FILE_NAME), text.as_bytes())?;
        let staged = TempDir::keep(staged);
        fs::rename(&staged, &folder).map_err(|error| {
            // Nothing refers to it; when it cannot be removed either it is not listed.
            let _ = fs::remove_dir_all(&staged);
            ModelError::io(&folder, error)
        })?;
        self.find(&manifest.name)
    }

    /// Installs what is at `path`: a folder with a `model.toml`, that file itself, or an ONNX file
    /// that has one beside it. With `known` the path is the ONNX file, and the description is that.
    pub fn add(&self, path: &Path, known: Option<&Known>) -> Result<Installed, ModelError> {
        if let Some(known) = known {
            let bytes = read_model(path)?;
            return self.install(known.toml, Path::new(known.name), path, &bytes);
        }
        fs::metadata(path).map_err(|e| ModelError::io(path, e))?;
        let described = if path.is_dir() {
            path.join(FILE_NAME)
        } else if path.file_name().is_some_and(|name| name == FILE_NAME) {
            path.to_owned()
        } else {
            path.with_file_name(FILE_NAME)
        };
        let text = read_text(&described).map_err(|error| match error {
            ModelError::Io { path, source } if source.kind() == io::ErrorKind::NotFound => {
                ModelError::Manifest {
                    file: path,
                    detail: "there is none, and a model needs one; --as NAME takes that of a known model"
                        .into(),
                }
            }
            other => other,
        })?;
        let manifest = Manifest::parse(&text, &described)?;
        let file = described.with_file_name(&manifest.file);
        let is_the_one = path.is_dir() || path == described || path == file;
        if !is_the_one {
            return Err(ModelError::Manifest {
                file: described,
                detail: format!("it describes {}, not {}", manifest.file, path.display()),
            });
        }
        self.install(&text, &described, &file, &read_model(&file)?)
    }

    /// Removes a model, also one whose description is broken.
    pub fn remove(&self, name: &str) -> Result<(), ModelError> {
        let folder = self.folder_of(name)?;
        let described = folder.join(FILE_NAME);
        match described.try_exists() {
            Ok(true) => {}
            Ok(false) => return Err(self.missing(name)),
            Err(error) => return Err(ModelError::io(&described, error)),
        }
        // Renamed first, so that it is gone whole.
        let leaving = self
            .path
            .join(format!(".removing-{name}-{}", std::process::id()));
        fs::rename(&folder, &leaving).map_err(|e| ModelError::io(&folder, e))?;
        fs::remove_dir_all(&leaving).map_err(|e| ModelError::io(&leaving, e))
    }

    /// Loads a model of kind `global`; see [`GlobalModel::load`].
    pub fn load_global(
        &self,
        name: &str,
        runtime: &Runtime,
        at_once: usize,
    ) -> Result<GlobalModel, ModelError> {
        let model = self.find(name)?;
        GlobalModel::load(&model.manifest, model.read()?, runtime, at_once)
    }

    /// Loads a model of kind `local`; see [`LocalModel::load`].
    pub fn load_local(
        &self,
        name: &str,
        runtime: &Runtime,
        at_once: usize,
        most: usize,
    ) -> Result<LocalModel, ModelError> {
        let model = self.find(name)?;
        LocalModel::load(&model.manifest, model.read()?, runtime, at_once, most)
    }

    fn missing(&self, name: &str) -> ModelError {
        ModelError::NotInstalled {
            name: name.to_owned(),
            folder: self.path.clone(),
        }
    }

    /// Where a model of this name lies; a name never leads elsewhere.
    fn folder_of(&self, name: &str) -> Result<PathBuf, ModelError> {
        let plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', ':']);
        match plain {
            true => Ok(self.path.join(name)),
            false => Err(self.missing(name)),
        }
    }
}

impl Installed {
    /// The file's bytes, which are those that were installed.
    pub fn read(&self) -> Result<Vec<u8>, ModelError> {
        let bytes = read_model(&self.file)?;
        if let Some(hash) = self.manifest.hash {
            check_hash(hash, &bytes, &self.file)?;
        }
        Ok(bytes)
    }
}

/// The bytes of an ONNX file.
pub(crate) fn read_model(path: &Path) -> Result<Vec<u8>, ModelError> {
    read_bounded(path, MODEL_BYTES)
}

fn check_hash(expected: FileHash, bytes: &[u8], file: &Path) -> Result<(), ModelError> {
    let found = expected.same_kind(bytes);
    match found == expected {
        true => Ok(()),
        false => Err(ModelError::Hash {
            file: file.to_owned(),
            kind: expected.kind(),
            expected: expected.to_string(),
            found: found.to_string(),
        }),
    }
}

fn read_manifest(path: &Path) -> Result<Manifest, ModelError> {
    Manifest::parse(&read_text(path)?, path)
}

fn read_text(path: &Path) -> Result<String, ModelError> {
    String::from_utf8(read_bounded(path, MANIFEST_BYTES)?).map_err(|_| ModelError::Manifest {
        file: path.to_owned(),
        detail: "it is not UTF-8".into(),
    })
}

fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>, ModelError> {
    let failed = |error| ModelError::io(path, error);
    let file = fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    match bytes.len() as u64 > most {
        false => Ok(bytes),
        true => Err(failed(io::Error::other(format!(
            "longer than {most} bytes"
        )))),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let written = (|| {
        let mut file = fs::File::create_new(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    })();
    written.map_err(|error| ModelError::io(path, error))
}
