//! Filters of lists and searches, and changes of all pictures that a filter means.

use axum::Router;
use resight_app::keys::Scope;
use resight_server::Policy;
use serde_json::{Value, json};

use crate::access::{guarded, with};
use crate::fixtures::{Answer, Bench, add, ask, get, png, post, request, textured};

fn taken(seed: u64, time: &str) -> Vec<u8> {
    resight_test_support::jpeg_taken(&textured(160, 120, seed), time)
}

async fn count(app: &Router, query: &str) -> u64 {
    let answer = get(app, &format!("/v1/count?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.json());
    answer.json()["count"].as_u64().unwrap()
}

async fn labelled(app: &Router, tag: &str, name: &str, seed: u64) -> String {
    let bytes = png(&textured(80 + 10 * seed as u32, 60, seed));
    let address = format!("/v1/images?tag={tag}&name={name}");
    let answer = ask(app, post(&address, "image/png", bytes)).await;
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn pictures_are_chosen_by_name_size_and_time() {
    let app_bench = Bench::new();
    let app = app_bench.app();
    let old = add(&app, "old.jpg", &taken(1, "1969:07:20 20:17:40")).await;
    add(&app, "new.jpg", &taken(2, "2019:07:31 12:00:00")).await;
    labelled(&app, "a", "IMG_1.png", 3).await;
    labelled(&app, "b", "IMG_2.png", 4).await;
    for (query, wanted) in [
        ("taken_before=1970", 1),
        (
            "taken_after=1969-07-20T20:17:40Z&taken_before=2019-07-31T12:00:00Z",
            1,
        ),
        ("taken_after=2019-07-31T14:00:00%2B02:00", 1),
        ("name_prefix=IMG_", 2),
        ("any_tag=a&any_tag=b", 2),
        ("any_tag=a&any_tag=b&not_tag=a", 1),
        ("tag_prefix=a", 1),
        ("min_width=120", 3),
        ("min_width=110&max_width=110", 1),
        ("min_width=161", 0),
        ("max_height=60", 2),
        ("max_bytes=1", 0),
        ("added_after=2020", 4),
        ("added_before=2020", 0),
    ] {
        assert_eq!(count(&app, query).await, wanted, "{query}");
    }
    let shown = get(&app, &format!("/v1/images/{old}")).await.json();
    assert_eq!(shown["taken"], "1969-07-20T20:17:40Z");
    for query in [
        "taken_after=soon",
        "min_width=x",
        "name_prefix=",
        "taken=1970",
    ] {
        let answer = get(&app, &format!("/v1/images?{query}")).await;
        answer.problem(422, "bad_parameter");
    }
}

#[tokio::test]
async fn a_search_finds_what_its_filter_means_by_address_or_json() {
    let bench = Bench::new();
    let app = bench.app();
    let bytes = taken(5, "1999:01:01 00:00:00");
    let id = add(&app, "a.jpg", &bytes).await;
    let twin = add(&app, "b.png", &png(&textured(160, 120, 5))).await;
    let hits = |answer: &Value| -> Vec<String> {
        let hits = answer["hits"].as_array().unwrap().iter();
        hits.map(|hit| hit["image"]["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let by = |filter: Value| {
        let body = json!({"image_id": twin, "filter": filter}).to_string();
        post("/v1/search", "application/json", body)
    };
    let found = ask(&app, by(json!({"taken_before": "2000"}))).await.json();
    assert_eq!(hits(&found), std::slice::from_ref(&id), "{found}");
    let found = ask(&app, by(json!({"taken_after": "2000"}))).await.json();
    assert_eq!(hits(&found), [""; 0], "{found}");
    let address = format!("/v1/search?image_id={twin}&any_tag=none");
    assert_eq!(hits(&get(&app, &address).await.json()), [""; 0]);
    for filter in [
        json!({"size": 1}),
        json!({"tag": " "}),
        json!({"min_width": "x"}),
    ] {
        ask(&app, by(filter)).await.problem(422, "bad_parameter");
    }
    let twice = post(
        "/v1/search?tag=a",
        "application/json",
        json!({"image_id": id, "filter": {"tag": "b"}}).to_string(),
    );
    ask(&app, twice).await.problem(422, "bad_body");
}

#[tokio::test]
async fn what_a_filter_means_is_removed_and_nothing_else() {
    let bench = Bench::new();
    let app = bench.app();
    for seed in 10..14 {
        labelled(&app, if seed < 12 { "old" } else { "new" }, "x", seed).await;
    }
    let remove = |query: &str| request("DELETE", &format!("/v1/images{query}"));
    for query in ["", "?dry_run=true"] {
        let answer = ask(&app, remove(query)).await;
        answer.problem(422, "filter_needed");
    }
    let mut with_body = remove("?tag=old");
    *with_body.body_mut() = axum::body::Body::from(r#"{"dry_run": true}"#);
    ask(&app, with_body).await.problem(422, "bad_body");
    ask(&app, remove("?tga=old"))
        .await
        .problem(422, "bad_parameter");
    let counted = ask(&app, remove("?tag=old&dry_run=true")).await.json();
    let expected = json!({"matched": 2, "removed": 0, "dry_run": true});
    assert_eq!(counted, expected);
    assert_eq!(count(&app, "").await, 4);
    let removed = ask(&app, remove("?tag=old")).await.json();
    assert_eq!(
        removed,
        json!({"matched": 2, "removed": 2, "dry_run": false})
    );
    assert_eq!(
        (count(&app, "").await, count(&app, "tag=new").await),
        (2, 2)
    );
    let again = ask(&app, remove("?tag=old")).await.json();
    assert_eq!(again["removed"], 0);
}

#[tokio::test]
async fn labels_of_what_a_filter_means_are_changed() {
    let bench = Bench::new();
    let app = bench.app();
    let full = labelled(&app, "a", "x", 20).await;
    labelled(&app, "a", "x", 21).await;
    labelled(&app, "b", "x", 22).await;
    let many: Vec<String> = (0..63).map(|number| format!("t{number}")).collect();
    let patch = |address: &str, body: Value| {
        let mut request = post(address, "application/json", body.to_string());
        *request.method_mut() = axum::http::Method::PATCH;
        request
    };
    let filled = patch(&format!("/v1/images/{full}"), json!({"add_tags": many}));
    assert_eq!(ask(&app, filled).await.status, 200);
    let change = json!({"add_tags": ["c"], "object": "o"});
    let dry = ask(&app, patch("/v1/images?tag=a&dry_run=true", change.clone())).await;
    assert_eq!(dry.json()["matched"], 2);
    assert_eq!(count(&app, "tag=c").await, 0);
    let done = ask(&app, patch("/v1/images?tag=a", change)).await.json();
    let expected = json!({"matched": 2, "changed": 1, "too_many_tags": 1, "dry_run": false});
    assert_eq!(done, expected);
    assert_eq!(
        (count(&app, "tag=c").await, count(&app, "object=o").await),
        (1, 1)
    );
    // Pictures that no longer match after their change are changed once, and all of them.
    let done = ask(
        &app,
        patch("/v1/images?tag=b", json!({"remove_tags": ["b"]})),
    )
    .await;
    assert_eq!(done.json()["changed"], 1);
    for (address, body, code) in [
        ("/v1/images", json!({"add_tags": ["c"]}), "filter_needed"),
        ("/v1/images?tag=a", json!({"tag": ["c"]}), "bad_body"),
    ] {
        ask(&app, patch(address, body)).await.problem(422, code);
    }
}

#[tokio::test]
async fn folders_of_the_server_are_for_admins() {
    let guarded = guarded(Policy::Always);
    let all = guarded.key(&[Scope::Read, Scope::Search, Scope::Add, Scope::Delete]);
    let admin = guarded.key(&[Scope::Admin]);
    let id = "0123456789abcdef0123456789abcdef";
    let json = json!({"image_id": id, "filter": {"folder": "/home"}}).to_string();
    for asked in [
        || request("GET", "/v1/images?folder=/home"),
        || request("GET", "/v1/count?folder=/home"),
        || request("DELETE", "/v1/images?folder=/home"),
        || {
            request(
                "GET",
                "/v1/search?folder=/home&image_id=0123456789abcdef0123456789abcdef",
            )
        },
    ] {
        let refused: Answer = ask(&guarded.app, with(asked(), &all)).await;
        refused.problem(403, "key_not_allowed");
        assert_ne!(ask(&guarded.app, with(asked(), &admin)).await.status, 403);
    }
    let asked = || post("/v1/search", "application/json", json.clone());
    let refused = ask(&guarded.app, with(asked(), &all)).await;
    refused.problem(403, "key_not_allowed");
    let answer = ask(&guarded.app, with(asked(), &admin)).await;
    answer.problem(404, "unknown_picture");
}

#[tokio::test]
async fn pictures_are_chosen_by_format_and_by_having_duplicates() {
    let bench = Bench::new();
    let app = bench.app();
    let picture = textured(320, 240, 1);
    let jpeg = resight_test_support::jpeg_taken(&picture, "1969:07:20 20:17:40");
    let old = add(&app, "old.jpg", &jpeg).await;
    add(&app, "a.png", &png(&picture)).await;
    add(&app, "b.png", &png(&textured(320, 240, 2))).await;
    let types = get(&app, "/v1/media-types").await.json();
    let wanted = json!({"media_types": [
        {"media_type": "image/jpeg", "pictures": 1}, {"media_type": "image/png", "pictures": 2},
    ]});
    assert_eq!(types, wanted);
    // Remembered before there are pairs.
    let search = format!("/v1/search?image_id={old}&paired=true&media_type=image/png");
    let hits = |answer: Answer| answer.json()["hits"].as_array().unwrap().clone();
    assert!(hits(get(&app, &search).await).is_empty());
    let cancel = std::sync::atomic::AtomicBool::new(false);
    resight_engine::Duplicates::new(bench.engine.clone())
        .update(&cancel, &mut |_| {})
        .unwrap();
    for (query, wanted) in [
        ("media_type=image/jpeg", 1),
        ("media_type=image/png", 2),
        ("media_type=image/png&media_type=image/jpeg", 3),
        ("media_type=image/gif", 0),
        ("paired=true", 2),
        ("paired=true&media_type=image/png", 1),
    ] {
        assert_eq!(count(&app, query).await, wanted, "{query}");
    }
    let all = ask(
        &app,
        request("DELETE", "/v1/images?paired=true&dry_run=true"),
    )
    .await;
    all.problem(422, "bad_parameter");
    let found = hits(get(&app, &search).await);
    assert_eq!(found.len(), 1);
    let decision = json!({"a": old, "b": found[0]["image"]["id"]}).to_string();
    let decided = ask(&app, post("/v1/not-a-match", "application/json", decision)).await;
    assert!(decided.status.is_success(), "{}", decided.json());
    assert_eq!(count(&app, "paired=true").await, 0);
    assert!(hits(get(&app, &search).await).is_empty());
}

#[tokio::test]
async fn what_the_camera_recorded_is_listed() {
    let bench = Bench::new();
    let app = bench.app();
    let old = add(&app, "old.jpg", &taken(1, "1969:07:20 20:17:40")).await;
    let plain = add(&app, "a.png", &png(&textured(160, 120, 2))).await;
    let exif = get(&app, &format!("/v1/images/{old}/exif")).await.json();
    let field = json!({"name": "DateTimeOriginal", "value": "1969:07:20 20:17:40"});
    assert_eq!(exif, json!({"fields": [field]}));
    let none = get(&app, &format!("/v1/images/{plain}/exif")).await.json();
    assert_eq!(none, json!({"fields": []}));
    let unknown = get(&app, &format!("/v1/images/{}/exif", "0".repeat(32))).await;
    unknown.problem(404, "unknown_picture");
}
