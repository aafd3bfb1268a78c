//! Quantities: `500m`, `1Gi`, `2e3`, and the one way a server writes each of them.
//!
//! Start reading at [`Quantity::parse`]. A quantity is kept exactly, in billionths,
//! with the family of suffixes it was written in; [`std::fmt::Display`] is the
//! server's canonical form.
//!
//! The sandbox, the providers and the functions of the language need the same amounts, so this is
//! a room of its own that imports nothing of ours.
//!
//! **Invariant:** `parse(print(q)) == q`, and printing is idempotent.

use std::cmp::Ordering;
use std::fmt;

use num_bigint::{BigInt, Sign};

/// Billionths in one.
const NANO: i128 = 1_000_000_000;
/// What a server caps binary quantities at: the largest signed 64-bit integer.
const BINARY_CAP: i128 = i64::MAX as i128 * NANO;
/// Digits and exponents beyond this are refused; nothing measurable needs them.
const MOST_DIGITS: usize = 400;

/// Why a text is not a quantity. The words are the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// The text has not the shape of a quantity.
    #[error(
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    )]
    Format,
    /// The number before the suffix is none.
    #[error("unable to parse numeric part of quantity")]
    Numeric,
    /// The suffix is unknown.
    #[error("unable to parse quantity's suffix")]
    Suffix,
    /// The value is beyond what this implementation holds (about 10^29).
    #[error("quantity is too large")]
    TooLarge,
}

/// The family of suffixes a quantity was written in; it decides how it prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `n u m` none `k M G T P E`: powers of ten.
    DecimalSi,
    /// `Ki Mi Gi Ti Pi Ei`: powers of 1024.
    BinarySi,
    /// `e3`: a decimal exponent.
    DecimalExponent,
}

/// An exact amount of something, as Kubernetes writes amounts.
///
/// Equality and order look at the amount alone: `1000m == 1`.
#[derive(Debug, Clone, Copy)]
pub struct Quantity {
    nanos: i128,
    format: Format,
}

impl Quantity {
    /// Reads a quantity as a server does; amounts below a billionth are rounded up.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let parts = Parts::split(text)?;
        let (base, exponent, format) = suffix(parts.suffix)?;
        let nanos = parts.nanos(base, exponent)?;
        let mut quantity = Self { nanos, format };
        if format == Format::BinarySi {
            quantity.nanos = nanos.clamp(-BINARY_CAP, BINARY_CAP);
            if nanos.abs() < NANO && nanos != 0 {
                // Less than one of something binary is shown in decimal, without rounding.
                quantity.format = Format::DecimalSi;
            }
        }
        Ok(quantity)
    }

    /// A whole number.
    pub fn from_integer(value: i64) -> Self {
        Self { nanos: i128::from(value) * NANO, format: Format::DecimalSi }
    }

    /// Thousandths, such as CPU.
    pub fn from_millis(value: i64) -> Self {
        Self { nanos: i128::from(value) * (NANO / 1000), format: Format::DecimalSi }
    }

    /// So many billionths, printed in this family of suffixes.
    pub fn from_nanos(nanos: i128, format: Format) -> Self {
        Self { nanos, format }
    }

    /// In billionths, exactly.
    pub fn nanos(&self) -> i128 {
        self.nanos
    }

    /// Nothing, in decimal.
    pub fn zero() -> Self {
        Self::from_integer(0)
    }

    /// The same amount, printed in another family of suffixes.
    #[must_use]
    pub fn with_format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    /// The family of suffixes it prints in.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether it is a whole number.
    pub fn is_integer(&self) -> bool {
        self.nanos % NANO == 0
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        self.nanos == 0
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.nanos < 0
    }

    /// The whole number at or above it (away from zero), at most what 64 bits hold.
    pub fn value(&self) -> i64 {
        saturate(divide_up(self.nanos, NANO))
    }

    /// In thousandths, rounded up (away from zero), at most what 64 bits hold.
    pub fn milli_value(&self) -> i64 {
        saturate(divide_up(self.nanos, NANO / 1000))
    }

    /// The same amount without what is below a thousandth, rounded away from zero.
    #[must_use]
    pub fn rounded_up_to_milli(self) -> Self {
        let milli = NANO / 1000;
        Self { nanos: divide_up(self.nanos, milli).saturating_mul(milli), ..self }
    }

    /// As a floating point number, for ratios that are only shown.
    #[expect(clippy::cast_precision_loss, reason = "shown with six digits")]
    pub fn as_f64(&self) -> f64 {
        self.nanos as f64 / NANO as f64
    }

    /// The sum, in the format of the first that is not zero; capped, never wrapped.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let format = if self.is_zero() { other.format } else { self.format };
        Self { nanos: self.nanos.saturating_add(other.nanos), format }
    }

    /// The difference, in the format of the first that is not zero.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        let format = if self.is_zero() { other.format } else { self.format };
        Self { nanos: self.nanos.saturating_sub(other.nanos), format }
    }

    fn decimal(self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The largest power of a thousand that leaves a whole number.
        let (mut mantissa, mut exponent) = (self.nanos, -9);
        while exponent < 18 && mantissa % 1000 == 0 {
            mantissa /= 1000;
            exponent += 3;
        }
        if self.format == Format::DecimalExponent {
            return match exponent {
                0 => write!(out, "{mantissa}"),
                _ => write!(out, "{mantissa}e{exponent}"),
            };
        }
        let suffix =
            DECIMAL.iter().find(|(_, known)| *known == exponent).map_or("", |(name, _)| name);
        write!(out, "{mantissa}{suffix}")
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return out.write_str("0");
        }
        let small = self.nanos.abs() < 1024 * NANO;
        if self.format == Format::BinarySi && !small && self.is_integer() {
            let (mut mantissa, mut power) = (self.nanos / NANO, 0);
            while power < 6 && mantissa % 1024 == 0 {
                mantissa /= 1024;
                power += 1;
            }
            return write!(out, "{mantissa}{}", BINARY[power].0);
        }
        let format = match self.format {
            Format::BinarySi => Format::DecimalSi,
            other => other,
        };
        Self { format, ..*self }.decimal(out)
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl std::str::FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        Self::parse(text)
    }
}

/// How a server would store this text, if it is a quantity.
pub fn canonical(text: &str) -> Option<String> {
    Some(Quantity::parse(text).ok()?.to_string())
}

const BINARY: [(&str, u32); 7] =
    [("", 0), ("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];

#[derive(Clone, Copy)]
enum Base {
    Ten,
    Two,
}

fn suffix(text: &str) -> Result<(Base, i64, Format), QuantityError> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == text) {
        return Ok((Base::Ten, i64::from(*exponent), Format::DecimalSi));
    }
    if let Some((_, exponent)) = BINARY.iter().find(|(name, _)| *name == text) {
        return Ok((Base::Two, i64::from(*exponent), Format::BinarySi));
    }
    let exponent = text.strip_prefix(['e', 'E']).ok_or(QuantityError::Suffix)?;
    let exponent = exponent.parse::<i64>().map_err(|_| QuantityError::Suffix)?;
    Ok((Base::Ten, exponent, Format::DecimalExponent))
}

/// The text cut into sign, digits before and after the point, and suffix.
struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Result<Self, QuantityError> {
        if text.is_empty() {
            return Err(QuantityError::Format);
        }
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, rest) = take(rest, |c| c.is_ascii_digit());
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => take(rest, |c| c.is_ascii_digit()),
            None => ("", rest),
        };
        let (_, exponent) = take(suffix, |c| "eEinumkKMGTP".contains(c));
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if !exponent.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(QuantityError::Format);
        }
        if whole.is_empty() && fraction.is_empty() {
            return Err(if suffix.is_empty() && !rest.starts_with('.') {
                // A lone sign.
                QuantityError::Format
            } else {
                QuantityError::Numeric
            });
        }
        Ok(Self { negative, whole, fraction, suffix })
    }

    /// The amount in billionths: digits times 10^exponent or 2^exponent, rounded up.
    fn nanos(&self, base: Base, exponent: i64) -> Result<i128, QuantityError> {
        let whole = self.whole.trim_start_matches('0');
        let fraction = self.fraction.trim_end_matches('0');
        if whole.is_empty() && fraction.is_empty() {
            return Ok(0);
        }
        let most = i64::try_from(MOST_DIGITS).unwrap_or(i64::MAX);
        if whole.len() > MOST_DIGITS || exponent > most {
            return Err(QuantityError::TooLarge);
        }
        // What lies so far behind the point only decides that there is something.
        let shown = &fraction[..fraction.len().min(2 * MOST_DIGITS)];
        let digits = format!("{whole}{shown}");
        let mut digits =
            BigInt::parse_bytes(digits.as_bytes(), 10).ok_or(QuantityError::Numeric)?;
        if digits.sign() == Sign::NoSign || exponent < -2 * most {
            // Something, but far below a billionth: rounded up to one billionth.
            return Ok(if self.negative { -1 } else { 1 });
        }
        let mut tens = 9 - i64::try_from(shown.len()).unwrap_or(0);
        match base {
            Base::Ten => tens += exponent,
            Base::Two => digits <<= exponent,
        }
        let power = u32::try_from(tens.unsigned_abs()).map_err(|_| QuantityError::TooLarge)?;
        let power = BigInt::from(10).pow(power);
        let nanos = if tens >= 0 { digits * power } else { (digits + &power - 1) / power };
        let nanos = i128::try_from(nanos).map_err(|_| QuantityError::TooLarge)?;
        Ok(if self.negative { -nanos } else { nanos })
    }
}

fn take(text: &str, wanted: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !wanted(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn divide_up(value: i128, by: i128) -> i128 {
    let rest = value % by;
    value / by + if rest == 0 { 0 } else { rest.signum() }
}

fn saturate(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}
