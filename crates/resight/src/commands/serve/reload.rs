//! SIGHUP: the configuration is read again while the server runs.
//!
//! Invariant: a configuration with a mistake changes nothing. It is read and checked on a thread of its own: its folders may
//! be on a drive that does not answer, and the server goes on meanwhile.

use std::net::SocketAddr;
use std::sync::Arc;

use resight_app::config::Settings;
use resight_server::{Live, Tls};

use super::args::{ServeArgs, changeable};
use super::certificate::Identity;
use super::checking;
use crate::arguments::SharedArgs;
use crate::configuration::{Effective, reference};
use crate::error::CliError;

/// Reads the configuration again.
pub(crate) type ReadAgain = Arc<dyn Fn() -> Result<Again, CliError> + Send + Sync>;

/// The configuration that a server begins with, and a way to read it again.
pub(crate) struct Reread<'a> {
    pub(crate) began: &'a Effective,
    pub(crate) settings: Settings,
    pub(crate) again: ReadAgain,
    /// Has the log follow.
    pub(crate) log: &'a dyn Fn(&SharedArgs),
}

/// A configuration that was read again.
pub(crate) struct Again {
    pub(crate) args: ServeArgs,
    pub(crate) shared: SharedArgs,
    pub(crate) effective: Effective,
}

/// A configuration that was read again and checked, with its certificate.
pub(super) type CheckedAgain = Result<(Again, Identity), CliError>;

/// What is needed to have a server follow its configuration.
pub(super) struct Reloading<'a> {
    reread: &'a Reread<'a>,
    /// What holds now.
    effective: Effective,
    address: SocketAddr,
    live: Live,
    tls: Option<Tls>,
}

impl<'a> Reloading<'a> {
    /// For a server that listens at `address`.
    pub(super) fn new(
        reread: &'a Reread<'a>,
        address: SocketAddr,
        (live, tls): (Live, Option<Tls>),
    ) -> Self {
        Self {
            reread,
            effective: reread.began.clone(),
            address,
            live,
            tls,
        }
    }

    /// The configuration as it is now, with the certificate; an error has all that a start would be refused for. Waits for
    /// files and names of machines.
    pub(super) fn reader(&self) -> impl FnOnce() -> CheckedAgain + Send + use<> {
        let again = self.reread.again.clone();
        move || {
            let again = again()?;
            let checked = checking::check(&again.args, again.shared.settings());
            let checked =
                checked.map_err(|refused| checking::refusal(refused, &again.effective))?;
            Ok((again, checked.identity))
        }
    }

    /// Changes what can change, and names in the log what cannot.
    pub(super) fn adopt(&mut self, checked: CheckedAgain) {
        let (again, identity) = match checked {
            Ok(checked) => checked,
            Err(error) => {
                tracing::error!(%error, "the configuration stays as it was");
                return;
            }
        };
        let Again {
            args,
            shared,
            effective,
        } = again;
        let changed = effective.changed(&self.effective);
        let (at_once, later): (Vec<_>, Vec<_>) = changed
            .into_iter()
            .partition(|one| reference::changes_live(one));
        for setting in &later {
            tracing::warn!(
                option = setting.name(),
                "changes with the next start of the server"
            );
        }
        let names: Vec<String> = at_once.iter().map(|one| one.name()).collect();
        // Its files may have others in them under the same names.
        if let Err(error) = identity.exchange(self.tls.as_ref()) {
            tracing::error!(%error, "the configuration stays as it was");
            return;
        }
        (self.reread.log)(&shared);
        self.live.change(changeable(&args, self.address));
        tracing::warn!(
            changed = names.join(", "),
            "the configuration was read again"
        );
        // What waits for a restart is named again the next time.
        self.effective.adopt(&effective, reference::changes_live);
    }
}
