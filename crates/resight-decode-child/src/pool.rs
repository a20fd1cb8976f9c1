//! The children of a process: warm ones wait for the next picture, and their number is bounded.

use std::io;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use resight_decode::{Counts, Elsewhere, Images, Job, Pixels, Refused, RefusedCode};

use crate::child::{Answer, Child};
use crate::death::Death;
use crate::options::PoolOptions;
use crate::pages;

/// How often a picture is tried whose child was ended from outside.
const TRIES: u32 = 3;
/// How often a child is tried to be started, and the pause between.
const STARTS: (u32, Duration) = (5, Duration::from_millis(200));

/// A pool of children. Dropping the last clone ends them.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    options: PoolOptions,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Child>,
    /// Pictures that are decoded.
    busy: usize,
    /// The processes that decode them.
    decoding: Vec<u32>,
    counts: Counts,
    /// What the first start came to; whether calls of children are filtered.
    first: Option<Result<bool, String>>,
    /// Whether a thread ends idle children.
    is_watched: bool,
}

impl Pool {
    /// A pool, which starts its children when they are needed.
    pub fn new(options: PoolOptions) -> Self {
        Self(Arc::new(Shared {
            options,
            state: Mutex::default(),
            returned: Condvar::new(),
        }))
    }

    /// Starts a child, where none was started before, and says whether the kernel filters its calls.
    ///
    /// # Errors
    /// A sentence that says why children cannot be started.
    pub fn check(&self) -> Result<bool, String> {
        if self.0.state.lock().first.is_none()
            && let Ok(child) = self.start()
        {
            self.put_back(child);
        }
        let first = self.0.state.lock().first.clone();
        first.unwrap_or_else(|| Err("it was not tried".into()))
    }

    /// The numbers of the processes that wait for a picture.
    pub fn idle_ids(&self) -> Vec<u32> {
        self.0.state.lock().idle.iter().map(Child::id).collect()
    }

    /// The numbers of the processes that decode a picture.
    pub fn busy_ids(&self) -> Vec<u32> {
        self.0.state.lock().decoding.clone()
    }

    /// A child that waits for a picture; `None` where the caller's process should decode.
    pub(crate) fn child(&self) -> Option<Result<Child, Refused>> {
        let mut state = self.0.state.lock();
        while let Some(mut child) = state.idle.pop() {
            if child.is_alive() {
                return Some(Ok(child));
            }
            state.counts.killed += 1;
        }
        drop(state);
        self.start_again()
    }

    fn start_again(&self) -> Option<Result<Child, Refused>> {
        let mut why = String::new();
        for number in 0..STARTS.0 {
            if number > 0 {
                std::thread::sleep(STARTS.1);
            }
            match self.start() {
                Ok(child) => return Some(Ok(child)),
                Err(error) => why = error.to_string(),
            }
            // Where none was ever started, the next will not be either.
            if matches!(self.0.state.lock().first, Some(Err(_))) {
                break;
            }
        }
        let never = matches!(self.0.state.lock().first, Some(Err(_)));
        if never && self.0.options.or_here {
            return None;
        }
        let detail = format!("no process could be started to decode it: {why}");
        Some(Err(Refused::new(RefusedCode::DecoderFailed, detail)))
    }

    fn start(&self) -> io::Result<Child> {
        let started = Child::start(&self.0.options);
        let mut state = self.0.state.lock();
        state.counts.started += u64::from(started.is_ok());
        if state.first.is_none() {
            state.first = Some(match &started {
                Ok(child) => Ok(child.confined),
                Err(error) => Err(error.to_string()),
            });
            match &started {
                Ok(child) if !child.confined => {
                    tracing::warn!("the kernel does not filter the calls of children that decode");
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!("pictures cannot be decoded in child processes: {error}");
                }
            }
        }
        started
    }

    /// Takes a child back, unless it decoded enough pictures.
    pub(crate) fn put_back(&self, mut child: Child) {
        if child.pictures >= self.0.options.pictures {
            return;
        }
        child.idle_since = Instant::now();
        let mut state = self.0.state.lock();
        // Beyond the number of pictures at once there are those whose pages were turned.
        if state.idle.len() < self.0.options.most {
            state.idle.push(child);
        }
        if !std::mem::replace(&mut state.is_watched, true) {
            let (shared, idle) = (Arc::downgrade(&self.0), self.0.options.idle);
            let watch = std::thread::Builder::new()
                .name("decode-children".into())
                .spawn(move || end_idle(&shared, idle));
            state.is_watched = watch.is_ok();
        }
    }

    /// Counts a child that was lost, and says so in the log.
    pub(crate) fn lost(&self, child: &Child, death: &Death) {
        let mut state = self.0.state.lock();
        match death.is_from_outside() {
            true => state.counts.killed += 1,
            false => state.counts.lost += 1,
        }
        drop(state);
        tracing::info!("child {} was lost with a picture: {death:?}", child.id());
    }

    /// Waits until one picture more may be decoded.
    fn enter(&self) -> Busy<'_> {
        let mut state = self.0.state.lock();
        while state.busy >= self.0.options.most {
            self.0.returned.wait(&mut state);
        }
        state.busy += 1;
        Busy(&self.0)
    }
}

/// Ends children that had nothing to do for a while, and itself when there are none.
fn end_idle(shared: &Weak<Shared>, idle: Duration) {
    loop {
        std::thread::sleep(idle / 4);
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let mut state = shared.state.lock();
        let old = take_old(&mut state, idle);
        state.is_watched = !state.idle.is_empty();
        let ends = !state.is_watched;
        drop(state);
        drop(old);
        if ends {
            return;
        }
    }
}

fn take_old(state: &mut MutexGuard<'_, State>, idle: Duration) -> Vec<Child> {
    let is_old = |child: &mut Child| child.idle_since.elapsed() >= idle;
    state.idle.extract_if(.., is_old).collect()
}

/// One of the pictures that are decoded at once.
struct Busy<'a>(&'a Shared);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.state.lock().busy -= 1;
        self.0.returned.notify_one();
    }
}

impl Elsewhere for Pool {
    fn counts(&self) -> Counts {
        let state = self.0.state.lock();
        Counts {
            idle: state.idle.len(),
            ..state.counts
        }
    }

    fn decode(&self, job: Job<'_>) -> Option<Result<Pixels, Refused>> {
        let _busy = self.enter();
        for number in 1.. {
            let mut child = match self.child()? {
                Ok(child) => child,
                Err(refused) => return Some(Err(refused)),
            };
            self.0.state.lock().decoding.push(child.id());
            let answer = child.decode(job);
            self.0.state.lock().decoding.retain(|id| *id != child.id());
            let death = match answer {
                Ok(Answer::Pixels(pixels)) => {
                    self.put_back(child);
                    return Some(Ok(pixels));
                }
                Ok(Answer::Refused(refused)) => {
                    self.put_back(child);
                    return Some(Err(refused));
                }
                Ok(Answer::Opened | Answer::End) => Death::Garbled,
                Err(death) => death,
            };
            self.lost(&child, &death);
            if number >= TRIES || !death.is_from_outside() {
                return Some(Err(death.refusal(job.format, &child.allowed())));
            }
        }
        None
    }

    fn pages<'a>(&self, job: Job<'a>) -> Option<Result<Images<'a>, Refused>> {
        // Does not wait for other pictures: a comparison of two files has a child for each.
        let mut child = match self.child()? {
            Ok(child) => child,
            Err(refused) => return Some(Err(refused)),
        };
        let death = match child.pages(job) {
            Ok(Answer::Opened) => {
                return Some(Ok(Box::new(pages::Turned::new(self.clone(), child, job))));
            }
            Ok(Answer::Refused(refused)) => {
                self.put_back(child);
                return Some(Err(refused));
            }
            Ok(_) => Death::Garbled,
            Err(death) => death,
        };
        self.lost(&child, &death);
        Some(Err(death.refusal(job.format, &child.allowed())))
    }
}
