//! Files that cannot be read: broken pictures, and what lies beside pictures.

use std::fs;

use resight_test_support::{encode, textured};
use serde_json::{Value, json as value};

use crate::support::{World, events};

/// A folder with one sound picture, one cut short, one of zeros, sidecars and a video.
fn world() -> World {
    let world = World::empty();
    fs::create_dir_all(world.path("lib/sub")).unwrap();
    let sound = encode(&textured(240, 180, 1), image::ImageFormat::Png);
    let put = |name: &str, bytes: &[u8]| fs::write(world.path(name), bytes).unwrap();
    put("lib/a.png", &sound);
    put("lib/sub/z.png", &sound[..sound.len() / 2]);
    put("lib/zero.JPG", &[0; 3000]);
    for number in 0..30 {
        put(&format!("lib/{number}.png.json"), br#"{"title":"x"}"#);
    }
    put("lib/a.xmp", b"<?xpacket begin=''?><x:xmpmeta/>");
    put("lib/a.AAE", b"");
    put(
        "lib/Thumbs.db",
        &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, 0, 0],
    );
    put("lib/a.mp4", b"\0\0\0\x18ftypisom\0\0\0\0isomiso2");
    put("lib/README", b"no ending");
    put("lib/a.jxr", b"II\xbc\x01\x08\0\0\0\x01\0");
    world
}

fn names(lines: &[Value]) -> Vec<&str> {
    let paths = lines.iter().map(|line| line["path"].as_str().unwrap());
    paths.map(|path| path.rsplit('/').next().unwrap()).collect()
}

#[test]
fn broken_pictures_come_before_what_lies_beside_pictures() {
    let world = world();
    let text = world.text(&["index", "@lib", "--quiet", "--ffmpeg", "off"]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].contains("1 indexed, 3 could not be read, 35 no pictures"),
        "{text}"
    );
    let place = |part: &str| {
        let found = lines.iter().position(|line| line.contains(part));
        found.unwrap_or_else(|| panic!("{part}: {text}"))
    };
    assert_eq!((place("zero.JPG"), place("z.png:")), (2, 1));
    assert!(place("a.jxr") > 2);
    let counts =
        "35 files are no pictures: 30 .json, 1 without an ending, 1 .aae, 1 .db, 1 .mp4, 1 .xmp";
    assert_eq!(place(counts), lines.len() - 1, "{text}");
    assert!(!text.contains(".png.json:"), "{text}");
    // Nothing is read again, and the counts stay apart.
    let again = world.text(&["index", "@lib", "--quiet", "--ffmpeg", "off"]);
    assert!(
        again.contains(
            "3 could not be read before and have not changed (resight refused), 35 no pictures"
        ),
        "{again}"
    );
}

#[test]
fn refused_files_are_filtered_and_go_on_where_a_page_ends() {
    let world = world();
    let told = world.json(&["index", "@lib", "--ffmpeg", "off"]);
    let done = events(&told, "done")[0];
    let counts = ["refused", "no_pictures", "unchanged_refused"].map(|key| &done[key]);
    assert_eq!(counts, [&value!(38), &value!(35), &value!(0)]);
    let endings = value!({"json": 30, "": 1, "aae": 1, "db": 1, "mp4": 1, "xmp": 1});
    assert_eq!(done["endings"], endings);

    let all = world.json(&["refused"]);
    assert_eq!(all.len(), 38);
    assert_eq!(names(&all)[..3], ["z.png", "zero.JPG", "a.jxr"]);
    let is_picture = |line: &&Value| line["picture"] == true;
    assert_eq!(all.iter().filter(is_picture).count(), 3);
    // Pages follow one another, also from one kind to the next.
    let mut paged: Vec<Value> = Vec::new();
    while paged.len() < all.len() {
        let last = paged
            .last()
            .map(|line| line["path"].as_str().unwrap().to_owned());
        let after: Vec<&str> = last.iter().flat_map(|path| ["--after", &**path]).collect();
        let page = world.json(&[&["refused", "--limit", "5"], &after[..]].concat());
        assert!(!page.is_empty());
        paged.extend(page);
    }
    assert_eq!(paged, all);

    let broken = world.json(&["refused", "--code", "broken"]);
    assert_eq!(names(&broken), ["z.png"]);
    let several = ["refused", "--code", "broken", "--code", "empty"];
    assert_eq!(names(&world.json(&several)), ["z.png", "a.AAE"]);
    assert_eq!(
        world.error(&["refused", "--code", "nothing"], 2)["code"],
        "usage"
    );

    let text = world.text(&["refused"]);
    assert_eq!(text.lines().count(), 5, "{text}");
    assert!(
        text.contains("35 files are no pictures: 30 .json"),
        "{text}"
    );
    assert!(text.ends_with("3 files could not be read\n"), "{text}");
    let every = world.text(&["refused", "--all"]);
    assert!(
        every.contains("a.mp4:") && every.ends_with("38 files could not be read\n"),
        "{every}"
    );
    let sidecars = world.text(&["refused", "--code", "not_an_image"]);
    assert!(sidecars.contains("12.png.json: "), "{sidecars}");
}

#[test]
fn refused_files_are_read_again_on_request() {
    let world = world();
    world.json(&["index", "@lib", "--ffmpeg", "off"]);
    for option in ["--retry", "--retry-refused"] {
        let told = world.json(&["index", "@lib", option, "--ffmpeg", "off"]);
        assert_eq!(events(&told, "refused").len(), 38, "{option}");
    }
    let again = world.json(&["index", "@lib", "--ffmpeg", "off"]);
    assert!(events(&again, "refused").is_empty());
}
