//! What runs between this program and ffmpeg: it takes from itself what reading a video does not need, and becomes
//! ffmpeg.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use libc::c_long;
use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
use seccompiler::{SeccompAction, SeccompRule, apply_filter};

use crate::system_calls::{bits, calls, condition, programs, refusal};
use crate::worker::inherited;

/// Calls that reach other machines, other processes or the system, or change files. Reading a video needs none.
const REFUSED: &[c_long] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_execveat,
    libc::SYS_openat2,
    libc::SYS_open_by_handle_at,
    libc::SYS_truncate,
    libc::SYS_unlinkat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_io_uring_setup,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_shmget,
    libc::SYS_msgget,
    libc::SYS_semget,
];

/// Older forms of them, which only some processors have.
#[cfg(target_arch = "x86_64")]
const REFUSED_OLDER: &[c_long] = &[
    libc::SYS_accept,
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_creat,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_link,
    libc::SYS_symlink,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_mknod,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_OLDER: &[c_long] = &[];

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

/// Refuses [`REFUSED`], other processes than threads, and files that are opened to be written.
fn filter_calls() -> Result<(), seccompiler::Error> {
    let mut calls = calls(REFUSED.iter().chain(REFUSED_OLDER));
    let is_process = condition(0, bits(libc::CLONE_THREAD), 0)?;
    calls.insert(libc::SYS_clone, vec![SeccompRule::new(vec![is_process])?]);
    let written = [libc::O_WRONLY, libc::O_RDWR, libc::O_CREAT, libc::O_TRUNC];
    let opened = |argument| -> Result<Vec<SeccompRule>, seccompiler::Error> {
        let rules = written.map(|bit| {
            let has_bit = condition(argument, bits(bit), bit)?;
            Ok::<_, seccompiler::Error>(SeccompRule::new(vec![has_bit])?)
        });
        rules.into_iter().collect()
    };
    calls.insert(libc::SYS_openat, opened(2)?);
    #[cfg(target_arch = "x86_64")]
    calls.insert(libc::SYS_open, opened(1)?);
    for program in programs(calls, SeccompAction::Allow, refusal())? {
        apply_filter(&program)?;
    }
    Ok(())
}
