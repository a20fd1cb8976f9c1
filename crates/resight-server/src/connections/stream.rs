//! A connection's bytes, with a time-out for a client that does not read its answer, or reads it a little at a
//! time.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::ConnectionLimits;
use super::activity::Activity;

/// A stream whose writes fail with `TimedOut` where the client keeps them waiting for too long, and which
/// reports to its [`Activity`] whether bytes wait for the client.
///
/// Waiting uses up patience, and bytes that are taken give it back, at the rate that is asked for.
pub(super) struct Watched<S> {
    stream: S,
    most: Duration,
    rate: u64,
    /// What is left of `most`.
    patience: Duration,
    waiting: Option<Waiting>,
    activity: Activity,
}

/// A write that waits.
struct Waiting {
    since: Instant,
    deadline: Pin<Box<Sleep>>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, limits: &ConnectionLimits, activity: Activity) -> Self {
        Self {
            stream,
            most: limits.write,
            rate: limits.write_rate.max(1),
            patience: limits.write,
            waiting: None,
            activity,
        }
    }

    /// Counts the bytes that a write took.
    fn counted(
        &mut self,
        outcome: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let outcome = self.judged(outcome, context);
        if let Poll::Ready(Ok(bytes)) = outcome {
            let earned = Duration::from_secs_f64(bytes as f64 / self.rate as f64);
            self.patience = self.patience.saturating_add(earned).min(self.most);
        }
        outcome
    }

    /// Passes a write's outcome on, unless the client's patience is at its end.
    fn judged<T>(
        &mut self,
        outcome: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        let now = Instant::now();
        if outcome.is_ready() {
            if let Some(waited) = self.waiting.take() {
                self.patience = self.patience.saturating_sub(now - waited.since);
            }
            self.activity.set_unsent(false);
            return outcome;
        }
        self.activity.set_unsent(true);
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Waiting {
            since: now,
            deadline: Box::pin(sleep_until(now + patience)),
        });
        waiting.deadline.as_mut().poll(context).map(|()| {
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
        self.counted(outcome, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.counted(outcome, context)
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
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::task::JoinHandle;

    use super::*;

    /// One end of a pipe of 16 bytes as a connection's stream, and the other.
    fn watched(rate: u64) -> (Watched<DuplexStream>, DuplexStream, Activity) {
        let (server, client) = duplex(16);
        let activity = Activity::default();
        let limits = ConnectionLimits {
            write: Duration::from_secs(30),
            write_rate: rate,
            ..ConnectionLimits::for_open_files(None)
        };
        let watched = Watched::new(server, &limits, activity.clone());
        (watched, client, activity)
    }

    /// Takes 16 bytes every 10 seconds.
    fn reading(mut client: DuplexStream, times: usize) -> JoinHandle<DuplexStream> {
        tokio::spawn(async move {
            for _ in 0..times {
                tokio::time::sleep(Duration::from_secs(10)).await;
                client.read_exact(&mut [0; 16]).await.unwrap();
            }
            client
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_makes_no_progress_fails_and_a_slow_one_does_not() {
        let (mut watched, client, activity) = watched(1);
        let reading = reading(client, 9);
        watched.write_all(&[7; 10 * 16]).await.unwrap();
        let client = reading.await.unwrap();
        assert!(activity.is_idle());
        let failed = watched.write_all(&[7; 32]).await.unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
        assert!(!activity.is_idle(), "there are bytes that were not sent");
        drop(client);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_a_little_at_a_time_is_given_up() {
        let (mut watched, client, activity) = watched(1024);
        let reading = reading(client, 9);
        let failed = watched.write_all(&[7; 10 * 16]).await.unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
        assert!(!activity.is_idle());
        reading.abort();
    }
}
