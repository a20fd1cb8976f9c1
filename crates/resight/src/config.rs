//! Settings that every command shares: as they were typed ([`SharedArgs`]), then as they were
//! understood ([`Config`]).

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use resight_models::Choice;
use resight_store::{CollectionName, Collections};

use crate::cli::CliError;

/// Environment variable for the data folder, used when `--data` is not given.
pub const DATA_VARIABLE: &str = "RESIGHT_DATA";
/// Environment variable for the folder of models, used when `--models` is not given.
pub const MODELS_VARIABLE: &str = "RESIGHT_MODELS";

/// Options that every command takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SharedArgs {
    /// Folder for the catalogue and the index. Without it: the environment variable RESIGHT_DATA,
    /// else this user's folder for application data (on Linux ~/.local/share/resight)
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "Shared options"
    )]
    pub data: Option<PathBuf>,
    /// The collection of pictures: 1 to 63 of a-z, 0-9, _ and -. Indexing into one makes it
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        default_value = "default",
        hide_default_value = true,
        value_parser = collection_name,
        help_heading = "Shared options"
    )]
    pub collection: CollectionName,
    /// Threads for computing [default: one for each core]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024), help_heading = "Shared options")]
    pub threads: Option<u32>,
    /// The strongest features kept of each picture [default: 1500]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(16..=20_000), help_heading = "Shared options")]
    pub max_features: Option<u32>,
    /// Larger pictures are scaled down to this before they are described [default: 1024]
    #[arg(long, global = true, value_name = "PX", value_parser = clap::value_parser!(u32).range(64..=16_384), help_heading = "Shared options")]
    pub max_side: Option<u32>,
    /// Visual vocabulary made by `resight train`, instead of the built-in one
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Shared options"
    )]
    pub vocabulary: Option<PathBuf>,
    /// Folder of ONNX models, shared by all data folders. Without it: the environment variable
    /// RESIGHT_MODELS, else models in this user's folder for application data
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "Shared options"
    )]
    pub models: Option<PathBuf>,
    /// A model that tells what looks alike, by the name it is installed under; may be given several
    /// times. `index` and `serve` describe all pictures by it, and remember it; `search` asks these alone
    #[arg(
        long = "model",
        global = true,
        value_name = "NAME",
        help_heading = "Shared options"
    )]
    pub with_models: Vec<String>,
    /// ONNX Runtime for models: its library, or a folder that holds it (a virtual environment, say);
    /// auto takes what `resight doctor` finds, none the built-in runtime
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        default_value = "auto",
        help_heading = "Shared options"
    )]
    pub onnxruntime: PathBuf,
    /// Write for programs: JSON on standard output, errors as JSON on standard error
    #[arg(long, global = true, help_heading = "Shared options")]
    pub json: bool,
    /// Say more on standard error; twice for details
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Shared options")]
    pub verbose: u8,
    /// Show no progress and only errors on standard error
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        help_heading = "Shared options"
    )]
    pub quiet: bool,
}

/// What the shared options mean.
#[derive(Clone, Debug)]
pub struct Config {
    /// Data folder, absolute; need not exist.
    pub root: PathBuf,
    /// The collection meant.
    pub collection: CollectionName,
    /// Its folder: that of the default one is the data folder itself.
    pub data: PathBuf,
    /// Whether the folder was named on the command line, not taken from the environment or the
    /// platform's habit.
    pub data_named: bool,
    /// Threads for computing; `None`: one for each core.
    pub threads: Option<NonZeroUsize>,
    /// The strongest features kept of each picture; `None`: the extractor's default.
    pub max_features: Option<usize>,
    /// Pictures are described at most this large, in pixels; `None`: the engine's default.
    pub max_side: Option<u32>,
    /// A vocabulary's file; `None`: the built-in vocabulary.
    pub vocabulary: Option<PathBuf>,
    /// Folder of models; `None`: the platform's habit, see [`Config::models_folder`].
    pub models: Option<PathBuf>,
    /// Models that tell what looks alike, to be used beside those that the collection uses already.
    pub with_models: Vec<String>,
    /// What runs models.
    pub runtime: Choice,
    /// Whether to write JSON.
    pub json: bool,
    /// Whether to show no progress.
    pub quiet: bool,
}

impl Config {
    /// Settles the shared options, with the environment as it is.
    pub fn new(args: &SharedArgs) -> Result<Self, CliError> {
        Self::with_variable(args, std::env::var_os(DATA_VARIABLE))
    }

    fn with_variable(args: &SharedArgs, variable: Option<OsString>) -> Result<Self, CliError> {
        let variable = variable.filter(|value| !value.is_empty());
        let data = match (&args.data, variable) {
            (Some(named), _) => named.clone(),
            (None, Some(value)) => PathBuf::from(value),
            (None, None) => platform_data_folder()?,
        };
        let data = std::path::absolute(&data).map_err(|error| CliError::Usage {
            code: "data_folder_name",
            detail: format!("{:?} cannot name a data folder: {error}", data.display()),
            next_step: "Name a folder with --data DIR.".into(),
        })?;
        Ok(Self {
            data: Collections::new(&data).folder(&args.collection),
            collection: args.collection.clone(),
            root: data,
            data_named: args.data.is_some(),
            threads: args.threads.and_then(|n| NonZeroUsize::new(n as usize)),
            max_features: args.max_features.map(|n| n as usize),
            max_side: args.max_side,
            vocabulary: args.vocabulary.clone(),
            models: models_folder(args.models.as_deref())?,
            with_models: args.with_models.clone(),
            runtime: match args.onnxruntime.to_str() {
                Some("auto") | Some("") => Choice::Auto,
                Some("none") => Choice::BuiltIn,
                _ => Choice::From(args.onnxruntime.clone()),
            },
            json: args.json,
            quiet: args.quiet,
        })
    }

    /// The same for another collection of the data folder.
    pub fn of_collection(&self, name: &CollectionName) -> Self {
        Self {
            data: Collections::new(&self.root).folder(name),
            collection: name.clone(),
            // What was asked for is for the collection that was named.
            with_models: match *name == self.collection {
                true => self.with_models.clone(),
                false => Vec::new(),
            },
            ..self.clone()
        }
    }

    /// Where a server has what is in the collection, as `/v1`.
    pub fn address(&self) -> String {
        address_of(&self.collection)
    }

    /// The folder of models, which need not exist.
    pub fn models_folder(&self) -> Result<PathBuf, CliError> {
        match &self.models {
            Some(named) => Ok(named.clone()),
            None => Ok(platform_data_folder()?.join("models")),
        }
    }

    /// Threads that will compute, at least 1.
    pub fn thread_count(&self) -> usize {
        self.threads
            .or_else(|| std::thread::available_parallelism().ok())
            .map_or(1, NonZeroUsize::get)
    }

    /// Refuses a data folder that is, or lies inside, one of the folders to be indexed: those are
    /// never written to, and our own files are no pictures. Changes nothing on the disk.
    pub fn check_apart(&self, folders: &[PathBuf]) -> Result<(), CliError> {
        let data = resolved(&self.root);
        for folder in folders {
            if data.starts_with(resolved(folder)) {
                return Err(CliError::Usage {
                    code: "data_inside_pictures",
                    detail: format!(
                        "the data folder {} lies in {}, which is to be indexed and is never written to",
                        self.root.display(),
                        folder.display()
                    ),
                    next_step: "Choose a data folder elsewhere with --data DIR, or index the folders of pictures one by one.".into(),
                });
            }
        }
        Ok(())
    }
}

/// Where a server has what is in a collection.
pub(crate) fn address_of(collection: &CollectionName) -> String {
    match collection.is_default() {
        true => "/v1".to_owned(),
        false => format!("/v1/collections/{collection}"),
    }
}

/// A collection's name as it is typed.
pub(crate) fn collection_name(text: &str) -> Result<CollectionName, String> {
    CollectionName::parse(text).ok_or_else(|| {
        "a collection's name has 1 to 63 of a-z, 0-9, _ and -, and begins with a letter or a digit"
            .to_owned()
    })
}

/// The folder that is named on the command line, else by the environment.
fn models_folder(named: Option<&Path>) -> Result<Option<PathBuf>, CliError> {
    let variable = std::env::var_os(MODELS_VARIABLE).filter(|value| !value.is_empty());
    let folder = named.map(Path::to_owned).or(variable.map(PathBuf::from));
    let absolute = folder.map(|folder| {
        std::path::absolute(&folder).map_err(|error| CliError::Usage {
            code: "models_folder_name",
            detail: format!("{:?} cannot name a folder: {error}", folder.display()),
            next_step: "Name a folder with --models DIR.".into(),
        })
    });
    absolute.transpose()
}

fn platform_data_folder() -> Result<PathBuf, CliError> {
    let names = AppStrategyArgs {
        top_level_domain: "org".into(),
        author: "resight".into(),
        app_name: "resight".into(),
    };
    match choose_app_strategy(names) {
        Ok(strategy) => Ok(strategy.data_dir()),
        Err(error) => Err(CliError::Failure {
            code: "no_home_folder",
            detail: format!("this user's folder for application data could not be found: {error}"),
            next_step: "Name a data folder with --data DIR.".into(),
        }),
    }
}

/// `path` without symbolic links as far as it exists, and the rest as written.
fn resolved(path: &Path) -> PathBuf {
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

    fn config(data: &Path) -> Config {
        let args = SharedArgs {
            data: Some(data.to_path_buf()),
            ..SharedArgs::default()
        };
        Config::with_variable(&args, None).unwrap()
    }

    #[test]
    fn the_option_goes_before_the_variable() {
        let named = SharedArgs {
            data: Some("/a".into()),
            ..SharedArgs::default()
        };
        let config = Config::with_variable(&named, Some("/b".into())).unwrap();
        assert_eq!(
            (config.data.as_path(), config.data_named),
            (Path::new("/a"), true)
        );
        let config = Config::with_variable(&SharedArgs::default(), Some("/b".into())).unwrap();
        assert_eq!(
            (config.data.as_path(), config.data_named),
            (Path::new("/b"), false)
        );
        let empty = Config::with_variable(&SharedArgs::default(), Some("".into())).unwrap();
        assert!(empty.data.ends_with("resight"), "{}", empty.data.display());
    }

    #[test]
    fn the_number_of_threads_has_bounds() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            shared: SharedArgs,
        }
        // (what is typed, what is understood)
        for (typed, understood) in [
            ("0", None),
            ("1", Some(1)),
            ("1024", Some(1024)),
            ("1025", None),
        ] {
            let line = <Line as clap::Parser>::try_parse_from(["resight", "--threads", typed]);
            let threads = line.ok().map(|line| {
                let config = Config::with_variable(&line.shared, Some("/b".into())).unwrap();
                config.thread_count()
            });
            assert_eq!(threads, understood, "{typed}");
        }
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
