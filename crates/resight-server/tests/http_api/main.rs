//! The HTTP API as a client sees it, mostly called without a port.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly too")]

mod access;
mod archives;
mod browsers;
mod bulk;
mod collections;
mod compat;
mod compat_access;
mod connections;
mod description;
mod downloads;
mod duplicates;
mod encoding;
mod errors;
mod fetching;
mod files;
mod filters;
mod fixtures;
mod gated_blobs;
mod guard;
mod iiif;
mod job_events;
mod job_exports;
mod jobs;
mod labels;
mod listing;
mod load;
mod metrics;
mod mutated;
mod nasty;
mod operations;
mod pages;
mod pictures;
mod plugins;
mod proxies;
mod queries;
mod renaming;
mod resolving;
mod searching;
mod serving;
mod storage;
mod storage_use;
mod tls;
mod views;
mod webhooks;
