//! Points in time, written as RFC 3339 says. None of them is "now": equal configurations give
//! equal plans.

use super::Kind::String;
use super::{Failed, FunctionInfo, deep, fail, p, str_at};
use bigdecimal::BigDecimal;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use num_bigint::BigInt;
use values::Value;

type Text = std::string::String;

pub(super) fn table() -> Vec<FunctionInfo> {
    vec![
        deep(
            "formatdate",
            [p("format", String), p("timestamp", String)],
            "string",
            "A point in time in another form, such as `DD MMM YYYY hh:mm ZZZ`.",
            |a| {
                let (when, offset) = instant(a, 1)?;
                Ok(formatted(str_at(a, 0), when, offset).or_else(|why| fail(0, why))?.into())
            },
        ),
        deep(
            "timeadd",
            [p("timestamp", String), p("duration", String)],
            "string",
            "A point in time later by a duration such as `1h30m` or `-10s`.",
            |a| {
                let (when, offset) = instant(a, 0)?;
                match when.checked_add(length(a, 1)?) {
                    Ok(later) => Ok(written(later, offset).into()),
                    Err(_) => fail(1, "the result is out of the range of dates"),
                }
            },
        ),
        deep(
            "timecmp",
            [p("a", String), p("b", String)],
            "number",
            "-1, 0 or 1: whether a point in time is before, at or after another.",
            |a| {
                let ((first, _), (second, _)) = (instant(a, 0)?, instant(a, 1)?);
                Ok(super::compared(first.cmp(&second)))
            },
        ),
        deep(
            "durationcmp",
            [p("a", String), p("b", String)],
            "number",
            "-1, 0 or 1: whether a duration such as `1h30m` is shorter than, as long as or longer \
             than another.",
            |a| Ok(super::compared(length(a, 0)?.cmp(&length(a, 1)?))),
        ),
        deep(
            "durationseconds",
            [p("duration", String)],
            "number",
            "How many seconds a duration such as `1h30m` has, exactly.",
            |a| {
                let big = BigDecimal::new(BigInt::from(length(a, 0)?.as_nanos()), 9);
                let number = values::Number::from_big(&big);
                number.map(Value::Number).or_else(|why| fail(0, why.to_string()))
            },
        ),
    ]
}

fn length(args: &[Value], i: usize) -> Result<SignedDuration, Failed> {
    let text = str_at(args, i);
    let why = || format!("`{}` is not a duration such as `1h30m`", crate::text::short_str(text));
    duration(text).map_or_else(|| fail(i, why()), Ok)
}

fn instant(args: &[Value], i: usize) -> Result<(Timestamp, Offset), Failed> {
    let text = str_at(args, i);
    let why = || {
        format!("`{}` is not a time such as `2026-01-31T12:00:00Z`", crate::text::short_str(text))
    };
    parsed(text).map_or_else(|| fail(i, why()), Ok)
}

/// RFC 3339 section 5.6, without a fraction of the second being lost.
fn parsed(text: &str) -> Option<(Timestamp, Offset)> {
    let shape = |at: usize, sign: u8| text.as_bytes().get(at) == Some(&sign);
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !text.is_ascii() || !separators.into_iter().all(|(at, sign)| shape(at, sign)) {
        return None;
    }
    let (civil, zone) = match text.get(19..)?.find(['Z', '+', '-']) {
        Some(at) => text.split_at(19 + at),
        None => return None,
    };
    let offset = match zone {
        "Z" => Offset::UTC,
        _ => {
            let (sign, rest) = zone.split_at(1);
            let (hours, minutes) = rest.split_once(':')?;
            let two = |t: &str| (t.len() == 2).then(|| t.parse::<i32>().ok()).flatten();
            let (hours, minutes) = (two(hours)?, two(minutes).filter(|m| *m < 60)?);
            let seconds = hours * 3600 + minutes * 60;
            Offset::from_seconds(if sign == "-" { -seconds } else { seconds }).ok()?
        }
    };
    let civil: DateTime = civil.parse().ok()?;
    Some((offset.to_timestamp(civil).ok()?, offset))
}

fn written(when: Timestamp, offset: Offset) -> Text {
    let civil = offset.to_datetime(when);
    let zone = if offset.is_zero() { "Z".to_owned() } else { zone(offset, ":") };
    let seconds = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        civil.year(),
        civil.month(),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second()
    );
    match civil.subsec_nanosecond() {
        0 => format!("{seconds}{zone}"),
        nanos => format!("{seconds}.{}{zone}", format!("{nanos:09}").trim_end_matches('0')),
    }
}

fn zone(offset: Offset, colon: &str) -> Text {
    let (sign, seconds) = match offset.seconds() {
        s if s < 0 => ('-', -s),
        s => ('+', s),
    };
    format!("{sign}{:02}{colon}{:02}", seconds / 3600, seconds / 60 % 60)
}

/// Go's form of a duration: numbers with units, joined, with one sign for all.
fn duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanos: i128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, more) = rest.split_at(digits);
        let end = more.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(more.len());
        let (unit, after) = more.split_at(end);
        let unit: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && part.is_empty() || part.len() > 18 || whole.len() > 18 {
            return None;
        }
        let count = |t: &str| if t.is_empty() { Some(0) } else { t.parse::<i128>().ok() };
        let fraction = count(part)? * unit / 10_i128.pow(u32::try_from(part.len()).ok()?);
        nanos = nanos.checked_add(count(whole)?.checked_mul(unit)?)?.checked_add(fraction)?;
        rest = after;
    }
    let nanos = if negative { -nanos } else { nanos };
    let seconds = i64::try_from(nanos / 1_000_000_000).ok()?;
    Some(SignedDuration::new(seconds, i32::try_from(nanos % 1_000_000_000).ok()?))
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A format of letters that stand for parts; other text stands in single quotes.
fn formatted(format: &str, when: Timestamp, offset: Offset) -> Result<Text, Text> {
    let civil = offset.to_datetime(when);
    let month = MONTHS[usize::try_from(civil.month() - 1).unwrap_or(0) % 12];
    let day = DAYS[usize::try_from(civil.weekday().to_monday_zero_offset()).unwrap_or(0) % 7];
    let hour12 = match civil.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let mut out = Text::new();
    let mut rest = format;
    while let Some(c) = rest.chars().next() {
        if c == '\'' {
            rest = literal(&rest[1..], &mut out)?;
            continue;
        }
        let end = rest.find(|other| other != c).unwrap_or(rest.len());
        let (verb, after) = rest.split_at(end);
        rest = after;
        let part = match verb {
            "YYYY" => format!("{:04}", civil.year()),
            "YY" => format!("{:02}", civil.year() % 100),
            "MMMM" => month.to_owned(),
            "MMM" => month[..3].to_owned(),
            "MM" => format!("{:02}", civil.month()),
            "M" => civil.month().to_string(),
            "DD" => format!("{:02}", civil.day()),
            "D" => civil.day().to_string(),
            "EEEE" => day.to_owned(),
            "EEE" => day[..3].to_owned(),
            "hh" => format!("{:02}", civil.hour()),
            "h" => civil.hour().to_string(),
            "HH" => format!("{hour12:02}"),
            "H" => hour12.to_string(),
            "AA" => if civil.hour() < 12 { "AM" } else { "PM" }.to_owned(),
            "aa" => if civil.hour() < 12 { "am" } else { "pm" }.to_owned(),
            "mm" => format!("{:02}", civil.minute()),
            "m" => civil.minute().to_string(),
            "ss" => format!("{:02}", civil.second()),
            "s" => civil.second().to_string(),
            "ZZZ" if offset.is_zero() => "UTC".to_owned(),
            "Z" if offset.is_zero() => "Z".to_owned(),
            "ZZZ" | "ZZZZ" => zone(offset, ""),
            "Z" | "ZZZZZ" => zone(offset, ":"),
            verb if c.is_ascii_alphabetic() => {
                return Err(format!(
                    "`{verb}` stands for no part of a time; other text stands in single quotes"
                ));
            }
            other => other.to_owned(),
        };
        out.push_str(&part);
    }
    Ok(out)
}

/// Behind an opening quote: the text up to the closing one, where two quotes are one.
fn literal<'t>(mut rest: &'t str, out: &mut Text) -> Result<&'t str, Text> {
    loop {
        let Some(end) = rest.find('\'') else {
            return Err("a single quote of the format is never closed".to_owned());
        };
        out.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(more) => {
                out.push('\'');
                rest = more;
            }
            None => return Ok(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{duration, formatted, parsed, written};

    #[test]
    fn times_are_read_and_written_with_their_offset() {
        for text in
            ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.25+02:00", "1999-12-31T23:59:59-11:30"]
        {
            let again = parsed(text).map(|(when, offset)| written(when, offset));
            assert_eq!(again.as_deref(), Some(text));
        }
        for wrong in [
            "",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-02-30T12:00:00Z",
            "2026-01-31 12:00:00Z",
        ] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn durations_are_those_of_go() {
        for (text, want) in [
            ("1h30m", Some(5400.0)),
            ("-1.5s", Some(-1.5)),
            ("0", Some(0.0)),
            ("100ms", Some(0.1)),
            ("1d", None),
            ("h", None),
            ("", None),
            ("1", None),
        ] {
            assert_eq!(duration(text).map(|d| d.as_secs_f64()), want, "{text}");
        }
    }

    #[test]
    fn a_format_stands_for_the_parts_of_a_time() {
        let Some((when, offset)) = parsed("2006-01-02T15:04:05+01:00") else {
            panic!("a time");
        };
        for (format, want) in [
            ("EEE, DD MMM YYYY hh:mm:ss ZZZ", "Mon, 02 Jan 2006 15:04:05 +0100"),
            ("H'h'mm aa 'o''clock'", "3h04 pm o'clock"),
            ("YY-M-D", "06-1-2"),
        ] {
            assert_eq!(formatted(format, when, offset).as_deref(), Ok(want));
        }
        for wrong in ["x", "'", "YYY"] {
            assert!(formatted(wrong, when, offset).is_err(), "{wrong}");
        }
    }
}
