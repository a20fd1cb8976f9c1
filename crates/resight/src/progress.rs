//! A progress bar on standard error, which hides itself where that is no terminal.

use std::fmt::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// Count, share, rate and time left. Nothing is drawn when `shown` is false.
pub(crate) fn bar(shown: bool, total: u64, what: &'static str) -> ProgressBar {
    if !shown {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total).with_message(what);
    let template = "{msg} [{bar:30}] {human_pos}/{human_len} ({percent} %)  {rate}  {eta} left";
    // A wrong template would be our mistake; the plain bar is as good.
    if let Ok(style) = ProgressStyle::with_template(template) {
        let rate = |state: &ProgressState, out: &mut dyn Write| {
            let _ = write!(out, "{:.1}/s", state.per_sec());
        };
        bar.set_style(style.with_key("rate", rate).progress_chars("=> "));
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

/// Something of unknown length is going on.
pub(crate) fn spinner(shown: bool, what: &'static str) -> ProgressBar {
    if !shown {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner().with_message(what);
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
