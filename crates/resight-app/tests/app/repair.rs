//! `repair`: what can be rebuilt is, and what cannot is named.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use resight_app::Code;
use resight_app::config::{Config, Settings};
use resight_app::data_folder::{self, RepairPhase, Repaired};
use resight_app::plugins::Plugins;
use resight_engine::{FindingKind, FolderOptions, Indexer, PictureId, Query, SearchOptions};
use resight_test_support::onnx::{colour_manifest, colour_net};
use rusqlite::Connection;

use crate::support::{World, add, ask, error, picture, until};
use crate::verify::verified_folder;

fn go() -> AtomicBool {
    AtomicBool::new(false)
}

fn repaired(world: &World) -> Repaired {
    let plugins = Plugins::default();
    data_folder::repair(&world.config(), &plugins, &go(), &mut |_, _, _| {}).unwrap()
}

fn change(world: &World, sql: &str) {
    let raw = Connection::open(world.path("data/catalogue.sqlite3")).unwrap();
    raw.execute_batch(sql).unwrap();
}

fn blob(world: &World, kind: &str, id: &PictureId, end: &str) -> PathBuf {
    let shard = &id.as_str()[..2];
    world.path(&format!("data/blobs/{kind}/{shard}/{id}{end}"))
}

/// Four uploads and the file of a fifth picture in a folder. The second upload is in the folder too.
fn filled(world: &World) -> Vec<PictureId> {
    let folder = world.open();
    let library = &folder.library;
    let mut ids: Vec<PictureId> = (1..=4).map(|seed| add(library, seed)).collect();
    let pictures = world.path("pictures");
    fs::create_dir(&pictures).unwrap();
    fs::write(pictures.join("second.png"), picture(2)).unwrap();
    fs::write(pictures.join("fifth.png"), picture(5)).unwrap();
    let indexer = Indexer::new(library.clone());
    indexer
        .index_folder(&pictures, &FolderOptions::default(), &go(), &mut |_| {})
        .unwrap();
    let fifth = library.find_by_path(&fs::canonicalize(pictures.join("fifth.png")).unwrap());
    ids.push(fifth.unwrap().unwrap());
    ids
}

/// What searches by the stored pictures and by their files answer.
fn answers(world: &World) -> String {
    let plugins = Plugins::default();
    let library = data_folder::open_for_searching(&world.config(), &plugins, false).unwrap();
    let mut all = String::new();
    for seed in 1..=5 {
        let query = picture(seed);
        let answer = ask(&library, Query::Bytes(&query), &SearchOptions::default()).unwrap();
        for hit in answer.hits {
            all += &format!("{:?} {:?}\n", hit.picture, (hit.inliers, hit.log10_nfa));
        }
    }
    all
}

fn kinds(findings: &[resight_engine::Finding]) -> BTreeSet<&'static str> {
    findings
        .iter()
        .map(|finding| finding.kind.as_str())
        .collect()
}

#[test]
fn what_can_be_rebuilt_is_and_searches_answer_as_before() {
    let world = World::new();
    let ids = filled(&world);
    let before = answers(&world);
    let key = |id: &PictureId| format!("(SELECT key FROM picture WHERE id = '{id}')");
    // Features of an upload and of a file, words of others, and both of one.
    for id in [&ids[0], &ids[4], &ids[3]] {
        let key = key(id);
        change(
            &world,
            &format!("UPDATE features SET bytes = zeroblob(length(bytes)) WHERE key = {key}"),
        );
    }
    for id in [&ids[2], &ids[3]] {
        let key = key(id);
        change(
            &world,
            &format!("UPDATE words SET bytes = x'0102' WHERE key = {key}"),
        );
    }
    fs::remove_file(blob(&world, "originals", &ids[1], "")).unwrap();
    fs::write(blob(&world, "thumbnails", &ids[2], ".jpg"), b"no picture").unwrap();
    let stray = PictureId::parse(&"ab".repeat(16)).unwrap();
    let stray = blob(&world, "thumbnails", &stray, ".jpg");
    fs::create_dir_all(stray.parent().unwrap()).unwrap();
    fs::write(&stray, b"a thumbnail").unwrap();
    // An index whose entries are not those of its rows.
    change(
        &world,
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE INDEX picture_by_added ON picture (added_ms, name)'
            WHERE name = 'picture_by_added';",
    );
    let wanted = BTreeSet::from([
        "catalogue_damaged",
        "features_damaged",
        "words_damaged",
        "original_missing",
        "thumbnail_damaged",
        "thumbnail_unrecorded",
    ]);
    assert_eq!(kinds(&verified_folder(&world).unwrap().findings), wanted);

    let done = repaired(&world);
    assert_eq!(done.left.findings, []);
    assert_eq!(kinds(&done.repaired), wanted);
    assert_eq!(verified_folder(&world).unwrap().findings, []);
    assert!(!stray.exists());
    assert_eq!(
        fs::read(blob(&world, "originals", &ids[1], "")).unwrap(),
        picture(2)
    );
    assert_eq!(answers(&world), before);
    // Nothing is left to do.
    assert_eq!(repaired(&world).repaired, []);
}

#[test]
fn what_cannot_be_rebuilt_is_named_with_the_reason() {
    let world = World::new();
    let ids = filled(&world);
    let damage = |id: &PictureId| {
        let sql = format!(
            "UPDATE features SET bytes = x'00' WHERE key = (SELECT key FROM picture WHERE id = '{id}')"
        );
        change(&world, &sql);
    };
    damage(&ids[4]);
    fs::write(world.path("pictures/fifth.png"), picture(6)).unwrap();
    damage(&ids[0]);
    change(
        &world,
        &format!("UPDATE picture SET name = 'x' WHERE id = '{}'", ids[2]),
    );
    fs::write(blob(&world, "originals", &ids[3], ""), picture(7)).unwrap();
    let done = repaired(&world);
    assert_eq!(done.repaired.len(), 1);
    assert_eq!(done.repaired[0].thing, ids[0].as_str());
    let left: BTreeSet<(FindingKindText, String)> = done
        .left
        .findings
        .iter()
        .map(|f| (f.kind.as_str(), f.thing.clone()))
        .collect();
    let original = format!("originals/{}/{}", &ids[3].as_str()[..2], ids[3]);
    let wanted = BTreeSet::from([
        ("features_damaged", ids[4].as_str().to_owned()),
        ("record_damaged", ids[2].as_str().to_owned()),
        ("original_damaged", original),
    ]);
    assert_eq!(left, wanted);
    for finding in &done.left.findings {
        assert!(
            finding.detail.contains("it is not rebuilt: "),
            "{finding:?}"
        );
        assert!(!finding.kind.next_step().is_empty());
    }
    // The next steps help.
    let folder = world.open();
    assert!(
        folder
            .library
            .remove(&[ids[2].clone(), ids[4].clone()])
            .unwrap()
            .iter()
            .all(|r| *r)
    );
    assert_eq!(add(&folder.library, 4), ids[3]);
    drop(folder);
    assert_eq!(verified_folder(&world).unwrap().findings, []);
}

type FindingKindText = &'static str;

#[test]
fn rows_of_an_earlier_version_get_checksums_unless_they_are_damaged() {
    let world = World::new();
    let ids = filled(&world);
    change(
        &world,
        "UPDATE picture SET row_sum = NULL, features_sum = NULL, words_sum = NULL",
    );
    fs::remove_file(world.path("pictures/fifth.png")).unwrap();
    let sql = format!(
        "UPDATE features SET bytes = x'00' WHERE key = (SELECT key FROM picture WHERE id = '{}')",
        ids[4]
    );
    change(&world, &sql);
    let done = repaired(&world);
    assert_eq!(done.checksums_added, 4);
    assert_eq!(done.left.without_checksums, 1);
    assert_eq!(done.left.findings.len(), 1);
    assert_eq!(done.left.findings[0].kind, FindingKind::FeaturesDamaged);
}

#[test]
fn a_model_describes_pictures_again_whose_vectors_were_damaged() {
    let world = World::new();
    world.install("colour", &colour_manifest("colour", ""), &colour_net());
    let config = Config::new(Settings {
        with_models: vec!["colour".into()],
        ..world.settings()
    })
    .unwrap();
    let open = || data_folder::open_for_writing(&config, &Plugins::default()).unwrap();
    let folder = open();
    let ids = [1, 2].map(|seed| add(&folder.library, seed));
    drop(folder);
    let vectors = |world: &World| {
        let raw = Connection::open(world.path("data/catalogue.sqlite3")).unwrap();
        let mut all = raw
            .prepare("SELECT bytes FROM vector ORDER BY key")
            .unwrap();
        let rows = all.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        rows.collect::<Result<Vec<_>, _>>().unwrap()
    };
    let before = vectors(&world);
    assert_eq!(before.len(), 2);
    change(
        &world,
        "UPDATE vector SET bytes = zeroblob(length(bytes)) WHERE key = 1",
    );
    let found = verified_folder(&world).unwrap().findings;
    assert_eq!(
        (found[0].kind, &*found[0].thing),
        (FindingKind::VectorDamaged, ids[0].as_str())
    );
    assert_eq!(repaired(&world).left.findings, []);
    let folder = open();
    let _embedding = folder.embed_in_background();
    until("the vector", || vectors(&world).len() == 2);
    assert!(vectors(&world) == before);
}

#[test]
fn a_repair_needs_the_folder_for_itself() {
    let world = World::new();
    let folder = world.open();
    let tried = data_folder::repair(
        &world.config(),
        &Plugins::default(),
        &go(),
        &mut |_, _, _| {},
    );
    assert_eq!(error(tried).code(), Code::StoreLocked);
    drop(folder);
}

#[test]
fn thumbnails_of_stored_pictures_stay_where_an_index_lacks_their_ids() {
    let world = World::new();
    let ids = filled(&world);
    let sql = "CREATE UNIQUE INDEX picture_by_id ON picture (id)";
    let define = |sql: &str| {
        change(
            &world,
            &format!(
                "PRAGMA writable_schema = ON;
                 UPDATE sqlite_schema SET sql = '{sql}' WHERE name = 'picture_by_id';"
            ),
        );
    };
    // Its entries go, and its definition stays.
    define(&format!("{sql} WHERE 0"));
    change(&world, "REINDEX picture_by_id");
    define(sql);
    let wanted = BTreeSet::from([
        "catalogue_damaged",
        "original_unrecorded",
        "thumbnail_unrecorded",
    ]);
    assert_eq!(kinds(&verified_folder(&world).unwrap().findings), wanted);
    change(&world, "UPDATE picture SET features_sum = NULL");
    // What a damaged catalogue hides was not checked, and gets no checksum.
    let done = repaired(&world);
    assert_eq!((done.left.findings, done.checksums_added), (vec![], 0));
    assert_eq!(repaired(&world).checksums_added, 5);
    for id in &ids {
        assert!(blob(&world, "thumbnails", id, ".jpg").exists(), "{id}");
    }
}

#[test]
fn a_stopped_repair_leaves_no_index_of_earlier_words() {
    let world = World::new();
    let ids = filled(&world);
    let tag = world.open().library.vocabulary().tag();
    let tag = tag.map(|byte| format!("{byte:02x}")).concat();
    // Of so few pictures none is stored yet: anything stands for it.
    let index = world.path("data/index").join(tag);
    fs::create_dir_all(&index).unwrap();
    fs::write(index.join("part"), b"of an index").unwrap();
    for table in ["features", "words"] {
        let key = format!("(SELECT key FROM picture WHERE id = '{}')", ids[0]);
        change(
            &world,
            &format!("UPDATE {table} SET bytes = zeroblob(length(bytes)) WHERE key = {key}"),
        );
    }
    let stop = go();
    let mut on_step = |phase, _, _| {
        stop.fetch_or(phase == RepairPhase::Repairing, Ordering::Relaxed);
    };
    let config = world.config();
    let stopped = data_folder::repair(&config, &Plugins::default(), &stop, &mut on_step);
    assert_eq!(error(stopped).code(), Code::Cancelled);
    assert!(!index.exists());
}
