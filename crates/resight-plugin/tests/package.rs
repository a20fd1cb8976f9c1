//! The Python package's own tests, run by each interpreter that is found.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly too")]

mod support;

use std::path::Path;
use std::process::Command;

#[test]
fn the_package_passes_its_own_tests() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../python/tests");
    for python in support::pythons() {
        let run = Command::new(&python)
            .args(["-B", "-m", "unittest", "discover", "-s"])
            .arg(&tests)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stderr);
        // `unittest` also succeeds when it finds no test.
        assert!(
            run.status.success() && !said.contains("Ran 0 tests"),
            "{python:?}: {said}"
        );
    }
}
