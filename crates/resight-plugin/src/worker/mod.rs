//! One worker process as its owner sees it: a call goes in, a reply comes out, one at a time.

pub(crate) mod channel;
pub(crate) mod death;
pub(crate) mod decode;
pub(crate) mod mapping;
pub(crate) mod memory;
#[cfg(test)]
mod mutated;
pub(crate) mod output;
pub(crate) mod process;
pub(crate) mod procfs;
pub(crate) mod spawn;
pub(crate) mod wire;

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use channel::{Channel, ChannelError, Frame};
use death::{Cause, Death};
use decode::BadReply;
use memory::{SharedMemory, Transport, Transports};
use output::CapturedOutput;
use process::WorkerProcess;
use wire::{INLINE, Kind, NeedMeta, ReplyMeta};

use crate::call::Call;
use crate::config::PluginConfig;
use crate::error::PluginError;
use crate::manifest::Manifest;
use crate::reply::Reply;

/// What all workers of a plug-in share.
pub(crate) struct WorkerContext {
    pub(crate) config: PluginConfig,
    pub(crate) transports: Transports,
}

pub(crate) struct Worker {
    context: Arc<WorkerContext>,
    pub(crate) process: Arc<WorkerProcess>,
    pub(crate) manifest: Arc<Manifest>,
    /// Tells the worker which call nobody waits for any longer.
    lifeline: Arc<UnixStream>,
    captured: Arc<CapturedOutput>,
    channel: Channel,
    input: Option<SharedMemory>,
    results: Option<SharedMemory>,
    /// The id of the call that runs, or else of the next one.
    call_id: u32,
    current: CurrentCall,
    /// Calls sent so far.
    pub(crate) calls: u64,
    pub(crate) born: Instant,
    pub(crate) idle_since: Instant,
    /// The function that replied last.
    pub(crate) function: String,
    /// The function that it runs, where that recently killed other workers.
    pub(crate) at_risk: Option<String>,
}

/// The call that a worker runs.
struct CurrentCall {
    limit: Duration,
    deadline: Instant,
    /// Number of captured lines when it began.
    output_mark: u64,
    /// Whether the worker asked for memory for the result.
    has_begun: bool,
    stage: Stage,
}

enum Stage {
    /// The worker had ended before the call was sent.
    NotSent(ChannelError),
    Sent,
    Replied(Frame),
    Failed(Trouble),
}

enum Trouble {
    /// The worker is lost.
    Worker(ChannelError),
    /// The call failed; the worker can serve others.
    Call(PluginError),
}

impl From<ChannelError> for Trouble {
    fn from(error: ChannelError) -> Self {
        Self::Worker(error)
    }
}

/// Why calls got no reply.
pub(crate) enum Failure {
    /// The call failed; the worker can serve others.
    Call(PluginError),
    /// The worker died: with the call, or before the call was `sent`.
    Died { death: Death, sent: bool },
}

/// Replies to one call or to several gathered, and how long the function ran.
pub(crate) type Served = (Vec<Reply>, Duration);

impl CurrentCall {
    fn new(limit: Duration, output_mark: u64) -> Self {
        Self {
            limit,
            deadline: Instant::now() + limit,
            output_mark,
            has_begun: false,
            stage: Stage::Sent,
        }
    }
}

impl Worker {
    /// Tells the running call, or else the next one, that nobody waits for it; `true` kills the
    /// worker.
    pub(crate) fn canceller(&self) -> impl Fn(bool) + Send + Sync + 'static {
        let (process, lifeline) = (self.process.clone(), self.lifeline.clone());
        let id = self.call_id;
        move |kill| {
            if kill {
                process.kill(Cause::Cancelled, "the call was cancelled".into());
            } else {
                let _full_or_gone = (&*lifeline).write(&id.to_le_bytes());
            }
        }
    }

    /// The time limit of the call that runs.
    pub(crate) fn limit(&self) -> Duration {
        self.current.limit
    }

    /// The socket for a task to wait on; `None` when its runtime cannot register it.
    pub(crate) fn socket(&mut self) -> Option<Arc<tokio::net::UnixStream>> {
        self.channel.watched()
    }

    /// Sends one call, or several of one batched function. A failure shows in the reply.
    pub(crate) fn send(&mut self, calls: &[&Call<'_>], limit: Duration) {
        self.captured
            .begin(calls.first().map_or("", |call| &call.function));
        self.send_with(limit, |worker| worker.write(calls));
    }

    /// Sends a call with a description from [`wire::short_meta`]. Does not wait, as the frame fits
    /// into the socket.
    pub(crate) fn send_short(&mut self, call: &Call<'_>, meta: &[u8], limit: Duration) {
        self.captured.begin(&call.function);
        let body: Vec<&[u8]> = call.contents().collect();
        self.send_with(limit, |worker| Ok(worker.frame(Kind::Call, meta, &body)?));
    }

    fn send_with(&mut self, limit: Duration, send: impl FnOnce(&mut Self) -> Result<(), Trouble>) {
        self.current = CurrentCall::new(limit, self.captured.mark());
        if let Err(error) = self.channel.check_quiet() {
            self.current.stage = Stage::NotSent(error);
            return;
        }
        self.calls += 1;
        if let Err(trouble) = send(self) {
            self.current.stage = Stage::Failed(trouble);
        }
    }

    /// Looks for the reply to one call without waiting. Ready without a value: the rest may take
    /// time and belongs to [`Worker::wait_reply`] on a thread.
    pub(crate) fn poll_reply(
        &mut self,
        call: &Call<'_>,
    ) -> Poll<Option<Result<Served, PluginError>>> {
        if let Stage::Sent = self.current.stage {
            match self.channel.try_receive(self.context.config.max_result) {
                Ok(None) => return Poll::Pending,
                Ok(Some(frame)) => self.current.stage = Stage::Replied(frame),
                Err(error) => self.current.stage = Stage::Failed(error.into()),
            }
        }
        let is_short = |frame: &Frame| match frame.kind {
            // Without a body the result lies in shared memory, which takes a while to copy.
            Kind::Result => !frame.body.is_empty(),
            kind => kind != Kind::Need,
        };
        match std::mem::replace(&mut self.current.stage, Stage::Sent) {
            Stage::Replied(frame) if frame.id == self.call_id && is_short(&frame) => {
                match self.read(frame, &[call]) {
                    Ok(served) => return Poll::Ready(Some(Ok(served))),
                    Err(Trouble::Call(error)) => return Poll::Ready(Some(Err(error))),
                    Err(trouble) => self.current.stage = Stage::Failed(trouble),
                }
            }
            stage => self.current.stage = stage,
        }
        Poll::Ready(None)
    }

    /// Waits for the reply to the calls that were sent. After [`Failure::Died`] the process is gone
    /// and reaped.
    pub(crate) fn wait_reply(&mut self, calls: &[&Call<'_>]) -> Result<Served, Failure> {
        let trouble = loop {
            match std::mem::replace(&mut self.current.stage, Stage::Sent) {
                Stage::NotSent(error) => {
                    let (cause, detail) = match error {
                        ChannelError::Garbled(detail) => (Cause::Protocol, detail),
                        _ => (Cause::Crash, "it had ended".into()),
                    };
                    let death = self.bury(cause, detail);
                    return Err(Failure::Died { death, sent: false });
                }
                Stage::Failed(trouble) => break trouble,
                Stage::Sent => {
                    let most = self.context.config.max_result;
                    let deadline = self.current.deadline;
                    match self.channel.receive(&self.process, most, deadline) {
                        Ok(frame) => self.current.stage = Stage::Replied(frame),
                        Err(error) => break error.into(),
                    }
                }
                Stage::Replied(frame) if frame.id != self.call_id => {
                    break ChannelError::Garbled("the reply to another call".into()).into();
                }
                Stage::Replied(frame) if frame.kind == Kind::Need => {
                    if let Err(error) = self.grant(&frame) {
                        break error.into();
                    }
                }
                Stage::Replied(frame) => match self.read(frame, calls) {
                    Ok(served) => return Ok(served),
                    Err(trouble) => break trouble,
                },
            }
        };
        let (cause, detail) = match trouble {
            Trouble::Call(error) => return Err(Failure::Call(error)),
            Trouble::Worker(ChannelError::Unread) if !self.current.has_begun => {
                let death = self.bury(Cause::Crash, "it had ended".into());
                return Err(Failure::Died { death, sent: false });
            }
            Trouble::Worker(ChannelError::Closed | ChannelError::Unread) => {
                (Cause::Crash, String::new())
            }
            Trouble::Worker(ChannelError::Garbled(detail)) => (Cause::Protocol, detail),
            Trouble::Worker(ChannelError::TimedOut) => {
                // The dump names the line that runs; Python writes it without taking its lock.
                self.process.ask_for_dump();
                std::thread::sleep(Duration::from_millis(30));
                let detail = format!("it ran longer than {:?}", self.current.limit);
                (Cause::Timeout, detail)
            }
        };
        let death = self.bury(cause, detail);
        Err(Failure::Died { death, sent: true })
    }

    /// Whether an idle worker answers within `limit`.
    pub(crate) fn ping(&mut self, limit: Duration) -> bool {
        self.current = CurrentCall::new(limit, self.captured.mark());
        self.idle_since = Instant::now();
        let deadline = self.current.deadline;
        let answers = self.channel.check_quiet().is_ok()
            && self.frame(Kind::Ping, &[], &[]).is_ok()
            && self
                .channel
                .receive(&self.process, 0, deadline)
                .is_ok_and(|frame| frame.kind == Kind::Pong && frame.id == self.call_id);
        self.next_call_id();
        answers
    }

    /// Asks an idle worker to end, and kills it when it does not.
    pub(crate) fn retire(mut self) {
        self.current = CurrentCall::new(Duration::from_secs(1), 0);
        let _gone = self.frame(Kind::Stop, &[], &[]);
        self.process.wait(Duration::from_secs(2));
        self.process.reap();
    }

    /// Kills the worker, unless it has ended by itself, and finds out how it ended.
    pub(crate) fn bury(&mut self, cause: Cause, detail: String) -> Death {
        // A worker that closed the socket on its way out gets time to end, so that its own exit
        // status is the cause.
        if cause == Cause::Crash {
            self.process.wait(Duration::from_millis(200));
        }
        if !self.process.exited() {
            self.process.kill(cause, detail.clone());
        }
        let status = self.process.reap();
        self.captured.wait_closed(Duration::from_millis(500));
        Death::new(
            self.process.killed_for(),
            (cause, detail),
            status,
            self.captured.since(self.current.output_mark, 40),
            &self.context.config.file.to_string_lossy(),
        )
    }

    fn next_call_id(&mut self) {
        self.call_id = self.call_id.wrapping_add(1).max(1);
    }

    fn frame(&mut self, kind: Kind, meta: &[u8], body: &[&[u8]]) -> Result<(), ChannelError> {
        let (header, deadline) = ((kind, self.call_id), self.current.deadline);
        self.channel
            .send(&self.process, header, meta, body, &[], deadline)
    }

    fn write(&mut self, calls: &[&Call<'_>]) -> Result<(), Trouble> {
        let (aligned, length) = wire::layout(calls, 64);
        let parts: Vec<&[u8]> = calls.iter().flat_map(|c| c.contents()).collect();
        let is_long = length > INLINE;
        let is_new = is_long && self.fill_input(&aligned, &parts, length as u64);
        let is_shared = is_long && self.input.is_some();
        let places = if is_shared {
            aligned
        } else {
            wire::layout(calls, 1).0
        };
        let meta = wire::call_meta(calls, places, is_shared, is_new).map_err(|e| {
            let detail = e.to_string();
            Trouble::Call(PluginError::Io { detail })
        })?;
        let new_input = self.input.as_ref().filter(|_| is_new);
        let fds: Vec<_> = new_input.map(SharedMemory::given).into_iter().collect();
        let body: &[&[u8]] = if is_shared { &[] } else { &parts };
        let (header, deadline) = ((Kind::Call, self.call_id), self.current.deadline);
        self.channel
            .send(&self.process, header, &meta, body, &fds, deadline)?;
        Ok(())
    }

    /// Sends memory for a result that does not fit into a frame. Refuses more than the limit, which
    /// costs the worker.
    fn grant(&mut self, frame: &Frame) -> Result<(), ChannelError> {
        let limit = self.context.config.max_result;
        let need: NeedMeta = serde_json::from_slice(&frame.meta)
            .map_err(|_| ChannelError::Garbled("a request for memory without a size".into()))?;
        if need.bytes > limit {
            return Err(ChannelError::Garbled(format!(
                "a result of {} bytes; the limit is {limit}",
                need.bytes
            )));
        }
        self.current.has_begun = true;
        self.results = self.allocate(need.bytes, false);
        let fds: Vec<_> = self.results.iter().map(SharedMemory::given).collect();
        let (header, deadline) = ((Kind::Grant, self.call_id), self.current.deadline);
        self.channel
            .send(&self.process, header, b"{}", &[], &fds, deadline)
    }

    /// Copies the parts into shared memory. Returns whether that memory is new to the worker. Leaves
    /// `input` empty when there is no shared memory: the parts then go through the socket.
    fn fill_input(&mut self, places: &[(usize, usize)], parts: &[&[u8]], need: u64) -> bool {
        let is_reused = self.input.as_ref().is_some_and(|m| m.suits(need));
        loop {
            if !(is_reused && self.input.is_some()) {
                self.input = self.allocate(need, true);
            }
            let Some(memory) = &mut self.input else {
                return false;
            };
            let mut pairs = places.iter().zip(parts);
            match pairs.try_for_each(|((at, _), part)| memory.write(*at as u64, part)) {
                Ok(()) => return !is_reused,
                Err(why) => {
                    let from = self.context.transports.best();
                    self.context.transports.fall_back(from, &why);
                    self.input = None;
                }
            }
            if is_reused {
                return false;
            }
        }
    }

    fn allocate(&self, need: u64, read_only: bool) -> Option<SharedMemory> {
        loop {
            let transport = self.context.transports.best();
            if transport == Transport::Socket {
                return None;
            }
            match SharedMemory::new(transport, need, read_only) {
                Ok(memory) => return Some(memory),
                Err(why) => self.context.transports.fall_back(transport, &why),
            }
        }
    }

    /// Decodes a reply to the calls that were sent.
    fn read(&mut self, frame: Frame, calls: &[&Call<'_>]) -> Result<Served, Trouble> {
        self.idle_since = Instant::now();
        if let Some(call) = calls.first() {
            call.function.as_ref().clone_into(&mut self.function);
        }
        let meta: ReplyMeta = serde_json::from_slice(&frame.meta)
            .map_err(|e| ChannelError::Garbled(format!("a reply that cannot be read: {e}")))?;
        if meta.kept {
            self.input = None;
        }
        let function = calls.first().map_or("", |c| &*c.function);
        let bad_result = |detail| {
            let function = function.to_owned();
            Trouble::Call(PluginError::BadResult { function, detail })
        };
        let unusable = |fault: BadReply| match fault {
            BadReply::Author(detail) => bad_result(detail),
            BadReply::Protocol(detail) => ChannelError::Garbled(detail).into(),
        };
        let served = match frame.kind {
            Kind::Raised => {
                let file = self.context.config.file.to_string_lossy();
                Err(Trouble::Call(decode::raised(meta, function, &file)))
            }
            Kind::BadResult => Err(bad_result(meta.message)),
            Kind::BadArgument => Err(Trouble::Call(PluginError::BadArgument {
                function: function.to_owned(),
                detail: meta.message,
            })),
            Kind::Answered => {
                let limit = self.context.config.max_result;
                let answered = decode::parts(&meta, frame.body, self.results.as_ref(), limit)
                    .and_then(|parts| decode::answered(meta, parts, function));
                Err(answered.map_or_else(unusable, Trouble::Call))
            }
            Kind::Result => {
                let limit = self.context.config.max_result;
                decode::parts(&meta, frame.body, self.results.as_ref(), limit)
                    .and_then(|parts| decode::replies(&meta, parts, calls))
                    .map(|replies| (replies, Duration::from_micros(meta.us)))
                    .map_err(unusable)
            }
            other => Err(ChannelError::Garbled(format!("{other:?} instead of a reply")).into()),
        };
        if !matches!(served, Err(Trouble::Worker(_))) {
            self.next_call_id();
        }
        served
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.process.reap();
    }
}
