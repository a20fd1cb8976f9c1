//! Following a job by server-sent events.

use std::time::Duration;

use axum::http::header;
use resight_server::{HttpSettings, Policy};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::fixtures::get;
use crate::jobs::{World, make};

/// The events of an answer's text: name and job.
fn events(text: &str) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for block in text.split("\n\n") {
        let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
        if let (Some(event), Some(data)) = (line("event: "), line("data: ")) {
            all.push((event.to_owned(), serde_json::from_str(data).unwrap()));
        }
    }
    all
}

#[tokio::test]
async fn events_tell_of_progress_and_end_with_the_job() {
    let mut world = World::new(Policy::Open);
    world.fill(40);
    let app = world.app();
    let body = json!({"kind": "index", "folder": world.path("pictures")});
    make(&app, &body).await;
    let followed = tokio::spawn({
        let app = app.clone();
        async move { get(&app, "/v1/jobs/1/events").await }
    });
    world.run();
    let answer = followed.await.unwrap();
    assert_eq!(answer.header(header::CONTENT_TYPE), "text/event-stream");
    let events = events(&String::from_utf8(answer.body).unwrap());
    let (name, job) = events.last().unwrap();
    assert_eq!((&**name, &job["state"]), ("end", &json!("done")));
    assert_eq!(job["done"], 40);
    let before = &events[..events.len() - 1];
    assert!(before.iter().all(|(name, _)| name == "progress"));
    let done: Vec<_> = events.iter().map(|(_, job)| job["done"].as_u64()).collect();
    assert!(done.is_sorted(), "{done:?}");
    // Of one that has ended there is the end alone.
    let after = get(&app, "/v1/jobs/1/events").await;
    let after = self::events(&String::from_utf8(after.body).unwrap());
    assert_eq!(after.len(), 1);
}

#[tokio::test]
async fn followers_are_bounded_and_end_with_the_server() {
    let world = World::new(Policy::Open);
    // Nobody runs it, so it has no end.
    make(&world.app(), &json!({"kind": "verify"})).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async {
        let _ = stopped.await;
    };
    let library = world.folder.library.clone();
    let settings = HttpSettings {
        // A follower that held up the server would be seen.
        grace: Duration::from_secs(100_000),
        ..world.settings.clone()
    };
    let served = tokio::spawn(resight_server::serve(listener, library, settings, shutdown));
    let mut followers = Vec::new();
    for _ in 0..64 {
        let mut follower = TcpStream::connect(address).await.unwrap();
        let head = format!("GET /v1/jobs/1/events HTTP/1.1\r\nHost: {address}\r\n\r\n");
        follower.write_all(head.as_bytes()).await.unwrap();
        let mut first = [0; 15];
        follower.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        followers.push(follower);
    }
    let ask = async || {
        let mut one_more = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "GET /v1/jobs/1/events HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        );
        one_more.write_all(head.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        one_more.read_exact(&mut status).await.unwrap();
        status
    };
    assert_eq!(&ask().await, b"HTTP/1.1 503");
    // One that goes away gives its place back.
    drop(followers.pop());
    while &ask().await != b"HTTP/1.1 200" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.send(()).unwrap();
    served.await.unwrap();
    for mut follower in followers {
        let mut rest = String::new();
        // Chunked to its end: it was not cut off.
        follower.read_to_string(&mut rest).await.unwrap();
        assert!(rest.contains("event: progress"), "{rest}");
        assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
    }
}
