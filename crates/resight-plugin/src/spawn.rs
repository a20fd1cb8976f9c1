//! Starts a worker: process, connection, handshake.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Map, Value};

use crate::channel::{Broken, Channel};
use crate::death::Death;
use crate::error::PluginError;
use crate::manifest::Manifest;
use crate::monitor::{Cause, Monitor};
use crate::output::{self, Captured};
use crate::processes::TOKEN;
use crate::reply;
use crate::wire::{Hello, Kind, PROTOCOL, ReplyMeta};
use crate::worker::{Lifeline, Setting, Worker};

/// Reads the modules below from its standard input, which is the socket, and runs the last.
const BOOTSTRAP: &str = include_str!("bootstrap.py");

/// The package as it is in the repository, in the order in which its parts need each other.
pub(crate) const MODULES: [(&str, &str); 7] = [
    (
        "resight",
        include_str!("../../../python/resight/__init__.py"),
    ),
    (
        "resight._wire",
        include_str!("../../../python/resight/_wire.py"),
    ),
    (
        "resight._arrays",
        include_str!("../../../python/resight/_arrays.py"),
    ),
    (
        "resight._load",
        include_str!("../../../python/resight/_load.py"),
    ),
    (
        "resight._values",
        include_str!("../../../python/resight/_values.py"),
    ),
    (
        "resight._calls",
        include_str!("../../../python/resight/_calls.py"),
    ),
    (
        "resight._runtime",
        include_str!("../../../python/resight/_runtime.py"),
    ),
];

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A generation's code: what is in the file when it begins, for all its workers.
pub(crate) struct Source {
    pub(crate) bytes: Vec<u8>,
    pub(crate) hash: String,
    pub(crate) generation: u64,
}

/// A process that has not answered yet.
pub(crate) struct Starting {
    setting: Arc<Setting>,
    pub(crate) monitor: Arc<Monitor>,
    captured: Arc<Captured>,
    channel: Channel,
    lifeline: UnixStream,
    far_lifeline: UnixStream,
}

/// Starts the process. On Linux it dies with the thread that calls this, so that one has to last.
pub(crate) fn spawn(setting: &Arc<Setting>) -> io::Result<Starting> {
    let config = &setting.config;
    let (near, far) = UnixStream::pair()?;
    let (lifeline, far_lifeline) = UnixStream::pair()?;
    lifeline.set_nonblocking(true)?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.as_nanos());
    let token = format!("{}-{number}-{nanos}", std::process::id());
    let mut command = Command::new(&config.python);
    command
        .args(["-u", "-X", "faulthandler", "-c", BOOTSTRAP])
        .envs(config.environment.iter().map(|(k, v)| (k, v)))
        .env(TOKEN, &token)
        .process_group(0)
        .stdin(Stdio::from(OwnedFd::from(far)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    drop(command); // it holds the worker's end of the socket
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let monitor = Arc::new(Monitor::new(child, token));
    let (Some(out), Some(err)) = (out, err) else {
        return Err(io::Error::other("the worker has no output"));
    };
    let captured = output::capture(config.name.clone(), out, err, monitor.clone())?;
    Ok(Starting {
        setting: setting.clone(),
        monitor,
        captured,
        channel: Channel::new(near)?,
        lifeline,
        far_lifeline,
    })
}

impl Starting {
    /// Sends the code and waits until it is loaded and warm.
    pub(crate) fn handshake(mut self, source: &Source) -> Result<Worker, PluginError> {
        let limit = self.setting.config.start_limit;
        let deadline = Instant::now() + limit;
        let manifest = match self.greet(source, deadline) {
            Ok(manifest) => Arc::new(manifest),
            Err(failure) => return Err(self.explain(failure)),
        };
        Ok(Worker {
            setting: self.setting,
            monitor: self.monitor,
            lifeline: Arc::new(Lifeline(Mutex::new(self.lifeline))),
            captured: self.captured,
            manifest,
            channel: self.channel,
            input: None,
            output: None,
            next_id: 2,
            calls: 0,
            born: Instant::now(),
            idle_since: Instant::now(),
            at_risk: false,
        })
    }

    fn greet(&mut self, source: &Source, deadline: Instant) -> Result<Manifest, Refusal> {
        let config = &self.setting.config;
        let bundle = serde_json::to_string(&MODULES).map_err(|e| Refusal::Words(e.to_string()))?;
        let bundle = format!("{:08x}{bundle}", bundle.len());
        self.channel
            .send_all(&self.monitor, bundle.as_bytes(), deadline)?;
        let mut limits = Map::new();
        for (name, value) in [
            ("RLIMIT_AS", config.address_space_limit),
            ("RLIMIT_DATA", config.data_limit),
        ] {
            if let Some(value) = value {
                limits.insert(name.into(), Value::from(value));
            }
        }
        let file = config.file.to_string_lossy();
        let hello = serde_json::to_vec(&Hello {
            protocol: PROTOCOL,
            file: &file,
            parent: std::process::id(),
            limits,
        })
        .map_err(|e| Refusal::Words(e.to_string()))?;
        self.channel.send(
            &self.monitor,
            (Kind::Hello, 1),
            &hello,
            &[&source.bytes],
            &[self.far_lifeline.as_fd()],
            deadline,
        )?;
        let frame = self.channel.receive(&self.monitor, 0, deadline)?;
        match frame.kind {
            Kind::Ready => {
                Manifest::read(&frame.meta, &source.hash, source.generation).map_err(Refusal::Words)
            }
            Kind::Failed => serde_json::from_slice(&frame.meta)
                .map_err(|e| Refusal::Words(e.to_string()))
                .and_then(|raised| Err(Refusal::Raised(Box::new(raised)))),
            _ => Err(Broken::Garbled("something else than a handshake".into()).into()),
        }
    }

    /// Ends the process and says why it did not come up.
    fn explain(self, refusal: Refusal) -> PluginError {
        let config = &self.setting.config;
        let file = config.file.to_string_lossy();
        let (reason, traceback) = match refusal {
            Refusal::Raised(raised) => {
                self.monitor.reap();
                return reply::not_loaded(*raised, &file);
            }
            Refusal::Words(words) => (Some(words), None),
            Refusal::Broken(Broken::Garbled(words)) => (Some(words), None),
            Refusal::Broken(Broken::TimedOut) => {
                self.monitor.ask_for_dump();
                std::thread::sleep(std::time::Duration::from_millis(30));
                let limit = config.start_limit;
                (Some(format!("it was not ready within {limit:?}")), None)
            }
            Refusal::Broken(Broken::Closed) => (None, None::<String>),
        };
        self.monitor.wait(std::time::Duration::from_millis(200));
        if reason.is_some() {
            let words = reason.clone().unwrap_or_default();
            self.monitor.kill(Cause::StartFailure, words);
        }
        let status = self.monitor.reap();
        self.captured
            .wait_closed(std::time::Duration::from_millis(500));
        let death = Death::new(
            self.monitor.killed_for(),
            (Cause::Crash, String::new()),
            status,
            self.captured.since(0, 40),
            &file,
        );
        let last = death.output.last().cloned().unwrap_or_default();
        let at = death
            .line
            .map_or_else(String::new, |l| format!(" ({file}, line {l})"));
        let reason = reason.unwrap_or_else(|| format!("{}{at}; it wrote: {last}", death.detail));
        PluginError::StartFailed {
            reason,
            traceback: traceback.unwrap_or_else(|| death.output.join("\n")),
        }
    }
}

enum Refusal {
    Raised(Box<ReplyMeta>),
    Words(String),
    Broken(Broken),
}

impl From<Broken> for Refusal {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}
