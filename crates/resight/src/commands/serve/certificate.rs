//! HTTPS: the files of `--tls-cert` and `--tls-key`.

use resight_app::Code;
use resight_server::Tls;

use super::args::ServeArgs;
use crate::error::CliError;

fn refused(detail: String) -> CliError {
    CliError::Usage {
        code: Code::BadCertificate,
        detail,
        next_step: Code::BadCertificate.next_step().into(),
    }
}

/// What the server proves itself with; `None` without the options.
pub(super) fn load(args: &ServeArgs) -> Result<Option<Tls>, CliError> {
    match (&args.tls_cert, &args.tls_key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            let loaded = Tls::load(certificate, key);
            loaded.map(Some).map_err(|why| refused(why.to_string()))
        }
        (Some(_), None) => Err(refused("a certificate is named, and no key for it".into())),
        (None, Some(_)) => Err(refused("a key is named, and no certificate for it".into())),
    }
}

/// Has a server that speaks TLS prove itself with what is in the files now.
pub(super) fn reload(tls: Option<&Tls>, args: &ServeArgs) -> Result<(), CliError> {
    match (tls, &args.tls_cert, &args.tls_key) {
        (Some(tls), Some(certificate), Some(key)) => tls
            .reload(certificate, key)
            .map_err(|why| refused(why.to_string())),
        (None, None, None) => Ok(()),
        _ => Err(refused(
            "whether a server speaks TLS changes with its next start".into(),
        )),
    }
}
