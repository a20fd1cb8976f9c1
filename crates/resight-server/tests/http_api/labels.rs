use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};

use crate::fixtures::{Bench, add, ask, form_of, get, png, post, request, textured};

fn patch(address: &str, change: &Value) -> Request<Body> {
    Request::patch(address)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(change.to_string()))
        .unwrap()
}

/// The ids of a list's or a search's pictures.
fn ids(answer: &Value) -> Vec<&str> {
    let images = answer["images"].as_array();
    let hits = answer["hits"].as_array();
    let images = images.into_iter().flatten();
    let hits = hits.into_iter().flatten().map(|hit| &hit["image"]);
    images
        .chain(hits)
        .map(|image| image["id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn labels_come_with_a_picture_and_change_by_patch() {
    let bench = Bench::new();
    let app = bench.app();
    let bytes = png(&textured(200, 150, 1));
    let address = "/v1/images?tag=b&tag=a&object=vase%207&metadata=%7B%22year%22%3A1890%7D";
    let answer = ask(&app, post(address, "image/png", bytes.clone())).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json());
    let added = answer.json();
    assert_eq!(added["tags"], json!(["a", "b"]));
    assert_eq!(added["object"], "vase 7");
    assert_eq!(added["metadata"], json!({"year": 1890}));
    let one = format!("/v1/images/{}", added["id"].as_str().unwrap());

    let change = json!({"add_tags": ["c"], "remove_tags": ["a"], "object": null});
    let changed = ask(&app, patch(&one, &change)).await.json();
    assert_eq!(changed["tags"], json!(["b", "c"]));
    assert_eq!(changed["object"], Value::Null);
    assert_eq!(changed["metadata"], json!({"year": 1890}));
    let mut shown = get(&app, &one).await.json();
    for of_paths in ["folder", "paths"] {
        assert!(shown.as_object_mut().unwrap().remove(of_paths).is_some());
    }
    assert_eq!(shown, changed);
    let change = json!({"tags": null, "metadata": {"who": "Monet"}});
    let changed = ask(&app, patch(&one, &change)).await.json();
    assert_eq!(changed["tags"], json!([]));
    assert_eq!(changed["metadata"], json!({"who": "Monet"}));

    // In a form, and for a picture that is there.
    let parts = [
        ("tag", None, &b"x"[..]),
        ("tag", None, b"y"),
        ("metadata", None, b"{\"n\": 1}"),
        ("file", Some("a.png"), &bytes),
    ];
    let form = form_of("/v1/images", &parts);
    let answer = ask(&app, form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    assert_eq!(answer.json()["tags"], json!(["x", "y"]));
    assert_eq!(answer.json()["metadata"], json!({"n": 1}));
}

#[tokio::test]
async fn what_cannot_be_said_is_named() {
    let bench = Bench::new();
    let app = bench.app();
    let id = add(&app, "a.png", &png(&textured(160, 120, 1))).await;
    let one = format!("/v1/images/{id}");
    for (change, part) in [
        (json!({"tag": ["a"]}), "add_tags"),
        (json!({"tags": [" a"]}), "tag"),
        (json!({"object": 3}), "string"),
        (json!("x"), "a JSON object"),
    ] {
        let detail = ask(&app, patch(&one, &change)).await;
        let detail = detail.problem(422, "bad_body");
        assert!(detail.contains(part), "{detail}");
    }
    let many: Vec<String> = (0..65).map(|n| n.to_string()).collect();
    let answer = ask(&app, patch(&one, &json!({"tags": many}))).await;
    answer.problem(422, "too_many_tags");
    let gone = "/v1/images/0123456789abcdef0123456789abcdef";
    let answer = ask(&app, patch(gone, &json!({"add_tags": ["a"]}))).await;
    answer.problem(404, "unknown_picture");
    let large = json!({"metadata": {"a": "x".repeat(300_000)}});
    let answer = ask(&app, patch(&one, &large)).await;
    answer.problem(413, "too_many_bytes");
    for levels in [40, 200, 50_000] {
        let nested = format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        let body = format!("{{\"metadata\": {{\"a\": {nested}}}}}");
        let deep = Request::patch(&one).header(header::CONTENT_TYPE, "application/json");
        let answer = ask(&app, deep.body(Body::from(body)).unwrap()).await;
        answer.problem(422, "bad_body");
    }
    let plain = Request::patch(&one).body(Body::from("{}")).unwrap();
    ask(&app, plain)
        .await
        .problem(415, "unsupported_media_type");

    let picture = png(&textured(160, 120, 2));
    for (query, part) in [
        ("tag=%20", "tag"),
        ("object=", "object"),
        ("metadata=%5B1%5D", "metadata"),
        ("tags=a", "name, tag, object and metadata"),
    ] {
        let address = format!("/v1/images?{query}");
        let answer = ask(&app, post(&address, "image/png", picture.clone())).await;
        let detail = answer.problem(422, "bad_parameter");
        assert!(detail.contains(part), "{detail}");
    }
    for address in ["/v1/images?tag=", "/v1/count?meta.=1", "/v1/count?limit=1"] {
        get(&app, address).await.problem(422, "bad_parameter");
    }
    let crowd = vec!["tag=a"; 65].join("&");
    let answer = get(&app, &format!("/v1/images?{crowd}")).await;
    assert!(answer.problem(422, "bad_parameter").contains("64"));
    assert_eq!(get(&app, "/v1/count").await.json()["count"], 1);
}

#[tokio::test]
async fn filters_hold_for_lists_counts_and_searches() {
    let bench = Bench::new();
    let app = bench.app();
    let bytes = |shade: u8| {
        let mut picture = textured(200, 150, 1);
        picture
            .pixels_mut()
            .for_each(|p| p.0[0] = p.0[0] / 2 + shade);
        png(&picture)
    };
    let mut all = Vec::new();
    for (shade, labels) in [
        (
            0,
            "tag=a&tag=b&metadata=%7B%22n%22%3A1%2C%22who%22%3A%22x%20y%22%7D",
        ),
        (1, "tag=a&object=o&metadata=%7B%22n%22%3A2%7D"),
        (
            2,
            "tag=b&object=o&metadata=%7B%22n%22%3A%221%22%2C%22ok%22%3Atrue%7D",
        ),
    ] {
        let address = format!("/v1/images?{labels}");
        let answer = ask(&app, post(&address, "image/png", bytes(shade)))
            .await
            .json();
        all.push(answer["id"].as_str().unwrap().to_owned());
    }
    for (filter, expected) in [
        ("tag=a", &[0, 1][..]),
        ("tag=a&tag=b", &[0]),
        ("not_tag=a", &[2]),
        ("tag=b&not_tag=a", &[2]),
        ("object=o", &[1, 2]),
        ("meta.n=1", &[0, 2]),
        ("meta.who=x%20y", &[0]),
        ("meta.ok=true&object=o", &[2]),
        ("tag=none", &[]),
    ] {
        let mut expected: Vec<&str> = expected.iter().map(|&n: &usize| &*all[n]).collect();
        let count = get(&app, &format!("/v1/count?{filter}")).await.json();
        assert_eq!(count["count"], expected.len(), "{filter}");
        let list = get(&app, &format!("/v1/images?{filter}")).await.json();
        assert_eq!(list["total"], expected.len(), "{filter}");
        expected.reverse();
        assert_eq!(ids(&list), expected, "{filter}: newest first");
        let search = post(&format!("/v1/search?{filter}"), "image/png", bytes(5));
        let found = ask(&app, search).await.json();
        assert_eq!(found["total"], expected.len(), "{filter}");
        let mut found = ids(&found);
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{filter}");
    }
}

#[tokio::test]
async fn objects_own_pictures_and_go_with_them() {
    let bench = Bench::new();
    let app = bench.app();
    let name = "a%2Fb%20%C3%A9";
    for (seed, object) in [(1, name), (2, name), (3, "other")] {
        let bytes = png(&textured(200, 150, seed));
        let address = format!("/v1/images?object={object}");
        ask(&app, post(&address, "image/png", bytes)).await;
    }
    add(&app, "none.png", &png(&textured(200, 150, 4))).await;
    let listed = get(&app, "/v1/objects").await.json();
    assert_eq!(listed["total"], 2);
    let objects = json!([{"id": "a/b é", "pictures": 2}, {"id": "other", "pictures": 1}]);
    assert_eq!(listed["objects"], objects);
    let page = get(&app, "/v1/objects?offset=1&limit=1").await.json();
    assert_eq!(page["objects"], json!([objects[1]]));

    let one = format!("/v1/objects/{name}");
    let shown = get(&app, &one).await.json();
    assert_eq!(
        (&shown["id"], &shown["total"]),
        (&json!("a/b é"), &json!(2))
    );
    assert_eq!(ids(&shown).len(), 2);

    let search = post(
        "/v1/search?group_by=object",
        "image/png",
        png(&textured(200, 150, 1)),
    );
    let found = ask(&app, search).await.json();
    assert_eq!(found["hits"][0]["image"]["object"], "a/b é");
    let hits = found["hits"].as_array().unwrap();
    let others = |hit: &Value| hit["same_object"]["total"].as_u64().unwrap();
    let pictures: u64 = hits.iter().map(|hit| 1 + others(hit)).sum();
    assert!(hits.len() as u64 == found["total"].as_u64().unwrap() && pictures <= 4);
    let bad = post(
        "/v1/search?group_by=tag",
        "image/png",
        png(&textured(200, 150, 1)),
    );
    assert!(
        ask(&app, bad)
            .await
            .problem(422, "bad_parameter")
            .contains("object")
    );

    let removed = ask(&app, request("DELETE", &one)).await;
    assert_eq!(removed.json(), json!({"removed": 2}));
    ask(&app, request("DELETE", &one))
        .await
        .problem(404, "unknown_object");
    assert!(
        get(&app, &one)
            .await
            .problem(404, "unknown_object")
            .contains("a/b é")
    );
    assert_eq!(get(&app, "/v1/count").await.json()["count"], 2);
}
