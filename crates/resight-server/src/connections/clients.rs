//! Requests in progress of clients behind a trusted proxy, which share the proxy's connections.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use super::table::Source;

/// The number of requests in progress of each client.
#[derive(Default)]
pub(super) struct Clients(Mutex<HashMap<Source, usize>>);

impl Clients {
    /// Counts a request of `client` until the returned value is dropped; `None` where it has `most`.
    pub(super) fn begin(self: &Arc<Self>, client: IpAddr, most: usize) -> Option<Counted> {
        let source = Source::of(client);
        if source == Source::Here {
            return Some(Counted::nobody());
        }
        let mut counts = self.0.lock();
        let count = counts.entry(source).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Counted(Some((self.clone(), source))))
    }
}

/// A request that is counted.
pub(super) struct Counted(Option<(Arc<Clients>, Source)>);

impl Counted {
    /// One that counts for nobody.
    pub(super) fn nobody() -> Self {
        Self(None)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some((clients, source)) = self.0.take() else {
            return;
        };
        let mut counts = clients.0.lock();
        if let Some(count) = counts.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_a_bound_of_its_own() {
        let clients = Arc::new(Clients::default());
        let [one, other] = ["203.0.113.9", "203.0.113.10"].map(|ip| ip.parse().unwrap());
        let first = clients.begin(one, 2);
        let _second = clients.begin(one, 2);
        assert!(clients.begin(one, 2).is_none());
        assert!(clients.begin(other, 2).is_some());
        drop(first);
        assert!(clients.begin(one, 2).is_some());
        assert_eq!(clients.0.lock().len(), 1);
    }
}
