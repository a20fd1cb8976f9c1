//! Writes an archive as its client takes it: a ZIP file whose entries are stored as they are.
//!
//! Invariant: what is written and not sent yet is bounded, whatever the archive has.
//! Invariant: an archive that is not whole never looks whole: its connection is cut.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use rawzip::time::UtcDateTime;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use resight_app::collections::Lease;
use resight_engine::{Library, OpenFile, PictureId};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::names::EntryNames;
use crate::intake::LARGE_RATE;

/// Bytes that are sent at once.
const PART: usize = 64 << 10;
/// Parts that wait for the client.
const WAITING: usize = 4;
/// Bytes of a stored file that are read at once.
const READ: u64 = 1 << 20;
/// What one archive has in memory at most, beside the list of its entries.
pub(super) const BUFFERED: u64 = READ + ((WAITING + 2) * PART) as u64;
/// How long a client may take nothing.
const PATIENCE: Duration = Duration::from_secs(30);
/// The entry that names what could not be sent.
const LEFT_OUT: &str = "left-out.txt";

/// A picture whose file is sent.
pub(super) struct Entry {
    pub(super) id: PictureId,
    pub(super) name: String,
    pub(super) added_ms: i64,
    pub(super) bytes: u64,
}

/// Writes the archive on a thread of its own, which ends with the body; `kept` lasts as long as it does.
pub(super) fn body<K: Send + 'static>(
    library: Lease<Library>,
    entries: Vec<Entry>,
    kept: K,
) -> Body {
    let (sender, receiver) = mpsc::channel(WAITING);
    let is_whole = Arc::new(AtomicBool::new(false));
    let pipe = Pipe {
        sender: sender.clone(),
        runtime: Handle::current(),
        buffer: Vec::with_capacity(PART),
        begun: Instant::now(),
        sent: 0,
    };
    let done = is_whole.clone();
    tokio::task::spawn_blocking(move || {
        // The last sender goes after the sign is set.
        let (_kept, _last) = (kept, sender);
        match write(&library, entries, pipe) {
            Ok(()) => done.store(true, Ordering::Release),
            Err(error) => tracing::debug!(%error, "an archive was not sent whole"),
        }
    });
    let parts = stream::try_unfold((receiver, is_whole), |(mut receiver, is_whole)| async {
        match receiver.recv().await {
            Some(part) => Ok(Some((part, (receiver, is_whole)))),
            None if is_whole.load(Ordering::Acquire) => Ok(None),
            None => Err(io::Error::other("the archive could not be written")),
        }
    });
    Body::from_stream(parts)
}

fn write(library: &Library, entries: Vec<Entry>, pipe: Pipe) -> io::Result<()> {
    let mut archive = ZipArchiveWriter::new(pipe);
    let mut names = EntryNames::default();
    let mut left_out = String::new();
    // Taken by none of the pictures.
    names.add(LEFT_OUT);
    for entry in entries {
        let mut source = match Source::open(library, &entry) {
            Ok(source) => source,
            Err(why) => {
                // Names have no control character, so that each is a line.
                let name = crate::intake::clean_name(&entry.name);
                left_out.push_str(&format!("{}\t{name}\t{why}\n", entry.id));
                continue;
            }
        };
        let changed = UtcDateTime::from_unix(entry.added_ms.div_euclid(1000).max(0));
        let name = names.add(&entry.name);
        let file = archive.new_file(&name).last_modified(changed);
        add(file, &mut source)?;
    }
    if !left_out.is_empty() {
        add(archive.new_file(LEFT_OUT), &mut left_out.as_bytes())?;
    }
    let mut pipe = archive.finish().map_err(io::Error::other)?;
    pipe.send()
}

fn add(file: rawzip::ZipFileBuilder<'_, '_, Pipe>, content: &mut dyn Read) -> io::Result<()> {
    let file = file.compression_method(CompressionMethod::STORE);
    let (mut entry, config) = file.start().map_err(io::Error::other)?;
    let mut data = config.wrap(&mut entry);
    io::copy(content, &mut data)?;
    let (_, descriptor) = data.finish().map_err(io::Error::other)?;
    entry.finish(descriptor).map_err(io::Error::other)?;
    Ok(())
}

/// The bytes of a picture's file, as many as were stated.
enum Source<'a> {
    InFolder(io::Take<std::fs::File>, u64),
    Stored {
        library: &'a Library,
        id: &'a PictureId,
        part: io::Cursor<Vec<u8>>,
        at: u64,
        end: u64,
    },
}

impl<'a> Source<'a> {
    /// Opens it, and reads its beginning; an error says why it is left out.
    fn open(library: &'a Library, entry: &'a Entry) -> Result<Self, &'static str> {
        let gone = |error: resight_engine::EngineError| {
            tracing::debug!(%error, "a file is left out of an archive");
            "its file cannot be read any more"
        };
        let (_, file) = library.open_file(&entry.id).map_err(gone)?;
        match file {
            OpenFile::InFolder(file) => Ok(Self::InFolder(file.take(entry.bytes), entry.bytes)),
            OpenFile::Stored => {
                let first = library
                    .stored_part(&entry.id, 0..READ.min(entry.bytes))
                    .map_err(gone)?;
                Ok(Self::Stored {
                    library,
                    id: &entry.id,
                    at: first.len() as u64,
                    part: io::Cursor::new(first),
                    end: entry.bytes,
                })
            }
        }
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let cut = || io::Error::new(io::ErrorKind::UnexpectedEof, "a file has become shorter");
        match self {
            Self::InFolder(file, left) => {
                let count = file.read(buffer)?;
                if count == 0 && *left > 0 && !buffer.is_empty() {
                    return Err(cut());
                }
                *left = left.saturating_sub(count as u64);
                Ok(count)
            }
            Self::Stored {
                library,
                id,
                part,
                at,
                end,
            } => {
                let count = part.read(buffer)?;
                if count > 0 || *at >= *end || buffer.is_empty() {
                    return Ok(count);
                }
                let next = library
                    .stored_part(id, *at..at.saturating_add(READ).min(*end))
                    .map_err(io::Error::other)?;
                if next.is_empty() {
                    return Err(cut());
                }
                *at += next.len() as u64;
                *part = io::Cursor::new(next);
                part.read(buffer)
            }
        }
    }
}

/// What is written goes to the client; writing waits for it.
struct Pipe {
    sender: mpsc::Sender<Bytes>,
    runtime: Handle,
    buffer: Vec<u8>,
    begun: Instant,
    sent: u64,
}

impl Pipe {
    /// Sends what is buffered. Fails where the client has left or takes too little in time.
    fn send(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let part = std::mem::replace(&mut self.buffer, Vec::with_capacity(PART));
        let length = part.len() as u64;
        let on_average = self.begun + PATIENCE + Duration::from_secs(self.sent / LARGE_RATE);
        let deadline = on_average.min(Instant::now() + PATIENCE);
        let sending = timeout_at(deadline, self.sender.send(part.into()));
        match self.runtime.block_on(sending) {
            Ok(Ok(())) => {
                self.sent += length;
                Ok(())
            }
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(PART - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..count]);
        if self.buffer.len() == PART {
            self.send()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
