//! Shared memory for what is too long for a frame: one descriptor for input, one for results.
//!
//! The server makes and owns all of it. It maps memory whose size is sealed; a file, which a worker
//! could truncate, it reads and writes with `pread` and `pwrite`. So a worker can spoil its reply
//! but not the server. The memory has no name and is freed with its last descriptor.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU8, Ordering};

use super::mapping::Mapping;

/// How shared memory is made on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// `memfd_create`, sealed against shrinking and growing.
    Memory,
    /// A temporary file whose name was removed at once.
    TemporaryFile,
    /// No shared memory: everything goes through the socket.
    Socket,
}

/// The best transport that has not failed yet.
#[derive(Debug, Default)]
pub(crate) struct Transports(AtomicU8);

impl Transports {
    pub(crate) fn from(first: Transport) -> Self {
        Self(AtomicU8::new(first as u8))
    }

    pub(crate) fn best(&self) -> Transport {
        match self.0.load(Ordering::Relaxed) {
            0 => Transport::Memory,
            1 => Transport::TemporaryFile,
            _ => Transport::Socket,
        }
    }

    /// Gives up `from`, for good.
    pub(crate) fn fall_back(&self, from: Transport, why: &io::Error) {
        let next = from as u8 + 1;
        if self.0.fetch_max(next, Ordering::Relaxed) < next {
            tracing::warn!("shared memory by {from:?} is not available: {why}");
        }
    }
}

/// A piece of shared memory of fixed size.
pub(crate) struct SharedMemory {
    file: File,
    /// A read-only descriptor for the worker, for input.
    given: Option<OwnedFd>,
    /// Only for memory that cannot shrink.
    mapping: Option<Mapping>,
    pub(crate) size: u64,
}

impl SharedMemory {
    /// Allocates `need` bytes and up to a quarter more, so that calls of similar size share it.
    /// All of it is allocated now: lack of memory is an error here, not a signal later.
    pub(crate) fn new(transport: Transport, need: u64, read_only: bool) -> io::Result<Self> {
        let size = need.next_multiple_of((need.next_power_of_two() / 8).max(256 * 1024));
        let file = match transport {
            Transport::Memory => memory(size)?,
            Transport::TemporaryFile => temporary(size)?,
            Transport::Socket => return Err(io::ErrorKind::Unsupported.into()),
        };
        let given = if read_only { reopen(&file) } else { None };
        let mapping = (transport == Transport::Memory)
            .then(|| Mapping::new(&file, size))
            .flatten();
        Ok(Self {
            file,
            given,
            mapping,
            size,
        })
    }

    /// Whether it holds `need` bytes and is not so large that it should be freed.
    pub(crate) fn suits(&self, need: u64) -> bool {
        self.size >= need && (self.size <= 64 << 20 || need >= self.size / 8)
    }

    pub(crate) fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let Some(mapping) = &mut self.mapping else {
            return self.file.write_all_at(bytes, at);
        };
        let fits = mapping.write(at, bytes);
        fits.then_some(())
            .ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }

    /// A copy of `length` bytes from `at`; an error when they exceed the memory.
    pub(crate) fn read(&self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        if let Some(mapping) = &self.mapping {
            let bytes = mapping.read(at, length);
            return bytes.ok_or_else(|| io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }

    /// The descriptor to send to the worker.
    pub(crate) fn given(&self) -> std::os::fd::BorrowedFd<'_> {
        self.given.as_ref().map_or(self.file.as_fd(), AsFd::as_fd)
    }
}

#[cfg(target_os = "linux")]
fn memory(size: u64) -> io::Result<File> {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = File::from(memfd_create("resight", flags)?);
    file.set_len(size)?;
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, size)?;
    fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    Ok(file)
}

#[cfg(not(target_os = "linux"))]
fn memory(_size: u64) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

fn temporary(size: u64) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let dir = std::env::temp_dir();
    for attempt in 0..16u32 {
        let nanos = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |d| d.subsec_nanos());
        let path = dir.join(format!(".resight-{}-{nanos}-{attempt}", std::process::id()));
        let opened = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        match opened {
            Ok(file) => {
                std::fs::remove_file(&path)?;
                #[cfg(target_os = "linux")]
                rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, size)?;
                file.set_len(size)?;
                return Ok(file);
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The same memory behind a descriptor that cannot be written or mapped writable.
fn reopen(file: &File) -> Option<OwnedFd> {
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    File::open(path).ok().map(OwnedFd::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_store_bytes_and_the_workers_end_is_read_only() {
        for transport in [Transport::Memory, Transport::TemporaryFile] {
            let mut memory = SharedMemory::new(transport, 300_000, true).unwrap();
            assert_eq!(memory.size, 524_288);
            memory.write(100, b"abc").unwrap();
            assert_eq!(memory.read(100, 3).unwrap(), b"abc");
            assert!(memory.read(memory.size - 1, 2).is_err());
            if memory.given.is_some() {
                let given = File::from(memory.given().try_clone_to_owned().unwrap());
                assert!(given.write_at(b"x", 0).is_err(), "{transport:?}");
            }
        }
        assert!(SharedMemory::new(Transport::Socket, 1, true).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn sealed_memory_cannot_change_its_size() {
        let memory = SharedMemory::new(Transport::Memory, 1, false).unwrap();
        assert!(memory.file.set_len(1).is_err());
        assert!(memory.file.set_len(1 << 30).is_err());
    }

    #[test]
    fn huge_memory_is_not_kept_for_a_small_call() {
        let memory = SharedMemory::new(Transport::Memory, 100 << 20, false).unwrap();
        assert!(memory.suits(100 << 20) && !memory.suits(1000) && !memory.suits(1 << 30));
    }

    #[test]
    fn a_transport_that_failed_is_not_tried_again() {
        let t = Transports::default();
        let e = io::Error::other("x");
        t.fall_back(Transport::TemporaryFile, &e);
        t.fall_back(Transport::Memory, &e);
        assert_eq!(t.best(), Transport::Socket);
    }
}
