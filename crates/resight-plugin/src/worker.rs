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
use crate::ticket::AtWork;
use crate::value::{Call, Reply};
use crate::wire::{self, INLINE, Kind, NeedMeta, Order, ReplyMeta};

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
    /// At work on a function that lately ended others.
    pub(crate) at_risk: bool,
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

    /// How to reach it while it runs the call `id`.
    pub(crate) fn at_work(&self, id: u32) -> AtWork {
        AtWork {
            monitor: self.monitor.clone(),
            lifeline: self.lifeline.clone(),
            id,
        }
    }

    /// Sends one call, or several of one batched function.
    pub(crate) fn begin(&mut self, calls: &[&Call<'_>], limit: Duration) -> Sent {
        self.begin_with(limit, |worker, sent| worker.send(calls, sent))
    }

    /// Sends a call that was written before. As it is short, this does not wait.
    pub(crate) fn begin_short(&mut self, order: &Order, limit: Duration) -> Sent {
        self.begin_with(limit, |worker, sent| {
            let body: Vec<&[u8]> = order.call.contents().collect();
            let header = (Kind::Call, sent.id);
            let until = sent.deadline;
            worker
                .channel
                .send(&worker.monitor, header, &order.meta, &body, &[], until)?;
            Ok(())
        })
    }

    fn begin_with(
        &mut self,
        limit: Duration,
        send: impl FnOnce(&mut Self, &Sent) -> Result<(), Trouble>,
    ) -> Sent {
        let mut sent = Sent {
            id: self.next_id,
            limit,
            deadline: Instant::now() + limit,
            mark: self.captured.mark(),
            stage: Stage::Waiting,
        };
        if let Err(broken) = self.channel.quiet() {
            sent.stage = Stage::Gone(broken);
            return sent;
        }
        self.next_id = self.next_id.wrapping_add(1).max(1);
        self.calls += 1;
        if let Err(trouble) = send(self, &sent) {
            sent.stage = Stage::Failed(trouble);
        }
        sent
    }

    /// Looks for the answer without waiting for anything.
    pub(crate) fn advance(&mut self, call: &Call<'_>, sent: &mut Sent) -> Progress {
        if let Stage::Waiting = sent.stage {
            match self.channel.advance(self.setting.config.max_result) {
                Ok(None) => return Progress::Waiting,
                Ok(Some(frame)) => sent.stage = Stage::Arrived(frame),
                Err(broken) => sent.stage = Stage::Failed(broken.into()),
            }
        }
        // What lies in shared memory takes a while to copy.
        let short = |frame: &Frame| match frame.kind {
            Kind::Result => !frame.body.is_empty(),
            kind => kind != Kind::Need,
        };
        match std::mem::replace(&mut sent.stage, Stage::Waiting) {
            Stage::Arrived(frame) if frame.id == sent.id && short(&frame) => {
                match self.read(frame, &[call]) {
                    Ok(done) => Progress::Done(Ok(done)),
                    Err(Trouble::Caller(error)) => Progress::Done(Err(error)),
                    Err(trouble) => {
                        sent.stage = Stage::Failed(trouble);
                        Progress::TakesTime
                    }
                }
            }
            stage => {
                sent.stage = stage;
                Progress::TakesTime
            }
        }
    }

    /// Waits for the answer. After `NotSent` and `Died` the process is gone and waited for.
    pub(crate) fn conclude(
        &mut self,
        calls: &[&Call<'_>],
        mut sent: Sent,
    ) -> Result<(Vec<Reply>, Duration), Failure> {
        loop {
            let trouble = match sent.stage {
                Stage::Gone(broken) => {
                    let (cause, detail) = match broken {
                        Broken::Garbled(detail) => (Cause::Protocol, detail),
                        _ => (Cause::Crash, "it had ended".into()),
                    };
                    return Err(Failure::NotSent(self.bury(cause, detail, sent.mark)));
                }
                Stage::Waiting => {
                    let limit = self.setting.config.max_result;
                    match self.channel.receive(&self.monitor, limit, sent.deadline) {
                        Ok(frame) => {
                            sent.stage = Stage::Arrived(frame);
                            continue;
                        }
                        Err(broken) => broken.into(),
                    }
                }
                Stage::Arrived(frame) if frame.id != sent.id => {
                    Broken::Garbled("the answer to another call".into()).into()
                }
                Stage::Arrived(frame) if frame.kind == Kind::Need => {
                    sent.stage = Stage::Waiting;
                    match self.grant(&frame, &sent) {
                        Ok(()) => continue,
                        Err(broken) => broken.into(),
                    }
                }
                Stage::Arrived(frame) => match self.read(frame, calls) {
                    Ok(done) => return Ok(done),
                    Err(trouble) => trouble,
                },
                Stage::Failed(trouble) => trouble,
            };
            let broken = match trouble {
                Trouble::Caller(error) => return Err(Failure::Answered(error)),
                Trouble::Broken(broken) => broken,
            };
            let (cause, detail) = match broken {
                Broken::Closed => (Cause::Crash, String::new()),
                Broken::TimedOut => {
                    // Its dump says where it was; it needs no lock of Python's.
                    self.monitor.ask_for_dump();
                    std::thread::sleep(Duration::from_millis(30));
                    (
                        Cause::Timeout,
                        format!("it ran longer than {:?}", sent.limit),
                    )
                }
                Broken::Garbled(detail) => (Cause::Protocol, detail),
            };
            return Err(Failure::Died(self.bury(cause, detail, sent.mark)));
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

    fn send(&mut self, calls: &[&Call<'_>], sent: &Sent) -> Result<(), Trouble> {
        let (places, length) = wire::layout(calls);
        let parts: Vec<&[u8]> = calls.iter().flat_map(|c| c.contents()).collect();
        let new_input = length > INLINE && self.prepare(&places, &parts, length as u64);
        let shared = length > INLINE && self.input.is_some();
        // In the frame the parts follow each other without gaps.
        let places = if shared { places } else { wire::packed(calls) };
        let meta = wire::call_meta(calls, places, shared, new_input)
            .map_err(|e| Trouble::Caller(io_error(&e)))?;
        let fds: Vec<_> = self
            .input
            .iter()
            .filter(|_| new_input)
            .map(Slot::given)
            .collect();
        let body: &[&[u8]] = if shared { &[] } else { &parts };
        let header = (Kind::Call, sent.id);
        self.channel
            .send(&self.monitor, header, &meta, body, &fds, sent.deadline)?;
        Ok(())
    }

    /// Gives memory for an answer that does not fit into a frame. Too much is not granted: the
    /// worker is then given up.
    fn grant(&mut self, frame: &Frame, sent: &Sent) -> Result<(), Broken> {
        let limit = self.setting.config.max_result;
        let need: NeedMeta = serde_json::from_slice(&frame.meta)
            .map_err(|_| Broken::Garbled("a request for memory without a size".into()))?;
        if need.bytes > limit {
            return Err(Broken::Garbled(format!(
                "an answer of {} bytes; at most {limit} are taken",
                need.bytes
            )));
        }
        self.output = self.slot(need.bytes, false);
        let fds: Vec<_> = self.output.iter().map(Slot::given).collect();
        let header = (Kind::Grant, sent.id);
        self.channel
            .send(&self.monitor, header, b"{}", &[], &fds, sent.deadline)
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
        self.idle_since = Instant::now();
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

fn io_error(error: &serde_json::Error) -> PluginError {
    let detail = io::Error::other(error.to_string()).to_string();
    PluginError::Io { detail }
}

/// A call on its way.
pub(crate) struct Sent {
    pub(crate) id: u32,
    limit: Duration,
    deadline: Instant,
    /// Where in the captured output it began.
    mark: u64,
    stage: Stage,
}

impl Sent {
    /// How long it may take.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }
}

enum Stage {
    /// The worker had ended before.
    Gone(Broken),
    Waiting,
    Arrived(Frame),
    Failed(Trouble),
}

/// What is to be seen of an answer without waiting.
pub(crate) enum Progress {
    Waiting,
    Done(Result<(Vec<Reply>, Duration), PluginError>),
    /// The rest belongs to [`Worker::conclude`], on a thread that may wait.
    TakesTime,
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
