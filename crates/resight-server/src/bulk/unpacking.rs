//! What becomes of an archive's entries: names are labels, and nothing is written to disk.
//!
//! Invariant: an entry is in memory with a share of the budget for what it states to have; one that has more is
//! refused.
//! Invariant: what entries become in all is bounded, whatever they state.

use std::io::Read;

use axum::body::Bytes;
use resight_app::Code;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::limits::{MOST_FILES, too_many_files};
use crate::intake::{Bounds, Memory, archive_kind};
use crate::problem::Problem;

/// One entry of an archive.
pub(super) enum Entry {
    Picture {
        name: String,
        bytes: Bytes,
    },
    /// A file that cannot be taken.
    Refused {
        name: String,
        problem: Problem,
    },
    /// No file.
    Skipped {
        name: String,
        problem: Problem,
    },
}

/// Why no more entries are read.
pub(super) enum Stopped {
    /// Nobody takes them any more.
    Unheard,
    /// The archive cannot be read further, or may not.
    Broken(Problem),
}

/// What entries are unpacked with.
pub(super) struct Unpacking {
    sender: mpsc::Sender<Entry>,
    memory: Memory,
    runtime: Handle,
    /// The largest entry.
    most: u64,
    count: usize,
    unpacked: u64,
    /// The most bytes of all entries.
    pub(super) bound: u64,
}

impl Unpacking {
    /// Tells entries to `sender`; they become at most `bound` bytes.
    pub(super) fn new(
        sender: mpsc::Sender<Entry>,
        bounds: &Bounds,
        runtime: Handle,
        bound: u64,
    ) -> Self {
        Self {
            sender,
            memory: bounds.memory.clone(),
            runtime,
            most: bounds.bytes,
            count: 0,
            unpacked: 0,
            bound,
        }
    }

    /// Counts an entry.
    pub(super) fn enter(&mut self) -> Result<(), Stopped> {
        self.count += 1;
        match self.count > MOST_FILES {
            true => Err(Stopped::Broken(too_many_files())),
            false => Ok(()),
        }
    }

    /// Unpacks a file that states to have `length` bytes.
    pub(super) fn file(
        &mut self,
        name: String,
        length: u64,
        content: impl Read,
    ) -> Result<(), Stopped> {
        if length > self.most {
            let detail = format!("The file has more than {} bytes.", self.most);
            return self.refuse(name, Code::TooManyBytes, detail);
        }
        let share = match self.runtime.block_on(self.memory.take(length)) {
            Ok(share) => share,
            Err(problem) => return self.send(Entry::Refused { name, problem }),
        };
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        let read = content.take(length + 1).read_to_end(&mut bytes);
        self.unpack(bytes.len() as u64)?;
        match read {
            Err(error) => {
                let detail = format!("The entry cannot be unpacked: {error}");
                self.refuse(name, Code::BadArchive, detail)
            }
            Ok(_) if bytes.len() as u64 != length => {
                let detail = format!("The entry has not the {length} bytes that it states.");
                self.refuse(name, Code::BadArchive, detail)
            }
            Ok(_) if archive_kind(&bytes).is_some() => {
                let detail = "The entry is an archive.";
                self.refuse(name, Code::NestedArchive, detail)
            }
            Ok(_) => {
                let bytes = share.of(bytes);
                self.send(Entry::Picture { name, bytes })
            }
        }
    }

    /// Counts bytes that were unpacked.
    fn unpack(&mut self, bytes: u64) -> Result<(), Stopped> {
        self.unpacked = self.unpacked.saturating_add(bytes);
        match self.unpacked > self.bound {
            true => Err(Stopped::Broken(too_large(self.bound))),
            false => Ok(()),
        }
    }

    /// Refuses an entry.
    pub(super) fn refuse(
        &mut self,
        name: String,
        code: Code,
        detail: impl Into<String>,
    ) -> Result<(), Stopped> {
        let problem = Problem::new(code, detail);
        self.send(Entry::Refused { name, problem })
    }

    /// Leaves out what is no file.
    pub(super) fn skip(&mut self, name: String, what: &str) -> Result<(), Stopped> {
        let detail = format!("The entry is {what}.");
        let problem = Problem::new(Code::EntryNotSupported, detail);
        self.send(Entry::Skipped { name, problem })
    }

    fn send(&mut self, entry: Entry) -> Result<(), Stopped> {
        let sent = self.sender.blocking_send(entry);
        sent.map_err(|_| Stopped::Unheard)
    }
}

/// The archive becomes more than it may.
pub(super) fn too_large(bound: u64) -> Problem {
    let detail = format!("Unpacked, it has more than {bound} bytes.");
    Problem::new(Code::ArchiveTooLarge, detail)
}

/// The archive cannot be read further.
pub(super) fn broken(error: &dyn std::fmt::Display) -> Stopped {
    let detail = format!("The archive cannot be read: {error}");
    Stopped::Broken(Problem::new(Code::BadArchive, detail))
}
