//! A data folder that cannot be added to: its disk is full, or it is gone.

use std::fs;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::collections::Served;
use crate::fixtures::{Answer, ask, form, get, png, request, textured};

async fn upload(served: &Served, base: &str, seed: u64) -> Answer {
    let bytes = png(&textured(200, 150, seed));
    let address = format!("{base}/images");
    ask(&served.app, form(&address, "file", "a.png", &bytes)).await
}

/// Status of `/readyz`, and its reasons.
async fn readiness(served: &Served) -> (StatusCode, Vec<String>) {
    let answer = get(&served.app, "/readyz").await;
    let body: Value = answer.json();
    let reasons = body["reasons"].as_array().unwrap().iter();
    let names = reasons.map(|one| one["reason"].as_str().unwrap().to_owned());
    (answer.status, names.collect())
}

fn refused(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.json());
    assert_eq!(answer.json()["code"], code);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn on_a_full_disk_pictures_are_removed_and_none_is_added() {
    let served = Served::new();
    let id = upload(&served, "/v1", 1).await.json()["id"].clone();
    let full = served.again_with(|data| {
        let reserve = data.join("reserve");
        fs::remove_file(&reserve).unwrap();
        std::os::unix::fs::symlink("/dev/full", reserve).unwrap();
    });
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(
        readiness(&full).await,
        (unavailable, vec!["disk_full".into()])
    );
    let space = StatusCode::INSUFFICIENT_STORAGE;
    refused(&upload(&full, "/v1", 2).await, space, "store_full");
    assert_eq!(full.put("new").await, space);
    assert_eq!(get(&full.app, "/v1/count").await.json()["count"], 1);
    let address = format!("/v1/images/{}", id.as_str().unwrap());
    let removed = ask(&full.app, request("DELETE", &address)).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&full.app, "/v1/count").await.json()["count"], 0);

    fs::remove_file(full.data().join("reserve")).unwrap();
    while readiness(&full).await.0 != StatusCode::OK {
        tokio::task::yield_now().await;
    }
    assert_eq!(upload(&full, "/v1", 2).await.status, StatusCode::CREATED);
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_written_where_the_data_folder_was_removed_or_replaced() {
    for replaced in [false, true] {
        let served = Served::new();
        let id = upload(&served, "/v1", 1).await.json()["id"].clone();
        assert_eq!(served.put("a").await, StatusCode::CREATED);
        upload(&served, "/v1/collections/a", 1).await;
        assert_eq!(readiness(&served).await, (StatusCode::OK, vec![]));
        let away = tempfile::tempdir().unwrap();
        let data = served.data().to_owned();
        fs::rename(&data, away.path().join("data")).unwrap();
        if replaced {
            fs::create_dir(&data).unwrap();
        }
        let gone = StatusCode::SERVICE_UNAVAILABLE;
        for base in ["/v1", "/v1/collections/a"] {
            refused(&upload(&served, base, 2).await, gone, "data_folder_gone");
            let address = format!("{base}/images/{}", id.as_str().unwrap());
            let removed = ask(&served.app, request("DELETE", &address)).await;
            refused(&removed, gone, "data_folder_gone");
        }
        assert_eq!(served.put("b").await, gone);
        let reasons = vec!["data_folder_gone".to_owned()];
        assert_eq!(readiness(&served).await, (gone, reasons));
        // What is stored is still found.
        assert_eq!(
            get(&served.app, "/v1/count").await.json(),
            json!({"count": 1})
        );
        assert_eq!(data.exists(), replaced);
        let is_empty = !replaced || fs::read_dir(&data).unwrap().next().is_none();
        assert!(is_empty, "something was written to the new folder");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_catalogue_that_was_replaced_is_not_written_to() {
    let served = Served::new();
    upload(&served, "/v1", 1).await;
    let file = served.data().join("catalogue.sqlite3");
    fs::rename(&file, served.data().join("other")).unwrap();
    fs::copy(served.data().join("other"), &file).unwrap();
    let answer = upload(&served, "/v1", 2).await;
    refused(&answer, StatusCode::SERVICE_UNAVAILABLE, "data_folder_gone");
    let reasons = vec!["data_folder_gone".to_owned()];
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(readiness(&served).await, (unavailable, reasons));
}

#[tokio::test]
async fn damage_is_named_by_searches_and_by_readiness_which_stays() {
    let served = Served::new();
    let id = upload(&served, "/v1", 1).await.json()["id"].clone();
    let id = id.as_str().unwrap();
    let served = served.again_with(|data| {
        let raw = rusqlite::Connection::open(data.join("catalogue.sqlite3")).unwrap();
        raw.execute("UPDATE features SET bytes = zeroblob(length(bytes))", [])
            .unwrap();
    });
    let answer = upload_search(&served, 1).await;
    refused(
        &answer,
        StatusCode::INTERNAL_SERVER_ERROR,
        "picture_damaged",
    );
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(id) && !detail.contains('/'), "{detail}");

    let scrubbing = served.collections.scrub_in_background(1 << 40);
    let scrub = loop {
        let body: Value = get(&served.app, "/readyz").await.json();
        assert_eq!(body["status"], "ok");
        if body["scrub"]["damaged"] != 0 {
            break body["scrub"].clone();
        }
        tokio::task::yield_now().await;
    };
    drop(scrubbing);
    assert_eq!(scrub["findings"][0]["kind"], "features_damaged", "{scrub}");
    assert_eq!(scrub["findings"][0]["thing"], id, "{scrub}");
    let metrics = get(&served.app, "/metrics").await;
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(text.contains("resight_damaged 1"), "{text}");
}

async fn upload_search(served: &Served, seed: u64) -> Answer {
    let bytes = png(&textured(200, 150, seed));
    ask(&served.app, form("/v1/search", "file", "a.png", &bytes)).await
}
