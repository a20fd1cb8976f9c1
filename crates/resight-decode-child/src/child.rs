//! A child as its parent sees it: a picture goes in, pixels or a refusal come out.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child as Process, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use resight_decode::{Job, Pixels, Purpose, Refused, Share};
use resight_vision::Image;
use rustix::fs::{MemfdFlags, memfd_create};

use crate::death::{Allowed, Death};
use crate::limits::{self, Bounds, Used};
use crate::options::PoolOptions;
use crate::wire::{FromChild, Request, ToChild};

/// What a child may map beside what was granted to it: stacks, tables, and what allocators set apart.
const BESIDE: u64 = 192 << 20;
/// Time in which a child has to start.
const START: Duration = Duration::from_secs(30);

pub(crate) struct Child {
    process: Process,
    socket: UnixStream,
    memory: File,
    /// Whether the kernel filters its calls.
    pub(crate) confined: bool,
    /// Pictures that it was given.
    pub(crate) pictures: u32,
    pub(crate) idle_since: Instant,
    processor: Duration,
    wall: Duration,
    /// What runs at the moment.
    current: Current,
}

/// The picture that a child decodes.
struct Current {
    deadline: Instant,
    /// Address space before it began, where the system says it.
    mapped: Option<u64>,
    bounds: Bounds,
    share: Option<Share>,
    granted: u64,
}

/// What came of a request.
pub(crate) enum Answer {
    Pixels(Pixels),
    Opened,
    End,
    Refused(Refused),
}

impl Child {
    /// Starts a child and waits until it is ready.
    pub(crate) fn start(options: &PoolOptions) -> io::Result<Self> {
        let (near, far) = UnixStream::pair()?;
        // Messages are short: a child that leaves so many unread that one waits is none.
        near.set_write_timeout(Some(options.wall))?;
        let memory = File::from(memfd_create("resight-picture", MemfdFlags::CLOEXEC)?);
        let process = Command::new(&options.program)
            .args(&options.arguments)
            .env_clear()
            // What a terminal sends to its commands is for the parent.
            .process_group(0)
            .stdin(Stdio::from(OwnedFd::from(far)))
            .stdout(Stdio::from(memory.try_clone()?))
            .stderr(Stdio::null())
            .spawn()?;
        let mut child = Self {
            process,
            socket: near,
            memory,
            confined: false,
            pictures: 0,
            idle_since: Instant::now(),
            processor: options.processor,
            wall: options.wall,
            current: Current::none(),
        };
        child.current.deadline = Instant::now() + START;
        match child.receive() {
            Ok(FromChild::Ready { confined }) => child.confined = confined,
            Ok(_) => return Err(io::ErrorKind::InvalidData.into()),
            Err(death) => {
                let text = format!("the child that decodes did not start: {death:?}");
                return Err(io::Error::other(text));
            }
        }
        Ok(child)
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn decode(&mut self, job: Job<'_>) -> Result<Answer, Death> {
        self.request(job, ToChild::Decode)
    }

    /// Opens the pages of a picture, which [`Child::next_page`] then decodes.
    pub(crate) fn pages(&mut self, job: Job<'_>) -> Result<Answer, Death> {
        self.request(job, ToChild::Pages)
    }

    /// The next page but for those `skipped`.
    pub(crate) fn next_page(&mut self, job: Job<'_>, skipped: u32) -> Result<Answer, Death> {
        self.begin(job);
        self.send(&ToChild::Next { skipped })?;
        self.answer(job)
    }

    /// Asks for no further page. `false` where the child is lost.
    pub(crate) fn stop_pages(&mut self) -> bool {
        self.current = Current::none();
        ToChild::Stop.send(&self.socket).is_ok() && self.memory.set_len(0).is_ok()
    }

    fn request(&mut self, job: Job<'_>, message: fn(Request) -> ToChild) -> Result<Answer, Death> {
        self.pictures = self.pictures.saturating_add(1);
        let written = self.memory.set_len(0);
        if written
            .and_then(|()| self.memory.write_all_at(job.bytes, 0))
            .is_err()
        {
            return Err(Death::Garbled);
        }
        self.begin(job);
        let limits = job.limits;
        self.send(&message(Request {
            bytes: job.bytes.len() as u64,
            max_bytes: limits.max_bytes,
            max_pixels: limits.max_pixels,
            min_side: limits.min_side,
            most: limits.memory.most(Purpose::Work),
        }))?;
        self.answer(job)
    }

    /// Bounds what the child may use for the next answer, before memory is granted.
    fn begin(&mut self, job: Job<'_>) {
        let used = Used::of(&self.process);
        let pixels = job.limits.max_pixels.saturating_mul(3);
        let spent = used.map_or(Duration::ZERO, |used| used.processor);
        self.current = Current {
            deadline: Instant::now() + self.wall,
            mapped: used.map(|used| used.address_space),
            bounds: Bounds {
                // Whole seconds are counted, and some of the first is spent.
                processor: spent + self.processor + Duration::from_secs(1),
                address_space: 0,
                file: pixels.max(job.bytes.len() as u64),
            },
            share: None,
            granted: 0,
        };
        self.bound(job, 0);
    }

    /// Bounds the memory of the child to what was granted.
    fn bound(&mut self, job: Job<'_>, granted: u64) {
        let current = &mut self.current;
        current.granted = granted;
        let length = 2 * job.bytes.len() as u64;
        // Estimates are of what decoders need, and allocators round it up.
        let extra = granted.saturating_add(granted / 2) + BESIDE + length;
        let most = current.mapped.map(|mapped| mapped.saturating_add(extra));
        current.bounds.address_space = most.unwrap_or(u64::MAX);
        if !limits::set(&self.process, &current.bounds) {
            tracing::warn!(
                "the memory and time of child {} are not bounded",
                self.process.id()
            );
        }
    }

    fn answer(&mut self, job: Job<'_>) -> Result<Answer, Death> {
        let answer = loop {
            match self.receive()? {
                FromChild::Need(bytes) => self.grant(job, bytes)?,
                FromChild::Picture {
                    width,
                    height,
                    pages,
                    depth,
                    time_ms,
                } => {
                    let image = self.pixels(job, width, height).ok_or(Death::Garbled)?;
                    break Answer::Pixels(Pixels {
                        image,
                        pages: pages.max(1),
                        depth,
                        time_ms,
                    });
                }
                FromChild::Opened => break Answer::Opened,
                FromChild::End => break Answer::End,
                FromChild::Refused(refused) => break Answer::Refused(refused),
                FromChild::Ready { .. } => return Err(Death::Garbled),
            }
        };
        // Between pages nothing is kept: two files that are compared page by page would wait for each other.
        self.current.share = None;
        Ok(answer)
    }

    /// Waits for the memory that the child asks for, and its copy of the picture.
    fn grant(&mut self, job: Job<'_>, bytes: u64) -> Result<(), Death> {
        // One share at a time: who has one waits for none.
        self.current.share = None;
        let asked = Instant::now();
        // A picture that can be decoded in the parent is not refused for the copy.
        let memory = &job.limits.memory;
        let with_copy = bytes.saturating_add(job.bytes.len() as u64);
        let needed = with_copy.min(memory.most(Purpose::Work)).max(bytes);
        match memory.take(needed) {
            Ok(share) => {
                self.current.share = Some(share);
                self.bound(job, needed);
                // The wait for others does not count, and nothing else gives a child more time.
                self.current.deadline += asked.elapsed();
                self.send(&ToChild::Grant)
            }
            Err(refused) => self.send(&ToChild::Deny(refused)),
        }
    }

    /// The pixels in the shared memory; `None` where there are none of this size within the limits.
    fn pixels(&self, job: Job<'_>, width: u32, height: u32) -> Option<Image> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 || pixels > job.limits.max_pixels {
            return None;
        }
        let mut rgb = vec![0; usize::try_from(pixels * 3).ok()?];
        self.memory.read_exact_at(&mut rgb, 0).ok()?;
        self.memory.set_len(0).ok()?;
        Image::from_rgb(width, height, rgb)
    }

    fn send(&mut self, message: &ToChild) -> Result<(), Death> {
        let sent = message.send(&self.socket);
        sent.map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Death::TooSlow,
            _ => Death::Ended(self.end()),
        })
    }

    fn receive(&mut self) -> Result<FromChild, Death> {
        let mut socket = Timed {
            socket: &self.socket,
            deadline: self.current.deadline,
        };
        FromChild::receive(&mut socket).map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => Death::TooSlow,
            io::ErrorKind::InvalidData => Death::Garbled,
            _ => Death::Ended(self.end()),
        })
    }

    /// How a child ended that closed its socket. One that did not end is killed.
    fn end(&mut self) -> Option<ExitStatus> {
        let until = Instant::now() + Duration::from_secs(2);
        while Instant::now() < until {
            match self.process.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                Err(_) => return None,
            }
        }
        None
    }

    /// Whether the child waits for a picture, as far as can be seen.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// What the picture was allowed that it was lost with.
    pub(crate) fn allowed(&self) -> Allowed {
        Allowed {
            processor: self.processor,
            wall: self.wall,
            memory: self.current.granted,
        }
    }
}

/// It ends at once, and leaves no zombie.
impl Drop for Child {
    fn drop(&mut self) {
        let _has_ended = self.process.kill();
        let _was_waited_for = self.process.wait();
    }
}

impl Current {
    fn none() -> Self {
        Self {
            deadline: Instant::now(),
            mapped: None,
            bounds: Bounds {
                processor: Duration::ZERO,
                address_space: 0,
                file: 0,
            },
            share: None,
            granted: 0,
        }
    }
}

/// A socket that is read until a point in time.
struct Timed<'a> {
    socket: &'a UnixStream,
    deadline: Instant,
}

impl io::Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.socket.set_read_timeout(Some(left))?;
        let read = (&*self.socket).read(buffer);
        read.map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
            _ => error,
        })
    }
}
