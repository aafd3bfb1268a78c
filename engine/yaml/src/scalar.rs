//! What a plain word means.
//!
//! Source: YAML 1.1 (<https://yaml.org/type/>) as `sigs.k8s.io/yaml` reads it, package
//! `goyaml.v2`, file `resolve.go`; checked against its answers in the tests.

use crate::node::Kind;
use values::Number;

/// What a plain word without a tag means; why not, when JSON has no such value.
pub(crate) fn plain(word: &str) -> Result<Kind, String> {
    Ok(match word {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Kind::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Kind::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF"
        | "-.inf" | "-.Inf" | "-.INF" => {
            return Err(format!("`{word}` is a number that JSON does not have."));
        }
        word => match number(word) {
            Some(number) => Kind::Number(number),
            None => Kind::Text(word.into()),
        },
    })
}

/// The number that a plain word is.
pub(crate) fn number(word: &str) -> Option<Number> {
    match word.bytes().next()? {
        b'.' => float(word),
        b'0'..=b'9' | b'+' | b'-' => {
            let word = word.replace('_', "");
            integer(&word).or_else(|| float(&word))
        }
        _ => None,
    }
}

/// With a sign, and `0x`, `0b`, `0o` or the `0` of old for another base; within 64 bits.
fn integer(word: &str) -> Option<Number> {
    let (negative, digits) = match word.as_bytes().first()? {
        b'-' => (true, &word[1..]),
        b'+' => (false, &word[1..]),
        _ => (false, word),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match lower.as_str() {
        text if text.starts_with("0x") => (16, &text[2..]),
        text if text.starts_with("0b") => (2, &text[2..]),
        text if text.starts_with("0o") => (8, &text[2..]),
        text if text.starts_with('0') && text.len() > 1 => (8, &text[1..]),
        text => (10, text),
    };
    // `from_str_radix` would take another sign.
    if !digits.chars().all(|digit| digit.is_digit(base)) {
        return None;
    }
    let amount = u64::from_str_radix(digits, base).ok()?;
    if negative && amount > 1 << 63 {
        return None;
    }
    let sign = if negative && amount != 0 { "-" } else { "" };
    format!("{sign}{amount}").parse().ok()
}

/// Digits with a point or an exponent, as the nearest number of 64 bits.
fn float(word: &str) -> Option<Number> {
    let unsigned = word.strip_prefix(['-', '+']).unwrap_or(word);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let fits = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|e| digits(e.strip_prefix(['-', '+']).unwrap_or(e)));
    if !fits || !exponent_fits {
        return None;
    }
    let float: f64 = word.parse().ok().filter(|f: &f64| f.is_finite())?;
    format!("{float}").parse().ok()
}
