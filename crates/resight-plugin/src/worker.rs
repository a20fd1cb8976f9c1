//! One worker process as the one who holds it sees it: calls in, answers out, one at a time.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::channel::{Broken, Channel, Frame};
use crate::config::PluginConfig;
use crate::death::Death;
use crate::error::PluginError;
use crate::lock;
use crate::manifest::Manifest;
use crate::monitor::{Cause, Monitor};
use crate::output::Captured;
use crate::reply::{self, Fault};
use crate::slot::{Slot, Transport, Transports};
use crate::value::{Call, Reply};
use crate::wire::{self, INLINE, Kind, NeedMeta, ReplyMeta};

/// What every worker of a plug-in shares.
pub(crate) struct Setting {
    pub(crate) config: PluginConfig,
    pub(crate) transports: Transports,
}

/// Tells a worker which call is no longer wanted.
pub(crate) struct Lifeline(pub(crate) Mutex<UnixStream>);

impl Lifeline {
    pub(crate) fn cancel(&self, id: u32) {
        let _full_or_gone = lock(&self.0).write(&id.to_le_bytes());
    }
}

pub(crate) struct Worker {
    pub(crate) setting: Arc<Setting>,
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) lifeline: Arc<Lifeline>,
    pub(crate) captured: Arc<Captured>,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) channel: Channel,
    pub(crate) input: Option<Slot>,
    pub(crate) output: Option<Slot>,
    pub(crate) next_id: u32,
    pub(crate) calls: u64,
    pub(crate) born: Instant,
    pub(crate) idle_since: Instant,
}

/// Why calls were not answered.
pub(crate) enum Failure {
    /// The function's own doing; the worker goes on.
    Answered(PluginError),
    /// The worker had gone before it could be told: nobody's call is to blame.
    NotSent(Death),
    /// The worker died in the call.
    Died(Death),
}

impl Worker {
    /// The number that the next call will have.
    pub(crate) fn upcoming(&self) -> u32 {
        self.next_id
    }

    /// Runs one call, or several of one batched function. After `NotSent` and `Died` the process
    /// is gone and waited for.
    pub(crate) fn run(
        &mut self,
        calls: &[&Call<'_>],
        limit: Duration,
    ) -> Result<(Vec<Reply>, Duration), Failure> {
        let mark = self.captured.mark();
        let deadline = Instant::now() + limit;
        if let Err(broken) = self.channel.quiet() {
            let (cause, detail) = match broken {
                Broken::Garbled(detail) => (Cause::Protocol, detail),
                _ => (Cause::Crash, "it had ended".into()),
            };
            return Err(Failure::NotSent(self.bury(cause, detail, mark)));
        }
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1).max(1);
        self.calls += 1;
        let answer = match self.exchange(calls, id, deadline) {
            Ok(answer) => answer,
            Err(Trouble::Caller(error)) => return Err(Failure::Answered(error)),
            Err(Trouble::Broken(broken)) => {
                let (cause, detail) = match broken {
                    Broken::Closed => (Cause::Crash, String::new()),
                    Broken::TimedOut => {
                        // Its dump says where it was; it needs no lock of Python's.
                        self.monitor.ask_for_dump();
                        std::thread::sleep(Duration::from_millis(30));
                        (Cause::Timeout, format!("it ran longer than {limit:?}"))
                    }
                    Broken::Garbled(detail) => (Cause::Protocol, detail),
                };
                return Err(Failure::Died(self.bury(cause, detail, mark)));
            }
        };
        self.idle_since = Instant::now();
        match self.read(answer, calls) {
            Ok(done) => Ok(done),
            Err(Trouble::Caller(error)) => Err(Failure::Answered(error)),
            Err(Trouble::Broken(broken)) => {
                let detail = match broken {
                    Broken::Garbled(detail) => detail,
                    _ => String::new(),
                };
                Err(Failure::Died(self.bury(Cause::Protocol, detail, mark)))
            }
        }
    }

    /// Whether it answers within `limit`.
    pub(crate) fn ping(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1).max(1);
        self.idle_since = Instant::now();
        self.channel.quiet().is_ok()
            && self
                .channel
                .send(&self.monitor, (Kind::Ping, id), &[], &[], &[], deadline)
                .is_ok()
            && self
                .channel
                .receive(&self.monitor, 0, deadline)
                .is_ok_and(|f| f.kind == Kind::Pong && f.id == id)
    }

    /// Lets an idle worker end by itself, then makes sure.
    pub(crate) fn retire(mut self) {
        let deadline = Instant::now() + Duration::from_secs(1);
        let stop = (Kind::Stop, self.next_id);
        let _gone = self
            .channel
            .send(&self.monitor, stop, &[], &[], &[], deadline);
        self.monitor.wait(Duration::from_secs(2));
        self.monitor.reap();
    }

    /// Ends it and says how it ended.
    pub(crate) fn bury(&mut self, cause: Cause, detail: String, mark: u64) -> Death {
        // One that closed the socket on its way out gets the time to end by itself, so that the
        // cause is its own.
        if cause == Cause::Crash {
            self.monitor.wait(Duration::from_millis(200));
        }
        if !self.monitor.exited() {
            self.monitor.kill(cause, detail.clone());
        }
        let status = self.monitor.reap();
        self.captured.wait_closed(Duration::from_millis(500));
        Death::new(
            self.monitor.killed_for(),
            (cause, detail),
            status,
            self.captured.since(mark, 40),
            &self.setting.config.file.to_string_lossy(),
        )
    }

    fn exchange(
        &mut self,
        calls: &[&Call<'_>],
        id: u32,
        deadline: Instant,
    ) -> Result<Frame, Trouble> {
        let (places, length) = wire::layout(calls);
        let parts: Vec<&[u8]> = calls.iter().flat_map(|c| c.contents()).collect();
        let new_input = length > INLINE && self.prepare(&places, &parts, length as u64);
        let shared = length > INLINE && self.input.is_some();
        // In the frame the parts follow each other without gaps.
        let places = if shared { places } else { packed(&parts) };
        let meta = wire::call_meta(calls, places, shared, new_input)
            .map_err(|e| Trouble::Caller(io_error(&e)))?;
        let fds: Vec<_> = self
            .input
            .iter()
            .filter(|_| new_input)
            .map(Slot::given)
            .collect();
        let body: &[&[u8]] = if shared { &[] } else { &parts };
        self.channel
            .send(&self.monitor, (Kind::Call, id), &meta, body, &fds, deadline)?;
        let limit = self.setting.config.max_result;
        loop {
            let frame = self.channel.receive(&self.monitor, limit, deadline)?;
            if frame.id != id {
                return Err(Broken::Garbled("the answer to another call".into()).into());
            }
            if frame.kind != Kind::Need {
                return Ok(frame);
            }
            let need: NeedMeta = serde_json::from_slice(&frame.meta)
                .map_err(|_| Broken::Garbled("a request for memory without a size".into()))?;
            // Too much is granted nothing: the answer itself is then refused.
            self.output = (need.bytes <= limit)
                .then(|| self.slot(need.bytes, false))
                .flatten();
            let fds: Vec<_> = self.output.iter().map(Slot::given).collect();
            if need.bytes > limit {
                let detail = format!(
                    "an answer of {} bytes; at most {limit} are taken",
                    need.bytes
                );
                return Err(Broken::Garbled(detail).into());
            }
            self.channel
                .send(&self.monitor, (Kind::Grant, id), b"{}", &[], &fds, deadline)?;
        }
    }

    /// Puts the parts into shared memory; whether that is new to the worker. Without memory
    /// `input` is none and the parts go through the socket.
    fn prepare(&mut self, places: &[(usize, usize)], parts: &[&[u8]], need: u64) -> bool {
        let reused = self.input.as_ref().is_some_and(|s| s.suits(need));
        loop {
            if !(reused && self.input.is_some()) {
                self.input = self.slot(need, true);
            }
            let Some(slot) = &mut self.input else {
                return false;
            };
            let mut pairs = places.iter().zip(parts);
            match pairs.try_for_each(|((at, _), part)| slot.write(*at as u64, part)) {
                Ok(()) => return !reused,
                Err(why) => {
                    let from = self.setting.transports.best();
                    self.setting.transports.fall_back(from, &why);
                    self.input = None;
                }
            }
            if reused {
                return false;
            }
        }
    }

    fn slot(&self, need: u64, read_only: bool) -> Option<Slot> {
        loop {
            let transport = self.setting.transports.best();
            if transport == Transport::Socket {
                return None;
            }
            match Slot::new(transport, need, read_only) {
                Ok(slot) => return Some(slot),
                Err(why) => self.setting.transports.fall_back(transport, &why),
            }
        }
    }

    fn read(
        &mut self,
        frame: Frame,
        calls: &[&Call<'_>],
    ) -> Result<(Vec<Reply>, Duration), Trouble> {
        let meta: ReplyMeta = serde_json::from_slice(&frame.meta)
            .map_err(|e| Broken::Garbled(format!("an answer that cannot be read: {e}")))?;
        if meta.kept {
            self.input = None;
        }
        let function = calls.first().map_or("", |c| &*c.function).to_owned();
        let file = &self.setting.config.file.to_string_lossy();
        let bad = |detail| {
            let function = function.clone();
            Trouble::Caller(PluginError::BadResult { function, detail })
        };
        match frame.kind {
            Kind::Raised => Err(Trouble::Caller(reply::raised(meta, &function, file))),
            Kind::BadResult => Err(bad(meta.message)),
            Kind::Result => {
                let limit = self.setting.config.max_result;
                let spent = Duration::from_micros(meta.us);
                reply::parts(&meta, frame.body, self.output.as_ref(), limit)
                    .and_then(|parts| reply::replies(&meta, parts, calls))
                    .map(|replies| (replies, spent))
                    .map_err(|fault| match fault {
                        Fault::Author(detail) => bad(detail),
                        Fault::Protocol(detail) => Trouble::Broken(Broken::Garbled(detail)),
                    })
            }
            other => Err(Broken::Garbled(format!("{other:?} instead of an answer")).into()),
        }
    }
}

fn packed(parts: &[&[u8]]) -> Vec<(usize, usize)> {
    let mut at = 0;
    parts
        .iter()
        .map(|part| {
            at += part.len();
            (at - part.len(), part.len())
        })
        .collect()
}

fn io_error(error: &serde_json::Error) -> PluginError {
    let detail = io::Error::other(error.to_string()).to_string();
    PluginError::Io { detail }
}

enum Trouble {
    Broken(Broken),
    Caller(PluginError),
}

impl From<Broken> for Trouble {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.monitor.reap();
    }
}
