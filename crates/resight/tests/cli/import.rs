//! `resight import`.

use std::fs;

use rusqlite::Connection;

use crate::support::{World, fill, json, json_error, run, text};

#[test]
fn attributes_of_a_project_of_vise_become_metadata() {
    let world = World::empty();
    let [data, pictures, project] = ["data", "pictures", "project"].map(|name| world.path(name));
    fill(&pictures, 3);
    json(&data, &["index", text(&pictures)]);
    let first = pictures.join("00.png");
    json(
        &data,
        &[
            "tag",
            text(&first),
            "--metadata",
            r#"{"room": "west", "year": 1}"#,
        ],
    );
    fs::create_dir(&project).unwrap();
    let database = Connection::open(project.join("metadata_db.sqlite")).unwrap();
    database
        .execute_batch(
            "CREATE TABLE file_metadata (file_id INTEGER PRIMARY KEY, filename TEXT NOT NULL, title TEXT, year INTEGER);
             INSERT INTO file_metadata VALUES (0, '00.png', 'A vase', 1890), (1, '01.png', NULL, NULL),
                 (2, 'gone.png', 'x', 2), (3, '02.png', printf('%20000d', 1), 3);
             CREATE TABLE region_metadata (row_id INTEGER PRIMARY KEY, file_id INTEGER, region_id INTEGER, shape TEXT);
             INSERT INTO region_metadata VALUES (0, 0, 0, 'rect,1,2,3,4'), (1, 0, 1, 'rect,5,6,7,8');",
        )
        .unwrap();
    drop(database);
    let arguments = [
        "import",
        "vise",
        text(&project),
        "--pictures",
        text(&pictures),
        "--tag",
        "books",
    ];
    for _again in 0..2 {
        let done = &json(&data, &arguments)[0];
        assert_eq!(done["labelled"], 2, "{done}");
        assert_eq!(done["not_indexed"][0], "gone.png");
        assert_eq!(done["refused"][0]["file"], "02.png");
        let found = &json(&data, &["list", "--meta", "year=1890", "--tag", "books"])[0];
        let image = &found["images"][0];
        assert_eq!(image["name"], "00.png");
        assert_eq!(image["metadata"]["room"], "west");
        assert_eq!(image["metadata"]["title"], "A vase");
        assert_eq!(image["metadata"]["regions"][1]["shape"], "rect,5,6,7,8");
        assert_eq!(json(&data, &["count", "--tag", "books"])[0]["count"], 2);
    }
    let told = run(&data, &arguments);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(
        told.contains("Labelled 2 pictures; 1 file is not indexed"),
        "{told}"
    );
}

#[test]
fn a_project_without_a_database_has_a_list_of_files() {
    let world = World::empty();
    let [data, pictures, project] = ["data", "pictures", "project"].map(|name| world.path(name));
    fill(&pictures, 2);
    json(&data, &["index", text(&pictures)]);
    let arguments = [
        "import",
        "vise",
        text(&project),
        "--pictures",
        text(&pictures),
        "--tag",
        "books",
    ];
    let missing = json_error(&data, &arguments, 1);
    assert_eq!(missing["code"], "not_a_vise_project");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("filelist.txt"), "00.png\n\n01.png\n").unwrap();
    assert_eq!(json(&data, &arguments)[0]["labelled"], 2);
    assert_eq!(json(&data, &["count", "--tag", "books"])[0]["count"], 2);
}
