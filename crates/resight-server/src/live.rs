//! What can change while the server runs.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use crate::connections::ConnectionLimits;

/// The settings that can change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changeable {
    /// Host names that the server answers to, beside `localhost` and the loopback addresses; `None`
    /// for every name. Keep `Some` when bound to a loopback address: it keeps other sites out.
    pub allowed_hosts: Option<Vec<String>>,
    /// Origins such as `https://pictures.example` whose pages may use the API, by a key.
    pub origins: Vec<String>,
    /// How many connections there may be, and how long they may do nothing. Open ones keep their times.
    pub connections: ConnectionLimits,
}

impl Default for Changeable {
    /// Loopback names only, no other page, as many connections as the limit of open files suggests.
    fn default() -> Self {
        Self {
            allowed_hosts: Some(Vec::new()),
            origins: Vec::new(),
            connections: ConnectionLimits::default(),
        }
    }
}

/// [`Changeable`] as it is now. Clones share it.
#[derive(Clone, Debug)]
pub struct Live(Arc<ArcSwap<Changeable>>);

impl Live {
    /// Begins with `settings`.
    pub fn new(settings: Changeable) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(settings)))
    }

    /// Requests and connections that begin from now on meet `settings`.
    pub fn change(&self, settings: Changeable) {
        self.0.store(Arc::new(settings));
    }

    /// Keep it for a moment only.
    pub(crate) fn now(&self) -> Guard<Arc<Changeable>> {
        self.0.load()
    }

    /// Whether a page of this origin may use the API.
    pub(crate) fn lists(&self, origin: &[u8]) -> bool {
        let now = self.now();
        let mut listed = now.origins.iter();
        listed.any(|one| one.as_bytes().eq_ignore_ascii_case(origin))
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new(Changeable::default())
    }
}

impl From<ConnectionLimits> for Live {
    fn from(connections: ConnectionLimits) -> Self {
        Self::new(Changeable {
            connections,
            ..Changeable::default()
        })
    }
}
