//! A worker seen from outside: is it there, what does it take, and how it is ended.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::lock;
use crate::processes;

/// Why a worker was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cause {
    /// It ended by itself, or somebody outside killed it.
    Crash,
    /// A call ran longer than it may.
    Timeout,
    /// It took more memory, or more processes, than it may.
    Memory,
    /// It served as many calls, or lived as long, as it should.
    Lifetime,
    /// It did not keep to the protocol.
    Protocol,
    /// It did not come up.
    StartFailure,
    /// The one who called asked for its end.
    Cancelled,
    /// It did not answer a sign-of-life request while idle.
    Unresponsive,
}

impl Cause {
    /// All of them, for metrics.
    pub const ALL: [Self; 8] = [
        Self::Crash,
        Self::Timeout,
        Self::Memory,
        Self::Lifetime,
        Self::Protocol,
        Self::StartFailure,
        Self::Cancelled,
        Self::Unresponsive,
    ];

    /// The name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Timeout => "timeout",
            Self::Memory => "memory",
            Self::Lifetime => "lifetime",
            Self::Protocol => "protocol",
            Self::StartFailure => "start_failure",
            Self::Cancelled => "cancelled",
            Self::Unresponsive => "unresponsive",
        }
    }
}

pub(crate) struct Monitor {
    pid: Pid,
    pidfd: Option<OwnedFd>,
    /// `None` once it has been waited for: its number may then be another process's.
    child: Mutex<Option<Child>>,
    killed_for: Mutex<Option<(Cause, String)>>,
    /// Stands in the environment of the worker and of whatever it starts.
    token: String,
}

impl Monitor {
    pub(crate) fn new(child: Child, token: String) -> Self {
        let pid = Pid::from_child(&child);
        #[cfg(target_os = "linux")]
        let pidfd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok();
        #[cfg(not(target_os = "linux"))]
        let pidfd = None;
        Self {
            pid,
            pidfd,
            child: Mutex::new(Some(child)),
            killed_for: Mutex::default(),
            token,
        }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Readable when the process has ended; `None` where the kernel has none.
    pub(crate) fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(AsFd::as_fd)
    }

    /// Whether the process has ended, waited for or not.
    pub(crate) fn exited(&self) -> bool {
        let child = lock(&self.child);
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        child.is_none() || !matches!(waitid(WaitId::Pid(self.pid), options), Ok(None))
    }

    /// Ends the whole process group; the first reason counts.
    pub(crate) fn kill(&self, cause: Cause, detail: String) {
        lock(&self.killed_for).get_or_insert((cause, detail));
        self.signal_group(Signal::KILL);
    }

    /// Python's own dump of where it is goes to stderr, even from within C code.
    pub(crate) fn ask_for_dump(&self) {
        let child = lock(&self.child);
        if child.is_some() {
            let _gone = rustix::process::kill_process(self.pid, Signal::USR1);
        }
    }

    fn signal_group(&self, signal: Signal) {
        let child = lock(&self.child);
        // Until it is waited for, the number belongs to it, even dead.
        if child.is_some() {
            let _gone = kill_process_group(self.pid, signal);
        }
    }

    pub(crate) fn killed_for(&self) -> Option<(Cause, String)> {
        lock(&self.killed_for).clone()
    }

    /// Waits up to `limit` for the worker to end by itself.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        loop {
            if self.exited() {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            match self.pidfd() {
                Some(pidfd) => {
                    use rustix::event::{PollFd, PollFlags, poll};
                    let mut fds = [PollFd::from_borrowed_fd(pidfd, PollFlags::IN)];
                    let _interrupted = poll(&mut fds, Some(&crate::channel::timespec(left)));
                }
                None => std::thread::sleep(left.min(Duration::from_millis(5))),
            }
        }
    }

    /// Kills what is left of the group and of whatever left it, and waits for the worker. `None`
    /// when it was waited for before, or cannot be ended.
    pub(crate) fn reap(&self) -> Option<ExitStatus> {
        if lock(&self.child).is_none() {
            return None;
        }
        let group = processes::group(self.pid());
        self.signal_group(Signal::KILL);
        if !self.wait(Duration::from_secs(5)) {
            return None;
        }
        let status = lock(&self.child).take().and_then(|mut c| c.wait().ok());
        processes::sweep(&self.token, &group);
        status
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        if lock(&self.child).is_some() {
            self.reap();
        }
    }
}

/// How a process ended, for people.
pub(crate) fn ending(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => match signal_name(signal) {
            Some(name) => format!("killed by {name}"),
            None => format!("killed by signal {signal}"),
        },
        (None, Some(code)) => format!("it exited with status {code}"),
        (None, None) => "it ended".into(),
    }
}

fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL (an instruction this processor does not have)",
        6 => "SIGABRT (it gave itself up)",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL (from outside, or by the kernel for want of memory)",
        11 => "SIGSEGV (it touched memory that is not its own, or ran out of stack)",
        15 => "SIGTERM",
        31 => "SIGSYS",
        _ => return None,
    })
}

/// Whether somebody outside ended it, so that the call that ran need not be to blame.
pub(crate) fn from_outside(status: ExitStatus) -> bool {
    matches!(status.signal(), Some(1 | 2 | 3 | 9 | 15))
}
