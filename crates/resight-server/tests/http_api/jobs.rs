//! Jobs and registered folders over HTTP, with keys and without.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use resight_app::collections::Collections;
use resight_app::config::{Config, Settings};
use resight_app::data_folder::{self, WritableFolder};
use resight_app::folders::{Folders, Roots};
use resight_app::jobs::{JobRunner, JobSettings, Jobs};
use resight_app::keys::{Keys, NewKey, Scope};
use resight_app::plugins::Plugins;
use resight_server::{AccessSettings, HttpSettings, JobsPerKey, JobsServed, Policy};
use resight_store::CollectionName;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::access::with;
use crate::fixtures::{Answer, ask, get, png, post, request, textured};

/// A data folder with jobs, and folders of pictures beside it.
pub(crate) struct World {
    // Dropped in this order.
    runner: Option<JobRunner>,
    pub(crate) settings: HttpSettings,
    keys: Arc<Keys>,
    pub(crate) folder: WritableFolder,
    root: TempDir,
}

impl World {
    pub(crate) fn new(policy: Policy) -> Self {
        let root = tempfile::tempdir().unwrap();
        let config = Config::new(Settings {
            data: Some(root.path().join("data")),
            models: Some(root.path().join("models")),
            ..Settings::default()
        })
        .unwrap();
        for name in ["pictures/raw", "secret"] {
            fs::create_dir_all(root.path().join(name)).unwrap();
        }
        let folder = data_folder::open_for_writing(&config, &Plugins::default()).unwrap();
        let collections = Collections::beside(&folder, &config);
        let museum = CollectionName::parse("museum").unwrap();
        collections.create(&museum).unwrap();
        let jobs = Jobs::open(&config).unwrap();
        let served = JobsServed {
            folders: Folders::beside(&jobs),
            jobs,
            roots: Roots::new(&[root.path().join("pictures")]),
            backups: Roots::new(&[root.path().join("backups")]),
            per_key: JobsPerKey {
                others: 3,
                admins: 6,
            },
            config,
        };
        let keys = Arc::new(Keys::open(&root.path().join("data")).unwrap());
        let settings = HttpSettings {
            collections,
            jobs: Some(Arc::new(served)),
            access: AccessSettings {
                keys: Some(keys.clone()),
                policy,
            },
            ..HttpSettings::default()
        };
        Self {
            runner: None,
            settings,
            keys,
            folder,
            root,
        }
    }

    pub(crate) fn run(&mut self) {
        let served = self.settings.jobs.as_ref().unwrap();
        let collections = &self.settings.collections;
        let settings = JobSettings::default();
        let runner = served
            .jobs
            .run_in_background(&served.config, collections, &settings);
        self.runner = Some(runner.unwrap());
    }

    pub(crate) fn app(&self) -> Router {
        resight_server::app(self.folder.library.clone(), self.settings.clone())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.root.path()).unwrap().join(name)
    }

    pub(crate) fn fill(&self, count: u64) {
        for seed in 0..count {
            let name = format!("pictures/{seed:03}.png");
            fs::write(self.path(&name), png(&textured(160, 120, seed + 1))).unwrap();
        }
    }

    pub(crate) fn key(&self, scopes: &[Scope], collections: Option<&str>) -> String {
        let new = NewKey {
            name: "a test".into(),
            scopes: scopes.to_vec(),
            collections: collections.map(|name| vec![CollectionName::parse(name).unwrap()]),
            ..NewKey::default()
        };
        self.keys.create(new).unwrap().1
    }
}

fn of_json(method: &str, address: &str, body: &Value) -> axum::http::Request<Body> {
    let mut request = post(address, "application/json", body.to_string());
    *request.method_mut() = method.parse().unwrap();
    request
}

pub(crate) async fn make(app: &Router, body: &Value) -> Answer {
    ask(app, of_json("POST", "/v1/jobs", body)).await
}

/// The job once it has ended.
pub(crate) async fn ended(app: &Router, id: u64) -> Value {
    loop {
        let job = get(app, &format!("/v1/jobs/{id}")).await.json();
        if ["done", "failed", "cancelled"].contains(&job["state"].as_str().unwrap()) {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_job_is_made_listed_and_followed_to_its_end() {
    let mut world = World::new(Policy::Open);
    world.fill(3);
    fs::write(world.path("pictures/broken.png"), b"\x89PNG\r\n\x1a\nno").unwrap();
    let app = world.app();
    let folder = world.path("pictures");
    let made = make(&app, &json!({"kind": "index", "folder": folder})).await;
    assert_eq!(made.status, 202, "{}", made.json());
    let job = made.json();
    assert_eq!(job["state"], "queued");
    let id = job["id"].as_u64().unwrap();
    let later = make(&app, &json!({"kind": "duplicates"})).await.json();
    world.run();
    let job = ended(&app, id).await;
    assert_eq!(job["state"], "done", "{job}");
    assert_eq!((&job["done"], &job["total"]), (&json!(4), &json!(4)));
    assert_eq!(job["counts"]["indexed"], 3);
    assert_eq!(job["counts"]["refused"], 1);
    assert_eq!(job["folder"], folder.to_str().unwrap());
    let refused = get(&app, &format!("/v1/jobs/{id}/refused")).await.json();
    assert_eq!(refused["refused"].as_array().unwrap().len(), 1);
    assert_eq!(refused["next"], Value::Null);
    assert_eq!(get(&app, "/v1/count").await.json()["count"], 3);

    ended(&app, later["id"].as_u64().unwrap()).await;
    let list = get(&app, "/v1/jobs?limit=1").await.json();
    assert_eq!(list["total"], 2);
    assert_eq!(list["jobs"][0]["kind"], "duplicates");
    let next = list["next"].as_u64().unwrap();
    let address = format!("/v1/jobs?before={next}&state=done&kind=index&of=default");
    let rest = get(&app, &address).await.json();
    assert_eq!(rest["jobs"][0]["id"], id);
    assert_eq!(rest["next"], Value::Null);
    let metrics = String::from_utf8(get(&app, "/metrics").await.body).unwrap();
    assert!(
        metrics.contains("resight_jobs{state=\"done\"} 2"),
        "{metrics}"
    );
    assert!(metrics.contains("resight_folders{state=\"gone\"} 0"));
    crate::metrics::are_documented(&metrics);
    ask(&app, request("DELETE", &format!("/v1/jobs/{id}")))
        .await
        .problem(409, "job_ended");
    get(&app, "/v1/jobs/99").await.problem(404, "unknown_job");
    get(&app, "/v1/jobs/x").await.problem(422, "bad_parameter");
    for address in [
        "/v1/jobs?state=over",
        "/v1/jobs?kind=dance",
        "/v1/jobs?limit=0",
    ] {
        get(&app, address).await.problem(422, "bad_parameter");
    }
}

#[tokio::test]
async fn what_cannot_be_a_job_is_refused_with_a_reason() {
    let world = World::new(Policy::Open);
    let app = world.app();
    let (pictures, secret) = (world.path("pictures"), world.path("secret"));
    #[cfg(unix)]
    std::os::unix::fs::symlink(&secret, pictures.join("link")).unwrap();
    let path = |name: &str| pictures.join(name).to_str().unwrap().to_owned();
    for (body, status, code) in [
        (json!({"kind": "dance"}), 422, "bad_parameter"),
        (json!({"kind": "index"}), 422, "bad_body"),
        (json!({"kind": "backup"}), 422, "bad_body"),
        (
            json!({"kind": "index", "folder": secret}),
            403,
            "folder_not_allowed",
        ),
        (
            json!({"kind": "index", "folder": path("../secret")}),
            403,
            "folder_not_allowed",
        ),
        (
            json!({"kind": "index", "folder": path("link")}),
            403,
            "folder_not_allowed",
        ),
        (
            json!({"kind": "backup", "folder": path("raw")}),
            403,
            "folder_not_allowed",
        ),
        (
            json!({"kind": "index", "folder": "pictures"}),
            403,
            "folder_not_allowed",
        ),
        (
            json!({"kind": "index", "folder": path("none")}),
            422,
            "not_a_folder",
        ),
        (
            json!({"kind": "index", "folder_id": 7}),
            404,
            "unknown_folder",
        ),
        (
            json!({"kind": "verify", "collection": "none"}),
            404,
            "unknown_collection",
        ),
        (json!({"kind": "verify", "other": 1}), 422, "bad_body"),
        (
            json!({"kind": "index", "folder": path("raw"), "rules": {"exclude": ["!a"]}}),
            422,
            "bad_rules",
        ),
    ] {
        make(&app, &body).await.problem(status, code);
    }
    assert_eq!(get(&app, "/v1/jobs").await.json()["total"], 0);
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once() {
    let world = World::new(Policy::Open);
    let app = world.app();
    let id = make(&app, &json!({"kind": "verify"})).await.json()["id"].clone();
    let answer = ask(&app, request("DELETE", &format!("/v1/jobs/{id}"))).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.json()["state"], "cancelled");
}

// Long because each key meets each kind.
#[tokio::test]
async fn each_kind_has_its_scope_and_each_key_its_collections() {
    let mut world = World::new(Policy::Always);
    world.fill(2);
    let app = world.app();
    let as_key = async |key: &str, method: &str, address: &str, body: &Value| {
        ask(&app, with(of_json(method, address, body), key)).await
    };
    let add = world.key(&[Scope::Add], None);
    let both = world.key(&[Scope::Add, Scope::Delete, Scope::Read], None);
    let admin = world.key(&[Scope::Admin], None);
    let museum = world.key(&[Scope::Admin], Some("museum"));
    let pictures = world.path("pictures");
    let index = json!({"kind": "index", "folder": pictures});
    let prune = json!({"kind": "index", "folder": pictures, "rules": {"prune": true}});
    let backup = json!({"kind": "backup", "folder": world.path("backups/a")});
    let verify = json!({"kind": "verify"});
    let of_museum = json!({"kind": "verify", "collection": "museum"});
    let post = |key: &str, body: &Value| {
        let (key, body) = (key.to_owned(), body.clone());
        let as_key = &as_key;
        async move { as_key(&key, "POST", "/v1/jobs", &body).await }
    };
    for (key, body, allowed) in [
        (&add, &index, true),
        (&add, &prune, false),
        (&both, &prune, true),
        (&both, &verify, false),
        (&both, &backup, false),
        (&admin, &verify, true),
        (&admin, &backup, true),
        (&museum, &verify, false),
        (&museum, &backup, false),
        (&museum, &of_museum, true),
    ] {
        let answer = post(key, body).await;
        if allowed {
            assert_eq!(answer.status, 202, "{body}: {}", answer.json());
        } else {
            answer.problem(403, "key_not_allowed");
        }
    }
    let none = Value::Null;
    let list = as_key(&museum, "GET", "/v1/jobs", &none).await.json();
    assert_eq!(list["total"], 1);
    let own = list["jobs"][0]["id"].as_u64().unwrap();
    let all = as_key(&admin, "GET", "/v1/jobs", &none).await.json();
    assert_eq!(all["total"], 5);
    as_key(&museum, "GET", "/v1/jobs?of=default", &none)
        .await
        .problem(403, "key_not_allowed");
    // Of another collection a job is not there; neither are its events.
    for (method, rest) in [
        ("GET", ""),
        ("GET", "/events"),
        ("GET", "/refused"),
        ("DELETE", ""),
    ] {
        as_key(&museum, method, &format!("/v1/jobs/1{rest}"), &none)
            .await
            .problem(404, "unknown_job");
    }
    as_key(&add, "DELETE", &format!("/v1/jobs/{own}"), &none)
        .await
        .problem(403, "key_not_allowed");
    assert_eq!(
        as_key(&add, "DELETE", "/v1/jobs/1", &none).await.status,
        202
    );
    // Paths and keys are for admins.
    let job = as_key(&both, "GET", "/v1/jobs/2", &none).await.json();
    assert_eq!((&job["folder"], &job["made_by"]), (&none, &none));
    let job = as_key(&admin, "GET", "/v1/jobs/2", &none).await.json();
    assert_eq!(job["folder"], pictures.to_str().unwrap());
    assert!(job["made_by"].is_string());

    let folder = json!({"path": pictures, "collection": "museum"});
    as_key(&both, "POST", "/v1/folders", &folder)
        .await
        .problem(403, "key_not_allowed");
    let made = as_key(&museum, "POST", "/v1/folders", &folder).await;
    assert_eq!(made.status, 201, "{}", made.json());
    // No admin of the whole server, so without its paths.
    assert_eq!(made.json()["path"], none);
    assert_eq!(made.json()["name"], "pictures");
    let other = json!({"path": pictures.join("raw")});
    let made = as_key(&admin, "POST", "/v1/folders", &other).await.json();
    assert_eq!(made["path"], pictures.join("raw").to_str().unwrap());
    let address = format!("/v1/folders/{}", made["id"]);
    for method in ["PATCH", "DELETE"] {
        as_key(&museum, method, &address, &json!({"prune": true}))
            .await
            .problem(404, "unknown_folder");
    }
    let seen = as_key(&museum, "GET", "/v1/folders", &none).await.json();
    assert_eq!(seen["folders"].as_array().unwrap().len(), 1);
    world.run();
    // A collection that is removed takes them along.
    let removed = as_key(&admin, "DELETE", "/v1/collections/museum", &none).await;
    assert_eq!(removed.status, 204);
    let rest = as_key(&admin, "GET", "/v1/folders", &none).await.json();
    assert_eq!(rest["folders"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_folder_is_registered_changed_and_forgotten() {
    let mut world = World::new(Policy::Open);
    world.fill(2);
    fs::write(
        world.path("pictures/raw/x.png"),
        png(&textured(160, 120, 9)),
    )
    .unwrap();
    let app = world.app();
    world.run();
    let wanted = json!({"path": world.path("pictures"), "rules": {"tags": ["rome"]}});
    let made = ask(&app, of_json("POST", "/v1/folders", &wanted)).await;
    assert_eq!(made.status, 201, "{}", made.json());
    let id = made.json()["id"].as_u64().unwrap();
    assert_eq!(ended(&app, 1).await["counts"]["indexed"], 3);
    assert_eq!(get(&app, "/v1/count?tag=rome").await.json()["count"], 3);
    let again = ask(&app, of_json("POST", "/v1/folders", &wanted)).await;
    assert_eq!(again.status, 200);
    let rules = json!({"exclude": ["raw/"], "prune": true, "tags": []});
    let address = format!("/v1/folders/{id}");
    let changed = ask(&app, of_json("PATCH", &address, &rules)).await.json();
    assert_eq!(changed["rules"]["exclude"], json!(["raw/"]));
    assert_eq!(changed["rules"]["include"], json!([]));
    let job = ended(&app, 2).await;
    // It has a tag, which nobody may lose by a pattern.
    assert_eq!(job["counts"]["excluded"], 1, "{job}");
    let folders = get(&app, "/v1/folders").await.json();
    assert_eq!(folders["folders"][0]["job"], 2);
    assert!(folders["folders"][0]["last_run"].is_string());
    let by_id = make(&app, &json!({"kind": "index", "folder_id": id})).await;
    assert_eq!(by_id.json()["folder_id"], id);
    let bad = json!({"tags": ["a\nb"]});
    ask(&app, of_json("PATCH", &address, &bad))
        .await
        .problem(422, "bad_rules");
    assert_eq!(ask(&app, request("DELETE", &address)).await.status, 204);
    ask(&app, request("DELETE", &address))
        .await
        .problem(404, "unknown_folder");
    assert_eq!(get(&app, "/v1/count").await.json()["count"], 3);
}
