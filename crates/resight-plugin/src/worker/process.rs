//! The process of a worker: whether it runs, and how it is killed and reaped.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::death::Cause;
use super::procfs;

pub(crate) struct WorkerProcess {
    pid: Pid,
    pidfd: Option<OwnedFd>,
    /// `None` once it was reaped: the kernel may then give its number to another process.
    child: Mutex<Option<Child>>,
    killed_for: Mutex<Option<(Cause, String)>>,
    /// An environment variable that the worker's descendants inherit; it finds those that left the
    /// group.
    token: String,
}

impl WorkerProcess {
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

    /// Whether the process has ended, reaped or not.
    pub(crate) fn exited(&self) -> bool {
        let child = self.child.lock();
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        child.is_none() || !matches!(waitid(WaitId::Pid(self.pid), options), Ok(None))
    }

    /// Kills the whole process group. Keeps the first reason given.
    pub(crate) fn kill(&self, cause: Cause, detail: String) {
        self.killed_for.lock().get_or_insert((cause, detail));
        self.signal_group(Signal::KILL);
    }

    /// Makes Python write where it runs to stderr, even from within C code.
    pub(crate) fn ask_for_dump(&self) {
        let child = self.child.lock();
        if child.is_some() {
            let _gone = rustix::process::kill_process(self.pid, Signal::USR1);
        }
    }

    fn signal_group(&self, signal: Signal) {
        let child = self.child.lock();
        // Until it is reaped, the number is its own, even when it is dead.
        if child.is_some() {
            let _gone = kill_process_group(self.pid, signal);
        }
    }

    pub(crate) fn killed_for(&self) -> Option<(Cause, String)> {
        self.killed_for.lock().clone()
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
                    let mut fds = [PollFd::from_borrowed_fd(pidfd, PollFlags::IN)];
                    let _interrupted = poll(&mut fds, Some(&timespec(left)));
                }
                None => std::thread::sleep(left.min(Duration::from_millis(5))),
            }
        }
    }

    /// Kills the group and every descendant that left it, and reaps the worker. `None` when it was
    /// reaped before, or does not end.
    pub(crate) fn reap(&self) -> Option<ExitStatus> {
        if self.child.lock().is_none() {
            return None;
        }
        let group = procfs::group(self.pid());
        self.signal_group(Signal::KILL);
        if !self.wait(Duration::from_secs(5)) {
            return None;
        }
        let status = self.child.lock().take().and_then(|mut c| c.wait().ok());
        procfs::sweep(&self.token, &group);
        status
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.reap();
    }
}

pub(super) fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs().min(1 << 31) as i64,
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
