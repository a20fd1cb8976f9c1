//! How many arenas glibc's allocator may have.
//!
//! Each reserves 64 MiB of address space, and there are up to eight for each core. Under `ulimit -v` they
//! take what pictures need, although little of them is in use.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Read by glibc when a process starts, and only then.
const VARIABLE: &str = "MALLOC_ARENA_MAX";
/// Threads wait for each other a little more often.
const FEW: &str = "2";

/// Under a limit of the address space, starts the program again in this process with few arenas, unless
/// the environment says how many. Other allocators do not read the variable.
pub(crate) fn limit() {
    if std::env::var_os(VARIABLE).is_some() || resight_app::address_space_limit().is_none() {
        return;
    }
    let mut arguments = std::env::args_os();
    let mut again = Command::new("/proc/self/exe");
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    // It returns only if the program cannot be started; then it runs with the arenas that it has.
    let _error = again.args(arguments).env(VARIABLE, FEW).exec();
}
