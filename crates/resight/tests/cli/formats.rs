//! `--format`: the same list for people, for programs, for spreadsheets and for xargs.

use std::collections::BTreeSet;

use crate::support::{World, lines, resight, save, textured};
use serde_json::Value;

impl World {
    /// Two pictures, one of which has a copy, and two files that cannot be read.
    fn of_copies() -> Self {
        let world = Self::empty();
        std::fs::create_dir(world.path("lib")).unwrap();
        save(&textured(240, 180, 1), &world.path("lib/one.png"));
        save(&textured(240, 180, 1), &world.path("lib/one.jpg"));
        save(&textured(240, 180, 2), &world.path("lib/a \"b\", c.png"));
        std::fs::write(world.path("lib/broken.png"), b"\x89PNG\r\n\x1a\nno more").unwrap();
        std::fs::write(world.path("lib/notes.txt"), b"no picture").unwrap();
        world.json(&["index", "@lib", "--tag", "x"]);
        world
    }

    /// Standard output of a run that ends with 0.
    fn bytes(&self, arguments: &[&str]) -> Vec<u8> {
        let mut command = resight(&self.path("data"));
        let output = command.args(self.arguments(arguments)).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    }

    /// The rows below the heading, each by the names of the columns.
    fn csv(&self, arguments: &[&str]) -> Vec<Value> {
        let bytes = self.bytes(&[arguments, &["--format", "csv"]].concat());
        let mut reader = csv::Reader::from_reader(&bytes[..]);
        let heading = reader.headers().unwrap().clone();
        let row = |row: csv::StringRecord| {
            let cells = heading.iter().zip(row.iter());
            cells
                .map(|(name, cell)| (name.to_owned(), cell.into()))
                .collect()
        };
        reader
            .records()
            .map(|record| Value::Object(row(record.unwrap())))
            .collect()
    }

    /// Names of the files whose paths end with a NUL.
    fn paths(&self, arguments: &[&str]) -> Vec<String> {
        let bytes = self.bytes(&[arguments, &["--format", "paths0"]].concat());
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.is_empty() || text.ends_with('\0'), "{text:?}");
        let paths = text.split_terminator('\0').map(std::path::Path::new);
        paths
            .map(|path| {
                assert!(path.is_absolute() && path.exists(), "{path:?}");
                path.file_name().unwrap().to_str().unwrap().to_owned()
            })
            .collect()
    }
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

const ALL: [&str; 3] = ["one.png", "one.jpg", "a \"b\", c.png"];

#[test]
fn pictures_are_listed_in_every_format() {
    let world = World::of_copies();
    let whole = &world.json(&["list"])[0];
    let json = lines(&world.bytes(&["list", "--format", "json"]));
    assert_eq!(json, std::slice::from_ref(whole));
    // Said more precisely, it goes before --json.
    let pictures = world.json(&["list", "--format", "jsonl"]);
    assert_eq!(&Value::Array(pictures), &whole["images"]);
    let rows = world.csv(&["list"]);
    let names: BTreeSet<String> = rows
        .iter()
        .map(|row| row["name"].as_str().unwrap().into())
        .collect();
    assert_eq!(names, set(&ALL));
    for row in &rows {
        assert_eq!(
            (&row["width"], &row["tags"], &row["paths"]),
            (&"240".into(), &"x".into(), &"1".into())
        );
    }
    assert_eq!(
        world.paths(&["list"]).into_iter().collect::<BTreeSet<_>>(),
        set(&ALL)
    );
    assert!(
        world
            .text(&["list", "--format", "table"])
            .starts_with("id ")
    );
    assert_eq!(
        world.error(&["list", "--format", "xml"], 2)["code"],
        "usage"
    );
    // What is left out is said beside it.
    let cut = world.text(&["list", "--limit", "1", "--format", "paths0"]);
    assert!(cut.ends_with("1 of 3 shown\n"), "{cut:?}");
}

#[test]
fn hits_are_listed_in_every_format() {
    let world = World::of_copies();
    let search = ["search", "@lib/one.png", "--verified"];
    let whole = &world.json(&search)[0];
    assert_eq!(whole["hits"].as_array().unwrap().len(), 2);
    let hits = lines(&world.bytes(&[&search[..], &["--format", "jsonl"]].concat()));
    assert_eq!(&Value::Array(hits), &whole["hits"]);
    let rows = world.csv(&search);
    let name = |row: &Value| row["name"].as_str().unwrap().to_owned();
    assert_eq!(
        rows.iter().map(name).collect::<Vec<_>>(),
        ["one.png", "one.jpg"]
    );
    assert_eq!(
        (&rows[0]["rank"], &rows[1]["rank"]),
        (&"1".into(), &"2".into())
    );
    assert_eq!(
        (&rows[0]["identical"], &rows[1]["identical"]),
        (&"true".into(), &"false".into())
    );
    assert_eq!(rows[1]["verified"], "true");
    assert_eq!(world.paths(&search), ["one.png", "one.jpg"]);
    let second = world.csv(&[&search[..], &["--offset", "1"]].concat());
    assert_eq!((second.len(), &second[0]["rank"]), (1, &"2".into()));
}

#[test]
fn duplicates_are_listed_in_every_format() {
    let world = World::of_copies();
    let whole = &world.json(&["duplicates"])[0];
    let groups = lines(&world.bytes(&["duplicates", "--format", "jsonl"]));
    assert_eq!(&Value::Array(groups), &whole["groups"]);
    let rows = world.csv(&["duplicates"]);
    assert_eq!(rows.len(), 2);
    for row in &rows {
        assert_eq!(
            (&row["group"], &row["kind"], &row["state"]),
            (&"1".into(), &whole["groups"][0]["kind"], &"present".into())
        );
    }
    assert_eq!(
        (&rows[0]["largest"], &rows[1]["largest"]),
        (&"true".into(), &"false".into())
    );
    assert_eq!(world.paths(&["duplicates"]).len(), 2);
    // A link to a file is no further file to work on.
    std::os::unix::fs::symlink(world.path("lib/one.png"), world.path("lib/link.png")).unwrap();
    world.json(&["index", "@lib"]);
    let rows = world.csv(&["duplicates"]);
    let mut states: Vec<&str> = rows
        .iter()
        .map(|row| row["state"].as_str().unwrap())
        .collect();
    states.sort();
    assert_eq!(states, ["link", "present", "present"]);
    let paths = world.paths(&["duplicates"]);
    assert_eq!(
        paths.into_iter().collect::<BTreeSet<_>>(),
        set(&["one.png", "one.jpg"])
    );
}

#[test]
fn refused_files_are_listed_in_every_format() {
    let world = World::of_copies();
    let whole = world.json(&["refused"]);
    assert_eq!(whole.len(), 2);
    assert_eq!(
        lines(&world.bytes(&["refused", "--format", "jsonl"])),
        whole
    );
    let array: Value =
        serde_json::from_slice(&world.bytes(&["refused", "--format", "json"])).unwrap();
    assert_eq!(array, Value::Array(whole.clone()));
    let none = world.bytes(&["refused", "--code", "too_small", "--format", "json"]);
    assert_eq!(
        serde_json::from_slice::<Value>(&none).unwrap(),
        Value::Array(vec![])
    );
    let rows = world.csv(&["refused"]);
    for (row, whole) in rows.iter().zip(&whole) {
        assert_eq!(
            (&row["path"], &row["code"], &row["reason"]),
            (&whole["path"], &whole["code"], &whole["reason"])
        );
    }
    assert_eq!(
        (&rows[0]["picture"], &rows[1]["picture"]),
        (&"true".into(), &"false".into())
    );
    assert_eq!(world.paths(&["refused"]), ["broken.png", "notes.txt"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_that_is_no_text_keeps_its_bytes() {
    use std::os::unix::ffi::OsStrExt;

    let world = World::empty();
    std::fs::create_dir(world.path("lib")).unwrap();
    let path = world
        .path("lib")
        .join(std::ffi::OsStr::from_bytes(b"gr\xfcn\n.png"));
    save(&textured(240, 180, 1), &world.path("lib/a.png"));
    std::fs::rename(world.path("lib/a.png"), &path).unwrap();
    world.json(&["index", "@lib"]);
    let path = path.canonicalize().unwrap();
    let written = world.bytes(&["list", "--format", "paths0"]);
    assert_eq!(written, [path.as_os_str().as_bytes(), b"\0"].concat());
}
