use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use image::imageops;
use serde_json::{Value, json};

use crate::collections::Served;
use crate::fixtures::{Answer, Bench, add, ask, form, get, png, post, request, textured};

/// Four versions of one picture, and another; gives the ids of the four.
async fn copies(bench: &Bench, app: &Router) -> Vec<String> {
    let picture = textured(320, 240, 31);
    let mut ids = vec![add(app, "original.png", &png(&picture)).await];
    for (side, name) in [(300, "a.png"), (280, "b.png"), (260, "c.png")] {
        let filter = imageops::FilterType::Triangle;
        let smaller = imageops::resize(&picture, side, side * 3 / 4, filter);
        ids.push(add(app, name, &png(&smaller)).await);
    }
    add(app, "other.png", &png(&textured(320, 240, 32))).await;
    let cancel = std::sync::atomic::AtomicBool::new(false);
    resight_engine::Duplicates::new(bench.engine.clone())
        .update(&cancel, &mut |_| {})
        .unwrap();
    ids
}

async fn list(app: &Router, query: &str) -> Value {
    let answer = get(app, &format!("/v1/duplicates{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    answer.json()
}

async fn decide(app: &Router, method: &str, body: &Value) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri("/v1/not-a-match")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    ask(app, request).await
}

#[tokio::test]
async fn groups_are_given_with_their_evidence() {
    let bench = Bench::new();
    let app = bench.app();
    add(&app, "early.png", &png(&textured(320, 240, 30))).await;
    let before = list(&app, "").await;
    assert_eq!(
        (&before["complete"], &before["pending"], &before["total"]),
        (&json!(false), &json!(1), &json!(0))
    );
    let ids = copies(&bench, &app).await;
    let found = list(&app, "").await;
    assert_eq!(
        (&found["complete"], &found["pending"], &found["total"]),
        (&json!(true), &json!(0), &json!(1))
    );
    let group = &found["groups"][0];
    assert_eq!(group["kind"], "re-encoded");
    let members = group["members"].as_array().unwrap();
    let given: Vec<&str> = members
        .iter()
        .map(|m| m["image"]["id"].as_str().unwrap())
        .collect();
    assert_eq!(given, ids, "the largest first");
    assert_eq!(
        (&members[0]["largest"], &members[1]["largest"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        (
            &members[0]["files"],
            &members[0]["missing"],
            &members[0]["paths"]
        ),
        (&json!(1), &json!(false), &json!([]))
    );
    assert_eq!(group["pair_count"], 6);
    let pair = &group["pairs"][0];
    assert_eq!(pair["kind"], "re-encoded");
    assert!(pair["nfa_log10"].as_f64().unwrap() < -10.0, "{pair}");
    assert!(pair["inliers"].as_u64().unwrap() > 20, "{pair}");
    for share in ["coverage_a", "coverage_b", "same_share"] {
        assert!(pair[share].as_f64().unwrap() > 0.5, "{share}: {pair}");
    }
    assert_eq!(pair["transform"].as_array().unwrap().len(), 9);
    assert_eq!(
        (&pair["mirrored"], &pair["inverted"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(pair["regions"], json!([]));

    assert_eq!(list(&app, "?kind=re-encoded&min_size=4").await["total"], 1);
    assert_eq!(list(&app, "?kind=cropped").await["total"], 0);
    assert_eq!(list(&app, "?min_size=5").await["total"], 0);
    let past = list(&app, "?offset=1&limit=5").await;
    assert_eq!((&past["total"], &past["groups"]), (&json!(1), &json!([])));
    for wrong in ["kind=same", "min_size=1", "limit=0", "sort=size"] {
        let answer = get(&app, &format!("/v1/duplicates?{wrong}")).await;
        let detail = answer.problem(422, "bad_parameter");
        assert!(
            detail.contains(wrong.split('=').next().unwrap()),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn what_is_no_match_leaves_groups_and_searches_until_it_is_taken_back() {
    let bench = Bench::new();
    let app = bench.app();
    let ids = copies(&bench, &app).await;
    let two = json!({"a": ids[1], "b": ids[0]});
    let answer = decide(&app, "POST", &two).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    let said = answer.json();
    assert_eq!(
        (&said["not_a_match"], &said["changed"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(decide(&app, "POST", &two).await.json()["changed"], false);

    let together = |found: &Value| {
        let groups = found["groups"].as_array().unwrap();
        groups.iter().any(|group| {
            let members = group["members"].as_array().unwrap();
            let holds = |id: &String| members.iter().any(|m| m["image"]["id"] == **id);
            holds(&ids[0]) && holds(&ids[1])
        })
    };
    assert!(!together(&list(&app, "").await));
    let search = || {
        let body = json!({"image_id": ids[0]}).to_string();
        post("/v1/search", "application/json", body)
    };
    let found = ask(&app, search()).await.json();
    assert_eq!(found["left_out"], 1);
    let hits = found["hits"].as_array().unwrap();
    assert!(!hits.is_empty());
    assert!(hits.iter().all(|hit| hit["image"]["id"] != ids[1]));

    let listed = get(&app, "/v1/not-a-match").await.json();
    assert_eq!(listed["total"], 1);
    let entry = &listed["pairs"][0];
    assert!(entry["a"].as_str().unwrap() < entry["b"].as_str().unwrap());
    assert_eq!(entry["image_a"]["id"], entry["a"]);
    assert!(entry["decided"].as_str().unwrap().ends_with('Z'));
    let page = get(&app, "/v1/not-a-match?offset=1&limit=1").await.json();
    assert_eq!(page["pairs"], json!([]));

    assert_eq!(decide(&app, "DELETE", &two).await.json()["changed"], true);
    assert_eq!(decide(&app, "DELETE", &two).await.json()["changed"], false);
    assert!(together(&list(&app, "").await));
    assert_eq!(ask(&app, search()).await.json()["left_out"], 0);
}

#[tokio::test]
async fn decisions_are_read_page_after_page_by_a_cursor() {
    let bench = Bench::new();
    let app = bench.app();
    let mut ids = Vec::new();
    for seed in 1..5 {
        ids.push(add(&app, "a.png", &png(&textured(80, 60, seed))).await);
    }
    let mut pairs = Vec::new();
    for (a, b) in [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)] {
        let two = json!({"a": ids[a], "b": ids[b]});
        assert_eq!(decide(&app, "POST", &two).await.json()["changed"], true);
        pairs.push(two);
    }
    let first = get(&app, "/v1/not-a-match?limit=2").await;
    let link = first.header(header::LINK).to_owned();
    let first = first.json();
    assert_eq!(first["total"], 5);
    let next = first["next"].as_str().unwrap();
    assert!(link.contains(&format!("limit=2&cursor={next}")), "{link}");
    // One that was shown is taken back, and hides no other.
    let shown = &first["pairs"][0];
    let two = json!({"a": shown["a"], "b": shown["b"]});
    assert_eq!(decide(&app, "DELETE", &two).await.json()["changed"], true);
    let rest = get(&app, &format!("/v1/not-a-match?limit=3&cursor={next}")).await;
    assert_eq!(rest.json()["next"], Value::Null);
    assert_eq!(rest.header(header::LINK), "");
    let rest = rest.json();
    let all = [&first["pairs"], &rest["pairs"]].map(|page| page.as_array().unwrap().clone());
    let mut all: Vec<_> = all
        .concat()
        .iter()
        .map(|one| one["a"].to_string() + &one["b"].to_string())
        .collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 5);
    let bad = |query: &str| format!("/v1/not-a-match?cursor={next}{query}");
    get(&app, &bad("&offset=1"))
        .await
        .problem(422, "bad_parameter");
    get(&app, &bad("0")).await.problem(422, "bad_cursor");
}

#[tokio::test]
async fn decisions_that_make_no_sense_are_refused() {
    let bench = Bench::new();
    let app = bench.app();
    let id = add(&app, "a.png", &png(&textured(200, 160, 1))).await;
    let unknown = "0".repeat(32);
    let cases = [
        (json!({"a": id, "b": id}), 422, "same_picture"),
        (json!({"a": id, "b": unknown}), 404, "unknown_picture"),
        (json!({"a": id, "b": "x"}), 422, "bad_parameter"),
        (json!({"a": id}), 422, "bad_body"),
        (json!([]), 422, "bad_body"),
        (
            json!({"a": "x".repeat(5000), "b": id}),
            413,
            "too_many_bytes",
        ),
        (json!({"a": id, "b": unknown, "c": id}), 422, "bad_body"),
    ];
    for (body, status, code) in cases {
        decide(&app, "POST", &body).await.problem(status, code);
    }
    let address = "/v1/not-a-match";
    let nothing = Request::post(address).body(Body::empty()).unwrap();
    ask(&app, nothing).await.problem(422, "bad_body");
    let body = json!({"a": id, "b": unknown}).to_string();
    let wrong = post("/v1/not-a-match?undo=true", "application/json", body);
    ask(&app, wrong).await.problem(422, "bad_parameter");
    let answer = get(&app, "/v1/not-a-match?limit=5000").await;
    answer.problem(422, "bad_parameter");
}

#[tokio::test]
async fn each_collection_has_pairs_and_decisions_of_its_own() {
    let served = Served::new();
    let museum = "/v1/collections/museum";
    assert_eq!(served.put("museum").await, StatusCode::CREATED);
    let picture = textured(320, 240, 7);
    let smaller = imageops::resize(&picture, 280, 210, imageops::FilterType::Triangle);
    let mut ids = Vec::new();
    for base in ["/v1", museum] {
        for bytes in [png(&picture), png(&smaller)] {
            let address = format!("{base}/images");
            let sent = ask(&served.app, form(&address, "file", "a.png", &bytes)).await;
            ids.push(sent.json()["id"].as_str().unwrap().to_owned());
        }
    }
    let list = async |base: &str| {
        let answer = get(&served.app, &format!("{base}/duplicates")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
        answer.json()
    };
    let end = std::time::Instant::now() + std::time::Duration::from_secs(120);
    let looked_for = async |base: &str, groups: u64| loop {
        assert!(std::time::Instant::now() < end, "{groups} never came");
        let found = list(base).await;
        if found["complete"] == true && found["total"] == groups {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    assert_eq!(list(museum).await["pending"], 2);
    let looking = served.collections.find_duplicates_in_background();
    looked_for("/v1", 1).await;
    let found = looked_for(museum, 1).await;
    let thumbnail = &found["groups"][0]["members"][0]["image"]["thumbnail"];
    assert!(thumbnail.as_str().unwrap().starts_with(museum));

    let body = json!({"a": ids[2], "b": ids[3]}).to_string();
    let address = format!("{museum}/not-a-match");
    let said = ask(&served.app, post(&address, "application/json", body)).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.json());
    assert_eq!(list(museum).await["total"], 0);
    assert_eq!(get(&served.app, &address).await.json()["total"], 1);
    assert_eq!(list("/v1").await["total"], 1);
    assert_eq!(get(&served.app, "/v1/not-a-match").await.json()["total"], 0);

    // A picture that comes is looked for, and the looking is in no removal's way.
    let larger = imageops::resize(&picture, 400, 300, imageops::FilterType::Triangle);
    let address = format!("{museum}/images");
    ask(&served.app, form(&address, "file", "b.png", &png(&larger))).await;
    looked_for(museum, 1).await;
    let gone = ask(&served.app, request("DELETE", museum)).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let answer = get(&served.app, &format!("{museum}/duplicates")).await;
    answer.problem(404, "unknown_collection");
    drop(looking);
}

#[tokio::test]
async fn paths_of_a_group_are_told_apart_and_not_where_they_lie() {
    let bench = Bench::new();
    let app = bench.app();
    let root = tempfile::tempdir().unwrap();
    let place = root.path().file_name().unwrap().to_str().unwrap();
    let path = |name: &str| root.path().join(name);
    let large = textured(320, 240, 5);
    let small = imageops::resize(&large, 280, 210, imageops::FilterType::Triangle);
    for (name, picture) in [
        ("2019/a.png", &small),
        ("2020/a.png", &small),
        ("gone.png", &large),
    ] {
        std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
        std::fs::write(path(name), png(picture)).unwrap();
    }
    let mut expected = vec![
        json!({"path": "2019/a.png", "state": "present", "link_to": null}),
        json!({"path": "2020/a.png", "state": "present", "link_to": null}),
    ];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("2019/a.png", path("b.png")).unwrap();
        let link = json!({"path": "b.png", "state": "link", "link_to": "2019/a.png"});
        expected.push(link);
    }
    let go = std::sync::atomic::AtomicBool::new(false);
    let options = resight_engine::FolderOptions::default();
    let indexer = resight_engine::Indexer::new(bench.engine.clone());
    let folder = root.path();
    indexer
        .index_folder(folder, &options, &go, &mut |_| {})
        .unwrap();
    let duplicates = resight_engine::Duplicates::new(bench.engine.clone());
    duplicates.update(&go, &mut |_| {}).unwrap();
    std::fs::remove_file(path("gone.png")).unwrap();

    let found = list(&app, "").await;
    assert!(!found.to_string().contains(place), "{found}");
    let members = found["groups"][0]["members"].as_array().unwrap();
    assert_eq!(members.len(), 2);
    let there = &members[0];
    assert_eq!(there["paths"], json!(expected));
    assert_eq!(
        (&there["files"], &there["largest"], &there["missing"]),
        (&json!(2), &json!(true), &json!(false))
    );
    let gone = &members[1];
    assert_eq!(gone["image"]["width"], 320);
    assert_eq!(
        (&gone["files"], &gone["largest"], &gone["missing"]),
        (&json!(0), &json!(false), &json!(true))
    );
    assert_eq!(
        gone["paths"],
        json!([{"path": "gone.png", "state": "missing", "link_to": null}])
    );
    // Three entries are shown: two files, and the picture that has none.
    assert_eq!(list(&app, "?min_size=3").await["total"], 1);
    assert_eq!(list(&app, "?min_size=4").await["total"], 0);
}
