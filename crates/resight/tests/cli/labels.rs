//! Tags, objects, metadata and collections from the command line.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

use crate::support::{count, json, json_error, resight, run, save, textured};
use serde_json::Value;

/// A folder of three pictures, and where data may be kept.
fn scene() -> (tempfile::TempDir, String, std::path::PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let pictures = root.path().join("pictures");
    std::fs::create_dir(&pictures).unwrap();
    for seed in 1..=3 {
        let path = pictures.join(format!("{seed}.png"));
        save(&textured(240, 180, seed), &path);
    }
    let data = root.path().join("data");
    (root, pictures.to_str().unwrap().to_owned(), data)
}

fn names(list: &[Value]) -> Vec<&str> {
    let images = list[0]["images"].as_array().unwrap();
    let mut names: Vec<&str> = images.iter().map(|i| i["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

fn list(data: &Path, filter: &[&str]) -> Vec<Value> {
    json(data, &[&["list"], filter].concat())
}

#[test]
fn pictures_are_tagged_and_found_by_it() {
    let (_root, pictures, data) = scene();
    json(&data, &["index", &pictures, "--tag", "all"]);
    let (one, two) = (format!("{pictures}/1.png"), format!("{pictures}/2.png"));
    let said = [
        "--add",
        "odd",
        "--object",
        "vase 7",
        "--metadata",
        r#"{"year": 1890}"#,
    ];
    let changed = json(&data, &[&["tag", &one], &said[..]].concat());
    assert_eq!(changed[0]["changed"].as_array().unwrap().len(), 1);
    json(&data, &["tag", &two, "--add", "even", "--object", "vase 7"]);
    assert_eq!(names(&list(&data, &["--tag", "all"])).len(), 3);
    let by_tag = list(&data, &["--tag", "odd"]);
    assert_eq!(names(&by_tag), ["1.png"]);
    let picture = &by_tag[0]["images"][0];
    assert_eq!(picture["tags"], serde_json::json!(["all", "odd"]));
    assert_eq!(picture["metadata"], serde_json::json!({"year": 1890}));
    assert_eq!(names(&list(&data, &["--meta", "year=1890"])), ["1.png"]);
    assert_eq!(
        names(&list(&data, &["--not-tag", "odd", "--object", "vase 7"])),
        ["2.png"]
    );
    assert_eq!(json(&data, &["count", "--tag", "even"])[0]["count"], 1);
    let table = run(&data, &["list"]);
    assert!(String::from_utf8_lossy(&table.stdout).contains("all, even"));

    let found = json(&data, &["search", &one, "--tag", "even"]);
    assert!(found[0]["hits"].as_array().unwrap().len() <= 1);
    let found = json(&data, &["search", &one, "--verified", "--tag", "odd"]);
    assert_eq!(found[0]["hits"][0]["image"]["name"], "1.png");
    let grouped = json(&data, &["search", &one, "--group-by", "object"]);
    assert!(grouped[0]["hits"][0]["same_object"]["total"].is_u64());

    json(
        &data,
        &[
            "tag",
            &one,
            "--remove",
            "odd",
            "--no-object",
            "--no-metadata",
        ],
    );
    assert_eq!(names(&list(&data, &["--object", "vase 7"])), ["2.png"]);
    assert_eq!(
        json(&data, &["count", "--meta", "year=1890"])[0]["count"],
        0
    );
    // A further run tags what it finds unchanged.
    json(&data, &["index", &pictures, "--tag", "again"]);
    assert_eq!(json(&data, &["count", "--tag", "again"])[0]["count"], 3);

    assert_eq!(
        json_error(&data, &["tag", &one], 2)["code"],
        "nothing_to_say"
    );
    assert_eq!(
        json_error(&data, &["tag", &one, "--add", " "], 2)["code"],
        "bad_label"
    );
    assert_eq!(
        json_error(&data, &["list", "--meta", "year"], 2)["code"],
        "bad_label"
    );
    let mut crowd = vec!["count"];
    crowd.extend(["--tag", "a"].repeat(65));
    assert_eq!(json_error(&data, &crowd, 2)["code"], "bad_label");
    let unknown = json_error(&data, &["tag", &one, "nowhere.png", "--add", "x"], 1);
    assert_eq!(unknown["code"], "unknown_picture");
    assert_eq!(json(&data, &["count", "--tag", "x"])[0]["count"], 0);
}

#[test]
fn collections_are_made_used_and_deleted() {
    let (root, pictures, data) = scene();
    let other = root.path().join("other");
    std::fs::create_dir(&other).unwrap();
    save(&textured(240, 180, 9), &other.join("9.png"));
    let other = other.to_str().unwrap();
    json(&data, &["index", &pictures]);
    let missing = json_error(&data, &["count", "--collection", "museum"], 1);
    assert_eq!(missing["code"], "unknown_collection");
    json(&data, &["index", other, "--collection", "museum"]);
    json(&data, &["collections", "create", "empty"]);
    assert_eq!(count(&data), 3);
    assert_eq!(
        json(&data, &["count", "--collection", "museum"])[0]["count"],
        1
    );
    let all = json(&data, &["collections"]);
    let told = serde_json::json!([
        {"name": "default", "pictures": 3},
        {"name": "empty", "pictures": 0},
        {"name": "museum", "pictures": 1},
    ]);
    assert_eq!(all[0]["collections"], told);

    let nine = format!("{other}/9.png");
    let here = json(
        &data,
        &["search", &nine, "--verified", "--collection", "museum"],
    );
    let hit = &here[0]["hits"][0]["image"];
    assert_eq!(hit["name"], "9.png");
    let thumbnail = hit["thumbnail"].as_str().unwrap();
    assert!(
        thumbnail.starts_with("/v1/collections/museum/images/"),
        "{thumbnail}"
    );
    let default = json(&data, &["search", &nine, "--verified"]);
    assert_eq!(default[0]["hits"], serde_json::json!([]));

    // Nobody is at a terminal to be asked.
    let asked = json_error(&data, &["collections", "delete", "museum"], 2);
    assert_eq!(asked["code"], "not_agreed");
    assert_eq!(
        json(&data, &["count", "--collection", "museum"])[0]["count"],
        1
    );
    json(&data, &["folders", "add", other, "--collection", "museum"]);
    json(&data, &["collections", "delete", "museum", "--yes"]);
    let folders = json(&data, &["folders"]);
    assert_eq!(folders[0]["folders"], serde_json::json!([]), "{folders:?}");
    let gone = json_error(&data, &["collections", "delete", "museum"], 1);
    assert_eq!(gone["code"], "unknown_collection");
    let default = json_error(&data, &["collections", "delete", "default"], 2);
    assert_eq!(default["code"], "bad_collection_name");
    assert_eq!(
        json(&data, &["collections"])[0]["collections"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(count(&data), 3);
    let wrong = run(&data, &["count", "--collection", "Museum"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(data.join("collections/empty").is_dir());
}

/// A server on any free port, killed when it is dropped, and its address.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut child = resight(data)
            .args(["serve", "--listen", "127.0.0.1:0", "--json"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let told = stdout.lines().map(|line| line.unwrap());
        let mut told = told.map(|line| serde_json::from_str::<Value>(&line).unwrap());
        let serving = told.find(|line| line["event"] == "serving").unwrap();
        let url = serving["url"].as_str().unwrap();
        let address = url.trim_start_matches("http://").to_owned();
        Self { child, address }
    }

    /// The status line and the body.
    fn ask(&self, method: &str, path: &str, body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }
}

impl Drop for Serving {
    /// As by kill -9.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_a_server_has_acknowledged_survives_a_kill() {
    let (_root, pictures, data) = scene();
    let serving = Serving::start(&data, &[&pictures, "--collection", "museum"]);
    // The folder is indexed while the server answers.
    loop {
        let (status, told) = serving.ask("GET", "/v1/collections", "");
        assert!(status.contains("200"), "{status}");
        if told.contains(r#"{"name":"museum","pictures":3}"#) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let (_, listed) = serving.ask("GET", "/v1/collections/museum/images?limit=1", "");
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let id = listed["images"][0]["id"].as_str().unwrap().to_owned();
    let one = format!("/v1/collections/museum/images/{id}");
    let (status, _) = serving.ask("PATCH", &one, r#"{"add_tags": ["kept"], "object": "o"}"#);
    assert!(status.contains("200"), "{status}");
    let (status, _) = serving.ask("PUT", "/v1/collections/new", "");
    assert!(status.contains("201"), "{status}");
    drop(serving);

    let tagged = list(&data, &["--collection", "museum", "--tag", "kept"]);
    assert_eq!(tagged[0]["images"][0]["id"], id);
    assert_eq!(tagged[0]["images"][0]["object"], "o");
    let serving = Serving::start(&data, &[]);
    let (_, told) = serving.ask("GET", "/v1/collections/new", "");
    assert_eq!(told, r#"{"name":"new","pictures":0}"#);
    let (status, _) = serving.ask("DELETE", "/v1/collections/museum", "");
    assert!(status.contains("204"), "{status}");
    drop(serving);

    let gone = json_error(&data, &["count", "--collection", "museum"], 1);
    assert_eq!(gone["code"], "unknown_collection");
    assert_eq!(count(&data), 0);
}
