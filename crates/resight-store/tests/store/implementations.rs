//! Every implementation runs the conformance suite.

use std::cell::Cell;

use resight_store::conformance::{MemoryBlobs, MemoryCatalogue};
use resight_store::{BlobStore, Catalogue, FolderBlobs, SqliteCatalogue};

/// Makes catalogues in folders of their own, which are deleted with the closure.
fn in_folders() -> impl Fn() -> Box<dyn Catalogue> {
    let root = tempfile::tempdir().unwrap();
    let made = Cell::new(0);
    move || {
        made.set(made.get() + 1);
        let folder = root.path().join(made.get().to_string());
        Box::new(SqliteCatalogue::open(&folder).unwrap())
    }
}

/// Opens the catalogue of one folder, which is deleted with the closure.
fn in_one_folder() -> impl Fn() -> Box<dyn Catalogue> {
    let root = tempfile::tempdir().unwrap();
    move || Box::new(SqliteCatalogue::open(root.path()).unwrap())
}

fn folders_of_blobs() -> impl Fn() -> Box<dyn BlobStore> {
    let root = tempfile::tempdir().unwrap();
    let made = Cell::new(0);
    move || {
        made.set(made.get() + 1);
        let folder = root.path().join(made.get().to_string());
        Box::new(FolderBlobs::open(&folder).unwrap())
    }
}

mod sqlite_in_a_folder {
    resight_store::catalogue_conformance!(super::in_folders());
    resight_store::durable_conformance!(super::in_one_folder());
}

mod sqlite_in_memory {
    use super::*;
    resight_store::catalogue_conformance!(|| -> Box<dyn Catalogue> {
        Box::new(SqliteCatalogue::in_memory().unwrap())
    });
}

mod memory {
    use super::*;
    resight_store::catalogue_conformance!(|| -> Box<dyn Catalogue> {
        Box::new(MemoryCatalogue::default())
    });
}

mod blobs_in_a_folder {
    resight_store::blob_conformance!(super::folders_of_blobs());
}

mod blobs_in_memory {
    use super::*;
    resight_store::blob_conformance!(|| -> Box<dyn BlobStore> { Box::new(MemoryBlobs::default()) });
}
