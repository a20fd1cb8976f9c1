//! `resight duplicates` and `resight not-a-match`, also through a kill and beside a server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{json, json_error, resight, run, save, textured};
use resight_store::{Pairs, SqliteCatalogue};
use serde_json::Value;

/// A folder with `count` pictures, each as PNG and as JPEG.
fn doubled(folder: &Path, count: u64) -> PathBuf {
    std::fs::create_dir(folder).unwrap();
    for seed in 0..count {
        let picture = textured(240, 200, seed + 1);
        save(&picture, &folder.join(format!("{seed:03}.png")));
        save(&picture, &folder.join(format!("{seed:03}.jpg")));
    }
    folder.to_owned()
}

fn duplicates(data: &Path) -> Value {
    json(data, &["duplicates", "--limit", "1000"])[0].clone()
}

/// Names of the members of each group.
fn names(found: &Value) -> Vec<Vec<String>> {
    let groups = found["groups"].as_array().unwrap();
    let mut all: Vec<Vec<String>> = groups
        .iter()
        .map(|group| {
            let members = group["members"].as_array().unwrap().iter();
            let name = |m: &Value| m["image"]["name"].as_str().unwrap().to_owned();
            let mut names: Vec<String> = members.map(name).collect();
            names.sort();
            names
        })
        .collect();
    all.sort();
    all
}

#[test]
fn a_kill_while_looking_loses_nothing_and_the_next_run_ends_it() {
    const PICTURES: u64 = 80;
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let folder = doubled(&root.path().join("pictures"), PICTURES);
    json(&data, &["index", folder.to_str().unwrap()]);
    let mut child = resight(&data)
        .args(["duplicates", "--json", "--threads", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Killed once something is kept.
    let catalogue = SqliteCatalogue::open_read_only(&data).unwrap();
    while catalogue.checked_up_to().unwrap() == 0 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let pending = catalogue.unchecked_count().unwrap();
    assert!(pending < 2 * PICTURES);
    if pending == 0 {
        eprintln!("SKIPPED: everything was looked for before the kill came");
    }
    drop(catalogue);

    let found = duplicates(&data);
    assert_eq!(
        (found["complete"].as_bool(), found["pending"].as_u64()),
        (Some(true), Some(0))
    );
    let expected: Vec<Vec<String>> = (0..PICTURES)
        .map(|seed| vec![format!("{seed:03}.jpg"), format!("{seed:03}.png")])
        .collect();
    assert_eq!(names(&found), expected);
    assert!(
        found["groups"]
            .as_array()
            .unwrap()
            .iter()
            .all(|g| g["kind"] == "re-encoded")
    );
}

#[test]
fn people_read_groups_with_paths_and_sizes_and_set_pairs_apart() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let folder = doubled(&root.path().join("pictures"), 2);
    std::fs::copy(folder.join("001.png"), folder.join("same.png")).unwrap();
    assert_eq!(
        json_error(&data, &["duplicates"], 1)["code"],
        "nothing_indexed"
    );
    json(&data, &["index", folder.to_str().unwrap()]);
    let output = run(&data, &["duplicates", "--quiet"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("1. re-encoded"), "{text}");
    for part in [
        "000.png",
        "000.jpg",
        "240 x 200",
        "largest",
        "same.png  the same bytes",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let three = &json(&data, &["duplicates", "--min-size", "3"])[0];
    assert_eq!(three["total"], 1);
    assert_eq!(
        json(&data, &["duplicates", "--kind", "cropped"])[0]["total"],
        0
    );
    json_error(&data, &["duplicates", "--kind", "alike"], 2);

    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (a, b) = (path("000.png"), path("000.jpg"));
    let said = &json(&data, &["not-a-match", &a, &b])[0];
    assert_eq!(
        (said["not_a_match"].as_bool(), said["changed"].as_bool()),
        (Some(true), Some(true))
    );
    assert_eq!(names(&duplicates(&data)).len(), 1);
    let id = said["a"].as_str().unwrap();
    let answer = &json(&data, &["search", id])[0];
    assert_eq!(answer["left_out"], 1);
    let listed = &json(&data, &["not-a-match", "--list"])[0];
    assert_eq!(
        (listed["total"].as_u64(), &listed["pairs"][0]["a"]),
        (Some(1), &said["a"])
    );
    let shown = String::from_utf8(run(&data, &["not-a-match", "--list"]).stdout).unwrap();
    assert!(
        shown.contains("000.png") && shown.contains("000.jpg"),
        "{shown}"
    );
    let nobody = path("nobody.png");
    let unknown = json_error(&data, &["not-a-match", &a, &nobody], 1);
    assert_eq!(unknown["code"], "unknown_picture");
    json_error(&data, &["not-a-match", &a], 2);

    json(&data, &["not-a-match", &b, &a, "--undo"]);
    assert_eq!(names(&duplicates(&data)).len(), 2);
}

#[test]
fn a_server_looks_for_what_it_holds_and_what_is_sent() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let folder = doubled(&root.path().join("pictures"), 3);
    let mut child = resight(&data)
        .args(["serve", folder.to_str().unwrap(), "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("http://") {
        said.clear();
        assert!(stdout.read_line(&mut said).unwrap() > 0, "ended early");
    }
    let address = said.trim().rsplit("http://").next().unwrap().to_owned();
    let until = |groups: u64| {
        let end = Instant::now() + Duration::from_secs(120);
        loop {
            assert!(Instant::now() < end, "{groups} groups never came");
            let found = duplicates(&data);
            if found["complete"] == true && found["total"] == groups {
                return found;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    assert_eq!(names(&until(3)).len(), 3);

    let new = textured(240, 200, 9);
    for name in ["new.png", "new.jpg"] {
        let path = root.path().join(name);
        save(&new, &path);
        let body = std::fs::read(&path).unwrap();
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(
            stream,
            "POST /v1/images?name={name} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .unwrap();
        stream.write_all(&body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
    let found = until(4);
    assert!(names(&found).contains(&vec!["new.jpg".to_owned(), "new.png".to_owned()]));
    child.kill().unwrap();
    child.wait().unwrap();
}
