//! Takes from a child what decoding does not need: files, the network, other programs, privileges.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use libc::{PROT_EXEC, c_long};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{SeccompAction, SeccompCmpOp, SeccompRule, apply_filter_all_threads};

use crate::system_calls::{bits, calls, condition, programs, refusal};

/// Calls without which nothing runs, or which reach nothing outside of the process but what is open.
const CALLS: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_ftruncate,
    libc::SYS_close,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_getrandom,
    libc::SYS_ppoll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Refused by the other filter, with an error that makes the C library call `clone` instead.
    libc::SYS_clone3,
];

/// Confines this process, and makes it end with its parent. Returns whether the kernel filters its calls.
pub(crate) fn confine(socket: &UnixStream) -> io::Result<bool> {
    let none = |most| Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    // A picture belongs to its owner: no dumps of memory that has it.
    setrlimit(Resource::Core, none(0))?;
    setrlimit(Resource::Nofile, none(8))?;
    end_with_parent(socket.try_clone()?)?;
    Ok(filter_calls().is_ok())
}

/// Ends the process when the other end of the socket is closed, whatever a decoder does then.
fn end_with_parent(socket: UnixStream) -> io::Result<()> {
    let watch = move || {
        loop {
            let mut fds = [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::RDHUP)];
            if poll(&mut fds, None).is_ok() && !fds[0].revents().is_empty() {
                std::process::exit(0);
            }
        }
    };
    std::thread::Builder::new()
        .stack_size(64 << 10)
        .spawn(watch)
        .map(drop)
}

/// Allows [`CALLS`], memory that no code runs from, and threads; nothing else, in any thread. It implies that no
/// program can bring new privileges.
fn filter_calls() -> Result<(), seccompiler::Error> {
    let without = |argument, bit| condition(argument, bits(bit), 0);
    let mut calls = calls(CALLS.iter());
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        calls.insert(call, vec![SeccompRule::new(vec![without(2, PROT_EXEC)?])?]);
    }
    let thread = condition(0, bits(libc::CLONE_THREAD), libc::CLONE_THREAD)?;
    calls.insert(libc::SYS_clone, vec![SeccompRule::new(vec![thread])?]);
    // To abort.
    let itself = i32::try_from(std::process::id()).unwrap_or(-1);
    let own = condition(0, SeccompCmpOp::Eq, itself)?;
    calls.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![own])?]);
    for program in programs(calls, refusal(), SeccompAction::Allow)? {
        apply_filter_all_threads(&program)?;
    }
    Ok(())
}
