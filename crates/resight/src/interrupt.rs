//! Ctrl-C, and SIGTERM and SIGHUP where there are such.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use resight_app::Code;
use tokio::sync::Notify;

use crate::error::CliError;

/// Whether the user asked to stop. The first request lets the work stop cleanly; the second ends
/// the process at once, which loses nothing that was acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    flag: Arc<AtomicBool>,
    notify: Arc<Notify>,
}

impl Interrupt {
    /// Listens from now on. Once a process.
    pub(crate) fn listen() -> Result<Self, CliError> {
        let interrupt = Self {
            flag: Arc::default(),
            notify: Arc::default(),
        };
        let heard = interrupt.clone();
        ctrlc::set_handler(move || {
            if heard.flag.swap(true, Ordering::SeqCst) {
                std::process::exit(i32::from(CliError::Interrupted.exit_code(1)));
            }
            heard.notify.notify_one();
        })
        .map_err(|error| CliError::Failure {
            code: Code::NoSignalHandler,
            detail: format!("interrupts cannot be listened for: {error}"),
            next_step: "This is a defect or a limit of the system; please report it.".into(),
        })?;
        Ok(interrupt)
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
    pub(crate) async fn wait(self) {
        self.notify.notified().await;
    }
}
