//! How many connections there may be, and how long they may do nothing.

use std::time::Duration;

/// Bounds of the server's connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections in all, at least 1. Where there are as many, a new one replaces the one that has been
    /// without a request for longest.
    pub total: usize,
    /// Connections of one address, at least 1; loopback addresses excepted. Of IPv6 the first 64 bits count.
    pub per_address: usize,
    /// Connections beyond `total`, at least 1. They are answered `too_many_connections`, apart from
    /// `/healthz` and `/readyz`.
    pub spare: usize,
    /// How long a request's head may take, from the opening of the connection or the end of the answer
    /// before.
    pub head: Duration,
    /// How long a client may keep its answer waiting, beyond the time that [`Self::write_rate`] allows for
    /// what it takes.
    pub write: Duration,
    /// Bytes a second that a client must take of its answer, at least 1.
    pub write_rate: u64,
}

/// Connections at most, whatever the limit of open files.
const MOST: usize = 1024;
/// Open files that are left to the store, to plug-ins and to files that are read.
const RESERVED: usize = 512;
const SPARE: usize = 16;

impl ConnectionLimits {
    /// Bounds that leave files to the rest of the process where it may have `files` open; `None` for no limit.
    pub fn for_open_files(files: Option<usize>) -> Self {
        let files = files.unwrap_or(usize::MAX);
        let free = files.saturating_sub(RESERVED.min(files / 2) + SPARE);
        let total = free.clamp(8, MOST);
        Self {
            total,
            per_address: total.div_ceil(4),
            spare: SPARE,
            head: Duration::from_secs(15),
            write: Duration::from_secs(30),
            write_rate: 1024,
        }
    }

    /// The same with so many connections in all, and a quarter of them for one address.
    pub fn of_total(self, total: usize) -> Self {
        Self {
            total,
            per_address: total.div_ceil(4),
            ..self
        }
    }
}

impl Default for ConnectionLimits {
    /// Bounds by the limit of open files of this process.
    fn default() -> Self {
        Self::for_open_files(open_files())
    }
}

#[cfg(unix)]
fn open_files() -> Option<usize> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current.and_then(|files| usize::try_from(files).ok())
}

#[cfg(not(unix))]
fn open_files() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_open_files_to_the_rest() {
        for (files, total) in [
            (Some(16), 8),
            (Some(256), 112),
            (Some(1024), 496),
            (Some(1_048_576), 1024),
            (None, 1024),
        ] {
            let limits = ConnectionLimits::for_open_files(files);
            assert_eq!(limits.total, total, "{files:?}");
        }
    }
}
