//! The server's end of a worker's socket: bounded, with a deadline on everything.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recv, send, sendmsg,
};

use crate::monitor::Monitor;
use crate::wire::{HEADER, Header, Kind};

/// Why nothing more can be said to a worker.
#[derive(Debug)]
pub(crate) enum Broken {
    /// It ended, or closed the socket.
    Closed,
    /// The deadline passed.
    TimedOut,
    /// It sent what is no frame.
    Garbled(String),
}

/// A frame from a worker.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) id: u32,
    pub(crate) meta: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Channel {
    socket: UnixStream,
    buffer: Box<[u8]>,
}

impl Channel {
    pub(crate) fn new(socket: UnixStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            buffer: vec![0; 64 * 1024].into_boxed_slice(),
        })
    }

    /// Nothing may have come since the last answer: bytes now are not part of any.
    pub(crate) fn quiet(&mut self) -> Result<(), Broken> {
        let mut byte = [0u8; 1];
        match recv(&self.socket, &mut byte[..], RecvFlags::DONTWAIT) {
            Err(e) if again(e) => Ok(()),
            Ok((_, 0)) | Err(_) => Err(Broken::Closed),
            Ok(_) => Err(Broken::Garbled("bytes outside of an answer".into())),
        }
    }

    /// Sends bytes as they are.
    pub(crate) fn send_all(
        &mut self,
        monitor: &Monitor,
        mut bytes: &[u8],
        deadline: Instant,
    ) -> Result<(), Broken> {
        while !bytes.is_empty() {
            match send(&self.socket, bytes, SendFlags::NOSIGNAL) {
                Ok(n) => bytes = &bytes[n..],
                Err(e) if again(e) => self.wait(monitor, PollFlags::OUT, deadline)?,
                Err(_) => return Err(Broken::Closed),
            }
        }
        Ok(())
    }

    /// Sends a frame; `fds` arrive with its first byte.
    pub(crate) fn send(
        &mut self,
        monitor: &Monitor,
        header: (Kind, u32),
        meta: &[u8],
        body: &[&[u8]],
        fds: &[BorrowedFd<'_>],
        deadline: Instant,
    ) -> Result<(), Broken> {
        let length: usize = body.iter().map(|b| b.len()).sum();
        let (Ok(meta_length), Ok(body_length)) = (meta.len().try_into(), length.try_into()) else {
            return Err(Broken::Garbled("a call longer than a frame can be".into()));
        };
        let head = Header {
            kind: header.0,
            id: header.1,
            meta: meta_length,
            body: body_length,
        }
        .to_bytes();
        let mut start = Vec::with_capacity(HEADER + meta.len() + length.min(64 * 1024));
        start.extend_from_slice(&head);
        start.extend_from_slice(meta);
        let mut body = body;
        if length <= 64 * 1024 {
            body.iter().for_each(|part| start.extend_from_slice(part));
            body = &[];
        }
        let sent = loop {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            if !fds.is_empty() {
                ancillary.push(SendAncillaryMessage::ScmRights(fds));
            }
            let slices = [IoSlice::new(&start)];
            match sendmsg(&self.socket, &slices, &mut ancillary, SendFlags::NOSIGNAL) {
                Ok(n) => break n,
                Err(e) if again(e) => self.wait(monitor, PollFlags::OUT, deadline)?,
                Err(_) => return Err(Broken::Closed),
            }
        };
        self.send_all(monitor, &start[sent..], deadline)?;
        for part in body {
            self.send_all(monitor, part, deadline)?;
        }
        Ok(())
    }

    /// The next frame, of at most `max_body` bytes of body.
    pub(crate) fn receive(
        &mut self,
        monitor: &Monitor,
        max_body: u64,
        deadline: Instant,
    ) -> Result<Frame, Broken> {
        let mut have = 0;
        while have < HEADER {
            have += self.read(monitor, have, deadline)?;
        }
        let mut head = [0; HEADER];
        head.copy_from_slice(&self.buffer[..HEADER]);
        let header = Header::from_worker(&head, max_body).map_err(Broken::Garbled)?;
        let (meta, total) = (
            header.meta as usize,
            header.meta as usize + header.body as usize,
        );
        let mut all = self.buffer[HEADER..have].to_vec();
        if all.len() > total {
            return Err(Broken::Garbled("bytes after an answer".into()));
        }
        while all.len() < total {
            // Memory grows with what has come, not with what was announced.
            let n = self.read(monitor, 0, deadline)?;
            if n > total - all.len() {
                return Err(Broken::Garbled("bytes after an answer".into()));
            }
            all.extend_from_slice(&self.buffer[..n]);
        }
        let body = all.split_off(meta);
        Ok(Frame {
            kind: header.kind,
            id: header.id,
            meta: all,
            body,
        })
    }

    /// Reads behind the first `have` bytes of the buffer; at least one byte.
    fn read(&mut self, monitor: &Monitor, have: usize, deadline: Instant) -> Result<usize, Broken> {
        loop {
            match recv(&self.socket, &mut self.buffer[have..], RecvFlags::empty()) {
                Ok((_, 0)) => return Err(Broken::Closed),
                Ok((_, n)) => return Ok(n),
                Err(e) if again(e) => self.wait(monitor, PollFlags::IN, deadline)?,
                Err(_) => return Err(Broken::Closed),
            }
        }
    }

    /// Until the socket is ready, the worker has ended, or the deadline. A worker's children may
    /// hold its socket open, so that its end would not show there.
    fn wait(&self, monitor: &Monitor, flags: PollFlags, deadline: Instant) -> Result<(), Broken> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Broken::TimedOut);
            }
            let slice = if monitor.pidfd().is_some() {
                left
            } else {
                left.min(Duration::from_millis(20))
            };
            let timeout = timespec(slice);
            let mut fds = vec![PollFd::from_borrowed_fd(self.socket.as_fd(), flags)];
            if let Some(pidfd) = monitor.pidfd() {
                fds.push(PollFd::from_borrowed_fd(pidfd, PollFlags::IN));
            }
            match poll(&mut fds, Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Err(Broken::Closed),
            }
            if !fds[0].revents().is_empty() {
                return Ok(());
            }
            let ended = match fds.get(1) {
                Some(pidfd) => !pidfd.revents().is_empty(),
                None => monitor.exited(),
            };
            if ended {
                return Err(Broken::Closed);
            }
        }
    }
}

fn again(e: rustix::io::Errno) -> bool {
    e == rustix::io::Errno::AGAIN || e == rustix::io::Errno::INTR
}

pub(crate) fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs().min(1 << 31) as i64,
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
