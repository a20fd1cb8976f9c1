//! Filters of system calls (seccomp), as both programs are confined by them: what decodes, and ffmpeg.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// Calls by their numbers, each with the rules of which one has to hold; without rules, always.
pub(crate) type Calls = BTreeMap<i64, Vec<SeccompRule>>;

/// Calls without which nothing runs, or which reach nothing outside of the process but what is open.
const BASIC: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_pread64,
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

/// [`BASIC`] and `more`, whatever their arguments; threads; and signals of this process to itself, to abort. It keeps its
/// number when it becomes another program.
pub(crate) fn basic_and<'a>(
    more: impl Iterator<Item = &'a c_long>,
) -> Result<Calls, seccompiler::Error> {
    let mut calls: Calls = BASIC
        .iter()
        .chain(more)
        .map(|&call| (call, vec![]))
        .collect();
    let thread = condition(0, bits(libc::CLONE_THREAD), libc::CLONE_THREAD)?;
    calls.insert(libc::SYS_clone, vec![SeccompRule::new(vec![thread])?]);
    let itself = i32::try_from(std::process::id()).unwrap_or(-1);
    let own = condition(0, SeccompCmpOp::Eq, itself)?;
    calls.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![own])?]);
    Ok(calls)
}

/// A refusal, as a call without the right to it has.
pub(crate) fn refusal() -> SeccompAction {
    errno(libc::EPERM)
}

fn errno(number: i32) -> SeccompAction {
    SeccompAction::Errno(u32::try_from(number).unwrap_or(1))
}

/// Two filters, to be applied in this order: `clone3` is not there, and `calls` have the action `those`, all other
/// calls `others`. Rules cannot see the arguments of `clone3`; the C library calls `clone` instead.
pub(crate) fn programs(
    calls: Calls,
    others: SeccompAction,
    those: SeccompAction,
) -> Result<[BpfProgram; 2], seccompiler::Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let clone3 = SeccompFilter::new(
        [(libc::SYS_clone3, vec![])].into(),
        SeccompAction::Allow,
        errno(libc::ENOSYS),
        arch,
    )?;
    let calls = SeccompFilter::new(calls, others, those, arch)?;
    Ok([clone3.try_into()?, calls.try_into()?])
}

/// Compares the bits of `mask` alone.
pub(crate) fn bits(mask: i32) -> SeccompCmpOp {
    SeccompCmpOp::MaskedEq(u64::try_from(mask).unwrap_or(u64::MAX))
}

/// That an argument compares with `value` as said.
pub(crate) fn condition(
    argument: u8,
    comparison: SeccompCmpOp,
    value: i32,
) -> Result<SeccompCondition, seccompiler::Error> {
    let value = u64::try_from(value).unwrap_or(u64::MAX);
    let length = SeccompCmpArgLen::Dword;
    Ok(SeccompCondition::new(argument, length, comparison, value)?)
}
