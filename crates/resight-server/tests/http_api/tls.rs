//! HTTPS: an own certificate, wrong files, another certificate while the server runs, and slow clients.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use resight_server::{ConnectionLimits, HttpSettings, Tls, app, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::fixtures::{Bench, add, png, textured};

/// Longer than anything here takes.
const NEVER: Duration = Duration::from_secs(120);

/// A certificate for `localhost` in files.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    der: CertificateDer<'static>,
}

fn files(folder: &Path, name: &str) -> Files {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (
        folder.join(format!("{name}.pem")),
        folder.join(format!("{name}.key")),
    );
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    Files {
        certificate,
        key,
        der: made.cert.der().clone(),
    }
}

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
    bench: Bench,
}

async fn server(tls: Tls, connections: ConnectionLimits) -> Server {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let settings = HttpSettings {
        tls: Some(tls),
        iiif: true,
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
        bench,
    }
}

/// Asks as a client that trusts this certificate alone.
async fn ask(address: SocketAddr, trusted: &CertificateDer<'static>) -> Result<String, String> {
    ask_for("/v1/count", address, trusted).await
}

async fn ask_for(
    path: &str,
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
) -> Result<String, String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let secured = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let mut stream = secured.await.map_err(|error| error.to_string())?;
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    Ok(answer)
}

/// Whether the server closes a connection on which `bytes` are sent and nothing more.
async fn is_closed(address: SocketAddr, bytes: &[u8]) -> bool {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut rest = Vec::new();
    // A reset connection is closed as well.
    timeout(NEVER, stream.read_to_end(&mut rest)).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_answered_over_tls_by_the_certificate_that_is_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let one = files(folder.path(), "one");
    let other = files(folder.path(), "other");
    let tls = Tls::load(&one.certificate, &one.key).unwrap();
    let server = server(tls.clone(), ConnectionLimits::for_open_files(None)).await;
    let answer = ask(server.address, &one.der).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("x-request-id: "), "{answer}");
    assert!(ask(server.address, &other.der).await.is_err());
    // One that cannot be used changes nothing.
    assert!(Tls::load(&one.certificate, &other.key).is_err());
    assert!(ask(server.address, &one.der).await.is_ok());
    tls.replace(&Tls::load(&other.certificate, &other.key).unwrap());
    assert!(ask(server.address, &other.der).await.is_ok());
    assert!(ask(server.address, &one.der).await.is_err());
    server.stop.send(()).unwrap();
    server.ended.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_for_viewers_have_the_scheme_that_was_asked_by() {
    let folder = tempfile::tempdir().unwrap();
    let own = files(folder.path(), "own");
    let tls = Tls::load(&own.certificate, &own.key).unwrap();
    let server = server(tls, ConnectionLimits::for_open_files(None)).await;
    let plain = app(server.bench.engine.clone(), HttpSettings::default());
    let id = add(&plain, "a.png", &png(&textured(160, 120, 1))).await;
    let path = format!("/iiif/3/{id}/info.json");
    let answer = ask_for(&path, server.address, &own.der).await.unwrap();
    let wanted = format!("\"id\":\"https://localhost/iiif/3/{id}\"");
    assert!(answer.contains(&wanted), "{answer}");
    server.stop.send(()).unwrap();
    server.ended.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_agrees_on_nothing_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let own = files(folder.path(), "own");
    let tls = Tls::load(&own.certificate, &own.key).unwrap();
    let limits = ConnectionLimits {
        head: Duration::from_millis(100),
        ..ConnectionLimits::for_open_files(None)
    };
    let server = server(tls, limits).await;
    // HTTP, nothing, and the begin of a handshake.
    let begin = [&[22, 3, 1, 2, 0][..], &[1; 40]].concat();
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"", &begin] {
        assert!(is_closed(server.address, bytes).await, "{bytes:?}");
    }
    server.stop.send(()).unwrap();
    server.ended.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_that_never_end_make_room_and_hold_no_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let own = files(folder.path(), "own");
    let tls = Tls::load(&own.certificate, &own.key).unwrap();
    let limits = ConnectionLimits {
        total: 2,
        spare: 1,
        head: NEVER * 10,
        ..ConnectionLimits::for_open_files(None)
    };
    let server = server(tls, limits).await;
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(TcpStream::connect(server.address).await.unwrap());
    }
    let answer = timeout(NEVER, ask(server.address, &own.der)).await;
    assert!(answer.unwrap().unwrap().starts_with("HTTP/1.1 200"));
    server.stop.send(()).unwrap();
    assert!(timeout(NEVER, server.ended).await.is_ok());
}

#[test]
fn wrong_files_are_told_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let own = files(folder.path(), "own");
    let other = files(folder.path(), "other");
    let empty = folder.path().join("empty");
    fs::write(&empty, "nothing").unwrap();
    let damaged = folder.path().join("damaged");
    let text = fs::read_to_string(&own.certificate).unwrap();
    fs::write(&damaged, text.replace("MII", "M!!")).unwrap();
    let missing = folder.path().join("missing");
    for (certificate, key, words) in [
        (&missing, &own.key, "missing cannot be read"),
        (&own.certificate, &missing, "missing cannot be read"),
        (&empty, &own.key, "there is no certificate in"),
        (&own.key, &own.key, "there is no certificate in"),
        (&own.certificate, &empty, "there is no private key in"),
        (
            &own.certificate,
            &own.certificate,
            "there is no private key in",
        ),
        (
            &own.certificate,
            &other.key,
            "does not belong to the first certificate",
        ),
        (&damaged, &own.key, "damaged cannot be read as PEM"),
    ] {
        let error = Tls::load(certificate, key).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
