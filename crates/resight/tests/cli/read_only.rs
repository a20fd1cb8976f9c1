//! A data folder that the user may only read, as on a read-only disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::{json, save, text, textured};

/// Files are read by all and written by nobody.
fn make_readable_alone(path: &Path) {
    let mode = |mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    if !path.is_dir() {
        return mode(0o444);
    }
    for entry in fs::read_dir(path).unwrap() {
        make_readable_alone(&entry.unwrap().path());
    }
    mode(0o555);
}

/// Runs the program as a user who is not root, whom permissions do not stop.
fn run_as_nobody(place: &Path, data: &Path, arguments: &[&str]) -> Output {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt;
        own.uid() == 0
    });
    let program = place.join("resight");
    if !program.exists() {
        let built = env!("CARGO_BIN_EXE_resight");
        fs::hard_link(built, &program)
            .or_else(|_| fs::copy(built, &program).map(|_| ()))
            .unwrap();
    }
    let mut command = Command::new(program);
    command.env_clear().env("HOME", place).stdin(Stdio::null());
    if is_root {
        command.uid(65534).gid(65534);
    }
    command.arg("--json").arg("--data").arg(data);
    command.args(arguments).output().unwrap()
}

#[test]
fn a_folder_that_may_only_be_read_is_searched_and_listed() {
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (data, pictures) = (place.path().join("data"), place.path().join("pictures"));
    fs::create_dir(&pictures).unwrap();
    for seed in 0..4 {
        save(
            &textured(240, 180, seed),
            &pictures.join(format!("{seed}.png")),
        );
    }
    json(&data, &["index", text(&pictures)]);
    json(&data, &["index", text(&pictures), "--collection", "museum"]);
    make_readable_alone(&data);
    let run = |arguments: &[&str]| {
        let output = run_as_nobody(place.path(), &data, arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), answer, told)
    };
    let query = pictures.join("2.png");
    for collection in ["default", "museum"] {
        let (code, answer, told) = run(&["search", text(&query), "--collection", collection]);
        assert_eq!(code, Some(0), "{told}");
        assert!(answer.contains("\"verified_hits\":1"), "{answer}");
    }
    for listing in [&["list"][..], &["count"], &["collections"], &["verify"]] {
        let (code, answer, told) = run(listing);
        assert_eq!(code, Some(0), "{listing:?}: {answer}{told}");
    }
    for change in [&["index", text(&pictures)][..], &["remove", text(&query)]] {
        let (code, _, told) = run(change);
        assert_eq!(code, Some(1), "{change:?}: {told}");
        assert!(told.contains("store_io"), "{told}");
    }
}

#[test]
fn nobody_changes_a_folder_that_is_read_without_locks_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    json(root.path(), &["collections", "create", "museum"]);
    let shared = resight_store::SharedFolderLock::acquire(root.path()).unwrap();
    let again = resight_store::SharedFolderLock::acquire(root.path()).unwrap();
    let refused = resight_store::FolderLock::acquire(root.path()).unwrap_err();
    assert_eq!(refused.code(), "store_locked");
    drop((shared, again));
    let lock = resight_store::FolderLock::acquire(root.path()).unwrap();
    let refused = resight_store::SharedFolderLock::acquire(root.path()).unwrap_err();
    assert_eq!(refused.code(), "store_locked");
    drop(lock);
}
