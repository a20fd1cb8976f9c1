use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header;
use http_body::{Frame, SizeHint};
use resight_engine::{EngineOptions, MemoryBudget};
use resight_server::HttpSettings;
use tokio::task::JoinSet;

use crate::fixtures::{Answer, Bench, Gated, add, ask, form_of, get, png, post, textured};
use crate::gated_blobs;

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

#[tokio::test]
async fn what_was_begun_for_a_client_that_left_ends_at_its_next_stage() {
    let gate = Gated::new(false);
    let bench = Bench::with(gate.clone(), EngineOptions::default());
    let app = bench.app_with(HttpSettings {
        concurrency: 1,
        queue: 1,
        ..HttpSettings::default()
    });
    for (number, (address, names)) in [
        ("/v1/compare", ["a", "b"]),
        ("/v1/search", ["file", "file"]),
    ]
    .into_iter()
    .enumerate()
    {
        let picture = |of: usize| png(&textured(128, 96, (10 * number + of) as u64));
        // Of two pictures, the second is described after the first.
        let [first, second] = [0, 1].map(picture);
        let parts = [
            (names[0], Some("x.png"), &*first),
            (names[1], Some("x.png"), &*second),
        ];
        gate.close();
        let request = form_of(address, &parts);
        let asking = app.clone();
        let leaving = tokio::spawn(async move { ask(&asking, request).await });
        let before = 2 * number;
        gate.wait_for(before + 1).await;
        leaving.abort();
        assert!(leaving.await.is_err_and(|error| error.is_cancelled()));
        gate.open();
        // There is one place, which is free when what was begun has ended.
        let next = ask(&app, post("/v1/search", "image/png", picture(2))).await;
        assert!(next.status.is_success(), "{}", next.json());
        let described = gate.entered.load(Ordering::SeqCst);
        assert_eq!(
            described,
            before + 2,
            "{address}: a picture was described for nobody"
        );
    }
}

#[tokio::test]
async fn further_pages_are_described_for_no_client_that_left() {
    let gate = Gated::new(false);
    let bench = Bench::with(gate.clone(), EngineOptions::default());
    let app = bench.app_with(HttpSettings {
        concurrency: 1,
        queue: 1,
        ..HttpSettings::default()
    });
    let picture = |seed| textured(128, 96, seed);
    let pages = resight_test_support::tiff_pages(&[1, 2, 3].map(picture));
    let parts = [
        ("a", Some("x"), &*pages),
        ("b", Some("x"), &*png(&picture(4))),
    ];
    let request = form_of("/v1/compare", &parts);
    let asking = app.clone();
    let leaving = tokio::spawn(async move { ask(&asking, request).await });
    // The first of each, then the second page.
    for described in 1..=3 {
        gate.wait_for(described).await;
        if described == 3 {
            leaving.abort();
            break;
        }
        gate.let_one_pass();
    }
    assert!(leaving.await.is_err_and(|error| error.is_cancelled()));
    gate.open();
    let next = ask(&app, post("/v1/search", "image/png", png(&picture(5)))).await;
    assert!(next.status.is_success(), "{}", next.json());
    let described = gate.entered.load(Ordering::SeqCst);
    assert_eq!(described, 4, "a page was described for nobody");
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

/// A body that sends a part, and then one byte every five seconds, for ever.
struct Dripping {
    next: Pin<Box<tokio::time::Sleep>>,
    part: Vec<u8>,
    announced: Option<u64>,
}

impl Dripping {
    fn new() -> Self {
        Self {
            next: Box::pin(tokio::time::sleep(Duration::ZERO)),
            part: b"x".to_vec(),
            announced: None,
        }
    }

    fn announcing(bytes: u64) -> Self {
        Self {
            announced: Some(bytes),
            ..Self::new()
        }
    }

    fn after(bytes: usize) -> Self {
        Self {
            part: vec![7; bytes],
            ..Self::new()
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
            let part = std::mem::replace(&mut self.part, b"x".to_vec());
            Some(Ok(Frame::data(part.into())))
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.announced
            .map_or_else(SizeHint::new, SizeHint::with_exact)
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
    // One of the largest size fits beside small ones.
    let mut options = EngineOptions::default();
    options.decode.memory = MemoryBudget::new(256 << 20);
    let bench = Bench::with(Gated::new(true), options);
    let app = bench.app_with(HttpSettings {
        upload_rate: 0,
        ..HttpSettings::default()
    });
    let trickle = || -> Asking {
        let body = Body::new(Dripping::announcing(60 << 20));
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

#[tokio::test(start_paused = true)]
async fn a_body_takes_the_memory_of_a_large_one_when_it_is_large() {
    let mut options = EngineOptions::default();
    options.decode.memory = MemoryBudget::new(256 << 20);
    let memory = options.decode.memory.clone();
    let bench = Bench::with(Gated::new(true), options);
    let app = bench.app();
    let trickle = |body: Dripping| -> Asking {
        let (app, request) = (
            app.clone(),
            post("/v1/images", "image/png", Body::new(body)),
        );
        Box::pin(async move { ask(&app, request).await })
    };
    // (body that does not say how long it is, MiB that it takes)
    for (mut asking, mib) in [
        (trickle(Dripping::new()), 1),
        (trickle(Dripping::after(2 << 20)), 1 + 64),
    ] {
        until_it_waits(&mut asking).await;
        assert_eq!(memory.in_use().bodies, mib << 20);
        drop(asking);
        assert_eq!(memory.in_use().bodies, 0, "who left has memory still");
    }
    // A large one that trickles is given up, whether it says how long it is or not.
    for body in [Dripping::announcing(60 << 20), Dripping::after(2 << 20)] {
        let detail = trickle(body).await.problem(408, "upload_too_slow");
        assert!(detail.contains("bytes a second"), "{detail}");
        assert!(!detail.contains(" 1024 "), "{detail}");
        assert_eq!(memory.in_use().bodies, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn monitors_are_answered_while_short_reads_take_all_their_places() {
    let (bench, gate) = gated_blobs::bench(true);
    let app = bench.app_with(HttpSettings {
        concurrency: 1,
        queue: 0,
        ..HttpSettings::default()
    });
    let id = add(&app, "a.png", &png(&textured(128, 96, 2))).await;
    let address = format!("/v1/images/{id}/thumbnail");
    gate.close();
    // Eight at work and 64 that wait. Which one is refused depends on which of them come first, so all of them stay.
    let mut reading = JoinSet::new();
    let refused = loop {
        let (app, address) = (app.clone(), address.clone());
        reading.spawn(async move { get(&app, &address).await });
        tokio::time::sleep(Duration::from_millis(1)).await;
        if let Some(ended) = reading.try_join_next() {
            break ended.unwrap();
        }
        assert!(reading.len() < 10_000, "none was refused");
    };
    refused.problem(503, "busy");
    gate.until(&gate.reads, 8).await;
    for address in ["/healthz", "/readyz", "/metrics"] {
        let answer = get(&app, address).await;
        assert!(answer.status.is_success(), "{address}: {}", answer.status);
    }
    gate.open();
    let mut answered = 0;
    while let Some(answer) = reading.join_next().await {
        let answer = answer.unwrap();
        match answer.status.is_success() {
            true => answered += 1,
            false => drop(answer.problem(503, "busy")),
        }
    }
    assert!(answered >= 8 + 64, "{answered}");
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
