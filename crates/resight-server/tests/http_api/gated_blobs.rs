//! Stored files behind a gate.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use resight_engine::EngineOptions;
use resight_store::{BlobStore, FolderBlobs, StoreError};
use resight_vision::{Sift, SiftOptions};

use crate::fixtures::Bench;

/// What is asked of the files, and how often.
#[derive(Default)]
pub(crate) struct Gate {
    closed: Mutex<bool>,
    opened: Condvar,
    pub(crate) reads: AtomicUsize,
    pub(crate) writes: AtomicUsize,
    /// Parts of files that were read.
    pub(crate) parts: AtomicUsize,
    /// After so many parts a file is cut short; 0 for never.
    cut_after: AtomicUsize,
}

impl Gate {
    /// From now on files wait, and are counted.
    pub(crate) fn close(&self) {
        *self.closed.lock().unwrap() = true;
        self.reads.store(0, Ordering::SeqCst);
        self.writes.store(0, Ordering::SeqCst);
    }

    pub(crate) fn open(&self) {
        *self.closed.lock().unwrap() = false;
        self.opened.notify_all();
    }

    /// Cuts every part short that is read after `count` more.
    pub(crate) fn break_parts_after(&self, count: usize) {
        self.parts.store(0, Ordering::SeqCst);
        self.cut_after.store(count, Ordering::SeqCst);
    }

    fn pass(&self) {
        let closed = self.closed.lock().unwrap();
        drop(self.opened.wait_while(closed, |closed| *closed).unwrap());
    }

    /// Waits until `count` is at least `number`.
    pub(crate) async fn until(&self, count: &AtomicUsize, number: usize) {
        let end = Instant::now() + Duration::from_secs(120);
        while count.load(Ordering::SeqCst) < number {
            assert!(Instant::now() < end, "waited for {number} of them");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

struct Gated {
    folder: FolderBlobs,
    gate: Arc<Gate>,
    /// Whether reads wait, and not writes.
    reads_wait: bool,
}

impl BlobStore for Gated {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.gate.writes.fetch_add(1, Ordering::SeqCst);
        if !self.reads_wait {
            self.gate.pass();
        }
        self.folder.put(name, bytes)
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.gate.reads.fetch_add(1, Ordering::SeqCst);
        if self.reads_wait {
            self.gate.pass();
        }
        self.folder.get(name)
    }

    fn part(&self, name: &str, range: Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        let read = self.gate.parts.fetch_add(1, Ordering::SeqCst);
        let cut_after = self.gate.cut_after.load(Ordering::SeqCst);
        let part = self.folder.part(name, range.clone())?;
        let is_cut = cut_after > 0 && read >= cut_after;
        Ok(part.map(|part| match (is_cut, range.start) {
            (false, _) => part,
            (true, 0) => part[..part.len() / 2].to_vec(),
            (true, _) => Vec::new(),
        }))
    }

    fn delete(&self, name: &str) -> Result<bool, StoreError> {
        self.folder.delete(name)
    }

    fn settle_deletions(&self) -> Result<(), StoreError> {
        self.folder.settle_deletions()
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.folder.names(folder)
    }
}

/// An engine whose files wait at the gate: when they are read, or when they are stored.
pub(crate) fn bench(reads_wait: bool) -> (Bench, Arc<Gate>) {
    let gate = Arc::<Gate>::default();
    let theirs = gate.clone();
    let sift = Arc::new(Sift::new(SiftOptions::default()));
    let bench = Bench::stored(sift, EngineOptions::default(), |folder| {
        Arc::new(Gated {
            folder,
            gate: theirs,
            reads_wait,
        })
    });
    (bench, gate)
}
