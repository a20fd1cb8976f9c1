//! Days of the Gregorian calendar as numbers, in UTC.

/// The first and the last year of times that are taken.
const YEARS: std::ops::RangeInclusive<i64> = 1826..=9999;

/// Seconds since 1970 of a year, month and day, and of an hour, minute and second; `None` where there is no such
/// moment, or it is before photographs were.
pub fn utc_seconds([year, month, day]: [i64; 3], [hour, minute, second]: [i64; 3]) -> Option<i64> {
    let fits = YEARS.contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    fits.then(|| days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// The year, month and day, and the hour, minute and second, of seconds since 1970.
pub fn utc_date(seconds: i64) -> ([i64; 3], [i64; 3]) {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Counted from 0000-03-01, in eras of 400 years.
    let days = days.saturating_add(719_468);
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    ([year, month, day], [rest / 3600, rest / 60 % 60, rest % 60])
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01, of years that begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year
        - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_and_days_are_dates() {
        assert_eq!(utc_seconds([1970, 1, 1], [0, 0, 0]), Some(0));
        assert_eq!(utc_seconds([1969, 12, 31], [23, 59, 59]), Some(-1));
        assert_eq!(utc_seconds([2000, 2, 29], [0, 0, 0]), Some(951_782_400));
        for wrong in [[1900, 2, 29], [2000, 13, 1], [2000, 0, 1], [1825, 1, 1]] {
            assert_eq!(utc_seconds(wrong, [0, 0, 0]), None);
        }
        // A day beside each end of February, and days all over.
        for day in (-52_000..2_900_000).step_by(97).chain(10_956..11_020) {
            let seconds = day * 86_400 + 3_661;
            let (date, time) = utc_date(seconds);
            assert_eq!(utc_seconds(date, time), Some(seconds), "{date:?}");
        }
    }
}
