//! Files that are linked, moved, gone or forgotten, as a user sees them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::{Value, json as value};

use crate::support::{World, count, events, save, textured};

impl World {
    fn put_picture(&self, name: &str, seed: u64) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        save(&textured(240, 180, seed), &self.path(name));
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// As it is stored.
    fn stored(&self, name: &str) -> String {
        let root: PathBuf = fs::canonicalize(self.path("")).unwrap();
        root.join(name).to_str().unwrap().to_owned()
    }

    fn images(&self) -> Vec<Value> {
        let list = self.json(&["list"]).remove(0);
        list["images"].as_array().unwrap().clone()
    }
}

#[test]
fn duplicates_name_all_paths_and_what_is_there() {
    let world = World::empty();
    world.put_picture("lib/all/a.png", 1);
    fs::create_dir(world.path("lib/best")).unwrap();
    symlink("../all/a.png", world.path("lib/best/a.png")).unwrap();
    world.json(&["index", "@lib"]);
    assert_eq!(world.json(&["duplicates"])[0]["total"], 0);
    assert!(world.text(&["duplicates"]).contains("No duplicates found."));

    fs::hard_link(world.path("lib/all/a.png"), world.path("lib/all/h.png")).unwrap();
    fs::copy(world.path("lib/all/a.png"), world.path("lib/copy.png")).unwrap();
    world.put_picture("lib/gone.png", 1);
    world.json(&["index", "@lib"]);
    fs::remove_file(world.path("lib/gone.png")).unwrap();
    let found = world.json(&["duplicates"]).remove(0);
    assert_eq!(found["total"], 1);
    let member = &found["groups"][0]["members"][0];
    assert_eq!(
        (&member["files"], &member["largest"], &member["missing"]),
        (&value!(2), &value!(true), &value!(false))
    );
    let path = |name: &str| world.stored(&format!("lib/{name}"));
    let main = path("all/a.png");
    let expected = value!([
        {"path": main, "state": "present", "link_to": null},
        {"path": path("copy.png"), "state": "present", "link_to": null},
        {"path": path("all/h.png"), "state": "hard_link", "link_to": main},
        {"path": path("best/a.png"), "state": "link", "link_to": main},
        {"path": path("gone.png"), "state": "missing", "link_to": null},
    ]);
    assert_eq!(member["paths"], expected);
    let text = world.text(&["duplicates"]);
    for line in [
        format!("{}  the same bytes", path("copy.png")),
        format!("{}  the same file as {main}", path("all/h.png")),
        format!("{}  a link to {main}", path("best/a.png")),
        format!("{}  missing", path("gone.png")),
    ] {
        assert!(text.contains(&line), "{line}: {text}");
    }
}

#[test]
fn a_moved_folder_keeps_its_tags_and_leaves_no_path() {
    let world = World::empty();
    world.put_picture("old/PIter/a.png", 1);
    world.json(&["index", "@old", "--tag", "trip"]);
    world.rename("old/PIter", "old/Piter");
    let lines = world.json(&["index", "@old"]);
    let moved = value!({
        "event": "moved",
        "from": world.stored("old/PIter/a.png"),
        "path": world.stored("old/Piter/a.png"),
    });
    assert_eq!(events(&lines, "moved"), [&moved]);
    assert_eq!(events(&lines, "done")[0]["moved"], 1);

    world.rename("old", "new");
    let text = world.text(&["index", "@new", "--prune", "--quiet"]);
    assert!(text.contains("1 file was found at a new place"), "{text}");
    assert!(!text.contains("already there"), "{text}");
    let images = world.images();
    assert_eq!(images.len(), 1);
    assert_eq!(
        images[0]["paths"],
        value!([world.stored("new/Piter/a.png")])
    );
    assert_eq!(images[0]["tags"], value!(["trip"]));
    assert_eq!(world.json(&["duplicates"])[0]["total"], 0);

    let error = world.error(&["index", "@old", "--prune"], 1);
    assert_eq!(error["code"], "not_a_folder");
    let hint = error["next_step"].as_str().unwrap();
    let command = format!("resight forget {}", world.path("old").display());
    assert!(hint.contains(&command), "{hint}");
    let error = world.error(&["remove", "@old/Piter/a.png"], 1);
    assert_eq!(error["code"], "unknown_picture");
}

#[test]
fn a_folder_is_forgotten_and_its_pictures_are_kept_unless_pruned() {
    let world = World::empty();
    world.put_picture("old/a.png", 1);
    world.put_picture("old/sub/b.png", 2);
    world.put_picture("kept/a.png", 1);
    fs::write(world.path("old/notes.txt"), "no picture").unwrap();
    world.json(&["index", "@old", "@kept", "--tag", "trip"]);
    fs::remove_dir_all(world.path("old")).unwrap();

    let dry_run = world.json(&["forget", "@old", "--dry-run"]).remove(0);
    let expected = |kept: u64, removed: u64, dry_run: bool| {
        value!({
            "paths": 2, "refused": 1, "kept_without_path": kept, "removed": removed,
            "dry_run": dry_run, "unknown": [],
        })
    };
    assert_eq!(dry_run, expected(1, 0, true));
    let would = world.text(&["forget", "@old", "--prune", "--dry-run"]);
    assert_eq!(
        would,
        "Would forget 2 paths and 1 refused file: 0 pictures kept without a path, 1 picture removed.\n"
    );
    assert_eq!(world.json(&["forget", "@old"])[0], expected(1, 0, false));
    let images = world.images();
    assert_eq!(images.len(), 2);
    assert!(images.iter().all(|image| image["tags"] == value!(["trip"])));
    let again = world.text(&["forget", "@old"]);
    assert!(
        again.starts_with("No path is stored at or below"),
        "{again}"
    );
    assert!(again.contains("Forgot 0 paths"), "{again}");

    let pruned = world.json(&["forget", "@kept/a.png", "--prune"]).remove(0);
    assert_eq!(
        (&pruned["paths"], &pruned["removed"]),
        (&value!(1), &value!(1))
    );
    assert_eq!(count(&world.path("data")), 1);
}

#[test]
fn a_path_removes_no_picture_that_another_file_has() {
    let world = World::empty();
    world.put_picture("lib/a.png", 1);
    world.put_picture("lib/b.png", 1);
    world.put_picture("lib/c.png", 2);
    symlink(world.path("lib/c.png"), world.path("link.png")).unwrap();
    world.json(&["index", "@lib"]);

    // Nothing is removed, not even what could be.
    let error = world.error(&["remove", "@lib/c.png", "@lib/a.png"], 1);
    assert_eq!(error["code"], "has_other_files");
    let detail = error["detail"].as_str().unwrap();
    assert!(detail.contains(&world.stored("lib/b.png")), "{detail}");
    let hint = error["next_step"].as_str().unwrap();
    assert!(
        hint.contains("resight forget ") && hint.contains("lib/a.png"),
        "{hint}"
    );
    assert!(hint.contains("resight remove "), "{hint}");
    assert_eq!(count(&world.path("data")), 2);

    // A file that is gone, while the other is there.
    fs::remove_file(world.path("lib/a.png")).unwrap();
    let error = world.error(&["remove", "@lib/a.png"], 1);
    assert_eq!(error["code"], "has_other_files");
    // All others are gone, or the file is named by a link from elsewhere.
    world.json(&["remove", "@lib/b.png", "@link.png"]);
    assert_eq!(count(&world.path("data")), 0);

    world.put_picture("lib/a.png", 1);
    world.json(&["index", "@lib"]);
    world.json(&["remove", "@lib/b.png", "@lib/a.png"]);
    assert_eq!(count(&world.path("data")), 1);
    world.json(&["index", "@lib"]);
    let id = world.images()[0]["id"].as_str().unwrap().to_owned();
    world.json(&["remove", &id]);
    assert_eq!(count(&world.path("data")), 1);
}

#[test]
fn options_decide_what_is_left_out() {
    let world = World::empty();
    for (name, seed) in [("a.png", 1), ("@eaDir/a.png/T.png", 2), ("raw/b.png", 3)] {
        world.put_picture(&format!("lib/{name}"), seed);
    }
    let text = world.text(&["index", "@lib", "--exclude", "raw/"]);
    let left_out = "left out: 1 folder of the system (1 @eaDir), 1 folder by a pattern; --include '@eaDir/' takes in";
    assert!(text.contains(left_out), "{text}");
    assert_eq!(count(&world.path("data")), 1);
    let text = world.text(&["index", "@lib", "--include=@eaDir/"]);
    assert!(!text.contains("left out"), "{text}");
    assert_eq!(count(&world.path("data")), 3);

    let absolute = format!("{}/raw", world.path("lib").display());
    let text = world.text(&["index", "@lib", "--exclude", &absolute]);
    let now = "2 files that were indexed before are left out now; their pictures are still stored";
    assert!(text.contains(now), "{text}");
    let told = world.json(&["index", "@lib", "--exclude", &absolute, "--prune"]);
    let done = events(&told, "done")[0];
    assert_eq!(
        (&done["excluded"], &done["excluded_pruned"], &done["pruned"]),
        (&value!(2), &value!(2), &value!(0))
    );
    assert_eq!(done["left_out"]["system"], value!({"@eaDir": 1}));
    assert_eq!(done["left_out"]["folders_by_pattern"], 1);
    assert_eq!(count(&world.path("data")), 1);

    for pattern in ["!a", "a{", ""] {
        let error = world.error(&["index", "@lib", "--exclude", pattern], 2);
        assert_eq!(error["code"], "usage");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_no_utf_8_is_written_so_that_it_can_be_read_back() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let world = World::empty();
    world.put_picture("lib/a.png", 1);
    let odd = world.path("lib").join(OsStr::from_bytes(b"caf\xe9\n.png"));
    fs::rename(world.path("lib/a.png"), &odd).unwrap();
    let told = world.json(&["index", "@lib"]);
    let written = world.stored("lib/caf\u{10ffe9}\n.png");
    assert_eq!(events(&told, "indexed")[0]["path"], written);
    assert_eq!(world.images()[0]["paths"], value!([written]));
    assert!(world.text(&["list"]).contains("caf\\xE9?.png"));
    // By its bytes, and by what is written of it.
    let mut arguments = world.arguments(&["tag", "--add", "x"]);
    arguments.push(odd.into_os_string());
    crate::support::json(&world.path("data"), &arguments);
    assert_eq!(world.images()[0]["tags"], value!(["x"]));
    assert_eq!(world.json(&["forget", &written])[0]["paths"], 1);
    world.json(&["index", "@lib"]);
    let removed = world.json(&["remove", &written]).remove(0);
    assert_eq!(removed["removed"].as_array().unwrap().len(), 1);
}

#[test]
fn an_edit_that_keeps_length_and_time_is_found() {
    let world = World::empty();
    fs::create_dir(world.path("lib")).unwrap();
    let file =
        |seed| resight_test_support::encode(&textured(160, 120, seed), image::ImageFormat::Bmp);
    fs::write(world.path("lib/x.bmp"), file(1)).unwrap();
    world.json(&["index", "@lib"]);
    let time = fs::metadata(world.path("lib/x.bmp"))
        .unwrap()
        .modified()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    fs::write(world.path("lib/x.bmp"), file(2)).unwrap();
    let edited = fs::File::options()
        .write(true)
        .open(world.path("lib/x.bmp"));
    edited.unwrap().set_modified(time).unwrap();
    let told = world.json(&["index", "@lib"]);
    assert_eq!(events(&told, "done")[0]["indexed"], 1);
    let told = world.json(&["index", "@lib", "--reread"]);
    assert_eq!(events(&told, "done")[0]["same_bytes"], 1);
    assert_eq!(events(&told, "done")[0]["unchanged"], 0);
}
