//! One request to one address.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use resight_app::Code;
use resight_engine::Purpose;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use super::target::Target;
use crate::intake::Bounds;
use crate::problem::Problem;

/// How long one address may take to be connected to.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// The longest head of an answer, in bytes.
const HEAD_BYTES: usize = 64 << 10;

/// The system's certificates, read when they are needed first.
#[derive(Clone, Default)]
pub(super) struct Tls(Arc<OnceLock<Result<Arc<ClientConfig>, String>>>);

impl Tls {
    /// Reads files the first time.
    fn config(&self) -> Result<Arc<ClientConfig>, String> {
        self.0.get_or_init(client_config).clone()
    }
}

/// How a client of this server proves others: by the system's certificates.
pub(crate) fn client_config() -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err("the system has no certificates".into());
    }
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(config))
}

/// What was answered.
pub(super) enum Reply {
    File(Bytes),
    /// The picture is somewhere else.
    Redirect(String),
}

/// Asks the first of `addresses` that can be connected to.
pub(super) async fn get(
    target: &Target,
    addresses: &[SocketAddr],
    tls: &Tls,
    bounds: &Bounds,
) -> Result<Reply, Problem> {
    let stream = secured(target, addresses, tls).await?;
    ask(target, stream, bounds).await
}

/// Sends `request` to the first of `addresses` that can be connected to; gives the status of the answer, whose body is
/// left unread.
pub(super) async fn post(
    target: &Target,
    addresses: &[SocketAddr],
    tls: &Tls,
    request: Request<Body>,
) -> Result<StatusCode, Problem> {
    let stream = secured(target, addresses, tls).await?;
    let (answer, _connection) = sent(target, stream, request).await?;
    Ok(answer.status())
}

/// Sends a request. The connection ends when the set that comes with the answer is dropped.
async fn sent(
    target: &Target,
    stream: Box<dyn Stream>,
    request: Request<Body>,
) -> Result<(Response<Incoming>, JoinSet<hyper::Result<()>>), Problem> {
    let broken = |error: hyper::Error| failed(target, &error);
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(HEAD_BYTES)
        .handshake::<_, Body>(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let mut connections = JoinSet::new();
    connections.spawn(connection);
    let answer = sender.send_request(request).await.map_err(broken)?;
    Ok((answer, connections))
}

/// A connection, with TLS or without.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

async fn secured(
    target: &Target,
    addresses: &[SocketAddr],
    tls: &Tls,
) -> Result<Box<dyn Stream>, Problem> {
    let stream = connected(target, addresses).await?;
    if !target.is_tls {
        return Ok(Box::new(stream));
    }
    let tls = tls.clone();
    let config = tokio::task::spawn_blocking(move || tls.config()).await;
    let config = config
        .map_err(|error| Problem::internal(&error))?
        .map_err(|why| Problem::internal(&why))?;
    let name = ServerName::try_from(target.host.clone()).map_err(|error| failed(target, &error))?;
    let secured = TlsConnector::from(config).connect(name, stream).await;
    let stream = secured.map_err(|error| failed(target, &error))?;
    Ok(Box::new(stream))
}

async fn connected(target: &Target, addresses: &[SocketAddr]) -> Result<TcpStream, Problem> {
    for address in addresses {
        if let Ok(Ok(stream)) = timeout(CONNECT_TIME, TcpStream::connect(address)).await {
            return Ok(stream);
        }
    }
    Err(failed(target, &"it cannot be connected to"))
}

async fn ask(target: &Target, stream: Box<dyn Stream>, bounds: &Bounds) -> Result<Reply, Problem> {
    let (path, host) = target.request();
    let request = Request::get(path)
        .header(header::HOST, host)
        .header(header::ACCEPT, "image/*")
        .header(header::ACCEPT_ENCODING, "identity")
        .header(
            header::USER_AGENT,
            concat!("resight/", env!("CARGO_PKG_VERSION")),
        )
        .body(Body::empty())
        .map_err(|error| Problem::internal(&error))?;
    let (answer, _connection) = sent(target, stream, request).await?;
    let (parts, body) = answer.into_parts();
    let location = parts.headers.get(header::LOCATION);
    if parts.status.is_redirection()
        && let Some(location) = location.and_then(|value| value.to_str().ok())
    {
        return Ok(Reply::Redirect(location.to_owned()));
    }
    if parts.status != StatusCode::OK {
        return Err(failed(target, &format!("it answers with {}", parts.status)));
    }
    check_type(&parts.headers)?;
    file(target, body, bounds).await.map(Reply::File)
}

/// Refuses what is no picture as far as its headers tell, and what is compressed beside.
fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let wrong = |detail: String| Err(Problem::new(Code::FetchWrongType, detail));
    let encoding = headers.get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| encoding.as_bytes() != b"identity") {
        return wrong("The file is compressed on its way, which it was asked not to be.".into());
    }
    let Some(content_type) = text(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let essence = content_type.split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/octet-stream" | "binary/octet-stream" => Ok(()),
        _ if essence.starts_with("image/") => Ok(()),
        _ => wrong(format!("The content type at the address is {essence:?}.")),
    }
}

/// Reads a file within the bounds of bodies, when there is memory for it.
async fn file(target: &Target, mut body: Incoming, bounds: &Bounds) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = format!(
            "The file at the address has more than {} bytes.",
            bounds.bytes
        );
        Problem::new(Code::TooManyBytes, detail)
    };
    let announced = body.size_hint().upper();
    if announced.is_some_and(|length| length > bounds.bytes) {
        return Err(too_large());
    }
    // A file of unknown length may become as long as any.
    let needed = announced.unwrap_or(bounds.bytes);
    let share = bounds
        .memory
        .take(needed.max(Purpose::SMALL.min(bounds.bytes)))
        .await?;
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|error| failed(target, &error))?;
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data);
        }
        if bytes.len() as u64 > bounds.bytes {
            return Err(too_large());
        }
    }
    Ok(share.of(bytes))
}

fn failed(target: &Target, why: &dyn std::fmt::Display) -> Problem {
    let detail = format!("{} could not be asked: {why}.", target.host);
    Problem::new(Code::FetchFailed, detail)
}
