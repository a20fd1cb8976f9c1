//! The folder of installed models. Each model has a folder with its `model.toml` and its ONNX file.

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

/// Most bytes of a manifest.
const MANIFEST_BYTES: u64 = 64 << 10;
/// Most bytes of an ONNX file, the limit of Protocol Buffers.
const MODEL_BYTES: u64 = 2 << 30;

/// The folder of models. It need not exist before the first model is added.
#[derive(Clone, Debug)]
pub struct ModelFolder {
    path: PathBuf,
}

/// A model in the folder.
#[derive(Clone, Debug)]
pub struct Installed {
    /// Its manifest.
    pub manifest: Manifest,
    /// Its ONNX file.
    pub file: PathBuf,
    /// Length of the file in bytes; `None` if it is missing.
    pub bytes: Option<u64>,
}

impl ModelFolder {
    /// The folder at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All models, sorted by name, and the errors of folders without a valid model.
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
        let (mut models, mut errors) = (Vec::new(), Vec::new());
        for name in names {
            match self.find(&name) {
                Ok(model) => models.push(model),
                Err(error) => errors.push(error),
            }
        }
        Ok((models, errors))
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

    /// Installs a model from the text of its manifest and the bytes of its ONNX file. Errors name
    /// `named` as the manifest and `file` as the ONNX file. Checks the hash; where the manifest has
    /// none, adds one to it. Installing the same model again changes nothing.
    pub fn install(
        &self,
        manifest_text: &str,
        named: &Path,
        file: &Path,
        bytes: &[u8],
    ) -> Result<Installed, ModelError> {
        // A byte-order mark is valid only at the start, where a key may be inserted.
        let manifest_text = manifest_text.trim_start_matches('\u{feff}');
        let manifest = Manifest::parse(manifest_text, named)?;
        let (hash, text) = match manifest.hash {
            Some(hash) => (hash, manifest_text.to_owned()),
            None => {
                let hash = FileHash::of(bytes);
                // Top-level keys must precede the first table.
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
        // Written under a name that `list` ignores, then renamed, so that the model appears complete.
        let staged = tempfile::Builder::new()
            .prefix(".adding-")
            .tempdir_in(&self.path)
            .map_err(|e| ModelError::io(&self.path, e))?;
        write(&staged.path().join(&manifest.file), bytes)?;
        write(&staged.path().join(FILE_NAME), text.as_bytes())?;
        let staged = TempDir::keep(staged);
        fs::rename(&staged, &folder).map_err(|error| {
            // `list` ignores it if it cannot be removed either.
            let _ = fs::remove_dir_all(&staged);
            ModelError::io(&folder, error)
        })?;
        self.find(&manifest.name)
    }

    /// Installs the model at `path`: a folder with a `model.toml`, that file, or an ONNX file beside
    /// one. With `known`, `path` is the ONNX file and the manifest is the known one.
    pub fn add(&self, path: &Path, known: Option<&Known>) -> Result<Installed, ModelError> {
        if let Some(known) = known {
            let bytes = read_model(path)?;
            return self.install(known.toml, Path::new(known.name), path, &bytes);
        }
        fs::metadata(path).map_err(|e| ModelError::io(path, e))?;
        let manifest_path = if path.is_dir() {
            path.join(FILE_NAME)
        } else {
            path.with_file_name(FILE_NAME)
        };
        let text = read_text(&manifest_path).map_err(|error| match error {
            ModelError::Io { path, source } if source.kind() == io::ErrorKind::NotFound => {
                ModelError::Manifest {
                    file: path,
                    detail:
                        "the file is missing; --as NAME uses the manifest of a known model instead"
                            .into(),
                }
            }
            other => other,
        })?;
        let manifest = Manifest::parse(&text, &manifest_path)?;
        let file = manifest_path.with_file_name(&manifest.file);
        if !path.is_dir() && path != manifest_path && path != file {
            return Err(ModelError::Manifest {
                file: manifest_path,
                detail: format!("it describes {}, not {}", manifest.file, path.display()),
            });
        }
        self.install(&text, &manifest_path, &file, &read_model(&file)?)
    }

    /// Removes a model, even one whose manifest is not valid.
    pub fn remove(&self, name: &str) -> Result<(), ModelError> {
        let folder = self.folder_of(name)?;
        let manifest_path = folder.join(FILE_NAME);
        match manifest_path.try_exists() {
            Ok(true) => {}
            Ok(false) => return Err(self.missing(name)),
            Err(error) => return Err(ModelError::io(&manifest_path, error)),
        }
        // Renamed first, so that no incomplete model is left.
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

    /// The folder of the model of this name, always directly in [`Self::path`].
    fn folder_of(&self, name: &str) -> Result<PathBuf, ModelError> {
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', ':']) {
            return Err(self.missing(name));
        }
        Ok(self.path.join(name))
    }
}

impl Installed {
    /// The file's bytes.
    ///
    /// # Errors
    /// [`ModelError::Hash`] if they are not those that were installed.
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

pub(crate) fn check_hash(expected: FileHash, bytes: &[u8], file: &Path) -> Result<(), ModelError> {
    let found = expected.same_kind(bytes);
    if found == expected {
        return Ok(());
    }
    Err(ModelError::Hash {
        file: file.to_owned(),
        kind: expected.kind(),
        expected: expected.to_string(),
        found: found.to_string(),
    })
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
    if bytes.len() as u64 > most {
        return Err(failed(io::Error::other(format!(
            "longer than {most} bytes"
        ))));
    }
    Ok(bytes)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let written = (|| {
        let mut file = fs::File::create_new(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    })();
    written.map_err(|error| ModelError::io(path, error))
}
