use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header;
use http_body::Frame;
use resight_engine::EngineOptions;
use resight_server::HttpSettings;

use crate::fixtures::{Answer, Bench, Gated, add, ask, get, png, post, textured};

type Asking = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Drives `asking` until it waits for others; panics if it ends.
async fn until_it_waits(asking: &mut Asking) {
    for _ in 0..20 {
        let ended = poll_fn(|context| Poll::Ready(asking.as_mut().poll(context).is_ready())).await;
        assert!(!ended, "the request should have waited");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn beyond_the_queue_the_server_is_busy_and_who_leaves_is_dropped() {
    let gate = Gated::new(false);
    let bench = Bench::with(gate.clone(), EngineOptions::default());
    let settings = HttpSettings {
        concurrency: 1,
        queue: 1,
        ..HttpSettings::default()
    };
    let app = bench.app_with(settings);
    let query = png(&textured(128, 96, 1));
    let search = || -> Asking {
        let (app, request) = (app.clone(), post("/v1/search", "image/png", query.clone()));
        Box::pin(async move { ask(&app, request).await })
    };

    let first = tokio::spawn(search());
    gate.wait_for(1).await;
    let mut second = search();
    until_it_waits(&mut second).await;
    let busy = search().await;
    busy.problem(503, "busy");
    assert_eq!(busy.header(header::RETRY_AFTER), "1");
    // Short reads have places of their own.
    assert_eq!(get(&app, "/v1/count").await.json()["count"], 0);

    drop(second);
    let mut third = search();
    until_it_waits(&mut third).await;
    gate.open();
    assert!(first.await.unwrap().status.is_success());
    assert!(third.await.status.is_success());
    let described = gate.entered.load(Ordering::SeqCst);
    assert_eq!(described, 2, "the request whose client left was worked on");
}

/// A body that begins like its content type and then never goes on.
struct Stalling {
    start: Option<&'static str>,
}

impl HttpBody for Stalling {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.start.take() {
            Some(start) => Poll::Ready(Some(Ok(Frame::data(start.into())))),
            None => Poll::Pending,
        }
    }
}

#[tokio::test]
async fn an_upload_that_stops_is_given_up_and_frees_its_place() {
    let bench = Bench::new();
    let app = bench.app_with(HttpSettings {
        concurrency: 1,
        queue: 0,
        upload_idle: Duration::from_millis(20),
        ..HttpSettings::default()
    });
    let part = "--edge\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx";
    // (address, content type, start of the body)
    for (address, content_type, start) in [
        ("/v1/images", "image/png", "x"),
        ("/v1/search", "application/json", "{"),
        ("/v1/images", "multipart/form-data; boundary=edge", "--ed"),
        ("/v1/search", "multipart/form-data; boundary=edge", part),
    ] {
        let body = Body::new(Stalling { start: Some(start) });
        let answer = ask(&app, post(address, content_type, body)).await;
        let detail = answer.problem(408, "upload_too_slow");
        assert!(detail.contains("0.02 seconds"), "{detail}");
    }
    // With one place in all, this shows that it is free.
    add(&app, "a.png", &png(&textured(128, 96, 2))).await;
}

/// A body that sends one byte every five seconds, for ever.
struct Dripping {
    next: Pin<Box<tokio::time::Sleep>>,
}

impl Dripping {
    fn new() -> Self {
        Self {
            next: Box::pin(tokio::time::sleep(Duration::ZERO)),
        }
    }
}

impl HttpBody for Dripping {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.next.as_mut().poll(context).map(|()| {
            self.next.set(tokio::time::sleep(Duration::from_secs(5)));
            Some(Ok(Frame::data("x".into())))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_trickles_is_given_up_and_keeps_nobody_waiting() {
    let bench = Bench::new();
    let app = bench.app_with(HttpSettings {
        concurrency: 1,
        queue: 0,
        ..HttpSettings::default()
    });
    let trickle = |address: &'static str| -> Asking {
        let request = post(address, "image/png", Body::new(Dripping::new()));
        let app = app.clone();
        Box::pin(async move { ask(&app, request).await })
    };
    let (mut search, mut upload) = (trickle("/v1/search"), trickle("/v1/images"));
    until_it_waits(&mut search).await;
    until_it_waits(&mut upload).await;
    // The only place is free until a body is there.
    let query = png(&textured(128, 96, 2));
    let found = ask(&app, post("/v1/search", "image/png", query)).await;
    assert!(found.status.is_success(), "{}", found.json());
    for trickling in [search, upload] {
        let detail = trickling.await.problem(408, "upload_too_slow");
        assert!(
            detail.contains("fewer than 1024 bytes a second"),
            "{detail}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_wait_for_memory_and_are_refused_in_the_end() {
    let bench = Bench::new();
    let app = bench.app_with(HttpSettings {
        // One of the largest size fits beside small ones.
        body_memory: 0,
        upload_rate: 0,
        ..HttpSettings::default()
    });
    let trickle = || -> Asking {
        let body = Body::new(Dripping::new());
        let (app, request) = (app.clone(), post("/v1/images", "image/png", body));
        Box::pin(async move { ask(&app, request).await })
    };
    let mut first = trickle();
    until_it_waits(&mut first).await;
    let waited = tokio::spawn(trickle());
    let first = tokio::spawn(first);
    let detail = waited.await.unwrap().problem(503, "busy");
    assert!(detail.contains("memory"), "{detail}");
    let query = png(&textured(128, 96, 2));
    let found = ask(&app, post("/v1/search", "image/png", query)).await;
    assert!(found.status.is_success(), "{}", found.json());
    first.await.unwrap().problem(408, "upload_too_slow");
}

#[tokio::test]
async fn a_panic_is_answered_and_the_server_lives() {
    let gate = Gated::new(true);
    let bench = Bench::with(gate.clone(), EngineOptions::default());
    let app = bench.app_with(HttpSettings {
        concurrency: 1,
        queue: 0,
        ..HttpSettings::default()
    });
    gate.panics.store(true, Ordering::SeqCst);
    let bytes = png(&textured(128, 96, 2));
    for address in ["/v1/search", "/v1/images"] {
        let failed = ask(&app, post(address, "image/png", bytes.clone())).await;
        let detail = failed.problem(500, "internal");
        assert!(!detail.contains("told to"), "the cause was shown: {detail}");
    }
    gate.panics.store(false, Ordering::SeqCst);
    add(&app, "a.png", &bytes).await;
    assert_eq!(get(&app, "/v1/count").await.json()["count"], 1);
}
