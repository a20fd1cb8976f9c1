use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use resight_app::collections::Collections;
use resight_app::config::{Config, Settings};
use resight_app::data_folder::{WritableFolder, open_for_writing};
use resight_app::plugins::Plugins;
use resight_server::HttpSettings;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixtures::{ask, form, get, png, post, request, textured};

/// A server on a data folder.
pub(crate) struct Served {
    pub(crate) app: Router,
    pub(crate) collections: Collections,
    writing: WritableFolder,
    data: TempDir,
}

fn config(data: &TempDir) -> Config {
    let args = Settings {
        data: Some(data.path().to_owned()),
        ..Settings::default()
    };
    Config::new(args).unwrap()
}

impl Served {
    fn on(data: TempDir) -> Self {
        let config = config(&data);
        let writing = open_for_writing(&config, &Plugins::default()).unwrap();
        let collections = Collections::beside(&writing, &config);
        let settings = HttpSettings {
            collections: collections.clone(),
            ..HttpSettings::default()
        };
        let app = resight_server::app(Arc::clone(&writing.library), settings);
        Self {
            app,
            collections,
            writing,
            data,
        }
    }

    pub(crate) fn new() -> Self {
        Self::on(tempfile::tempdir().unwrap())
    }

    /// The same after a stop.
    fn again(self) -> Self {
        self.again_with(|_| {})
    }

    /// The same after a stop, with `change` made to the data folder meanwhile.
    pub(crate) fn again_with(self, change: impl FnOnce(&Path)) -> Self {
        let Self {
            app,
            collections,
            writing,
            data,
        } = self;
        drop((app, collections));
        drop(writing);
        change(data.path());
        Self::on(data)
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    pub(crate) async fn put(&self, name: &str) -> StatusCode {
        let address = format!("/v1/collections/{name}");
        ask(&self.app, request("PUT", &address)).await.status
    }

    async fn add(&self, base: &str, seed: u64) -> Value {
        let bytes = png(&textured(200, 150, seed));
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
        let bytes = png(&textured(200, 150, seed));
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
                assert_eq!(found["verified_hits"], u64::from(held), "{base}: {sought}");
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
    assert_eq!(stays["verified_hits"], 1);
    let default = ask(&served.app, request("DELETE", "/v1/collections/default")).await;
    default.problem(422, "bad_collection_name");
}

#[tokio::test]
async fn answers_kept_for_a_key_go_with_their_collection() {
    let served = Served::new();
    let bytes = png(&textured(200, 150, 1));
    let add = async |base: &str, bytes: &[u8]| {
        let mut sent = post(&format!("{base}/images"), "image/png", bytes.to_vec());
        let headers = sent.headers_mut();
        headers.insert("idempotency-key", "k".parse().unwrap());
        ask(&served.app, sent).await
    };
    let one = "/v1/collections/one";
    for round in 0..2 {
        assert_eq!(served.put("one").await, StatusCode::CREATED);
        let made = add(one, &bytes).await;
        assert_eq!(made.status, StatusCode::CREATED, "round {round}");
        assert_eq!(made.header("idempotency-replayed"), "");
        let again = add(one, &bytes).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.body, made.body);
        let other = png(&textured(200, 150, 2));
        add(one, &other)
            .await
            .problem(422, "idempotency_key_reused");
        // Another collection has its own.
        let elsewhere = add("/v1", &bytes).await;
        assert_eq!(
            elsewhere.header("idempotency-replayed") == "true",
            round == 1
        );
        let removed = ask(&served.app, request("DELETE", one)).await;
        assert_eq!(removed.status, StatusCode::NO_CONTENT);
    }
}

#[tokio::test]
async fn a_name_is_decoded_once_and_the_default_one_is_the_same_however_it_is_written() {
    let served = Served::new();
    let app = &served.app;
    let added = served.add("/v1", 1).await;
    for name in ["%64efault", "d%65fault", "%64%65%66%61%75%6c%74"] {
        assert_eq!(served.put(name).await, StatusCode::OK, "{name}");
        let one = format!("/v1/collections/{name}");
        let all = json!({"name": "default", "pictures": 1});
        assert_eq!(get(app, &one).await.json(), all, "{name}");
        let id = added["id"].as_str().unwrap();
        let picture = get(app, &format!("{one}/images/{id}")).await;
        assert_eq!(picture.status, StatusCode::OK, "{name}");
        assert_eq!(
            picture.json()["thumbnail"],
            format!("/v1/images/{id}/thumbnail")
        );
        let removal = ask(app, request("DELETE", &one)).await;
        removal.problem(422, "bad_collection_name");
    }
    // Decoded twice it would be the default one.
    for method in ["PUT", "GET", "DELETE"] {
        let twice = request(method, "/v1/collections/%2564efault");
        ask(app, twice).await.problem(422, "bad_collection_name");
    }
    assert!(!served.data.path().join("collections").exists());
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
    let wrong = ask(app, request("PUT", "/v1/collections/a/images")).await;
    let detail = wrong.problem(405, "method_not_allowed");
    assert!(detail.contains("/v1/collections/a/images"), "{detail}");
    assert!(wrong.header(header::ALLOW).contains("POST"));
    let bad = get(app, "/v1/collections/a/images?limit=0").await;
    bad.problem(422, "bad_parameter");
    // What is no text is blamed on the part of the address where it stands.
    for (below, part) in [("images/%ff", "id"), ("objects/%ff", "object")] {
        let answer = get(app, &format!("/v1/collections/a/{below}")).await;
        let detail = answer.problem(422, "bad_parameter");
        assert!(detail.contains(&format!("parameter {part} ")), "{detail}");
    }
}

#[tokio::test]
async fn a_collection_is_looked_for_before_what_lies_below_it() {
    let served = Served::new();
    served.put("a").await;
    // (name, status and code whatever lies below)
    for (name, status, code) in [
        ("unknown", 404, "unknown_collection"),
        ("A", 422, "bad_collection_name"),
        ("%ff", 422, "bad_collection_name"),
    ] {
        for (method, below) in [("DELETE", "images"), ("GET", "nothing"), ("PUT", "x/y/z")] {
            let address = format!("/v1/collections/{name}/{below}");
            let answer = ask(&served.app, request(method, &address)).await;
            answer.problem(status, code);
        }
    }
}

#[tokio::test]
async fn a_damaged_collection_hides_no_other() {
    let served = Served::new();
    served.put("sound").await;
    served.put("damaged").await;
    let folder = served.data.path().join("collections/damaged");
    let data = served.data.path().to_owned();
    let served = served.again();
    for file in folder.read_dir().unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    std::fs::write(folder.join("catalogue.sqlite3"), [7; 9000]).unwrap();
    let one = "/v1/collections/damaged";
    let listed = get(&served.app, "/v1/collections").await.json();
    let all = json!([
        {"name": "default", "pictures": 0},
        {"name": "damaged", "pictures": null},
        {"name": "sound", "pictures": 0},
    ]);
    assert_eq!(listed["collections"], all);
    for address in [one.to_owned(), format!("{one}/images")] {
        get(&served.app, &address)
            .await
            .problem(500, "store_damaged");
    }
    served.add("/v1/collections/sound", 1).await;
    let removed = ask(&served.app, request("DELETE", one)).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert!(!data.join("collections/damaged").exists());
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
        assert_eq!(found["verified_hits"], 1, "{base}");
        assert_eq!(found["total"], 1, "{base}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn removals_amid_other_requests_leave_nothing_half() {
    let served = Served::new();
    let one = "/v1/collections/busy";
    served.put("busy").await;
    served.add("/v1", 3).await;
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..5u64 {
        let app = served.app.clone();
        tasks.spawn(async move {
            for round in 0..12u64 {
                let bytes = png(&textured(160, 120, round % 3));
                let request = match task {
                    0 => request("DELETE", one),
                    1 => request("PUT", one),
                    2 => form(&format!("{one}/images?tag=t"), "file", "a.png", &bytes),
                    3 => post(&format!("{one}/search?tag=t"), "image/png", bytes),
                    _ => request("GET", "/v1/collections"),
                };
                let answer = ask(&app, request).await;
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                let expected: &[u16] = match task {
                    0 => &[204, 404],
                    1 => &[200, 201, 503],
                    2 => &[200, 201, 404],
                    _ => &[200, 404],
                };
                assert!(
                    expected.contains(&answer.status.as_u16()),
                    "{task}: {} {text}",
                    answer.status
                );
                if answer.status == StatusCode::NOT_FOUND {
                    answer.problem(404, "unknown_collection");
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    // Whatever came last, all is well afterwards, also for a new start.
    served.put("busy").await;
    let served = served.again();
    let left = served.data.path().join("collections").read_dir().unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["busy"]);
    let counted = get(&served.app, one).await.json()["pictures"].clone();
    let listed = get(&served.app, &format!("{one}/images")).await.json();
    assert_eq!(listed["total"], counted);
    for image in listed["images"].as_array().unwrap() {
        let file = get(&served.app, image["file"].as_str().unwrap()).await;
        assert_eq!(file.status, StatusCode::OK);
    }
    assert_eq!(served.search("/v1", 3).await["verified_hits"], 1);
}

#[tokio::test]
async fn names_that_are_none_reach_nothing() {
    let served = Served::new();
    let app = &served.app;
    let (long, longer) = ("a".repeat(64), "a".repeat(20_000));
    let names = [
        "%2e%2e",
        "..",
        ".",
        "%2e",
        "a%2fb",
        "a%5cb",
        "%00",
        "a%00",
        "-a",
        "A",
        "%C3%A9",
        "a%20b",
        "con%3a",
        ".deleted-a-0",
        &long,
        &longer,
    ];
    for name in names {
        for method in ["GET", "PUT", "DELETE"] {
            let address = format!("/v1/collections/{name}");
            let answer = ask(app, request(method, &address)).await;
            let detail = answer.problem(422, "bad_collection_name");
            assert!(detail.len() < 300, "{detail}");
        }
        let inside = format!("/v1/collections/{name}/images");
        get(app, &inside).await.problem(422, "bad_collection_name");
    }
    for address in ["/v1/collections/", "/v1/collections//images"] {
        let answer = get(app, address).await;
        assert!(answer.status.is_client_error(), "{}", answer.status);
        answer.json();
    }
    assert!(!served.data.path().join("collections").exists());
    assert_eq!(served.put(&"a".repeat(63)).await, StatusCode::CREATED);
}
