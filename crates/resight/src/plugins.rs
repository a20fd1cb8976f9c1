//! The plug-ins that a command was given, and how they are started.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use resight_engine::EngineError;
use resight_plugin::{Plugin, PluginConfig, PluginError};
use resight_vision::ExtractError;

use crate::cli::CliError;

/// What a command line says about plug-ins.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct PluginArgs {
    /// A Python file: its extract describes the pictures, its other functions are served; may be
    /// given several times
    #[arg(long, value_name = "FILE", help_heading = "Plug-ins")]
    pub plugin: Vec<PathBuf>,
    /// The interpreter for plug-ins: any CPython from 3.9 on, also of a virtual environment
    #[arg(
        long,
        value_name = "PATH",
        default_value = "python3",
        help_heading = "Plug-ins"
    )]
    pub python: PathBuf,
    /// Who describes the pictures: the name of a plug-in, of an installed keypoint model, or sift
    /// [default: who described those that are held; else the plug-in that has an extract]
    #[arg(long, value_name = "NAME", help_heading = "Plug-ins")]
    pub extractor: Option<String>,
    /// Worker processes of each plug-in [default: one for each thread where pictures are indexed
    /// and nothing is served, else 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256), help_heading = "Plug-ins")]
    pub workers: Option<u32>,
    /// Run plug-ins in the server's own process: quicker, and nothing in them is kept from taking
    /// the server down; the packages are those of --python, which has to be of the version that
    /// this program was built with, and --workers are threads
    #[cfg(feature = "embed")]
    #[arg(long, help_heading = "Plug-ins")]
    pub in_process: bool,
    /// Seconds that one call of a plug-in may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400), help_heading = "Plug-ins")]
    pub plugin_timeout: u64,
    /// Memory that one worker of a plug-in may take, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 4096, value_parser = clap::value_parser!(u64).range(16..), help_heading = "Plug-ins")]
    pub plugin_memory: u64,
}

/// Plug-ins that run, by name; clones share them. They end with the last clone.
#[derive(Clone, Default)]
pub struct Plugins {
    all: Arc<[Arc<Plugin>]>,
    extractor: Option<String>,
    served: bool,
}

impl Plugins {
    /// Begins to start all that are named, for their functions to be served and for describing
    /// pictures. Their workers come up by themselves, and what fails then is told by their status.
    /// With `watch` a plug-in is loaded again when its file changes.
    pub fn for_serving(args: &PluginArgs, watch: bool) -> Result<Self, CliError> {
        Ok(Self {
            served: true,
            ..Self::start(args, 1, watch)?
        })
    }

    /// Begins to start all that are named, for describing pictures and nothing else, with so many
    /// workers unless the arguments say otherwise.
    pub fn for_describing(args: &PluginArgs, workers: usize) -> Result<Self, CliError> {
        Self::start(args, workers, false)
    }

    fn start(args: &PluginArgs, workers: usize, watch: bool) -> Result<Self, CliError> {
        let mut configs: Vec<PluginConfig> = Vec::with_capacity(args.plugin.len());
        for file in &args.plugin {
            let mut config = PluginConfig::new(file);
            config.python.clone_from(&args.python);
            config.workers = args.workers.map_or(workers, |n| n as usize);
            config.time_limit = Duration::from_secs(args.plugin_timeout);
            config.memory_limit = Some(args.plugin_memory.saturating_mul(1 << 20));
            config.watch = watch;
            #[cfg(feature = "embed")]
            {
                config.in_process = args.in_process;
            }
            if let Some(same) = configs.iter().find(|other| other.name == config.name) {
                return Err(CliError::Usage {
                    code: "plugin_name_taken",
                    detail: format!(
                        "{} and {} are both named {:?}",
                        same.file.display(),
                        file.display(),
                        config.name
                    ),
                    next_step: "Rename one of the files: a plug-in is named after its file.".into(),
                });
            }
            configs.push(config);
        }
        let started: Result<Vec<_>, _> = configs.into_iter().map(Plugin::start).collect();
        let started = started.map_err(of_plugin)?;
        Ok(Self {
            all: started.into_iter().map(Arc::new).collect(),
            extractor: args.extractor.clone(),
            served: false,
        })
    }

    /// All of them, in the order of the command line.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.all.iter()
    }

    /// The one of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Plugin>> {
        self.iter().find(|plugin| plugin.config().name == name)
    }

    /// What `--extractor` says.
    pub(crate) fn extractor(&self) -> Option<&str> {
        self.extractor.as_deref()
    }

    /// Whether they may be there for their functions alone.
    pub(crate) fn are_served(&self) -> bool {
        self.served
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

impl fmt::Debug for Plugins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.iter().map(|plugin| &plugin.config().name);
        f.debug_list().entries(names).finish()
    }
}

/// A plug-in's failure as a command tells it.
pub(crate) fn of_plugin(error: PluginError) -> CliError {
    EngineError::from(ExtractError::from(error)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_name_are_refused_before_anything_starts() {
        let root = tempfile::tempdir().unwrap();
        let files = ["a", "b"].map(|folder| root.path().join(folder).join("same.py"));
        let args = PluginArgs {
            plugin: files.to_vec(),
            ..PluginArgs::default()
        };
        let error = Plugins::for_describing(&args, 1).unwrap_err();
        assert_eq!((error.code(), error.exit_code()), ("plugin_name_taken", 2));
    }
}
