use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use resight_engine::EngineOptions;
use resight_server::{HttpSettings, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::fixtures::{Bench, Gated, png, textured};

/// A server with a closed gate and one search waiting at it.
struct Scene {
    gate: Arc<Gated>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
    client: JoinHandle<String>,
    _bench: Bench,
}

async fn scene(settings: HttpSettings) -> Scene {
    let gate = Gated::new(false);
    let bench = Bench::with(gate.clone(), EngineOptions::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let server = tokio::spawn(serve(
        listener,
        bench.engine.clone(),
        settings,
        async move {
            let _ = stopped.await;
        },
    ));
    let client = tokio::task::spawn_blocking(move || search(address));
    gate.wait_for(1).await;
    Scene {
        gate,
        stop,
        server,
        client,
        _bench: bench,
    }
}

/// Sends a search and gives what came back until the connection was closed.
fn search(address: SocketAddr) -> String {
    let picture = png(&textured(128, 96, 1));
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /v1/search HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\n\
         Content-Type: image/png\r\nContent-Length: {}\r\n\r\n",
        picture.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&picture).unwrap();
    let mut answer = Vec::new();
    // A cut connection gives what had come so far.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_in_progress_is_answered_at_shutdown() {
    let scene = scene(HttpSettings::default()).await;
    scene.stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(
        !scene.server.is_finished(),
        "the server left its client alone"
    );
    scene.gate.open();
    let answer = scene.client.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("\"took_ms\""), "{answer}");
    scene.server.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_never_ends_does_not_hold_the_server_for_ever() {
    let settings = HttpSettings {
        grace: Duration::from_millis(20),
        ..HttpSettings::default()
    };
    let scene = scene(settings).await;
    scene.stop.send(()).unwrap();
    scene.server.await.unwrap();
    scene.gate.open();
}
