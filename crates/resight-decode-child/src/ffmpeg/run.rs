//! One run of ffmpeg, from its start to its end or to the end of its time.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use resight_decode::{Refused, RefusedCode};
use rustix::fs::{MemfdFlags, memfd_create};

use super::options::FfmpegOptions;

/// The exit code by which the process before ffmpeg says that it did not become ffmpeg.
pub(super) const NOT_STARTED: u8 = 125;
/// Longest part of the beginning of what ffmpeg says that is read, and of its end.
const LOG: u64 = 64 << 10;
/// Shortest and longest pause between two looks at it.
const PAUSE: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(16)];

/// What ffmpeg is asked for.
pub(super) struct Task<'a> {
    pub(super) arguments: Vec<OsString>,
    /// Its standard input.
    pub(super) input: Option<&'a File>,
    /// Most bytes that it may write.
    pub(super) most: u64,
    /// Address space that it may use.
    pub(super) memory: u64,
    /// Time that it may take.
    pub(super) wall: Duration,
}

/// What came of it.
pub(super) struct Done {
    output: File,
    /// What it said, lossily as text.
    pub(super) log: String,
    pub(super) succeeded: bool,
}

impl Task<'_> {
    /// Runs ffmpeg.
    ///
    /// # Errors
    /// [`resight_decode::RefusedCode::DecoderFailed`] where it was not started, took too long or crashed. That it says
    /// by its exit code that it read nothing is none.
    pub(super) fn run(&self, options: &FfmpegOptions) -> Result<Done, Refused> {
        let not_started = |error: io::Error| failed(format!("ffmpeg was not started: {error}"));
        let output = in_memory("resight-frame").map_err(not_started)?;
        let said = in_memory("resight-log").map_err(not_started)?;
        let child = self.start(options, &output, &said).map_err(not_started)?;
        let mut running = Running(child);
        let Some(status) = running.wait(self.wall).map_err(not_started)? else {
            let seconds = self.wall.as_secs();
            return Err(failed(format!("ffmpeg took longer than {seconds} seconds")));
        };
        let log = beginning_and_end(&said, LOG);
        let log = String::from_utf8_lossy(&log).into_owned();
        let done = Done {
            output,
            log,
            succeeded: status.success(),
        };
        if status.code() == Some(i32::from(NOT_STARTED)) {
            return Err(failed(format!(
                "ffmpeg was not started: {}",
                done.last_words()
            )));
        }
        match status.signal() {
            None => Ok(done),
            Some(libc::SIGXCPU) => Err(failed(format!(
                "ffmpeg needed more than {} seconds of the processor",
                options.processor.as_secs()
            ))),
            Some(libc::SIGXFSZ) => Err(failed("ffmpeg wrote more than a frame may have")),
            Some(signal) => Err(failed(format!("ffmpeg ended with signal {signal}"))),
        }
    }

    fn start(&self, options: &FfmpegOptions, output: &File, said: &File) -> io::Result<Child> {
        let input = match self.input {
            // Opened again to be read alone: it changes nothing of what later runs read.
            Some(file) => Stdio::from(File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?),
            None => Stdio::null(),
        };
        Command::new(&options.program)
            .args(&options.arguments)
            .args([options.processor.as_secs(), self.memory, self.most].map(|n| n.to_string()))
            .arg(&options.ffmpeg)
            .args(&self.arguments)
            .env_clear()
            .stdin(input)
            .stdout(output.try_clone()?)
            .stderr(said.try_clone()?)
            .spawn()
    }
}

impl Done {
    /// What it wrote.
    pub(super) fn output(&self) -> Vec<u8> {
        read(&self.output, 0, u64::MAX)
    }

    /// The beginning of what it wrote.
    pub(super) fn head(&self, length: u64) -> Vec<u8> {
        read(&self.output, 0, length)
    }

    /// Fills `bytes` from a place of what it wrote.
    pub(super) fn fill(&self, bytes: &mut [u8], from: u64) -> io::Result<()> {
        self.output.read_exact_at(bytes, from)
    }

    /// The last line that it said, fit to be shown.
    pub(super) fn last_words(&self) -> String {
        let mut lines = self.log.lines().map(str::trim);
        let last = lines.rfind(|line| !line.is_empty());
        let last = last.unwrap_or("it said nothing");
        let last = last.strip_prefix("file:/proc/self/fd/0: ").unwrap_or(last);
        let shown = last.chars().filter(|letter| !letter.is_control());
        shown.take(200).collect()
    }
}

pub(super) fn failed(detail: impl Into<String>) -> Refused {
    Refused::new(RefusedCode::DecoderFailed, detail)
}

/// Memory without a name that is a file.
pub(super) fn in_memory(name: &str) -> io::Result<File> {
    Ok(File::from(memfd_create(name, MemfdFlags::CLOEXEC)?))
}

/// At most `most` bytes of a file from a place on; those that can be read.
fn read(file: &File, from: u64, most: u64) -> Vec<u8> {
    let length = file.metadata().map_or(0, |about| about.len());
    let length = length.saturating_sub(from).min(most);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    match file.read_exact_at(&mut bytes, from) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}

/// At most `most` bytes of either: what was found stands at the beginning, and how far it came at the end.
fn beginning_and_end(file: &File, most: u64) -> Vec<u8> {
    let length = file.metadata().map_or(0, |about| about.len());
    let mut bytes = read(file, 0, most);
    bytes.extend(read(file, length.saturating_sub(most).max(most), most));
    bytes
}

/// It ends where it is left, and leaves no zombie. It has no other processes.
struct Running(Child);

impl Running {
    /// Its status; `None` where its time is over.
    fn wait(&mut self, most: Duration) -> io::Result<Option<std::process::ExitStatus>> {
        let until = Instant::now() + most;
        let mut pause = PAUSE[0];
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSE[1]);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            let _has_ended = self.0.kill();
            let _was_waited_for = self.0.wait();
        }
    }
}
