//! `resight eval` and `resight train` on generated pictures.

use std::path::{Path, PathBuf};

use crate::support::{count, json, json_error, run, save, textured};
use image::imageops;

/// Four pictures and three queries: two turned copies, and one picture that is nowhere.
fn labelled(dir: &Path) {
    std::fs::create_dir_all(dir.join("images")).unwrap();
    for seed in 0..4 {
        save(
            &textured(280, 220, seed),
            &dir.join(format!("images/{seed}.png")),
        );
    }
    for seed in 0..2 {
        let turned = imageops::rotate180(&textured(280, 220, seed));
        save(&turned, &dir.join(format!("images/turned{seed}.png")));
    }
    save(&textured(280, 220, 99), &dir.join("images/nowhere.png"));
    let truth = serde_json::json!({
        "name": "generated",
        "metric": "recall@1",
        "query_in_database": false,
        "database": ["0.png", "1.png", "2.png", "3.png"],
        "queries": [
            {"query": "turned0.png", "relevant": ["0.png"], "ignore": [], "attack": "turn"},
            // The right picture under a wrong label: one wrongly verified pair.
            {"query": "turned1.png", "relevant": ["2.png"], "ignore": ["3.png"], "attack": "label"},
            {"query": "nowhere.png", "relevant": ["3.png"], "ignore": []},
        ],
    });
    std::fs::write(dir.join("groundtruth.json"), truth.to_string()).unwrap();
}

// Long because the expected numbers stand beside each other.
#[test]
fn known_answers_give_known_numbers() {
    let root = tempfile::tempdir().unwrap();
    let (truth, distractors) = (root.path().join("truth"), root.path().join("distractors"));
    labelled(&truth);
    std::fs::create_dir(&distractors).unwrap();
    for seed in 50..53 {
        save(
            &textured(280, 220, seed),
            &distractors.join(format!("{seed}.png")),
        );
    }
    let data = root.path().join("data");
    let truth = truth.to_str().unwrap();
    let arguments = [
        "eval",
        truth,
        "--distractors",
        distractors.to_str().unwrap(),
    ];

    let scores = &json(&data, &arguments)[0];
    let keys: Vec<&str> = scores
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut expected = vec![
        "name",
        "queries",
        "recall_at_1",
        "recall_at_10",
        "map",
        "shortlist_recall",
        "verified_true",
        "verified_false",
        "query_ms_p50",
        "query_ms_p95",
        "expand_ms_p50",
        "variants_ms_p50",
        "bytes_per_picture",
        "pictures",
    ];
    expected.sort_unstable();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!(
        (&scores["name"], &scores["queries"]),
        (&"generated".into(), &3.into())
    );
    assert_eq!(scores["pictures"], 7);
    assert_eq!(
        (&scores["verified_true"], &scores["verified_false"]),
        (&1.into(), &1.into())
    );
    let recall = scores["recall_at_1"].as_f64().unwrap();
    assert!(
        (1.0 / 3.0 - 1e-9..=2.0 / 3.0 + 1e-9).contains(&recall),
        "{scores}"
    );
    assert!(scores["bytes_per_picture"].as_f64().unwrap() > 1000.0);
    assert_eq!(count(&data), 3, "the distractors stay, the database goes");

    let told = run(
        &data,
        &[&arguments[..], &["--show-misses", "--show-false"]].concat(),
    );
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    for part in [
        "recall@1",
        "attack",
        "turn ",
        "missed query",
        "turned1.png",
        "wrongly verified",
    ] {
        assert!(told.contains(part), "{part} is not in:\n{told}");
    }
    assert_eq!(count(&data), 3);
}

#[test]
fn a_query_of_the_database_does_not_answer_itself() {
    let root = tempfile::tempdir().unwrap();
    let truth = root.path().join("truth");
    std::fs::create_dir_all(truth.join("images")).unwrap();
    save(&textured(280, 220, 1), &truth.join("images/a.png"));
    save(
        &imageops::rotate90(&textured(280, 220, 1)),
        &truth.join("images/b.png"),
    );
    save(&textured(280, 220, 2), &truth.join("images/c.png"));
    let text = r#"{"name":"self","query_in_database":true,"database":["a.png","b.png","c.png"],
        "queries":[{"query":"a.png","relevant":["b.png"]}]}"#;
    std::fs::write(truth.join("groundtruth.json"), text).unwrap();
    let scores = &json(
        &root.path().join("data"),
        &["eval", truth.to_str().unwrap()],
    )[0];
    assert_eq!(
        (&scores["recall_at_1"], &scores["map"]),
        (&1.0.into(), &1.0.into())
    );
    assert_eq!(
        (&scores["verified_true"], &scores["verified_false"]),
        (&1.into(), &0.into())
    );

    std::fs::write(truth.join("groundtruth.json"), "{").unwrap();
    let error = json_error(
        &root.path().join("data"),
        &["eval", truth.to_str().unwrap()],
        1,
    );
    assert_eq!(error["code"], "ground_truth");
}

/// Four pictures in a folder, and where a data folder may be.
fn four_pictures(root: &Path) -> (PathBuf, PathBuf) {
    let (data, pictures) = (root.join("data"), root.join("pictures"));
    std::fs::create_dir(&pictures).unwrap();
    for seed in 0..4 {
        save(
            &textured(280, 220, seed),
            &pictures.join(format!("{seed}.png")),
        );
    }
    (data, pictures)
}

#[test]
fn a_vocabulary_of_ones_own_works_and_is_not_mixed() {
    let root = tempfile::tempdir().unwrap();
    let (data, pictures) = four_pictures(root.path());
    let (dir, own) = (
        pictures.to_str().unwrap(),
        root.path().join("own.vocabulary"),
    );
    let own = own.to_str().unwrap();
    let told = json(&data, &["train", dir, "--out", own, "--words", "64"]);
    assert_eq!(told.last().unwrap()["event"], "done");
    assert_eq!(told.last().unwrap()["words"], 64);
    assert!(!data.exists(), "training needs no data folder");

    json(&data, &["index", dir, "--vocabulary", own]);
    let query = pictures.join("2.png");
    let query = query.to_str().unwrap();
    let answer = &json(&data, &["search", query, "--vocabulary", own])[0];
    assert_eq!(answer["hits"][0]["image"]["name"], "2.png");
    assert_eq!(
        json_error(&data, &["search", query], 2)["code"],
        "model_mismatch"
    );
    assert_eq!(
        json_error(&data, &["index", dir], 1)["code"],
        "model_mismatch"
    );
    assert_eq!(
        json_error(
            &data,
            &["train", dir, "--out", own, "--words", "1000000"],
            1
        )["code"],
        "vocabulary_unusable"
    );
}

#[test]
fn a_data_folder_is_converted_to_a_vocabulary_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    let (data, pictures) = four_pictures(root.path());
    let dir = pictures.to_str().unwrap();
    assert_eq!(json_error(&data, &["train"], 1)["code"], "nothing_indexed");
    json(&data, &["index", dir]);
    let told = json(&data, &["train", "--words", "64"]);
    let done = told.last().unwrap();
    assert_eq!(
        (&done["words"], &done["converted"]),
        (&64.into(), &4.into())
    );
    assert!(data.join("own.vocabulary").exists());
    assert!(!data.join("next.vocabulary").exists());
    let finds = || {
        let query = pictures.join("2.png");
        let answer = &json(&data, &["search", query.to_str().unwrap()])[0];
        assert_eq!(answer["hits"][0]["image"]["name"], "2.png");
        assert_eq!(answer["hits"][0]["verified"], true);
    };
    finds();
    let again = json(&data, &["index", dir]);
    assert_eq!(again.last().unwrap()["unchanged"], 4);

    // The next process that opens the folder for changes takes up one that waits, as after a kill.
    let next = root.path().join("next");
    let next = next.to_str().unwrap();
    json(&data, &["train", dir, "--out", next, "--words", "32"]);
    std::fs::copy(next, data.join("next.vocabulary")).unwrap();
    json(&data, &["index", dir]);
    assert!(!data.join("next.vocabulary").exists());
    let own = std::fs::read(data.join("own.vocabulary")).unwrap();
    assert!(own == std::fs::read(next).unwrap());
    finds();
    // A kill between the exchange and the renaming.
    std::fs::rename(data.join("own.vocabulary"), data.join("next.vocabulary")).unwrap();
    finds();
    json(&data, &["index", dir]);
    assert!(data.join("own.vocabulary").exists());
    finds();
}
