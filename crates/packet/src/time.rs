//! Timestamps (chapter 6): as sent, and resolved against the time of receipt.

use crate::units::digits;

/// A time as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timestamp {
    /// `DDHHMMz`: day of month, hour, minute in UTC.
    DayHourMinute {
        /// Day of the month, 1..=31.
        day: u8,
        /// 0..=23.
        hour: u8,
        /// 0..=59.
        minute: u8,
        /// `/` instead of `z`: the sender's local time, of an unknown zone.
        local: bool,
    },
    /// `HHMMSSh`: UTC.
    HourMinuteSecond {
        /// 0..=23.
        hour: u8,
        /// 0..=59.
        minute: u8,
        /// 0..=59.
        second: u8,
    },
    /// `MMDDHHMM` of a positionless weather report: UTC.
    MonthDayHourMinute {
        /// 1..=12.
        month: u8,
        /// 1..=31.
        day: u8,
        /// 0..=23.
        hour: u8,
        /// 0..=59.
        minute: u8,
    },
}

const DAY_US: i64 = 86_400_000_000;
const MINUTE_US: i64 = 60_000_000;

impl Timestamp {
    /// When that was, microseconds since 1970 UTC: the latest such time not more than a day after it was received.
    /// `None` for local times and days that no month near has.
    #[must_use]
    pub fn resolve(self, received_at_us: i64) -> Option<i64> {
        let today = received_at_us.div_euclid(DAY_US);
        match self {
            Self::DayHourMinute { local: true, .. } => None,
            Self::HourMinuteSecond {
                hour,
                minute,
                second,
            } => {
                let of_day = clock(hour, minute) + i64::from(second) * 1_000_000;
                // A clock may be a little ahead: up to an hour it is today's time.
                let at = today * DAY_US + of_day;
                Some(if at > received_at_us + 60 * MINUTE_US {
                    at - DAY_US
                } else {
                    at
                })
            }
            Self::DayHourMinute {
                day, hour, minute, ..
            } => (-1..62)
                .map(|back| today - back)
                .find(|date| civil(*date).2 == day)
                .map(|date| date * DAY_US + clock(hour, minute)),
            Self::MonthDayHourMinute {
                month,
                day,
                hour,
                minute,
            } => (-1..366)
                .map(|back| today - back)
                .find(|date| (civil(*date).1, civil(*date).2) == (month, day))
                .map(|date| date * DAY_US + clock(hour, minute)),
        }
    }
}

fn clock(hour: u8, minute: u8) -> i64 {
    (i64::from(hour) * 60 + i64::from(minute)) * MINUTE_US
}

/// Year, month and day of a day number since 1970 (Gregorian; the well-known era arithmetic).
fn civil(days: i64) -> (i64, u8, u8) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (
        year_of_era + era * 400 + i64::from(month <= 2),
        u8::try_from(month).unwrap_or(1),
        u8::try_from(day).unwrap_or(1),
    )
}

/// Takes a timestamp of 7 bytes off the front. `None`: there is none. `Some((None, rest))`: it has the form of one, but
/// is no possible time.
pub(crate) fn take(bytes: &[u8]) -> Option<(Option<Timestamp>, &[u8])> {
    let (stamp, rest) = bytes.split_at_checked(7)?;
    let pair = |at: usize| digits(&stamp[at..at + 2]).and_then(|number| u8::try_from(number).ok());
    if !matches!(stamp[6], b'z' | b'/' | b'h' | b'Z' | b'H')
        || stamp[..6]
            .iter()
            .any(|byte| matches!(byte, b'.' | b'N' | b'S'))
    {
        return None;
    }
    let (Some(a), Some(b), Some(c)) = (pair(0), pair(2), pair(4)) else {
        return Some((None, rest));
    };
    let time = match stamp[6] {
        b'h' | b'H' if a < 24 && b < 60 && c < 60 => Some(Timestamp::HourMinuteSecond {
            hour: a,
            minute: b,
            second: c,
        }),
        b'z' | b'Z' | b'/' if (1..=31).contains(&a) && b < 24 && c < 60 => {
            Some(Timestamp::DayHourMinute {
                day: a,
                hour: b,
                minute: c,
                local: stamp[6] == b'/',
            })
        }
        _ => None,
    };
    Some((time, rest))
}

/// `MMDDHHMM` of chapter 12.
pub(crate) fn month_day_hour_minute(stamp: &[u8]) -> Option<Timestamp> {
    let pair =
        |at: usize| digits(stamp.get(at..at + 2)?).and_then(|number| u8::try_from(number).ok());
    let (month, day, hour, minute) = (pair(0)?, pair(2)?, pair(4)?, pair(6)?);
    ((1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60).then_some(
        Timestamp::MonthDayHourMinute {
            month,
            day,
            hour,
            minute,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-03-01 00:30:00 UTC.
    const RECEIVED: i64 = 1_772_325_000_000_000;

    #[test]
    fn resolved_across_the_ends_of_day_month_and_year() {
        let hms = |hour, minute| {
            Timestamp::HourMinuteSecond {
                hour,
                minute,
                second: 0,
            }
            .resolve(RECEIVED)
            .map(|at| (RECEIVED - at) / MINUTE_US)
        };
        assert_eq!(hms(0, 20), Some(10));
        assert_eq!(hms(23, 50), Some(40));
        let dhm = |day, hour, minute| {
            Timestamp::DayHourMinute {
                day,
                hour,
                minute,
                local: false,
            }
            .resolve(RECEIVED)
            .map(|at| (RECEIVED - at) / MINUTE_US)
        };
        assert_eq!(dhm(1, 0, 25), Some(5));
        assert_eq!(dhm(28, 23, 30), Some(60), "February has 28 days in 2026");
        assert_eq!(
            dhm(31, 0, 30),
            Some(29 * 1440),
            "the last 31st was in January"
        );
        let mdhm = Timestamp::MonthDayHourMinute {
            month: 12,
            day: 31,
            hour: 23,
            minute: 30,
        }
        .resolve(RECEIVED);
        assert_eq!(
            mdhm.map(|at| (RECEIVED - at) / MINUTE_US),
            Some(60 + 59 * 1440)
        );
        assert_eq!(
            Timestamp::DayHourMinute {
                day: 1,
                hour: 0,
                minute: 0,
                local: true
            }
            .resolve(RECEIVED),
            None
        );
    }

    #[test]
    fn impossible_times_are_known_as_such() {
        assert_eq!(take(b"999999zrest"), Some((None, &b"rest"[..])));
        assert_eq!(take(b"4722.85N/0"), None);
        assert_eq!(take(b"12"), None);
    }
}
