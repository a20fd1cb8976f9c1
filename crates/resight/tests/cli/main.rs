//! The program as a user runs it: one test binary, a file an area.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly too")]

mod backup;
#[cfg(unix)]
mod by_server;
mod checked;
mod commands;
mod configuration;
#[cfg(unix)]
mod crash;
#[cfg(target_os = "linux")]
mod decoding;
#[cfg(unix)]
mod duplicates;
mod environment;
mod eval;
mod exit_codes;
mod export;
#[cfg(unix)]
mod extractor;
#[cfg(unix)]
mod formats;
mod import;
#[cfg(unix)]
mod jobs;
mod keys;
mod labels;
mod likeness;
#[cfg(target_os = "linux")]
mod memory;
mod models;
mod nasty;
mod optional;
#[cfg(unix)]
mod paths;
#[cfg(unix)]
mod plugin;
#[cfg(target_os = "linux")]
mod read_only;
mod refused;
#[cfg(unix)]
mod serve;
mod shells;
mod support;
mod verify;
#[cfg(target_os = "linux")]
mod videos;
mod views;
#[cfg(unix)]
mod walk;
