//! Durations as Go writes them: `1m30s`.
//!
//! Source: [`time.ParseDuration`](https://pkg.go.dev/time#ParseDuration).

/// Units and how many billionths of a second they are.
const UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];
/// More digits than Go can hold mean no other duration.
const MOST_DIGITS: usize = 18;

/// The duration in billionths of a second, where Go reads this text as one: a sign perhaps, then
/// `0`, or decimal numbers each with its unit.
pub fn nanoseconds(text: &str) -> Option<i128> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut sum = 0;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
        sum += times(number, *size)?;
        if after.is_empty() {
            return Some(sign * sum);
        }
        rest = after;
    }
}

/// A decimal number times a unit; what is less than a billionth is dropped, as Go does.
fn times(number: &str, size: i128) -> Option<i128> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = whole.len() + part.len();
    if digits == 0 || digits > MOST_DIGITS {
        return None;
    }
    let all: i128 = format!("{whole}{part}").parse().ok()?;
    Some(all * size / 10_i128.pow(u32::try_from(part.len()).ok()?))
}

/// Whether Go reads this text as a duration.
pub fn is_duration(text: &str) -> bool {
    nanoseconds(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for right in ["0", "0s", "10s", "1m30s", "1.5h", "-2m", ".5s", "5\u{b5}s", "24h"] {
            assert!(is_duration(right), "{right}");
        }
        for wrong in ["", "-", "90", "1d", "10 s", "s", ".s", "1..5s", "1m30", "ten", "1.2.3s"] {
            assert!(!is_duration(wrong), "{wrong}");
        }
    }

    #[test]
    fn one_duration_has_many_spellings() {
        assert_eq!(nanoseconds("90s"), nanoseconds("1m30s"));
        assert_eq!(nanoseconds("24h0m0s"), nanoseconds("24h"));
        assert_eq!(nanoseconds("0.5s"), nanoseconds("500ms"));
        assert_eq!(nanoseconds("-1.5h"), Some(-5_400_000_000_000));
    }
}
