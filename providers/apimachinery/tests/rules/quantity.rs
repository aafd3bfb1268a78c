//! Quantities: the server's own table, and the laws.

use crate::common::Checked;
use apimachinery::quantity::{Format, Quantity, QuantityError, canonical};
use proptest::prelude::*;
use serde_json::Value;

/// `decQuantity(mantissa, scale, format)` as text that has only one reading.
fn literal(value: &Value) -> Option<(String, Format)> {
    let format = match value["args"][2]["$ref"].as_str()? {
        "DecimalSI" => Format::DecimalSi,
        "BinarySI" => Format::BinarySi,
        "DecimalExponent" => Format::DecimalExponent,
        _ => return None,
    };
    if !matches!(value["$call"].as_str()?, "decQuantity" | "intQuantity") {
        return None;
    }
    let scale = value["args"][1].as_i64()?;
    Some((format!("{}e{scale}", crate::common::number(&value["args"][0])?), format))
}

fn quantity(value: &Value) -> Option<Quantity> {
    let (text, format) = literal(value)?;
    Some(Quantity::parse(&text).ok()?.with_format(format))
}

#[test]
fn parsing_agrees_with_the_servers_table() {
    crate::common::score("quantity-parse", &["TestQuantityParse"], 60, |row| {
        let (Some(input), Some(want)) = (row["f"]["input"].as_str(), quantity(&row["f"]["expect"]))
        else {
            return Checked::Unusable;
        };
        match Quantity::parse(input) {
            Ok(got) if got == want => Checked::Right,
            got => Checked::Wrong(format!("{input}: {got:?} instead of {want:?}")),
        }
    });
}

#[test]
fn printing_agrees_with_the_servers_table() {
    crate::common::score("quantity-print", &["TestQuantityString"], 20, |row| {
        let (Some(want), Some(quantity)) = (row["f"]["expect"].as_str(), quantity(&row["f"]["in"]))
        else {
            return Checked::Unusable;
        };
        if quantity.to_string() != want {
            return Checked::Wrong(format!("{quantity} instead of {want}"));
        }
        // The other spelling of the row is the same amount.
        match row["f"]["alternate"].as_str().filter(|text| !text.is_empty()) {
            Some(other) if Quantity::parse(other).ok() != Some(quantity) => {
                Checked::Wrong(format!("{other} is not {want}"))
            }
            _ => Checked::Right,
        }
    });
}

#[test]
fn canonical_form_agrees_with_the_servers_table() {
    crate::common::score(
        "quantity-canonical",
        &["TestParseQuantity", "TestQuantityParseEmit"],
        40,
        |row| {
            let fields = &row["f"];
            let Some(input) = fields["input"].as_str().or(fields["in"].as_str()) else {
                return Checked::Unusable;
            };
            let want = fields["canonical"].as_str().or(fields["expect"].as_str()).unwrap_or(input);
            match canonical(input) {
                Some(got) if got == want => Checked::Right,
                got => Checked::Wrong(format!("{input}: {got:?} instead of {want}")),
            }
        },
    );
}

#[test]
fn sums_and_differences_agree_with_the_servers_table() {
    crate::common::score("quantity-sums", &["TestAdd", "TestSub"], 4, |row| {
        let fields = &row["f"];
        let (Some(a), Some(b), Some(want)) =
            (quantity(&fields["a"]), quantity(&fields["b"]), quantity(&fields["expected"]))
        else {
            return Checked::Unusable;
        };
        let got = if row["test"] == "TestAdd" { a.plus(b) } else { a.minus(b) };
        if got == want && got.format() == want.format() {
            return Checked::Right;
        }
        Checked::Wrong(format!("{got:?} instead of {want:?}"))
    });
}

#[test]
fn spellings_of_one_amount_have_one_canonical_form() {
    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(canonical(text).as_deref(), Some(want), "{text}");
    }
    check("1000m", "1");
    check("1024Mi", "1Gi");
    check("0.5", "500m");
    check("1.5Gi", "1536Mi");
    check("800Gi", "800Gi");
    check("0.5Gi", "512Mi");
    check("0.1Ki", "102400m");
    check("1e3", "1e3");
    check("00", "0");
    check("+5", "5");
    check("1.", "1");
    check("3.001n", "4n");
    check("8Ei", "9223372036854775807");
}

#[test]
fn text_that_is_no_quantity_is_refused_with_the_servers_words() {
    #[track_caller]
    fn check(text: &str, want: QuantityError) {
        assert_eq!(Quantity::parse(text), Err(want), "{text}");
    }
    check("", QuantityError::Format);
    check("1.1.1", QuantityError::Format);
    check("1 Gi", QuantityError::Format);
    check("1+1", QuantityError::Suffix);
    check("abc", QuantityError::Format);
    check("5x", QuantityError::Format);
    check("5Kim", QuantityError::Suffix);
    check("5e", QuantityError::Suffix);
    check("Gi", QuantityError::Numeric);
    check(".", QuantityError::Numeric);
    check("1e999999999999", QuantityError::TooLarge);
    assert_eq!(
        QuantityError::Format.to_string(),
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    );
}

#[test]
fn only_whole_numbers_are_integers_whatever_their_suffix() {
    let is_integer = |text: &str| Quantity::parse(text).unwrap().is_integer();
    assert!(is_integer("800Gi") && is_integer("4") && is_integer("4000m") && is_integer("1e3"));
    assert!(!is_integer("4.5") && !is_integer("100m") && !is_integer("1n"));
}

proptest! {
    /// Whatever is printed reads back as the same amount, and prints the same again.
    #[test]
    fn printed_quantity_reads_back(
        whole in 0_u64..1_000_000_000_000,
        fraction in "[0-9]{0,9}",
        suffix in prop::sample::select(vec!["", "n", "u", "m", "k", "M", "G", "Ki", "Mi", "Gi", "Ti", "e3", "e-3"]),
        sign in prop::sample::select(vec!["", "-"]),
    ) {
        let text = format!("{sign}{whole}.{fraction}{suffix}");
        let quantity = Quantity::parse(&text).unwrap();
        let printed = quantity.to_string();
        let again = Quantity::parse(&printed).unwrap();
        prop_assert_eq!(quantity, again);
        prop_assert_eq!(printed, again.to_string());
    }

    /// No text makes the parser panic.
    #[test]
    fn any_text_is_parsed_or_refused(text in ".{0,40}") {
        let _ = Quantity::parse(&text);
    }

    /// The order is that of the amounts, and sums respect it.
    #[test]
    fn more_of_something_is_more(a in 0_i64..1_000_000, b in 1_i64..1_000_000) {
        let (a, b) = (Quantity::from_millis(a), Quantity::from_millis(b));
        prop_assert!(a.plus(b) > a);
        prop_assert_eq!(a.plus(b).minus(b), a);
    }
}
