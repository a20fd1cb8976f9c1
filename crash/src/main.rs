//! Kills Resight at every system call that writes, lets its calls fail, cuts its power, and looks for what it
//! had acknowledged. `just crash` runs it; bench/results/reliability.md has the figures.
//!
//! The program under test is a process like any other: it is changed over HTTP and by commands, and compared
//! with plain collections (`harness/oracle.rs`). A seed gives one sequence of changes and of points to kill at.

use std::process::ExitCode;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod harness;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn main() -> ExitCode {
    harness::main()
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn main() -> ExitCode {
    println!("SKIPPED: system calls are traced on Linux x86-64 only");
    ExitCode::SUCCESS
}
