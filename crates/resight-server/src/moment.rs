//! Moments as requests name them.

use std::str::FromStr;

use resight_engine::utc_seconds;
use serde::Deserialize;
use serde::de::{self, Deserializer};

/// Milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) i64);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        read(text).map(Self).ok_or_else(|| {
            format!("must be as 2019, 2019-07, 2019-07-31 or 2019-07-31T12:00:00Z, from 1826 to 9999; it is {text:?}")
        })
    }
}

/// The first moment of a year, a month or a day, or a moment with its difference to UTC.
fn read(text: &str) -> Option<i64> {
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    let day = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    if parts.next().is_some() || (time.is_some() && date.len() != 10) {
        return None;
    }
    let Some(time) = time else {
        return Some(utc_seconds([year, month, day], [0; 3])? * 1000);
    };
    // In an address a plus sign stands for a space.
    let zone = time.find(['Z', 'z', '+', '-', ' '])?;
    let (clock, zone) = time.split_at(zone);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let second = digits(parts.next()?, 2)?;
    let seconds = utc_seconds([year, month, day], [hour, minute, second])?;
    let thousandths = format!("{fraction:0<3}");
    let thousandths = digits(thousandths.get(..3)?, 3)?;
    let is_whole = parts.next().is_none() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    is_whole.then_some((seconds - difference(zone)? * 60) * 1000 + thousandths)
}

/// Minutes east of UTC.
fn difference(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes().first()? {
        b'Z' | b'z' => return (zone.len() == 1).then_some(0),
        b'-' => -1,
        _ => 1,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// A number of exactly so many digits.
fn digits(text: &str, count: usize) -> Option<i64> {
    let is_number = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_days_or_times() {
        for (text, ms) in [
            ("1970", 0),
            ("1970-02", 31 * 86_400_000),
            ("1969-12-31", -86_400_000),
            ("1970-01-01T00:00:01Z", 1000),
            ("1970-01-01T02:00:00.5+02:00", 500),
            ("1970-01-01T02:00:00 02:00", 0),
            ("1969-12-31t23:00:00.1239-01:00", 123),
        ] {
            assert_eq!(text.parse(), Ok(Moment(ms)), "{text}");
        }
        for text in [
            "",
            "70",
            "1970-1",
            "1970-13",
            "1970-01-01T",
            "1970-01T00:00:00Z",
            "1970-01-01-01",
            "1970-01-01T00:00:00",
            "1970-01-01T00:00Z",
            "1970-01-01T00:00:00.xZ",
            "now",
            "1970-01-01T00:00:00+1:00",
            "1970-01-01T00:00:00Zx",
            "1800",
            "-1970",
            "1970-01-01T00:00:00.é0Z",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
