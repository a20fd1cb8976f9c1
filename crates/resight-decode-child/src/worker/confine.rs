//! Takes from a child what decoding does not need: files, the network, other programs, privileges.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use libc::{PROT_EXEC, c_long};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{SeccompAction, SeccompRule, apply_filter_all_threads};

use crate::system_calls::{basic_and, bits, condition, programs, refusal};

/// Calls by which a picture is got and its pixels are given, beside those that every process needs.
const CALLS: &[c_long] = &[
    libc::SYS_pwrite64,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_ftruncate,
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
    let mut calls = basic_and(CALLS.iter())?;
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        calls.insert(call, vec![SeccompRule::new(vec![without(2, PROT_EXEC)?])?]);
    }
    for program in programs(calls, refusal(), SeccompAction::Allow)? {
        apply_filter_all_threads(&program)?;
    }
    Ok(())
}
