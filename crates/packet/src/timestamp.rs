//! Timestamps (chapter 6): as sent, and made absolute against the time of reception.

use crate::text::digits;

const SECOND_US: i64 = 1_000_000;
const HOUR_US: i64 = 3600 * SECOND_US;
const DAY_US: i64 = 24 * HOUR_US;
/// A time of day this far ahead of reception still means today: clocks are wrong more often than packets are old.
const HMS_AHEAD_US: i64 = 65 * 60 * SECOND_US;
/// A date this far ahead of reception still means this month or year.
const DATE_AHEAD_US: i64 = 12 * HOUR_US;

/// What the time consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimestampForm {
    /// `DDHHMMz`: day, hour, minute, UTC.
    DayHourMinute,
    /// `DDHHMM/`: the same in the sender's zone, which is unknown; off by up to 14 hours.
    DayHourMinuteLocal,
    /// `HHMMSSh`: hour, minute, second, UTC.
    HourMinuteSecond,
    /// `MMDDHHMM`: month to minute, UTC.
    MonthDayHourMinute,
    /// A full date (NMEA RMC).
    Full,
}

/// A possible time as sent. Fields the form lacks are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Timestamp<'a> {
    /// The bytes as sent.
    pub text: &'a [u8],
    /// What they hold.
    pub form: TimestampForm,
    /// Year, four digits.
    pub year: u16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 59.
    pub second: u8,
}

impl<'a> Timestamp<'a> {
    /// Reads the seven bytes of `/ @ ;`; `None` when they are no possible time.
    #[inline]
    pub(crate) fn seven(text: &'a [u8]) -> Option<Self> {
        let text = text.get(..7)?;
        let (start, end) = (text.first_chunk()?, text.last_chunk()?);
        let word = u64::from(u32::from_le_bytes(*start)) | u64::from(u32::from_le_bytes(*end)) << 24;
        // Digits become 0 to 9; what the second number adds sets the highest bit of all else.
        let low = (word ^ 0x3030_3030_3030) & 0xFFFF_FFFF_FFFF;
        if (low | low.wrapping_add(0x7676_7676_7676)) & 0x8080_8080_8080 != 0 {
            return None;
        }
        // Every byte becomes ten times itself and the next one.
        let pairs = low * 10 + (low >> 8);
        let [a, b, c] = [0, 16, 32].map(|at| (pairs >> at & 0xFF) as u8);
        let none = Self { text, form: TimestampForm::Full, year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
        let time = match text[6] {
            b'h' => Self { form: TimestampForm::HourMinuteSecond, hour: a, minute: b, second: c, ..none },
            b'z' => Self { form: TimestampForm::DayHourMinute, day: a, hour: b, minute: c, ..none },
            b'/' => Self { form: TimestampForm::DayHourMinuteLocal, day: a, hour: b, minute: c, ..none },
            _ => return None,
        };
        let day_fits = time.form == TimestampForm::HourMinuteSecond || matches!(time.day, 1..=31);
        (day_fits && time.hour < 24 && time.minute < 60 && time.second < 60).then_some(time)
    }

    /// Reads `MMDDHHMM`.
    pub(crate) fn eight(text: &'a [u8]) -> Option<Self> {
        let value = digits(text.get(..8)?)?;
        let (month, day, hour, minute) = (two(value / 1_000_000), two(value / 10_000 % 100), two(value / 100 % 100), two(value % 100));
        let fits = matches!(month, 1..=12) && matches!(day, 1..=31) && hour < 24 && minute < 60;
        fits.then_some(Self { text, form: TimestampForm::MonthDayHourMinute, year: 0, month, day, hour, minute, second: 0 })
    }

    /// The absolute time this most likely means, microseconds since 1970 UTC, for a packet received at
    /// `received_at_us`. `None` when the day does not exist in any month near.
    #[must_use]
    pub fn resolve(&self, received_at_us: i64) -> Option<i64> {
        let clock = i64::from(self.hour) * HOUR_US + i64::from(self.minute) * 60 * SECOND_US + i64::from(self.second) * SECOND_US;
        let today = received_at_us.div_euclid(DAY_US);
        let (year, month, _) = civil(today);
        match self.form {
            TimestampForm::HourMinuteSecond => {
                // The nearest of yesterday, today and tomorrow that is not more than 65 minutes ahead.
                let candidates = [today - 1, today, today + 1].map(|day| day * DAY_US + clock);
                candidates.into_iter().rfind(|&time| time - received_at_us <= HMS_AHEAD_US)
            }
            TimestampForm::DayHourMinute | TimestampForm::DayHourMinuteLocal => {
                // Two months back always holds every day of the month, the 31st included.
                let months = [1, 0, -1, -2].map(|step| i64::from(year) * 12 + i64::from(month) - 1 + step);
                months.into_iter().find_map(|months| {
                    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
                    let time = day_of(year, month, i64::from(self.day))? * DAY_US + clock;
                    (time - received_at_us <= DATE_AHEAD_US).then_some(time)
                })
            }
            TimestampForm::MonthDayHourMinute => [1, 0, -1, -2, -3, -4].into_iter().find_map(|step| {
                let time = day_of(i64::from(year) + step, i64::from(self.month), i64::from(self.day))? * DAY_US + clock;
                (time - received_at_us <= DATE_AHEAD_US).then_some(time)
            }),
            TimestampForm::Full => Some(day_of(i64::from(self.year), i64::from(self.month), i64::from(self.day))? * DAY_US + clock),
        }
    }
}

fn two(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

/// Year, month and day of a day number (0 = 1970-01-01). Howard Hinnant's public algorithm.
fn civil(day: i64) -> (i32, u8, u8) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (i32::try_from(year).unwrap_or(i32::MAX), u8::try_from(month).unwrap_or(1), u8::try_from(day).unwrap_or(1))
}

/// Day number of a date, `None` if there is no such day.
fn day_of(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let shifted = year - i64::from(month <= 2);
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let number = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468;
    let (_, same_month, _) = civil(number);
    (i64::from(same_month) == month).then_some(number)
}

/// The time in RFC 3339 form, UTC, to the second.
#[cfg(feature = "serde")]
pub(crate) fn rfc3339(time_us: i64) -> String {
    let (year, month, day) = civil(time_us.div_euclid(DAY_US));
    let second = time_us.rem_euclid(DAY_US) / SECOND_US;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(year: i64, month: i64, day: i64, hour: i64, minute: i64) -> i64 {
        day_of(year, month, day).expect("a date") * DAY_US + hour * HOUR_US + minute * 60 * SECOND_US
    }

    fn seven(text: &str, received: i64) -> Option<i64> {
        Timestamp::seven(text.as_bytes()).expect(text).resolve(received)
    }

    #[test]
    fn dates_and_day_numbers_agree_over_centuries() {
        for day in (-200_000..200_000).step_by(7) {
            let (year, month, of_month) = civil(day);
            assert_eq!(day_of(i64::from(year), i64::from(month), i64::from(of_month)), Some(day));
        }
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(day_of(2025, 2, 29), None);
        assert!(day_of(2024, 2, 29).is_some());
    }

    #[test]
    fn midnight_and_month_ends() {
        let received = at(2026, 11, 1, 0, 3);
        assert_eq!(seven("312358z", received), Some(at(2026, 10, 31, 23, 58)));
        assert_eq!(seven("000130h", received), Some(at(2026, 11, 1, 0, 1) + 30 * SECOND_US));
        assert_eq!(seven("235950h", received), Some(at(2026, 10, 31, 23, 59) + 50 * SECOND_US));
        assert_eq!(seven("010103h", received), Some(at(2026, 11, 1, 1, 1) + 3 * SECOND_US));
        assert_eq!(seven("010900h", received), Some(at(2026, 10, 31, 1, 9)));
        assert_eq!(seven("000010h", at(2026, 12, 31, 23, 59)), Some(at(2027, 1, 1, 0, 0) + 10 * SECOND_US));
    }

    #[test]
    fn a_day_the_month_lacks_is_looked_for_in_the_month_before() {
        assert_eq!(seven("311200z", at(2026, 12, 1, 0, 0)), Some(at(2026, 10, 31, 12, 0)));
        assert_eq!(seven("301200z", at(2026, 3, 1, 0, 0)), Some(at(2026, 1, 30, 12, 0)));
        assert_eq!(seven("010000z", at(2026, 12, 31, 23, 0)), Some(at(2027, 1, 1, 0, 0)));
        assert_eq!(seven("021800z", at(2027, 1, 2, 5, 0)), Some(at(2026, 12, 2, 18, 0)));
    }

    #[test]
    fn leap_days_resolve_only_to_leap_years() {
        let time = Timestamp::eight(b"02291200").expect("possible");
        assert_eq!(time.resolve(at(2026, 3, 1, 0, 0)), Some(at(2024, 2, 29, 12, 0)));
        let new_year = Timestamp::eight(b"12312359").expect("possible");
        assert_eq!(new_year.resolve(at(2027, 1, 1, 0, 5)), Some(at(2026, 12, 31, 23, 59)));
    }

    #[test]
    fn impossible_times_are_none() {
        for bad in ["000000z", "321200z", "012400z", "016000z", "999999z", "......z", "240000h", "111111x", "11111"] {
            assert_eq!(Timestamp::seven(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(Timestamp::eight(b"13011200"), None);
    }
}
