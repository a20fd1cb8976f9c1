//! Starting the program: as a server, or as one command.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::harness::Result;
use crate::harness::http::PATIENCE;
use crate::harness::tracer::{Plan, Traced, waiting};

/// How to run the program, and on which folder.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The program's file.
    pub(crate) program: PathBuf,
    /// Folder with everything of a run.
    pub(crate) root: PathBuf,
    /// The data folder; need not exist.
    pub(crate) data: PathBuf,
}

impl Setup {
    /// A data folder in `root`, which exists.
    pub(crate) fn new(program: &Path, root: &Path) -> Result<Self> {
        let root = root.canonicalize()?;
        Ok(Self {
            program: program.to_path_buf(),
            data: root.join("data"),
            root,
        })
    }

    /// The file that all standard errors go to.
    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("stderr.log")
    }

    /// The program with these arguments, on the data folder; `runner` runs it.
    fn command(&self, runner: Command, arguments: &[&str]) -> Result<Command> {
        let log: File = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())?;
        let mut command = runner;
        command
            .args(arguments)
            .arg("--data")
            .arg(&self.data)
            .args(["--json", "--threads", "2", "--onnxruntime", "none"])
            .arg("--models")
            .arg(self.root.join("models"))
            .env_remove("RESIGHT_DATA")
            .env_remove("RESIGHT_LOG")
            .env_remove("RESIGHT_MODELS")
            .current_dir(&self.root)
            .stdin(Stdio::null())
            .stderr(log);
        Ok(command)
    }

    /// As [`Setup::command`], for a process that is traced.
    fn traced(&self, arguments: &[&str]) -> Result<Command> {
        let mut runner = waiting();
        runner.arg(&self.program);
        self.command(runner, arguments)
    }

    /// Runs a command that is not traced to its end: its exit code, and the JSON that it wrote.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<(Option<i32>, Vec<Value>)> {
        let own = Command::new(&self.program);
        let output = self
            .command(own, arguments)?
            .stdout(Stdio::piped())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        Ok((output.status.code(), lines.collect()))
    }
}

/// Lines of a pipe, read as they come.
fn lines_of(stdout: ChildStdout) -> Receiver<String> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let Ok(line) = line else { break };
            if send.send(line).is_err() {
                break;
            }
        }
    });
    receive
}

/// A server that answers.
pub(crate) struct Server {
    pub(crate) traced: Traced,
    pub(crate) address: SocketAddr,
    /// From the start of the process to the line that says that it serves.
    pub(crate) started_in: Duration,
    _lines: Receiver<String>,
}

/// How starting a server ended.
pub(crate) enum Start {
    Serves(Box<Server>),
    /// It ended before it served, as this says; and the calls at which the plan acted.
    Ended(String, Traced),
}

/// Starts the server, traced.
pub(crate) fn serve(setup: &Setup, plan: Option<Plan>) -> Result<Start> {
    let began = Instant::now();
    let command = setup.traced(&["serve", "--listen", "127.0.0.1:0"])?;
    let (mut traced, stdout) = Traced::start(command, setup.data.clone(), plan)?;
    let lines = lines_of(stdout);
    match lines.recv_timeout(PATIENCE) {
        Ok(line) => {
            let said: Value = serde_json::from_str(&line)?;
            let url = said["url"].as_str().unwrap_or_default();
            let address = url.trim_start_matches("http://").parse()?;
            Ok(Start::Serves(Box::new(Server {
                traced,
                address,
                started_in: began.elapsed(),
                _lines: lines,
            })))
        }
        Err(RecvTimeoutError::Timeout) => {
            Err(format!("the server did not start in {} s", PATIENCE.as_secs()).into())
        }
        Err(RecvTimeoutError::Disconnected) => {
            let ended = traced.wait();
            Ok(Start::Ended(ended, traced))
        }
    }
}

impl Server {
    /// Kills it now.
    pub(crate) fn kill(mut self) {
        self.traced.signal(Signal::SIGKILL);
        self.traced.wait();
    }

    /// Asks it to stop; how it ended.
    pub(crate) fn stop(mut self) -> String {
        self.traced.signal(Signal::SIGTERM);
        self.traced.wait()
    }
}

/// What a traced command did.
pub(crate) struct Ran {
    pub(crate) ended: String,
    pub(crate) lines: Vec<Value>,
    pub(crate) traced: Traced,
}

/// Runs a command, traced, to its end.
pub(crate) fn run_traced(setup: &Setup, arguments: &[&str], plan: Option<Plan>) -> Result<Ran> {
    let command = setup.traced(arguments)?;
    let (mut traced, stdout) = Traced::start(command, setup.data.clone(), plan)?;
    let receive = lines_of(stdout);
    let mut lines = Vec::new();
    loop {
        match receive.recv_timeout(PATIENCE) {
            // A line that the kill has cut is no acknowledgement.
            Ok(line) => lines.extend(serde_json::from_str(&line).ok()),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                return Err(
                    format!("{arguments:?} did not end in {} s", PATIENCE.as_secs()).into(),
                );
            }
        }
    }
    Ok(Ran {
        ended: traced.wait(),
        lines,
        traced,
    })
}
