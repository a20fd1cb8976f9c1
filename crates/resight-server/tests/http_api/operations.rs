//! What those need who run a server: whether it lives, and names of requests.

use axum::http::StatusCode;

use crate::fixtures::{Bench, ask, get, request};

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
