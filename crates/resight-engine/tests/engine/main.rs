//! The engine through its public functions: one test binary, a file an area.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly too")]

mod afar;
mod asked_pictures;
#[cfg(unix)]
mod changed;
mod compare_pages;
mod conversion;
mod damaged;
mod duplicates;
mod duplicates_files;
mod duplicates_kinds;
mod duplicates_pixels;
mod evidence;
mod extractors;
mod folders;
#[cfg(unix)]
mod forgotten;
mod identical;
mod labels;
#[cfg(unix)]
mod left_out;
mod likeness;
mod likeness_folders;
#[cfg(unix)]
mod moves;
mod mutated;
#[cfg(target_os = "linux")]
mod odd_names;
mod orphans;
mod parts;
#[cfg(unix)]
mod paths;
#[cfg(unix)]
mod permuted;
mod plain;
mod random_operations;
mod ranking;
mod retaken;
mod sheets;
mod superseding;
mod support;
mod views;
mod views_stored;
