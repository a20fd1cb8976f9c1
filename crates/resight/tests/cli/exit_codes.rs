//! What a script learns from an exit code.

use std::path::Path;
use std::process::Stdio;

use crate::support::{World, resight, run, save, text, textured};
use image::imageops::rotate90;

#[test]
fn compare_and_search_tell_found_from_not_found_and_from_failed() {
    let world = World::empty();
    let (data, pictures) = (world.path("data"), world.path("pictures"));
    std::fs::create_dir(&pictures).unwrap();
    for seed in 0..4 {
        let name = format!("pictures/{seed}.png");
        save(&textured(240, 180, seed), &world.path(&name));
    }
    let [turned, other, garbage] = ["turned.png", "other.png", "no.png"].map(|n| world.path(n));
    save(&rotate90(&textured(240, 180, 2)), &turned);
    save(&textured(240, 180, 9), &other);
    std::fs::write(&garbage, b"no picture at all").unwrap();
    world.json(&["index", "@pictures"]);
    let stored = world.path("pictures/2.png");
    let (stored, turned, other) = (text(&stored), text(&turned), text(&other));
    let (garbage, empty) = (text(&garbage), world.path("empty"));

    // (data folder, arguments, exit code)
    let cases: &[(&Path, &[&str], i32)] = &[
        (&data, &["compare", stored, turned], 0),
        (&data, &["compare", stored, stored], 0),
        (&data, &["compare", stored, other], 1),
        (&data, &["compare", stored, garbage], 2),
        (&data, &["compare", stored], 2),
        (&data, &["search", turned], 0),
        (&data, &["search", turned, "--verified"], 0),
        // Of the question, not of the page.
        (&data, &["search", turned, "--offset", "9"], 0),
        (&data, &["search", other], 1),
        (&data, &["search", other, "--verified"], 1),
        (&data, &["search", garbage], 2),
        (&data, &["search", turned, "--limit", "0"], 2),
        (&data, &["search", turned, "--collection", "nowhere"], 2),
        (&empty, &["search", turned], 2),
        // Of all other commands 1 stays a failure.
        (&empty, &["count"], 1),
        (&data, &["remove", other], 1),
    ];
    for (data, arguments, exit) in cases {
        for json in [&[][..], &["--json"]] {
            let output = run(data, &[*arguments, json].concat());
            assert_eq!(output.status.code(), Some(*exit), "{arguments:?} {json:?}");
            let has_failed = *exit == 2 || arguments[0] == "count" || arguments[0] == "remove";
            let stderr = String::from_utf8_lossy(&output.stderr);
            let names_error = stderr.contains("error");
            assert_eq!(names_error, has_failed, "{arguments:?}: {stderr}");
        }
    }
    // Most hits of a search are no verdict: something is listed, and nothing verified.
    let listed = &world.json(&["search", other])[0];
    assert!(listed["total"].as_u64().unwrap() > 0, "{listed}");
}

#[test]
fn a_reader_that_leaves_changes_no_verdict() {
    let world = World::empty();
    for seed in 0..2 {
        save(
            &textured(240, 180, seed),
            &world.path(&format!("{seed}.png")),
        );
    }
    let mut child = resight(&world.path("data"))
        .args(world.arguments(&["compare", "@0.png", "@1.png"]))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn help_names_the_exit_codes() {
    let world = World::empty();
    for command in ["compare", "search"] {
        let help = world.text(&[command, "--help"]);
        assert!(help.contains("Exit codes: 0 "), "{help}");
    }
}
