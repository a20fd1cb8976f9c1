//! Runs a process and stops it at the system calls that change files of one folder: to count them, to kill
//! the process there, to let one fail, or to write less than was asked for.
//!
//! The numbers are those of the whole process, whatever threads make the calls, so a sweep over them misses
//! none.

mod call;
mod disk;
mod tracing;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub(crate) use call::{Call, Kind};
pub(crate) use disk::Disk;
use tracing::Tracing;

/// What happens at a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The process is killed before the call.
    Kill,
    /// The call writes a part of its bytes, and the process is killed. Other calls: as `Kill`.
    Tear,
    /// The call fails with this error, and so do the next of its kind until so many have.
    Fail { errno: i32, times: u64 },
}

/// At which call.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) action: Action,
    /// How many of the calls that count are let pass before.
    pub(crate) after: u64,
    /// Only calls of these kinds count.
    pub(crate) kinds: Vec<Kind>,
}

/// All that changes something.
pub(crate) const CHANGES: [Kind; 4] = [Kind::Write, Kind::Resize, Kind::Sync, Kind::Entry];

impl Plan {
    /// The action at the call after `after` changing ones.
    pub(crate) fn at(action: Action, after: u64) -> Self {
        Self {
            action,
            after,
            kinds: CHANGES.to_vec(),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    plan: Option<Plan>,
    /// Calls at which the plan acted.
    struck: Vec<Call>,
    /// How the process ended.
    ended: Option<String>,
    /// What is durable, where that is watched.
    disk: Option<Disk>,
}

/// A traced process.
pub(crate) struct Traced {
    pid: Pid,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Traced {
    /// Starts a command made with [`waiting`], with its standard output in a pipe. Calls on files below `folder` count.
    pub(crate) fn start(
        mut command: Command,
        folder: PathBuf,
        plan: Option<Plan>,
    ) -> io::Result<(Self, ChildStdout)> {
        let state = Arc::new(Mutex::new(State {
            plan,
            ..State::default()
        }));
        let (send, receive) = mpsc::channel();
        let shared = state.clone();
        // Every request of ptrace has to come from the thread that traces.
        let thread = std::thread::Builder::new()
            .name("tracer".into())
            .spawn(move || {
                command.stdout(Stdio::piped());
                match seize(&mut command) {
                    Ok((pid, stdout)) => {
                        let _ = send.send(Ok((pid, stdout)));
                        Tracing::new(pid, folder, shared).run();
                    }
                    Err(error) => {
                        let _ = send.send(Err(error));
                    }
                }
            })?;
        let (pid, stdout) = receive.recv().map_err(io::Error::other)??;
        let traced = Self {
            pid,
            state,
            thread: Some(thread),
        };
        Ok((traced, stdout))
    }

    /// Replaces the plan; its `after` counts from now on.
    pub(crate) fn arm(&self, plan: Option<Plan>) {
        locked(&self.state).plan = plan;
    }

    /// From now on watches what is durable of `folder`, all of which is now.
    pub(crate) fn watch_disk(&self, folder: &Path) -> io::Result<()> {
        let mut state = locked(&self.state);
        state.disk = Some(Disk::new(folder)?);
        Ok(())
    }

    /// What was durable, once the process has ended.
    pub(crate) fn take_disk(&self) -> Option<Disk> {
        locked(&self.state).disk.take()
    }

    /// Calls at which the plan acted.
    pub(crate) fn struck(&self) -> Vec<Call> {
        locked(&self.state).struck.clone()
    }

    pub(crate) fn has_ended(&self) -> bool {
        locked(&self.state).ended.is_some()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if !self.has_ended() {
            // It may have ended in between.
            let _ = kill(self.pid, signal);
        }
    }

    /// Waits for the end, and says how it came.
    pub(crate) fn wait(&mut self) -> String {
        if let Some(thread) = self.thread.take() {
            // Panics are those of the harness itself.
            let _ = thread.join();
        }
        let ended = locked(&self.state).ended.clone();
        ended.unwrap_or_else(|| "the tracer ended first".into())
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.signal(Signal::SIGKILL);
            self.wait();
        }
    }
}

/// What runs a program that waits, before its first instruction, until it is traced: its arguments are the
/// program and its arguments.
pub(crate) fn waiting() -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "kill -STOP $$; exec \"$0\" \"$@\""]);
    command
}

/// Waits until the process has stopped itself.
fn wait_until_stopped(pid: Pid) -> io::Result<()> {
    for _ in 0..20_000 {
        let status = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The state comes after the name, which is in parentheses.
        match status
            .rsplit(") ")
            .next()
            .and_then(|rest| rest.chars().next())
        {
            Some('T') => return Ok(()),
            Some('Z' | 'X') => break,
            _ => std::thread::sleep(std::time::Duration::from_millis(1)),
        }
    }
    Err(io::Error::other("the process does not wait to be traced"))
}

/// Starts a command made with [`waiting`], and traces it from its first instruction on.
fn seize(command: &mut Command) -> io::Result<(Pid, ChildStdout)> {
    let mut child = command.spawn()?;
    let pid = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_EXITKILL;
    let seized = wait_until_stopped(pid).and_then(|()| {
        ptrace::seize(pid, options)?;
        ptrace::interrupt(pid)?;
        Ok(kill(pid, Signal::SIGCONT)?)
    });
    let stdout = child.stdout.take();
    match (seized, stdout) {
        (Ok(()), Some(stdout)) => Ok((pid, stdout)),
        (seized, _) => {
            // The error of the request is the one that matters.
            let _ = child.kill();
            let _ = child.wait();
            Err(seized.err().unwrap_or_else(|| io::Error::other("no pipe")))
        }
    }
}

/// Whether this system lets a process trace its child: some containers do not.
pub(crate) fn is_possible() -> Result<(), String> {
    let mut command = waiting();
    command.arg("/bin/true").stdin(Stdio::null());
    let (mut traced, mut stdout) =
        Traced::start(command, PathBuf::from("/nowhere"), None).map_err(|e| e.to_string())?;
    let _ = stdout.read_to_end(&mut Vec::new());
    match traced.wait().as_str() {
        "exit 0" => Ok(()),
        other => Err(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use nix::libc;

    use super::*;

    fn shell(folder: &Path, script: &str, plan: Option<Plan>) -> (Traced, String) {
        let mut command = waiting();
        command.args(["/bin/sh", "-c", script]).current_dir(folder);
        command.stderr(Stdio::null());
        let folder = folder.canonicalize().unwrap();
        let (mut traced, mut stdout) = Traced::start(command, folder, plan).unwrap();
        let mut said = String::new();
        stdout.read_to_string(&mut said).unwrap();
        let ended = traced.wait();
        (traced, format!("{said}{ended}"))
    }

    #[test]
    fn calls_in_the_folder_are_counted() {
        if is_possible().is_err() {
            eprintln!("SKIPPED: this system does not let a process trace its child");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let (traced, said) = shell(
            dir.path(),
            "echo a >one; echo b >/dev/null; echo c >two",
            Some(Plan::at(Action::Kill, 100)),
        );
        let left = locked(&traced.state).plan.as_ref().unwrap().after;
        assert_eq!((100 - left, said.as_str()), (4, "exit 0"));
    }

    #[test]
    fn each_call_is_a_point_to_kill_at() {
        if is_possible().is_err() {
            eprintln!("SKIPPED: this system does not let a process trace its child");
            return;
        }
        let script = "echo a >one; echo b >two; echo end";
        let expected = [(false, ""), (true, ""), (true, "a\n"), (true, "a\n")];
        for (after, (exists, content)) in expected.into_iter().enumerate() {
            let dir = tempfile::tempdir().unwrap();
            let plan = Plan::at(Action::Kill, after as u64);
            let (traced, said) = shell(dir.path(), script, Some(plan));
            assert_eq!(said, "SIGKILL", "{after}");
            assert_eq!(traced.struck().len(), 1);
            let one = std::fs::read_to_string(dir.path().join("one"));
            assert_eq!(one.is_ok(), exists, "{after}");
            assert_eq!(one.unwrap_or_default(), content, "{after}");
        }
        let dir = tempfile::tempdir().unwrap();
        let plan = Plan::at(Action::Kill, 4);
        assert_eq!(shell(dir.path(), script, Some(plan)).1, "end\nexit 0");
    }

    #[test]
    fn a_write_is_torn_and_a_call_fails() {
        if is_possible().is_err() {
            eprintln!("SKIPPED: this system does not let a process trace its child");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let plan = Plan::at(Action::Tear, 1);
        let (_, said) = shell(dir.path(), "echo abcdefg >one; echo end", Some(plan));
        assert_eq!(said, "SIGKILL");
        let one = std::fs::read_to_string(dir.path().join("one")).unwrap();
        assert_eq!(one, "abcd");

        let plan = Plan::at(
            Action::Fail {
                errno: libc::ENOSPC,
                times: 1,
            },
            0,
        );
        let (_, said) = shell(
            dir.path(),
            "echo a >two || echo no; echo b >three; echo end",
            Some(plan),
        );
        assert!(said.contains("end"), "{said}");
        assert!(!dir.path().join("two").exists());
        assert!(dir.path().join("three").exists());
    }
}
