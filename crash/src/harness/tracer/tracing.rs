//! The loop that stops a process at its calls. ptrace(2), "Syscall-stops", has the protocol.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::call::{Call, Entry, Kind};
use super::{Action, State, locked};

/// What to do at the exit of a call.
enum AtExit {
    Nothing,
    /// If it succeeded, what this descriptor refers to is durable.
    Synced(u64),
    /// Make it look failed.
    Fail(i32),
    Kill,
}

pub(super) struct Tracing {
    pid: Pid,
    folder: PathBuf,
    state: Arc<Mutex<State>>,
    /// Threads that are inside a call.
    inside: HashMap<Pid, AtExit>,
}

impl Tracing {
    pub(super) fn new(pid: Pid, folder: PathBuf, state: Arc<Mutex<State>>) -> Self {
        Self {
            pid,
            folder,
            state,
            inside: HashMap::new(),
        }
    }

    pub(super) fn run(mut self) {
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        loop {
            let status = match waitpid(None, Some(flags)) {
                Ok(status) => status,
                Err(Errno::EINTR) => continue,
                Err(_) => break,
            };
            match status {
                WaitStatus::Exited(pid, code) => self.ended(pid, format!("exit {code}")),
                WaitStatus::Signaled(pid, signal, _) => self.ended(pid, signal.to_string()),
                WaitStatus::PtraceSyscall(pid) => {
                    self.at_call(pid);
                    go_on(pid, None);
                }
                WaitStatus::Stopped(pid, signal) => go_on(pid, Some(signal)),
                WaitStatus::PtraceEvent(pid, ..) => go_on(pid, None),
                _ => {}
            }
        }
        let mut state = locked(&self.state);
        state.ended.get_or_insert_with(|| "lost".into());
    }

    fn ended(&mut self, pid: Pid, how: String) {
        self.inside.remove(&pid);
        if pid == self.pid {
            locked(&self.state).ended = Some(how);
        }
    }

    /// At the entry or the exit of a call.
    fn at_call(&mut self, pid: Pid) {
        // The thread may have been killed meanwhile.
        let Ok(mut registers) = ptrace::getregs(pid) else {
            return;
        };
        if let Some(at_exit) = self.inside.remove(&pid) {
            match at_exit {
                AtExit::Nothing => {}
                AtExit::Synced(descriptor) if registers.rax == 0 => self.synced(descriptor),
                AtExit::Synced(_) => {}
                AtExit::Fail(errno) => {
                    registers.rax = i64::from(-errno) as u64;
                    let _ = ptrace::setregs(pid, registers);
                }
                AtExit::Kill => self.kill(),
            }
            return;
        }
        // At an entry the result is not set yet; the first stop of a new thread is an exit.
        if registers.rax as i64 != i64::from(-libc::ENOSYS) {
            return;
        }
        let entry = Entry {
            process: self.pid,
            number: registers.orig_rax as i64,
            arguments: [
                registers.rdi,
                registers.rsi,
                registers.rdx,
                registers.r10,
                registers.r8,
                registers.r9,
            ],
        };
        let mut at_exit = AtExit::Nothing;
        let call = entry.call(&self.folder);
        if call.as_ref().is_some_and(|call| call.kind == Kind::Sync) {
            at_exit = AtExit::Synced(registers.rdi);
        }
        match call.and_then(|call| self.strike(call)) {
            None => {}
            Some((Action::Kill, _)) => self.kill(),
            Some((Action::Tear, call)) => {
                let length = registers.rdx;
                if matches!(call.name, "write" | "pwrite64") && length > 1 {
                    registers.rdx = (length / 2).max(1);
                    let _ = ptrace::setregs(pid, registers);
                    at_exit = AtExit::Kill;
                } else {
                    self.kill();
                }
            }
            Some((Action::Fail { errno, .. }, _)) => {
                // No such call: the kernel does nothing.
                registers.orig_rax = u64::MAX;
                let _ = ptrace::setregs(pid, registers);
                at_exit = AtExit::Fail(errno);
            }
        }
        self.inside.insert(pid, at_exit);
    }

    fn synced(&self, descriptor: u64) {
        if let Some(disk) = &mut locked(&self.state).disk {
            let path = format!("/proc/{}/fd/{}", self.pid, descriptor as i32);
            // A file that is gone meanwhile needs no bytes.
            let _ = disk.synced(Path::new(&path));
        }
    }

    /// Counts the call; the action if the plan's turn has come.
    fn strike(&self, call: Call) -> Option<(Action, Call)> {
        let mut state = locked(&self.state);
        let plan = state.plan.as_mut()?;
        if !plan.kinds.contains(&call.kind) {
            return None;
        }
        if plan.after > 0 {
            plan.after -= 1;
            return None;
        }
        let action = plan.action.clone();
        match &mut plan.action {
            Action::Fail { times, .. } if *times > 1 => *times -= 1,
            _ => state.plan = None,
        }
        state.struck.push(call.clone());
        Some((action, call))
    }

    fn kill(&self) {
        let _ = kill(self.pid, Signal::SIGKILL);
    }
}

/// Lets a stopped thread run to its next call. It may have been killed meanwhile.
fn go_on(pid: Pid, signal: Option<Signal>) {
    let _ = ptrace::syscall(pid, signal);
}
