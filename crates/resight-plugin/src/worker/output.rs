//! Copies what a worker prints to the log and keeps the last lines for errors.

use std::collections::VecDeque;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{ChildStderr, ChildStdout};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rustix::event::{PollFd, PollFlags, poll};

use super::process::{WorkerProcess, timespec};

/// Lines kept.
const KEPT: usize = 200;
/// Most bytes of a line; of the rest only the length is kept.
const LINE: usize = 4096;
/// Most lines a second that go to the log; all go to the ring.
const RATE: u32 = 100;
/// The log's name for what plug-ins print.
pub(crate) const TARGET: &str = "resight_plugin::output";

#[derive(Default)]
struct Ring {
    lines: VecDeque<String>,
    /// Lines since the start, kept or not.
    total: u64,
    closed: bool,
}

/// The last lines of one worker.
#[derive(Default)]
pub(crate) struct CapturedOutput {
    ring: Mutex<Ring>,
    closed: Condvar,
    /// What the worker runs, or ran last.
    function: Mutex<String>,
}

impl CapturedOutput {
    /// Says what the worker runs from now on.
    pub(crate) fn begin(&self, function: &str) {
        let mut now = self.function.lock();
        if *now != function {
            function.clone_into(&mut now);
        }
    }

    fn push(&self, line: String) {
        let mut ring = self.ring.lock();
        if ring.lines.len() == KEPT {
            ring.lines.pop_front();
        }
        ring.lines.push_back(line);
        ring.total += 1;
    }

    /// The number of lines so far, for [`CapturedOutput::since`].
    pub(crate) fn mark(&self) -> u64 {
        self.ring.lock().total
    }

    /// The last lines after `mark`, at most `most`.
    pub(crate) fn since(&self, mark: u64, most: usize) -> Vec<String> {
        let ring = self.ring.lock();
        let new = ring.total.saturating_sub(mark) as usize;
        let skip = ring.lines.len().saturating_sub(new.min(most));
        ring.lines.iter().skip(skip).cloned().collect()
    }

    /// Waits until everything that an ended worker wrote was read.
    pub(crate) fn wait_closed(&self, limit: Duration) {
        let mut ring = self.ring.lock();
        self.closed
            .wait_while_for(&mut ring, |ring| !ring.closed, limit);
    }
}

/// Reads both pipes on a thread of its own, so that the worker never waits for a reader.
pub(crate) fn capture(
    plugin: String,
    out: ChildStdout,
    err: ChildStderr,
    process: Arc<WorkerProcess>,
) -> std::io::Result<Arc<CapturedOutput>> {
    let captured = Arc::new(CapturedOutput::default());
    let kept = captured.clone();
    for fd in [out.as_fd(), err.as_fd()] {
        let flags = rustix::fs::fcntl_getfl(fd)?;
        rustix::fs::fcntl_setfl(fd, flags | rustix::fs::OFlags::NONBLOCK)?;
    }
    std::thread::Builder::new()
        .name("resight-output".into())
        .spawn(move || {
            drain(&plugin, out, err, &process, &kept);
            kept.ring.lock().closed = true;
            kept.closed.notify_all();
        })?;
    Ok(captured)
}

fn drain(
    plugin: &str,
    out: ChildStdout,
    err: ChildStderr,
    process: &WorkerProcess,
    kept: &CapturedOutput,
) {
    let mut log = Log {
        plugin,
        since: Instant::now(),
        count: 0,
    };
    let mut streams: Vec<Stream> = vec![Stream::new(out, "stdout"), Stream::new(err, "stderr")];
    while streams.iter().any(|s| s.open) {
        let ended = {
            let waiting: Vec<BorrowedFd<'_>> =
                streams.iter().filter(|s| s.open).map(|s| s.fd()).collect();
            let mut fds: Vec<PollFd<'_>> = waiting
                .into_iter()
                .chain(process.pidfd())
                .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
                .collect();
            let timeout = timespec(Duration::from_millis(100));
            let timeout = process.pidfd().is_none().then_some(&timeout);
            let _interrupted = poll(&mut fds, timeout);
            match process.pidfd() {
                Some(_) => fds.last().is_some_and(|fd| !fd.revents().is_empty()),
                None => process.exited(),
            }
        };
        for stream in streams.iter_mut().filter(|s| s.open) {
            stream.read(kept, &mut log);
        }
        // A grandchild may hold the pipes open; everything the worker wrote was read by now.
        if ended {
            break;
        }
    }
    streams.iter_mut().for_each(|s| s.flush(kept, &mut log));
}

struct Log<'a> {
    plugin: &'a str,
    since: Instant,
    count: u32,
}

impl Log<'_> {
    fn line(&mut self, function: &str, stream: &str, line: &str) {
        if self.since.elapsed() >= Duration::from_secs(1) {
            if self.count > RATE {
                let dropped = self.count - RATE;
                tracing::info!(target: TARGET, plugin = self.plugin, "{dropped} more lines were not logged");
            }
            self.since = Instant::now();
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        if self.count <= RATE {
            if function.is_empty() {
                tracing::info!(target: TARGET, plugin = self.plugin, stream, "{line}");
            } else {
                tracing::info!(target: TARGET, plugin = self.plugin, function, stream, "{line}");
            }
        }
    }
}

trait Pipe: Read + AsFd + Send {}
impl<T: Read + AsFd + Send> Pipe for T {}

struct Stream {
    pipe: Box<dyn Pipe>,
    name: &'static str,
    open: bool,
    partial: Vec<u8>,
    /// Bytes of the line that were dropped.
    dropped: usize,
}

impl Stream {
    fn new(pipe: impl Pipe + 'static, name: &'static str) -> Self {
        Self {
            pipe: Box::new(pipe),
            name,
            open: true,
            partial: Vec::new(),
            dropped: 0,
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }

    /// Reads what there is now, at most a megabyte, so that the other pipe gets its turn.
    fn read(&mut self, kept: &CapturedOutput, log: &mut Log<'_>) {
        let mut buffer = [0; 16 * 1024];
        for _ in 0..64 {
            match self.pipe.read(&mut buffer) {
                Ok(0) => self.open = false,
                Ok(n) => {
                    self.take(&buffer[..n], kept, log);
                    continue;
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => self.open = false,
            }
            return;
        }
    }

    fn take(&mut self, bytes: &[u8], kept: &CapturedOutput, log: &mut Log<'_>) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            self.append(&rest[..end]);
            self.flush(kept, log);
            rest = &rest[end + 1..];
        }
        self.append(rest);
    }

    fn append(&mut self, bytes: &[u8]) {
        let room = LINE.saturating_sub(self.partial.len());
        self.partial
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.dropped += bytes.len().saturating_sub(room);
    }

    fn flush(&mut self, kept: &CapturedOutput, log: &mut Log<'_>) {
        if self.partial.is_empty() {
            return;
        }
        // A carriage return or an escape sequence must not forge a line of the log.
        let line = String::from_utf8_lossy(&self.partial);
        let visible = |c: char| if c.is_control() && c != '\t' { '?' } else { c };
        let mut line: String = line.trim_end().chars().map(visible).collect();
        if self.dropped > 0 {
            line = format!("{line} … ({} more bytes)", self.dropped);
        }
        self.partial.clear();
        self.dropped = 0;
        let function = kept.function.lock().clone();
        log.line(&function, self.name, &line);
        kept.push(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_and_the_ring_is_bounded() {
        let kept = CapturedOutput::default();
        let mut log = Log {
            plugin: "p",
            since: Instant::now(),
            count: 0,
        };
        let mut stream = Stream::new(std::fs::File::open("/dev/null").unwrap(), "stdout");
        stream.take(&[b'x'; 10_000], &kept, &mut log);
        stream.take(b"\nshort\nwithout", &kept, &mut log);
        stream.take(b" end", &kept, &mut log);
        stream.flush(&kept, &mut log);
        let lines = kept.since(0, 10);
        let cut = format!("{} … (5904 more bytes)", "x".repeat(LINE));
        assert_eq!(lines[0], cut);
        assert_eq!(lines[1..], ["short", "without end"]);
        let mark = kept.mark();
        for i in 0..1000 {
            stream.take(format!("{i}\n").as_bytes(), &kept, &mut log);
        }
        assert_eq!(kept.since(mark, 2), ["998", "999"]);
        assert_eq!(kept.since(0, usize::MAX).len(), KEPT);
        assert!(kept.since(kept.mark(), 5).is_empty());
    }
}
