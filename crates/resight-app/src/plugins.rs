//! The plug-ins that a command was given, and how they are started.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use resight_plugin::{Plugin, PluginConfig};

use crate::AppError;

/// Which plug-ins to start, and how.
#[derive(Clone, Debug)]
pub struct PluginSettings {
    /// Python files: the `extract` of one describes the pictures, their other functions are served.
    pub files: Vec<PathBuf>,
    /// The interpreter.
    pub python: PathBuf,
    /// What describes the pictures: the name of a plug-in or of an installed keypoint model, or `sift`.
    /// `None`: what described the stored pictures; else the one plug-in that has an `extract`.
    pub extractor: Option<String>,
    /// Worker processes of each plug-in; `None`: one where functions are served, else as many as the
    /// caller has threads.
    pub workers: Option<usize>,
    /// Run plug-ins in this process; workers are threads then.
    #[cfg(feature = "embed")]
    pub in_process: bool,
    /// The longest that one call may take.
    pub time_limit: Duration,
    /// Memory that one worker may take, in bytes.
    pub memory_limit: u64,
}

impl Default for PluginSettings {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            python: "python3".into(),
            extractor: None,
            workers: None,
            #[cfg(feature = "embed")]
            in_process: false,
            time_limit: Duration::from_secs(30),
            memory_limit: 4 << 30,
        }
    }
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
    pub fn for_serving(settings: &PluginSettings, watch: bool) -> Result<Self, AppError> {
        Ok(Self {
            served: true,
            ..Self::start(settings, 1, watch)?
        })
    }

    /// Begins to start all that are named, for describing pictures and nothing else, with so many
    /// workers unless the arguments say otherwise.
    pub fn for_describing(settings: &PluginSettings, workers: usize) -> Result<Self, AppError> {
        Self::start(settings, workers, false)
    }

    fn start(settings: &PluginSettings, workers: usize, watch: bool) -> Result<Self, AppError> {
        let mut configs: Vec<PluginConfig> = Vec::with_capacity(settings.files.len());
        for file in &settings.files {
            let mut config = PluginConfig::new(file);
            config.python.clone_from(&settings.python);
            config.workers = settings.workers.unwrap_or(workers);
            config.time_limit = settings.time_limit;
            config.memory_limit = Some(settings.memory_limit);
            config.watch = watch;
            #[cfg(feature = "embed")]
            {
                config.in_process = settings.in_process;
            }
            check_name(&config, &configs)?;
            configs.push(config);
        }
        let started: Result<Vec<_>, _> = configs.into_iter().map(Plugin::start).collect();
        Ok(Self {
            all: started?.into_iter().map(Arc::new).collect(),
            extractor: settings.extractor.clone(),
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

/// Refuses a plug-in with the name of one before it.
fn check_name(config: &PluginConfig, before: &[PluginConfig]) -> Result<(), AppError> {
    match before.iter().find(|other| other.name == config.name) {
        Some(same) => Err(AppError::PluginNameTaken {
            first: same.file.clone(),
            second: config.file.clone(),
            name: config.name.clone(),
        }),
        None => Ok(()),
    }
}

/// The names of the plug-ins, of which none is started; or all that is wrong with their files.
pub(crate) fn check_files(settings: &PluginSettings) -> Result<Vec<String>, Vec<AppError>> {
    let mut configs: Vec<PluginConfig> = Vec::new();
    let mut wrong = Vec::new();
    for file in &settings.files {
        let config = PluginConfig::new(file);
        if let Err(error) = check_name(&config, &configs) {
            wrong.push(error);
        } else if let Err(error) = config.check() {
            wrong.push(error.into());
        }
        configs.push(config);
    }
    match wrong.is_empty() {
        true => Ok(configs.into_iter().map(|config| config.name).collect()),
        false => Err(wrong),
    }
}

impl fmt::Debug for Plugins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.iter().map(|plugin| &plugin.config().name);
        f.debug_list().entries(names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn files_of_one_name_are_refused_before_anything_starts() {
        let root = tempfile::tempdir().unwrap();
        let files = ["a", "b"].map(|folder| root.path().join(folder).join("same.py"));
        let settings = PluginSettings {
            files: files.to_vec(),
            ..PluginSettings::default()
        };
        let error = Plugins::for_describing(&settings, 1).unwrap_err();
        assert_eq!(error.code(), Code::PluginNameTaken);
        assert!(error.is_wrong_setting());
    }
}
