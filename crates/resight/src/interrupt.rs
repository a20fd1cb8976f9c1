//! Ctrl-C, and SIGTERM and SIGHUP where there are such.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use resight_app::Code;
use tokio::sync::Notify;

use crate::error::CliError;

/// What the user asked for. The first request to stop lets the work stop cleanly; the second ends
/// the process at once, which loses nothing that was acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    flag: Arc<AtomicBool>,
    notify: Arc<Notify>,
    /// Told when the configuration is to be read again.
    reload: Arc<Notify>,
    /// Whether SIGHUP asks for that, and not to stop.
    reloads: bool,
}

impl Interrupt {
    /// Listens from now on. Once a process.
    pub(crate) fn listen() -> Result<Self, CliError> {
        Self::begin(false)
    }

    /// The same for a server, which SIGHUP has read its configuration again, unless its terminal was closed.
    pub(crate) fn listen_for_server() -> Result<Self, CliError> {
        Self::begin(true)
    }

    fn begin(reloads: bool) -> Result<Self, CliError> {
        let interrupt = Self {
            flag: Arc::default(),
            notify: Arc::default(),
            reload: Arc::default(),
            reloads,
        };
        let heard = interrupt.clone();
        signals::attend(heard).map_err(|error| CliError::Failure {
            code: Code::NoSignalHandler,
            detail: format!("interrupts cannot be listened for: {error}"),
            next_step: "This is a defect or a limit of the system; please report it.".into(),
        })?;
        Ok(interrupt)
    }

    fn stop(&self) {
        if self.flag.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(CliError::Interrupted.exit_code(1)));
        }
        self.notify.notify_one();
    }

    /// SIGHUP. A terminal that is no more is none.
    fn hang_up(&self, was_terminal: bool) {
        let is_closed = was_terminal && !std::io::stderr().is_terminal();
        match self.reloads && !is_closed {
            true => self.reload.notify_one(),
            false => self.stop(),
        }
    }

    /// Set once the user asked.
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.flag
    }

    /// Whether the user asked.
    pub(crate) fn requested(&self) -> bool {
        self.flag.load(Ordering::SeqCst)
    }

    /// Ends when the user asks, at once if it happened before. For one waiter.
    pub(crate) async fn wait(&self) {
        self.notify.notified().await;
    }

    /// Ends when the configuration is to be read again. For one waiter.
    pub(crate) async fn reload_wanted(&self) {
        self.reload.notified().await;
    }
}

#[cfg(unix)]
mod signals {
    use std::io::{self, IsTerminal};
    use std::thread;

    use tokio::signal::unix::{SignalKind, signal};

    use super::Interrupt;

    /// Signals count from the return of this on, and are acted on in a thread of its own.
    pub(super) fn attend(interrupt: Interrupt) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let entered = runtime.enter();
        let mut stops = signal(SignalKind::interrupt())?;
        let mut ends = signal(SignalKind::terminate())?;
        let mut hang_ups = signal(SignalKind::hangup())?;
        drop(entered);
        let was_terminal = io::stderr().is_terminal();
        let heard = async move {
            loop {
                tokio::select! {
                    _ = stops.recv() => interrupt.stop(),
                    _ = ends.recv() => interrupt.stop(),
                    _ = hang_ups.recv() => interrupt.hang_up(was_terminal),
                }
            }
        };
        let attending = thread::Builder::new().name("signals".into());
        attending.spawn(move || runtime.block_on(heard))?;
        Ok(())
    }
}

#[cfg(not(unix))]
mod signals {
    use std::{io, thread};

    use super::Interrupt;

    pub(super) fn attend(interrupt: Interrupt) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let heard = async move {
            // An error would come again at once.
            while tokio::signal::ctrl_c().await.is_ok() {
                interrupt.stop();
            }
        };
        let attending = thread::Builder::new().name("signals".into());
        attending.spawn(move || runtime.block_on(heard))?;
        Ok(())
    }
}
