//! Changes that commands of this machine ask a running server for, by a socket in the data folder.
//!
//! One process has the data folder open for changes. While that is a server, a command that changes something names
//! what it wants in a line of JSON and gets a line back. Names are looked up by the command, so that paths mean what
//! they mean where it was started; the server gets ids and absolute paths.
//!
//! Invariant: only the user that the server runs as can connect: the socket lies in a folder of mode 0700.
//! Invariant: the answer comes after the change is durable.

mod asking;
mod message;
#[cfg(unix)]
mod serving;
#[cfg(unix)]
mod socket;

pub use asking::Served;
#[cfg(unix)]
pub use serving::LocalServer;

/// Where there are no sockets of files, commands wait until the server stops.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct LocalServer;

#[cfg(not(unix))]
impl LocalServer {
    /// Does nothing.
    pub fn begin(
        _: &std::path::Path,
        _: &crate::collections::Collections,
        _: &crate::jobs::Jobs,
    ) -> Option<Self> {
        None
    }
}
