//! Behind a reverse proxy: the base path, and headers that count only from a proxy that is named.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use resight_server::{Changeable, HttpSettings, Live, TrustedProxies};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::fixtures::{Bench, add, ask, asset, get, png, textured};

fn below(path: &str) -> HttpSettings {
    HttpSettings {
        base_path: path.parse().unwrap(),
        ..HttpSettings::default()
    }
}

#[tokio::test]
async fn addresses_are_answered_with_the_prefix_and_without_and_given_with_it() {
    let bench = Bench::new();
    let app = bench.app_with(below("/photos"));
    let id = add(&app, "a.png", &png(&textured(200, 150, 1))).await;
    for address in ["/photos/v1/images", "/v1/images"] {
        let list = get(&app, address).await.json();
        let thumbnail = format!("/photos/v1/images/{id}/thumbnail");
        assert_eq!(list["images"][0]["thumbnail"], thumbnail, "{address}");
        assert_eq!(get(&app, &thumbnail).await.status, StatusCode::OK);
    }
    let script = format!("/photos{}", asset(&app, "js").await);
    for page in [
        "/photos/",
        &*script,
        "/photos/errors",
        "/photos/healthz",
        "/healthz",
    ] {
        assert_eq!(get(&app, page).await.status, StatusCode::OK, "{page}");
    }
    let bare = get(&app, "/photos?view=duplicates").await;
    assert_eq!(bare.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(bare.header(header::LOCATION), "/photos/?view=duplicates");
    let lost = get(&app, "/photos/v1/nothing").await;
    assert_eq!(lost.status, StatusCode::NOT_FOUND);
    assert_eq!(lost.json()["type"], "/photos/errors#unknown_route");
    assert_eq!(
        get(&app, "/photosets/v1/count").await.status,
        StatusCode::NOT_FOUND
    );
    let api = get(&app, "/photos/openapi.json").await.json();
    assert_eq!(api["servers"][0]["url"], "/photos");
}

#[tokio::test]
async fn the_page_names_no_address_outside_of_its_folder() {
    let app = Bench::new().app();
    let script = asset(&app, "js").await;
    // Paths of the API stand in the script as its description has them; the client puts the page's folder before them.
    for file in ["/", &*script] {
        let text = String::from_utf8(get(&app, file).await.body).unwrap();
        for outside in ["href=\"/", "src=\"/", "'/v1", "`/?", "'/'", "\"/v1"] {
            assert!(!text.contains(outside), "{file} has {outside}");
        }
        let calls = [".GET(", ".POST(", ".PUT(", ".PATCH(", ".DELETE("];
        for (at, _) in text.match_indices("`/v1") {
            let is_of_a_call = calls.iter().any(|call| text[..at].ends_with(call));
            assert!(
                is_of_a_call,
                "{file} has `/v1 outside of the client's calls"
            );
        }
    }
}

/// Sends a request over a connection of its own and gives all that is answered.
async fn sent(address: std::net::SocketAddr, head: &str, body: &[u8]) -> String {
    let mut client = TcpStream::connect(address).await.unwrap();
    let length = format!(
        "{head}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    client.write_all(length.as_bytes()).await.unwrap();
    client.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn headers_of_a_proxy_count_only_where_it_is_named() {
    let picture = png(&textured(200, 150, 1));
    let forwarded = "Host: 127.0.0.1:7777\r\nX-Forwarded-For: 203.0.113.9\r\n\
        X-Forwarded-Proto: https\r\nX-Forwarded-Host: pics.example\r\nX-Forwarded-Prefix: /photos/\r\n\
        Content-Type: image/png\r\n";
    for (trusted, location, origin) in [
        (
            &["127.0.0.0/8"][..],
            "https://pics.example/photos/v1/images/",
            "HTTP/1.1 20",
        ),
        (&["10.0.0.0/8"], "location: /v1/images/", "HTTP/1.1 403"),
        (&[], "location: /v1/images/", "HTTP/1.1 403"),
    ] {
        let bench = Bench::new();
        let trusted: Vec<String> = trusted.iter().map(|t| (*t).to_owned()).collect();
        let settings = HttpSettings {
            trusted_proxies: TrustedProxies::parse(&trusted).unwrap(),
            live: Live::new(Changeable {
                allowed_hosts: Some(vec!["pics.example".into()]),
                ..Changeable::default()
            }),
            grace: Duration::from_secs(1),
            ..HttpSettings::default()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let shutdown = async {
            let _ = stopped.await;
        };
        let engine = bench.engine.clone();
        let served = tokio::spawn(resight_server::serve(listener, engine, settings, shutdown));
        let head = format!("POST /v1/images HTTP/1.1\r\n{forwarded}");
        let answer = sent(address, &head, &picture).await;
        assert!(answer.contains(location), "{trusted:?}: {answer}");
        // A page's origin is compared with the host that its browser asked for.
        let head = format!("{head}Origin: https://pics.example\r\n");
        let answer = sent(address, &head, &picture).await;
        assert!(answer.starts_with(origin), "{trusted:?}: {answer}");
        let foreign =
            format!("POST /v1/images HTTP/1.1\r\n{forwarded}Origin: https://evil.example\r\n");
        let answer = sent(address, &foreign, &picture).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{trusted:?}: {answer}");
        stop.send(()).unwrap();
        served.await.unwrap();
    }
}

#[tokio::test]
async fn a_page_s_own_request_is_known_by_what_its_browser_says() {
    let bench = Bench::new();
    let app = bench.app();
    let picture = png(&textured(200, 150, 1));
    for (site, status) in [
        ("same-origin", 201),
        ("cross-site", 403),
        ("same-site", 403),
    ] {
        let request = Request::post("/v1/images")
            .header(header::HOST, "127.0.0.1:7777")
            .header(header::ORIGIN, "https://pics.example")
            .header("sec-fetch-site", site)
            .header(header::CONTENT_TYPE, "image/png")
            .body(Body::from(picture.clone()))
            .unwrap();
        assert_eq!(ask(&app, request).await.status.as_u16(), status, "{site}");
    }
}
