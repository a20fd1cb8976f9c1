//! SIGHUP: the configuration is read again while the server runs.
//!
//! Invariant: a configuration with a mistake changes nothing.

use std::net::SocketAddr;

use resight_server::{Live, Tls};

use super::args::{ServeArgs, changeable};
use super::certificate;
use crate::configuration::{Effective, reference};
use crate::error::CliError;

/// The configuration that a server begins with, and a way to read it again.
pub(crate) struct Reread<'a> {
    pub(crate) began: &'a Effective,
    /// The log follows by itself.
    pub(crate) again: &'a dyn Fn() -> Result<(ServeArgs, Effective), CliError>,
}

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

    /// Changes what can change, and names in the log what cannot.
    pub(super) fn reload(&mut self) {
        let (args, effective) = match (self.reread.again)() {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(%error, "the configuration stays as it was");
                return;
            }
        };
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
        // Its files may have others in them under the same names. It is the one part that can still fail.
        if let Err(error) = certificate::reload(self.tls.as_ref(), &args) {
            tracing::error!(%error, "hosts, origins, connections and the certificate stay as they were");
            return;
        }
        self.live.change(changeable(&args, self.address));
        tracing::warn!(
            changed = names.join(", "),
            "the configuration was read again"
        );
        // What waits for a restart is named again the next time.
        self.effective.adopt(&effective, reference::changes_live);
    }
}
