//! Messages sent to addresses that somebody named, by the rules of fetching.

use std::net::IpAddr;

use axum::http::{HeaderName, HeaderValue, Request, header};

use super::FetchSettings;
use super::connection::{self, Tls};
use super::target::Target;
use crate::problem::Problem;

/// Sends messages; clones share the system's certificates.
#[derive(Clone)]
pub(crate) struct Messenger {
    settings: FetchSettings,
    tls: Tls,
}

/// Refuses an address that cannot be one, and one whose host is written as numbers that may not be asked. Where a name
/// leads is looked at each time.
pub(crate) async fn check_address(text: &str, settings: &FetchSettings) -> Result<(), Problem> {
    let target = Target::parse(text)?;
    match target.host.parse::<IpAddr>() {
        Ok(_) => settings.addresses(&target).await.map(drop),
        Err(_) => Ok(()),
    }
}

impl Messenger {
    pub(crate) fn new(settings: FetchSettings) -> Self {
        Self {
            settings,
            tls: Tls::default(),
        }
    }

    /// Sends JSON to an address, follows no redirect, and gives the status of the answer; or says why there is none.
    pub(crate) async fn post(
        &self,
        address: &str,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    ) -> Result<u16, String> {
        let told = |problem: Problem| problem.detail().to_owned();
        let target = Target::parse(address).map_err(told)?;
        let addresses = self.settings.addresses(&target).await.map_err(told)?;
        let (path, host) = target.request();
        let mut request = Request::post(path)
            .header(header::HOST, host)
            .header(header::CONTENT_TYPE, "application/json")
            .header(
                header::USER_AGENT,
                concat!("resight/", env!("CARGO_PKG_VERSION")),
            );
        for (name, value) in headers {
            let value = HeaderValue::from_str(&value).map_err(|error| error.to_string())?;
            request = request.header(HeaderName::from_static(name), value);
        }
        let request = request
            .body(body.into())
            .map_err(|error| error.to_string())?;
        let status = connection::post(&target, &addresses, &self.tls, request).await;
        status.map(|status| status.as_u16()).map_err(told)
    }
}
