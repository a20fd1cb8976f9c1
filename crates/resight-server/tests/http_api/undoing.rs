//! Resolutions that are undone: what comes back, what is refused, and what nobody learns.

use std::fs;

use resight_app::keys::Scope;
use resight_server::Policy;
use serde_json::{Value, json};

use crate::access::with;
use crate::fixtures::{add, ask, get, post, request};
use crate::resolving::{RESOLVE, Shelf, UNDO};

fn quarantined() -> Value {
    json!({"files": "quarantine"})
}

/// Whether the newest resolution is listed as undone.
async fn is_undone(shelf: &Shelf) -> Value {
    let listed = get(&shelf.app, "/v1/duplicates/resolutions").await.json();
    listed["resolutions"][0]["undone"].clone()
}

fn restored(undone: &Value) -> (u64, u64, usize) {
    let number = |name: &str| undone[name].as_u64().unwrap();
    let refused = undone["refused"].as_array().unwrap();
    (number("restored"), number("pictures"), refused.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_that_were_given_since_stay() {
    let shelf = Shelf::new(true).await;
    let labels = json!({"tags": ["old"], "object": "o1", "metadata": {"k": 1, "old": true}});
    shelf.label(1, labels.clone()).await;
    shelf.label(2, labels).await;
    let done = shelf.resolved(&[1, 2], quarantined()).await;
    // One of them is added again before it is undone, and labelled.
    let bytes = fs::read(shelf.moved(&done["resolution"], 2)).unwrap();
    add(&shelf.app, "again.png", &bytes).await;
    let since = json!({"tags": ["new"], "object": "o2", "metadata": {"k": 2}});
    shelf.label(2, since.clone()).await;
    let undone = shelf.undone(&done["resolution"]).await;
    assert_eq!(restored(&undone), (2, 2, 0), "{undone}");
    let again = shelf.picture(2).await;
    assert_eq!(
        (&again["tags"], &again["object"], &again["metadata"]),
        (
            &json!(["new", "old"]),
            &json!("o2"),
            &json!({"k": 2, "old": true})
        )
    );
    // What is given after that is left alone by a further call.
    shelf.label(1, since).await;
    let before = shelf.picture(1).await;
    assert_eq!(before["tags"], json!(["new"]));
    let undone = shelf.undone(&done["resolution"]).await;
    assert_eq!(restored(&undone), (0, 0, 0));
    assert_eq!(shelf.picture(1).await, before);
    assert_eq!(is_undone(&shelf).await, true);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_picture_with_too_many_tags_costs_no_other_its_labels() {
    let shelf = Shelf::new(true).await;
    shelf.label(1, json!({"tags": ["b"]})).await;
    shelf.label(2, json!({"tags": ["c"]})).await;
    let done = shelf.resolved(&[1, 2], quarantined()).await;
    let bytes = fs::read(shelf.moved(&done["resolution"], 1)).unwrap();
    add(&shelf.app, "again.png", &bytes).await;
    let many: Vec<String> = (0..64).map(|number| format!("tag {number}")).collect();
    shelf.label(1, json!({"tags": many})).await;
    let undone = shelf.undone(&done["resolution"]).await;
    assert_eq!(restored(&undone), (2, 1, 1), "{undone}");
    assert_eq!(
        undone["refused"][0]["path"],
        shelf.file(1).to_str().unwrap()
    );
    assert_eq!(shelf.picture(2).await["tags"], json!(["c"]));
    assert_eq!(is_undone(&shelf).await, false);
    shelf.label(1, json!({"tags": ["few"]})).await;
    let undone = shelf.undone(&done["resolution"]).await;
    assert_eq!(restored(&undone), (0, 1, 0), "{undone}");
    assert_eq!(shelf.picture(1).await["tags"], json!(["b", "few"]));
    assert_eq!(is_undone(&shelf).await, true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_without_a_file_gets_its_labels_when_that_is_there_again() {
    let shelf = Shelf::new(true).await;
    shelf.label(1, json!({"tags": ["b"]})).await;
    let aside = shelf.world.path("aside.png");
    fs::rename(shelf.file(1), &aside).unwrap();
    let done = shelf.resolved(&[1], quarantined()).await;
    assert_eq!((&done["removed"], &done["moved"]), (&json!(1), &json!(0)));
    let undone = shelf.undone(&done["resolution"]).await;
    assert_eq!(restored(&undone), (0, 0, 1), "{undone}");
    assert_eq!(
        undone["refused"][0]["path"],
        shelf.file(1).to_str().unwrap()
    );
    assert_eq!(is_undone(&shelf).await, false);
    fs::rename(&aside, shelf.file(1)).unwrap();
    let undone = shelf.undone(&done["resolution"]).await;
    assert_eq!(restored(&undone), (0, 1, 0), "{undone}");
    assert_eq!(shelf.picture(1).await["tags"], json!(["b"]));
    assert_eq!(is_undone(&shelf).await, true);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_outside_the_registered_folder() {
    let shelf = Shelf::new(true).await;
    let (folder, elsewhere) = (
        shelf.world.path("pictures/s"),
        shelf.world.path("elsewhere"),
    );
    fs::create_dir(&folder).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    fs::rename(shelf.file(1), folder.join("s.png")).unwrap();
    shelf.index();
    let done = shelf.resolved(&[1], quarantined()).await;
    assert_eq!(done["moved"], 1, "{done}");
    fs::remove_dir(&folder).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &folder).unwrap();
    let undone = shelf.undone(&done["resolution"]).await;
    assert_eq!(restored(&undone), (0, 0, 1), "{undone}");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    assert_eq!(is_undone(&shelf).await, false);
    fs::remove_file(&folder).unwrap();
    // Nor into a folder that is not registered any more.
    let folders = shelf.world.settings.jobs.as_ref().unwrap().folders.clone();
    folders
        .remove(folders.list().unwrap()[0].record.id)
        .unwrap();
    let undone = shelf.undone(&done["resolution"]).await;
    assert_eq!(restored(&undone), (0, 0, 1), "{undone}");
    assert!(!folder.exists());
    shelf.register();
    let undone = shelf.undone(&done["resolution"]).await;
    assert_eq!(restored(&undone), (1, 1, 0), "{undone}");
    assert!(folder.join("s.png").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_put_back_where_its_disk_is_not_mounted() {
    let shelf = Shelf::new(true).await;
    let done = shelf.resolved(&[1], quarantined()).await;
    let id = done["resolution"].as_str().unwrap();
    let log = shelf.world.path("quarantine").join(id).join("log.jsonl");
    let written = fs::read_to_string(&log).unwrap();
    // As if there had been a disk.
    let lines = written.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        if let Some(file) = line.get_mut("file") {
            assert!(file.get("mount").is_some());
            file["mount"] = json!(shelf.world.path("pictures"));
        }
        line.to_string() + "\n"
    });
    fs::write(&log, lines.collect::<String>()).unwrap();
    let undone = shelf.undone(&done["resolution"]).await;
    assert_eq!(restored(&undone), (0, 0, 1), "{undone}");
    assert!(!shelf.file(1).exists() && shelf.moved(&done["resolution"], 1).exists());
    fs::write(&log, written).unwrap();
    let undone = shelf.undone(&done["resolution"]).await;
    assert_eq!(restored(&undone), (1, 1, 0), "{undone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_are_told_to_admins_of_the_whole_server_alone() {
    let shelf = Shelf::with_policy(true, Policy::Always).await;
    let everywhere = shelf.world.key(&[Scope::Admin], None);
    let here = shelf.world.key(&[Scope::Admin], Some("default"));
    let asked = |address, body: Value| post(address, "application/json", body.to_string());
    let done = asked(RESOLVE, shelf.wanted(&[1], quarantined()));
    let done = ask(&shelf.app, with(done, &here)).await.json();
    assert_eq!(done["moved"], 1, "{done}");
    fs::write(shelf.file(1), b"something else").unwrap();
    for (key, path) in [
        (&everywhere, shelf.file(1).to_str().unwrap()),
        (&here, "001.png"),
    ] {
        let undo = asked(UNDO, json!({"resolution": done["resolution"]}));
        let undone = ask(&shelf.app, with(undo, key)).await.json();
        assert_eq!(undone["refused"][0]["path"], path);
        let detail = undone["refused"][0]["detail"].as_str().unwrap();
        assert!(!detail.contains('/'), "{detail}");
    }
    // Neither tells where a folder is that is not there.
    let (there, away) = (shelf.world.path("pictures"), shelf.world.path("away"));
    fs::rename(&there, &away).unwrap();
    let undo = asked(UNDO, json!({"resolution": done["resolution"]}));
    let answer = ask(&shelf.app, with(undo, &here)).await;
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(
        text.contains("001.png") && !text.contains(there.to_str().unwrap()),
        "{text}"
    );
    let list = with(request("GET", "/v1/duplicates/resolutions"), &here);
    assert_eq!(
        ask(&shelf.app, list).await.json()["resolutions"][0]["undone"],
        false
    );
}
