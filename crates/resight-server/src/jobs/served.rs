//! What the server runs jobs with.

use resight_app::config::Config;
use resight_app::folders::{Folders, Roots};
use resight_app::jobs::Jobs;

/// Jobs, registered folders, and which paths may be named.
#[derive(Clone, Debug)]
pub struct JobsServed {
    /// The jobs of the data folder.
    pub jobs: Jobs,
    /// Its registered folders.
    pub folders: Folders,
    /// The data folder.
    pub config: Config,
    /// Folders below which folders of pictures may be named.
    pub roots: Roots,
    /// Folders below which backups may be written.
    pub backups: Roots,
    /// How many jobs a key may have at once.
    pub per_key: JobsPerKey,
}

/// How many jobs may wait or run at once that were made by one key. Where no key is asked for, the bound of all that
/// wait is the only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobsPerKey {
    /// By a key without the scope admin.
    pub others: u64,
    /// By a key with it.
    pub admins: u64,
}

impl Default for JobsPerKey {
    /// 20, and 200 for admins.
    fn default() -> Self {
        Self {
            others: 20,
            admins: 200,
        }
    }
}
