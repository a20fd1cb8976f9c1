//! A body as it comes, within bounds of size and time.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use resight_app::Code;
use resight_engine::Purpose;
use tokio::time::{Instant, timeout_at};

use super::{Bounds, LARGE_RATE, Share};
use crate::problem::Problem;

/// A body that takes longer in all is given up, however steadily it comes.
const BODY_TIME: Duration = Duration::from_secs(300);

/// Bytes that a reader of a form may have taken without having made use of any.
const AHEAD: u64 = 1 << 20;

/// A body that is being read.
pub(super) struct Flow {
    body: Body,
    /// Those that were given, with a higher rate where the body would not come in time by theirs.
    bounds: Bounds,
    /// For how long parts were awaited in all; what is done with them does not count.
    waited: Duration,
    /// After which time of it the body is given up.
    longest: Option<Duration>,
    received: u64,
    /// The memory for what comes, which becomes more where the length was not announced.
    share: Share,
    /// How much more.
    growth: Option<u64>,
}

impl Flow {
    /// Begins to read a body when there is memory for it: for as much as is announced, or to begin with for
    /// a small body. Returns the body where there is none in time.
    pub(super) async fn begin(
        body: Body,
        mut bounds: Bounds,
        factor: u64,
    ) -> Result<Self, (Body, Problem)> {
        let announced = body.size_hint().upper();
        let needed = match announced {
            Some(length) => length.saturating_mul(factor),
            // A small one, until more has come.
            None => Purpose::SMALL.min(bounds.bytes),
        };
        let share = match bounds.memory.take(needed).await {
            Ok(share) => share,
            Err(busy) => return Err((body, busy)),
        };
        // One that would not come in time holds no memory until then.
        let least = announced.unwrap_or(0).div_ceil(BODY_TIME.as_secs());
        bounds.raise_rate(least);
        Ok(Self {
            body,
            growth: announced
                .is_none()
                .then(|| bounds.bytes.saturating_mul(factor)),
            bounds,
            waited: Duration::ZERO,
            longest: Some(BODY_TIME),
            received: 0,
            share,
        })
    }

    /// Begins to read a body of many files, of at most `most` bytes, without memory for all of it: its reader
    /// takes memory for each file. It must move at the rate of large bodies and may take any time.
    pub(super) fn long(body: Body, bounds: &Bounds, most: u64) -> Self {
        Self {
            body,
            growth: None,
            bounds: bounds.of(most),
            waited: Duration::ZERO,
            longest: None,
            received: 0,
            share: Share::none(),
        }
    }

    /// The memory for the body.
    pub(super) fn share(&self) -> Share {
        self.share.clone()
    }

    /// The next part; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, GivenUp> {
        loop {
            let now = Instant::now();
            let end = self
                .longest
                .map(|most| now + most.saturating_sub(self.waited));
            let idle = now + self.bounds.idle;
            let until = end.map_or(idle, |end| end.min(idle));
            let body = &mut self.body;
            let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context));
            let frame = timeout_at(until, frame).await;
            self.waited += now.elapsed();
            let frame = match frame {
                Ok(frame) => frame,
                Err(_) if Some(until) == end => return Err(GivenUp::TooLong),
                Err(_) => return Err(GivenUp::Stalled(self.bounds.idle)),
            };
            let Some(frame) = frame else {
                return Ok(None);
            };
            let frame = frame.map_err(|error| GivenUp::Broken(error.to_string()))?;
            // Trailers are of no interest.
            if let Ok(data) = frame.into_data() {
                self.count(data.len() as u64)?;
                if self.received > Purpose::SMALL && self.longest.is_none() {
                    self.bounds.raise_rate(LARGE_RATE);
                }
                if self.received > Purpose::SMALL
                    && let Some(growth) = self.growth.take()
                {
                    self.grow(growth).await?;
                }
                return Ok(Some(data));
            }
        }
    }

    /// Waits for memory for as much as a body may have.
    async fn grow(&mut self, bytes: u64) -> Result<(), GivenUp> {
        let more = self.bounds.memory.take(bytes).await;
        more.map_err(|_| GivenUp::Busy)?.join(&self.share);
        self.bounds.raise_rate(LARGE_RATE);
        Ok(())
    }

    /// Counts bytes that came, and compares them with the bounds.
    fn count(&mut self, bytes: u64) -> Result<(), GivenUp> {
        self.received = self.received.saturating_add(bytes);
        let (idle, rate) = (self.bounds.idle, self.bounds.rate);
        if self.received > self.bounds.bytes {
            return Err(GivenUp::TooLarge(self.bounds.bytes));
        }
        // The time that a part may take is not counted.
        let counted = self.waited.saturating_sub(idle);
        if self.received < rate.saturating_mul(counted.as_secs()) {
            return Err(GivenUp::TooSlow(rate));
        }
        Ok(())
    }

    /// The whole body.
    pub(super) async fn whole(mut self) -> Result<Bytes, GivenUp> {
        let Some(first) = self.next().await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.next().await? else {
            return Ok(first);
        };
        // No more is announced than the share of memory is for; pages come as they are written to.
        let length = self.body.size_hint().upper().unwrap_or(0);
        let length = length.saturating_add(self.received).min(self.bounds.bytes);
        let mut all = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        all.extend_from_slice(&first);
        all.extend_from_slice(&second);
        while let Some(part) = self.next().await? {
            all.extend_from_slice(&part);
        }
        Ok(all.into())
    }

    /// The rest of it as a body that is read a part at a time. It ends with an error where its reader has taken
    /// `ahead` bytes, of which the reader subtracts what it made use of, beyond [`AHEAD`].
    pub(super) fn into_long_body(self, ahead: Arc<AtomicU64>) -> Body {
        Body::from_stream(futures_util::stream::try_unfold(
            (self, ahead),
            |(mut flow, ahead)| async move {
                // A reader that takes all that is there at once stops here.
                tokio::task::yield_now().await;
                if ahead.load(Ordering::Relaxed) > AHEAD {
                    let why = "a field of the form has no end of its head";
                    return Err(GivenUp::Broken(why.into()));
                }
                let part = flow.next().await?;
                let length = part.as_ref().map_or(0, Bytes::len);
                ahead.fetch_add(length as u64, Ordering::Relaxed);
                Ok::<_, GivenUp>(part.map(|part| (part, (flow, ahead))))
            },
        ))
    }

    /// The rest of it as a body, whose errors have a [`GivenUp`] at their root.
    pub(super) fn into_body(self) -> Body {
        Body::from_stream(futures_util::stream::try_unfold(
            self,
            |mut flow| async move {
                let part = flow.next().await?;
                Ok::<_, GivenUp>(part.map(|part| (part, flow)))
            },
        ))
    }
}

/// Why a body was not read to its end.
#[derive(Clone, Debug)]
pub(super) enum GivenUp {
    /// Nothing came for this long.
    Stalled(Duration),
    /// Fewer bytes a second than this came.
    TooSlow(u64),
    /// It took too long in all.
    TooLong,
    /// It has more bytes than this.
    TooLarge(u64),
    /// There is no memory for it.
    Busy,
    /// The connection or its framing broke.
    Broken(String),
}

impl GivenUp {
    /// The one at the root of `error`.
    pub(super) fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            cause = error.source();
        }
        None
    }
}

impl fmt::Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stalled(idle) => {
                let seconds = idle.as_secs_f64();
                write!(f, "nothing more of it came for {seconds} seconds")
            }
            Self::TooSlow(rate) => write!(f, "it came with fewer than {rate} bytes a second"),
            Self::TooLong => {
                let seconds = BODY_TIME.as_secs();
                write!(f, "it was given up after {seconds} seconds")
            }
            Self::TooLarge(limit) => write!(f, "the request holds more than {limit} bytes"),
            Self::Busy => f.write_str("all memory for files that are sent is taken"),
            Self::Broken(why) => f.write_str(why),
        }
    }
}

impl Error for GivenUp {}

impl From<&GivenUp> for Problem {
    fn from(why: &GivenUp) -> Self {
        let code = match why {
            GivenUp::Stalled(_) | GivenUp::TooSlow(_) | GivenUp::TooLong => Code::UploadTooSlow,
            GivenUp::TooLarge(_) => Code::TooManyBytes,
            GivenUp::Busy => Code::Busy,
            GivenUp::Broken(_) => Code::BadBody,
        };
        Self::new(code, why.to_string())
    }
}
