//! Webhooks of a data folder, and what became of their messages.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use resight_app::Code;
use resight_app::webhooks::Webhooks;

use crate::fetch::FetchSettings;
use crate::problem::Problem;

/// Webhooks of a data folder, and where they may be.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// The addresses.
    pub hooks: Arc<Webhooks>,
    /// How names are resolved, and which networks beside the public internet may be told.
    pub targets: FetchSettings,
    /// How long after a failure a message is sent again; then four times as long each time.
    pub first_wait: Duration,
}

impl WebhookSettings {
    /// To public addresses, and to any port of `networks`.
    pub fn new(hooks: Webhooks, networks: &[IpNet]) -> Self {
        Self {
            hooks: Arc::new(hooks),
            targets: FetchSettings::public(&[]).with_networks(networks),
            first_wait: Duration::from_secs(5),
        }
    }
}

/// What became of messages.
#[derive(Clone, Default)]
pub(crate) struct Counters {
    pub(super) delivered: Counter,
    pub(super) failed: Counter,
    pub(super) given_up: Counter,
}

/// What handlers and the delivery share; without settings there are no webhooks.
#[derive(Clone, Default)]
pub(crate) struct Served {
    pub(super) settings: Option<WebhookSettings>,
    pub(super) counters: Counters,
}

impl Served {
    pub(crate) fn new(settings: Option<WebhookSettings>) -> Self {
        Self {
            settings,
            counters: Counters::default(),
        }
    }

    pub(super) fn hooks(&self) -> Result<Arc<Webhooks>, Problem> {
        let hooks = self
            .settings
            .as_ref()
            .map(|settings| settings.hooks.clone());
        hooks.ok_or_else(|| Problem::new(Code::UnknownRoute, "This server has no webhooks."))
    }

    /// Which addresses may be told.
    pub(super) fn targets(&self) -> Result<&FetchSettings, Problem> {
        let settings = self.settings.as_ref().map(|settings| &settings.targets);
        settings.ok_or_else(|| Problem::new(Code::UnknownRoute, "This server has no webhooks."))
    }

    /// Adds what a monitor reads of them.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let Some(settings) = &self.settings else {
            return;
        };
        let number = i64::try_from(settings.hooks.list().len()).unwrap_or(i64::MAX);
        let registered = Gauge::<i64>::default();
        registered.set(number);
        registry.register(
            "resight_webhooks",
            "Addresses that are told of jobs",
            registered,
        );
        for (name, what, counter) in [
            (
                "delivered",
                "Messages that an address took",
                &self.counters.delivered,
            ),
            ("failed", "Attempts that failed", &self.counters.failed),
            (
                "given_up",
                "Messages that no attempt delivered",
                &self.counters.given_up,
            ),
        ] {
            registry.register(
                format!("resight_webhook_messages_{name}"),
                what,
                counter.clone(),
            );
        }
    }
}
