//! `resight serve` with folders, `resight jobs` and `resight folders`, also through a kill.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{World, count, fill, json, json_error, resight, run, save, textured};

/// A server on any free port, killed when it is dropped.
struct Server {
    child: Child,
    // Open, so that it can write.
    _stdout: BufReader<ChildStdout>,
    /// What it said first.
    serving: Value,
}

impl Server {
    fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut child = resight(data)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--json",
                "--threads",
                "1",
            ])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let serving: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(serving["event"], "serving", "{line}");
        Self {
            child,
            _stdout: stdout,
            serving,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn until(mut done: impl FnMut() -> bool) {
    // Ends with the test's own time limit if it never comes.
    while !done() {
        std::thread::sleep(Duration::from_millis(30));
    }
}

fn job(data: &Path, id: &str) -> Value {
    json(data, &["jobs", "show", id])[0].clone()
}

#[test]
fn a_killed_server_goes_on_with_its_folder_and_reports_it_once() {
    const PICTURES: u64 = 60;
    let world = World::empty();
    let (data, pictures) = (world.path("data"), world.path("pictures"));
    fill(&pictures, PICTURES);
    std::fs::write(pictures.join("00a.png"), b"\x89PNG\r\n\x1a\nno more").unwrap();
    let dir = pictures.to_str().unwrap();
    let server = Server::start(&data, &[dir]);
    // It answers before the folder is read.
    assert!(server.serving["pictures"].as_u64().unwrap() < PICTURES);
    let has_begun = || {
        let jobs = &json(&data, &["jobs"])[0];
        jobs["jobs"][0]["done"]
            .as_u64()
            .is_some_and(|done| done > 4)
    };
    until(has_begun);
    // Searches see what is ready.
    until(|| count(&data) > 0);
    drop(server);
    let kept = count(&data);
    assert!(kept < PICTURES, "it was killed too late");
    assert_eq!(job(&data, "1")["state"], "running");

    let server = Server::start(&data, &[]);
    let ended = &json(&data, &["jobs", "wait", "1"])[0];
    assert_eq!(ended["state"], "done", "{ended}");
    assert_eq!(ended["done"], PICTURES + 1);
    for (name, number) in [
        ("files", PICTURES + 1),
        ("indexed", PICTURES),
        ("already_there", 0),
        ("unchanged", 0),
        ("refused", 1),
    ] {
        assert_eq!(ended["counts"][name], number, "{name}: {ended}");
    }
    let refused = &json(&data, &["jobs", "refused", "1"])[0];
    assert_eq!(refused["refused"].as_array().unwrap().len(), 1);
    assert_eq!(count(&data), PICTURES);
    let query = pictures.join("07.png");
    let answer = &json(&data, &["search", query.to_str().unwrap()])[0];
    assert_eq!(answer["hits"][0]["image"]["name"], "07.png");
    drop(server);
    // It is as one run leaves it.
    let done = json(&data, &["index", dir]);
    assert_eq!(done.last().unwrap()["unchanged"], PICTURES);
}

#[test]
fn folders_are_registered_beside_a_server_which_follows_them() {
    let world = World::empty();
    let (data, pictures) = (world.path("data"), world.path("pictures"));
    let dir = pictures.to_str().unwrap();
    let text = |arguments: &[&str]| {
        let output = run(&data, arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(text(&["folders"]).contains("No folder"));
    assert!(text(&["jobs"]).contains("no such jobs"));
    assert!(!data.exists(), "looking makes nothing");
    fill(&pictures, 3);
    let server = Server::start(&data, &[]);
    assert!(text(&["folders", "add", dir, "--tag", "rome"]).contains("is registered"));
    assert!(text(&["folders", "add", dir]).contains("keeps its rules"));
    until(|| count(&data) == 3);
    let tagged = &json(&data, &["count", "--tag", "rome"])[0];
    assert_eq!(tagged["count"], 3);
    save(&textured(200, 160, 50), &pictures.join("new.png"));
    until(|| count(&data) == 4);
    text(&["folders", "rules", dir, "--prune"]);
    std::fs::remove_file(pictures.join("new.png")).unwrap();
    until(|| count(&data) == 3);
    let table = text(&["folders", "list"]);
    assert!(table.contains("tag rome, prune"), "{table}");
    assert!(text(&["jobs", "--quiet"]).contains("index"));

    let gone = json_error(&data, &["jobs", "cancel", "99"], 2);
    assert_eq!(gone["code"], "unknown_job");
    until(|| job(&data, "1")["state"] == "done");
    let ended = json_error(&data, &["jobs", "cancel", "1"], 2);
    assert_eq!(ended["code"], "job_ended");
    assert!(text(&["jobs", "show", "1"]).contains("is done"));
    let other = json_error(&data, &["folders", "remove", "/nowhere"], 2);
    assert_eq!(other["code"], "unknown_folder");
    drop(server);
    // A folder that is gone can be forgotten by its path.
    std::fs::rename(&pictures, world.path("away")).unwrap();
    assert!(text(&["folders", "remove", dir]).contains("pictures stay"));
    assert!(text(&["folders"]).contains("No folder"));
    assert_eq!(count(&data), 3);
    let bad = json_error(&data, &["folders", "add", dir], 1);
    assert_eq!(bad["code"], "not_a_folder");
}
