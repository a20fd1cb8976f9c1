//! Configuration in two steps: as a front end gathered it ([`Settings`]), then validated
//! ([`Config`]).

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use resight_engine::{DecodeLimits, EngineOptions, MemoryBudget};
use resight_models::Choice;
use resight_store::{CollectionName, Collections};

use crate::decoding::{DecodeIn, Decoding};
use crate::stores::addresses::Stores;
use crate::videos::{ReadVideos, VideoReading};
use crate::{AppError, memory};

/// What a front end was told. The default opens this user's data folder with defaults throughout.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Data folder; `None`: this user's folder for application data.
    pub data: Option<PathBuf>,
    /// The collection of pictures.
    pub collection: CollectionName,
    /// The address of a PostgreSQL database for the catalogue; `None`: the catalogue is in the data folder.
    pub catalogue: Option<String>,
    /// The address of a bucket for uploaded files and thumbnails; `None`: they are in the data folder.
    pub blobs: Option<String>,
    /// Threads for computing; `None`: one for each core.
    pub threads: Option<NonZeroUsize>,
    /// The strongest features kept of each picture; `None`: the extractor's default.
    pub max_features: Option<usize>,
    /// Longer side, in pixels, to which pictures are scaled down before they are described; `None`: the
    /// engine's default.
    pub max_side: Option<u32>,
    /// The budget of memory, in MiB; `None`: half of what this process can have.
    pub memory: Option<u32>,
    /// Where pictures are decoded.
    pub decode_in: DecodeIn,
    /// Arguments with which the program that runs decodes for another process of it; `None`: it cannot.
    pub decode_worker: Option<Vec<OsString>>,
    /// What reads videos.
    pub read_videos: ReadVideos,
    /// Arguments with which the program that runs becomes ffmpeg; `None`: it cannot.
    pub video_worker: Option<Vec<OsString>>,
    /// A vocabulary's file; `None`: the collection's own or the built-in one.
    pub vocabulary: Option<PathBuf>,
    /// Folder of models; `None`: `models` in this user's folder for application data.
    pub models: Option<PathBuf>,
    /// Names of global models to use beside those that the collection uses already.
    pub with_models: Vec<String>,
    /// What runs models.
    pub runtime: Choice,
}

impl Settings {
    /// Accepted numbers of threads.
    pub const THREADS: RangeInclusive<u32> = 1..=1024;
    /// Accepted numbers of features kept of each picture.
    pub const MAX_FEATURES: RangeInclusive<u32> = 16..=20_000;
    /// Accepted lengths of the longer side, in pixels.
    pub const MAX_SIDE: RangeInclusive<u32> = 64..=16_384;
    /// Accepted budgets of memory, in MiB.
    pub const MEMORY: RangeInclusive<u32> = 256..=16_777_216;

    fn check_ranges(&self) -> Result<(), AppError> {
        let whole = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let threads = self.threads.map(|number| whole(number.get()));
        for (what, value, range) in [
            ("number of threads", threads, Self::THREADS),
            (
                "number of features",
                self.max_features.map(whole),
                Self::MAX_FEATURES,
            ),
            (
                "longer side in pixels",
                self.max_side.map(u64::from),
                Self::MAX_SIDE,
            ),
            (
                "number of MiB of memory",
                self.memory.map(u64::from),
                Self::MEMORY,
            ),
        ] {
            let (least, most) = (*range.start(), *range.end());
            if let Some(value) = value.filter(|v| !(u64::from(least)..=u64::from(most)).contains(v))
            {
                return Err(AppError::SettingOutOfRange {
                    what,
                    value,
                    least,
                    most,
                });
            }
        }
        Ok(())
    }
}

/// Validated settings, with absolute paths.
#[derive(Clone, Debug)]
pub struct Config {
    /// Data folder; need not exist.
    pub root: PathBuf,
    /// The collection of pictures.
    pub collection: CollectionName,
    /// The collection's folder: that of the default one is the data folder itself.
    pub data: PathBuf,
    /// Where the catalogues and blobs of all collections are.
    pub stores: Stores,
    /// Threads for computing; `None`: one for each core.
    pub threads: Option<NonZeroUsize>,
    /// The strongest features kept of each picture; `None`: the extractor's default.
    pub max_features: Option<usize>,
    /// Longer side, in pixels, to which pictures are scaled down before they are described; `None`: the
    /// engine's default.
    pub max_side: Option<u32>,
    /// The budget of memory, shared by all collections.
    pub memory: MemoryBudget,
    /// Where pictures are decoded, for all collections.
    pub decoding: Decoding,
    /// What reads videos.
    pub videos: VideoReading,
    /// A vocabulary's file; `None`: the collection's own or the built-in one.
    pub vocabulary: Option<PathBuf>,
    /// Folder of models; `None`: see [`Config::models_folder`].
    pub models: Option<PathBuf>,
    /// Names of global models to use beside those that the collection uses already.
    pub with_models: Vec<String>,
    /// What runs models.
    pub runtime: Choice,
    /// Where files of duplicates are moved: nothing is indexed there.
    pub quarantine: Option<PathBuf>,
}

impl Config {
    /// Validates `settings`. Touches no file and asks no server.
    ///
    /// # Errors
    /// `bad_parameter` for a number outside its range, [`Settings::THREADS`] for one; `data_folder_name`,
    /// `models_folder_name` and `no_home_folder` for folders; `store_address` and `not_built_in` for a catalogue or blobs
    /// elsewhere.
    pub fn new(settings: Settings) -> Result<Self, AppError> {
        settings.check_ranges()?;
        let root = data_folder(settings.data)?;
        let models = settings.models.map(|named| {
            std::path::absolute(&named).map_err(|source| AppError::ModelsFolderName {
                path: named,
                source,
            })
        });
        let cores = || std::thread::available_parallelism().ok();
        let threads = settings.threads.or_else(cores);
        let at_once = threads.map_or(1, NonZeroUsize::get);
        Ok(Self {
            decoding: Decoding::new(settings.decode_in, settings.decode_worker, at_once),
            videos: VideoReading::new(settings.read_videos, settings.video_worker),
            data: Collections::new(&root).folder(&settings.collection),
            collection: settings.collection,
            stores: Stores::new(settings.catalogue, settings.blobs)?,
            root,
            threads: settings.threads,
            max_features: settings.max_features,
            max_side: settings.max_side,
            memory: MemoryBudget::new(
                settings
                    .memory
                    .map_or_else(memory::budget, |mib| u64::from(mib) << 20),
            ),
            vocabulary: settings.vocabulary,
            models: models.transpose()?,
            with_models: settings.with_models,
            runtime: settings.runtime,
            quarantine: None,
        })
    }

    /// The same for another collection of the data folder.
    pub fn of_collection(&self, name: &CollectionName) -> Self {
        Self {
            data: Collections::new(&self.root).folder(name),
            collection: name.clone(),
            // What was asked for is for the collection that was named.
            with_models: if *name == self.collection {
                self.with_models.clone()
            } else {
                Vec::new()
            },
            ..self.clone()
        }
    }

    /// The same where files of duplicates are moved to this folder.
    pub fn with_quarantine(&self, folder: Option<&Path>) -> Self {
        Self {
            quarantine: folder.map(resolved),
            ..self.clone()
        }
    }

    /// The same for the data folder at another place.
    pub(crate) fn moved_to(&self, root: &Path) -> Self {
        let moved = Self {
            root: root.to_owned(),
            ..self.clone()
        };
        moved.of_collection(&self.collection)
    }

    /// The folder of models, which need not exist.
    pub fn models_folder(&self) -> Result<PathBuf, AppError> {
        match &self.models {
            Some(named) => Ok(named.clone()),
            None => Ok(platform_data_folder()?.join("models")),
        }
    }

    /// The engine's options as the settings change them.
    pub fn engine_options(&self) -> EngineOptions {
        let defaults = EngineOptions::default();
        EngineOptions {
            max_side: self.max_side.unwrap_or(defaults.max_side),
            max_features: self.max_features.unwrap_or(defaults.max_features),
            decode: DecodeLimits {
                memory: self.memory.clone(),
                place: self.decoding.place(),
                videos: self.videos.videos(),
                ..defaults.decode
            },
            feature_cache_bytes: self.memory.for_features(),
            ..defaults
        }
    }

    /// What a picture may cost before it is refused, and the memory that it is decoded in; the same for every
    /// library of this program.
    pub fn decode_limits(&self) -> DecodeLimits {
        self.engine_options().decode
    }

    /// Threads that will compute, at least 1.
    pub fn thread_count(&self) -> usize {
        self.threads
            .or_else(|| std::thread::available_parallelism().ok())
            .map_or(1, NonZeroUsize::get)
    }

    /// Refuses a data folder that is, or lies inside, one of the folders to be indexed: those are
    /// never written to, and our own files are no pictures. So it does with such a folder for files of duplicates, which
    /// would come back, and with folders within that. Changes nothing on the disk.
    pub fn check_apart(&self, folders: &[PathBuf]) -> Result<(), AppError> {
        let data = resolved(&self.root);
        for folder in folders {
            if data.starts_with(resolved(folder)) {
                return Err(AppError::DataInsidePictures {
                    data: self.root.clone(),
                    pictures: folder.clone(),
                });
            }
            if let Some(quarantine) = &self.quarantine
                && is_within(&resolved(folder), quarantine)
            {
                return Err(AppError::QuarantineAmongPictures {
                    quarantine: quarantine.clone(),
                    pictures: folder.clone(),
                });
            }
        }
        Ok(())
    }
}

/// Whether one of two folders lies in the other, or is it.
pub(crate) fn is_within(a: &Path, b: &Path) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

/// The absolute path of the data folder `named`, or of this user's one.
///
/// # Errors
/// `data_folder_name` and `no_home_folder`.
pub fn data_folder(named: Option<PathBuf>) -> Result<PathBuf, AppError> {
    let named = match named {
        Some(named) => named,
        None => platform_data_folder()?,
    };
    std::path::absolute(&named).map_err(|source| AppError::DataFolderName {
        path: named,
        source,
    })
}

fn platform_data_folder() -> Result<PathBuf, AppError> {
    let names = AppStrategyArgs {
        top_level_domain: "org".into(),
        author: "resight".into(),
        app_name: "resight".into(),
    };
    match choose_app_strategy(names) {
        Ok(strategy) => Ok(strategy.data_dir()),
        Err(error) => Err(AppError::NoHomeFolder {
            detail: error.to_string(),
        }),
    }
}

/// `path` without symbolic links as far as it exists, and the rest as written.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for ancestor in absolute.ancestors() {
        if let Ok(real) = ancestor.canonicalize() {
            // An ancestor is a prefix, so this cannot fail; the whole path is the safe fallback.
            let rest = absolute.strip_prefix(ancestor).unwrap_or(&absolute);
            return real.join(rest);
        }
    }
    absolute
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    fn config(data: &Path) -> Config {
        Config::new(Settings {
            data: Some(data.to_path_buf()),
            ..Settings::default()
        })
        .unwrap()
    }

    #[test]
    fn without_a_name_the_data_folder_is_the_users() {
        let config = Config::new(Settings::default()).unwrap();
        assert!(
            config.root.ends_with("resight"),
            "{}",
            config.root.display()
        );
        assert!(config.models_folder().unwrap().ends_with("models"));
    }

    #[test]
    fn a_name_that_can_name_no_folder_is_a_wrong_setting() {
        let settings = Settings {
            data: Some(PathBuf::new()),
            ..Settings::default()
        };
        let error = Config::new(settings).unwrap_err();
        assert_eq!(error.code(), Code::DataFolderName);
        assert!(error.is_wrong_setting());
    }

    #[test]
    fn a_data_folder_among_the_pictures_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let pictures = root.path().join("pictures");
        std::fs::create_dir(&pictures).unwrap();
        // (data folder, whether it is apart)
        let cases = [
            ("data", true),
            ("pictures", false),
            ("pictures/data/deep", false),
            ("pictures-data", true),
            ("pictures/../data", true),
        ];
        for (data, apart) in cases {
            let answer =
                config(&root.path().join(data)).check_apart(std::slice::from_ref(&pictures));
            assert_eq!(answer.is_ok(), apart, "{data}");
            assert!(
                !root.path().join("data").exists(),
                "the check makes nothing"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_does_not_hide_it() {
        let root = tempfile::tempdir().unwrap();
        let pictures = root.path().join("pictures");
        std::fs::create_dir(&pictures).unwrap();
        let link = root.path().join("link");
        std::os::unix::fs::symlink(&pictures, &link).unwrap();
        assert!(config(&link.join("data")).check_apart(&[pictures]).is_err());
    }
}
