//! TLS: a certificate and its key from files, exchanged while the server runs.
//!
//! Invariant: a pair of files that cannot be used never takes the place of one that can.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// How long a client may take to agree on a key.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(10);

/// What the server proves itself with. Clones share it.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ArcSwap<ServerConfig>>,
    #[cfg(feature = "acme")]
    renewal: Option<Arc<super::acme::Renewal>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Tls")
    }
}

/// Why a certificate cannot be used, as a sentence without its end.
#[derive(Debug, PartialEq, Eq)]
pub struct TlsError(String);

impl fmt::Display for TlsError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

impl std::error::Error for TlsError {}

#[cfg(feature = "acme")]
impl TlsError {
    pub(super) fn new(what: String) -> Self {
        Self(what)
    }
}

impl Tls {
    /// Reads the chain of certificates, the server's own first, and its key, both as PEM.
    ///
    /// # Errors
    /// A file that cannot be read or has not what it should, or two that do not belong together.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let config = read(certificate, key)?;
        Ok(Self {
            config: Arc::new(ArcSwap::from_pointee(config)),
            #[cfg(feature = "acme")]
            renewal: None,
        })
    }

    /// With a certificate that `renewal` obtains.
    #[cfg(feature = "acme")]
    pub(super) fn renewed(config: ServerConfig, renewal: super::acme::Renewal) -> Self {
        Self {
            config: Arc::new(ArcSwap::from_pointee(config)),
            renewal: Some(Arc::new(renewal)),
        }
    }

    /// Begins what has to run while the server serves. Needs a runtime.
    pub(super) fn begin(&self) {
        #[cfg(feature = "acme")]
        if let Some(renewal) = &self.renewal {
            renewal.begin();
        }
    }

    /// Connections that begin from now on meet what `loaded` has.
    pub fn replace(&self, loaded: &Self) {
        self.config.store(loaded.config.load_full());
    }

    /// Whether the server obtains its certificate, so that no other takes its place.
    pub fn is_obtained(&self) -> bool {
        #[cfg(feature = "acme")]
        return self.renewal.is_some();
        #[cfg(not(feature = "acme"))]
        false
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }
}

fn read(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unread("certificate", certificate, &error))?;
    if chain.is_empty() {
        return Err(TlsError(format!(
            "there is no certificate in {}; it has to be PEM (BEGIN CERTIFICATE)",
            certificate.display()
        )));
    }
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| unread("private key", key, &error))?;
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError(format!("TLS cannot be set up: {error}")))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| unusable(certificate.to_owned(), key.to_owned(), &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn unread(what: &str, path: &Path, error: &pem::Error) -> TlsError {
    let path = path.display();
    TlsError(match error {
        pem::Error::NoItemsFound => {
            format!("there is no {what} in {path}; it has to be PEM, and a key without a password")
        }
        pem::Error::Io(error) => format!("{path} cannot be read: {error}"),
        other => format!("{path} cannot be read as PEM: {other}"),
    })
}

fn unusable(certificate: PathBuf, key: PathBuf, error: &rustls::Error) -> TlsError {
    let (certificate, key) = (certificate.display(), key.display());
    TlsError(match error {
        rustls::Error::InconsistentKeys(_) => {
            format!("the key in {key} does not belong to the first certificate in {certificate}")
        }
        other => format!("{certificate} and {key} cannot be used: {other}"),
    })
}
