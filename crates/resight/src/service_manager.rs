//! Tells systemd about a server that it started (`Type=notify`): that it is ready, and that it stops.

/// The server answers at `url`.
pub(crate) fn is_ready(url: &str) {
    let status = format!("Serving at {url}");
    tell(&[State::Ready, State::Status(&status)]);
}

/// The server stops; requests in progress are still answered.
pub(crate) fn is_stopping() {
    tell(&[State::Stopping]);
}

#[cfg(target_os = "linux")]
use sd_notify::NotifyState as State;

#[cfg(target_os = "linux")]
fn tell(state: &[State<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

#[cfg(not(target_os = "linux"))]
enum State<'a> {
    Ready,
    Stopping,
    Status(#[expect(dead_code, reason = "nobody is told")] &'a str),
}

#[cfg(not(target_os = "linux"))]
fn tell(_: &[State<'_>]) {}
