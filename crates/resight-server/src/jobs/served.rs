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
}
