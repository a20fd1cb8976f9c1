//! Bounds of connections, seen from their other end.

use std::net::SocketAddr;
use std::time::Duration;

use resight_engine::EngineOptions;
use resight_server::{ConnectionLimits, HttpSettings, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::fixtures::{Bench, Gated, png, textured};

/// Longer than anything here takes, so that a test of something that never ends does end.
const NEVER: Duration = Duration::from_secs(120);

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
    _bench: Bench,
}

async fn server(bench: Bench, connections: ConnectionLimits) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let settings = HttpSettings {
        live: connections.into(),
        grace: NEVER * 10,
        ..HttpSettings::default()
    };
    let engine = bench.engine.clone();
    let ended = tokio::spawn(async move {
        serve(listener, engine, settings, async {
            let _ = stopped.await;
        })
        .await;
    });
    Server {
        address,
        stop,
        ended,
        _bench: bench,
    }
}

fn limits(total: usize, spare: usize) -> ConnectionLimits {
    ConnectionLimits {
        total,
        spare,
        head: NEVER * 10,
        ..ConnectionLimits::for_open_files(None)
    }
}

/// A connection on which `bytes` were sent.
async fn sent(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// What comes until the server closes the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset connection is closed as well.
    let reading = stream.read_to_end(&mut answer);
    let closed = timeout(NEVER, reading).await;
    assert!(closed.is_ok(), "it stays open");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The answer to one request on a connection of its own.
async fn ask(address: SocketAddr, path: &str) -> String {
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    rest(sent(address, head.as_bytes()).await).await
}

const HALF_A_HEAD: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: loc";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_and_half_open_connections_make_room_for_new_ones() {
    let server = server(Bench::new(), limits(3, 1)).await;
    let mut open = Vec::new();
    for at in 0..12 {
        let bytes: &[u8] = if at % 2 == 0 { b"" } else { HALF_A_HEAD };
        open.push(sent(server.address, bytes).await);
    }
    for path in ["/healthz", "/readyz", "/v1/count"] {
        let answer = ask(server.address, path).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
    assert_eq!(rest(open.remove(0)).await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_connections_at_work_health_is_answered_and_the_rest_refused() {
    let gate = Gated::new(false);
    let bench = Bench::with(gate.clone(), EngineOptions::default());
    let server = server(bench, limits(1, 2)).await;
    let picture = png(&textured(128, 96, 1));
    let head = format!(
        "POST /v1/search HTTP/1.1\r\nHost: {}\r\nContent-Type: image/png\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n",
        server.address,
        picture.len()
    );
    let search = sent(server.address, &[head.as_bytes(), &picture].concat()).await;
    gate.wait_for(1).await;
    for path in ["/healthz", "/readyz"] {
        let answer = ask(server.address, path).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
    let refused = ask(server.address, "/v1/count").await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    for part in ["\"too_many_connections\"", "retry-after: 1"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    gate.open();
    let found = rest(search).await;
    assert!(found.starts_with("HTTP/1.1 200"), "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_does_not_end_is_given_up() {
    let short = ConnectionLimits {
        head: Duration::from_millis(50),
        ..limits(8, 1)
    };
    let server = server(Bench::new(), short).await;
    for bytes in [b"", HALF_A_HEAD] {
        assert_eq!(rest(sent(server.address, bytes).await).await, "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_does_not_wait_for_half_open_connections() {
    let server = server(Bench::new(), limits(8, 1)).await;
    let half = sent(server.address, HALF_A_HEAD).await;
    let kept = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    let mut kept = sent(server.address, kept.as_bytes()).await;
    // Connections are accepted in order, so the half-open one is as well.
    kept.read_u8().await.unwrap();
    server.stop.send(()).unwrap();
    let ended = timeout(NEVER, server.ended).await;
    assert!(ended.is_ok(), "the shutdown waits");
    assert_eq!(rest(half).await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_has_a_bound() {
    let server = server(Bench::new(), limits(8, 1)).await;
    for (length, status) in [(30_000, "200"), (200_000, "431")] {
        let filler = "a".repeat(length);
        let head = format!(
            "GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nX-Filler: {filler}\r\n\r\n",
            server.address
        );
        let answer = rest(sent(server.address, head.as_bytes()).await).await;
        let wanted = format!("HTTP/1.1 {status}");
        assert!(answer.starts_with(&wanted), "{length}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipelined_requests_are_answered_in_their_order() {
    let server = server(Bench::new(), limits(8, 1)).await;
    let one = |path: &str, more: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\n{more}\r\n",
            server.address
        )
    };
    let all = [
        one("/healthz", ""),
        one("/v1/count", ""),
        one("/nothing", "Connection: close\r\n"),
    ];
    let answers = rest(sent(server.address, all.concat().as_bytes()).await).await;
    let places = ["\"ok\"", "{\"count\":0}", "unknown_route"].map(|part| answers.find(part));
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{answers}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_in_chunks_with_trailers_is_read_and_one_that_is_waited_for_is_asked_for() {
    let server = server(Bench::new(), limits(8, 1)).await;
    let picture = png(&textured(128, 96, 1));
    let head = |more: &str| {
        format!(
            "POST /v1/search HTTP/1.1\r\nHost: {}\r\nContent-Type: image/png\r\nConnection: close\r\n{more}\r\n",
            server.address
        )
    };
    let mut chunked = head("Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n").into_bytes();
    for part in picture.chunks(1000) {
        chunked.extend(format!("{:x};name=value\r\n", part.len()).bytes());
        chunked.extend(part);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n");
    let found = rest(sent(server.address, &chunked).await).await;
    assert!(found.starts_with("HTTP/1.1 200"), "{found}");
    let length = format!(
        "Content-Length: {}\r\nExpect: 100-continue\r\n",
        picture.len()
    );
    let mut waiting = sent(server.address, head(&length).as_bytes()).await;
    let mut first = [0; 25];
    let asked = timeout(NEVER, waiting.read_exact(&mut first)).await;
    assert!(asked.is_ok() && first.starts_with(b"HTTP/1.1 100 Continue"));
    waiting.write_all(&picture).await.unwrap();
    let found = rest(waiting).await;
    assert!(found.starts_with("HTTP/1.1 200"), "{found}");
}
