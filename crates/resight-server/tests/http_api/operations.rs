//! What those need who run a server: whether it lives, and names of requests.

use axum::http::StatusCode;

use crate::fixtures::{Bench, add, ask, form_of, get, png, post, request, textured};

#[tokio::test]
async fn a_live_server_says_so_by_either_name() {
    let bench = Bench::new();
    let app = bench.app();
    for address in ["/livez", "/healthz"] {
        let answer = get(&app, address).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.json()["status"], "ok");
    }
}

#[tokio::test]
async fn each_answer_carries_the_name_of_its_request() {
    let bench = Bench::new();
    let app = bench.app();
    let named = |address: &str, name: Option<&str>| {
        let mut request = request("GET", address);
        if let Some(name) = name {
            let headers = request.headers_mut();
            headers.insert("x-request-id", name.parse().unwrap());
        }
        ask(&app, request)
    };
    for address in ["/livez", "/v1/count", "/nothing", "/", "/v1/images/x"] {
        let own = named(address, Some("trace-1.a_b:c")).await;
        assert_eq!(own.header("x-request-id"), "trace-1.a_b:c", "{address}");
        let made = named(address, None).await;
        assert_eq!(made.header("x-request-id").len(), 32, "{address}");
        let strange = named(address, Some("a b;<c>")).await;
        assert_eq!(strange.header("x-request-id").len(), 32, "{address}");
    }
    let (one, other) = (named("/livez", None).await, named("/livez", None).await);
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
}

/// The headers that keep browsers from doing with an answer what it is not for.
#[tokio::test]
async fn every_answer_has_the_headers_that_bind_browsers() {
    let bench = Bench::new();
    let app = bench.app();
    for (method, address) in [
        ("GET", "/"),
        ("GET", "/livez"),
        ("GET", "/v1/count"),
        ("GET", "/nothing"),
        ("DELETE", "/v1/count"),
        ("OPTIONS", "/v1/count"),
        ("GET", "/v1/images/x/thumbnail"),
    ] {
        let answer = ask(&app, request(method, address)).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(answer.header(name), value, "{method} {address} {name}");
        }
    }
}

/// A form with a text before one or two pictures.
fn form_with(field: &str, pictures: usize) -> axum::http::Request<axum::body::Body> {
    let pictures = (0..pictures).map(|seed| {
        let bytes = png(&textured(90, 70, seed as u64 + 1));
        (format!("{seed}.png"), bytes)
    });
    let pictures: Vec<(String, Vec<u8>)> = pictures.collect();
    let files = pictures
        .iter()
        .map(|(name, bytes)| ("file", Some(&**name), &**bytes));
    let parts: Vec<_> = std::iter::once((field, None, &b"sea"[..]))
        .chain(files)
        .collect();
    form_of("/v1/images", &parts)
}

#[tokio::test]
async fn a_form_with_a_field_that_nothing_takes_is_refused_by_its_name() {
    let bench = Bench::new();
    let app = bench.app();
    for pictures in [1, 2] {
        let refused = ask(&app, form_with("tagg", pictures)).await;
        let detail = refused.problem(422, "bad_parameter");
        assert!(detail.contains("tagg"), "{detail}");
        assert_eq!(get(&app, "/v1/count").await.json()["count"], 0);
    }
    for pictures in [1, 2] {
        let taken = ask(&app, form_with("tag", pictures)).await;
        assert!(taken.status.is_success());
    }
    assert_eq!(get(&app, "/v1/count?tag=sea").await.json()["count"], 2);
}

#[tokio::test]
async fn a_change_of_many_that_changes_nothing_is_refused() {
    let bench = Bench::new();
    let app = bench.app();
    add(&app, "a.png", &png(&textured(90, 70, 1))).await;
    for (body, status) in [("{}", 422), (r#"{"add_tags": ["a"]}"#, 200)] {
        let mut change = post("/v1/images?folder=/x", "application/json", body);
        *change.method_mut() = "PATCH".parse().unwrap();
        assert_eq!(ask(&app, change).await.status, status, "{body}");
    }
}
