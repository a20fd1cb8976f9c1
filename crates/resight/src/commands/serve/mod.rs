//! `resight serve`.

mod certificate;
mod listening;
mod reload;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use resight_app::Code;
use resight_app::answers::Answers;
use resight_app::collections::Collections;
use resight_app::config::Config;
use resight_app::cursor_key::CursorKey;
use resight_app::data_folder;
use resight_app::keys::Keys;
use resight_app::plugins::Plugins;
use resight_app::scrub::DEFAULT_RATE;
use resight_app::webhooks::Webhooks;
use resight_engine::Library;
use resight_server::{
    self as http, AccessSettings, BasePath, Changeable, ConnectionLimits, FetchSettings,
    HttpSettings, Live, Policy, TrustedProxies, WebhookSettings,
};
use resight_store::CollectionName;
use resight_vision::ModelId;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::index::check_folders;
use super::served_jobs::{JobArgs, JobTeller, ServedJobs};
use super::train::open_for_writing;
use crate::arguments::{PatternArgs, PluginArgs};
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::output::{Output, counted};
use crate::service_manager;
use listening::listen;
use reload::Reloading;
pub(crate) use reload::Reread;

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

/// How often it is told how far jobs have come.
const TOLD_EACH: Duration = Duration::from_millis(500);
/// Requests that end this soon after the stop are not worth a remark.
const NOTICEABLE: Duration = Duration::from_millis(300);
/// How long work that cannot be broken off may hold the process once the server has ended. What it
/// would still write is either kept whole or not at all.
const LAST_WORK: Duration = Duration::from_secs(5);

/// Serve the web page and the HTTP API, and index folders meanwhile
#[derive(Debug, clap::Args)]
#[command(after_help = SHORT_EXAMPLES, after_long_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    /// Folders of pictures to register and to index, with their subfolders
    #[arg(id = "folders", value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Address and port to listen at
    #[arg(long, default_value = "127.0.0.1:7777", value_name = "ADDRESS")]
    listen: String,
    /// A further name by which clients may call this server; may be given several times
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Ask nobody for a key: everyone who reaches the address can see, add and remove pictures
    #[arg(long, conflicts_with = "require_keys")]
    open: bool,
    /// Ask for keys on this machine's own address too, also while there are none
    #[arg(long, hide_short_help = true)]
    require_keys: bool,
    /// The certificate of this server, to speak HTTPS: a PEM file with those that signed it after it
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The key of that certificate: a PEM file without a password
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Let pages of this origin use the API by a key, as in https://pictures.example; may be given several times
    #[arg(long, hide_short_help = true, value_name = "ORIGIN", value_parser = origin)]
    cors_origin: Vec<String>,
    /// Fetch pictures from public addresses that requests name
    #[arg(long, hide_short_help = true)]
    allow_fetch: bool,
    /// A port that pictures may be fetched from, beside 80 and 443; may be given several times
    #[arg(long, hide_short_help = true, value_name = "PORT")]
    allow_fetch_port: Vec<u16>,
    /// What all addresses begin with behind a reverse proxy, such as /photos [env: RESIGHT_BASE_PATH]
    #[arg(long, hide_short_help = true, value_name = "PATH")]
    base_path: Option<String>,
    /// A proxy, or a network of proxies, whose X-Forwarded-* headers count; may be given several times
    /// [env: RESIGHT_TRUSTED_PROXY, separated by commas]
    #[arg(
        long,
        hide_short_help = true,
        value_name = "CIDR",
        value_delimiter = ','
    )]
    trusted_proxy: Vec<String>,
    /// A network beside the public internet that webhooks may be in, at any port, as in 10.0.0.0/8; may be given several times
    #[arg(long, hide_short_help = true, value_name = "CIDR", value_parser = network)]
    webhook_network: Vec<IpNet>,
    /// Connections at most, 8 to 1024 [default: by the limit of open files]
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = clap::value_parser!(u32).range(8..=1024))]
    max_connections: Option<u32>,
    /// Connections of one address at most [default: a quarter of all]
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    max_connections_per_address: Option<u32>,
    /// How long requests in progress may take after the stop
    #[arg(long, hide_short_help = true, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    grace: Duration,
    /// Forget pictures whose files are gone, and those without labels whose files are left out now
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    patterns: PatternArgs,
    /// KiB a second that are read in the background to find damaged files and rows; 0 reads nothing
    #[arg(long, hide_short_help = true, value_name = "KIB", default_value_t = DEFAULT_RATE >> 10, value_parser = clap::value_parser!(u64).range(..=1 << 22))]
    scrub_rate: u64,
    #[command(flatten)]
    jobs: JobArgs,
    #[command(flatten)]
    plugins: PluginArgs,
    /// Load a plug-in again when its file changes
    #[arg(long, help_heading = "Plug-ins")]
    watch: bool,
}

/// `reread` gives the arguments again, by a configuration that has changed meanwhile.
pub(crate) fn run(
    args: &ServeArgs,
    config: &Config,
    reread: &Reread<'_>,
    output: &mut Output,
) -> Result<(), CliError> {
    check_folders(&args.dirs, config)?;
    check_fetching(args)?;
    let (base_path, trusted_proxies) = (base_path(args)?, trusted_proxies(args)?);
    let tls = certificate::load(args)?;
    let interrupt = Interrupt::listen_for_server()?;
    // Before the data folder is opened, so that a port in use fails at once.
    let (listener, address) = listen(&args.listen)?;
    let keys = Arc::new(Keys::open(&config.root)?);
    let policy = policy(args, address, !trusted_proxies.is_empty(), &keys)?;
    let plugins = Plugins::for_serving(&args.plugins.settings(), args.watch)?;
    // Whichever collection is indexed into, all are served.
    let all = config.of_collection(&CollectionName::default());
    let folder = open_for_writing(&args.dirs, &all, &plugins, &interrupt, output)?;
    let _converting = folder.convert_in_background(&all);
    let collections = Collections::beside(&folder, &all);
    collections.create(&config.collection)?;
    collections.remember_models(&config.collection, &config.with_models)?;
    let lease = collections.lease(&config.collection)?;
    args.patterns.patterns()?;
    let rules = args.patterns.rules(args.prune);
    let served = ServedJobs::begin(
        &args.jobs,
        &args.dirs,
        rules.as_ref(),
        (config, &folder),
        &collections,
    )?;
    let _looking = collections.find_duplicates_in_background();
    let _scrubbing = collections.scrub_in_background(args.scrub_rate << 10);
    let _embedding = folder.embed_in_background();
    let _recovering = folder.recover_in_background();
    collections.embed_in_background(&config.collection)?;
    warn_of_open(args, address, output);

    // What can fail is opened before `announce` says that the server serves.
    let (answers, cursor_key) = (Answers::open(&config.root)?, CursorKey::open(&config.root)?);
    let count = lease.count()?;
    drop(lease);
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{address}{base_path}");
    announce(&url, count, folder.library.model(), output)?;
    let settings = HttpSettings {
        plugins: plugins.clone(),
        collections,
        access: AccessSettings {
            keys: Some(keys),
            policy,
        },
        base_path,
        trusted_proxies,
        tls: tls.clone(),
        answers,
        spool: Some(config.root.clone()),
        cursor_key: Some(cursor_key),
        webhooks: Some(WebhookSettings::new(
            Webhooks::open(&config.root)?,
            &args.webhook_network,
        )),
        fetch: args
            .allow_fetch
            .then(|| FetchSettings::public(&args.allow_fetch_port)),
        jobs: Some(Arc::new(served.served.clone())),
        ..settings(args, &folder.library, config, address)
    };
    let runtime = runtime()?;
    let engine = folder.library.clone();
    let mut teller = JobTeller::new(served.served.jobs.clone());
    let ended = runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)
            .map_err(|error| failed("the port could not be taken over", &error))?;
        service_manager::is_ready(&url);
        let mut reloading = Reloading::new(reread, address, (settings.live.clone(), tls));
        serve(
            listener,
            engine,
            settings,
            interrupt,
            (&mut reloading, &mut teller),
            output,
        )
        .await;
        Ok::<_, CliError>(())
    });
    drop(teller);
    // Dropping it would wait for ever for a thread that hangs, on a dead network drive perhaps.
    runtime.shutdown_timeout(LAST_WORK);
    ended?;
    if !output.is_json() {
        output.remark("Stopped.");
    }
    Ok(())
}

fn runtime() -> Result<Runtime, CliError> {
    // Pictures and plug-ins have threads and processes of their own. With more threads than this
    // for connections, short requests spend their time waking each other's threads.
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().div_ceil(2));
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .map_err(|error| failed("the server could not be started", &error))
}

/// Says where what is served.
fn announce(url: &str, count: u64, model: &ModelId, output: &mut Output) -> Result<(), CliError> {
    if output.is_json() {
        return output.json(
            &json!({"event": "serving", "pictures": count, "url": url, "model": model.as_str()}),
        );
    }
    let pictures = counted(count, "picture", "pictures");
    let by = match data_folder::plugin_of(model) {
        Some(plugin) => format!(", described by the plug-in {plugin},"),
        None => String::new(),
    };
    output.line(format_args!("Resight is serving {pictures}{by} at {url}"))
}

fn warn_of_open(args: &ServeArgs, address: SocketAddr, output: &Output) {
    if args.open && !address.ip().is_loopback() {
        output.remark(format_args!(
            "warning: {address} can be reached from other machines, and --open asks nobody for a key: all that reach it can see, add and remove pictures"
        ));
    }
}

/// When keys are asked for. Fails where others than this machine could reach a server that has none.
fn policy(
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

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse::<IpNet>();
    let network = network.or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map_err(|_| "a network is written as in 10.0.0.0/8, an address as in 10.0.0.5".to_owned())
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

/// Serves until the user asks to stop, and says so when requests in progress hold that up.
async fn serve(
    listener: tokio::net::TcpListener,
    engine: Arc<Library>,
    settings: HttpSettings,
    interrupt: Interrupt,
    (reloading, teller): (&mut Reloading<'_>, &mut JobTeller),
    output: &mut Output,
) {
    let grace = settings.grace.as_secs();
    let (stop, stopped) = oneshot::channel();
    let stopped = async {
        // The sender lives as long as the server.
        let _ = stopped.await;
    };
    let mut server = pin!(http::serve(listener, engine, settings, stopped));
    let mut asked = pin!(interrupt.wait());
    let mut has_listener = true;
    loop {
        tokio::select! {
            () = &mut server => return,
            () = &mut asked => break,
            () = interrupt.reload_wanted() => reloading.reload(),
            () = sleep(TOLD_EACH), if has_listener => {
                // Where nobody reads this any more, requests are still answered.
                has_listener = teller.tell(output).is_ok();
            }
        }
    }
    service_manager::is_stopping();
    // The receiver is gone only when the server has ended, which is then seen below.
    let _ = stop.send(());
    if timeout(NOTICEABLE, &mut server).await.is_ok() {
        return;
    }
    if !output.is_json() {
        output.remark(format_args!(
            "Waiting up to {grace} s for requests in progress; Ctrl-C again stops at once."
        ));
    }
    server.await;
}

fn settings(
    args: &ServeArgs,
    engine: &Arc<Library>,
    config: &Config,
    address: SocketAddr,
) -> HttpSettings {
    HttpSettings {
        concurrency: config.thread_count(),
        max_picture_bytes: engine.options().decode.max_bytes,
        grace: args.grace,
        live: Live::new(changeable(args, address)),
        ..HttpSettings::default()
    }
}

/// What can change while the server runs.
fn changeable(args: &ServeArgs, address: SocketAddr) -> Changeable {
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

/// Refuses ports to fetch from where nothing is fetched.
fn check_fetching(args: &ServeArgs) -> Result<(), CliError> {
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

fn failed(what: &str, error: &io::Error) -> CliError {
    CliError::Failure {
        code: Code::ServerFailed,
        detail: format!("{what}: {error}"),
        next_step: "Nothing that was acknowledged is lost; start it again, with -v for more."
            .into(),
    }
}
