//! The configuration of a plug-in, with the default of each limit.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::PluginError;
use crate::worker::memory::Transport;

/// How a plug-in runs. [`PluginConfig::new`] sets the defaults.
#[derive(Clone, Debug)]
pub struct PluginConfig {
    /// The plug-in's name in addresses, logs and models: lower-case letters, digits, `-`, `_`.
    pub name: String,
    /// The author's Python file.
    pub file: PathBuf,
    /// The interpreter: any CPython from 3.9 on.
    pub python: PathBuf,
    /// Worker processes.
    pub workers: usize,
    /// Calls that may wait for a worker; one more fails with [`PluginError::Busy`].
    pub queue: usize,
    /// How long one call may run, unless its options say otherwise.
    pub time_limit: Duration,
    /// How long a call may wait for a worker.
    pub wait_limit: Duration,
    /// How long a worker may take to load the file and warm up.
    pub start_limit: Duration,
    /// Resident memory of a worker with its child processes, in bytes; checked every 200 ms.
    pub memory_limit: Option<u64>,
    /// `RLIMIT_AS` of a worker, in bytes. Off by default: numerical libraries reserve far more
    /// address space than they use.
    pub address_space_limit: Option<u64>,
    /// `RLIMIT_DATA` of a worker, in bytes.
    pub data_limit: Option<u64>,
    /// Processes of a worker, itself included.
    pub process_limit: usize,
    /// Calls after which a worker is replaced.
    pub max_calls: Option<u64>,
    /// Age at which a worker is replaced.
    pub max_age: Option<Duration>,
    /// Most bytes of one result.
    pub max_result: u64,
    /// Longest delay before a dead worker is replaced. It is 0.1 s at first, doubles with each death and
    /// is 0.1 s again after a minute without one.
    pub restart_delay: Duration,
    /// Unexplained deaths within `breaker_window` after which calls are refused for a while: those of one
    /// function, when it is that function that workers die in.
    pub breaker_deaths: usize,
    /// The time in which `breaker_deaths` are counted.
    pub breaker_window: Duration,
    /// How long calls are refused at first; doubles up to a minute.
    pub breaker_pause: Duration,
    /// Most inputs refused because they killed a worker. A reload clears them.
    pub quarantine: usize,
    /// Reload the file when it changes.
    pub watch: bool,
    /// Environment variables of the workers, added to the server's own.
    pub environment: Vec<(String, String)>,
    /// Run in this process instead of workers: faster, but nothing protects the server from the
    /// file. `workers` is then the number of threads; only the limits of time, waiting and result
    /// apply.
    #[cfg(feature = "embed")]
    pub in_process: bool,
    /// The transport to try first. For tests.
    #[doc(hidden)]
    pub transport: Transport,
}

impl PluginConfig {
    /// The defaults for `file`, run by `python3` from the path, named after the file.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        let file = file.into();
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let name = stem
            .to_lowercase()
            .chars()
            .map(|c| if is_name(c) { c } else { '_' })
            .take(64)
            .collect();
        Self {
            name,
            file,
            python: "python3".into(),
            workers: 1,
            queue: 64,
            time_limit: Duration::from_secs(30),
            wait_limit: Duration::from_secs(30),
            start_limit: Duration::from_secs(60),
            memory_limit: Some(4 << 30),
            address_space_limit: None,
            data_limit: None,
            process_limit: 64,
            max_calls: None,
            max_age: None,
            max_result: 256 << 20,
            restart_delay: Duration::from_secs(10),
            breaker_deaths: 5,
            breaker_window: Duration::from_secs(60),
            breaker_pause: Duration::from_secs(10),
            quarantine: 1024,
            watch: false,
            environment: Vec::new(),
            #[cfg(feature = "embed")]
            in_process: false,
            transport: Transport::Memory,
        }
    }

    /// Refuses values that cannot work, without starting anything.
    ///
    /// # Errors
    /// Those of [`Plugin::start`](crate::Plugin::start) that need no worker.
    pub fn check(&self) -> Result<(), PluginError> {
        self.clone().checked().map(drop)
    }

    /// Refuses values that cannot work and makes the paths absolute.
    pub(crate) fn checked(mut self) -> Result<Self, PluginError> {
        let refuse = |detail: String| Err(PluginError::Config { detail });
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(is_name) {
            return refuse(format!(
                "\"{}\" cannot name a plug-in: take 1 to 64 of a-z, 0-9, - and _",
                self.name
            ));
        }
        if self.workers == 0 || self.workers > 256 {
            return refuse(format!("{} workers: take 1 to 256", self.workers));
        }
        if self.queue == 0 || self.max_result == 0 || self.process_limit == 0 {
            return refuse("queue, max_result and process_limit must be at least 1".into());
        }
        self.file = match std::path::absolute(&self.file) {
            Ok(file) if file.is_file() => file,
            _ => return refuse(format!("there is no file {}", self.file.display())),
        };
        // The worker may run in another folder, so a relative path has to be resolved here.
        if self.python.components().count() > 1
            && let Ok(python) = std::path::absolute(&self.python)
        {
            self.python = python;
        }
        Ok(self)
    }
}

fn is_name(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_comes_from_the_file_and_values_that_cannot_work_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("My Algorithm.py");
        std::fs::write(&file, "").unwrap();
        let config = PluginConfig::new(&file);
        assert_eq!(config.name, "my_algorithm");
        assert!(config.clone().checked().is_ok());
        for (change, expected) in [
            (
                PluginConfig {
                    name: "a/b".into(),
                    ..config.clone()
                },
                "cannot name",
            ),
            (
                PluginConfig {
                    workers: 0,
                    ..config.clone()
                },
                "workers",
            ),
            (PluginConfig::new(dir.path().join("none.py")), "no file"),
        ] {
            let error = change.checked().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
