//! `resight serve`.

mod args;
mod certificate;
pub(crate) mod checking;
mod listening;
mod reload;

use std::future::pending;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use resight_app::answers::Answers;
use resight_app::collections::Collections;
use resight_app::config::Config;
use resight_app::cursor_key::CursorKey;
use resight_app::data_folder;
use resight_app::keys::Keys;
use resight_app::plugins::Plugins;
use resight_app::webhooks::Webhooks;
use resight_engine::Library;
use resight_server::{
    self as http, AccessSettings, DownloadLimits, FetchSettings, HttpSettings, Live,
    WebhookSettings,
};
use resight_store::CollectionName;
use resight_vision::ModelId;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{sleep, timeout};

use super::served_jobs::{JobTeller, ServedJobs};
use super::train::open_for_writing;
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::output::{Output, counted};
use crate::service_manager;
pub(crate) use args::ServeArgs;
use args::changeable;
use listening::{failed, listen};
pub(crate) use reload::{Again, Reread};
use reload::{CheckedAgain, Reloading};

/// How often it is told how far jobs have come.
const TOLD_EACH: Duration = Duration::from_millis(500);
/// Requests that end this soon after the stop are not worth a remark.
const NOTICEABLE: Duration = Duration::from_millis(300);
/// How long work that cannot be broken off may hold the process once the server has ended. What it
/// would still write is either kept whole or not at all.
const LAST_WORK: Duration = Duration::from_secs(5);

/// `reread` gives the arguments again, by a configuration that has changed meanwhile.
// Long because the parts of a server are begun here in their order.
pub(crate) fn run(
    args: &ServeArgs,
    config: &Config,
    reread: &Reread<'_>,
    output: &mut Output,
) -> Result<(), CliError> {
    let checking::Checked {
        base_path,
        trusted_proxies,
        identity,
        ..
    } = checking::check(args, reread.settings.clone())
        .map_err(|refused| checking::refusal(refused, reread.began))?;
    let config = config.with_quarantine(args.jobs.quarantine.as_deref());
    let interrupt = Interrupt::listen_for_server()?;
    // Before the data folder is opened, so that a port in use fails at once.
    let (listener, address) = listen(&args.listen)?;
    let keys = Arc::new(Keys::open(&config.root)?);
    let policy = checking::policy(args, address, !trusted_proxies.is_empty(), &keys)?;
    let plugins = Plugins::for_serving(&args.plugins.settings(), args.watch)?;
    // Whichever collection is indexed into, all are served.
    let all = config.of_collection(&CollectionName::default());
    let folder = open_for_writing(&args.dirs, &all, &plugins, &interrupt, output)?;
    let tls = identity.begin(&config.root)?;
    let _converting = folder.convert_in_background(&all);
    let collections = Collections::beside(&folder, &all);
    collections.create(&config.collection)?;
    collections.remember_models(&config.collection, &config.with_models)?;
    let lease = collections.lease(&config.collection)?;
    let rules = args.patterns.rules(args.prune);
    let (served, quarantine) = ServedJobs::begin(
        &args.jobs,
        &args.dirs,
        rules.as_ref(),
        (&config, &folder),
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
    let webhooks = Webhooks::open(&config.root)?;
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
        webhooks: Some(WebhookSettings::new(webhooks, &args.webhook_network)),
        fetch: args
            .allow_fetch
            .then(|| FetchSettings::public(&args.allow_fetch_port)),
        jobs: Some(Arc::new(served.served.clone())),
        quarantine,
        downloads: DownloadLimits {
            files: args.download_files.into(),
            bytes: u64::from(args.download_size) << 20,
        },
        iiif: args.iiif,
        interfaces: args.compat.clone(),
        ..settings(args, &folder.library, &config, address)
    };
    let reloading = Reloading::new(reread, address, (settings.live.clone(), tls));
    let (engine, jobs) = (folder.library.clone(), served.served.jobs.clone());
    let serving = Serving {
        engine,
        settings,
        interrupt,
        reloading,
        teller: JobTeller::new(jobs),
    };
    serving.run(listener, &url, output)?;
    if !output.is_json() {
        output.remark("Stopped.");
    }
    Ok(())
}

/// A server that is set up.
struct Serving<'a> {
    engine: Arc<Library>,
    settings: HttpSettings,
    interrupt: Interrupt,
    reloading: Reloading<'a>,
    teller: JobTeller,
}

impl Serving<'_> {
    fn run(
        mut self,
        listener: std::net::TcpListener,
        url: &str,
        output: &mut Output,
    ) -> Result<(), CliError> {
        let runtime = runtime()?;
        let ended = runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)
                .map_err(|error| failed("the port could not be taken over", &error))?;
            service_manager::is_ready(url);
            self.serve(listener, output).await;
            Ok::<_, CliError>(())
        });
        drop(self.teller);
        // Dropping it would wait for ever for a thread that hangs, on a dead network drive perhaps.
        runtime.shutdown_timeout(LAST_WORK);
        ended
    }

    /// Serves until the user asks to stop, and says so when requests in progress hold that up.
    async fn serve(&mut self, listener: tokio::net::TcpListener, output: &mut Output) {
        let settings = self.settings.clone();
        let grace = settings.grace.as_secs();
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            // The sender lives as long as the server.
            let _ = stopped.await;
        };
        let mut server = pin!(http::serve(
            listener,
            self.engine.clone(),
            settings,
            stopped
        ));
        let mut asked = pin!(self.interrupt.wait());
        let mut has_listener = true;
        let mut rereading: Option<JoinHandle<CheckedAgain>> = None;
        loop {
            let is_rereading = rereading.is_some();
            let reread = async {
                match &mut rereading {
                    Some(reading) => reading.await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = &mut server => return,
                () = &mut asked => break,
                // One at a time; a signal that comes meanwhile counts afterwards.
                () = self.interrupt.reload_wanted(), if !is_rereading => {
                    rereading = Some(spawn_blocking(self.reloading.reader()));
                }
                reread = reread, if is_rereading => {
                    rereading = None;
                    match reread {
                        Ok(checked) => self.reloading.adopt(checked),
                        Err(error) => tracing::error!(%error, "the configuration stays as it was"),
                    }
                }
                () = sleep(TOLD_EACH), if has_listener => {
                    // Where nobody reads this any more, requests are still answered.
                    has_listener = self.teller.tell(output).is_ok();
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
