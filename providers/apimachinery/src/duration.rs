//! Durations as Go writes them: `1m30s`.
//!
//! Source: [`time.ParseDuration`](https://pkg.go.dev/time#ParseDuration).

const UNITS: [&str; 8] = ["ns", "us", "\u{b5}s", "\u{3bc}s", "ms", "s", "m", "h"];

/// Whether Go reads this text as a duration: a sign perhaps, then `0`, or decimal numbers each
/// with its unit.
pub fn is_duration(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    if text == "0" {
        return true;
    }
    let mut rest = text;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (digits, after) = rest.split_at(number);
        let fine =
            digits.contains(|c: char| c.is_ascii_digit()) && digits.matches('.').count() <= 1;
        let unit = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        if !fine || !UNITS.contains(&unit) {
            return false;
        }
        rest = after;
    }
    !text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::is_duration;

    #[test]
    fn durations_have_units() {
        for right in ["0", "0s", "10s", "1m30s", "1.5h", "-2m", ".5s", "5\u{b5}s", "24h"] {
            assert!(is_duration(right), "{right}");
        }
        for wrong in ["", "-", "90", "1d", "10 s", "s", ".s", "1..5s", "1m30", "ten"] {
            assert!(!is_duration(wrong), "{wrong}");
        }
    }
}
