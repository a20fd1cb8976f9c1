//! Pictures fetched by an address that a request names.
//!
//! Invariant: a connection is made to an address that was checked, and to no other one: a name is resolved once for
//! each request that is sent, and redirects are checked as the first address is.
//! Invariant: no proxy, cookie or password is used, and nothing is decompressed.

mod address;
mod connection;
mod messenger;
mod target;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use ipnet::IpNet;
use resight_app::Code;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::intake::Bounds;
use super::problem::Problem;
#[cfg(feature = "acme")]
pub(crate) use connection::client_config;
use connection::{Reply, Tls};
pub(crate) use messenger::{Messenger, check_address};
use target::Target;
#[cfg(any(test, fuzzing))]
pub use target::address;

/// The most redirects.
const MOST_REDIRECTS: usize = 5;
/// The longest that a fetch may take in all.
const PATIENCE: Duration = Duration::from_secs(60);
/// Fetches at once, and how long one waits for a place.
const PLACES: usize = 8;
const WAIT: Duration = Duration::from_secs(30);
/// Addresses of a name that are tried.
const TRIED: usize = 4;

/// Finds the addresses of a name; may block.
pub trait Resolve: Send + Sync + fmt::Debug {
    /// The addresses of `host`.
    ///
    /// # Errors
    /// Where there are none.
    fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's way to find addresses.
#[derive(Debug)]
struct System;

impl Resolve for System {
    fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = (host, 0).to_socket_addrs()?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// From where pictures may be fetched.
#[derive(Clone, Debug)]
pub struct FetchSettings {
    ports: Vec<u16>,
    resolver: Arc<dyn Resolve>,
    /// Networks that are fetched from although they are not public.
    beside: Vec<IpNet>,
    /// Whether these are asked at any port.
    any_port_beside: bool,
    patience: Duration,
}

impl FetchSettings {
    /// From all public addresses, at the ports 80, 443 and these.
    pub fn public(more_ports: &[u16]) -> Self {
        Self {
            ports: [&[80, 443], more_ports].concat(),
            resolver: Arc::new(System),
            beside: Vec::new(),
            any_port_beside: false,
            patience: PATIENCE,
        }
    }

    /// And from these networks, at any port.
    #[must_use]
    pub fn with_networks(self, networks: &[IpNet]) -> Self {
        Self {
            beside: networks.to_vec(),
            any_port_beside: !networks.is_empty(),
            ..self
        }
    }

    /// With names resolved by `resolver`, from the networks `beside` as well, and within `patience`: for tests,
    /// whose servers are on this machine.
    #[must_use]
    pub fn resolved_by(
        self,
        resolver: Arc<dyn Resolve>,
        beside: &[IpNet],
        patience: Duration,
    ) -> Self {
        Self {
            resolver,
            beside: beside.to_vec(),
            patience,
            ..self
        }
    }
}

/// Fetches pictures; clones share the number of fetches at once.
#[derive(Clone)]
pub(crate) struct Fetcher {
    settings: Option<FetchSettings>,
    places: Arc<Semaphore>,
    tls: Tls,
}

/// A picture that was fetched.
pub(crate) struct Fetched {
    pub(crate) bytes: Bytes,
    /// The last name of its address.
    pub(crate) name: String,
}

impl Fetcher {
    /// Without settings nothing is fetched.
    pub(crate) fn new(settings: Option<FetchSettings>) -> Self {
        Self {
            settings,
            places: Arc::new(Semaphore::new(PLACES)),
            tls: Tls::default(),
        }
    }

    /// Fetches a file of at most as many bytes as bodies may have.
    pub(crate) async fn fetch(&self, text: &str, bounds: &Bounds) -> Result<Fetched, Problem> {
        let Some(settings) = &self.settings else {
            let detail = "This server does not fetch addresses that requests name.";
            return Err(Problem::new(Code::FetchNotAllowed, detail));
        };
        let target = Target::parse(text)?;
        let place = timeout(WAIT, self.places.acquire()).await;
        let Ok(Ok(_place)) = place else {
            return Err(Problem::new(
                Code::Busy,
                "All places for fetching are taken.",
            ));
        };
        let fetching = self.follow(settings, target, bounds);
        match timeout(settings.patience, fetching).await {
            Ok(fetched) => fetched,
            Err(_) => {
                let seconds = settings.patience.as_secs_f64();
                let detail = format!("The picture was not there within {seconds} seconds.");
                Err(Problem::new(Code::FetchTooSlow, detail))
            }
        }
    }

    async fn follow(
        &self,
        settings: &FetchSettings,
        mut target: Target,
        bounds: &Bounds,
    ) -> Result<Fetched, Problem> {
        for _ in 0..=MOST_REDIRECTS {
            let addresses = settings.addresses(&target).await?;
            match connection::get(&target, &addresses, &self.tls, bounds).await? {
                Reply::File(bytes) => {
                    let name = target.name().to_owned();
                    return Ok(Fetched { bytes, name });
                }
                Reply::Redirect(location) => target = target.redirected(&location)?,
            }
        }
        let detail = format!("The address was redirected more than {MOST_REDIRECTS} times.");
        Err(Problem::new(Code::FetchTooManyRedirects, detail))
    }
}

impl FetchSettings {
    /// The addresses of a target that may be connected to.
    async fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, Problem> {
        let port = target.port;
        let is_usual = self.ports.contains(&port);
        if !is_usual && !self.any_port_beside {
            let detail = format!("Nothing is fetched from port {port}.");
            return Err(Problem::new(Code::FetchForbiddenAddress, detail));
        }
        let (resolver, host) = (self.resolver.clone(), target.host.clone());
        let found = tokio::task::spawn_blocking(move || resolver.resolve(&host)).await;
        let found = found.map_err(|error| Problem::internal(&error))?;
        let found = found.map_err(|_| {
            let detail = format!("No address of {} was found.", target.host);
            Problem::new(Code::FetchFailed, detail)
        })?;
        let is_allowed = |address: &IpAddr| {
            let is_beside = self.beside.iter().any(|net| net.contains(address));
            is_usual && address::is_public(*address)
                || is_beside && (is_usual || self.any_port_beside)
        };
        let allowed = found.into_iter().filter(is_allowed).take(TRIED);
        let allowed: Vec<SocketAddr> = allowed.map(|ip| SocketAddr::new(ip, port)).collect();
        if allowed.is_empty() {
            // Not which address it has: that would tell what names mean within the server's network.
            let detail = format!("{} has no public address.", target.host);
            return Err(Problem::new(Code::FetchForbiddenAddress, detail));
        }
        Ok(allowed)
    }
}
