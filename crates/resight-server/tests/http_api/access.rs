//! API keys: which route each scope opens, collections, limits, and what each key may learn.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use resight_app::keys::{Keys, NewKey, Scope};
use resight_server::{AccessSettings, Changeable, HttpSettings, Live, Policy};
use resight_store::CollectionName;
use serde_json::Value;

use crate::fixtures::{Answer, Bench, add, ask, get, png, request, textured};

pub(crate) struct Guarded {
    _bench: Bench,
    pub(crate) keys: Arc<Keys>,
    pub(crate) app: Router,
    /// An app over the same pictures that asks nobody.
    open: Router,
}

pub(crate) fn guarded(policy: Policy) -> Guarded {
    let bench = Bench::new();
    let keys = Arc::new(Keys::open(bench.folder.path()).unwrap());
    let access = AccessSettings {
        keys: Some(keys.clone()),
        policy,
    };
    let live = Live::new(Changeable {
        origins: vec!["https://pictures.example".into()],
        ..Changeable::default()
    });
    let app = bench.app_with(HttpSettings {
        access,
        live,
        ..HttpSettings::default()
    });
    let open = bench.app();
    Guarded {
        _bench: bench,
        keys,
        app,
        open,
    }
}

impl Guarded {
    pub(crate) fn key(&self, scopes: &[Scope]) -> String {
        self.key_of(NewKey {
            scopes: scopes.to_vec(),
            ..NewKey::default()
        })
    }

    fn key_of(&self, new: NewKey) -> String {
        let new = NewKey {
            name: "a test".into(),
            ..new
        };
        self.keys.create(new).unwrap().1
    }
}

pub(crate) fn with(mut request: Request<Body>, key: &str) -> Request<Body> {
    let value = format!("Bearer {key}").parse().unwrap();
    request.headers_mut().insert(header::AUTHORIZATION, value);
    request
}

async fn as_holder(app: &Router, key: &str, method: &str, address: &str) -> Answer {
    ask(app, with(request(method, address), key)).await
}

/// Method, route, and an address of each operation that the API describes.
fn operations(id: &str) -> Vec<(String, String, String)> {
    let document: Value = serde_json::from_str(&resight_server::openapi_json().unwrap()).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let address = path
            .replace("{id}", id)
            .replace("{collection}", "default")
            .replace("{key}", "000000000000")
            .replace("{object}", "none")
            .replace("{name}", "none")
            .replace("{job}", "1")
            .replace("{folder}", "1")
            .replace("{function}", "none");
        for method in item.as_object().unwrap().keys() {
            all.push((method.to_uppercase(), path.clone(), address.clone()));
        }
    }
    all
}

/// What a route is for, told from its method and name alone: written apart from the server's own table.
fn expected(method: &str, path: &str) -> Option<Scope> {
    let path = path.replace("/v1/collections/{collection}/", "/v1/");
    let is_search = ["/v1/search", "/v1/compare", "/v1/features"].contains(&&*path);
    let is_admin = path.starts_with("/v1/keys")
        || path.starts_with("/v1/webhooks")
        || path == "/v1/refused"
        || path == "/v1/duplicates/undo"
        || path == "/v1/jobs/{job}/refused"
        || (path.starts_with("/v1/folders") && method != "GET")
        || (path == "/v1/collections/{collection}" && method != "GET");
    if [
        "/livez",
        "/healthz",
        "/readyz",
        "/v1/session",
        "/v1/collections",
    ]
    .contains(&&*path)
    {
        return None;
    }
    Some(match method {
        _ if is_admin => Scope::Admin,
        // A key that may make a job may end it.
        "DELETE" if path.starts_with("/v1/jobs") => Scope::Add,
        _ if is_search || path.starts_with("/v1/plugins") => Scope::Search,
        "GET" => Scope::Read,
        // What is chosen may be too much for an address.
        "POST" if path == "/v1/images/download" => Scope::Read,
        "POST" if path == "/v1/duplicates/resolve" => Scope::Delete,
        "DELETE" => Scope::Delete,
        _ => Scope::Add,
    })
}

#[tokio::test]
async fn every_route_opens_to_its_scope_and_to_no_other() {
    let guarded = guarded(Policy::Always);
    let id = add(&guarded.open, "a.png", &png(&textured(80, 60, 1))).await;
    let keys = Scope::ALL.map(|scope| (scope, guarded.key(&[scope])));
    let operations = operations(&id);
    assert!(operations.len() > 50);
    for (method, path, address) in &operations {
        let Some(needed) = expected(method, path) else {
            continue;
        };
        let bare = ask(&guarded.app, request(method, address)).await;
        bare.problem(401, "key_missing");
        assert_eq!(bare.header(header::WWW_AUTHENTICATE), "Bearer");
        let wrong = as_holder(&guarded.app, "resight_0_0", method, address).await;
        wrong.problem(401, "key_unknown");
        for (scope, key) in &keys {
            // What reads may be exported.
            let of_jobs = ["/v1/jobs", "/v1/jobs/{job}"].contains(&path.as_str());
            let exports = *scope == Scope::Read && of_jobs;
            let opens = *scope == needed || *scope == Scope::Admin || exports;
            if opens && method == "DELETE" {
                // Would remove what the others need.
                continue;
            }
            let answer = as_holder(&guarded.app, key, method, address).await;
            let refused = answer.status == 403;
            assert_eq!(
                refused, !opens,
                "{method} {address} with {scope:?}: {}",
                answer.status
            );
            if refused {
                let detail = answer.problem(403, "key_not_allowed");
                assert!(detail.contains(needed.as_str()), "{detail}");
            }
        }
    }
    // An address without a route tells nobody without a key that nothing is there.
    ask(&guarded.app, request("GET", "/v1/nothing"))
        .await
        .problem(401, "key_missing");
    as_holder(&guarded.app, &keys[0].1, "GET", "/v1/nothing")
        .await
        .problem(404, "unknown_route");
}

#[tokio::test]
async fn deleting_needs_its_scope_and_works_with_it() {
    let guarded = guarded(Policy::Always);
    let id = add(&guarded.open, "a.png", &png(&textured(80, 60, 1))).await;
    let address = format!("/v1/images/{id}");
    let others = guarded.key(&[Scope::Read, Scope::Search, Scope::Add]);
    as_holder(&guarded.app, &others, "DELETE", &address)
        .await
        .problem(403, "key_not_allowed");
    let delete = guarded.key(&[Scope::Delete]);
    assert_eq!(
        as_holder(&guarded.app, &delete, "DELETE", &address)
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn a_key_of_some_collections_reaches_no_other_one() {
    let guarded = guarded(Policy::Always);
    let museum = CollectionName::parse("museum").unwrap();
    let of = |names: Vec<CollectionName>, scope: Scope| NewKey {
        scopes: vec![scope],
        collections: Some(names),
        ..NewKey::default()
    };
    let id = add(&guarded.open, "a.png", &png(&textured(80, 60, 1))).await;
    let foreign = guarded.key_of(of(vec![museum], Scope::Admin));
    for (method, path, _) in operations(&id) {
        if [
            "/livez",
            "/healthz",
            "/readyz",
            "/v1/session",
            "/v1/collections",
        ]
        .contains(&&*path)
        {
            continue;
        }
        // They are in no collection's address; `jobs.rs` and `storage_use.rs` have what such a key reaches there.
        let of_several = ["/v1/jobs", "/v1/folders", "/v1/storage"];
        if of_several
            .iter()
            .any(|beginning| path.starts_with(beginning))
        {
            continue;
        }
        for name in ["default", "%64efault", "other"] {
            let address = path
                .replace("{id}", &id)
                .replace("{collection}", name)
                .replace("{key}", "0");
            let answer = as_holder(&guarded.app, &foreign, &method, &address).await;
            answer.problem(403, "key_not_allowed");
        }
    }
    // Not even whether a collection is there.
    for address in ["/v1/collections/other/x", "/v1/collections/default/x"] {
        as_holder(&guarded.app, &foreign, "GET", address)
            .await
            .problem(403, "key_not_allowed");
    }
    let ready = as_holder(&guarded.app, &foreign, "GET", "/readyz").await;
    assert_eq!(
        ready.json().as_object().unwrap().len(),
        2,
        "status and reasons"
    );
    let listed = as_holder(&guarded.app, &foreign, "GET", "/v1/collections")
        .await
        .json();
    assert_eq!(listed["collections"], Value::Array(Vec::new()));
    let own = guarded.key_of(of(vec![CollectionName::default()], Scope::Read));
    for address in [
        "/v1/images",
        "/v1/collections/default/images",
        "/v1/collections/%64efault/images",
    ] {
        assert_eq!(
            as_holder(&guarded.app, &own, "GET", address).await.status,
            200,
            "{address}"
        );
    }
}

#[tokio::test]
async fn revoked_and_ended_keys_are_refused_and_the_rest_goes_on() {
    let guarded = guarded(Policy::Always);
    let brief = guarded.key_of(NewKey {
        scopes: vec![Scope::Read],
        lasts: Some(Duration::from_millis(1)),
        ..NewKey::default()
    });
    let (key, secret) = guarded
        .keys
        .create(NewKey {
            name: "goes".into(),
            scopes: vec![Scope::Read],
            ..NewKey::default()
        })
        .unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    as_holder(&guarded.app, &brief, "GET", "/v1/count")
        .await
        .problem(401, "key_ended");
    assert_eq!(
        as_holder(&guarded.app, &secret, "GET", "/v1/count")
            .await
            .status,
        200
    );
    let admin = guarded.key(&[Scope::Admin]);
    let revoked = as_holder(
        &guarded.app,
        &admin,
        "DELETE",
        &format!("/v1/keys/{}", key.id),
    )
    .await;
    assert_eq!(revoked.status, 204);
    as_holder(&guarded.app, &secret, "GET", "/v1/count")
        .await
        .problem(401, "key_unknown");
    let again = as_holder(
        &guarded.app,
        &admin,
        "DELETE",
        &format!("/v1/keys/{}", key.id),
    )
    .await;
    again.problem(404, "unknown_key");
}

#[tokio::test]
async fn keys_are_made_and_listed_by_an_admin_and_shown_once() {
    let guarded = guarded(Policy::Always);
    let admin = guarded.key(&[Scope::Admin]);
    let send = |body: &str| {
        let request = crate::fixtures::post("/v1/keys", "application/json", body.to_owned());
        ask(&guarded.app, with(request, &admin))
    };
    let wanted = r#"{"name": "intake", "scopes": ["add", "read"], "collections": ["default"], "lasts_days": 30, "per_minute": 5}"#;
    let made = send(wanted).await;
    assert_eq!(
        (made.status.as_u16(), made.header(header::CACHE_CONTROL)),
        (201, "no-store")
    );
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    assert_eq!(made.json()["scopes"], serde_json::json!(["read", "add"]));
    assert_eq!(
        as_holder(&guarded.app, &secret, "GET", "/v1/count")
            .await
            .status,
        200
    );
    let listed = as_holder(&guarded.app, &admin, "GET", "/v1/keys").await;
    assert!(!String::from_utf8_lossy(&listed.body).contains(&secret));
    let intake = &listed.json()["keys"][1];
    assert_eq!(
        (&intake["name"], &intake["per_minute"]),
        (&"intake".into(), &5.into())
    );
    assert!(intake["last_used"].is_string());
    for wrong in [
        r#"{"name": "", "scopes": ["read"]}"#,
        r#"{"name": "a", "scopes": []}"#,
        r#"{"name": "a", "scopes": ["write"]}"#,
        r#"{"name": "a", "scopes": ["read"], "collections": ["A B"]}"#,
        r#"{"name": "a", "scopes": ["read"], "per_minute": 0}"#,
    ] {
        send(wrong).await.problem(422, "bad_key");
    }
    send(r#"{"name": "a"}"#).await.problem(422, "bad_body");
    send(r#"{"name": "a", "scopes": ["read"], "more": 1}"#)
        .await
        .problem(422, "bad_body");
}

#[tokio::test]
async fn a_limit_of_requests_a_minute_says_when_to_come_again() {
    let guarded = guarded(Policy::Always);
    let slow = guarded.key_of(NewKey {
        scopes: vec![Scope::Read],
        per_minute: Some(2),
        ..NewKey::default()
    });
    let other = guarded.key(&[Scope::Read]);
    for _ in 0..2 {
        assert_eq!(
            as_holder(&guarded.app, &slow, "GET", "/v1/count")
                .await
                .status,
            200
        );
    }
    let refused = as_holder(&guarded.app, &slow, "GET", "/v1/count").await;
    refused.problem(429, "rate_limited");
    let wait: u64 = refused.header(header::RETRY_AFTER).parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(
        as_holder(&guarded.app, &other, "GET", "/v1/count")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn an_open_server_asks_once_there_is_a_key_and_manages_none() {
    let guarded = guarded(Policy::OncePresent);
    assert_eq!(get(&guarded.app, "/v1/count").await.status, 200);
    assert_eq!(
        get(&guarded.app, "/v1/session").await.json()["key"],
        Value::Null
    );
    get(&guarded.app, "/v1/keys")
        .await
        .problem(403, "key_not_allowed");
    let key = guarded.key(&[Scope::Read]);
    get(&guarded.app, "/v1/count")
        .await
        .problem(401, "key_missing");
    assert_eq!(
        as_holder(&guarded.app, &key, "GET", "/v1/count")
            .await
            .status,
        200
    );
    // Not even revoking them all, or removing the file, opens it again.
    for key in guarded.keys.list().unwrap() {
        guarded.keys.revoke(&key.id).unwrap();
    }
    get(&guarded.app, "/v1/count")
        .await
        .problem(401, "key_missing");
    std::fs::remove_file(guarded._bench.folder.path().join("keys.json")).unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    get(&guarded.app, "/v1/count")
        .await
        .problem(401, "key_missing");
    as_holder(&guarded.app, &key, "GET", "/v1/count")
        .await
        .problem(401, "key_unknown");
    // The same keys where nobody is asked.
    let open = self::guarded(Policy::Open);
    open.key(&[Scope::Read]);
    assert_eq!(get(&open.app, "/v1/count").await.status, 200);
    get(&open.app, "/v1/keys")
        .await
        .problem(403, "key_not_allowed");
}

#[tokio::test]
async fn paths_of_the_server_are_for_admins() {
    let guarded = guarded(Policy::Always);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    std::fs::write(&path, png(&textured(80, 60, 3))).unwrap();
    let library = guarded._bench.engine.clone();
    resight_engine::Indexer::new(library)
        .index_folder(
            folder.path(),
            &resight_engine::FolderOptions::default(),
            &std::sync::atomic::AtomicBool::new(false),
            &mut |_| {},
        )
        .unwrap();
    let read = guarded.key(&[Scope::Read]);
    let admin = guarded.key(&[Scope::Admin]);
    let list = as_holder(&guarded.app, &read, "GET", "/v1/images")
        .await
        .json();
    let address = format!("/v1/images/{}", list["images"][0]["id"].as_str().unwrap());
    let own = as_holder(&guarded.app, &read, "GET", &address).await.json();
    assert_eq!(
        (&own["folder"], &own["paths"][0]["path"]),
        (&Value::Null, &"a.png".into())
    );
    let whole = as_holder(&guarded.app, &admin, "GET", &address)
        .await
        .json();
    let path = path.canonicalize().unwrap();
    assert_eq!(whole["paths"][0]["path"], path.to_str().unwrap());
    as_holder(&guarded.app, &read, "GET", "/v1/refused")
        .await
        .problem(403, "key_not_allowed");
}

#[tokio::test]
async fn monitors_without_a_key_learn_the_state_alone() {
    let guarded = guarded(Policy::Always);
    add(&guarded.open, "a.png", &png(&textured(80, 60, 1))).await;
    let ready = get(&guarded.app, "/readyz").await.json();
    assert_eq!(ready, serde_json::json!({"status": "ok", "reasons": []}));
    assert_eq!(get(&guarded.app, "/healthz").await.status, 200);
    let admin = guarded.key(&[Scope::Admin]);
    let all = as_holder(&guarded.app, &admin, "GET", "/readyz")
        .await
        .json();
    assert_eq!(all["pictures"], 1);
}

#[tokio::test]
async fn without_readable_keys_nobody_is_let_in() {
    let guarded = guarded(Policy::OncePresent);
    let key = guarded.key(&[Scope::Admin]);
    std::fs::write(guarded._bench.folder.path().join("keys.json"), "{").unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    as_holder(&guarded.app, &key, "GET", "/v1/count")
        .await
        .problem(503, "keys_damaged");
    get(&guarded.app, "/v1/images")
        .await
        .problem(503, "keys_damaged");
    assert_eq!(get(&guarded.app, "/healthz").await.status, 200);
}
