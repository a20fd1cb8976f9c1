//! What runs between this program and ffmpeg: it takes from itself what reading a video does not need, and becomes
//! ffmpeg.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use libc::c_long;
use rustix::process::{
    Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit, setsid,
};
use seccompiler::{SeccompAction, SeccompCmpOp, SeccompRule, apply_filter};

use crate::system_calls::{basic_and, bits, condition, programs, refusal};
use crate::worker::inherited;

/// Calls that read, and use memory and time of the process itself, beside those that every process needs. All others are
/// refused, whatever their number: also those of later kernels, and those of another table of calls, such as x32.
const ALLOWED: &[c_long] = &[
    libc::SYS_readv,
    libc::SYS_preadv,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_close_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_pipe2,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_getcwd,
    libc::SYS_fadvise64,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mincore,
    libc::SYS_get_mempolicy,
    libc::SYS_membarrier,
    libc::SYS_get_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_sched_get_priority_max,
    libc::SYS_sched_get_priority_min,
    libc::SYS_getcpu,
    libc::SYS_rt_sigsuspend,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_wait4,
    libc::SYS_getppid,
    libc::SYS_getpgid,
    libc::SYS_getsid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getresuid,
    libc::SYS_getresgid,
    libc::SYS_getgroups,
    libc::SYS_getrusage,
    libc::SYS_uname,
    libc::SYS_sysinfo,
    libc::SYS_times,
    libc::SYS_umask,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_pselect6,
    // What is started in its place is confined as it is.
    libc::SYS_execve,
];

/// Older forms of them, which only some processors have.
#[cfg(target_arch = "x86_64")]
const ALLOWED_OLDER: &[c_long] = &[
    libc::SYS_access,
    libc::SYS_arch_prctl,
    libc::SYS_dup2,
    libc::SYS_getdents,
    libc::SYS_getpgrp,
    libc::SYS_getrlimit,
    libc::SYS_lstat,
    libc::SYS_pipe,
    libc::SYS_readlink,
    libc::SYS_select,
    libc::SYS_stat,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_OLDER: &[c_long] = &[];

/// Operations on open files that change the file descriptor alone. Others say who is sent a signal by it.
const ALLOWED_FCNTL: &[i32] = &[
    libc::F_DUPFD,
    libc::F_DUPFD_CLOEXEC,
    libc::F_GETFD,
    libc::F_SETFD,
    libc::F_GETFL,
    libc::F_SETFL,
];
/// Questions to a terminal, and whether a file descriptor is closed as another program begins. Others type into the terminal.
const ALLOWED_IOCTL: &[libc::Ioctl] = &[
    libc::TCGETS,
    libc::TIOCGWINSZ,
    libc::FIOCLEX,
    libc::FIONCLEX,
];
/// Questions, and names. With others the process would outlive its parent, or be allowed more.
const ALLOWED_PRCTL: &[i32] = &[
    libc::PR_GET_DUMPABLE,
    libc::PR_SET_NAME,
    libc::PR_GET_NAME,
    libc::PR_CAPBSET_READ,
    libc::PR_GET_NO_NEW_PRIVS,
    libc::PR_SET_VMA,
];

/// Limits that come before the program in the arguments of [`launch`].
const LIMITS: [Resource; 3] = [Resource::Cpu, Resource::As, Resource::Fsize];

/// Becomes the program that `arguments` name after their limits: seconds of the processor, bytes of address space, and
/// bytes of a file that is written. To be called first of all in a program that was started as
/// [`super::FfmpegOptions`] says. Returns only where it cannot: the exit code says so, and standard error why.
pub fn launch(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    inherited::close_all_but_standard();
    let error = match become_it(arguments) {
        Ok(never) => match never {},
        Err(error) => error,
    };
    eprintln!("{error}");
    ExitCode::from(super::run::NOT_STARTED)
}

fn become_it(
    mut arguments: impl Iterator<Item = OsString>,
) -> io::Result<std::convert::Infallible> {
    let wrong = || io::Error::other("this command is started by resight itself, to read videos");
    for resource in LIMITS {
        let most = arguments
            .next()
            .and_then(|text| text.to_str()?.parse().ok());
        limit(resource, most.ok_or_else(wrong)?)?;
    }
    let program = arguments.next().ok_or_else(wrong)?;
    // A picture belongs to its owner: no dumps of memory that has it.
    limit(Resource::Core, 0)?;
    limit(Resource::Nofile, 64)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // Away from the terminal of the person who started the program.
    setsid()?;
    filter_calls().map_err(|error| {
        io::Error::other(format!(
            "ffmpeg is not run, as it cannot be confined: {error}"
        ))
    })?;
    Err(Command::new(program).args(arguments).env_clear().exec())
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    // A limit of our own stays where it is lower.
    let own = rustix::process::getrlimit(resource).maximum;
    let lower = |most: u64| Some(own.map_or(most, |own| most.min(own)));
    setrlimit(
        resource,
        Rlimit {
            current: lower(most),
            // The signal of the first limit says which one it was; that of the second only kills.
            maximum: lower(most.saturating_add(u64::from(resource == Resource::Cpu))),
        },
    )?;
    Ok(())
}

/// Allows [`ALLOWED`], threads, files that are opened to be read, and limits and signals of the process itself; nothing
/// else.
fn filter_calls() -> Result<(), seccompiler::Error> {
    let mut calls = basic_and(ALLOWED.iter().chain(ALLOWED_OLDER))?;
    let mut only = |call, argument, comparison, value| -> Result<(), seccompiler::Error> {
        let rule = SeccompRule::new(vec![condition(argument, comparison, value)?])?;
        calls.entry(call).or_default().push(rule);
        Ok(())
    };
    let written = libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC;
    only(libc::SYS_openat, 2, bits(written), 0)?;
    #[cfg(target_arch = "x86_64")]
    only(libc::SYS_open, 1, bits(written), 0)?;
    for &operation in ALLOWED_FCNTL {
        only(libc::SYS_fcntl, 1, SeccompCmpOp::Eq, operation)?;
    }
    for &question in ALLOWED_IOCTL {
        let question = i32::try_from(question).unwrap_or(-1);
        only(libc::SYS_ioctl, 1, SeccompCmpOp::Eq, question)?;
    }
    for &operation in ALLOWED_PRCTL {
        only(libc::SYS_prctl, 0, SeccompCmpOp::Eq, operation)?;
    }
    // 0 is the process itself, which may lower its limits.
    only(libc::SYS_prlimit64, 0, SeccompCmpOp::Eq, 0)?;
    for program in programs(calls, refusal(), SeccompAction::Allow)? {
        apply_filter(&program)?;
    }
    Ok(())
}
