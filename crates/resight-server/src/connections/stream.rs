//! A connection's bytes, with a time-out for a client that does not read.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::activity::Activity;

/// A stream whose writes fail with `TimedOut` where none makes progress for a while, and which reports to
/// its [`Activity`] whether bytes wait for the client.
pub(super) struct Watched<S> {
    stream: S,
    patience: Duration,
    /// Set while a write waits.
    deadline: Option<Pin<Box<Sleep>>>,
    activity: Activity,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, patience: Duration, activity: Activity) -> Self {
        Self {
            stream,
            patience,
            deadline: None,
            activity,
        }
    }

    /// Passes a write's outcome on, unless it has waited for too long.
    fn judged<T>(
        &mut self,
        outcome: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.deadline = None;
            self.activity.set_unsent(false);
            return outcome;
        }
        self.activity.set_unsent(true);
        let patience = self.patience;
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + patience)));
        deadline.as_mut().poll(context).map(|()| {
            let why = "the client does not read its answer";
            Err(io::Error::new(io::ErrorKind::TimedOut, why))
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judged(outcome, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.judged(outcome, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.judged(outcome, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(context);
        self.judged(outcome, context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_write_that_makes_no_progress_fails_and_a_slow_one_does_not() {
        let (server, mut client) = duplex(16);
        let activity = Activity::default();
        let mut watched = Watched::new(server, Duration::from_secs(30), activity.clone());
        let reading = tokio::spawn(async move {
            // 16 bytes every 20 seconds: slow, but steady.
            for _ in 0..4 {
                tokio::time::sleep(Duration::from_secs(20)).await;
                client.read_exact(&mut [0; 16]).await.unwrap();
            }
            client
        });
        watched.write_all(&[7; 5 * 16]).await.unwrap();
        let client = reading.await.unwrap();
        assert!(activity.is_idle());
        let failed = watched.write_all(&[7; 32]).await.unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
        assert!(!activity.is_idle(), "there are bytes that were not sent");
        drop(client);
    }
}
