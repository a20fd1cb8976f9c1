//! One module for each command.

pub(crate) mod backup;
pub(crate) mod calibrate;
pub(crate) mod collections;
pub(crate) mod compare;
pub(crate) mod doctor;
pub(crate) mod duplicates;
pub(crate) mod eval;
pub(crate) mod features;
mod folder_report;
pub(crate) mod folders;
pub(crate) mod forget;
pub(crate) mod index;
mod index_by_server;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod labels;
pub(crate) mod models;
pub(crate) mod pictures;
pub(crate) mod plugin;
pub(crate) mod refused;
mod rows;
pub(crate) mod search;
pub(crate) mod serve;
mod served_jobs;
pub(crate) mod shells;
pub(crate) mod train;
pub(crate) mod verify;
