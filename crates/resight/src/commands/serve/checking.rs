//! What `serve` refuses of its configuration, all of it at once: before it starts, at SIGHUP, and for
//! `resight config check`.
//!
//! Invariant: nothing is started, made or changed, so that a server may run meanwhile with the same configuration.
//! [`check_stored`] opens the data folder, for `resight config check` alone: a start opens it anyway, and at SIGHUP the
//! server has it open.

use std::net::SocketAddr;

use resight_app::Code;
use resight_app::checks::{self, Subject};
use resight_app::config::{Config, Settings};
use resight_app::keys::Keys;
use resight_app::quarantine;
use resight_server::{BasePath, Policy, TrustedProxies};
use resight_store::CollectionName;

use super::args::ServeArgs;
use super::certificate::{self, Identity};
use super::listening;
use crate::commands::index::check_folders;
use crate::configuration::Effective;
use crate::configuration::problem::Problem;
use crate::error::CliError;

/// What was made of a configuration that can be served by.
pub(crate) struct Checked {
    pub(super) base_path: BasePath,
    pub(super) trusted_proxies: TrustedProxies,
    pub(super) identity: Identity,
}

/// Something that `serve` refuses.
pub(crate) struct Refused {
    /// The options that it is about.
    options: &'static [&'static str],
    error: CliError,
}

impl Refused {
    /// The same with the place where the option is set.
    pub(crate) fn within(self, effective: &Effective) -> Problem {
        Problem::of_error(effective.place(self.options), &self.error)
    }

    fn of_settings(error: CliError) -> Vec<Self> {
        let options = &["data", "models"];
        vec![Self { options, error }]
    }
}

/// The error of a start that was refused: one problem as it is, several with the places of all.
pub(super) fn refusal(mut refused: Vec<Refused>, effective: &Effective) -> CliError {
    if refused.len() == 1
        && let Some(only) = refused.pop()
    {
        return only.error;
    }
    let code = refused
        .first()
        .map_or(Code::BadConfig, |one| one.error.code());
    let problems = refused
        .into_iter()
        .map(|one| one.within(effective).to_string());
    CliError::Usage {
        code,
        detail: problems.collect::<Vec<_>>().join("\n"),
        next_step: Code::BadConfig.next_step().into(),
    }
}

/// Judges all that can be judged before a server starts.
pub(crate) fn check(args: &ServeArgs, settings: Settings) -> Result<Checked, Vec<Refused>> {
    let config = Config::new(settings).map_err(|error| Refused::of_settings(error.into()))?;
    let config = config.with_quarantine(args.jobs.quarantine.as_deref());
    let mut wrong = Vec::new();
    let mut note = |options, error| wrong.push(Refused { options, error });
    for dir in &args.dirs {
        if let Err(error) = check_folders(std::slice::from_ref(dir), &config) {
            note(&["folders"], error);
        }
    }
    for (subject, error) in checks::all(&config, &args.plugins.settings()) {
        note(options_of(subject), error.into());
    }
    if let Err(error) = args.patterns.patterns() {
        note(&["exclude", "include"], error);
    }
    if let Some(folder) = &args.jobs.quarantine
        && let Err(error) = quarantine::check_folder(folder, &config)
    {
        note(&["quarantine"], error.into());
    }
    if let Err(error) = fetching(args) {
        note(&["allow_fetch_port"], error);
    }
    let base_path = base_path(args).map_err(|error| note(&["base_path"], error));
    let trusted = trusted_proxies(args).map_err(|error| note(&["trusted_proxy"], error));
    let identity = certificate::load(args);
    let identity = identity.map_err(|error| note(&["tls_cert", "tls_key", "acme_domain"], error));
    match listening::address_of(&args.listen) {
        Err(error) => note(&["listen"], error),
        Ok(address) => {
            let is_behind_proxy = !args.trusted_proxy.is_empty();
            let keys = Keys::open(&config.root).map_err(CliError::from);
            let policy = keys.and_then(|keys| policy(args, address, is_behind_proxy, &keys));
            if let Err(error) = policy {
                note(&["listen", "require_keys", "trusted_proxy"], error);
            }
        }
    }
    match (base_path, trusted, identity) {
        (Ok(base_path), Ok(trusted_proxies), Ok(identity)) if wrong.is_empty() => Ok(Checked {
            base_path,
            trusted_proxies,
            identity,
        }),
        _ => Err(wrong),
    }
}

/// What `serve` refuses of what the data folder has, which is read and not changed.
pub(crate) fn check_stored(args: &ServeArgs, settings: Settings) -> Vec<Refused> {
    let Ok(config) = Config::new(settings) else {
        // Told by `check`.
        return Vec::new();
    };
    // Whichever collection is indexed into, the default one is opened at the start.
    let config = config.of_collection(&CollectionName::default());
    let config = config.with_quarantine(args.jobs.quarantine.as_deref());
    let wrong = checks::stored(&config, &args.plugins.settings()).into_iter();
    let refused = wrong.map(|(subject, error)| Refused {
        options: options_of(subject),
        error: error.into(),
    });
    refused.collect()
}

fn options_of(subject: Subject) -> &'static [&'static str] {
    match subject {
        Subject::Decoding => &["decode_in"],
        Subject::Videos => &["ffmpeg"],
        Subject::DataFolder => &["data"],
        Subject::Quarantine => &["quarantine"],
        Subject::Vocabulary => &["vocabulary"],
        Subject::Models => &["with_models"],
        Subject::Plugins => &["plugin"],
        Subject::Extractor => &["extractor"],
    }
}

/// When keys are asked for. Fails where others than this machine could reach a server that has none.
pub(super) fn policy(
    args: &ServeArgs,
    address: SocketAddr,
    is_behind_proxy: bool,
    keys: &Keys,
) -> Result<Policy, CliError> {
    if args.open {
        return Ok(Policy::Open);
    }
    // Behind a proxy others reach this machine's own address too.
    if address.ip().is_loopback() && !is_behind_proxy && !args.require_keys {
        return Ok(Policy::OncePresent);
    }
    if keys.is_empty()? {
        return Err(CliError::Usage {
            code: Code::KeysNeeded,
            detail: format!("there is no API key, and {address} would serve everyone who reaches it, or the proxy before it"),
            next_step: "Make a key with `resight keys create me --scope admin`, in the same data folder; or serve everyone with --open.".into(),
        });
    }
    Ok(Policy::Always)
}

/// Refuses ports to fetch from where nothing is fetched.
fn fetching(args: &ServeArgs) -> Result<(), CliError> {
    if args.allow_fetch || args.allow_fetch_port.is_empty() {
        return Ok(());
    }
    Err(CliError::Usage {
        code: Code::Usage,
        detail: "ports to fetch pictures from are named, and fetching is not allowed".into(),
        next_step: "Give --allow-fetch as well, or leave out --allow-fetch-port.".into(),
    })
}

fn base_path(args: &ServeArgs) -> Result<BasePath, CliError> {
    let text = args.base_path.clone().unwrap_or_default();
    text.parse().map_err(|why| CliError::Usage {
        code: Code::BasePath,
        detail: format!("{text:?} cannot be the base path: {why}"),
        next_step: "Write it as in --base-path /photos.".into(),
    })
}

fn trusted_proxies(args: &ServeArgs) -> Result<TrustedProxies, CliError> {
    TrustedProxies::parse(&args.trusted_proxy).map_err(|wrong| CliError::Usage {
        code: Code::TrustedProxy,
        detail: format!("{wrong:?} is neither a network nor an address"),
        next_step: "Write it as in --trusted-proxy 127.0.0.1 or --trusted-proxy 10.0.0.0/8.".into(),
    })
}
