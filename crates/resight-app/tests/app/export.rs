//! Exports, written at once and by jobs.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resight_app::Code;
use resight_app::export::{
    ExportError, ExportFormat, ExportOptions, ExportRoom, Exported, export, file_of,
};
use resight_app::jobs::{ExportTask, JobSettings, Task};
use resight_engine::{
    Duplicates, Indexer, LabelPatch, Library, Metadata, ObjectId, PictureId, Tag, Update,
};
use resight_store::{CollectionName, JobState, ServiceRecords};
use serde_json::Value;

use crate::backup::go;
use crate::jobs::Service;
use crate::support::{World, add, picture};

/// A picture and a copy of it, which are labelled, and two others that are said to be no match.
fn filled(library: &Arc<Library>) -> [PictureId; 4] {
    let first = add(library, 1);
    let pixels = image::load_from_memory(&picture(1)).unwrap().to_rgb8();
    let copy = resight_test_support::jpeg(&pixels, 80);
    let copy = Indexer::new(library.clone()).add(&copy, "a;\"b\".jpg");
    let copy = copy.unwrap().picture.id;
    let [third, fourth] = [3, 4].map(|seed| add(library, seed));
    let patch = LabelPatch {
        add_tags: ["vase", "blue"].map(|tag| Tag::parse(tag).unwrap()).into(),
        object: Update::Set(ObjectId::parse("vase 7").unwrap()),
        metadata: Update::Set(
            Metadata::new(
                r#"{"year":1890}"#.into(),
                vec![("year".into(), "1890".into())],
            )
            .unwrap(),
        ),
        ..LabelPatch::default()
    };
    library.label(vec![(copy.clone(), patch)]).unwrap();
    let duplicates = Duplicates::new(library.clone());
    duplicates.update(&go(), &mut |_| {}).unwrap();
    duplicates.add_not_a_match(&third, &fourth).unwrap();
    [first, copy, third, fourth]
}

fn written(library: &Arc<Library>, format: ExportFormat, paths: bool) -> (Exported, String) {
    let mut out = Vec::new();
    let options = ExportOptions { format, paths };
    let collection = CollectionName::default();
    let exported = export(
        library,
        &collection,
        options,
        &go(),
        &mut out,
        &mut |_, _| {},
    );
    (exported.unwrap(), String::from_utf8(out).unwrap())
}

fn lines(text: &str) -> Vec<Value> {
    let all = text.lines().map(|line| serde_json::from_str(line).unwrap());
    all.collect()
}

#[test]
fn an_export_has_labels_paths_groups_and_decisions() {
    let world = World::new();
    let folder = world.open();
    let library = &folder.library;
    let [first, copy, third, fourth] = filled(library);
    let pictures = world.path("pictures");
    fs::create_dir(&pictures).unwrap();
    fs::write(pictures.join("own.png"), picture(9)).unwrap();
    let options = resight_engine::FolderOptions::default();
    Indexer::new(library.clone())
        .index_folder(&pictures, &options, &go(), &mut |_| {})
        .unwrap();

    let (exported, text) = written(library, ExportFormat::Jsonl, true);
    let counts = Exported {
        pictures: 5,
        groups: 1,
        decisions: 1,
    };
    assert_eq!(exported, counts);
    let all = lines(&text);
    let of = |record: &str| -> Vec<&Value> {
        all.iter().filter(|line| line["record"] == record).collect()
    };
    assert_eq!(all[0]["record"], "export");
    assert_eq!(all[0]["collection"], "default");
    assert_eq!(of("picture").len(), 5);
    // The oldest first.
    assert_eq!(of("picture")[0]["id"], first.as_str());
    let labelled = of("picture")[1];
    assert_eq!(labelled["id"], copy.as_str());
    assert_eq!(labelled["name"], "a;\"b\".jpg");
    assert_eq!(labelled["tags"], serde_json::json!(["blue", "vase"]));
    assert_eq!(labelled["object"], "vase 7");
    assert_eq!(labelled["metadata"]["year"], 1890);
    let path = of("picture")[4]["paths"][0].as_str().unwrap();
    assert!(path.ends_with("/own.png"), "{path}");
    let group = of("group")[0];
    assert_eq!(group["kind"], "re-encoded");
    assert_eq!(group["images"].as_array().unwrap().len(), 2);
    assert_eq!(group["pairs"][0]["a"], first.as_str());
    let decided = of("not_a_match")[0];
    let mut pair = [&decided["a"], &decided["b"]].map(|id| id.as_str().unwrap());
    pair.sort_unstable();
    let mut both = [third.as_str(), fourth.as_str()];
    both.sort_unstable();
    assert_eq!(pair, both);
    let end = all.last().unwrap();
    assert_eq!(
        end,
        &serde_json::json!({"record": "end", "pictures": 5, "groups": 1, "decisions": 1})
    );
    let (_, without) = written(library, ExportFormat::Jsonl, false);
    assert!(!without.contains("own.png\"]") && !without.contains("paths"));
}

#[test]
fn rows_of_csv_have_the_same() {
    let world = World::new();
    let folder = world.open();
    let [_, copy, ..] = filled(&folder.library);
    let (_, text) = written(&folder.library, ExportFormat::Csv, true);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headings = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell = |row: &csv::StringRecord, name: &str| {
        let at = headings.iter().position(|heading| heading == name).unwrap();
        row[at].to_owned()
    };
    let records: Vec<String> = rows.iter().map(|row| cell(row, "record")).collect();
    let expected = [
        "picture",
        "picture",
        "picture",
        "picture",
        "member",
        "member",
        "not_a_match",
        "end",
    ];
    assert_eq!(records, expected);
    let labelled = &rows[1];
    assert_eq!(cell(labelled, "id"), copy.as_str());
    assert_eq!(cell(labelled, "name"), "a;\"b\".jpg");
    assert_eq!(cell(labelled, "tags"), "blue;vase");
    assert_eq!(cell(labelled, "metadata"), r#"{"year":1890}"#);
    assert_eq!(cell(&rows[7], "name"), "pictures 4, groups 1, decisions 1");
}

#[test]
fn an_export_that_is_cancelled_says_so() {
    let world = World::new();
    let folder = world.open();
    add(&folder.library, 1);
    let options = ExportOptions {
        format: ExportFormat::Jsonl,
        paths: true,
    };
    let cancelled = export(
        &folder.library,
        &CollectionName::default(),
        options,
        &AtomicBool::new(true),
        &mut Vec::new(),
        &mut |_, _| {},
    );
    match cancelled {
        Err(ExportError::App(error)) => assert_eq!(error.code(), Code::Cancelled),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_job_writes_a_whole_file_also_in_the_process_after_a_kill() {
    let world = World::new();
    let mut service = Service::of(&world);
    filled(&service.folder.library);
    let root = world.path("data");
    let task = Task::Export(ExportTask {
        format: ExportFormat::Jsonl,
        paths: false,
    });
    let id = service.add(&task);
    // As a process that was killed leaves it: the job runs, and its file is half written.
    let begun = ServiceRecords::open(&root)
        .unwrap()
        .begin_job_but("", &[])
        .unwrap();
    assert_eq!(begun.unwrap().id, id);
    fs::create_dir_all(root.join("exports")).unwrap();
    fs::write(root.join("exports/.tmpAbC123"), b"{\"record\":\"exp").unwrap();
    // And the file of a job that is forgotten.
    let forgotten = file_of(&root, 999, ExportFormat::Csv);
    fs::write(&forgotten, b"record").unwrap();

    service.run(&world);
    let job = service.ended(id);
    assert_eq!(job.record.state, JobState::Done, "{job:?}");
    assert_eq!(job.counts["pictures"], 4);
    assert_eq!((job.record.done, job.record.total), (4, 4));
    let text = fs::read_to_string(file_of(&root, id, ExportFormat::Jsonl)).unwrap();
    assert_eq!(lines(&text).last().unwrap()["record"], "end");
    crate::jobs::until(|| !forgotten.exists());
    let left: Vec<_> = fs::read_dir(root.join("exports")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn the_oldest_exports_give_way_and_one_without_room_fails() {
    let world = World::new();
    let mut service = Service::of(&world);
    filled(&service.folder.library);
    let root = world.path("data");
    let task = Task::Export(ExportTask {
        format: ExportFormat::Jsonl,
        paths: false,
    });
    let with = |exports: ExportRoom| JobSettings {
        exports,
        ..JobSettings::default()
    };
    let two = ExportRoom {
        files: 2,
        ..ExportRoom::default()
    };
    service.run_by(&world, &with(two));
    let made = [(); 3].map(|()| {
        let id = service.add(&task);
        assert_eq!(service.ended(id).record.state, JobState::Done);
        id
    });
    let are_there = made.map(|id| file_of(&root, id, ExportFormat::Jsonl).exists());
    assert_eq!(are_there, [false, true, true]);
    service.stop();

    let little = ExportRoom {
        bytes: 100,
        ..ExportRoom::default()
    };
    service.run_by(&world, &with(little));
    let id = service.add(&task);
    let job = service.ended(id);
    assert_eq!(job.record.state, JobState::Failed);
    assert_eq!(job.record.code.as_deref(), Some("export_too_large"));
    let left: Vec<_> = fs::read_dir(root.join("exports")).unwrap().collect();
    assert_eq!(left.len(), 0, "{left:?}");
}
