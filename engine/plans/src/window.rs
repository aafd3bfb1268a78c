//! Times of the week at which nodes may be taken out of service.

use crate::Timestamp;
use std::fmt;
use std::str::FromStr;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MINUTES_OF_DAY: i64 = 24 * 60;
/// 1970-01-01 was a Thursday.
const FIRST_DAY: i64 = 3;

/// A time that comes again each day, or on some days of each week: `Sat,Sun 22:00-04:00 UTC`.
///
/// The days are those on which it begins; it may end on the next one. The zone is `UTC` or a fixed
/// distance from it (`+09:00`): names of zones change with laws, and hours that are skipped or come
/// twice would make a window mean something else twice a year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// As it was written.
    text: String,
    /// By day, from Monday.
    days: [bool; 7],
    /// Minutes of the day.
    from: i64,
    until: i64,
    /// Minutes to the east of UTC.
    offset: i64,
}

impl Window {
    /// Whether it is open at this time.
    pub fn contains(&self, at: Timestamp) -> bool {
        let minute = at.0.div_euclid(60) + self.offset;
        let (day, minute) = (minute.div_euclid(MINUTES_OF_DAY), minute.rem_euclid(MINUTES_OF_DAY));
        let begins = |day: i64| {
            usize::try_from((day + FIRST_DAY).rem_euclid(7)).is_ok_and(|day| self.days[day])
        };
        if self.from < self.until {
            begins(day) && (self.from..self.until).contains(&minute)
        } else {
            (begins(day) && minute >= self.from) || (begins(day - 1) && minute < self.until)
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Window {
    /// What is wrong, as a sentence.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let (days, times, zone) = match parts.as_slice() {
            [times, zone] => (None, *times, *zone),
            [days, times, zone] => (Some(*days), *times, *zone),
            _ => return Err("A window has days, times and a zone.".to_owned()),
        };
        let days = days.map_or(Ok([true; 7]), days_of)?;
        let (from, until) = times
            .split_once('-')
            .ok_or_else(|| format!("`{times}` is not a time and another, `22:00-04:00`."))?;
        let (from, until) = (minutes(from)?, minutes(until)?);
        if from == MINUTES_OF_DAY {
            return Err("A window begins before 24:00.".to_owned());
        }
        if from == until {
            return Err("The window ends when it begins.".to_owned());
        }
        let offset = offset(zone)?;
        Ok(Self { text: parts.join(" "), days, from, until, offset })
    }
}

/// `Mon-Fri`, `Sat,Sun`, `Fri-Mon,Wed`.
fn days_of(text: &str) -> Result<[bool; 7], String> {
    let day = |name: &str| {
        let found = DAYS.iter().position(|day| day.eq_ignore_ascii_case(name));
        found.ok_or_else(|| format!("`{name}` is not a day; the days are {}.", DAYS.join(", ")))
    };
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (day(first)?, day(last)?),
            None => (day(part)?, day(part)?),
        };
        let mut at = first;
        days[at] = true;
        while at != last {
            at = (at + 1) % 7;
            days[at] = true;
        }
    }
    Ok(days)
}

/// `22:00`; also `24:00`, as an end.
fn minutes(text: &str) -> Result<i64, String> {
    let number = |part: &str, most: i64| {
        let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<i64>().ok().filter(|n| digits && *n <= most)
    };
    let time = text.split_once(':').and_then(|(hours, minutes)| {
        let time = number(hours, 24)? * 60 + number(minutes, 59)?;
        (time <= MINUTES_OF_DAY).then_some(time)
    });
    time.ok_or_else(|| format!("`{text}` is not a time of the day from 00:00 to 24:00."))
}

/// `UTC`, `+09:00`, `-05:30`.
fn offset(text: &str) -> Result<i64, String> {
    if matches!(text, "UTC" | "Z") {
        return Ok(0);
    }
    let wrong = || format!("`{text}` is neither UTC nor a distance from it, `+09:00`.");
    let (sign, time) = match text.split_at_checked(1).ok_or_else(wrong)? {
        ("+", time) => (1, time),
        ("-", time) => (-1, time),
        (_, _) => return Err(wrong()),
    };
    let distance = minutes(time).ok().filter(|m| *m <= 14 * 60);
    distance.map(|m| sign * m).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21 was a Saturday.
    fn at(day: i64, hours: i64, minutes: i64) -> Timestamp {
        Timestamp(((20_778 + (day - 21)) * 24 + hours) * 3600 + minutes * 60)
    }

    fn window(text: &str) -> Window {
        text.parse().expect("a window")
    }

    #[test]
    fn window_begins_with_its_first_minute_and_ends_before_its_last() {
        let window = window("Sat 02:00-05:30 UTC");
        for (hours, minutes, open) in
            [(1, 59, false), (2, 0, true), (5, 29, true), (5, 30, false), (23, 0, false)]
        {
            assert_eq!(window.contains(at(21, hours, minutes)), open, "{hours}:{minutes}");
        }
        assert!(!window.contains(at(22, 3, 0)), "Sunday");
        assert!(window.contains(at(28, 3, 0)), "the next Saturday");
    }

    #[test]
    fn window_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let window = window("Sat 22:00-04:00 UTC");
        assert!(window.contains(at(21, 23, 0)));
        assert!(window.contains(at(22, 3, 59)), "Sunday before its end");
        assert!(!window.contains(at(22, 22, 0)), "Sunday evening");
        assert!(!window.contains(at(21, 3, 0)), "Saturday morning is Friday's");
    }

    #[test]
    fn days_are_lists_and_spans_and_may_go_over_the_end_of_the_week() {
        let days = |text: &str| {
            let window = window(&format!("{text} 00:00-24:00 UTC"));
            (23..30).map(|day| if window.contains(at(day, 12, 0)) { 'x' } else { '.' }).collect()
        };
        let shown = |text: &str| -> String { days(text) };
        assert_eq!(shown("Mon-Fri"), "xxxxx..");
        assert_eq!(shown("sat,Sun"), ".....xx");
        assert_eq!(shown("Fri-Mon,Wed"), "x.x.xxx");
    }

    #[test]
    fn zone_moves_the_day_too() {
        let window = window("Sun 00:00-01:00 +09:00");
        assert!(window.contains(at(21, 15, 30)), "Saturday 15:30 in UTC is Sunday 00:30 there");
        assert!(!window.contains(at(22, 0, 30)));
    }

    #[test]
    fn daily_window_needs_no_days() {
        assert!(window("22:00-04:00 UTC").contains(at(25, 1, 0)));
    }

    #[test]
    fn what_is_no_window_is_told_by_its_part() {
        for (text, why) in [
            ("", "A window has days, times and a zone."),
            ("22:00-04:00", "A window has days, times and a zone."),
            (
                "Sam 22:00-04:00 UTC",
                "`Sam` is not a day; the days are Mon, Tue, Wed, Thu, Fri, Sat, Sun.",
            ),
            ("22:00 UTC", "`22:00` is not a time and another, `22:00-04:00`."),
            ("22:00-4:00 UTC", "`4:00` is not a time of the day from 00:00 to 24:00."),
            ("22:00-24:01 UTC", "`24:01` is not a time of the day from 00:00 to 24:00."),
            ("22:00-22:00 UTC", "The window ends when it begins."),
            ("24:00-01:00 UTC", "A window begins before 24:00."),
            ("22:00-04:00 CET", "`CET` is neither UTC nor a distance from it, `+09:00`."),
            ("22:00-04:00 é", "`é` is neither UTC nor a distance from it, `+09:00`."),
            ("22:00-04:00 +15:00", "`+15:00` is neither UTC nor a distance from it, `+09:00`."),
        ] {
            assert_eq!(text.parse::<Window>(), Err(why.to_owned()), "{text}");
        }
    }
}
