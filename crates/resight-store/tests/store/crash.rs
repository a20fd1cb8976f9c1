//! What was acknowledged survives `kill -9`.
//!
//! The test runs its own program again as a child that commits for ever and prints a number after
//! each acknowledged commit; then it kills the child and looks for every number it has read.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use resight_store::conformance::fixtures::{features, id, upload, view_of, with_views, words};
use resight_store::{
    BlobStore, Changes, EncodedFeatures, EncodedWords, FolderBlobs, FolderLock, Pictures,
    SqliteCatalogue, Views,
};

/// Set for the child alone: the data folder.
const FOLDER: &str = "RESIGHT_STORE_CRASH_TEST_FOLDER";

/// Comes before each number, because the test harness prints to the same place.
const MARK: &str = "acknowledged ";

/// Acknowledgements to wait for before the kill.
const ENOUGH: usize = 40;

fn blob(number: u64) -> String {
    format!("{:02x}/{number}", number % 8)
}

/// Not a test by itself: the child's work.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let _lock = FolderLock::acquire(folder).unwrap();
    let catalogue = SqliteCatalogue::open(folder).unwrap();
    let blobs = FolderBlobs::open(&folder.join("blobs")).unwrap();
    let first = catalogue.count().unwrap() / 2;
    for number in (first..).map(|pair| 2 * pair) {
        blobs.put(&blob(number), &features(number)).unwrap();
        catalogue
            .commit(vec![with_views(number, 2), upload(number + 1)])
            .unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{MARK}{number}.").unwrap();
        out.flush().unwrap();
    }
}

/// Runs a child, kills it, and returns every number it acknowledged.
fn run_and_kill(folder: &Path) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut killed = false;
    let mut numbers = Vec::new();
    // After the kill, reads on: what is still in the pipe was acknowledged as well.
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        // The full stop tells a whole number from one cut short by the kill.
        let number = line
            .strip_prefix(MARK)
            .and_then(|rest| rest.strip_suffix('.'));
        numbers.extend(number.map(|number| number.parse::<u64>().unwrap()));
        if numbers.len() >= ENOUGH && !killed {
            check_beside(folder, child.id(), &numbers);
            // On Unix this is SIGKILL.
            child.kill().unwrap();
            killed = true;
        }
    }
    let status = child.wait().unwrap();
    assert!(killed, "the child ended by itself: {status}");
    numbers
}

/// While the child works: its lock holds against us, and we can read what it acknowledged.
fn check_beside(folder: &Path, child: u32, acknowledged: &[u64]) {
    let error = FolderLock::acquire(folder).unwrap_err();
    assert_eq!(error.code(), "store_locked");
    if cfg!(unix) {
        assert!(
            error.to_string().contains(&format!("process {child})")),
            "{error}"
        );
    }
    let catalogue = SqliteCatalogue::open_read_only(folder).unwrap();
    for &number in acknowledged {
        assert!(catalogue.picture(&id(number)).unwrap().is_some());
    }
}

#[test]
fn acknowledged_commits_survive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        acknowledged.extend(run_and_kill(dir.path()));
        assert!(acknowledged.len() >= ENOUGH * (round + 1));

        let _lock = FolderLock::acquire(dir.path()).unwrap();
        let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
        let blobs = FolderBlobs::open(&dir.path().join("blobs")).unwrap();
        let count = catalogue.count().unwrap();
        assert_eq!(count % 2, 0, "each commit is kept whole or not at all");
        // Acknowledged ones, and perhaps one that the kill kept from being acknowledged.
        assert!(count >= 2 * acknowledged.len() as u64);
        let stored = catalogue.words_after(None, usize::MAX).unwrap();
        // Each first picture has two views.
        assert_eq!(catalogue.view_count().unwrap(), count);
        assert_eq!(stored.len() as u64, 2 * count);
        for &number in &acknowledged {
            assert_eq!(blobs.get(&blob(number)).unwrap(), Some(features(number)));
            for number in [number, number + 1] {
                let record = catalogue.picture(&id(number)).unwrap();
                let key = record.expect("acknowledged, so there").key;
                let found = catalogue.features(&[key]).unwrap();
                assert_eq!(found, [Some(features(number))]);
                assert!(stored.contains(&(key, words(number))));
                if number % 2 == 0 {
                    let views = [key + 1, key + 2];
                    let found = catalogue.features(&views).unwrap();
                    let expected = [2, 3].map(|page| Some(view_of(number, page).features));
                    assert_eq!(found, expected);
                }
            }
        }
    }
}
