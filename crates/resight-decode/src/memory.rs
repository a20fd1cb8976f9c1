//! Memory for pixels while they are decoded, shared by all threads that decode.
//!
//! Invariant: a decoder that waits for memory has none of it, so the decoders that have some finish and
//! return it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::refused::{Refused, RefusedCode};

/// A number of bytes that decoders may use at once. Clones share it.
///
/// What a picture needs is estimated from its header. A decoder waits for its share; a picture that needs
/// more than all of it is refused. What is returned to the caller does not count any more.
#[derive(Clone)]
pub struct DecodeMemory(Arc<Shared>);

struct Shared {
    total: u64,
    state: Mutex<State>,
    returned: Condvar,
}

struct State {
    free: u64,
    /// Numbers of the decoders that wait, in the order in which they came: a large picture is not overtaken for
    /// ever.
    waiting: VecDeque<u64>,
    next: u64,
}

impl Default for DecodeMemory {
    /// Without a bound.
    fn default() -> Self {
        Self::new(u64::MAX)
    }
}

impl fmt::Debug for DecodeMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DecodeMemory").field(&self.0.total).finish()
    }
}

/// Equal are those of the same number of bytes.
impl PartialEq for DecodeMemory {
    fn eq(&self, other: &Self) -> bool {
        self.0.total == other.0.total
    }
}

impl Eq for DecodeMemory {}

impl DecodeMemory {
    /// This many bytes.
    pub fn new(bytes: u64) -> Self {
        Self(Arc::new(Shared {
            total: bytes,
            state: Mutex::new(State {
                free: bytes,
                waiting: VecDeque::new(),
                next: 0,
            }),
            returned: Condvar::new(),
        }))
    }

    /// The number of bytes in all.
    pub fn total(&self) -> u64 {
        self.0.total
    }

    /// Waits for `bytes`. Call it with no share at hand.
    pub(crate) fn take(&self, bytes: u64) -> Result<Share, Refused> {
        let shared = &self.0;
        if bytes > shared.total {
            let mib = |bytes: u64| bytes.div_ceil(1 << 20);
            let detail = format!(
                "decoding the picture needs about {} MiB of memory, the limit is {}",
                mib(bytes),
                mib(shared.total)
            );
            return Err(Refused::new(RefusedCode::TooManyPixels, detail));
        }
        let mut state = shared.state.lock();
        let number = state.next;
        state.next += 1;
        state.waiting.push_back(number);
        shared.returned.wait_while(&mut state, |state| {
            state.waiting.front() != Some(&number) || state.free < bytes
        });
        state.waiting.pop_front();
        state.free -= bytes;
        drop(state);
        // The next in the queue may need less.
        shared.returned.notify_all();
        Ok(Share {
            memory: self.clone(),
            bytes,
        })
    }
}

/// A part of the memory, until it is dropped.
pub(crate) struct Share {
    memory: DecodeMemory,
    bytes: u64,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.memory.0.state.lock().free += self.bytes;
        self.memory.0.returned.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn who_needs_more_than_is_free_waits_and_nobody_overtakes() {
        let memory = DecodeMemory::new(100);
        let first = memory.take(60).ok().unwrap();
        let (done, order) = mpsc::channel();
        let waiting = |bytes: u64, queue: usize| {
            let (theirs, done) = (memory.clone(), done.clone());
            let thread = thread::spawn(move || {
                let share = theirs.take(bytes).ok().unwrap();
                done.send(bytes).unwrap();
                drop(share);
            });
            while memory.0.state.lock().waiting.len() < queue {
                thread::yield_now();
            }
            thread
        };
        let threads = [waiting(90, 1), waiting(20, 2)];
        assert!(order.try_recv().is_err(), "the 20 bytes came first");
        drop(first);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(order.try_iter().collect::<Vec<_>>(), [90, 20]);
        assert_eq!(memory.0.state.lock().free, 100);
    }

    #[test]
    fn more_than_all_is_refused() {
        let memory = DecodeMemory::new(5 << 20);
        assert!(memory.take(5 << 20).is_ok());
        let refused = memory.take((5 << 20) + 1).err().unwrap();
        assert_eq!(refused.code, RefusedCode::TooManyPixels);
        let detail = "decoding the picture needs about 6 MiB of memory, the limit is 5";
        assert_eq!(refused.detail, detail);
    }
}
