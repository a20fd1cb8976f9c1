//! A certificate that the server obtains and renews by itself (ACME, RFC 8555), proving itself over the port it
//! listens at (TLS-ALPN-01, RFC 8737), which has to be reachable as port 443 of the domains.
//!
//! Until the first certificate is there, clients are refused at their handshake.

use std::io;
use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt;
use parking_lot::Mutex;
use rustls_acme::caches::DirCache;
use rustls_acme::{AcmeConfig, AcmeState};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;

use super::tls::{Tls, TlsError};
use crate::fetch;

/// The protocol by which an authority looks whether a server has its domain.
pub(super) const CHALLENGE: &[u8] = b"acme-tls/1";

/// Whose certificate is obtained, and from whom.
#[derive(Clone, Debug)]
pub struct AcmeSettings {
    /// Names of this server, at least one.
    pub domains: Vec<String>,
    /// Addresses of electronic mail to which the authority writes.
    pub contacts: Vec<String>,
    /// Address of the authority's directory.
    pub directory: String,
}

/// Asks the authority, and stores what it gives.
pub(super) struct Renewal(Mutex<Option<AcmeState<io::Error>>>);

impl Tls {
    /// Proves itself with a certificate that is obtained once the server serves. Account and certificate are stored in
    /// `folder`, which is created where it does not exist, for this user alone.
    ///
    /// # Errors
    /// A folder that cannot be created, and a system without certificates of authorities.
    pub fn by_acme(settings: &AcmeSettings, folder: &Path) -> Result<Self, TlsError> {
        let failed = |what: String| TlsError::new(what);
        make_private(folder).map_err(|error| {
            let folder = folder.display();
            failed(format!("{folder} cannot be created: {error}"))
        })?;
        let client = fetch::client_config()
            .map_err(|why| failed(format!("the authority cannot be asked: {why}")))?;
        let contacts = settings.contacts.iter();
        let state = AcmeConfig::new_with_client_config(&settings.domains, client)
            .contact(contacts.map(|mail| format!("mailto:{mail}")))
            .directory(&settings.directory)
            .cache(DirCache::new(folder.to_owned()))
            .state();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(format!("TLS cannot be set up: {error}")))?
            .with_no_client_auth()
            .with_cert_resolver(state.resolver());
        config.alpn_protocols = vec![b"http/1.1".to_vec(), CHALLENGE.to_vec()];
        Ok(Self::renewed(config, Renewal(Mutex::new(Some(state)))))
    }
}

impl Renewal {
    /// Obtains and renews as long as the runtime runs, from the first call on.
    pub(super) fn begin(&self) {
        let Some(mut state) = self.0.lock().take() else {
            return;
        };
        tokio::spawn(async move {
            while let Some(event) = state.next().await {
                match event {
                    Ok(done) => tracing::info!(event = ?done, "the certificate"),
                    // It is tried again, at growing intervals.
                    Err(error) => {
                        tracing::error!(error = ?error, "the certificate, or its storage");
                    }
                }
            }
        });
    }
}

/// Makes a folder for keys, and closes one that was there to others.
fn make_private(folder: &Path) -> io::Result<()> {
    resight_store::create_private(folder)?;
    #[cfg(unix)]
    {
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(folder, private)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> AcmeSettings {
        AcmeSettings {
            domains: vec!["pictures.example".into()],
            contacts: vec!["me@pictures.example".into()],
            // Nothing listens there.
            directory: "https://127.0.0.1:1/directory".into(),
        }
    }

    #[tokio::test]
    async fn without_a_certificate_nobody_is_answered_and_keys_are_private() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("acme");
        std::fs::create_dir(&folder).unwrap();
        let tls = match Tls::by_acme(&settings(), &folder) {
            Ok(tls) => tls,
            Err(error) if error.to_string().contains("no certificates") => {
                println!("SKIPPED: {error}");
                return;
            }
            Err(error) => panic!("{error}"),
        };
        #[cfg(unix)]
        {
            let mode = std::fs::metadata(&folder).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::mode(&mode.permissions());
            assert_eq!(mode & 0o777, 0o700);
        }
        tls.begin();
        // Only one asks.
        tls.clone().begin();
        let (client, server) = tokio::io::duplex(4096);
        let accepted = tokio::spawn(async move { tls.acceptor().accept(server).await.is_err() });
        let connector = tokio_rustls::TlsConnector::from(fetch::client_config().unwrap());
        let name = "pictures.example".try_into().unwrap();
        assert!(connector.connect(name, client).await.is_err());
        assert!(accepted.await.unwrap());
    }

    #[test]
    fn a_folder_that_cannot_be_created_is_named() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        let refused = Tls::by_acme(&settings(), &file.join("acme")).unwrap_err();
        assert!(
            refused.to_string().contains("cannot be created"),
            "{refused}"
        );
    }
}
