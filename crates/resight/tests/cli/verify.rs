//! `resight verify`.

use std::fs;

use crate::support::{fill, json, json_error, run};

#[test]
fn what_is_wrong_is_listed_and_the_exit_code_says_so() {
    let root = tempfile::tempdir().unwrap();
    let (data, pictures) = (root.path().join("data"), root.path().join("pictures"));
    fill(&pictures, 3);
    json(&data, &["index", pictures.to_str().unwrap()]);
    let whole = &json(&data, &["verify"])[0];
    assert_eq!(whole["pictures"], 3, "{whole}");
    assert_eq!(
        (&whole["sources"], &whole["sources_away"]),
        (&3.into(), &0.into())
    );
    assert_eq!(whole["findings"], serde_json::json!([]));

    fs::remove_file(pictures.join("00.png")).unwrap();
    let thumbnails = data.join("blobs/thumbnails");
    let shard = fs::read_dir(&thumbnails).unwrap().next().unwrap().unwrap();
    let file = fs::read_dir(shard.path()).unwrap().next().unwrap().unwrap();
    fs::write(file.path(), b"no picture").unwrap();
    let output = run(&data, &["verify", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["sources_away"], 1, "{said}");
    let finding = &said["findings"][0];
    assert_eq!(finding["kind"], "thumbnail_damaged", "{said}");
    for field in ["thing", "detail", "next_step"] {
        assert!(finding[field].is_string(), "{said}");
    }
    assert!(String::from_utf8_lossy(&output.stderr).contains("verify_failed"));
    let text = run(&data, &["verify"]);
    assert_eq!(text.status.code(), Some(1));
    let text = String::from_utf8_lossy(&text.stdout);
    assert!(text.contains("thumbnail_damaged: thumbnails/"), "{text}");
}

#[test]
fn a_repair_says_what_it_did_and_what_is_left() {
    let root = tempfile::tempdir().unwrap();
    let (data, pictures) = (root.path().join("data"), root.path().join("pictures"));
    fill(&pictures, 3);
    json(&data, &["index", pictures.to_str().unwrap()]);
    let raw = rusqlite::Connection::open(data.join("catalogue.sqlite3")).unwrap();
    raw.execute("UPDATE features SET bytes = x'00'", [])
        .unwrap();
    drop(raw);
    fs::remove_file(pictures.join("01.png")).unwrap();
    let search = pictures.join("00.png");
    let search = ["search", search.to_str().unwrap()];
    let refused = json_error(&data, &search, 2);
    assert_eq!(refused["code"], "picture_damaged");
    assert!(
        refused["next_step"]
            .as_str()
            .unwrap()
            .contains("resight verify --repair")
    );

    let output = run(&data, &["verify", "--repair", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["repaired"].as_array().unwrap().len(), 2, "{said}");
    assert_eq!(said["findings"].as_array().unwrap().len(), 1, "{said}");
    let left = &said["findings"][0];
    assert_eq!(left["kind"], "features_damaged");
    let detail = left["detail"].as_str().unwrap();
    assert!(
        detail.contains("no file has its bytes at present"),
        "{detail}"
    );

    // Once its file is back, so is the rest.
    fs::write(
        pictures.join("01.png"),
        resight_test_support::encode(
            &crate::support::textured(400, 320, 2),
            image::ImageFormat::Png,
        ),
    )
    .unwrap();
    let text = run(&data, &["verify", "--repair"]);
    assert_eq!(text.status.code(), Some(0));
    let text = String::from_utf8_lossy(&text.stdout);
    assert!(text.starts_with("repaired: features_damaged: "), "{text}");
    assert_eq!(run(&data, &search).status.code(), Some(0));
}
