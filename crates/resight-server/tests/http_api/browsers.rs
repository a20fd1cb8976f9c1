//! What browsers send: sessions of the page, and requests of pages of other origins.

use axum::body::Body;
use axum::http::{Request, header};
use resight_app::keys::Scope;
use resight_server::Policy;

use crate::access::{guarded, with};
use crate::fixtures::{ask, form, get, png, request, textured};

#[tokio::test]
async fn a_session_stands_for_its_key_in_a_browser() {
    let guarded = guarded(Policy::Always);
    assert_eq!(
        get(&guarded.app, "/").await.status,
        200,
        "the page, to sign in"
    );
    let key = guarded.key(&[Scope::Read]);
    let sign_in = |key: &str, origin: &'static str| {
        let body = serde_json::json!({"key": key}).to_string();
        let mut request = crate::fixtures::post("/v1/session", "application/json", body);
        request
            .headers_mut()
            .insert(header::HOST, "localhost".parse().unwrap());
        request
            .headers_mut()
            .insert(header::ORIGIN, origin.parse().unwrap());
        ask(&guarded.app, request)
    };
    sign_in("resight_nothing", "http://localhost")
        .await
        .problem(401, "key_unknown");
    sign_in(&key, "http://evil.example")
        .await
        .problem(403, "cross_origin");
    let signed = sign_in(&key, "http://localhost").await;
    assert_eq!(signed.json()["key"]["scopes"][0], "read");
    let cookie = signed.header(header::SET_COOKIE).to_owned();
    assert!(
        !cookie.contains(&key) && !cookie.contains("Secure"),
        "{cookie}"
    );
    for part in ["HttpOnly", "SameSite=Strict", "Path=/;"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let https = sign_in(&key, "https://localhost").await;
    assert!(https.header(header::SET_COOKIE).ends_with("Secure"));
    let as_browser = |method: &str, address: &str| {
        let mut request = request(method, address);
        let value = cookie.split(';').next().unwrap();
        let value = format!("other=1; {value}").parse().unwrap();
        request.headers_mut().insert(header::COOKIE, value);
        ask(&guarded.app, request)
    };
    assert_eq!(as_browser("GET", "/v1/images").await.status, 200);
    as_browser("POST", "/v1/images")
        .await
        .problem(403, "key_not_allowed");
    let id = guarded.keys.list().unwrap()[0].id.clone();
    guarded.keys.revoke(&id).unwrap();
    as_browser("GET", "/v1/images")
        .await
        .problem(401, "key_unknown");
    let ended = ask(&guarded.app, request("DELETE", "/v1/session")).await;
    assert!(ended.header(header::SET_COOKIE).contains("Max-Age=0"));
}

#[tokio::test]
async fn pages_of_listed_origins_may_ask_with_a_key() {
    let guarded = guarded(Policy::Always);
    let key = guarded.key(&[Scope::Read, Scope::Add]);
    let from = |origin: &str, mut request: Request<Body>| {
        let headers = request.headers_mut();
        headers.insert(header::ORIGIN, origin.parse().unwrap());
        headers.insert(header::HOST, "localhost".parse().unwrap());
        ask(&guarded.app, request)
    };
    let preflight = |origin: &str| {
        let mut request = request("OPTIONS", "/v1/images");
        let headers = request.headers_mut();
        headers.insert(
            header::ACCESS_CONTROL_REQUEST_METHOD,
            "POST".parse().unwrap(),
        );
        headers.insert(
            header::ACCESS_CONTROL_REQUEST_HEADERS,
            "authorization".parse().unwrap(),
        );
        from(origin, request)
    };
    let listed = "https://pictures.example";
    assert_eq!(
        preflight(listed)
            .await
            .header(header::ACCESS_CONTROL_ALLOW_ORIGIN),
        listed
    );
    assert_eq!(
        preflight("https://evil.example")
            .await
            .header(header::ACCESS_CONTROL_ALLOW_ORIGIN),
        ""
    );
    let picture = png(&textured(80, 60, 2));
    let add = || with(form("/v1/images", "file", "a.png", &picture), &key);
    from("https://evil.example", add())
        .await
        .problem(403, "cross_origin");
    let added = from(listed, add()).await;
    assert_eq!(added.status, 201);
    assert_eq!(added.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), listed);
    assert_eq!(added.header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS), "");
}
