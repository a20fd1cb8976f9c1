//! The server's end of a worker's socket. Every length is bounded and every wait has a deadline.

use std::cmp::Ordering;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{
    RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recv, send, sendmsg,
};

use super::process::{WorkerProcess, timespec};
use super::wire::{HEADER, Header, Kind};

/// Why the socket cannot be used any longer.
#[derive(Debug)]
pub(crate) enum ChannelError {
    /// The worker ended, or closed the socket.
    Closed,
    /// The same, before it had read all of what was sent. A worker reads a call whole before it begins.
    Unread,
    /// The deadline passed.
    TimedOut,
    /// The worker broke the protocol.
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
    /// The same socket, registered with the runtime of the task that first waited for it.
    watched: Option<Arc<tokio::net::UnixStream>>,
    buffer: Box<[u8]>,
    /// The received part of the next frame. Memory grows with what was received, not with what was
    /// announced.
    received: Vec<u8>,
}

impl Channel {
    pub(crate) fn new(socket: UnixStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            watched: None,
            buffer: vec![0; 64 * 1024].into_boxed_slice(),
            received: Vec::new(),
        })
    }

    /// The socket for a task to wait on; `None` when its runtime cannot register it.
    pub(crate) fn watched(&mut self) -> Option<Arc<tokio::net::UnixStream>> {
        if self.watched.is_none() {
            let socket = self.socket.try_clone().ok()?;
            let watched = tokio::net::UnixStream::from_std(socket).ok()?;
            self.watched = Some(Arc::new(watched));
        }
        self.watched.clone()
    }

    /// Checks that the worker sent nothing since its last reply.
    pub(crate) fn check_quiet(&mut self) -> Result<(), ChannelError> {
        let mut byte = [0u8; 1];
        match recv(&self.socket, &mut byte[..], RecvFlags::DONTWAIT) {
            Err(e) if again(e) => Ok(()),
            Ok((_, 0)) | Err(_) => Err(ChannelError::Closed),
            Ok(_) => Err(ChannelError::Garbled("bytes between replies".into())),
        }
    }

    /// Sends bytes without a header.
    pub(crate) fn send_all(
        &mut self,
        process: &WorkerProcess,
        mut bytes: &[u8],
        deadline: Instant,
    ) -> Result<(), ChannelError> {
        while !bytes.is_empty() {
            match send(&self.socket, bytes, SendFlags::NOSIGNAL) {
                Ok(n) => bytes = &bytes[n..],
                Err(e) if again(e) => self.wait(process, PollFlags::OUT, deadline)?,
                Err(_) => return Err(ChannelError::Closed),
            }
        }
        Ok(())
    }

    /// Sends a frame; `fds` arrive with its first byte.
    pub(crate) fn send(
        &mut self,
        process: &WorkerProcess,
        header: (Kind, u32),
        meta: &[u8],
        body: &[&[u8]],
        fds: &[BorrowedFd<'_>],
        deadline: Instant,
    ) -> Result<(), ChannelError> {
        let length: usize = body.iter().map(|b| b.len()).sum();
        let (Ok(meta_length), Ok(body_length)) = (meta.len().try_into(), length.try_into()) else {
            return Err(ChannelError::Garbled(
                "a call longer than a frame can be".into(),
            ));
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
        let mut later = body;
        if length <= 64 * 1024 {
            body.iter().for_each(|part| start.extend_from_slice(part));
            later = &[];
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
                Err(e) if again(e) => self.wait(process, PollFlags::OUT, deadline)?,
                Err(_) => return Err(ChannelError::Closed),
            }
        };
        self.send_all(process, &start[sent..], deadline)?;
        for part in later {
            self.send_all(process, part, deadline)?;
        }
        Ok(())
    }

    /// The next frame, of at most `max_body` bytes of body.
    pub(crate) fn receive(
        &mut self,
        process: &WorkerProcess,
        max_body: u64,
        deadline: Instant,
    ) -> Result<Frame, ChannelError> {
        loop {
            if let Some(frame) = self.try_receive(max_body)? {
                return Ok(frame);
            }
            self.wait(process, PollFlags::IN, deadline)?;
        }
    }

    /// As [`Channel::receive`], but never waits: `None` while the frame is incomplete.
    pub(crate) fn try_receive(&mut self, max_body: u64) -> Result<Option<Frame>, ChannelError> {
        loop {
            if let Some(frame) = self.complete(max_body)? {
                return Ok(Some(frame));
            }
            match recv(&self.socket, &mut self.buffer[..], RecvFlags::empty()) {
                Ok((_, 0)) => return Err(ChannelError::Closed),
                Ok((_, n)) => self.received.extend_from_slice(&self.buffer[..n]),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(None),
                // Linux says this once, where bytes were left in the other end's buffer.
                Err(Errno::CONNRESET) => return Err(ChannelError::Unread),
                Err(_) => return Err(ChannelError::Closed),
            }
        }
    }

    /// The received frame, once it is complete.
    fn complete(&mut self, max_body: u64) -> Result<Option<Frame>, ChannelError> {
        let Some(head) = self.received.first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let header = Header::from_worker(head, max_body).map_err(ChannelError::Garbled)?;
        let body_start = HEADER + header.meta as usize;
        let total = body_start + header.body as usize;
        match self.received.len().cmp(&total) {
            Ordering::Less => return Ok(None),
            Ordering::Equal => {}
            Ordering::Greater => {
                return Err(ChannelError::Garbled("bytes after a reply".into()));
            }
        }
        let mut meta = std::mem::take(&mut self.received);
        let body = meta.split_off(body_start);
        meta.drain(..HEADER);
        Ok(Some(Frame {
            kind: header.kind,
            id: header.id,
            meta,
            body,
        }))
    }

    /// Waits until the socket is ready, the worker has ended, or the deadline. The worker's end need
    /// not show on the socket: its children may hold that open.
    fn wait(
        &self,
        process: &WorkerProcess,
        flags: PollFlags,
        deadline: Instant,
    ) -> Result<(), ChannelError> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ChannelError::TimedOut);
            }
            let timeout = if process.pidfd().is_some() {
                timespec(left)
            } else {
                timespec(left.min(Duration::from_millis(20)))
            };
            let mut fds = vec![PollFd::from_borrowed_fd(self.socket.as_fd(), flags)];
            if let Some(pidfd) = process.pidfd() {
                fds.push(PollFd::from_borrowed_fd(pidfd, PollFlags::IN));
            }
            match poll(&mut fds, Some(&timeout)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return Err(ChannelError::Closed),
            }
            if !fds[0].revents().is_empty() {
                return Ok(());
            }
            let ended = match fds.get(1) {
                Some(pidfd) => !pidfd.revents().is_empty(),
                None => process.exited(),
            };
            if ended {
                return Err(ChannelError::Closed);
            }
        }
    }
}

fn again(e: Errno) -> bool {
    e == Errno::AGAIN || e == Errno::INTR
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command};

    use super::*;

    /// A channel, the worker's end of its socket, and a process in place of the worker.
    fn channel(seconds: &str) -> (Channel, UnixStream, WorkerProcess) {
        let child: Child = Command::new("sleep")
            .arg(seconds)
            .process_group(0)
            .spawn()
            .unwrap();
        let (near, far) = UnixStream::pair().unwrap();
        let process = WorkerProcess::new(child, format!("channel-test-{seconds}"));
        (Channel::new(near).unwrap(), far, process)
    }

    fn frame(body: &[u8]) -> Vec<u8> {
        let header = Header {
            kind: Kind::Result,
            id: 3,
            meta: 2,
            body: body.len() as u32,
        };
        [&header.to_bytes()[..], b"{}", body].concat()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn a_frame_arrives_whole_whatever_pieces_it_comes_in() {
        let (mut channel, mut far, process) = channel("1000");
        let bytes = frame(b"body");
        let (first, second) = bytes.split_at(21);
        far.write_all(first).unwrap();
        assert!(channel.try_receive(4).unwrap().is_none());
        far.write_all(second).unwrap();
        let frame = channel.receive(&process, 4, soon()).unwrap();
        assert_eq!(
            (frame.id, &*frame.meta, &*frame.body),
            (3, &b"{}"[..], &b"body"[..])
        );
        assert!(channel.check_quiet().is_ok());
    }

    #[test]
    fn bytes_that_belong_to_no_frame_are_refused() {
        let (mut channel, mut far, _process) = channel("1000");
        far.write_all(&frame(b"body")).unwrap();
        assert!(matches!(
            channel.check_quiet(),
            Err(ChannelError::Garbled(_))
        ));
        let (mut channel, mut far, _process) = self::channel("1000");
        far.write_all(&[frame(b"a"), frame(b"b")].concat()).unwrap();
        assert!(matches!(
            channel.try_receive(9),
            Err(ChannelError::Garbled(_))
        ));
        let (mut channel, mut far, _process) = self::channel("1000");
        far.write_all(&frame(b"long")).unwrap();
        assert!(matches!(
            channel.try_receive(3),
            Err(ChannelError::Garbled(_))
        ));
    }

    #[test]
    fn a_wait_ends_at_the_deadline_and_with_the_process() {
        let (mut channel, _far, process) = channel("1000");
        let deadline = Instant::now() + Duration::from_millis(20);
        let late = channel.receive(&process, 9, deadline);
        assert!(matches!(late, Err(ChannelError::TimedOut)));
        // The worker's end of the socket stays open, as if a child of the worker had it.
        let (mut channel, _far, process) = self::channel("0.05");
        let ended = channel.receive(&process, 9, soon());
        assert!(matches!(ended, Err(ChannelError::Closed)));
    }

    #[test]
    fn a_worker_that_ended_without_reading_a_call_is_told_from_one_that_began() {
        for (read, has_begun) in [(0, false), (HEADER, false), (HEADER + 2, true)] {
            let (mut channel, mut far, process) = channel("1000");
            let sent = channel.send(&process, (Kind::Call, 9), b"{}", &[], &[], soon());
            assert!(sent.is_ok());
            let mut bytes = vec![0; read];
            far.read_exact(&mut bytes).unwrap();
            drop(far);
            let ended = channel.receive(&process, 9, soon()).unwrap_err();
            assert_eq!(matches!(ended, ChannelError::Closed), has_begun, "{read}");
            assert_eq!(matches!(ended, ChannelError::Unread), !has_begun, "{read}");
        }
    }

    #[test]
    fn a_long_frame_is_sent_while_the_worker_reads() {
        let (mut channel, mut far, process) = channel("1000");
        let body = vec![5; 3_000_000];
        let reader = std::thread::spawn(move || {
            let mut received = vec![0; HEADER + 2 + 3_000_000];
            far.read_exact(&mut received).unwrap();
            received
        });
        let parts = [&body[..1_000_000], &body[1_000_000..]];
        let sent = channel.send(&process, (Kind::Call, 9), b"{}", &parts, &[], soon());
        assert!(sent.is_ok());
        let received = reader.join().unwrap();
        assert_eq!(received[HEADER + 2..], body);
        assert_eq!(received[8..12], 9u32.to_le_bytes());
    }
}
