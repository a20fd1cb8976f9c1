//! A tree of pictures as people have it, through a year of their doing: sidecars, thumbnails of a network storage,
//! links, edits, renames, a disk that is away and a folder that moved for good. After each step all that is there is
//! listed, with its id and its tag, and nothing that is not.
//!
//! The long form walks 51,000 files:
//! `cargo test -p resight --test cli walk -- --ignored --nocapture`

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use image::ImageFormat;
use resight_test_support::{encode, textured};
use serde_json::Value;

use crate::support::{World, events};

/// Entries of an album.
const PICTURES: usize = 24;
const SIDECARS: usize = 20;
const PER_ALBUM: usize = 50;
/// Pictures of one length, for edits that keep it.
const EDITED: usize = 8;

/// The tree, and what must be listed of it.
struct Tree {
    world: World,
    /// Where the tree is, below the world.
    root: String,
    contents: Vec<Vec<u8>>,
    /// The content of each path, relative to the root.
    paths: BTreeMap<String, usize>,
    /// The id of each content, once it is known.
    ids: BTreeMap<usize, String>,
}

impl Tree {
    fn new(albums: usize) -> Self {
        let distinct = (albums * PICTURES / 40).max(30);
        let picture = |seed: usize| encode(&textured(72, 64, seed as u64 + 1), ImageFormat::Jpeg);
        let edited = |seed: usize| encode(&textured(48, 48, seed as u64 + 1), ImageFormat::Bmp);
        let edited = (distinct..distinct + 2 * EDITED).map(edited);
        let mut tree = Self {
            world: World::empty(),
            root: "photos".to_owned(),
            contents: (0..distinct).map(picture).chain(edited).collect(),
            paths: BTreeMap::new(),
            ids: BTreeMap::new(),
        };
        for album in 0..albums {
            tree.put_album(album);
        }
        for number in 0..EDITED {
            tree.put(&format!("edited/{number}.bmp"), distinct + number);
        }
        tree
    }

    fn distinct(&self) -> usize {
        self.contents.len() - 2 * EDITED
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.path(&self.root).join(name)
    }

    fn put_bytes(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn put(&mut self, name: &str, content: usize) {
        self.put_bytes(name, &self.contents[content]);
        self.paths.insert(name.to_owned(), content);
    }

    /// An album as a phone's export on a network storage has it.
    fn put_album(&mut self, album: usize) {
        let folder = format!("year {}/album {album:04}", 2000 + album % 20);
        for number in 0..PICTURES {
            let content = (album * PICTURES + number * 7) % self.distinct();
            self.put(&format!("{folder}/IMG_{number:03}.jpg"), content);
        }
        for number in 0..SIDECARS {
            let name = format!("{folder}/IMG_{number:03}.jpg.json");
            self.put_bytes(&name, br#"{"title":"IMG.jpg"}"#);
        }
        self.put_bytes(&format!("{folder}/IMG_000.xmp"), b"<x:xmpmeta/>");
        self.put_bytes(&format!("{folder}/IMG_000.AAE"), b"<plist/>");
        self.put_bytes(&format!("{folder}/Thumbs.db"), &[0xd0, 0xcf, 0x11, 0xe0, 0]);
        let thumbnail = format!("{folder}/@eaDir/IMG_000.jpg/SYNOPHOTO_THUMB_M.jpg");
        self.put_bytes(&thumbnail, &self.contents[album % 3]);
        let broken = &self.contents[album % self.distinct()];
        if album.is_multiple_of(10) {
            self.put_bytes(&format!("{folder}/broken.jpg"), &broken[..broken.len() / 3]);
        } else {
            self.put_bytes(&format!("{folder}/.hidden.jpg"), broken);
        }
        let link = format!("{folder}/link.jpg");
        symlink("IMG_001.jpg", self.path(&link)).unwrap();
        let content = self.paths[&format!("{folder}/IMG_001.jpg")];
        self.paths.insert(link, content);
    }

    fn rename(&mut self, from: &str, to: &str) {
        fs::create_dir_all(self.path(to).parent().unwrap()).unwrap();
        fs::rename(self.path(from), self.path(to)).unwrap();
        let below = format!("{from}/");
        let moved: Vec<String> = self
            .paths
            .keys()
            .filter(|path| *path == from || path.starts_with(&below))
            .cloned()
            .collect();
        for path in moved {
            let content = self.paths.remove(&path).unwrap();
            self.paths
                .insert(format!("{to}{}", &path[from.len()..]), content);
        }
    }

    /// Runs `index` on the tree, tells how long it took, and returns its last line.
    fn index(&self, what: &str, options: &[&str]) -> Value {
        let start = Instant::now();
        let folder = format!("@{}", self.root);
        let lines = self.world.json(&[&["index", &*folder], options].concat());
        let done = events(&lines, "done")[0].clone();
        eprintln!("{what}: {:.1} s, {done}", start.elapsed().as_secs_f64());
        done
    }

    /// What is listed is what is there: each path with its own content's id, and each picture with the tag.
    fn check(&mut self, what: &str) {
        let list = self.world.json(&["list", "--limit", "1000000"]).remove(0);
        let root = fs::canonicalize(self.path("")).unwrap();
        let mut listed = BTreeMap::new();
        for image in list["images"].as_array().unwrap() {
            let id = image["id"].as_str().unwrap();
            assert_eq!(image["tags"][0], "trip", "{what}: {image}");
            for path in image["paths"].as_array().unwrap() {
                let path = Path::new(path.as_str().unwrap());
                let name = path.strip_prefix(&root);
                let name =
                    name.unwrap_or_else(|_| panic!("{what}: {} is elsewhere", path.display()));
                assert!(path.exists(), "{what}: {} is not there", path.display());
                listed.insert(name.to_str().unwrap().to_owned(), id.to_owned());
            }
        }
        let names: BTreeSet<&String> = listed.keys().collect();
        let expected: BTreeSet<&String> = self.paths.keys().collect();
        let differences: Vec<_> = names.symmetric_difference(&expected).take(5).collect();
        assert!(differences.is_empty(), "{what}: {differences:?}");
        for (path, content) in &self.paths {
            let id = self
                .ids
                .entry(*content)
                .or_insert_with(|| listed[path].clone());
            assert_eq!(*id, listed[path], "{what}: {path}");
        }
    }
}

// Long because the steps of the year stand here in their order.
fn walk(albums: usize) {
    let mut tree = Tree::new(albums);
    let total = |key: &str, done: &Value| done[key].as_u64().unwrap();
    let tag = ["--tag", "trip"];
    let entries = albums * PER_ALBUM + EDITED;
    eprintln!("{entries} files, {} of them pictures", tree.paths.len());

    let done = tree.index("a first run", &tag);
    tree.check("a first run");
    let sidecars = (albums * (SIDECARS + 3)) as u64;
    let broken = albums.div_ceil(10) as u64;
    assert_eq!(total("no_pictures", &done), sidecars);
    assert_eq!(total("refused", &done), sidecars + broken);
    assert_eq!(done["left_out"]["system"]["@eaDir"], albums);
    let refused = tree
        .world
        .json(&["refused", "--limit", &broken.to_string()]);
    assert!(
        refused.iter().all(|file| file["code"] == "broken"),
        "{refused:?}"
    );

    let done = tree.index("nothing has changed", &[]);
    assert_eq!(total("unchanged", &done), tree.paths.len() as u64);
    assert_eq!(total("unchanged_refused", &done), sidecars + broken);

    // Every fourth album is renamed, one picture of every third goes to another folder, whole years move.
    for album in (0..albums).step_by(4) {
        let year = 2000 + album % 20;
        tree.rename(
            &format!("year {year}/album {album:04}"),
            &format!("year {year}/a trip {album:04}"),
        );
    }
    for album in (1..albums).step_by(3).filter(|album| album % 4 != 0) {
        let from = format!("year {}/album {album:04}/IMG_010.jpg", 2000 + album % 20);
        tree.rename(&from, &format!("best/{album:04}.jpg"));
    }
    for year in [2003, 2007] {
        tree.rename(&format!("year {year}"), &format!("archive/{year}"));
    }
    let done = tree.index("after renames", &[]);
    tree.check("after renames");
    assert_eq!(total("missing", &done), 0);
    assert_eq!(total("indexed", &done), 0, "no picture is new");

    // Edits that keep length and time, and removals.
    let edited = tree.distinct() + EDITED;
    for number in 0..EDITED {
        let name = format!("edited/{number}.bmp");
        let time = fs::metadata(tree.path(&name)).unwrap().modified().unwrap();
        std::thread::sleep(Duration::from_millis(10));
        tree.put(&name, edited + number);
        let file = File::options().write(true).open(tree.path(&name)).unwrap();
        file.set_modified(time).unwrap();
    }
    let gone: Vec<String> = tree
        .paths
        .keys()
        .filter(|path| path.ends_with("IMG_020.jpg"))
        .cloned()
        .collect();
    for path in &gone {
        fs::remove_file(tree.path(path)).unwrap();
        tree.paths.remove(path);
    }
    let done = tree.index("after edits and removals", &["--prune"]);
    tree.check("after edits and removals");
    assert_eq!(total("pruned", &done), gone.len() as u64);

    // The disk is away: neither its place nor an empty folder at it costs anything.
    fs::rename(tree.path(""), tree.world.path("away")).unwrap();
    let folder = format!("@{}", tree.root);
    assert_eq!(
        tree.world.error(&["index", &folder], 1)["code"],
        "not_a_folder"
    );
    fs::create_dir(tree.path("")).unwrap();
    let error = tree.world.error(&["index", &folder, "--prune"], 1);
    assert_eq!(error["code"], "folder_unreadable");
    assert_eq!(
        tree.index("an empty mount point", &[])["missing"],
        tree.paths.len()
    );
    fs::remove_dir(tree.path("")).unwrap();
    fs::rename(tree.world.path("away"), tree.path("")).unwrap();
    tree.index("the disk is back", &[]);
    tree.check("the disk is back");

    // It moves for good.
    fs::create_dir(tree.world.path("disk")).unwrap();
    fs::rename(tree.path(""), tree.world.path("disk/all")).unwrap();
    tree.root = "disk/all".to_owned();
    let done = tree.index("a moved root", &[]);
    tree.check("a moved root");
    assert_eq!(total("moved", &done), tree.paths.len() as u64);

    // A folder is forgotten without its pictures, and comes back.
    let before = tree.world.json(&["count"]).remove(0);
    tree.world.json(&["forget", "@disk/all/archive"]);
    assert_eq!(tree.world.json(&["count"]).remove(0), before);
    tree.index("a forgotten folder", &[]);
    tree.check("a forgotten folder");
}

#[test]
fn a_tree_loses_nothing_and_lists_nothing_that_is_not_there() {
    walk(12);
}

#[test]
#[ignore = "51,000 files take minutes"]
fn a_tree_of_51_000_files_loses_nothing_and_lists_nothing_that_is_not_there() {
    walk(1020);
}
