//! Thumbnails that were lost, and files that are sent in parts.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{StatusCode, header};
use resight_engine::{FolderOptions, Indexer};

use tower::ServiceExt;

use crate::fixtures::{Bench, add, ask, get, png, request, textured};
use crate::gated_blobs;

/// The file of a picture's thumbnail.
fn thumbnail_of(bench: &Bench, id: &str) -> PathBuf {
    let folder = bench.folder.path().join("thumbnails").join(&id[..2]);
    folder.join(format!("{id}.jpg"))
}

#[tokio::test]
async fn a_lost_or_damaged_thumbnail_is_rebuilt_and_stored() {
    let bench = Bench::new();
    let app = bench.app();
    let id = add(&app, "a.png", &png(&textured(640, 480, 6))).await;
    let (path, address) = (
        thumbnail_of(&bench, &id),
        format!("/v1/images/{id}/thumbnail"),
    );
    let whole = fs::read(&path).unwrap();
    // (what is there in place of the thumbnail)
    for damaged in [
        None,
        Some(&b""[..]),
        Some(&whole[..whole.len() / 2]),
        Some(b"no JPEG"),
    ] {
        match damaged {
            None => fs::remove_file(&path).unwrap(),
            Some(bytes) => fs::write(&path, bytes).unwrap(),
        }
        let answer = get(&app, &address).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.body == whole, "{:?}", damaged.map(<[u8]>::len));
        assert!(fs::read(&path).unwrap() == whole, "it is not stored");
    }
}

#[tokio::test]
async fn a_lost_thumbnail_is_rebuilt_once_for_all_who_ask_for_it() {
    let (bench, gate) = gated_blobs::bench(false);
    let app = bench.app();
    let id = add(&app, "a.png", &png(&textured(640, 480, 6))).await;
    let address = format!("/v1/images/{id}/thumbnail");
    let whole = get(&app, &address).await.body;
    fs::remove_file(thumbnail_of(&bench, &id)).unwrap();
    gate.close();
    let ask = || {
        let (app, address) = (app.clone(), address.clone());
        tokio::spawn(async move { get(&app, &address).await })
    };
    let first = ask();
    gate.until(&gate.writes, 1).await;
    let before = gate.reads.load(Ordering::SeqCst);
    let others: Vec<_> = (0..7).map(|_| ask()).collect();
    // Each has seen that there is none.
    gate.until(&gate.reads, before + 7).await;
    gate.open();
    for answer in others.into_iter().chain([first]) {
        let answer = answer.await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.body == whole);
    }
    assert_eq!(
        gate.writes.load(Ordering::SeqCst),
        1,
        "it was rebuilt again"
    );
}

#[tokio::test]
async fn a_stored_file_is_not_read_for_a_head_alone() {
    let (bench, gate) = gated_blobs::bench(true);
    let app = bench.app();
    let bytes = png(&textured(320, 240, 8));
    let id = add(&app, "a.png", &bytes).await;
    gate.close();
    let head = ask(&app, request("HEAD", &format!("/v1/images/{id}/file"))).await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(head.header(header::CONTENT_LENGTH), bytes.len().to_string());
    assert!(head.body.is_empty());
    assert_eq!(gate.reads.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_stored_file_is_read_once_for_all_who_fetch_it() {
    let (bench, gate) = gated_blobs::bench(true);
    let app = bench.app();
    let bytes = png(&textured(320, 240, 8));
    let id = add(&app, "a.png", &bytes).await;
    let address = format!("/v1/images/{id}/file");
    gate.close();
    let fetch = || {
        let app = app.clone();
        let request = request("GET", &address);
        tokio::spawn(async move { app.oneshot(request).await.unwrap() })
    };
    let mut fetching: Vec<_> = (0..5).map(|_| fetch()).collect();
    gate.until(&gate.reads, 1).await;
    gate.open();
    // None of the answers is dropped before all have begun.
    let mut answers = Vec::new();
    for answer in fetching.drain(..) {
        answers.push(answer.await.unwrap());
    }
    for answer in answers {
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
        assert!(body.unwrap() == bytes);
    }
    assert_eq!(gate.reads.load(Ordering::SeqCst), 1);
}

fn index(bench: &Bench, folder: &Path) {
    let (options, go) = (FolderOptions::default(), AtomicBool::new(false));
    let indexer = Indexer::new(bench.engine.clone());
    indexer
        .index_folder(folder, &options, &go, &mut |_| {})
        .unwrap();
}

#[tokio::test]
async fn parts_of_stored_files_and_of_files_in_folders_are_sent() {
    let bench = Bench::new();
    let app = bench.app();
    let pictures = tempfile::tempdir().unwrap();
    let (indexed, sent) = (png(&textured(320, 240, 7)), png(&textured(320, 240, 8)));
    fs::write(pictures.path().join("b.png"), &indexed).unwrap();
    index(&bench, pictures.path());
    let list = get(&app, "/v1/images").await.json();
    let in_folder = list["images"][0]["id"].as_str().unwrap().to_owned();
    let stored = add(&app, "a.png", &sent).await;
    for (id, bytes) in [(in_folder, indexed), (stored, sent)] {
        let address = format!("/v1/images/{id}/file");
        let whole = get(&app, &address).await;
        assert_eq!(whole.status, StatusCode::OK);
        assert_eq!(whole.header(header::ACCEPT_RANGES), "bytes");
        assert!(whole.body == bytes);
        let mut asked = request("GET", &address);
        let range = header::HeaderValue::from_static("bytes=100-299");
        asked.headers_mut().insert(header::RANGE, range);
        let part = ask(&app, asked).await;
        assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(part.header(header::CONTENT_LENGTH), "200");
        let place = format!("bytes 100-299/{}", bytes.len());
        assert_eq!(part.header(header::CONTENT_RANGE), place);
        assert!(part.body == bytes[100..300]);
    }
}

#[tokio::test]
async fn what_lies_beyond_the_end_is_refused_with_the_length() {
    let bench = Bench::new();
    let app = bench.app();
    let bytes = png(&textured(320, 240, 8));
    let id = add(&app, "a.png", &bytes).await;
    let length = bytes.len();
    let ranged = |method: &str, range: String| {
        let mut asked = request(method, &format!("/v1/images/{id}/file"));
        let range = header::HeaderValue::from_str(&range).unwrap();
        asked.headers_mut().insert(header::RANGE, range);
        asked
    };
    for range in [format!("bytes={length}-"), "bytes=-0".to_owned()] {
        let beyond = ask(&app, ranged("GET", range)).await;
        assert!(
            beyond
                .problem(416, "range_beyond_end")
                .contains(&length.to_string())
        );
        assert_eq!(
            beyond.header(header::CONTENT_RANGE),
            format!("bytes */{length}")
        );
    }
    let last = ask(&app, ranged("GET", "bytes=-5".to_owned())).await;
    assert_eq!(last.status, StatusCode::PARTIAL_CONTENT);
    assert!(last.body == bytes[length - 5..]);
    let several = ask(&app, ranged("GET", "bytes=0-1,5-6".to_owned())).await;
    assert_eq!(several.status, StatusCode::OK);
    assert!(several.body == bytes);
    let head = ask(&app, ranged("HEAD", format!("bytes={length}-"))).await;
    assert_eq!(head.status, StatusCode::OK);
}

#[tokio::test]
async fn a_small_part_of_a_stored_file_is_read_alone() {
    let (bench, gate) = gated_blobs::bench(true);
    let app = bench.app();
    let bytes = png(&textured(320, 240, 8));
    let id = add(&app, "a.png", &bytes).await;
    // A read of the whole file would wait.
    gate.close();
    let mut asked = request("GET", &format!("/v1/images/{id}/file"));
    let range = header::HeaderValue::from_static("bytes=10-19");
    asked.headers_mut().insert(header::RANGE, range);
    let part = ask(&app, asked).await;
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
    assert!(part.body == bytes[10..20]);
    assert_eq!(gate.reads.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_file_that_changed_since_it_was_indexed_is_not_sent() {
    let bench = Bench::new();
    let app = bench.app();
    let pictures = tempfile::tempdir().unwrap();
    let path = pictures.path().join("b.png");
    let bytes = png(&textured(320, 240, 7));
    fs::write(&path, &bytes).unwrap();
    index(&bench, pictures.path());
    let list = get(&app, "/v1/images").await.json();
    let address = format!(
        "/v1/images/{}/file",
        list["images"][0]["id"].as_str().unwrap()
    );
    assert!(get(&app, &address).await.body == bytes);
    // As long as before.
    let mut changed = bytes.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, changed).unwrap();
    get(&app, &address).await.problem(410, "file_gone");
}
