//! Exports as jobs over HTTP.

use resight_app::keys::Scope;
use resight_server::Policy;
use serde_json::{Value, json};

use crate::access::with;
use crate::fixtures::{ask, form, get, png, request, textured};
use crate::jobs::{World, ended, make};

fn lines(body: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(body).unwrap();
    let all = text.lines().map(|line| serde_json::from_str(line).unwrap());
    all.collect()
}

#[tokio::test]
async fn an_export_is_made_by_a_job_and_fetched() {
    let mut world = World::new(Policy::Open);
    let app = world.app();
    let picture = png(&textured(160, 120, 1));
    ask(&app, form("/v1/images", "file", "a.png", &picture)).await;
    let job = make(&app, &json!({"kind": "export"})).await.json();
    let address = format!("/v1/jobs/{}/file", job["id"]);
    get(&app, &address).await.problem(404, "no_export");
    world.run();
    let done = ended(&app, job["id"].as_u64().unwrap()).await;
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(done["counts"]["pictures"], 1);
    let file = get(&app, &address).await;
    assert_eq!(file.status, 200);
    assert_eq!(file.header("content-type"), "application/x-ndjson");
    let name = format!("attachment; filename=\"default-{}.jsonl\"", job["id"]);
    assert_eq!(file.header("content-disposition"), name);
    let all = lines(&file.body);
    assert_eq!(all[1]["name"], "a.png");
    assert_eq!(all[1]["paths"], json!([]));
    assert_eq!(all.last().unwrap()["record"], "end");

    let csv = make(&app, &json!({"kind": "export", "format": "csv"})).await;
    let csv = ended(&app, csv.json()["id"].as_u64().unwrap()).await;
    let file = get(&app, &format!("/v1/jobs/{}/file", csv["id"])).await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert!(file.body.starts_with(b"record,id,"));
    // A job of another kind has none, and neither has one whose file was deleted.
    let other = make(&app, &json!({"kind": "duplicates"})).await.json();
    let other = ended(&app, other["id"].as_u64().unwrap()).await;
    let none = get(&app, &format!("/v1/jobs/{}/file", other["id"])).await;
    none.problem(404, "no_export");
    std::fs::remove_dir_all(world.path("data/exports")).unwrap();
    get(&app, &address).await.problem(404, "no_export");
    make(&app, &json!({"kind": "export", "format": "xml"}))
        .await
        .problem(422, "bad_body");
}

#[tokio::test]
async fn a_key_gets_exports_of_its_collections_and_paths_only_as_an_admin() {
    let mut world = World::new(Policy::Always);
    let admin = world.key(&[Scope::Admin], None);
    let both = world.key(&[Scope::Add, Scope::Read], None);
    let add = world.key(&[Scope::Add], None);
    let museum = world.key(&[Scope::Add, Scope::Read], Some("museum"));
    let app = world.app();
    world.run();
    let export = |key: &str, body: Value| {
        let mut asked = request("POST", "/v1/jobs");
        *asked.body_mut() = body.to_string().into();
        let json = "application/json".parse().unwrap();
        asked.headers_mut().insert("content-type", json);
        ask(&app, with(asked, key))
    };
    let file = |key: &str, id: &Value| {
        let address = format!("/v1/jobs/{id}/file");
        ask(&app, with(request("GET", &address), key))
    };
    export(&add, json!({"kind": "export"}))
        .await
        .problem(403, "key_not_allowed");
    export(&museum, json!({"kind": "export"}))
        .await
        .problem(403, "key_not_allowed");
    let mut made = Vec::new();
    for (key, collection) in [(&admin, "default"), (&both, "default"), (&museum, "museum")] {
        let body = json!({"kind": "export", "collection": collection});
        let job = export(key, body).await.json();
        loop {
            let address = format!("/v1/jobs/{}", job["id"]);
            let now = ask(&app, with(request("GET", &address), &admin))
                .await
                .json();
            if now["state"] == "done" {
                break;
            }
            assert_ne!(now["state"], "failed", "{now}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        made.push(job["id"].clone());
    }
    assert_eq!(file(&admin, &made[0]).await.status, 200);
    assert_eq!(file(&admin, &made[1]).await.status, 200);
    assert_eq!(file(&both, &made[1]).await.status, 200);
    assert_eq!(file(&museum, &made[2]).await.status, 200);
    file(&both, &made[0]).await.problem(403, "key_not_allowed");
    file(&museum, &made[1]).await.problem(404, "unknown_job");
    file(&add, &made[1]).await.problem(403, "key_not_allowed");
}
