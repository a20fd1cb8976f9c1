//! The open connections, and which of them makes room for a new one.
//!
//! Invariant: only a connection without a request makes room for another.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::ConnectionLimits;
use super::activity::Activity;
use crate::live::Live;

/// How long a connection that was told to close is waited for.
const CLOSING: Duration = Duration::from_secs(1);

/// All connections of a server.
pub(super) struct Table {
    live: Live,
    open: Mutex<Open>,
    /// Told when a connection has closed.
    closed: Notify,
}

#[derive(Default)]
struct Open {
    /// The number of the next connection: a lower one is older.
    next: u64,
    all: BTreeMap<u64, Entry>,
}

struct Entry {
    source: Source,
    spare: bool,
    activity: Activity,
    close: Arc<Notify>,
    /// Whether it was told to close.
    is_leaving: bool,
}

/// What the bound of one address counts together.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// This machine or a trusted proxy, which have no bound of their own.
    Here,
    V4(u32),
    /// The first 64 bits: one host may have all addresses that begin with them.
    V6(u64),
}

impl Source {
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            address if address.is_loopback() => Self::Here,
            IpAddr::V4(v4) => Self::V4(v4.to_bits()),
            IpAddr::V6(v6) => Self::V6(network(v6)),
        }
    }
}

fn network(address: Ipv6Addr) -> u64 {
    // The upper half of 128 bits fits 64.
    (address.to_bits() >> 64) as u64
}

/// A connection's entry in the table, until it is dropped.
pub(super) struct Seat {
    table: Arc<Table>,
    number: u64,
    /// Whether it is one of those beyond the bound.
    pub(super) spare: bool,
    pub(super) activity: Activity,
    /// Told when the connection is to make room, if it is idle.
    pub(super) close: Arc<Notify>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.table.open.lock().all.remove(&self.number);
        self.table.closed.notify_waiters();
    }
}

impl Table {
    pub(super) fn new(live: Live) -> Arc<Self> {
        Arc::new(Self {
            live,
            open: Mutex::default(),
            closed: Notify::new(),
        })
    }

    /// A seat for a connection from `address`; a spare one where the bounds are reached by connections
    /// that are at work, and `None` where those are taken as well.
    pub(super) async fn admit(self: &Arc<Self>, address: IpAddr, is_proxy: bool) -> Option<Seat> {
        let source = if is_proxy {
            Source::Here
        } else {
            Source::of(address)
        };
        let regular = self.seat(source, false).await;
        match regular {
            Some(seat) => Some(seat),
            None => self.seat(source, true).await,
        }
    }

    /// Waits until no connection is open.
    pub(super) async fn empty(&self) {
        loop {
            let mut closed = pin!(self.closed.notified());
            closed.as_mut().enable();
            if self.open.lock().all.is_empty() {
                return;
            }
            closed.await;
        }
    }

    /// Takes a seat, having idle connections closed as long as there is none.
    async fn seat(self: &Arc<Self>, source: Source, spare: bool) -> Option<Seat> {
        let deadline = Instant::now() + CLOSING;
        loop {
            let mut closed = pin!(self.closed.notified());
            closed.as_mut().enable();
            let limits = self.live.now().connections.clone();
            let room = self.open.lock().room(&limits, source, spare);
            match room {
                Room::Free => {}
                Room::Soon => {
                    timeout_at(deadline, closed).await.ok()?;
                    continue;
                }
                Room::None => return None,
            }
            return Some(self.sit(source, spare));
        }
    }

    fn sit(self: &Arc<Self>, source: Source, spare: bool) -> Seat {
        let mut open = self.open.lock();
        let number = open.next;
        open.next += 1;
        let (activity, close) = (Activity::default(), Arc::new(Notify::new()));
        let entry = Entry {
            source,
            spare,
            activity: activity.clone(),
            close: Arc::clone(&close),
            is_leaving: false,
        };
        open.all.insert(number, entry);
        Seat {
            table: Arc::clone(self),
            number,
            spare,
            activity,
            close,
        }
    }
}

/// Whether there is a seat.
#[derive(Debug, PartialEq)]
enum Room {
    Free,
    /// When an idle connection, which has been told, has closed.
    Soon,
    None,
}

impl Open {
    /// Looks for a seat; where there is none, tells the oldest idle connection to close.
    fn room(&mut self, limits: &ConnectionLimits, source: Source, spare: bool) -> Room {
        let total = if spare { limits.spare } else { limits.total };
        let alike = |entry: &Entry| entry.spare == spare;
        let is_full = self.all.values().filter(|entry| alike(entry)).count() >= total.max(1);
        let of_source = |entry: &Entry| alike(entry) && entry.source == source;
        let from_there = self.all.values().filter(|entry| of_source(entry)).count();
        let bounded = source != Source::Here && !spare;
        let has_too_many = bounded && from_there >= limits.per_address.max(1);
        if !is_full && !has_too_many {
            return Room::Free;
        }
        let leaves = |entry: &&mut Entry| {
            alike(entry) && (!has_too_many || entry.source == source) && entry.activity.is_idle()
        };
        let Some(oldest) = self.all.values_mut().find(leaves) else {
            return Room::None;
        };
        if !oldest.is_leaving {
            oldest.is_leaving = true;
            oldest.close.notify_one();
        }
        Room::Soon
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Arc<Table> {
        let limits = ConnectionLimits {
            total: 3,
            per_address: 2,
            spare: 1,
            ..ConnectionLimits::for_open_files(None)
        };
        Table::new(limits.into())
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Closes when it is told, as a connection does.
    fn closing(seat: Seat) -> tokio::task::JoinHandle<u64> {
        tokio::spawn(async move {
            seat.close.notified().await;
            seat.number
        })
    }

    #[tokio::test]
    async fn the_oldest_idle_connection_makes_room() {
        let (table, here) = (table(), address("127.0.0.1"));
        let busy = table.admit(here, false).await.unwrap();
        let _answering = busy.activity.begin();
        let oldest = closing(table.admit(here, false).await.unwrap());
        let other = table.admit(here, false).await.unwrap();
        let next = table.admit(here, false).await.unwrap();
        // It would be one where nothing made room.
        assert!(!next.spare);
        assert_eq!(oldest.await.unwrap(), 1);
        drop((other, next));
    }

    #[tokio::test]
    async fn who_began_a_request_when_it_was_told_to_leave_keeps_nobody_waiting() {
        let (table, here) = (table(), Source::Here);
        let address = address("127.0.0.1");
        let first = table.admit(address, false).await.unwrap();
        let second = table.admit(address, false).await.unwrap();
        let third = table.admit(address, false).await.unwrap();
        let limits = table.live.now().connections.clone();
        let room = || table.open.lock().room(&limits, here, false);
        assert_eq!(room(), Room::Soon);
        let _answering = first.activity.begin();
        // The next one is told.
        assert_eq!(room(), Room::Soon);
        second.close.notified().await;
        let _answering = [second.activity.begin(), third.activity.begin()];
        assert_eq!(room(), Room::None);
    }

    #[tokio::test]
    async fn beyond_connections_at_work_there_are_spare_seats_and_then_none() {
        let (table, here) = (table(), address("::1"));
        let mut kept = Vec::new();
        for spare in [false, false, false, true] {
            let seat = table.admit(here, false).await.unwrap();
            assert_eq!(seat.spare, spare);
            kept.push((seat.activity.begin(), seat));
        }
        assert!(table.admit(here, false).await.is_none());
        kept.remove(1);
        assert!(!table.admit(here, false).await.unwrap().spare);
    }

    #[tokio::test]
    async fn one_address_does_not_take_the_seats_of_others() {
        let table = table();
        // One network of IPv6 counts as one address, and so does IPv4 within it.
        for [first, second, third, elsewhere] in [
            ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"],
            [
                "2001:db8::1",
                "2001:db8::2",
                "2001:db8::3:1",
                "2001:db8:1::",
            ],
        ] {
            let mut kept = Vec::new();
            for from in [first, second] {
                let seat = table.admit(address(from), false).await.unwrap();
                kept.push((seat.activity.begin(), seat));
            }
            let third = table.admit(address(third), false).await.unwrap();
            assert!(third.spare, "{first}");
            let elsewhere = table.admit(address(elsewhere), false).await.unwrap();
            assert!(!elsewhere.spare, "{first}");
        }
    }
}
