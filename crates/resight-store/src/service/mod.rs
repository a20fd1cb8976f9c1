//! What a service remembers beside pictures: jobs, what each refused, and registered folders.
//!
//! One SQLite file for the whole data folder; each row names its collection. Losing it loses no picture.
//! Parameters, reports and rules are texts that this crate does not interpret. Several processes may have the
//! file open: a command writes a row, and the server that runs the jobs sees it.
//!
//! Invariant: what a method has returned `Ok` for survives `kill -9` and a power cut.

mod copy;
mod folders;
mod jobs;
mod records;
mod schema;
#[cfg(test)]
mod tests;

pub use records::{
    FolderRecord, JobAdded, JobBounds, JobEnd, JobFilter, JobProgress, JobRecord, JobRefusal,
    JobState, NewFolder, NewJob,
};
pub use schema::ServiceRecords;
