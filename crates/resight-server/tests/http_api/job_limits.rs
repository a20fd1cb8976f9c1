//! How many jobs a key may have, and which exports a key that only reads may make and end.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use resight_app::keys::Scope;
use resight_server::Policy;
use serde_json::{Value, json};

use crate::access::with;
use crate::fixtures::{Answer, ask, post, request};
use crate::jobs::{World, make};

fn job(key: &str, body: &Value) -> Request<Body> {
    with(post("/v1/jobs", "application/json", body.to_string()), key)
}

async fn cancel(app: &Router, key: &str, id: &Value) -> Answer {
    let address = format!("/v1/jobs/{id}");
    ask(app, with(request("DELETE", &address), key)).await
}

#[tokio::test]
async fn a_key_has_so_many_jobs_and_an_admin_more() {
    let world = World::new(Policy::Always);
    let key = |scopes: &[Scope]| world.key(scopes, None);
    let (add, other, admin) = (key(&[Scope::Add]), key(&[Scope::Add]), key(&[Scope::Admin]));
    let app = world.app();
    let wanted = json!({"kind": "duplicates"});
    // At the same time, so that none may pass a bound because another is not counted yet.
    let asked = (0..8).map(|_| tokio::spawn(ask_cloned(app.clone(), job(&add, &wanted))));
    let mut made = Vec::new();
    for answer in asked.collect::<Vec<_>>() {
        let answer = answer.await.unwrap();
        if answer.status == 202 {
            made.push(answer.json()["id"].clone());
            continue;
        }
        let detail = answer.problem(429, "too_many_jobs");
        assert!(detail.contains('3'), "{detail}");
        assert_eq!(answer.header(header::RETRY_AFTER), "10");
    }
    assert_eq!(made.len(), 3);
    // Neither another key nor an admin is kept waiting by that.
    assert_eq!(ask(&app, job(&other, &wanted)).await.status, 202);
    for _ in 0..6 {
        assert_eq!(ask(&app, job(&admin, &wanted)).await.status, 202);
    }
    ask(&app, job(&admin, &wanted))
        .await
        .problem(429, "too_many_jobs");
    // One that has ended makes room.
    assert_eq!(cancel(&app, &add, &made[0]).await.status, 202);
    assert_eq!(ask(&app, job(&add, &wanted)).await.status, 202);
    ask(&app, job(&add, &wanted))
        .await
        .problem(429, "too_many_jobs");
}

async fn ask_cloned(app: Router, request: Request<Body>) -> Answer {
    ask(&app, request).await
}

#[tokio::test]
async fn where_no_key_is_asked_for_none_has_too_many_jobs() {
    let world = World::new(Policy::Open);
    let app = world.app();
    for _ in 0..10 {
        let made = make(&app, &json!({"kind": "duplicates"})).await;
        assert_eq!(made.status, 202);
    }
}

#[tokio::test]
async fn a_key_that_only_reads_exports_its_collections_and_ends_its_own_exports() {
    let world = World::new(Policy::Always);
    let read = world.key(&[Scope::Read], None);
    let museum = world.key(&[Scope::Read], Some("museum"));
    let search = world.key(&[Scope::Search], None);
    let both = world.key(&[Scope::Read, Scope::Add], None);
    let app = world.app();
    let export = json!({"kind": "export"});
    let made = ask(&app, job(&read, &export)).await;
    assert_eq!(made.status, 202, "{}", made.json());
    let of_museum = json!({"kind": "export", "collection": "museum"});
    assert_eq!(ask(&app, job(&museum, &of_museum)).await.status, 202);
    for (key, body) in [
        (&museum, &export),
        (&search, &export),
        (&read, &json!({"kind": "duplicates"})),
        (&read, &json!({"kind": "embed"})),
        (&read, &json!({"kind": "index", "folder": "/"})),
        (&read, &json!({"kind": "verify"})),
        (&read, &json!({"kind": "backup", "folder": "/"})),
    ] {
        ask(&app, job(key, body))
            .await
            .problem(403, "key_not_allowed");
    }
    let by_other = ask(&app, job(&both, &export)).await.json()["id"].clone();
    cancel(&app, &read, &by_other)
        .await
        .problem(403, "key_not_allowed");
    assert_eq!(cancel(&app, &read, &made.json()["id"]).await.status, 202);
    assert_eq!(cancel(&app, &both, &by_other).await.status, 202);
}
