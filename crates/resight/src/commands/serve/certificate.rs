//! HTTPS: the files of `--tls-cert` and `--tls-key`, or a certificate that the server obtains for `--acme-domain`.

#[cfg(feature = "acme")]
use std::net::IpAddr;
use std::path::Path;

use resight_app::Code;
#[cfg(feature = "acme")]
use resight_server::AcmeSettings;
use resight_server::Tls;

use super::args::ServeArgs;
use crate::error::CliError;

/// Folder of what the server obtained, in the data folder.
#[cfg(feature = "acme")]
const OBTAINED: &str = "acme";

/// How the server proves itself.
#[derive(Debug)]
pub(super) enum Identity {
    /// It speaks HTTP.
    None,
    /// By a certificate from a file.
    Files(Tls),
    /// By one that it obtains.
    #[cfg(feature = "acme")]
    Obtained(AcmeSettings),
}

fn refused(detail: String) -> CliError {
    CliError::Usage {
        code: Code::BadCertificate,
        detail,
        next_step: Code::BadCertificate.next_step().into(),
    }
}

/// How the server would prove itself. Asks no authority.
pub(super) fn load(args: &ServeArgs) -> Result<Identity, CliError> {
    if args.acme_domain.is_empty() && !args.acme_contact.is_empty() {
        return Err(refused(
            "--acme-contact is named, and no --acme-domain to obtain a certificate for".into(),
        ));
    }
    match (&args.tls_cert, &args.tls_key) {
        (None, None) if args.acme_domain.is_empty() => Ok(Identity::None),
        (None, None) => obtained(args),
        _ if !args.acme_domain.is_empty() => Err(refused(
            "a certificate is read from files, or obtained for domains, not both".into(),
        )),
        (Some(certificate), Some(key)) => {
            let loaded = Tls::load(certificate, key);
            let loaded = loaded.map_err(|why| refused(why.to_string()))?;
            Ok(Identity::Files(loaded))
        }
        (Some(_), None) => Err(refused("a certificate is named, and no key for it".into())),
        (None, Some(_)) => Err(refused("a key is named, and no certificate for it".into())),
    }
}

#[cfg(not(feature = "acme"))]
fn obtained(_: &ServeArgs) -> Result<Identity, CliError> {
    Err(refused(
        "this program was built without ACME (cargo build --features acme)".into(),
    ))
}

#[cfg(feature = "acme")]
fn obtained(args: &ServeArgs) -> Result<Identity, CliError> {
    let is_name = |name: &&String| {
        let is_part = |part: &str| {
            let is_good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            let is_whole = !part.starts_with('-') && !part.ends_with('-');
            !part.is_empty() && part.len() <= 63 && is_whole && part.bytes().all(is_good)
        };
        name.len() <= 253
            && name.parse::<IpAddr>().is_err()
            && name.contains('.')
            && name.split('.').all(is_part)
    };
    if let Some(wrong) = args.acme_domain.iter().find(|name| !is_name(name)) {
        return Err(refused(format!(
            "{wrong:?} is not a domain; certificates are obtained for names such as pics.example, not for addresses or *"
        )));
    }
    if let Some(wrong) = args.acme_contact.iter().find(|mail| !mail.contains('@')) {
        return Err(refused(format!(
            "{wrong:?} is not an address of electronic mail"
        )));
    }
    if !args.acme_directory.starts_with("https://") {
        let wrong = &args.acme_directory;
        return Err(refused(format!(
            "{wrong:?} is not the address of a directory: it begins with https://"
        )));
    }
    Ok(Identity::Obtained(AcmeSettings {
        domains: args.acme_domain.clone(),
        contacts: args.acme_contact.clone(),
        directory: args.acme_directory.clone(),
    }))
}

impl Identity {
    /// What connections prove the server with; `None` where it speaks HTTP. `root`: the data folder.
    #[cfg_attr(not(feature = "acme"), allow(unused_variables))]
    pub(super) fn begin(self, root: &Path) -> Result<Option<Tls>, CliError> {
        match self {
            Self::None => Ok(None),
            Self::Files(tls) => Ok(Some(tls)),
            #[cfg(feature = "acme")]
            Self::Obtained(settings) => {
                let tls = Tls::by_acme(&settings, &root.join(OBTAINED));
                tls.map(Some).map_err(|why| refused(why.to_string()))
            }
        }
    }

    /// Has a server that speaks TLS prove itself with what was loaded now.
    pub(super) fn exchange(&self, tls: Option<&Tls>) -> Result<(), CliError> {
        match (tls, self) {
            (Some(tls), Self::Files(loaded)) if !tls.is_obtained() => {
                tls.replace(loaded);
                Ok(())
            }
            // The server renews it by itself.
            #[cfg(feature = "acme")]
            (Some(tls), Self::Obtained(_)) if tls.is_obtained() => Ok(()),
            (None, Self::None) => Ok(()),
            _ => Err(refused(
                "whether a server speaks TLS, and whether it obtains its certificate, changes with its next start"
                    .into(),
            )),
        }
    }
}
