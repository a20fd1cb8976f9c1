use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use resight::config::{Config, SharedArgs};
use resight::http::HttpSettings;
use resight::parts::{self, Collections, Writing};
use resight::plugins::Plugins;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixtures::{ask, form, get, png, post, request, textured};

/// A server on a data folder.
struct Served {
    app: Router,
    writing: Writing,
    data: TempDir,
}

fn config(data: &TempDir) -> Config {
    let args = SharedArgs {
        data: Some(data.path().to_owned()),
        ..SharedArgs::default()
    };
    Config::new(&args).unwrap()
}

impl Served {
    fn on(data: TempDir) -> Self {
        let config = config(&data);
        let writing = parts::open_for_writing(&config, &Plugins::default(), None).unwrap();
        let settings = HttpSettings {
            collections: Collections::beside(writing.engine.clone(), &config),
            ..HttpSettings::default()
        };
        let app = resight::http::app(Arc::clone(&writing.engine), settings);
        Self { app, writing, data }
    }

    fn new() -> Self {
        Self::on(tempfile::tempdir().unwrap())
    }

    /// The same after a stop.
    fn again(self) -> Self {
        let Self { app, writing, data } = self;
        drop(app);
        drop(writing);
        Self::on(data)
    }

    async fn put(&self, name: &str) -> StatusCode {
        let address = format!("/v1/collections/{name}");
        ask(&self.app, request("PUT", &address)).await.status
    }

    async fn add(&self, base: &str, seed: u64) -> Value {
        let bytes = png(&textured(seed, 200, 150));
        let address = format!("{base}/images?tag=seed-{seed}");
        let answer = ask(&self.app, form(&address, "file", "a.png", &bytes)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json());
        let picture = answer.json();
        let one = format!("{base}/images/{}", picture["id"].as_str().unwrap());
        assert_eq!(answer.header(header::LOCATION), one);
        assert_eq!(picture["thumbnail"], format!("{one}/thumbnail"));
        picture
    }

    async fn search(&self, base: &str, seed: u64) -> Value {
        let bytes = png(&textured(seed, 200, 150));
        let address = format!("{base}/search?verified_only=true");
        ask(&self.app, post(&address, "image/png", bytes))
            .await
            .json()
    }
}

#[tokio::test]
async fn each_collection_has_pictures_of_its_own() {
    let mut served = Served::new();
    assert_eq!(served.put("one").await, StatusCode::CREATED);
    assert_eq!(served.put("one").await, StatusCode::OK);
    assert_eq!(served.put("two").await, StatusCode::CREATED);
    assert_eq!(served.put("default").await, StatusCode::OK);
    let (one, two) = ("/v1/collections/one", "/v1/collections/two");
    let first = served.add(one, 1).await;
    served.add(two, 2).await;
    served.add("/v1", 3).await;
    served.add("/v1", 4).await;
    for round in 0..2 {
        let app = &served.app;
        let listed = get(app, "/v1/collections").await.json();
        let all = json!([
            {"name": "default", "pictures": 2},
            {"name": "one", "pictures": 1},
            {"name": "two", "pictures": 1},
        ]);
        assert_eq!(listed, json!({"collections": all}), "round {round}");
        assert_eq!(get(app, one).await.json(), all[1]);
        for (base, seed) in [
            (one, 1),
            (two, 2),
            ("/v1", 3),
            ("/v1/collections/default", 4),
        ] {
            for sought in 1..=4 {
                let found = served.search(base, sought).await;
                let held = seed == sought || (seed > 2 && sought > 2);
                assert_eq!(found["verified"], u64::from(held), "{base}: {sought}");
            }
        }
        let thumbnail = get(app, first["thumbnail"].as_str().unwrap()).await;
        assert_eq!(thumbnail.status, StatusCode::OK);
        let id = first["id"].as_str().unwrap();
        let elsewhere = get(app, &format!("/v1/images/{id}")).await;
        elsewhere.problem(404, "unknown_picture");
        let tagged = get(app, &format!("{one}/count?tag=seed-1")).await.json();
        assert_eq!(tagged["count"], 1);
        served = served.again();
    }
}

#[tokio::test]
async fn a_collection_goes_with_all_that_is_in_it() {
    let served = Served::new();
    served.put("gone").await;
    served.put("stays").await;
    served.add("/v1/collections/gone", 1).await;
    served.add("/v1/collections/stays", 1).await;
    let one = "/v1/collections/gone";
    let removed = ask(&served.app, request("DELETE", one)).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert!(!served.data.path().join("collections/gone").exists());
    for (method, address) in [
        ("DELETE", one.to_owned()),
        ("GET", one.to_owned()),
        ("GET", format!("{one}/images")),
        ("GET", format!("{one}/count")),
        ("POST", format!("{one}/search")),
    ] {
        let answer = ask(&served.app, request(method, &address)).await;
        let detail = answer.problem(404, "unknown_collection");
        assert!(detail.contains("gone"), "{detail}");
    }
    assert_eq!(served.put("gone").await, StatusCode::CREATED);
    let again = served.search(one, 1).await;
    assert_eq!(again["total"], 0, "a new one of the same name is empty");
    let stays = served.search("/v1/collections/stays", 1).await;
    assert_eq!(stays["verified"], 1);
    let default = ask(&served.app, request("DELETE", "/v1/collections/default")).await;
    default.problem(422, "bad_collection_name");
}

#[tokio::test]
async fn what_a_kill_leaves_of_a_removal_is_swept() {
    let served = Served::new();
    served.put("half").await;
    served.add("/v1/collections/half", 1).await;
    let data = served.data.path().join("collections");
    // As far as the first step of a removal goes.
    std::fs::rename(data.join("half"), data.join(".deleted-half-0")).unwrap();
    let served = served.again();
    assert!(!data.join(".deleted-half-0").exists());
    get(&served.app, "/v1/collections/half")
        .await
        .problem(404, "unknown_collection");
}

#[tokio::test]
async fn wrong_addresses_are_told_as_they_were_sent() {
    let served = Served::new();
    served.put("a").await;
    let app = &served.app;
    for name in ["A", "..%2f..", "a.b", "%ff", "_a"] {
        let address = format!("/v1/collections/{name}");
        get(app, &address).await.problem(422, "bad_collection_name");
        let inside = format!("{address}/images");
        get(app, &inside).await.problem(422, "bad_collection_name");
    }
    let nothing = "/v1/collections/a/nothing";
    let detail = get(app, nothing).await.problem(404, "unknown_route");
    assert!(detail.contains(nothing), "{detail}");
    // What is not of a collection is not in one either.
    for address in ["/v1/collections/a/plugins", "/v1/collections/a/collections"] {
        get(app, address).await.problem(404, "unknown_route");
    }
    let wrong = ask(app, request("DELETE", "/v1/collections/a/images")).await;
    let detail = wrong.problem(405, "method_not_allowed");
    assert!(detail.contains("/v1/collections/a/images"), "{detail}");
    assert!(wrong.header(header::ALLOW).contains("POST"));
    let bad = get(app, "/v1/collections/a/images?limit=0").await;
    bad.problem(422, "bad_parameter");
}

#[tokio::test]
async fn many_collections_may_be_used_in_turn() {
    let served = Served::new();
    // More than are kept open.
    for n in 0..40 {
        assert_eq!(served.put(&format!("c{n}")).await, StatusCode::CREATED);
        served
            .add(&format!("/v1/collections/c{n}"), n % 3 + 1)
            .await;
    }
    for n in 0..40 {
        let base = format!("/v1/collections/c{n}");
        let found = served.search(&base, n % 3 + 1).await;
        assert_eq!(found["verified"], 1, "{base}");
        assert_eq!(found["total"], 1, "{base}");
    }
}
