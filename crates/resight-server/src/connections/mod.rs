//! Accepts connections and serves each, within bounds of their number and of their time.
//!
//! Invariant: `/livez`, `/healthz` and `/readyz` are answered whatever other connections do, as long as a file can
//! be opened for one more: idle connections make room, and beyond those at work there are spare ones.
//! Invariant: a shutdown waits for requests that are being answered and for nothing else.

#[cfg(feature = "acme")]
mod acme;
mod activity;
mod clients;
mod limits;
mod stream;
mod table;
mod tls;

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use resight_app::Code;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tower::ServiceExt;

use crate::intake;
use crate::live::Live;
use crate::problem::Problem;
use crate::proxy::{Peer, ProxySettings};
use crate::request_id::RequestId;
#[cfg(feature = "acme")]
pub use acme::AcmeSettings;
use clients::{Clients, Counted};
pub use limits::ConnectionLimits;
use stream::Watched;
use table::{Seat, Table};
pub use tls::{Tls, TlsError};

/// How long the head of a request may take on a spare connection.
const SPARE_HEAD: Duration = Duration::from_secs(5);
/// The longest head of a request, in bytes. Bodies and answers pass through as much memory a connection.
const HEAD_BYTES: usize = 64 << 10;
/// How long the body of a request is read that a spare connection refuses.
const SPARE_BODY: Duration = Duration::from_secs(1);

/// What connections serve, and within which bounds.
#[derive(Clone)]
pub(crate) struct Service {
    app: Router,
    live: Live,
    tls: Option<Tls>,
    proxies: Arc<ProxySettings>,
    clients: Arc<Clients>,
}

/// Marks requests that came over TLS to this server itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverTls;

impl Service {
    pub(crate) fn new(app: Router, live: Live, proxies: ProxySettings) -> Self {
        Self {
            app,
            live,
            tls: None,
            proxies: Arc::new(proxies),
            clients: Arc::default(),
        }
    }

    /// The same over TLS, where there is a certificate.
    pub(crate) fn over(self, tls: Option<Tls>) -> Self {
        Self { tls, ..self }
    }
}

/// Serves until `shutdown` completes, and then the requests that are being answered, for `grace`.
pub(crate) async fn serve(
    mut listener: TcpListener,
    service: Service,
    shutdown: impl Future<Output = ()>,
    grace: Duration,
) {
    {
        let limits = &service.live.now().connections;
        tracing::info!(
            connections = limits.total,
            per_address = limits.per_address,
            "connections are bounded"
        );
    }
    if let Some(tls) = &service.tls {
        tls.begin();
    }
    let table = Table::new(service.live.clone());
    let (stop, stopping) = watch::channel(false);
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, from) = tokio::select! {
            () = &mut shutdown => break,
            // It waits for a second where no file can be opened.
            accepted = Listener::accept(&mut listener) => accepted,
        };
        // A proxy's connections carry the requests of many; each of those has a bound of its own.
        let is_proxy = service.proxies.is_proxy(from.ip());
        let Some(seat) = table.admit(from.ip(), is_proxy).await else {
            tracing::debug!(%from, "a connection was closed: all seats are taken");
            continue;
        };
        let stopping = stopping.clone();
        tokio::spawn(attend(stream, from.ip(), seat, service.clone(), stopping));
    }
    drop(listener);
    // The receivers are those of the connections; there may be none.
    let _ = stop.send(true);
    if timeout(grace, table.empty()).await.is_err() {
        tracing::warn!("requests were still in progress when the time to shut down was over");
    }
}

/// Serves one connection, over TLS where there is a certificate. What bounds its writes lies below TLS, so that it holds
/// for the handshake as well.
async fn attend(
    stream: TcpStream,
    from: IpAddr,
    seat: Seat,
    service: Service,
    mut stopping: watch::Receiver<bool>,
) {
    // Answers are written whole, so waiting to fill packets only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    let limits = service.live.now().connections.clone();
    let stream = Watched::new(stream, &limits, seat.activity.clone());
    let Some(tls) = &service.tls else {
        return converse(stream, from, seat, &limits, service, stopping).await;
    };
    let most = if seat.spare {
        SPARE_HEAD
    } else {
        tls::HANDSHAKE
    };
    let longest = most.min(limits.head);
    let agreed = tokio::select! {
        agreed = timeout(longest, tls.acceptor().accept(stream)) => agreed,
        // There is no request yet, so that it makes room at once.
        () = seat.close.notified() => return,
        _ = stopping.wait_for(|stopping| *stopping) => return,
    };
    match agreed {
        // An authority has seen what it looked for.
        #[cfg(feature = "acme")]
        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(acme::CHALLENGE) => {}
        Ok(Ok(stream)) => converse(stream, from, seat, &limits, service, stopping).await,
        Ok(Err(error)) => {
            tracing::debug!(%from, %error, "a client and the server agreed on no key")
        }
        Err(_) => tracing::debug!(%from, "a client took too long to agree on a key"),
    }
}

/// Answers the requests of a connection until it ends, has to make room, or the server stops.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    from: IpAddr,
    seat: Seat,
    limits: &ConnectionLimits,
    service: Service,
    mut stopping: watch::Receiver<bool>,
) {
    let (activity, is_spare) = (seat.activity.clone(), seat.spare);
    let answers = service_fn(|request: hyper::Request<Incoming>| {
        let answering = activity.begin();
        let answer = answer(service.clone(), request.map(Body::new), from, is_spare);
        async move { Ok::<_, Infallible>(answering.until_sent(answer.await)) }
    });
    let head = if is_spare {
        limits.head.min(SPARE_HEAD)
    } else {
        limits.head
    };
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new());
    builder.header_read_timeout(head).keep_alive(!is_spare);
    builder.max_buf_size(HEAD_BYTES);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), answers));
    let mut is_told = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended with an error");
                }
                return;
            }
            () = seat.close.notified() => {}
            _ = stopping.wait_for(|stopping| *stopping), if !is_told => is_told = true,
        }
        connection.as_mut().graceful_shutdown();
        if seat.activity.is_idle() {
            // A part of a head may have come, for which `connection` would wait.
            return;
        }
    }
}

async fn answer(service: Service, mut request: Request, from: IpAddr, is_spare: bool) -> Response {
    let is_health = matches!(
        service.proxies.local(request.uri().path()),
        "/livez" | "/healthz" | "/readyz"
    );
    if is_spare && !is_health {
        return refuse(
            request,
            "All connections that the server takes are at work.",
        )
        .await;
    }
    let client = service.proxies.client(from, request.headers());
    let counted = match client != from && !is_health {
        true => {
            let most = service.live.now().connections.per_address;
            service.clients.begin(client, most)
        }
        false => Some(Counted::nobody()),
    };
    let Some(_counted) = counted else {
        return refuse(
            request,
            "The client has as many requests as one address may have.",
        )
        .await;
    };
    request.extensions_mut().insert(Peer(from));
    if service.tls.is_some() {
        request.extensions_mut().insert(OverTls);
    }
    let answered = service.app.oneshot(request).await;
    answered.unwrap_or_else(|never: Infallible| match never {})
}

/// Refuses a request before it reaches the routes, which name all others.
async fn refuse(request: Request, detail: &str) -> Response {
    let id = RequestId::of(request.headers());
    // What comes of it does not matter: a client that is still sending sees the answer more surely.
    let _ = timeout(SPARE_BODY, intake::discard(request.into_body())).await;
    let mut answer = Problem::new(Code::TooManyConnections, detail).into_response();
    id.put_on(&mut answer);
    answer
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;

    use super::*;

    /// Longer than anything here takes.
    const NEVER: Duration = Duration::from_secs(120);
    /// More than sockets take.
    const LONG: usize = 64 << 20;

    #[tokio::test]
    async fn a_client_that_does_not_read_its_answer_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().route("/", get(|| async { vec![7; LONG] }));
        let limits = ConnectionLimits {
            write: Duration::from_millis(50),
            ..ConnectionLimits::for_open_files(None)
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            let _ = stopped.await;
        };
        let service = Service::new(app, limits.into(), ProxySettings::default());
        let served = tokio::spawn(serve(listener, service, shutdown, NEVER * 10));
        let mut client = TcpStream::connect(address).await.unwrap();
        let head = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n";
        client.write_all(head).await.unwrap();
        client.read_u8().await.unwrap();
        // A shutdown waits for the answer as long as it is being sent.
        stop.send(()).unwrap();
        assert!(timeout(NEVER, served).await.is_ok(), "it is being sent");
        let mut rest = Vec::new();
        let _reset = client.read_to_end(&mut rest).await;
        assert!(rest.len() < LONG, "all of it came");
    }
}
