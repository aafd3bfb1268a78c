//! Exact decimal numbers.

use bigdecimal::{BigDecimal, ToPrimitive, Zero};
use std::fmt;
use std::str::FromStr;

/// Longest accepted text and largest accepted exponent: `1e1000000` is a megabyte of digits.
const MAX_DIGITS: usize = 1_000;
const MAX_EXPONENT: i64 = 1_000;

/// An exact decimal number. `0.1 + 0.2` is `0.3`, and one value has one text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(Repr);

// Whole numbers that fit are by far the most common and need no allocation. A number has one
// representation only (`Big` never holds what fits in `Int`), but the order must not depend on
// which one it is, hence the manual `Ord` of `Repr`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Repr {
    Int(i64),
    Big(Box<BigDecimal>),
}

impl Ord for Repr {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            _ => self.big().cmp(&other.big()),
        }
    }
}

impl PartialOrd for Repr {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Repr {
    fn big(&self) -> BigDecimal {
        match self {
            Self::Int(i) => BigDecimal::from(*i),
            Self::Big(b) => (**b).clone(),
        }
    }
}

/// A text that is not a number, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadNumber(pub &'static str);

impl fmt::Display for BadNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BadNumber {}

impl Number {
    /// From an exact decimal; refused when its text would be unreasonably long.
    pub fn from_big(big: &BigDecimal) -> Result<Self, BadNumber> {
        let normal = big.normalized();
        let (digits, scale) = normal.as_bigint_and_exponent();
        if scale.abs() > MAX_EXPONENT || digits.bits() > (MAX_DIGITS as u64) * 4 {
            return Err(BadNumber("a number has at most 1000 digits"));
        }
        Ok(match normal.is_integer().then(|| normal.to_i64()).flatten() {
            Some(i) => Self(Repr::Int(i)),
            None => Self(Repr::Big(Box::new(normal))),
        })
    }

    /// As an exact decimal.
    pub fn to_big(&self) -> BigDecimal {
        self.0.big()
    }

    /// As a machine integer, when it is one.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Int(i) => Some(*i),
            Repr::Big(_) => None,
        }
    }

    /// Whether it has no fraction.
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Int(_) => true,
            Repr::Big(b) => b.is_integer(),
        }
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        match &self.0 {
            Repr::Int(i) => *i == 0,
            Repr::Big(b) => b.is_zero(),
        }
    }
}

impl From<i64> for Number {
    fn from(n: i64) -> Self {
        Self(Repr::Int(n))
    }
}

impl FromStr for Number {
    type Err = BadNumber;

    fn from_str(text: &str) -> Result<Self, BadNumber> {
        if let Ok(i) = text.parse::<i64>()
            && !text.starts_with('+')
        {
            return Ok(Self(Repr::Int(i)));
        }
        if text.len() > MAX_DIGITS {
            return Err(BadNumber("a number has at most 1000 digits"));
        }
        let digits = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E');
        if !text.chars().all(digits) || !text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        {
            return Err(BadNumber("a number is digits, with `.` or an exponent"));
        }
        if let Some((_, exponent)) = text.split_once(['e', 'E']) {
            let exponent: i64 =
                exponent.parse().map_err(|_| BadNumber("the exponent is not a whole number"))?;
            if exponent.abs() > MAX_EXPONENT {
                return Err(BadNumber("an exponent is at most 1000"));
            }
        }
        let big = BigDecimal::from_str(text).map_err(|_| BadNumber("it is not a number"))?;
        Self::from_big(&big)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Int(i) => write!(f, "{i}"),
            Repr::Big(b) => f.write_str(&b.to_plain_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_text() {
        for (text, canonical) in [
            ("1.0", "1"),
            ("10", "10"),
            ("1e3", "1000"),
            ("0.10", "0.1"),
            ("-0", "0"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("1e-3", "0.001"),
        ] {
            assert_eq!(text.parse::<Number>().map(|n| n.to_string()).as_deref(), Ok(canonical));
        }
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_unfolded() {
        for text in ["1e1000000", "1e99999999999999999999", "1_0", "0x10", "", "-", "NaN", "+1"] {
            assert!(text.parse::<Number>().is_err(), "{text}");
        }
        assert!("9".repeat(5000).parse::<Number>().is_err());
    }

    #[test]
    fn order_does_not_depend_on_how_a_number_is_stored() {
        let n = |t: &str| t.parse::<Number>().expect("a number");
        assert!(n("0.5") < n("1") && n("1") < n("1.5") && n("-1e30") < n("0"));
    }
}
