//! What `config check` says of a data folder.

use std::fs;

use serde_json::Value;

use crate::support::{fill, resight};

#[test]
fn the_check_opens_the_data_folder_and_changes_nothing_in_it() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let pictures = root.path().join("pictures");
    fill(&pictures, 1);
    let indexed = resight(&data).arg("index").arg(&pictures).output().unwrap();
    assert!(
        indexed.status.success(),
        "{}",
        String::from_utf8_lossy(&indexed.stderr)
    );
    let check = || {
        let arguments = ["config", "check", "--json"];
        let output = resight(&data).args(arguments).output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let problems = told["problems"].as_array().unwrap().clone();
        assert_eq!(output.status.success(), problems.is_empty());
        problems
    };
    assert_eq!(check(), Vec::<Value>::new());
    let catalogue = data.join("catalogue.sqlite3");
    let whole = fs::read(&catalogue).unwrap();
    let mut newer = whole.clone();
    // The format's number, where SQLite has it.
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes());
    let none = b"no database, and long enough to be read as one".repeat(300);
    let webhooks = data.join("webhooks.json");
    for (path, bytes, code) in [
        (&catalogue, newer, "store_newer"),
        (&catalogue, none, "store_damaged"),
        (&webhooks, b"{}".to_vec(), "webhooks_damaged"),
    ] {
        fs::write(path, &bytes).unwrap();
        let problems = check();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0]["code"], code, "{problems:?}");
        assert_eq!(fs::read(path).unwrap(), bytes, "{code}");
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--json"];
        let refused = resight(&data).args(arguments).output().unwrap();
        assert!(!refused.status.success());
        let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.contains(&format!("\"{code}\"")), "{refused}");
        fs::write(&catalogue, &whole).unwrap();
    }
    fs::remove_file(&webhooks).unwrap();
    assert_eq!(check(), Vec::<Value>::new());
}

#[test]
fn no_folder_around_the_quarantine_is_registered_or_served() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let pictures = root.path().join("pictures");
    fill(&pictures, 1);
    let quarantine = pictures.join("quarantine");
    let refused = |dirs: &[&std::path::Path], code: &str| {
        let mut command = resight(&data);
        command.args(["serve", "--json", "--listen", "127.0.0.1:0"]);
        command.arg("--quarantine").arg(&quarantine).args(dirs);
        let output = command.output().unwrap();
        assert!(!output.status.success());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains(&format!("\"{code}\"")), "{told}");
    };
    refused(&[&pictures], "quarantine_among_pictures");
    let listed = resight(&data).args(["folders", "--json"]).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(!listed.contains("pictures"), "{listed}");
    // One that was registered earlier.
    let added = resight(&data)
        .args(["folders", "add"])
        .arg(&pictures)
        .output()
        .unwrap();
    assert!(added.status.success());
    refused(&[], "quarantine_folder");
    fs::write(
        data.join("resight.toml"),
        format!("[serve]\nquarantine = {quarantine:?}\n"),
    )
    .unwrap();
    let checked = resight(&data)
        .args(["config", "check", "--json"])
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&checked.stdout).unwrap();
    let problems = told["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{told}");
    assert_eq!(problems[0]["code"], "quarantine_folder", "{told}");
    assert_eq!(problems[0]["option"], "serve.quarantine", "{told}");
    // Commands know it as `serve` does, by the file and by the environment.
    let forgotten = resight(&data)
        .args(["folders", "remove"])
        .arg(&pictures)
        .output()
        .unwrap();
    assert!(forgotten.status.success());
    for is_by_file in [true, false] {
        for words in [&["folders", "add"][..], &["index"]] {
            let mut command = resight(&data);
            command.args(words).arg(&pictures).arg("--json");
            if !is_by_file {
                command.env("RESIGHT_QUARANTINE", &quarantine);
            }
            let output = command.output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success(), "{words:?}");
            assert!(told.contains("\"quarantine_among_pictures\""), "{told}");
        }
        let _gone = fs::remove_file(data.join("resight.toml"));
    }
}
