//! Pictures fetched from addresses, of servers on this machine that do as they like.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use ipnet::IpNet;
use resight_server::{FetchSettings, HttpSettings, Resolve};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::fixtures::{Answer, Bench, ask, get, png, post, textured};

const LOOPBACK: &str = "127.0.0.1";

/// Names as a test has them; what a list of addresses has first is answered first, and its last one from then on.
#[derive(Debug, Default)]
struct Names {
    known: Vec<(&'static str, Vec<&'static str>)>,
    asked: AtomicUsize,
}

impl Resolve for Names {
    fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        if let Some((_, addresses)) = self.known.iter().find(|(name, _)| *name == host) {
            let at = self
                .asked
                .fetch_add(1, Ordering::SeqCst)
                .min(addresses.len() - 1);
            return Ok(vec![addresses[at].parse().unwrap()]);
        }
        // As the system does: 2130706433 and 0177.0.0.1 are 127.0.0.1.
        let found = std::net::ToSocketAddrs::to_socket_addrs(&(host, 0))?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// A server that answers each connection with what `answer` makes of the path, and how often it was asked.
async fn serve(
    answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
) -> (u16, Arc<AtomicUsize>) {
    serve_at(LOOPBACK, answer).await
}

async fn serve_at(
    host: &str,
    answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((host, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asked, count) = (Arc::new(AtomicUsize::new(0)), Arc::new(answer));
    let counted = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let answer = count.clone();
            tokio::spawn(async move {
                let mut head = vec![0; 4096];
                let read = stream.read(&mut head).await.unwrap_or(0);
                let head = String::from_utf8_lossy(&head[..read]).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default();
                let mut answer = answer(path);
                let is_endless = path.starts_with("/endless");
                while stream.write_all(&answer).await.is_ok() && is_endless {
                    answer = vec![0; 65_536];
                }
                if path.starts_with("/slow") {
                    // Nothing more comes, and the connection stays.
                    let _ = stream.read(&mut [0]).await;
                }
            });
        }
    });
    (port, asked)
}

fn answer_of(kind: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n{more}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn redirect(to: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n").into_bytes()
}

/// Long enough for a busy machine to answer, and short enough to be waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// An app that fetches by these names, from this machine as well where `beside` says so.
fn app_of(bench: &Bench, names: Names, ports: &[u16], beside: &[&str]) -> (Router, Arc<Names>) {
    let names = Arc::new(names);
    let beside: Vec<IpNet> = beside.iter().map(|net| net.parse().unwrap()).collect();
    let fetch = FetchSettings::public(ports).resolved_by(names.clone(), &beside, PATIENCE);
    let app = bench.app_with(HttpSettings {
        fetch: Some(fetch),
        max_picture_bytes: 2 << 20,
        ..HttpSettings::default()
    });
    (app, names)
}

async fn add_from(app: &Router, url: &str) -> Answer {
    let body = json!({ "url": url }).to_string();
    ask(app, post("/v1/images", "application/json", body)).await
}

#[tokio::test]
async fn a_picture_at_an_address_is_added_and_searched_by() {
    let bench = Bench::new();
    let bytes = png(&textured(160, 120, 1));
    let sent = bytes.clone();
    let (port, _) = serve(move |path| match path {
        "/moved" => redirect("/b/there"),
        "/b/there" => redirect("a%20b.png?x#y"),
        _ => answer_of("image/png", "", &sent),
    })
    .await;
    let (app, _) = app_of(&bench, Names::default(), &[port], &["127.0.0.0/8"]);
    let url = format!("http://{LOOPBACK}:{port}/moved");
    let body = json!({"url": url, "tags": ["t"], "metadata": {"year": 1890}}).to_string();
    let answer = ask(&app, post("/v1/images?tag=u", "application/json", body)).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let picture = answer.json();
    assert_eq!(picture["name"], "a%20b.png");
    assert_eq!(picture["bytes"], bytes.len());
    assert_eq!(picture["tags"], json!(["t", "u"]));
    assert_eq!(picture["metadata"], json!({"year": 1890}));
    let query = json!({ "url": url }).to_string();
    let found = ask(&app, post("/v1/search", "application/json", query))
        .await
        .json();
    assert_eq!(found["hits"][0]["image"]["id"], picture["id"], "{found}");
    assert_eq!(found["hits"][0]["identical"], true);
    for wrong in ["{\"url\": 1}", "{\"url\": \"http://a/\", \"x\": 1}", "{}"] {
        let answer = ask(&app, post("/v1/images", "application/json", wrong)).await;
        answer.problem(422, "bad_body");
    }
    // A server that was not started so fetches nothing.
    let closed = bench.app();
    add_from(&closed, &url)
        .await
        .problem(403, "fetch_not_allowed");
    let query = json!({ "url": url }).to_string();
    let answer = ask(&closed, post("/v1/search", "application/json", query)).await;
    answer.problem(403, "fetch_not_allowed");
    assert_eq!(get(&app, "/v1/count").await.json()["count"], 1);
}

#[tokio::test]
async fn what_is_not_public_is_not_fetched() {
    let bench = Bench::new();
    let bytes = png(&textured(80, 60, 2));
    let (port, asked) = serve(move |_| answer_of("image/png", "", &bytes)).await;
    let names = Names {
        known: vec![
            ("inner.example", vec!["10.1.2.3"]),
            ("mapped.example", vec!["::ffff:127.0.0.1"]),
        ],
        ..Names::default()
    };
    let (app, _) = app_of(&bench, names, &[port], &[]);
    let at_hosts = [
        LOOPBACK,
        "localhost",
        "2130706433",
        "0177.0.0.1",
        "0x7f.1",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "inner.example",
        "mapped.example",
    ];
    for host in at_hosts {
        let answer = add_from(&app, &format!("http://{host}:{port}/x")).await;
        let code = answer.json()["code"].as_str().unwrap().to_owned();
        // What the system knows no address for cannot be fetched either.
        assert!(
            ["fetch_forbidden_address", "fetch_failed"].contains(&&*code),
            "{host}: {code}"
        );
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0, "something was asked");
    for (url, code) in [
        ("http://me:secret@1.1.1.1/", "fetch_bad_address"),
        ("ftp://1.1.1.1/a.png", "fetch_bad_address"),
        ("file:///etc/passwd", "fetch_bad_address"),
        ("http://1.1.1.1:22/", "fetch_forbidden_address"),
        ("http://no-such-name.invalid/", "fetch_failed"),
    ] {
        let answer = add_from(&app, url).await;
        assert_eq!(answer.json()["code"], code, "{url}");
    }
}

#[tokio::test]
async fn redirects_lead_to_nothing_that_is_not_public() {
    let bench = Bench::new();
    let bytes = png(&textured(80, 60, 3));
    let (inner_port, asked) = serve(move |_| answer_of("image/png", "", &bytes)).await;
    let targets = [
        format!("http://{LOOPBACK}:{inner_port}/"),
        format!("//{LOOPBACK}:{inner_port}/"),
        format!("http://[::1]:{inner_port}/"),
        format!("http://[::ffff:127.0.0.1]:{inner_port}/"),
        format!("http://2130706433:{inner_port}/"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "http://10.0.0.1/".to_owned(),
    ];
    let leading = targets.clone();
    // The leader's address alone is allowed.
    let leader = "127.0.0.2";
    let (port, _) = serve_at(leader, move |path| match path {
        "/round" => redirect("/round"),
        "/file" => redirect("file:///etc/passwd"),
        "/user" => redirect("http://a:b@1.1.1.1/"),
        number => redirect(&leading[number[1..].parse::<usize>().unwrap()]),
    })
    .await;
    let names = Names {
        known: vec![("leader.example", vec![leader])],
        ..Names::default()
    };
    let (app, _) = app_of(&bench, names, &[port, inner_port], &["127.0.0.2/32"]);
    for number in 0..targets.len() {
        let answer = add_from(&app, &format!("http://leader.example:{port}/{number}")).await;
        answer.problem(403, "fetch_forbidden_address");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0, "something was asked");
    for (path, status, code) in [
        ("round", 502, "fetch_too_many_redirects"),
        ("file", 422, "fetch_bad_address"),
        ("user", 422, "fetch_bad_address"),
    ] {
        let answer = add_from(&app, &format!("http://leader.example:{port}/{path}")).await;
        answer.problem(status, code);
    }
}

#[tokio::test]
async fn a_name_that_means_another_address_the_second_time_is_not_asked_twice() {
    let bench = Bench::new();
    let bytes = png(&textured(80, 60, 4));
    let (port, asked) = serve(move |path| match path {
        "/again" => redirect("/x.png"),
        _ => answer_of("image/png", "", &bytes),
    })
    .await;
    let rebound = || Names {
        known: vec![("turning.example", vec!["127.0.0.1", "127.0.0.2"])],
        ..Names::default()
    };
    // The first address is allowed, the second one is not: a second question before connecting would lead there.
    let (app, names) = app_of(&bench, rebound(), &[port], &["127.0.0.1/32"]);
    let url = format!("http://turning.example:{port}/x.png");
    assert_eq!(add_from(&app, &url).await.status, 201);
    assert_eq!(names.asked.load(Ordering::SeqCst), 1);
    // A redirect to the same name is checked again.
    let (app, names) = app_of(&bench, rebound(), &[port], &["127.0.0.1/32"]);
    let answer = add_from(&app, &format!("http://turning.example:{port}/again")).await;
    answer.problem(403, "fetch_forbidden_address");
    assert_eq!(names.asked.load(Ordering::SeqCst), 2);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_does_not_end_is_given_up() {
    let bench = Bench::new();
    let (port, _) = serve(|path| match path {
        "/endless" => b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n\r\n".to_vec(),
        "/endless-head" => b"HTTP/1.1 200 OK\r\nx: ".to_vec(),
        "/slow" => b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nx".to_vec(),
        "/slow-head" => b"HTTP/1.1 200 OK\r\n".to_vec(),
        _ => b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_vec(),
    })
    .await;
    let (app, _) = app_of(&bench, Names::default(), &[port], &["127.0.0.0/8"]);
    for (path, status, code) in [
        ("endless", 413, "too_many_bytes"),
        ("endless-head", 502, "fetch_failed"),
        ("slow", 504, "fetch_too_slow"),
        ("slow-head", 504, "fetch_too_slow"),
        ("large", 413, "too_many_bytes"),
    ] {
        let answer = add_from(&app, &format!("http://{LOOPBACK}:{port}/{path}")).await;
        answer.problem(status, code);
    }
}

#[tokio::test]
async fn what_is_no_plain_picture_is_refused() {
    let bench = Bench::new();
    let bytes = png(&textured(80, 60, 5));
    let (port, _) = serve(move |path| match path {
        "/page" => answer_of("text/html; charset=utf-8", "", b"<html>"),
        "/packed" => answer_of("image/png", "content-encoding: gzip\r\n", &[0x1f, 0x8b, 8]),
        "/text" => answer_of("image/png", "", b"no picture"),
        "/gone" => b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(),
        "/noise" => b"\x16\x03\x01 no HTTP at all\r\n\r\n".to_vec(),
        "/bytes" => answer_of("application/octet-stream", "", &bytes),
        _ => answer_of("image/png", "content-encoding: identity\r\n", &bytes),
    })
    .await;
    let (app, _) = app_of(&bench, Names::default(), &[port], &["127.0.0.0/8"]);
    for (path, status, code) in [
        ("page", 422, "fetch_wrong_type"),
        ("packed", 422, "fetch_wrong_type"),
        ("text", 422, "not_an_image"),
        ("gone", 502, "fetch_failed"),
        ("noise", 502, "fetch_failed"),
    ] {
        let answer = add_from(&app, &format!("http://{LOOPBACK}:{port}/{path}")).await;
        answer.problem(status, code);
    }
    for (path, status) in [("bytes", 201), ("plain", 200)] {
        let answer = add_from(&app, &format!("http://{LOOPBACK}:{port}/{path}")).await;
        assert_eq!(answer.status, status, "{}", answer.json());
    }
    // No TLS is spoken there.
    let answer = add_from(&app, &format!("https://{LOOPBACK}:{port}/plain")).await;
    answer.problem(502, "fetch_failed");
}
