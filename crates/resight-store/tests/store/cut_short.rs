//! Catalogues whose creation, or whose change, a kill has cut short.

use std::fs;
use std::path::{Path, PathBuf};

use resight_store::conformance::fixtures::{added, id, upload};
use resight_store::{CollectionName, Collections, Pictures, SqliteCatalogue};
use rusqlite::Connection;

const FILE: &str = "catalogue.sqlite3";
const JOURNAL: &str = "catalogue.sqlite3-journal";

/// What a kill leaves between the first page of a new file and the end of its rollback journal: a file with
/// `pages` pages, and a journal that says there were none.
fn first_pages(dir: &Path, pages: usize) {
    let whole = tempfile::tempdir().unwrap();
    drop(SqliteCatalogue::open(whole.path()).unwrap());
    let bytes = fs::read(whole.path().join(FILE)).unwrap();
    fs::write(dir.join(FILE), &bytes[..8192 * pages]).unwrap();
    let mut header = vec![0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    // Records, nonce, pages before, bytes of a sector and of a page.
    for number in [0, 7, 0, 512, 8192_u32] {
        header.extend(number.to_be_bytes());
    }
    header.resize(512, 0);
    fs::write(dir.join(JOURNAL), header).unwrap();
}

/// What a kill leaves in the middle of a transaction with a rollback journal, once pages of it were written.
fn mid_transaction(dir: &Path, tables: usize) {
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join(FILE);
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch(
        "PRAGMA page_size = 8192; PRAGMA cache_size = 1; CREATE TABLE t (a); DROP TABLE t;",
    )
    .unwrap();
    raw.execute_batch("BEGIN").unwrap();
    for table in 0..tables {
        let sql =
            format!("CREATE TABLE t{table} (a); INSERT INTO t{table} VALUES (zeroblob(90000))");
        raw.execute_batch(&sql).unwrap();
    }
    for file in [FILE, JOURNAL] {
        fs::copy(elsewhere.path().join(file), dir.join(file)).unwrap();
    }
}

/// Every state that is tried, each in a folder of its own below `root`.
fn states(root: &Path) -> Vec<PathBuf> {
    let folder = |name: &str| {
        let folder = root.join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    };
    let mut made = vec![folder("nothing-written")];
    fs::write(made[0].join(FILE), b"").unwrap();
    for pages in [1, 2, 5] {
        made.push(folder(&format!("pages-{pages}")));
        first_pages(&made[made.len() - 1], pages);
    }
    for tables in [1, 4] {
        made.push(folder(&format!("tables-{tables}")));
        mid_transaction(&made[made.len() - 1], tables);
    }
    made
}

#[test]
fn a_creation_that_was_cut_short_is_completed_by_the_writer() {
    let root = tempfile::tempdir().unwrap();
    for folder in states(root.path()) {
        let catalogue = SqliteCatalogue::open(&folder).unwrap();
        added(&catalogue, upload(1));
        assert_eq!(catalogue.count().unwrap(), 1, "{}", folder.display());
        assert!(!folder.join(JOURNAL).exists());
    }
}

#[test]
fn a_reader_undoes_it_and_finds_no_catalogue() {
    let root = tempfile::tempdir().unwrap();
    for folder in states(root.path()) {
        let error = SqliteCatalogue::open_read_only(&folder).unwrap_err();
        assert_eq!(error.code(), "store_missing", "{}", folder.display());
        added(&SqliteCatalogue::open(&folder).unwrap(), upload(1));
    }
}

#[test]
fn a_collection_that_was_cut_short_can_be_made_again() {
    let root = tempfile::tempdir().unwrap();
    let all = Collections::new(root.path());
    for folder in states(&root.path().join("collections")) {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let name = CollectionName::parse(name).unwrap();
        assert!(all.create(&name).unwrap(), "{name} was not there yet");
        let reader = SqliteCatalogue::open_read_only(&folder).unwrap();
        assert_eq!(reader.count().unwrap(), 0);
        assert!(!all.create(&name).unwrap());
    }
}

#[test]
fn the_sweep_completes_what_was_cut_short() {
    let root = tempfile::tempdir().unwrap();
    let all = Collections::new(root.path());
    let folders = states(&root.path().join("collections"));
    let empty = root.path().join("collections/empty");
    let foreign = root.path().join("collections/foreign");
    fs::create_dir(&empty).unwrap();
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("notes.txt"), "mine").unwrap();
    all.sweep().unwrap();
    assert!(!empty.exists());
    assert!(foreign.join("notes.txt").exists());
    for folder in folders {
        assert!(!folder.join(JOURNAL).exists(), "{}", folder.display());
        let reader = SqliteCatalogue::open_read_only(&folder).unwrap();
        assert_eq!(reader.count().unwrap(), 0);
    }
}

#[test]
fn a_write_ahead_log_that_was_cut_is_read_up_to_its_last_whole_commit() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    for number in 0..3 {
        added(&catalogue, upload(number));
    }
    let wal = format!("{FILE}-wal");
    let log = fs::read(dir.path().join(&wal)).unwrap();
    let frame = 24 + 8192;
    for cut in [
        0,
        7,
        32,
        32 + frame,
        log.len() / 2,
        log.len() - 1,
        log.len(),
    ] {
        let copy = tempfile::tempdir().unwrap();
        fs::copy(dir.path().join(FILE), copy.path().join(FILE)).unwrap();
        fs::write(copy.path().join(&wal), &log[..cut]).unwrap();
        let reader = SqliteCatalogue::open_read_only(copy.path());
        let count = reader.map(|reader| reader.count().unwrap());
        let writer = SqliteCatalogue::open(copy.path()).unwrap();
        // The tables themselves may have been in the part that is gone.
        let known = count.unwrap_or(0);
        assert_eq!(writer.count().unwrap(), known, "{cut}");
        assert_eq!(cut == log.len(), known == 3, "{cut}");
        for number in 0..known {
            assert!(writer.picture(&id(number)).unwrap().is_some());
        }
    }
}
