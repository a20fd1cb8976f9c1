//! Collections that are renamed.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use resight_app::keys::Scope;
use resight_server::Policy;
use serde_json::json;

use crate::access::with;
use crate::fixtures::{add, ask, form, get, png, post, request, textured};
use crate::jobs::{World, ended, make};

fn renaming(from: &str, body: &str) -> Request<Body> {
    let mut request = post(
        &format!("/v1/collections/{from}"),
        "application/json",
        body.to_owned(),
    );
    *request.method_mut() = "PATCH".parse().unwrap();
    request
}

fn to(name: &str) -> String {
    json!({"name": name}).to_string()
}

async fn keyed(app: &Router, base: &str) -> crate::fixtures::Answer {
    let bytes = png(&textured(160, 120, 3));
    let mut sent = form(&format!("{base}/images"), "file", "a.png", &bytes);
    sent.headers_mut()
        .insert("idempotency-key", "k".parse().unwrap());
    ask(app, sent).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_jobs_folders_and_answers_follow() {
    let mut world = World::new(Policy::Open);
    world.fill(2);
    let app = world.app();
    assert_eq!(keyed(&app, "/v1/collections/museum").await.status, 201);
    let folder = json!({"path": world.path("pictures"), "collection": "museum"});
    let registered = ask(
        &app,
        post("/v1/folders", "application/json", folder.to_string()),
    )
    .await;
    assert_eq!(registered.status, 201, "{}", registered.json());
    let made = make(&app, &json!({"kind": "duplicates", "collection": "museum"}))
        .await
        .json();
    let renamed = ask(&app, renaming("museum", &to("archive"))).await;
    assert_eq!(renamed.status, 200, "{}", renamed.json());
    assert_eq!(renamed.json(), json!({"name": "archive", "pictures": 1}));
    get(&app, "/v1/collections/museum/count")
        .await
        .problem(404, "unknown_collection");
    let folders = get(&app, "/v1/folders").await.json();
    assert_eq!(folders["folders"][0]["collection"], "archive", "{folders}");
    let again = keyed(&app, "/v1/collections/archive").await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    world.run();
    let job = ended(&app, made["id"].as_u64().unwrap()).await;
    assert_eq!(
        (&job["state"], &job["collection"]),
        (&json!("done"), &json!("archive"))
    );
    // The name is free, and what gets it is empty.
    let put = ask(&app, request("PUT", "/v1/collections/museum")).await;
    assert_eq!(put.status, 201);
    assert_eq!(
        keyed(&app, "/v1/collections/museum")
            .await
            .header("idempotency-replayed"),
        ""
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_cannot_be_are_refused_and_nothing_changes() {
    let world = World::new(Policy::Open);
    let app = world.app();
    for name in ["other", "third"] {
        ask(&app, request("PUT", &format!("/v1/collections/{name}"))).await;
    }
    add(&app, "a.png", &png(&textured(160, 120, 3))).await;
    for (from, body, status, code) in [
        ("museum", to("other"), 409, "name_taken"),
        ("museum", to("museum"), 409, "name_taken"),
        ("museum", to("default"), 409, "name_taken"),
        ("default", to("x"), 422, "bad_collection_name"),
        ("museum", to("A b"), 422, "bad_collection_name"),
        ("none", to("x"), 404, "unknown_collection"),
        ("museum", "{}".to_owned(), 422, "bad_body"),
        (
            "museum",
            r#"{"name":"x","more":1}"#.to_owned(),
            422,
            "bad_body",
        ),
    ] {
        ask(&app, renaming(from, &body)).await.problem(status, code);
    }
    let listed = get(&app, "/v1/collections").await.json();
    let names: Vec<&str> = listed["collections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["default", "museum", "other", "third"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_follow_and_only_admins_of_all_rename() {
    let world = World::new(Policy::Always);
    let app = world.app();
    let (own, all) = (
        world.key(&[Scope::Admin], Some("museum")),
        world.key(&[Scope::Admin], None),
    );
    let refused = ask(&app, with(renaming("museum", &to("archive")), &own)).await;
    refused.problem(403, "key_not_allowed");
    let renamed = ask(&app, with(renaming("museum", &to("archive")), &all)).await;
    assert_eq!(renamed.status, 200, "{}", renamed.json());
    let listed = ask(&app, with(request("GET", "/v1/keys"), &all))
        .await
        .json();
    let text = listed.to_string();
    assert!(
        text.contains("archive") && !text.contains("museum"),
        "{text}"
    );
}
