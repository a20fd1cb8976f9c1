//! Videos in a folder, found by a still.

use std::ffi::OsStr;
use std::fs;
use std::process::Command;

use resight_decode_child::find_program;
use resight_test_support::png;

use crate::support::{World, count, textured};

/// Videos of six pictures, each a second long.
fn made(world: &World) -> bool {
    let Some(ffmpeg) = find_program(OsStr::new("ffmpeg")) else {
        println!("SKIPPED: ffmpeg is not installed, so no video is made or read");
        return false;
    };
    let folder = world.path("lib");
    fs::create_dir(&folder).unwrap();
    for seed in 0..6 {
        let name = format!("{seed}.png");
        fs::write(world.path(&name), png(&textured(400, 320, 70 + seed))).unwrap();
    }
    // A name that would be an option, were it given as it is.
    for name in ["-i evil.mp4", "http:..x.mkv"] {
        let status = Command::new(&ffmpeg)
            .args(["-v", "error", "-y", "-framerate", "1", "-i"])
            .arg(world.path("%d.png"))
            .args([
                "-r", "10", "-pix_fmt", "yuv420p", "-c:v", "mpeg4", "-q:v", "3",
            ])
            .arg(folder.join(name))
            .status()
            .unwrap();
        assert!(status.success());
    }
    true
}

#[test]
fn a_still_finds_its_second_of_a_video() {
    let world = World::empty();
    if !made(&world) {
        return;
    }
    let told = world.text(&["index", "@lib"]);
    assert!(
        told.contains("2 indexed, 10 further pages and frames of them"),
        "{told}"
    );
    assert_eq!(count(&world.path("data")), 2);
    for (seed, frame) in [("0", 1), ("3", 4), ("5", 6)] {
        let still = format!("@{seed}.png");
        let found = world.json(&["search", &still, "--verified"]);
        let hits = found[0]["hits"].as_array().unwrap();
        assert_eq!(hits.len(), 2, "{found:?}");
        for hit in hits {
            assert_eq!(hit["frame"], frame, "{hit}");
            // A container may end with its last frame, so that samples lie nearer to each other than a second.
            let time = hit["time_ms"].as_u64().unwrap();
            assert!(time.abs_diff((frame - 1) * 1000) < 1000, "{hit}");
            let kind = hit["image"]["media_type"].as_str().unwrap();
            assert!(kind.starts_with("video/"), "{hit}");
        }
    }
    let table = world.text(&["search", "@0.png", "--format", "table"]);
    assert!(table.contains(".mp4, frame 1, 0.0 s"), "{table}");
    // The video itself is a query: its first frame.
    let found = world.json(&["search", "@lib/-i evil.mp4"]);
    assert_eq!(found[0]["hits"][0]["frame"], 1, "{found:?}");
    world.text(&["verify"]);
}

#[test]
fn without_ffmpeg_a_video_is_no_picture_until_it_is_read_again() {
    let world = World::empty();
    if !made(&world) {
        return;
    }
    let told = world.text(&["index", "@lib", "--ffmpeg", "off"]);
    assert!(told.contains("2 files are no pictures"), "{told}");
    assert_eq!(count(&world.path("data")), 0);
    world.text(&["index", "@lib", "--retry"]);
    assert_eq!(count(&world.path("data")), 2);
}

#[test]
fn an_ffmpeg_that_was_named_must_run() {
    let world = World::empty();
    fs::create_dir(world.path("lib")).unwrap();
    let error = world.error(&["index", "@lib", "--ffmpeg", "/nowhere/ffmpeg"], 1);
    assert_eq!(error["code"], "ffmpeg_not_found", "{error}");
}
