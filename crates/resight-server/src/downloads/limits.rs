//! Bounds of a download.

/// What one download may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DownloadLimits {
    /// The most pictures.
    pub files: u64,
    /// The most bytes of their files.
    pub bytes: u64,
}

impl Default for DownloadLimits {
    /// 10,000 pictures of 10 GiB.
    fn default() -> Self {
        Self {
            files: 10_000,
            bytes: 10 << 30,
        }
    }
}
