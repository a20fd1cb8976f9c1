//! Files that are linked or gone, as a user sees them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::json as value;

use crate::support::{World, save, textured};

impl World {
    fn put_picture(&self, name: &str, seed: u64) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        save(&textured(240, 180, seed), &self.path(name));
    }

    /// As it is stored.
    fn stored(&self, name: &str) -> String {
        let root: PathBuf = fs::canonicalize(self.path("")).unwrap();
        root.join(name).to_str().unwrap().to_owned()
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
