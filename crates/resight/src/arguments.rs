//! Arguments that several commands share, as they are typed, and the settings they stand for.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueHint;
use clap::builder::RangedI64ValueParser;
use resight_app::Code;
use resight_app::config::Settings;
use resight_app::decoding::DecodeIn;
use resight_app::folders::Rules;
use resight_app::plugins::PluginSettings;
use resight_app::videos::ReadVideos;
use resight_engine::Patterns;
use resight_models::Choice;
use resight_store::CollectionName;
use tracing_subscriber::EnvFilter;

use crate::error::CliError;

/// The argument that makes this program decode for another process of it.
pub(crate) const DECODE_WORKER: &str = "decode-worker";

/// The argument that makes this program become ffmpeg, with fewer rights.
pub(crate) const VIDEO_WORKER: &str = "video-worker";

/// Values of `--decode-in`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Where {
    #[default]
    Auto,
    Process,
    Here,
}

/// Values of `--log-format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Options that every command takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct SharedArgs {
    // Not clap's `env`: a variable would count as typed, so that `resight` alone printed no help and
    // usage lines named the option as required. `configuration` makes defaults of variables.
    /// Folder for the catalogue and the index [default: this user's folder for application data, on
    /// Linux ~/.local/share/resight] [env: RESIGHT_DATA]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        value_hint = ValueHint::DirPath,
        help_heading = "Shared options"
    )]
    pub(crate) data: Option<OsString>,
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
    pub(crate) collection: CollectionName,
    /// Where the catalogue is: embedded in the data folder, or in a PostgreSQL database, as in
    /// postgres://USER@HOST/DATABASE; a password is taken from PGPASSWORD [default: embedded]
    #[arg(
        long,
        hide_short_help = true,
        global = true,
        value_name = "ADDRESS",
        help_heading = "Shared options"
    )]
    pub(crate) catalogue: Option<String>,
    /// Where uploaded files and thumbnails are: embedded in the data folder, or in a bucket that speaks S3, as in
    /// s3://BUCKET/PREFIX?endpoint=https://HOST; keys are taken from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
    /// [default: embedded]
    #[arg(
        long,
        hide_short_help = true,
        global = true,
        value_name = "ADDRESS",
        help_heading = "Shared options"
    )]
    pub(crate) blobs: Option<String>,
    /// Threads for computing [default: one for each core]
    #[arg(long, hide_short_help = true, global = true, value_name = "N", value_parser = within(Settings::THREADS), help_heading = "Shared options")]
    pub(crate) threads: Option<u32>,
    /// The strongest features kept of each picture [default: 1500]
    #[arg(long, hide_short_help = true, global = true, value_name = "N", value_parser = within(Settings::MAX_FEATURES), help_heading = "Shared options")]
    pub(crate) max_features: Option<u32>,
    /// Larger pictures are scaled down to this before they are described [default: 1024]
    #[arg(long, hide_short_help = true, global = true, value_name = "PX", value_parser = within(Settings::MAX_SIDE), help_heading = "Shared options")]
    pub(crate) max_side: Option<u32>,
    /// The budget of memory for decoding and comparing pictures, bodies of requests and caches, in MiB
    /// [default: half of what this process can have]
    #[arg(long, hide_short_help = true, global = true, alias = "decode-memory", value_name = "MIB", value_parser = within(Settings::MEMORY), help_heading = "Shared options")]
    pub(crate) memory: Option<u32>,
    /// Where pictures are decoded: in processes of their own, which a decoder may end (process), in this one (here), or
    /// all but JPEG, PNG and WebP in processes where that can be done (auto)
    #[arg(
        long,
        hide_short_help = true,
        global = true,
        value_name = "WHERE",
        value_enum,
        default_value = "auto",
        help_heading = "Shared options"
    )]
    pub(crate) decode_in: Where,
    /// The ffmpeg by which frames of videos are read; auto takes the one on the path, off reads none
    #[arg(
        long,
        hide_short_help = true,
        global = true,
        value_name = "PATH",
        default_value = "auto",
        help_heading = "Shared options"
    )]
    pub(crate) ffmpeg: PathBuf,
    /// Visual vocabulary made by `resight train`, instead of the built-in one
    #[arg(
        long,
        hide_short_help = true,
        global = true,
        value_name = "FILE",
        help_heading = "Shared options"
    )]
    pub(crate) vocabulary: Option<PathBuf>,
    /// Folder of ONNX models, shared by all data folders [default: models in this user's folder for
    /// application data] [env: RESIGHT_MODELS]
    #[arg(
        long,
        hide_short_help = true,
        global = true,
        value_name = "DIR",
        value_hint = ValueHint::DirPath,
        help_heading = "Shared options"
    )]
    pub(crate) models: Option<OsString>,
    /// A model that tells what looks alike, by the name it is installed under; may be given several times
    ///
    /// `index` and `serve` describe all pictures by it, and remember it; `search` asks these alone.
    #[arg(
        long = "model",
        global = true,
        value_name = "NAME",
        help_heading = "Shared options"
    )]
    pub(crate) with_models: Vec<String>,
    /// ONNX Runtime for models: its library, or a folder that holds it (a virtual environment, say);
    /// auto takes what `resight doctor` finds, none the built-in runtime
    #[arg(
        long,
        hide_short_help = true,
        global = true,
        value_name = "PATH",
        default_value = "auto",
        help_heading = "Shared options"
    )]
    pub(crate) onnxruntime: PathBuf,
    /// The configuration's file: TOML, as docs/configuration.md describes it [default: resight.toml in the data folder,
    /// where it is there] [env: RESIGHT_CONFIG]
    #[arg(
        long,
        hide_short_help = true,
        global = true,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help_heading = "Shared options"
    )]
    pub(crate) config: Option<PathBuf>,
    /// What is logged, in place of --verbose and --quiet: a level (error, warn, info, debug), or levels by part, as in
    /// warn,resight_server=debug [env: RESIGHT_LOG]
    #[arg(
        long,
        hide_short_help = true,
        global = true,
        value_name = "FILTER",
        value_parser = log_filter,
        help_heading = "Shared options"
    )]
    pub(crate) log: Option<String>,
    /// How the log is written on standard error
    #[arg(
        long,
        hide_short_help = true,
        global = true,
        value_name = "FORMAT",
        value_enum,
        default_value = "text",
        help_heading = "Shared options"
    )]
    pub(crate) log_format: LogFormat,
    /// A collector of OpenTelemetry that gets a trace of each request that is served, by OTLP over HTTP, as in
    /// http://127.0.0.1:4318. Needs a program that was built with OpenTelemetry
    #[arg(
        long,
        hide_short_help = true,
        global = true,
        value_name = "URL",
        help_heading = "Shared options"
    )]
    pub(crate) otlp_endpoint: Option<String>,
    /// Write for programs: JSON on standard output, errors as JSON on standard error
    #[arg(long, global = true, help_heading = "Shared options")]
    pub(crate) json: bool,
    /// Say more on standard error; twice for details
    #[arg(short, long, hide_short_help = true, global = true, action = clap::ArgAction::Count, help_heading = "Shared options")]
    pub(crate) verbose: u8,
    /// Show no progress and only errors on standard error
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        help_heading = "Shared options"
    )]
    pub(crate) quiet: bool,
}

impl SharedArgs {
    /// The settings that these arguments stand for.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            data: self.data.clone().map(PathBuf::from),
            collection: self.collection.clone(),
            catalogue: self.catalogue.clone(),
            blobs: self.blobs.clone(),
            threads: self.threads.and_then(|n| NonZeroUsize::new(n as usize)),
            max_features: self.max_features.map(|n| n as usize),
            max_side: self.max_side,
            memory: self.memory,
            decode_in: match self.decode_in {
                Where::Auto => DecodeIn::Auto,
                Where::Process => DecodeIn::Process,
                Where::Here => DecodeIn::Here,
            },
            decode_worker: Some(vec![DECODE_WORKER.into()]),
            read_videos: match self.ffmpeg.to_str() {
                Some("auto" | "") => ReadVideos::Auto,
                Some("off") => ReadVideos::Off,
                _ => ReadVideos::By(self.ffmpeg.clone()),
            },
            video_worker: Some(vec![VIDEO_WORKER.into()]),
            vocabulary: self.vocabulary.clone(),
            models: self.models.clone().map(PathBuf::from),
            with_models: self.with_models.clone(),
            runtime: match self.onnxruntime.to_str() {
                Some("auto" | "") => Choice::Auto,
                Some("none") => Choice::BuiltIn,
                _ => Choice::From(self.onnxruntime.clone()),
            },
        }
    }
}

/// A filter for the log as it is typed.
fn log_filter(text: &str) -> Result<String, String> {
    match EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads a number of `range`.
fn within(range: RangeInclusive<u32>) -> RangedI64ValueParser<u32> {
    let (least, most) = range.into_inner();
    clap::value_parser!(u32).range(i64::from(least)..=i64::from(most))
}

/// A collection's name as it is typed.
pub(crate) fn collection_name(text: &str) -> Result<CollectionName, String> {
    CollectionName::parse(text).ok_or_else(|| {
        "a collection's name has 1 to 63 of a-z, 0-9, _ and -, and begins with a letter or a digit"
            .to_owned()
    })
}

/// Options of the commands that index folders: what of them is left out.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct PatternArgs {
    /// Leave out files and folders that match, as in .gitignore; may be given several times
    ///
    /// A file .resightignore in a folder has such patterns for every run.
    #[arg(long, value_name = "PATTERN", help_heading = "Which files")]
    exclude: Vec<String>,
    /// Take in what matches, whatever leaves it out; may be given several times
    ///
    /// That is --exclude, a .resightignore, or the default, which leaves out hidden files and folders, @eaDir,
    /// #recycle, $RECYCLE.BIN, lost+found, __MACOSX and the like.
    #[arg(long, value_name = "PATTERN", help_heading = "Which files")]
    include: Vec<String>,
}

impl PatternArgs {
    /// As rules of a registered folder; `None` where nothing is typed.
    pub(crate) fn rules(&self, prune: bool) -> Option<Rules> {
        let is_typed = prune || !self.exclude.is_empty() || !self.include.is_empty();
        is_typed.then(|| Rules {
            exclude: self.exclude.clone(),
            include: self.include.clone(),
            prune,
            ..Rules::default()
        })
    }

    /// The patterns, as they hold for each folder of this run.
    pub(crate) fn patterns(&self) -> Result<Patterns, CliError> {
        let patterns = Patterns::new(self.exclude.clone(), self.include.clone());
        patterns.map_err(|bad| CliError::Usage {
            code: Code::Usage,
            detail: bad.to_string(),
            next_step: "Write it as a line of a .gitignore, without an exclamation mark: --exclude 'raw/', --exclude '*.tif', --include '@eaDir/'.".into(),
        })
    }
}

/// Options of the commands that describe pictures.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct PluginArgs {
    /// A Python file: its extract describes the pictures, its other functions are served; may be
    /// given several times
    #[arg(long, value_name = "FILE", help_heading = "Plug-ins")]
    plugin: Vec<PathBuf>,
    /// The interpreter for plug-ins: any CPython from 3.9 on, also of a virtual environment
    #[arg(
        long,
        hide_short_help = true,
        value_name = "PATH",
        default_value = "python3",
        help_heading = "Plug-ins"
    )]
    python: PathBuf,
    /// What describes the pictures: the name of a plug-in, of an installed keypoint model, or sift
    /// [default: what described the stored pictures; else the plug-in that has an extract]
    #[arg(long, value_name = "NAME", help_heading = "Plug-ins")]
    extractor: Option<String>,
    /// Worker processes of each plug-in [default: one for each thread where pictures are indexed
    /// and nothing is served, else 1]
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256), help_heading = "Plug-ins")]
    workers: Option<u32>,
    /// Run plug-ins in the server's own process: quicker, and nothing in them is kept from taking
    /// the server down; the packages are those of --python, which has to be of the version that
    /// this program was built with, and --workers are threads
    #[cfg(feature = "embed")]
    #[arg(long, hide_short_help = true, help_heading = "Plug-ins")]
    in_process: bool,
    /// Seconds that one call of a plug-in may take
    #[arg(long, hide_short_help = true, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400), help_heading = "Plug-ins")]
    plugin_timeout: u64,
    /// Memory that one worker of a plug-in may take, in MiB
    #[arg(long, hide_short_help = true, value_name = "MIB", default_value_t = 4096, value_parser = clap::value_parser!(u64).range(16..), help_heading = "Plug-ins")]
    plugin_memory: u64,
}

impl PluginArgs {
    /// Whether a plug-in or an extractor is named.
    pub(crate) fn names_any(&self) -> bool {
        !self.plugin.is_empty() || self.extractor.is_some()
    }

    /// The settings that these arguments stand for.
    pub(crate) fn settings(&self) -> PluginSettings {
        PluginSettings {
            files: self.plugin.clone(),
            python: self.python.clone(),
            extractor: self.extractor.clone(),
            workers: self.workers.map(|n| n as usize),
            #[cfg(feature = "embed")]
            in_process: self.in_process,
            time_limit: Duration::from_secs(self.plugin_timeout),
            memory_limit: self.plugin_memory.saturating_mul(1 << 20),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        shared: SharedArgs,
        #[command(flatten)]
        plugins: PluginArgs,
    }

    fn typed(arguments: &[&str]) -> Option<Line> {
        let line = ["resight"].iter().chain(arguments);
        <Line as clap::Parser>::try_parse_from(line).ok()
    }

    #[test]
    fn numbers_have_the_bounds_of_the_settings() {
        type Read = fn(&Settings) -> u64;
        let options: [(&str, RangeInclusive<u32>, Read); 3] = [
            ("--threads", Settings::THREADS, |settings| {
                settings.threads.unwrap().get() as u64
            }),
            ("--max-features", Settings::MAX_FEATURES, |settings| {
                settings.max_features.unwrap() as u64
            }),
            ("--max-side", Settings::MAX_SIDE, |settings| {
                u64::from(settings.max_side.unwrap())
            }),
        ];
        for (option, range, read) in options {
            let (least, most) = range.into_inner();
            // (what is typed, what is understood)
            for (number, understood) in [
                (least - 1, None),
                (least, Some(u64::from(least))),
                (most, Some(u64::from(most))),
                (most + 1, None),
            ] {
                let line = typed(&[option, &number.to_string()]);
                let read = line.map(|line| read(&line.shared.settings()));
                assert_eq!(read, understood, "{option} {number}");
            }
        }
    }

    #[test]
    fn the_defaults_that_help_names_are_those_of_the_settings() {
        let line = typed(&[]).unwrap();
        let (settings, default) = (line.plugins.settings(), PluginSettings::default());
        assert_eq!(settings.python, default.python);
        assert_eq!(settings.time_limit, default.time_limit);
        assert_eq!(settings.memory_limit, default.memory_limit);
        assert_eq!(line.shared.settings().runtime, Choice::Auto);
    }
}
