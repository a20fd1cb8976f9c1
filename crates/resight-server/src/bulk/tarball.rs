//! Tar archives, compressed by gzip or not.
//!
//! Invariant: what stands between two files is bounded, as long names are, which the library reads into memory.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use resight_app::Code;
use tar::EntryType;

use super::unpacking::{Stopped, Unpacking, broken, too_large};

/// The most bytes of what stands before a file.
const HEAD_BYTES: u64 = 1 << 20;
/// A file ends at a multiple of this.
const BLOCK: u64 = 512;

/// Reads all entries in their order.
pub(super) fn read(content: impl Read, unpacking: &mut Unpacking) -> Result<(), Stopped> {
    let meter = Meter {
        allowed: Rc::new(Cell::new(HEAD_BYTES)),
        left: Rc::new(Cell::new(unpacking.bound)),
    };
    let (allowed, left) = (meter.allowed.clone(), meter.left.clone());
    let bound = unpacking.bound;
    let stopped = |error: &io::Error| match left.get() {
        0 => Stopped::Broken(too_large(bound)),
        _ => broken(error),
    };
    let mut archive = tar::Archive::new(Metered { content, meter });
    let entries = archive.entries().map_err(|error| stopped(&error))?;
    for entry in entries {
        let mut entry = entry.map_err(|error| stopped(&error))?;
        unpacking.enter()?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let length = entry.size();
        // As it lies in the archive; the holes of a sparse file do not, and are not to be read.
        let stored = match entry.header().entry_type() {
            EntryType::GNUSparse => entry.header().entry_size().unwrap_or(0),
            _ => length,
        };
        // What is left of the entry is skipped before the next one's head is read.
        allowed.set(stored.saturating_add(BLOCK).saturating_add(HEAD_BYTES));
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {
                unpacking.file(name, length, &mut entry)?;
            }
            EntryType::Directory | EntryType::XGlobalHeader => {}
            EntryType::Symlink | EntryType::Link => unpacking.skip(name, "a link")?,
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                unpacking.skip(name, "a device or a pipe")?;
            }
            _ => {
                let detail = "The entry is of a kind that is not taken, as a sparse file.";
                unpacking.refuse(name, Code::EntryNotSupported, detail)?;
            }
        }
    }
    Ok(())
}

/// How much may be read.
struct Meter {
    /// Of this entry, or before the next one.
    allowed: Rc<Cell<u64>>,
    /// In all.
    left: Rc<Cell<u64>>,
}

struct Metered<R> {
    content: R,
    meter: Meter,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        for bound in [&self.meter.allowed, &self.meter.left] {
            let left = bound.get().saturating_sub(read as u64);
            bound.set(left);
            if left == 0 && read > 0 {
                return Err(io::Error::other("it has more than it may have here"));
            }
        }
        Ok(read)
    }
}
