//! What a failed addition leaves among the blobs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use resight_engine::{Components, EngineOptions};
use resight_store::{BlobStore, FolderBlobs, StoreError};

use crate::support::{Bench, parts, picture};

/// Refuses uploaded files while it is told to.
struct Failing {
    blobs: FolderBlobs,
    fails: AtomicBool,
}

impl BlobStore for Failing {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        if self.fails.load(Ordering::Relaxed) && name.starts_with("originals/") {
            return Err(StoreError::Full {
                location: name.to_owned(),
            });
        }
        self.blobs.put(name, bytes)
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.blobs.get(name)
    }

    fn delete(&self, name: &str) -> Result<bool, StoreError> {
        self.blobs.delete(name)
    }

    fn settle_deletions(&self) -> Result<(), StoreError> {
        self.blobs.settle_deletions()
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.blobs.names(folder)
    }
}

#[test]
fn an_upload_whose_file_cannot_be_stored_leaves_no_thumbnail() {
    let root = tempfile::tempdir().unwrap();
    let blobs = Arc::new(Failing {
        blobs: FolderBlobs::open(&root.path().join("blobs")).unwrap(),
        fails: AtomicBool::new(true),
    });
    let components = Components {
        blobs: blobs.clone(),
        ..parts(root.path())
    };
    let bench = Bench::open(components, EngineOptions::default()).unwrap();
    let stored = || {
        let shards =
            (0..=255).map(|shard| blobs.names(&format!("thumbnails/{shard:02x}")).unwrap());
        shards.flatten().count()
    };
    let error = bench.indexer.add(&picture(1, 0), "a.png").unwrap_err();
    assert_eq!(error.code(), "store_full");
    assert_eq!(stored(), 0);
    blobs.fails.store(false, Ordering::Relaxed);
    bench.indexer.add(&picture(1, 0), "a.png").unwrap();
    assert_eq!(stored(), 1);
}
