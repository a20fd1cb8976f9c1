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
