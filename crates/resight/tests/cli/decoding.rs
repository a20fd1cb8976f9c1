//! Pictures decoded in child processes, which may be killed, and end with the program.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{World, count, lines, resight, save, textured};

/// The processes that decode for a process of the program.
fn children(parent: u32) -> Vec<u32> {
    let listed = fs::read_dir("/proc").unwrap().flatten();
    let numbers = listed.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_child = |id: &u32| {
        let read = |name| fs::read_to_string(format!("/proc/{id}/{name}")).unwrap_or_default();
        let stat = read("stat");
        let of = stat
            .rsplit_once(") ")
            .and_then(|(_, rest)| rest.split(' ').nth(1));
        of == Some(&parent.to_string()) && read("cmdline").contains("decode-worker")
    };
    numbers.filter(is_child).collect()
}

fn signal(id: u32, name: &str) {
    // It may have ended by itself.
    let _ = Command::new("kill").args([name, &id.to_string()]).status();
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn children_that_are_killed_amid_an_index_cost_no_picture() {
    const PICTURES: u64 = 40;
    let world = World::empty();
    fs::create_dir(world.path("lib")).unwrap();
    for seed in 0..PICTURES {
        let picture = textured(240, 180, seed + 1);
        save(&picture, &world.path(&format!("lib/{seed:02}.gif")));
    }
    let mut run = resight(&world.path("data"))
        .args(["index", "--json", "--threads", "2"])
        .arg(world.path("lib"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut killed = BTreeSet::new();
    while run.try_wait().unwrap().is_none() && killed.len() < 2 {
        for id in children(run.id()) {
            if killed.insert(id) {
                signal(id, "-KILL");
            }
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let ended = run.wait_with_output().unwrap();
    let done = lines(&ended.stdout).pop().unwrap();
    assert!(!killed.is_empty());
    assert_eq!(
        (&done["indexed"], &done["refused"]),
        (&PICTURES.into(), &0.into()),
        "{done}"
    );
    assert_eq!(count(&world.path("data")), PICTURES);
}

#[test]
fn a_server_that_stops_at_once_leaves_no_child_behind() {
    let world = World::empty();
    fs::create_dir(world.path("lib")).unwrap();
    save(&textured(240, 180, 1), &world.path("lib/one.gif"));
    let mut server = resight(&world.path("data"))
        .args(["serve", "--listen", "127.0.0.1:0", "--json"])
        .arg(world.path("lib"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(server.stdout.take().unwrap());
    let url = loop {
        let mut line = String::new();
        assert!(stdout.read_line(&mut line).unwrap() > 0, "ended early");
        let line: Value = serde_json::from_str(&line).unwrap();
        if let Some(url) = line["url"].as_str() {
            break url.to_owned();
        }
    };
    // The GIF is decoded while the folder is indexed, and its child waits for more.
    until("a child is there", || !children(server.id()).is_empty());
    let child = children(server.id())[0];
    until("the folder is indexed", || {
        let jobs = crate::serve::get(url.trim_start_matches("http://"), "/v1/jobs?state=done");
        jobs.contains("\"state\":\"done\"")
    });
    signal(child, "-STOP");
    let bytes = fs::read(world.path("lib/one.gif")).unwrap();
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /v1/search HTTP/1.1\r\nHost: {address}\r\nContent-Type: image/gif\r\nContent-Length: {}\r\n\r\n",
        bytes.len()
    )
    .unwrap();
    stream.write_all(&bytes).unwrap();
    // The picture is in its hands.
    let shared = format!("/proc/{child}/fd/1");
    until("it is given the picture", || {
        fs::metadata(&shared).is_ok_and(|memory| memory.len() == bytes.len() as u64)
    });
    signal(server.id(), "-INT");
    std::thread::sleep(Duration::from_millis(200));
    signal(server.id(), "-INT");
    server.wait().unwrap();
    until("the child is gone", || {
        !Path::new(&format!("/proc/{child}")).exists()
    });
}

#[test]
fn pictures_are_the_same_wherever_they_are_decoded() {
    let world = World::empty();
    let picture = textured(240, 180, 1);
    for name in ["a.gif", "a.tiff", "a.jpg"] {
        save(&picture, &world.path(name));
        let features = |decode_in: &str| {
            let out = format!("@{decode_in}.features");
            let name = format!("@{name}");
            world.json(&["features", &name, "--out", &out, "--decode-in", decode_in]);
            fs::read(world.path(&out[1..])).unwrap()
        };
        let here = features("here");
        assert_eq!(features("process"), here, "{name}");
        assert_eq!(features("auto"), here, "{name}");
    }
}

#[test]
fn the_doctor_says_where_pictures_are_decoded() {
    let world = World::empty();
    for (arguments, place) in [
        (&["doctor"][..], "process"),
        (&["doctor", "--decode-in", "here"], "here"),
    ] {
        let found = &world.json(arguments)[0]["decoding"];
        assert_eq!(found["in"], place, "{found}");
    }
}

#[test]
fn the_child_s_command_serves_nobody_else() {
    let run = Command::new(env!("CARGO_BIN_EXE_resight"))
        .arg("decode-worker")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!run.status.success());
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(said.contains("starts this command by itself"), "{said}");
    // With anything more it is no command at all.
    let run = Command::new(env!("CARGO_BIN_EXE_resight"))
        .args(["decode-worker", "x"])
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(2));
}
