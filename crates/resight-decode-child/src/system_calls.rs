//! Filters of system calls (seccomp), as both programs are confined by them: what decodes, and ffmpeg.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// Calls by their numbers, each with the rules of which one has to hold; without rules, always.
pub(crate) type Calls = BTreeMap<i64, Vec<SeccompRule>>;

/// These calls, whatever their arguments.
pub(crate) fn calls<'a>(numbers: impl Iterator<Item = &'a libc::c_long>) -> Calls {
    numbers.map(|&call| (call, vec![])).collect()
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
