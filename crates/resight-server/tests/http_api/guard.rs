use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use resight_server::{Changeable, HttpSettings, Live};

use crate::fixtures::{Answer, Bench, ask};

/// Asks with these headers; an empty text leaves a header out.
async fn with(app: &axum::Router, method: &str, address: &str, host: &str, origin: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(address);
    for (name, value) in [(header::HOST, host), (header::ORIGIN, origin)] {
        if !value.is_empty() {
            request = request.header(name, value);
        }
    }
    ask(app, request.body(Body::empty()).unwrap()).await
}

const PICTURE: &str = "/v1/images/0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn pages_of_other_sites_change_nothing() {
    let app = Bench::new().app();
    for origin in [
        "http://evil.example",
        "http://localhost:3000",
        "https://localhost",
        "null",
    ] {
        for (method, address) in [
            ("DELETE", PICTURE),
            ("POST", "/v1/images"),
            ("POST", "/v1/search"),
        ] {
            let answer = with(&app, method, address, "localhost:7777", origin).await;
            answer.problem(403, "cross_origin");
        }
        let reading = with(&app, "GET", "/v1/count", "localhost:7777", origin).await;
        assert_eq!(reading.status, StatusCode::OK);
        assert!(
            reading
                .headers
                .get(header::ACCESS_CONTROL_ALLOW_ORIGIN)
                .is_none()
        );
    }
    for origin in ["http://localhost:7777", ""] {
        let answer = with(&app, "DELETE", PICTURE, "localhost:7777", origin).await;
        answer.problem(404, "unknown_picture");
    }
}

#[tokio::test]
async fn other_names_for_this_machine_are_refused() {
    let bench = Bench::new();
    let app = bench.app();
    for host in [
        "localhost",
        "localhost:7777",
        "127.0.0.1:7777",
        "[::1]:7777",
    ] {
        assert_eq!(
            with(&app, "GET", "/healthz", host, "").await.status,
            StatusCode::OK,
            "{host}"
        );
    }
    for address in ["/", "/v1/images", "/nothing", "/openapi.json"] {
        let answer = with(&app, "GET", address, "evil.example:7777", "").await;
        assert!(answer.problem(421, "unknown_host").contains("evil.example"));
    }
    let in_address = with(&app, "GET", "http://evil.example/healthz", "localhost", "").await;
    in_address.problem(421, "unknown_host");

    let allowed_hosts = Some(vec!["pics.example".to_owned()]);
    let live = Live::new(Changeable {
        allowed_hosts,
        ..Changeable::default()
    });
    let listed = bench.app_with(HttpSettings {
        live: live.clone(),
        ..HttpSettings::default()
    });
    for host in ["pics.example:80", "localhost"] {
        assert_eq!(
            with(&listed, "GET", "/healthz", host, "").await.status,
            StatusCode::OK
        );
    }
    with(&listed, "GET", "/healthz", "other.example", "")
        .await
        .problem(421, "unknown_host");

    // The same app, which is told while it runs.
    live.change(Changeable {
        allowed_hosts: None,
        ..Changeable::default()
    });
    let any = listed;
    assert_eq!(
        with(&any, "GET", "/healthz", "other.example", "")
            .await
            .status,
        StatusCode::OK
    );
    let foreign = with(
        &any,
        "DELETE",
        PICTURE,
        "other.example",
        "http://evil.example",
    )
    .await;
    foreign.problem(403, "cross_origin");
}
