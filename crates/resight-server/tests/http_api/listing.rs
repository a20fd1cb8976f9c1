//! Lists page by page, in each order, while pictures come and go.

use axum::Router;
use axum::http::header;
use serde_json::Value;

use crate::fixtures::{Answer, Bench, ask, get, png, post, request, textured};

async fn named(app: &Router, name: &str, seed: u64) -> String {
    let bytes = png(&textured(64 + seed as u32, 60, seed));
    let address = format!("/v1/images?name={name}&tag=t&object=o%2F1");
    let answer = ask(app, post(&address, "image/png", bytes)).await;
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn names(page: &Value) -> Vec<String> {
    let images = page["images"].as_array().unwrap().iter();
    images
        .map(|image| image["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The address in the header `Link`, which must lead where `next` does.
fn link(answer: &Answer) -> Option<String> {
    let next = answer.json()["next"].as_str().map(str::to_owned);
    let link = answer.header(header::LINK);
    let address = link
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix(">; rel=\"next\""));
    assert_eq!(address.is_some(), next.is_some(), "{link}");
    if let (Some(address), Some(next)) = (address, next) {
        assert!(address.ends_with(&format!("cursor={next}")), "{address}");
    }
    address.map(str::to_owned)
}

/// The names of all pages from an address on.
async fn joined(app: &Router, address: &str) -> Vec<String> {
    let (mut next, mut all) = (Some(address.to_owned()), Vec::new());
    while let Some(address) = next {
        let answer = get(app, &address).await;
        assert_eq!(answer.status, 200, "{address}: {}", answer.json());
        all.extend(names(&answer.json()));
        next = link(&answer);
    }
    all
}

#[tokio::test]
async fn pages_follow_each_other_in_each_order() {
    let bench = Bench::new();
    let app = bench.app();
    for (name, seed) in [("b", 5), ("a", 3), ("c", 4), ("a", 1), ("d", 2)] {
        named(&app, name, seed).await;
    }
    for (sort, wanted) in [
        ("added", "b a c a d"),
        ("-added", "d a c a b"),
        ("name", "a a b c d"),
        ("-name", "d c b a a"),
    ] {
        for list in [
            "/v1/images?tag=t&",
            "/v1/objects/o%2F1?",
            "/v1/collections/default/images?",
        ] {
            let address = format!("{list}limit=2&sort={sort}");
            assert_eq!(joined(&app, &address).await.join(" "), wanted, "{address}");
        }
    }
    let by_length = get(&app, "/v1/images?sort=bytes").await.json();
    let lengths = by_length["images"].as_array().unwrap().iter();
    assert!(
        lengths
            .map(|image| image["bytes"].as_u64().unwrap())
            .is_sorted()
    );
    // Without a sort, and from an offset on.
    assert_eq!(
        joined(&app, "/v1/images?limit=2&offset=1").await.join(" "),
        "a c a b"
    );
    assert_eq!(joined(&app, "/v1/images?sort=taken&limit=1").await.len(), 5);
}

#[tokio::test]
async fn pages_lose_and_repeat_nothing_while_pictures_come_and_go() {
    let bench = Bench::new();
    let app = bench.app();
    let mut ids = Vec::new();
    for (name, seed) in [("a", 11), ("b", 12), ("c", 13), ("d", 14), ("e", 15)] {
        ids.push(named(&app, name, seed).await);
    }
    let first = get(&app, "/v1/images?sort=name&limit=2").await;
    assert_eq!(names(&first.json()), ["a", "b"]);
    let next = link(&first).unwrap();
    for id in [&ids[1], &ids[3]] {
        ask(&app, request("DELETE", &format!("/v1/images/{id}"))).await;
    }
    named(&app, "0", 16).await;
    named(&app, "ca", 17).await;
    assert_eq!(joined(&app, &next).await, ["c", "ca", "e"]);
}

#[tokio::test]
async fn objects_follow_each_other() {
    let bench = Bench::new();
    let app = bench.app();
    for (object, seed) in [("b", 21), ("a", 22), ("c", 23)] {
        let address = format!("/v1/images?object={object}");
        let bytes = png(&textured(70, 60, seed));
        ask(&app, post(&address, "image/png", bytes)).await;
    }
    let first = get(&app, "/v1/objects?limit=2").await;
    let second = get(&app, &link(&first).unwrap()).await;
    let ids = |answer: &Answer| -> Vec<Value> {
        let objects = answer.json()["objects"].as_array().unwrap().clone();
        objects.iter().map(|object| object["id"].clone()).collect()
    };
    assert_eq!(
        (ids(&first), ids(&second)),
        (vec!["a".into(), "b".into()], vec!["c".into()])
    );
    assert_eq!(second.json()["next"], Value::Null);
    let both = get(&app, &format!("{}&offset=1", link(&first).unwrap())).await;
    both.problem(422, "bad_parameter");
}

#[tokio::test]
async fn cursors_are_good_for_their_list_alone() {
    let bench = Bench::new();
    let app = bench.app();
    for (name, seed) in [("a", 31), ("b", 32)] {
        named(&app, name, seed).await;
    }
    let page = get(&app, "/v1/images?sort=name&limit=1&tag=t").await.json();
    let cursor = page["next"].as_str().unwrap();
    let good = format!("/v1/images?limit=5&tag=t&sort=name&cursor={cursor}");
    assert_eq!(
        names(&get(&app, &good).await.json()),
        ["b"],
        "the limit may change"
    );
    let mut changed = cursor.to_owned();
    let last = if changed.pop() == Some('d') { 'c' } else { 'd' };
    changed.push(last);
    for query in [
        format!("sort=name&tag=t&cursor={changed}"),
        format!("sort=-name&tag=t&cursor={cursor}"),
        format!("sort=name&tag=u&cursor={cursor}"),
        format!("sort=name&cursor={cursor}"),
        format!("sort=name&tag=t&cursor={}", &cursor[..8]),
        "sort=name&tag=t&cursor=x".to_owned(),
        "sort=name&tag=t&cursor=".to_owned(),
    ] {
        let answer = get(&app, &format!("/v1/images?{query}")).await;
        answer.problem(422, "bad_cursor");
    }
    let other = get(&app, &format!("/v1/objects?cursor={cursor}")).await;
    other.problem(422, "bad_cursor");
    for query in [
        "sort=size",
        "sort=name&offset=1",
        &format!("tag=t&sort=name&offset=1&cursor={cursor}"),
    ] {
        let answer = get(&app, &format!("/v1/images?{query}")).await;
        answer.problem(422, "bad_parameter");
    }
}
