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

/// Has a server that speaks TLS prove itself with what was loaded now.
pub(super) fn exchange(tls: Option<&Tls>, loaded: Option<&Tls>) -> Result<(), CliError> {
    match (tls, loaded) {
        (Some(tls), Some(loaded)) => {
            tls.replace(loaded);
            Ok(())
        }
        (None, None) => Ok(()),
        _ => Err(refused(
            "whether a server speaks TLS changes with its next start".into(),
        )),
    }
}
