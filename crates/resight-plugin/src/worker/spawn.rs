//! Starts a worker: process, socket, handshake.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::channel::{Channel, ChannelError};
use super::death::{Cause, Death};
use super::decode;
use super::output::{self, CapturedOutput};
use super::process::WorkerProcess;
use super::procfs::TOKEN;
use super::wire::{Hello, Kind, ReplyMeta};
use super::{CurrentCall, Worker, WorkerContext};
use crate::error::PluginError;
use crate::manifest::{Manifest, PROTOCOL};

/// Reads the modules below from its standard input, which is the socket, and runs the last one.
const BOOTSTRAP: &str = include_str!("bootstrap.py");

macro_rules! modules {
    ($($name:literal in $file:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../../../python/resight/", $file)))),+]
    };
}

/// The modules of the Python package, each after those that it imports.
pub(crate) const MODULES: [(&str, &str); 19] = modules![
    "resight" in "__init__.py",
    "resight._wire" in "_wire.py",
    "resight._arrays" in "_arrays.py",
    "resight._times" in "_times.py",
    "resight._sent" in "_sent.py",
    "resight._scalars" in "_scalars.py",
    "resight._objects" in "_objects.py",
    "resight._types" in "_types.py",
    "resight._json" in "_json.py",
    "resight._annotations" in "_annotations.py",
    "resight._answered" in "_answered.py",
    "resight._values" in "_values.py",
    "resight._bind" in "_bind.py",
    "resight._depends" in "_depends.py",
    "resight._load" in "_load.py",
    "resight._calls" in "_calls.py",
    "resight._child" in "_child.py",
    "resight._processes" in "_processes.py",
    "resight._runtime" in "_runtime.py",
];

static NEXT: AtomicU64 = AtomicU64::new(0);

/// The author's file as one generation of workers runs it.
pub(crate) struct SourceFile {
    pub(crate) bytes: Vec<u8>,
    pub(crate) hash: String,
    pub(crate) generation: u64,
}

/// A process that has not sent its handshake yet.
pub(crate) struct Starting {
    context: Arc<WorkerContext>,
    pub(crate) process: Arc<WorkerProcess>,
    captured: Arc<CapturedOutput>,
    channel: Channel,
    lifeline: UnixStream,
    far_lifeline: UnixStream,
}

/// Starts the process. On Linux it dies with the thread that calls this, which therefore must last.
pub(crate) fn spawn(context: &Arc<WorkerContext>) -> io::Result<Starting> {
    let config = &context.config;
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
    drop(command); // closes the worker's end of the socket here
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let process = Arc::new(WorkerProcess::new(child, token));
    let (Some(out), Some(err)) = (out, err) else {
        return Err(io::Error::other("the worker has no output pipes"));
    };
    let captured = output::capture(config.name.clone(), out, err, process.clone())?;
    Ok(Starting {
        context: context.clone(),
        process,
        captured,
        channel: Channel::new(near)?,
        lifeline,
        far_lifeline,
    })
}

impl Starting {
    /// Sends the code and waits until it is loaded and warm. Kills the process when that fails.
    pub(crate) fn handshake(mut self, source: &SourceFile) -> Result<Worker, PluginError> {
        let deadline = Instant::now() + self.context.config.start_limit;
        let manifest = match self.greet(source, deadline) {
            Ok(manifest) => Arc::new(manifest),
            Err(error) => return Err(self.explain(error)),
        };
        Ok(Worker {
            context: self.context,
            process: self.process,
            manifest,
            lifeline: Arc::new(self.lifeline),
            captured: self.captured,
            channel: self.channel,
            input: None,
            results: None,
            call_id: 2,
            current: CurrentCall::new(Duration::ZERO, 0),
            calls: 0,
            born: Instant::now(),
            idle_since: Instant::now(),
            function: String::new(),
            at_risk: None,
        })
    }

    fn greet(
        &mut self,
        source: &SourceFile,
        deadline: Instant,
    ) -> Result<Manifest, HandshakeError> {
        let config = &self.context.config;
        let modules = serde_json::to_string(&MODULES).map_err(HandshakeError::because)?;
        let bundle = format!("{:08x}{modules}", modules.len());
        self.channel
            .send_all(&self.process, bundle.as_bytes(), deadline)?;
        let limits = [
            ("RLIMIT_AS", config.address_space_limit),
            ("RLIMIT_DATA", config.data_limit),
        ];
        let limits = limits.into_iter().filter_map(|(n, v)| Some((n, v?)));
        let hello = serde_json::to_vec(&Hello {
            protocol: PROTOCOL,
            file: &config.file.to_string_lossy(),
            parent: std::process::id(),
            limits: limits.collect(),
        })
        .map_err(HandshakeError::because)?;
        self.channel.send(
            &self.process,
            (Kind::Hello, 1),
            &hello,
            &[&source.bytes],
            &[self.far_lifeline.as_fd()],
            deadline,
        )?;
        let frame = self.channel.receive(&self.process, 0, deadline)?;
        match frame.kind {
            Kind::Ready => Manifest::read(&frame.meta, &source.hash, source.generation)
                .map_err(HandshakeError::Because),
            Kind::Failed => match serde_json::from_slice(&frame.meta) {
                Ok(raised) => Err(HandshakeError::Raised(Box::new(raised))),
                Err(error) => Err(HandshakeError::because(error)),
            },
            _ => Err(HandshakeError::Because("it sent no handshake".into())),
        }
    }

    /// Kills the process and finds out why it did not start.
    fn explain(self, error: HandshakeError) -> PluginError {
        let config = &self.context.config;
        let file = config.file.to_string_lossy();
        let known = match error {
            HandshakeError::Raised(raised) => {
                self.process.reap();
                return decode::not_loaded(*raised, &file);
            }
            HandshakeError::Because(reason)
            | HandshakeError::Channel(ChannelError::Garbled(reason)) => Some(reason),
            HandshakeError::Channel(ChannelError::TimedOut) => {
                self.process.ask_for_dump();
                std::thread::sleep(Duration::from_millis(30));
                Some(format!("it was not ready within {:?}", config.start_limit))
            }
            HandshakeError::Channel(ChannelError::Closed | ChannelError::Unread) => None,
        };
        self.process.wait(Duration::from_millis(200));
        if let Some(reason) = &known {
            self.process.kill(Cause::StartFailure, reason.clone());
        }
        let status = self.process.reap();
        self.captured.wait_closed(Duration::from_millis(500));
        let death = Death::new(
            self.process.killed_for(),
            (Cause::Crash, String::new()),
            status,
            self.captured.since(0, 40),
            &file,
        );
        let reason = known.unwrap_or_else(|| {
            let last = death.output.last().map_or("", String::as_str);
            let line = death.line;
            let at = line.map_or_else(String::new, |l| format!(" ({file}, line {l})"));
            format!("{}{at}; it wrote: {last}", death.detail)
        });
        PluginError::StartFailed {
            reason,
            traceback: death.output.join("\n"),
        }
    }
}

/// Why a worker did not start.
enum HandshakeError {
    /// The author's file raised an exception.
    Raised(Box<ReplyMeta>),
    Because(String),
    Channel(ChannelError),
}

impl HandshakeError {
    fn because(error: serde_json::Error) -> Self {
        Self::Because(error.to_string())
    }
}

impl From<ChannelError> for HandshakeError {
    fn from(error: ChannelError) -> Self {
        Self::Channel(error)
    }
}
