//! Duplicates that are removed while others decide, where files cannot be moved, and where folders are away.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use resight_app::keys::Scope;
use resight_app::quarantine::Quarantine;
use resight_engine::PictureId;
use resight_server::{JobsServed, Policy};
use resight_store::CollectionName;
use serde_json::{Value, json};

use crate::access::with;
use crate::fixtures::{add, ask, get, png, post, textured};
use crate::jobs::World;
use crate::resolving::{RESOLVE, Shelf, UNDO, index, send};

/// Pairs that are decided at once.
const PAIRS: u64 = 12;

fn state(told: &Value, number: usize) -> (&Value, &Value) {
    let picture = &told["groups"][0]["remove"][number];
    (&picture["code"], &picture["files"][0]["state"])
}

/// Resolutions that lie in the quarantine.
fn left(shelf: &Shelf) -> usize {
    let entries = fs::read_dir(shelf.world.path("quarantine"));
    entries.map_or(0, |all| {
        all.flatten().filter(|entry| entry.path().is_dir()).count()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn opposite_decisions_leave_one_picture_of_each_pair() {
    let shelf = Shelf::new(true).await;
    for (files, first) in [("keep", 100), ("quarantine", 500)] {
        let mut pairs = Vec::new();
        for seed in 0..PAIRS {
            let mut pair = Vec::new();
            for other in [0, 200] {
                let bytes = png(&textured(80, 60, first + other + seed));
                pair.push((add(&shelf.app, "a.png", &bytes).await, bytes));
            }
            pairs.push(pair);
        }
        let before = shelf.count().await;
        let wanted = |keep: usize| {
            let groups = pairs.iter().map(|pair| {
                let (keep, remove) = (&pair[keep].0, &pair[1 - keep].0);
                json!({"keep": keep, "remove": [remove]})
            });
            json!({"groups": groups.collect::<Vec<_>>(), "files": files})
        };
        let decided = [0, 1].map(|keep| {
            let (app, wanted) = (shelf.app.clone(), wanted(keep));
            tokio::spawn(async move { send(&app, RESOLVE, &wanted).await })
        });
        let mut removed = 0;
        for one in decided {
            let answer = one.await.unwrap();
            match answer.status.as_u16() {
                200 => removed += answer.json()["removed"].as_u64().unwrap(),
                // It came after the other one, or waited for it in vain: then nothing is done at all.
                404 => drop(answer.problem(404, "unknown_picture")),
                _ => drop(answer.problem(503, "busy")),
            }
        }
        assert_eq!(removed, PAIRS, "{files}");
        assert_eq!(shelf.count().await, before - PAIRS, "{files}");
        for pair in &pairs {
            let mut stored = 0;
            for (id, bytes) in pair {
                let file = get(&shelf.app, &format!("/v1/images/{id}/file")).await;
                stored += usize::from(file.status == 200 && file.body == *bytes);
            }
            assert_eq!(stored, 1, "{files}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_over_from_a_picture_that_stays() {
    let shelf = Shelf::new(true).await;
    shelf.label(1, json!({"tags": ["b"], "object": "o"})).await;
    shelf.label(2, json!({"tags": ["c"]})).await;
    // As long as before: it is known when it is to be moved.
    let mut changed = fs::read(shelf.file(1)).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(shelf.file(1), &changed).unwrap();
    let wanted = json!({"files": "quarantine", "carry_over": true});
    let told = shelf.resolved(&[1], wanted.clone()).await;
    assert_eq!(state(&told, 0), (&json!("file_changed"), &json!("changed")));
    assert_eq!(told["groups"][0]["carried_over"], false);
    assert_eq!(shelf.picture(0).await["tags"], json!([]));
    // No file was moved, and nothing is left that could be undone.
    assert_eq!(told["resolution"], Value::Null);
    assert_eq!(left(&shelf), 0);
    let told = shelf.resolved(&[1, 2], wanted).await;
    assert_eq!((&told["removed"], &told["refused"]), (&json!(1), &json!(1)));
    assert_eq!(told["groups"][0]["carried_over"], true);
    let kept = shelf.picture(0).await;
    assert_eq!(
        (&kept["tags"], &kept["object"]),
        (&json!(["c"]), &Value::Null)
    );
    assert_eq!(fs::read(shelf.file(1)).unwrap(), changed);
    assert_eq!(left(&shelf), 1);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_moved_stays_and_costs_no_other() {
    let mut shelf = Shelf::new(true).await;
    // Its path fits, and is too long below another folder.
    let mut folder = shelf.world.path("pictures");
    while folder.as_os_str().len() < 4070 {
        let most = (4075 - folder.as_os_str().len()).min(200);
        folder.push("d".repeat(most - 1));
    }
    fs::create_dir_all(&folder).unwrap();
    let long = folder.join("long.png");
    fs::write(&long, png(&textured(160, 120, 55))).unwrap();
    shelf.index();
    let id = shelf.world.folder.library.find_by_path(&long).unwrap();
    shelf.ids.push(id.unwrap().to_string());
    shelf.label(4, json!({"tags": ["long"]})).await;
    shelf.label(1, json!({"tags": ["b"]})).await;
    for _ in 0..2 {
        let told = shelf
            .resolved(&[4], json!({"files": "quarantine", "carry_over": true}))
            .await;
        assert_eq!(
            state(&told, 0),
            (&json!("quarantine_failed"), &json!("stays"))
        );
        assert_eq!((&told["resolution"], left(&shelf)), (&Value::Null, 0));
    }
    let told = shelf
        .resolved(&[4, 1], json!({"files": "quarantine", "carry_over": true}))
        .await;
    assert_eq!(
        state(&told, 0),
        (&json!("quarantine_failed"), &json!("stays"))
    );
    assert_eq!(state(&told, 1), (&Value::Null, &json!("moved")));
    assert!(long.exists());
    assert_eq!(shelf.picture(0).await["tags"], json!(["b"]));
    assert_eq!(shelf.picture(4).await["tags"], json!(["long"]));
    let undone = shelf.undone(&told["resolution"]).await;
    assert_eq!(
        (&undone["restored"], &undone["refused"]),
        (&json!(1), &json!([]))
    );
    assert_eq!(shelf.count().await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_away_keeps_its_pictures() {
    let shelf = Shelf::new(true).await;
    let (there, away) = (shelf.world.path("pictures"), shelf.world.path("away"));
    shelf.label(1, json!({"tags": ["b"]})).await;
    fs::rename(&there, &away).unwrap();
    let gone = (&json!("folder_gone"), &json!("missing"));
    for is_mount in [false, true] {
        if is_mount {
            fs::create_dir(&there).unwrap();
        }
        let told = shelf
            .resolved(&[1, 2], json!({"files": "quarantine"}))
            .await;
        assert_eq!(state(&told, 0), gone, "{told}");
        assert_eq!(
            (&told["removed"], &told["resolution"]),
            (&json!(0), &Value::Null)
        );
        // Without its file it could be removed, and would come back.
        let told = shelf.resolved(&[1], json!({"dry_run": true})).await;
        assert_eq!(state(&told, 0), (&Value::Null, &json!("missing")));
        assert_eq!(told["groups"][0]["remove"][0]["returns"], true);
    }
    fs::remove_dir(&there).unwrap();
    fs::rename(&away, &there).unwrap();
    assert_eq!(shelf.picture(1).await["tags"], json!(["b"]));
    // A file that is really gone keeps nobody.
    fs::remove_file(shelf.file(1)).unwrap();
    let told = shelf.resolved(&[1], json!({"files": "quarantine"})).await;
    assert_eq!(state(&told, 0), (&Value::Null, &json!("missing")));
    assert_eq!(told["groups"][0]["remove"][0]["returns"], false);
    // A disk may be away below it, too.
    let below = there.join("nas");
    fs::create_dir(&below).unwrap();
    fs::rename(shelf.file(2), below.join("b.png")).unwrap();
    shelf.index();
    fs::remove_file(below.join("b.png")).unwrap();
    let told = shelf.resolved(&[2], json!({"files": "quarantine"})).await;
    assert_eq!(state(&told, 0), gone, "{told}");
    // Of a folder that is gone, its files are gone.
    fs::remove_dir(&below).unwrap();
    let told = shelf.resolved(&[2], json!({"files": "quarantine"})).await;
    assert_eq!(state(&told, 0), (&Value::Null, &json!("missing")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_which_another_collection_has_a_picture_stays() {
    let shelf = Shelf::with_policy(true, Policy::Always).await;
    let museum = CollectionName::parse("museum").unwrap();
    let collections = shelf.world.settings.collections.clone();
    let lease = collections.lease(&museum).unwrap();
    index(&lease.shared(), &shelf.world.path("pictures"));
    let key = shelf.world.key(&[Scope::Admin], Some("default"));
    let told = |dry_run: bool| {
        let more = json!({"files": "quarantine", "carry_over": true, "dry_run": dry_run});
        let body = shelf.wanted(&[1], more).to_string();
        let request = with(post(RESOLVE, "application/json", body), &key);
        async { ask(&shelf.app, request).await.json() }
    };
    for dry_run in [true, false] {
        let told = told(dry_run).await;
        assert_eq!(state(&told, 0), (&json!("file_shared"), &json!("stays")));
        assert_eq!(
            (&told["removed"], &told["resolution"]),
            (&json!(0), &Value::Null)
        );
        assert!(shelf.file(1).exists());
    }
    let id = PictureId::parse(&shelf.ids[1]).unwrap();
    assert_eq!(lease.remove(&[id]).unwrap(), [true]);
    assert_eq!(told(false).await["moved"], 1);
    assert!(!shelf.file(1).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_in_the_quarantine_is_not_indexed_again() {
    let shelf = Shelf::new(true).await;
    let told = shelf
        .resolved(&[1, 2], json!({"files": "quarantine"}))
        .await;
    assert_eq!(told["moved"], 2);
    let quarantine = shelf.world.path("quarantine");
    let moved = shelf.moved(&told["resolution"], 1);
    // By an indexer that knows nothing of quarantines.
    for folder in [&quarantine, moved.parent().unwrap()] {
        index(&shelf.world.folder.library, folder);
    }
    assert_eq!(shelf.count().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantine_whose_disk_is_away_is_told() {
    let shelf = Shelf::new(true).await;
    let told = shelf.resolved(&[1], json!({"files": "quarantine"})).await;
    let (there, away) = (shelf.world.path("quarantine"), shelf.world.path("away"));
    fs::rename(&there, &away).unwrap();
    for is_mount in [false, true] {
        if is_mount {
            fs::create_dir(&there).unwrap();
        }
        for dry_run in [true, false] {
            let wanted = shelf.wanted(&[2], json!({"files": "quarantine", "dry_run": dry_run}));
            let answer = send(&shelf.app, RESOLVE, &wanted).await;
            answer.problem(503, "quarantine_gone");
        }
        let undo = json!({"resolution": told["resolution"]});
        let answer = send(&shelf.app, UNDO, &undo).await;
        answer.problem(503, "quarantine_gone");
        let answer = get(&shelf.app, "/v1/duplicates/resolutions").await;
        let detail = answer.problem(503, "quarantine_gone");
        assert!(!detail.contains(there.to_str().unwrap()), "{detail}");
        assert!(shelf.file(2).exists() && left(&shelf) == 0);
    }
    fs::remove_dir(&there).unwrap();
    fs::rename(&away, &there).unwrap();
    assert_eq!(shelf.undone(&told["resolution"]).await["restored"], 1);
}

#[tokio::test]
async fn no_folder_around_the_quarantine_is_registered_or_indexed() {
    let mut world = World::new(Policy::Open);
    let quarantine = world.path("pictures/raw/quarantine");
    fs::create_dir_all(quarantine.join("below")).unwrap();
    fs::create_dir(world.path("pictures/other")).unwrap();
    let mut served = JobsServed::clone(world.settings.jobs.as_ref().unwrap());
    served.config = served.config.with_quarantine(Some(&quarantine));
    world.settings.jobs = Some(Arc::new(served));
    let app = world.app();
    for folder in [
        "pictures",
        "pictures/raw/quarantine",
        "pictures/raw/quarantine/below",
    ] {
        let path = world.path(folder);
        for (address, wanted) in [
            ("/v1/folders", json!({"path": path})),
            ("/v1/jobs", json!({"kind": "index", "folder": path})),
        ] {
            let detail = send(&app, address, &wanted).await;
            detail.problem(422, "quarantine_among_pictures");
        }
    }
    assert_eq!(get(&app, "/v1/folders").await.json()["folders"], json!([]));
    let beside = json!({"path": world.path("pictures/other")});
    assert_eq!(send(&app, "/v1/folders", &beside).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_that_cannot_be_read_is_named_to_admins_of_the_whole_server() {
    let shelf = Shelf::with_policy(true, Policy::Always).await;
    let broken = shelf.world.path("data/collections/broken");
    fs::create_dir(&broken).unwrap();
    let none = b"no database, and long enough to be read as one".repeat(300);
    fs::write(broken.join("catalogue.sqlite3"), none).unwrap();
    let files = json!({"files": "quarantine"});
    for (collections, is_named) in [(None, true), (Some("default"), false)] {
        let key = shelf.world.key(&[Scope::Admin], collections);
        let wanted = shelf.wanted(&[1], files.clone()).to_string();
        let asked = with(post(RESOLVE, "application/json", wanted), &key);
        let told = ask(&shelf.app, asked).await.json();
        assert_eq!(
            state(&told, 0),
            (&json!("collection_unreadable"), &json!("stays"))
        );
        let detail = told["groups"][0]["remove"][0]["detail"].as_str().unwrap();
        assert!(detail.contains("cannot be read"), "{detail}");
        assert_eq!(detail.contains("collection broken"), is_named, "{detail}");
    }
    assert!(shelf.file(1).exists());
    fs::remove_dir_all(&broken).unwrap();
    let key = shelf.world.key(&[Scope::Admin], Some("default"));
    let wanted = shelf.wanted(&[1], files).to_string();
    let asked = with(post(RESOLVE, "application/json", wanted), &key);
    assert_eq!(ask(&shelf.app, asked).await.json()["moved"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_around_the_quarantine_keeps_only_its_own_files() {
    let shelf = Shelf::new(true).await;
    let served = shelf.world.settings.jobs.as_ref().unwrap();
    let folders = &served.folders;
    let register = |path: &Path, name: &CollectionName| {
        // As by a process that knows of no quarantine.
        let added = folders.add(&served.config, path, name, &Default::default(), None);
        added.unwrap().0.record.id
    };
    let quarantine = shelf.world.path("quarantine");
    fs::create_dir(&quarantine).unwrap();
    let wanted = json!({"files": "quarantine", "dry_run": true});
    // Of another collection, and of the same.
    let museum = CollectionName::parse("museum").unwrap();
    let others = register(&quarantine, &museum);
    assert_eq!(shelf.resolved(&[1], wanted.clone()).await["moved"], 1);
    folders.remove(others).unwrap();
    let own = register(&quarantine, &CollectionName::default());
    assert_eq!(shelf.resolved(&[1], wanted).await["moved"], 1);
    let wanted = json!({"files": "quarantine"});
    folders.remove(own).unwrap();
    let above = quarantine.parent().unwrap();
    // The data folder lies there, too.
    let elsewhere = tempfile::tempdir().unwrap();
    let mut config = served.config.clone();
    config.root = elsewhere.path().to_owned();
    let added = folders.add(
        &config,
        above,
        &Default::default(),
        &Default::default(),
        None,
    );
    let own = added.unwrap().0.record.id;
    let told = shelf.resolved(&[1], wanted.clone()).await;
    assert_eq!(
        state(&told, 0),
        (&json!("quarantine_folder"), &json!("stays"))
    );
    assert!(shelf.file(1).exists());
    fs::rename(shelf.file(1), shelf.world.path("1.png")).unwrap();
    let told = shelf.resolved(&[1], wanted.clone()).await;
    assert_eq!(
        state(&told, 0),
        (&json!("quarantine_folder"), &json!("missing"))
    );
    fs::rename(shelf.world.path("1.png"), shelf.file(1)).unwrap();
    folders.remove(own).unwrap();
    assert_eq!(shelf.resolved(&[1], wanted).await["moved"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantine_that_takes_nothing_refuses_a_request_before_anything_is_done() {
    let mut world = World::new(Policy::Open);
    world.fill(4);
    fs::write(world.path("file"), b"").unwrap();
    let mut folders = vec![(world.path("file/quarantine"), true)];
    if cfg!(target_os = "linux") {
        // Nobody can make a folder there, and it looks as if root could.
        folders.push((Path::new("/proc/quarantine").to_owned(), false));
    }
    for (folder, is_foretold) in folders {
        let config = &world.settings.jobs.as_ref().unwrap().config;
        world.settings.quarantine = Some(Quarantine::new(&folder, config).unwrap());
        let shelf = Shelf::of(world);
        shelf.label(1, json!({"tags": ["b"]})).await;
        let mut wanted = shelf.wanted(&[1], json!({"files": "quarantine", "carry_over": true}));
        for dry_run in [true, false] {
            wanted["dry_run"] = json!(dry_run);
            let answer = send(&shelf.app, RESOLVE, &wanted).await;
            if dry_run && !is_foretold && answer.status == 200 {
                continue;
            }
            let detail = answer.problem(500, "quarantine_failed");
            assert!(!detail.contains(folder.to_str().unwrap()), "{detail}");
        }
        assert_eq!(shelf.picture(0).await["tags"], json!([]));
        assert_eq!(shelf.count().await, 4);
        world = shelf.world;
    }
}
