//! The options of `resight serve`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use resight_app::scrub::DEFAULT_RATE;
use resight_server::{Changeable, ConnectionLimits, Interface};

use crate::arguments::{PatternArgs, PluginArgs};
use crate::commands::served_jobs::JobArgs;

const SHORT_EXAMPLES: &str = "\
Examples:
  resight serve ~/Pictures             serve, and index what is new meanwhile
  resight serve --help                 all options, and more examples";

const EXAMPLES: &str = "\
Examples:
  resight serve                        what is indexed already, and registered folders
  resight serve ~/Pictures             serve, and index what is new meanwhile
  resight serve --listen 127.0.0.1:0   any free port
  resight keys create me --scope admin && resight serve --listen 0.0.0.0:7777
  resight serve --listen 192.168.1.5:7777 --allow-host nas.local --open
  resight serve --base-path /photos --trusted-proxy 127.0.0.1 --allow-host pics.example
  resight serve ~/Pictures --model sscd
  resight serve ~/Pictures --plugin my_algorithm.py --workers 2 --watch

Folders that are named are registered: the next `resight serve` indexes them too (`resight folders`).
Ctrl-C stops cleanly; what is indexed by then is kept, and the rest goes on at the next start. A second Ctrl-C stops
at once.";

/// Serve the web page and the HTTP API, and index folders meanwhile
#[derive(Debug, clap::Args)]
#[command(after_help = SHORT_EXAMPLES, after_long_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    /// Folders of pictures to register and to index, with their subfolders
    #[arg(id = "folders", value_name = "DIR")]
    pub(super) dirs: Vec<PathBuf>,
    /// Address and port to listen at
    #[arg(long, default_value = "127.0.0.1:7777", value_name = "ADDRESS")]
    pub(super) listen: String,
    /// A further name by which clients may call this server; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(super) allow_host: Vec<String>,
    /// Ask nobody for a key: everyone who reaches the address can see, add and remove pictures
    #[arg(long, conflicts_with = "require_keys")]
    pub(super) open: bool,
    /// Ask for keys on this machine's own address too, also while there are none
    #[arg(long, hide_short_help = true)]
    pub(super) require_keys: bool,
    /// The certificate of this server, to speak HTTPS: a PEM file with those that signed it after it
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    pub(super) tls_cert: Option<PathBuf>,
    /// The key of that certificate: a PEM file without a password
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    pub(super) tls_key: Option<PathBuf>,
    /// A name of this server for which it obtains a certificate by itself, to speak HTTPS at port 443; may be given several
    /// times. Needs a program that was built with ACME
    #[arg(
        long,
        hide_short_help = true,
        value_name = "DOMAIN",
        value_delimiter = ','
    )]
    pub(super) acme_domain: Vec<String>,
    /// An address of electronic mail to which the authority writes; may be given several times
    #[arg(
        long,
        hide_short_help = true,
        value_name = "MAIL",
        value_delimiter = ','
    )]
    pub(super) acme_contact: Vec<String>,
    /// The authority's directory; using it agrees to its terms
    #[arg(
        long,
        hide_short_help = true,
        value_name = "URL",
        default_value = "https://acme-v02.api.letsencrypt.org/directory"
    )]
    pub(super) acme_directory: String,
    /// Let pages of this origin use the API by a key, as in https://pictures.example; may be given several times
    #[arg(long, hide_short_help = true, value_name = "ORIGIN", value_parser = origin)]
    pub(super) cors_origin: Vec<String>,
    /// Serve pictures to IIIF viewers of any site, below /iiif
    #[arg(long, hide_short_help = true)]
    pub(super) iiif: bool,
    /// Serve the interface of another service as well: match, pastec or origin; may be given several times
    #[arg(
        long,
        hide_short_help = true,
        value_name = "NAME",
        value_delimiter = ','
    )]
    pub(super) compat: Vec<Interface>,
    /// Fetch pictures from public addresses that requests name
    #[arg(long, hide_short_help = true)]
    pub(super) allow_fetch: bool,
    /// A port that pictures may be fetched from, beside 80 and 443; may be given several times
    #[arg(long, hide_short_help = true, value_name = "PORT")]
    pub(super) allow_fetch_port: Vec<u16>,
    /// What all addresses begin with behind a reverse proxy, such as /photos [env: RESIGHT_BASE_PATH]
    #[arg(long, hide_short_help = true, value_name = "PATH")]
    pub(super) base_path: Option<String>,
    /// A proxy, or a network of proxies, whose X-Forwarded-* headers count; may be given several times
    /// [env: RESIGHT_TRUSTED_PROXY, separated by commas]
    #[arg(
        long,
        hide_short_help = true,
        value_name = "CIDR",
        value_delimiter = ','
    )]
    pub(super) trusted_proxy: Vec<String>,
    /// A network beside the public internet that webhooks may be in, at any port, as in 10.0.0.0/8; may be given several times
    #[arg(long, hide_short_help = true, value_name = "CIDR", value_parser = network)]
    pub(super) webhook_network: Vec<IpNet>,
    /// The most connections, 8 to 1024 [default: by the limit of open files]
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = clap::value_parser!(u32).range(8..=1024))]
    pub(super) max_connections: Option<u32>,
    /// The most connections of one address [default: a quarter of all]
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) max_connections_per_address: Option<u32>,
    /// The most pictures whose files are sent as one ZIP file, 1 to 100000
    #[arg(long, hide_short_help = true, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) download_files: u32,
    /// The most MiB of their files
    #[arg(long, hide_short_help = true, value_name = "MIB", default_value_t = 10_240, value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    pub(super) download_size: u32,
    /// How long requests in progress may take after the stop
    #[arg(long, hide_short_help = true, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub(super) grace: Duration,
    /// Forget pictures whose files are gone, and those without labels whose files are left out now
    #[arg(long)]
    pub(super) prune: bool,
    #[command(flatten)]
    pub(super) patterns: PatternArgs,
    /// KiB a second that are read in the background to find damaged files and rows; 0 reads nothing
    #[arg(long, hide_short_help = true, value_name = "KIB", default_value_t = DEFAULT_RATE >> 10, value_parser = clap::value_parser!(u64).range(..=1 << 22))]
    pub(super) scrub_rate: u64,
    #[command(flatten)]
    pub(super) jobs: JobArgs,
    #[command(flatten)]
    pub(super) plugins: PluginArgs,
    /// Load a plug-in again when its file changes
    #[arg(long, help_heading = "Plug-ins")]
    pub(super) watch: bool,
}

/// What can change while the server runs.
pub(super) fn changeable(args: &ServeArgs, address: SocketAddr) -> Changeable {
    // A page elsewhere can point a name of its own at a loopback address and have the browser
    // call us; such calls carry that name. Others on the network may use any name, unless told.
    let guarded = address.ip().is_loopback() || !args.allow_host.is_empty();
    let mut connections = ConnectionLimits::default();
    if let Some(total) = args.max_connections {
        connections = connections.of_total(total as usize);
    }
    if let Some(most) = args.max_connections_per_address {
        connections.per_address = most as usize;
    }
    Changeable {
        allowed_hosts: guarded.then(|| args.allow_host.clone()),
        origins: args.cors_origin.clone(),
        connections,
    }
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse::<IpNet>();
    let network = network.or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network
        .map_err(|_| "a network is written as in 10.0.0.0/8, an address as in 10.0.0.5".to_owned())
}

/// An origin as browsers send it: a scheme, a name and perhaps a port.
fn origin(text: &str) -> Result<String, String> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(['/', '?', '#', '*', '@', ' ']) => {
            Ok(text.to_ascii_lowercase())
        }
        _ => Err("an origin has a scheme, a name and perhaps a port, as in https://pictures.example:8443".into()),
    }
}
