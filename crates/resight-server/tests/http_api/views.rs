//! Hits on pages and frames, and their thumbnails.

use axum::http::StatusCode;
use image::RgbImage;
use resight_test_support::{animated_gif, tiff_pages};
use serde_json::{Value, json};

use crate::fixtures::{Bench, add, ask, form, form_of, get, png, post, textured};

fn pages(seeds: std::ops::Range<u64>) -> Vec<RgbImage> {
    seeds.map(|seed| textured(320, 240, seed)).collect()
}

#[tokio::test]
async fn a_hit_names_the_page_or_the_frame() {
    let bench = Bench::new();
    let app = bench.app();
    let album = add(&app, "album.tif", &tiff_pages(&pages(40..44))).await;
    let moving = add(&app, "moving.gif", &animated_gif(&pages(50..53))).await;
    let single = add(&app, "single.png", &png(&textured(320, 240, 60))).await;
    let count = get(&app, "/v1/count").await.json();
    assert_eq!(count["count"], 3, "{count}");
    let hit = async |seed| -> Value {
        let query = png(&textured(320, 240, seed));
        let found = ask(&app, form("/v1/search", "file", "q.png", &query)).await;
        let found = found.json();
        assert_eq!(found["verified_hits"], 1, "{found}");
        assert!(found["total"].as_u64().unwrap() <= 3);
        found["hits"][0].clone()
    };
    for (seed, page) in [(40, 1), (43, 4)] {
        let hit = hit(seed).await;
        assert_eq!(
            (&hit["image"]["id"], &hit["page"]),
            (&json!(album), &json!(page))
        );
        assert_eq!(hit["view_size"], json!([320, 240]));
        assert!(
            hit.get("frame").is_none() && hit.get("time_ms").is_none(),
            "{hit}"
        );
    }
    let frame = hit(52).await;
    assert_eq!(
        (&frame["image"]["id"], &frame["frame"]),
        (&json!(moving), &json!(3))
    );
    assert_eq!((&frame["time_ms"], frame.get("page")), (&json!(160), None));
    let one = hit(60).await;
    assert_eq!(one["image"]["id"], single);
    for name in ["page", "frame", "time_ms", "view_size"] {
        assert!(one.get(name).is_none(), "{one}");
    }
}

#[tokio::test]
async fn a_comparison_names_the_pages_that_agree_most() {
    let bench = Bench::new();
    let app = bench.app();
    let album = add(&app, "album.tif", &tiff_pages(&pages(40..44))).await;
    let moving = add(&app, "moving.gif", &animated_gif(&pages(42..45))).await;
    let sent = png(&textured(320, 240, 43));
    let pair = [
        ("a", Some("a.png"), &sent[..]),
        ("b", None, album.as_bytes()),
    ];
    let found = ask(&app, form_of("/v1/compare", &pair)).await.json();
    assert_eq!(
        (&found["verified"], &found["b"]["page"]),
        (&json!(true), &json!(4)),
        "{found}"
    );
    for name in ["page", "frame", "time_ms"] {
        assert!(found["a"].get(name).is_none(), "{found}");
    }
    assert!(found["b"].get("frame").is_none(), "{found}");
    let ids = serde_json::to_vec(&json!({"a": moving, "b": album})).unwrap();
    let found = ask(&app, post("/v1/compare", "application/json", ids))
        .await
        .json();
    assert_eq!(found["verified"], true, "{found}");
    let (frame, page) = (&found["a"]["frame"], &found["b"]["page"]);
    let told = (frame.as_u64().unwrap(), page.as_u64().unwrap());
    // Two pages are in both.
    assert!([(1, 3), (2, 4)].contains(&told), "{found}");
    assert_eq!(found["a"]["time_ms"], 80 * (told.0 - 1), "{found}");
}

#[tokio::test]
async fn a_page_has_a_thumbnail_of_its_own() {
    let bench = Bench::new();
    let app = bench.app();
    let id = add(&app, "album.tif", &tiff_pages(&pages(40..43))).await;
    let address = format!("/v1/images/{id}/thumbnail");
    let first = get(&app, &address).await;
    let third = get(&app, &format!("{address}?page=3")).await;
    assert_eq!(
        (first.status, third.status),
        (StatusCode::OK, StatusCode::OK)
    );
    assert_eq!(third.headers["content-type"], "image/jpeg");
    assert_ne!(first.headers["etag"], third.headers["etag"]);
    assert_eq!(
        get(&app, &format!("{address}?page=1")).await.body,
        first.body
    );
    let found = ask(&app, form("/v1/search", "file", "q.jpg", &third.body))
        .await
        .json();
    assert_eq!(found["hits"][0]["page"], 3, "{found}");
    // A file with one picture has a first page too.
    let single = add(&app, "single.png", &png(&textured(320, 240, 60))).await;
    let address_of_single = format!("/v1/images/{single}/thumbnail");
    let own = get(&app, &address_of_single).await;
    let first = get(&app, &format!("{address_of_single}?page=1")).await;
    assert_eq!((first.status, first.body), (StatusCode::OK, own.body));
    let second = get(&app, &format!("{address_of_single}?page=2")).await;
    second.problem(422, "bad_query");
    for (page, code) in [
        ("4", "bad_query"),
        ("0", "bad_parameter"),
        ("x", "bad_parameter"),
    ] {
        let refused = get(&app, &format!("{address}?page={page}")).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
        assert_eq!(refused.json()["code"], code, "{page}");
    }
}
