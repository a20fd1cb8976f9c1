//! Files of many pictures as one ZIP file.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::{StatusCode, header};
use rawzip::{CompressionMethod, ZipArchive};
use resight_engine::{FolderOptions, Indexer};
use resight_server::{DownloadLimits, HttpSettings};
use tower::ServiceExt;

use crate::fixtures::{Answer, Bench, add, ask, get, png, post, request, textured};
use crate::gated_blobs;

const ADDRESS: &str = "/v1/images/download";

/// Names and bytes of an archive's entries, each checked against its sum.
fn entries(answer: &Answer) -> BTreeMap<String, Vec<u8>> {
    assert_eq!(
        answer.status,
        StatusCode::OK,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/zip");
    let archive = ZipArchive::from_slice(&answer.body).unwrap();
    let mut found = BTreeMap::new();
    for entry in archive.entries() {
        let entry = entry.unwrap();
        assert_eq!(entry.compression_method(), CompressionMethod::STORE);
        let name = String::from_utf8(entry.file_path().as_bytes().to_vec()).unwrap();
        let content = archive.get_entry(entry.wayfinder()).unwrap();
        let mut bytes = Vec::new();
        let mut reader = content.verifying_reader(content.data());
        std::io::copy(&mut reader, &mut bytes).unwrap();
        assert!(found.insert(name, bytes).is_none());
    }
    found
}

fn names(answer: &Answer) -> Vec<String> {
    entries(answer).into_keys().collect()
}

/// A picture of more than 100 KB.
fn grainy(seed: u64) -> Vec<u8> {
    let mut picture = textured(320, 240, seed);
    let mut state = seed;
    for pixel in picture.pixels_mut() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        for (channel, noise) in pixel.0.iter_mut().zip((state >> 33).to_le_bytes()) {
            *channel ^= noise & 0x3f;
        }
    }
    let bytes = png(&picture);
    assert!(bytes.len() > 100_000, "{}", bytes.len());
    bytes
}

fn index(bench: &Bench, folder: &std::path::Path) {
    let (options, go) = (FolderOptions::default(), AtomicBool::new(false));
    Indexer::new(bench.engine.clone())
        .index_folder(folder, &options, &go, &mut |_| {})
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_chosen_by_ids_conditions_or_all() {
    let bench = Bench::new();
    let app = bench.app();
    let folder = tempfile::tempdir().unwrap();
    let pictures: Vec<Vec<u8>> = (0..4).map(|seed| png(&textured(160, 120, seed))).collect();
    fs::write(folder.path().join("same.png"), &pictures[0]).unwrap();
    index(&bench, folder.path());
    let listed = get(&app, "/v1/images").await.json();
    let in_folder = listed["images"][0]["id"].as_str().unwrap().to_owned();
    let a = add(&app, "same.png", &pictures[1]).await;
    let b = add(&app, "Same.PNG", &pictures[2]).await;
    let c = add(&app, "../other:1.png", &pictures[3]).await;
    for id in [&a, &c] {
        let tagged = post(
            &format!("/v1/images/{id}"),
            "application/json",
            r#"{"tags":["x"]}"#,
        );
        let (mut parts, body) = tagged.into_parts();
        parts.method = "PATCH".parse().unwrap();
        let answer = ask(&app, axum::http::Request::from_parts(parts, body)).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    let all = get(&app, &format!("{ADDRESS}?all=true&name=mine")).await;
    assert_eq!(all.header("x-resight-files"), "4");
    let bytes: usize = pictures.iter().map(Vec::len).sum();
    assert_eq!(all.header("x-resight-bytes"), bytes.to_string());
    assert!(
        all.header(header::CONTENT_DISPOSITION)
            .starts_with("attachment; filename=\"mine.zip\"")
    );
    let found = entries(&all);
    let expected = [
        ("other_1.png", 3),
        ("same (2).png", 1),
        ("same.png", 0),
        ("Same (3).PNG", 2),
    ];
    for (name, picture) in expected {
        assert!(found[name] == pictures[picture], "{name}");
    }
    assert_eq!(found.len(), 4);
    let by_address = get(&app, &format!("{ADDRESS}?id={b},{a}&id={in_folder}&id={a}")).await;
    assert_eq!(
        names(&by_address),
        ["Same.PNG", "same (2).png", "same (3).png"]
    );
    let tagged = ["other_1.png", "same.png"];
    assert_eq!(names(&get(&app, &format!("{ADDRESS}?tag=x")).await), tagged);
    for (kind, body) in [
        ("application/json", r#"{"filter":{"tag":"x"}}"#.to_owned()),
        ("application/json", format!(r#"{{"ids":["{a}","{c}"]}}"#)),
        ("application/x-www-form-urlencoded", "tag=x".to_owned()),
        (
            "application/x-www-form-urlencoded",
            format!("id={a}&id={c}"),
        ),
    ] {
        let answer = ask(&app, post(ADDRESS, kind, body.clone())).await;
        assert_eq!(names(&answer), tagged, "{body}");
    }
    let none = get(&app, &format!("{ADDRESS}?tag=none")).await;
    assert!(names(&none).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_left_out_and_named() {
    let bench = Bench::new();
    let app = bench.app();
    let folder = tempfile::tempdir().unwrap();
    for (name, seed) in [("gone.png", 1), ("changed.png", 2), ("there.png", 3)] {
        fs::write(folder.path().join(name), png(&textured(160, 120, seed))).unwrap();
    }
    index(&bench, folder.path());
    let lost = add(&app, "lost.png", &png(&textured(160, 120, 4))).await;
    let blob = bench
        .folder
        .path()
        .join("originals")
        .join(&lost[..2])
        .join(&lost);
    fs::remove_file(blob).unwrap();
    fs::remove_file(folder.path().join("gone.png")).unwrap();
    fs::write(folder.path().join("changed.png"), b"other").unwrap();
    let found = entries(&get(&app, &format!("{ADDRESS}?all=true")).await);
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        ["left-out.txt", "there.png"]
    );
    let told = String::from_utf8(found["left-out.txt"].clone()).unwrap();
    assert_eq!(told.lines().count(), 3, "{told}");
    for name in ["gone.png", "changed.png", "lost.png"] {
        assert!(told.contains(name), "{told}");
    }
    let here = folder.path().to_str().unwrap();
    assert!(!told.contains(here), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_too_much_or_for_nothing_is_refused() {
    let bench = Bench::new();
    let (one, other) = (png(&textured(160, 120, 1)), png(&textured(160, 120, 2)));
    let with = |files, bytes| {
        bench.app_with(HttpSettings {
            downloads: DownloadLimits { files, bytes },
            ..HttpSettings::default()
        })
    };
    let app = with(1, 1 << 30);
    let a = add(&app, "a.png", &one).await;
    let b = add(&app, "b.png", &other).await;
    let both = format!("{ADDRESS}?id={a},{b}");
    let few = [with(1, 1 << 30), with(2, one.len() as u64)];
    for app in &few {
        for address in [&both, &format!("{ADDRESS}?all=true")] {
            get(app, address).await.problem(422, "download_too_large");
        }
        assert_eq!(
            names(&get(app, &format!("{ADDRESS}?id={a}")).await),
            ["a.png"]
        );
    }
    let app = with(2, 1 << 30);
    let unknown = "0".repeat(32);
    for (address, status, code) in [
        (
            format!("{ADDRESS}?id={a},{unknown}"),
            404,
            "unknown_picture",
        ),
        (ADDRESS.to_owned(), 422, "filter_needed"),
        (format!("{ADDRESS}?all=false"), 422, "filter_needed"),
        (format!("{ADDRESS}?id={a}&tag=x"), 422, "bad_parameter"),
        (format!("{ADDRESS}?id={a}&all=true"), 422, "bad_parameter"),
        (format!("{ADDRESS}?id="), 422, "bad_parameter"),
        (format!("{ADDRESS}?id=x"), 422, "bad_parameter"),
        (format!("{ADDRESS}?ids={a}"), 422, "bad_parameter"),
    ] {
        get(&app, &address).await.problem(status, code);
    }
    for (body, code) in [
        ("{}", "filter_needed"),
        (r#"{"filter":{}}"#, "filter_needed"),
        (r#"{"ids":[]}"#, "bad_body"),
        (r#"{"ids":["x"]}"#, "bad_parameter"),
        (r#"{"id":"x"}"#, "bad_body"),
        ("[]", "bad_body"),
    ] {
        let answer = ask(&app, post(ADDRESS, "application/json", body)).await;
        answer.problem(422, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_has_nothing_read_ahead() {
    let (bench, gate) = gated_blobs::bench(false);
    let app = bench.app();
    for seed in 0..12 {
        add(&app, "a.png", &grainy(seed)).await;
    }
    gate.parts.store(0, Ordering::SeqCst);
    let address = format!("{ADDRESS}?all=true");
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(app.clone().oneshot(request("GET", &address)).await.unwrap());
    }
    get(&app, &address).await.problem(503, "busy");
    gate.until(&gate.parts, 4).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let read = gate.parts.load(Ordering::SeqCst);
    assert!(read < 4 * 12, "all of it was read: {read} parts");
    // A client that leaves gives its place back.
    drop(held.pop());
    let end = std::time::Instant::now() + Duration::from_secs(120);
    let whole = loop {
        assert!(std::time::Instant::now() < end, "no place came back");
        let answer = get(&app, &address).await;
        if answer.status == StatusCode::OK {
            break answer;
        }
        answer.problem(503, "busy");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(entries(&whole).len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_breaks_off_does_not_look_whole() {
    let (bench, gate) = gated_blobs::bench(false);
    let app = bench.app();
    for seed in 0..6 {
        add(&app, "a.png", &grainy(seed)).await;
    }
    gate.break_parts_after(3);
    let answer = app
        .clone()
        .oneshot(request("GET", &format!("{ADDRESS}?all=true")))
        .await;
    let body = axum::body::to_bytes(answer.unwrap().into_body(), usize::MAX).await;
    assert!(body.is_err());
}
