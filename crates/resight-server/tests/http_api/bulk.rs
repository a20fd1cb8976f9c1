//! Many pictures in one request.

use axum::body::{Body, Bytes};
use axum::http::{Request, header};
use futures_util::StreamExt;
use resight_app::answers::Answers;
use resight_app::keys::Scope;
use resight_server::{HttpSettings, Policy};
use serde_json::{Value, json};

use crate::access::{guarded, with as as_holder};
use crate::fixtures::{Bench, Gated, ask, form_of, get, png, post, textured};
use resight_engine::EngineOptions;

fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

/// The body in small parts, of unknown length.
fn in_parts(request: Request<Body>, body: Vec<u8>) -> Request<Body> {
    let parts: Vec<_> = body
        .chunks(1000)
        .map(|part| Ok::<_, std::io::Error>(Bytes::copy_from_slice(part)))
        .collect();
    request.map(|_| Body::from_stream(futures_util::stream::iter(parts)))
}

pub(crate) fn picture(seed: u64) -> Vec<u8> {
    png(&textured(80, 60, seed))
}

/// File, outcome and code of each line.
pub(crate) fn outcomes(files: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let files = files.as_array().unwrap().iter();
    files
        .map(|line| {
            (
                text(&line["file"]),
                text(&line["outcome"]),
                text(&line["code"]),
            )
        })
        .collect()
}

pub(crate) fn expected(lines: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    let lines = lines.iter();
    lines
        .map(|(file, outcome, code)| ((*file).into(), (*outcome).into(), (*code).into()))
        .collect()
}

#[tokio::test]
async fn one_bad_file_stops_no_other() {
    let bench = Bench::new();
    let app = bench.app();
    let (first, second) = (picture(1), picture(2));
    let lines =
        "{\"file\":\"a.png\",\"name\":\"A\",\"tags\":[\"own\"],\"metadata\":{\"year\":1890}}";
    let parts: [(&str, Option<&str>, &[u8]); 7] = [
        ("tag", None, b"all"),
        ("labels", None, lines.as_bytes()),
        ("file", Some("a.png"), &first),
        ("file", Some("b.txt"), b"no picture"),
        ("file", Some("c.png"), &second),
        ("tag", None, b"late"),
        ("file", Some("../d.png"), &first),
    ];
    let answer = ask(&app, form_of("/v1/images", &parts)).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let body = answer.json();
    let files = expected(&[
        ("a.png", "added", ""),
        ("b.txt", "refused", "not_an_image"),
        ("c.png", "added", ""),
        ("tag", "refused", "bad_body"),
        ("../d.png", "already_present", ""),
    ]);
    assert_eq!(outcomes(&body["files"]), files, "{body}");
    let counts = ["added", "already_present", "refused", "skipped"].map(|name| body[name].clone());
    assert_eq!(counts, [2, 1, 2, 0].map(Value::from));
    assert_eq!(body["complete"], true);
    assert!(body["files"][1]["next_step"].as_str().unwrap().len() > 5);
    let id = body["files"][0]["id"].as_str().unwrap();
    let shown = get(&app, &format!("/v1/images/{id}")).await.json();
    assert_eq!(shown["name"], "A");
    assert_eq!(shown["tags"], json!(["all", "own"]));
    assert_eq!(shown["metadata"], json!({"year": 1890}));
    assert_eq!(get(&app, "/v1/count?tag=all").await.json()["count"], 2);
}

#[tokio::test]
async fn a_long_form_is_read_file_by_file() {
    let bench = Bench::new();
    // Two of these pictures are more than all of a request may have in memory.
    let app = bench.app_with(HttpSettings {
        max_picture_bytes: 1 << 20,
        ..HttpSettings::default()
    });
    let large = vec![7; 3 << 20];
    let (first, second) = (picture(3), picture(4));
    let parts: [(&str, Option<&str>, &[u8]); 4] = [
        ("tag", None, b"all"),
        ("file", Some("a.png"), &first),
        ("file", Some("large"), &large),
        ("file", Some("c.png"), &second),
    ];
    let request = form_of("/v1/images", &parts);
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap()
        .to_vec();
    let request = in_parts(Request::from_parts(head, Body::empty()), body);
    let answer = ask(&app, with(request, "accept", "application/x-ndjson")).await;
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/x-ndjson");
    let text = String::from_utf8(answer.body).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (summary, files) = lines.split_last().unwrap();
    let files = outcomes(&Value::from(files.to_vec()));
    assert_eq!(
        files,
        expected(&[
            ("a.png", "added", ""),
            ("large", "refused", "too_many_bytes"),
            ("c.png", "added", ""),
        ])
    );
    assert_eq!(summary["summary"]["added"], 2);
    assert_eq!(summary["summary"]["complete"], true);
}

#[tokio::test]
async fn a_head_of_a_field_without_an_end_is_given_up() {
    let app = Bench::new().app();
    let begin = Bytes::from_static(b"--edge\r\nContent-Disposition: form-data; name=\"");
    let endless = futures_util::stream::repeat(Bytes::from_static(&[b'x'; 4096]));
    let body = futures_util::stream::once(async { begin }).chain(endless);
    let body = Body::from_stream(body.map(Ok::<_, std::io::Error>));
    let request = post("/v1/images", "multipart/form-data; boundary=edge", body);
    ask(&app, request).await.problem(422, "bad_body");
}

#[tokio::test]
async fn a_body_that_breaks_off_keeps_what_came_before() {
    let bench = Bench::new();
    let app = bench.app();
    let (first, second) = (picture(5), picture(6));
    let parts: [(&str, Option<&str>, &[u8]); 2] =
        [("file", Some("a"), &first), ("file", Some("b"), &second)];
    let (head, body) = form_of("/v1/images", &parts).into_parts();
    let mut body = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap()
        .to_vec();
    body.truncate(body.len() - 10);
    body.extend_from_slice(b"--edge\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhalf");
    let answer = ask(&app, Request::from_parts(head, Body::from(body)))
        .await
        .json();
    assert_eq!(answer["added"], 2, "{answer}");
    assert_eq!(answer["complete"], false);
    assert_eq!(answer["problem"]["code"], "bad_body");
    assert_eq!(get(&app, "/v1/count").await.json()["count"], 2);
}

#[tokio::test]
async fn a_request_with_a_key_is_answered_once_also_after_a_restart() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let app = || {
        bench.app_with(HttpSettings {
            answers: Answers::open(folder.path()).unwrap(),
            ..HttpSettings::default()
        })
    };
    let (first, second) = (picture(30), picture(31));
    let single = || {
        let request = crate::fixtures::form("/v1/images", "file", "a.png", &first);
        with(request, "idempotency-key", "one")
    };
    let many = |name: &'static str| {
        let parts: [(&str, Option<&str>, &[u8]); 2] =
            [("file", Some(name), &first), ("file", Some("b"), &second)];
        with(form_of("/v1/images", &parts), "idempotency-key", "two")
    };
    let before = app();
    let made = ask(&before, single()).await;
    assert_eq!(made.status, 201);
    let made_many = ask(&before, many("a")).await.json();
    for app in [before, app()] {
        let again = ask(&app, single()).await;
        assert_eq!(
            again.status, 201,
            "it is there already, and answered as it was"
        );
        assert_eq!(again.body, made.body);
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(
            again.header(header::LOCATION),
            made.header(header::LOCATION)
        );
        assert_eq!(ask(&app, many("a")).await.json(), made_many);
        // Another name of a file, another key's request, another address.
        let other = ask(&app, many("c")).await;
        other.problem(422, "idempotency_key_reused");
        let request = post("/v1/images?tag=x", "image/png", first.clone());
        let other = ask(&app, with(request, "idempotency-key", "one")).await;
        other.problem(422, "idempotency_key_reused");
        let bad = ask(&app, with(single(), "idempotency-key", "a b")).await;
        bad.problem(422, "bad_parameter");
    }
}

#[tokio::test]
async fn two_requests_with_one_key_are_not_at_work_at_once() {
    let gated = Gated::new(false);
    let bench = Bench::with(gated.clone(), EngineOptions::default());
    let app = bench.app();
    let bytes = picture(32);
    let request = || {
        let request = post("/v1/images", "image/png", bytes.clone());
        with(request, "idempotency-key", "k")
    };
    let (first_app, first_request) = (app.clone(), request());
    let first = tokio::spawn(async move { ask(&first_app, first_request).await });
    gated.wait_for(1).await;
    let second = ask(&app, request()).await;
    second.problem(409, "idempotency_key_in_use");
    gated.open();
    assert_eq!(first.await.unwrap().status, 201);
    assert_eq!(ask(&app, request()).await.status, 201);
}

#[tokio::test]
async fn nobody_gets_the_answers_of_another_key() {
    let guarded = guarded(Policy::Always);
    let keys = [(); 2].map(|()| guarded.key(&[Scope::Add]));
    let request = |key: &str, seed| {
        let request = post("/v1/images", "image/png", picture(seed));
        as_holder(with(request, "idempotency-key", "same"), key)
    };
    let first = ask(&guarded.app, request(&keys[0], 40)).await;
    assert_eq!(first.status, 201);
    let other = ask(&guarded.app, request(&keys[1], 41)).await;
    assert_eq!(other.status, 201, "{}", other.json());
    assert_ne!(other.json()["id"], first.json()["id"]);
    let again = ask(&guarded.app, request(&keys[0], 40)).await;
    assert_eq!(again.body, first.body);
}
