//! What a server is begun with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use resight_app::answers::Answers;
use resight_app::collections::Collections;
use resight_app::cursor_key::CursorKey;
use resight_app::plugins::Plugins;
use resight_app::quarantine::Quarantine;
use resight_engine::DecodeLimits;

use crate::access::policy::AccessSettings;
use crate::base_path::BasePath;
use crate::compat::interface::Interface;
use crate::connections::Tls;
use crate::downloads::limits::DownloadLimits;
use crate::fetch::FetchSettings;
use crate::jobs::served::JobsServed;
use crate::live::Live;
use crate::proxy::TrustedProxies;
use crate::webhooks::served::WebhookSettings;

/// How the server is to behave.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// How many pictures are described or searched for at once, at least 1.
    pub concurrency: usize,
    /// How many such requests may wait; further ones are answered `busy`.
    pub queue: usize,
    /// The largest picture taken, in bytes: give the engine's own limit.
    pub max_picture_bytes: u64,
    /// How long the next part of a body may be awaited; a client that stops sending for longer is
    /// answered `upload_too_slow`.
    pub upload_idle: Duration,
    /// Bytes a second that a body must have on average, once [`HttpSettings::upload_idle`] is over; a slower
    /// one is answered `upload_too_slow`.
    pub upload_rate: u64,
    /// Who may ask, and over how many connections: it can change while the server runs.
    pub live: Live,
    /// What the server proves itself with; `None` where it speaks without TLS.
    pub tls: Option<Tls>,
    /// How long requests in progress may take after the shutdown began.
    pub grace: Duration,
    /// Whose functions are served.
    pub plugins: Plugins,
    /// The collections beside the default one.
    pub collections: Collections,
    /// Keys, and when they are asked for.
    pub access: AccessSettings,
    /// What all addresses begin with.
    pub base_path: BasePath,
    /// The proxies that say for whom and under which address they ask.
    pub trusted_proxies: TrustedProxies,
    /// Answers to requests with an `Idempotency-Key`.
    pub answers: Answers,
    /// What cursors of lists are sealed with; `None` for one that ends with the server.
    pub cursor_key: Option<CursorKey>,
    /// What one download of many pictures may have.
    pub downloads: DownloadLimits,
    /// From where pictures are fetched that requests name by an address; `None` for from nowhere.
    pub fetch: Option<FetchSettings>,
    /// Where archives that are sent lie while they are read; `None` for the system's folder for temporary files.
    pub spool: Option<PathBuf>,
    /// Addresses that are told of jobs that have ended; `None` for none.
    pub webhooks: Option<WebhookSettings>,
    /// Jobs and registered folders; `None` where there is no data folder, as in tests.
    pub jobs: Option<Arc<JobsServed>>,
    /// Where files of duplicates may be moved; `None` leaves all files where they are.
    pub quarantine: Option<Quarantine>,
    /// Whether pictures are served to viewers of the IIIF, whose pages may be of any site.
    pub iiif: bool,
    /// Interfaces of other services that are served as well.
    pub interfaces: Vec<Interface>,
}

impl Default for HttpSettings {
    /// One picture at a time for each core, 64 waiting, the engine's default size limit, 15 seconds for the next
    /// part of a body and 1 KiB a second, 30 seconds of grace.
    fn default() -> Self {
        Self {
            concurrency: std::thread::available_parallelism().map_or(1, usize::from),
            queue: 64,
            max_picture_bytes: DecodeLimits::default().max_bytes,
            upload_idle: Duration::from_secs(15),
            upload_rate: 1024,
            live: Live::default(),
            tls: None,
            grace: Duration::from_secs(30),
            plugins: Plugins::default(),
            collections: Collections::default(),
            access: AccessSettings::default(),
            base_path: BasePath::default(),
            trusted_proxies: TrustedProxies::default(),
            answers: Answers::default(),
            cursor_key: None,
            downloads: DownloadLimits::default(),
            fetch: None,
            spool: None,
            webhooks: None,
            jobs: None,
            quarantine: None,
            iiif: false,
            interfaces: Vec::new(),
        }
    }
}
