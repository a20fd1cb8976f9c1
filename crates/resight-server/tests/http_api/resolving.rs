//! Duplicates that are removed, and their files moved and put back.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use resight_app::keys::Scope;
use resight_app::quarantine::Quarantine;
use resight_engine::{Indexer, Library};
use resight_server::Policy;
use serde_json::{Value, json};

use crate::access::with;
use crate::fixtures::{Answer, add, ask, get, png, post, request, textured};
use crate::jobs::World;

pub(crate) const RESOLVE: &str = "/v1/duplicates/resolve";
pub(crate) const UNDO: &str = "/v1/duplicates/undo";

/// One more picture to remove.
pub(crate) fn push(wanted: &mut Value, id: Value) {
    let remove = wanted["groups"][0]["remove"].as_array_mut().unwrap();
    remove.push(id);
}

/// A registered folder with four pictures, and a server that may move files out of it.
pub(crate) struct Shelf {
    pub(crate) world: World,
    pub(crate) app: Router,
    /// By name.
    pub(crate) ids: Vec<String>,
}

pub(crate) async fn send(app: &Router, address: &str, body: &Value) -> Answer {
    ask(app, post(address, "application/json", body.to_string())).await
}

/// Looks through a folder.
pub(crate) fn index(library: &Arc<Library>, folder: &Path) {
    let go_on = AtomicBool::new(false);
    Indexer::new(library.clone())
        .index_folder(folder, &Default::default(), &go_on, &mut |_| {})
        .unwrap();
}

impl Shelf {
    pub(crate) async fn new(moves: bool) -> Self {
        Self::with_policy(moves, Policy::Open).await
    }

    pub(crate) async fn with_policy(moves: bool, policy: Policy) -> Self {
        let mut world = World::new(policy);
        world.fill(4);
        if moves {
            let config = &world.settings.jobs.as_ref().unwrap().config;
            let quarantine = Quarantine::new(&world.path("quarantine"), config);
            world.settings.quarantine = Some(quarantine.unwrap());
        }
        Self::of(world)
    }

    /// With the four pictures of a world.
    pub(crate) fn of(world: World) -> Self {
        let mut shelf = Self {
            app: world.app(),
            world,
            ids: Vec::new(),
        };
        shelf.register();
        shelf.index();
        for name in 0..4 {
            let path = shelf.world.path(&format!("pictures/{name:03}.png"));
            let id = shelf.world.folder.library.find_by_path(&path).unwrap();
            shelf.ids.push(id.unwrap().to_string());
        }
        shelf
    }

    pub(crate) fn register(&self) {
        let served = self.world.settings.jobs.as_ref().unwrap();
        let (folder, default) = (self.world.path("pictures"), Default::default());
        let added =
            served
                .folders
                .add(&served.config, &folder, &default, &Default::default(), None);
        added.unwrap();
    }

    /// Looks through the folder.
    pub(crate) fn index(&self) {
        index(&self.world.folder.library, &self.world.path("pictures"));
    }

    pub(crate) async fn label(&self, number: usize, labels: Value) {
        let address = format!("/v1/images/{}", self.ids[number]);
        let mut asked = post(&address, "application/json", labels.to_string());
        *asked.method_mut() = "PATCH".parse().unwrap();
        assert_eq!(ask(&self.app, asked).await.status, 200);
    }

    pub(crate) async fn picture(&self, number: usize) -> Value {
        get(&self.app, &format!("/v1/images/{}", self.ids[number]))
            .await
            .json()
    }

    /// The request that keeps the first picture and removes those.
    pub(crate) fn wanted(&self, remove: &[usize], more: Value) -> Value {
        let remove: Vec<&String> = remove.iter().map(|number| &self.ids[*number]).collect();
        let mut wanted = json!({"groups": [{"keep": self.ids[0], "remove": remove}]});
        for (key, value) in more.as_object().unwrap() {
            wanted[key] = value.clone();
        }
        wanted
    }

    pub(crate) async fn resolved(&self, remove: &[usize], more: Value) -> Value {
        let answer = send(&self.app, RESOLVE, &self.wanted(remove, more)).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()
    }

    pub(crate) async fn undone(&self, resolution: &Value) -> Value {
        let answer = send(&self.app, UNDO, &json!({"resolution": resolution})).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()
    }

    pub(crate) fn file(&self, number: usize) -> PathBuf {
        self.world.path(&format!("pictures/{number:03}.png"))
    }

    /// Where the file lies once it is moved.
    pub(crate) fn moved(&self, resolution: &Value, number: usize) -> PathBuf {
        let folder = self
            .world
            .path("quarantine")
            .join(resolution.as_str().unwrap());
        folder.join(self.file(number).strip_prefix("/").unwrap())
    }

    pub(crate) async fn count(&self) -> u64 {
        get(&self.app, "/v1/count").await.json()["count"]
            .as_u64()
            .unwrap()
    }
}

#[tokio::test]
async fn entries_are_removed_and_labels_carried_over_in_one_request() {
    let shelf = Shelf::new(false).await;
    shelf
        .label(0, json!({"tags": ["a"], "metadata": {"x": 1}}))
        .await;
    shelf
        .label(
            1,
            json!({"tags": ["a", "b"], "object": "o", "metadata": {"x": 2, "y": 3}}),
        )
        .await;
    let unknown = "0".repeat(32);
    let mut wanted = shelf.wanted(&[1, 2], json!({"carry_over": true, "dry_run": true}));
    push(&mut wanted, json!(unknown));
    let planned = send(&shelf.app, RESOLVE, &wanted).await.json();
    assert_eq!(shelf.count().await, 4, "nothing is done");
    assert_eq!(shelf.picture(0).await["tags"], json!(["a"]));
    wanted["dry_run"] = json!(false);
    let mut done = send(&shelf.app, RESOLVE, &wanted).await.json();
    assert_eq!(
        (&planned["dry_run"], &done["dry_run"]),
        (&json!(true), &json!(false))
    );
    done["dry_run"] = json!(true);
    assert_eq!(planned, done, "it was foretold");
    assert_eq!(
        (&done["removed"], &done["refused"], &done["moved"]),
        (&json!(2), &json!(1), &json!(0))
    );
    assert_eq!(done["groups"][0]["carried_over"], true);
    let removed = &done["groups"][0]["remove"];
    assert_eq!(
        (&removed[0]["removed"], &removed[0]["returns"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(removed[0]["files"][0]["state"], "stays");
    assert_eq!(
        (&removed[2]["removed"], &removed[2]["code"]),
        (&json!(false), &json!("unknown_picture"))
    );
    assert_eq!(shelf.count().await, 2);
    assert!(shelf.file(1).exists());
    let kept = shelf.picture(0).await;
    assert_eq!(kept["tags"], json!(["a", "b"]));
    assert_eq!(kept["object"], "o");
    assert_eq!(kept["metadata"], json!({"x": 1, "y": 3}));
    let listed = get(&shelf.app, "/v1/duplicates/resolutions").await.json();
    assert_eq!(listed, json!({"quarantine": false, "resolutions": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_moved_and_put_back() {
    let shelf = Shelf::new(true).await;
    shelf
        .label(
            1,
            json!({"tags": ["b"], "object": "o", "metadata": {"y": 3}}),
        )
        .await;
    let upload = png(&textured(160, 120, 77));
    let uploaded = add(&shelf.app, "mine.png", &upload).await;
    let bytes = fs::read(shelf.file(1)).unwrap();
    let files = json!({"files": "quarantine"});
    let mut wanted = shelf.wanted(&[1, 2], files);
    push(&mut wanted, json!(uploaded));
    let done = send(&shelf.app, RESOLVE, &wanted).await.json();
    assert_eq!(
        (&done["removed"], &done["moved"]),
        (&json!(3), &json!(3)),
        "{done}"
    );
    let resolution = &done["resolution"];
    let to = shelf.moved(resolution, 1);
    assert_eq!(
        done["groups"][0]["remove"][0]["files"][0]["to"],
        to.to_str().unwrap()
    );
    assert!(!shelf.file(1).exists() && !shelf.file(2).exists());
    assert!(fs::read(&to).unwrap() == bytes);
    assert_eq!(shelf.count().await, 2);
    let listed = get(&shelf.app, "/v1/duplicates/resolutions").await.json();
    let one = &listed["resolutions"][0];
    assert_eq!(
        (&one["id"], &one["files"], &one["undone"]),
        (resolution, &json!(3), &json!(false))
    );
    // Something came to one of the places meanwhile.
    fs::write(shelf.file(2), b"new").unwrap();
    let undone = shelf.undone(resolution).await;
    assert_eq!(
        (&undone["restored"], &undone["pictures"]),
        (&json!(2), &json!(2)),
        "{undone}"
    );
    assert_eq!(
        undone["refused"][0]["path"],
        shelf.file(2).to_str().unwrap()
    );
    assert_eq!(fs::read(shelf.file(2)).unwrap(), b"new");
    assert!(fs::read(shelf.file(1)).unwrap() == bytes);
    let again = shelf.picture(1).await;
    assert_eq!(
        (&again["tags"], &again["object"]),
        (&json!(["b"]), &json!("o"))
    );
    assert_eq!(again["metadata"], json!({"y": 3}));
    let file = get(&shelf.app, &format!("/v1/images/{uploaded}/file")).await;
    assert!(file.body == upload);
    // The rest follows when its place is free.
    fs::remove_file(shelf.file(2)).unwrap();
    let undone = shelf.undone(resolution).await;
    assert_eq!(
        (&undone["restored"], &undone["refused"]),
        (&json!(1), &json!([]))
    );
    let undone = shelf.undone(resolution).await;
    assert_eq!(
        (&undone["restored"], &undone["refused"]),
        (&json!(0), &json!([]))
    );
    assert_eq!(shelf.count().await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_as_it_was_indexed_stays_with_its_picture() {
    let shelf = Shelf::new(true).await;
    let elsewhere = shelf.world.path("secret/b.png");
    fs::write(&elsewhere, png(&textured(160, 120, 99))).unwrap();
    index(&shelf.world.folder.library, &shelf.world.path("secret"));
    let other = shelf.world.folder.library.find_by_path(&elsewhere).unwrap();
    // As long as before, and of the same time.
    let mut changed = fs::read(shelf.file(1)).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(shelf.file(1), &changed).unwrap();
    fs::remove_file(shelf.file(2)).unwrap();
    let mut wanted = shelf.wanted(&[1, 2, 3], json!({"files": "quarantine"}));
    push(&mut wanted, json!(other.unwrap().to_string()));
    let done = send(&shelf.app, RESOLVE, &wanted).await.json();
    let told: Vec<(&Value, &Value)> = done["groups"][0]["remove"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["code"], &one["files"][0]["state"]))
        .collect();
    let (null, expected) = (Value::Null, |text: &str| json!(text));
    assert_eq!(
        told,
        [
            (&expected("file_changed"), &expected("changed")),
            (&null, &expected("missing")),
            (&null, &expected("moved")),
            (
                &expected("file_not_registered"),
                &expected("not_registered")
            ),
        ],
        "{done}"
    );
    assert!(fs::read(shelf.file(1)).unwrap() == changed);
    assert!(elsewhere.exists());
    assert_eq!((&done["removed"], &done["refused"]), (&json!(2), &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_short_at_any_point_can_be_undone() {
    let shelf = Shelf::new(true).await;
    let done = shelf.resolved(&[1], json!({"files": "quarantine"})).await;
    let resolution = &done["resolution"];
    let log = shelf
        .world
        .path("quarantine")
        .join(resolution.as_str().unwrap())
        .join("log.jsonl");
    let lines = fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    // Killed after the record and before the move: the file is where it was, and its picture is stored.
    fs::write(&log, lines[..3].join("\n") + "\n").unwrap();
    fs::rename(shelf.moved(resolution, 1), shelf.file(1)).unwrap();
    shelf.index();
    assert_eq!(shelf.count().await, 4);
    let undone = shelf.undone(resolution).await;
    assert_eq!(
        (&undone["restored"], &undone["refused"]),
        (&json!(0), &json!([])),
        "{undone}"
    );
    assert!(shelf.file(1).exists());
    assert_eq!(shelf.count().await, 4);
    // Killed between the move and the removal: the picture is stored, and its file is not there.
    fs::rename(shelf.file(1), shelf.moved(resolution, 1)).unwrap();
    fs::write(&log, lines[..3].join("\n") + "\n").unwrap();
    let undone = shelf.undone(resolution).await;
    assert_eq!(
        (&undone["restored"], &undone["refused"]),
        (&json!(1), &json!([])),
        "{undone}"
    );
    // Killed between the copy to another file system and the removal there: both are there.
    fs::copy(shelf.file(1), shelf.moved(resolution, 1)).unwrap();
    let undone = shelf.undone(resolution).await;
    assert_eq!(
        (&undone["restored"], &undone["refused"]),
        (&json!(0), &json!([])),
        "{undone}"
    );
    assert!(shelf.file(1).exists() && !shelf.moved(resolution, 1).exists());
}

#[tokio::test]
async fn requests_that_cannot_be_meant_so_are_refused() {
    let shelf = Shelf::new(false).await;
    let unknown = "0".repeat(32);
    let [a, b] = [&shelf.ids[0], &shelf.ids[1]];
    for (body, status, code) in [
        (json!({"groups": []}), 422, "bad_body"),
        (json!({}), 422, "bad_body"),
        (
            json!({"groups": [{"keep": a, "remove": []}]}),
            422,
            "bad_body",
        ),
        (
            json!({"groups": [{"keep": a, "remove": [a]}]}),
            422,
            "bad_body",
        ),
        (
            json!({"groups": [{"keep": a, "remove": [b, b]}]}),
            422,
            "bad_body",
        ),
        (
            json!({"groups": [{"keep": a, "remove": ["x"]}]}),
            422,
            "bad_parameter",
        ),
        (
            json!({"groups": [{"keep": a, "remove": [b]}], "more": 1}),
            422,
            "bad_body",
        ),
        (
            json!({"groups": [{"keep": a, "remove": [b]}], "files": "delete"}),
            422,
            "bad_body",
        ),
        (
            json!({"groups": [{"keep": unknown, "remove": [b]}]}),
            404,
            "unknown_picture",
        ),
        (
            json!({"groups": [{"keep": a, "remove": [b]}], "files": "quarantine"}),
            403,
            "quarantine_off",
        ),
    ] {
        send(&shelf.app, RESOLVE, &body).await.problem(status, code);
    }
    assert_eq!(shelf.count().await, 4);
    let undo = json!({"resolution": "x"});
    send(&shelf.app, UNDO, &undo)
        .await
        .problem(403, "quarantine_off");
    let shelf = Shelf::new(true).await;
    for id in ["x", "../quarantine", ""] {
        let undo = json!({"resolution": id});
        send(&shelf.app, UNDO, &undo)
            .await
            .problem(404, "unknown_resolution");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_moved_for_admins_alone_and_paths_told_to_them() {
    let shelf = Shelf::with_policy(true, Policy::Always).await;
    let deleter = shelf.world.key(&[Scope::Delete], None);
    let admin = shelf.world.key(&[Scope::Admin], None);
    let wanted = |more| {
        post(
            RESOLVE,
            "application/json",
            shelf.wanted(&[1], more).to_string(),
        )
    };
    let ask_as = |key: &str, request| ask(&shelf.app, with(request, key));
    let files = json!({"files": "quarantine"});
    ask_as(&deleter, wanted(files.clone()))
        .await
        .problem(403, "key_not_allowed");
    let undo = post(
        UNDO,
        "application/json",
        json!({"resolution": "x"}).to_string(),
    );
    ask_as(&deleter, undo).await.problem(403, "key_not_allowed");
    let told = ask_as(&deleter, wanted(json!({"dry_run": true})))
        .await
        .json();
    assert_eq!(
        told["groups"][0]["remove"][0]["files"][0]["path"],
        "001.png"
    );
    let told = ask_as(&admin, wanted(files)).await.json();
    let file = &told["groups"][0]["remove"][0]["files"][0];
    assert_eq!(file["path"], shelf.file(1).to_str().unwrap());
    assert!(file["to"].is_string());
    let list = request("GET", "/v1/duplicates/resolutions");
    let listed = ask_as(&admin, list).await.json();
    assert_eq!(listed["resolutions"].as_array().unwrap().len(), 1);
}
