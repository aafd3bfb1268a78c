//! Quantities as Kubernetes writes them: `500m`, `1.5Gi`. All of it is exact.
//!
//! Source of what a quantity is and how it is written: `k8s.io/apimachinery/pkg/api/resource`,
//! the comment of `Quantity`.

use super::Kind::{Number, String, Strings};
use super::{Failed, FunctionInfo, Outcome, deep, fail, list_at, p, str_at};
use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive};
use num_bigint::BigInt;
use quantity::{Format, Quantity, QuantityError};
use values::Value;

/// Digits after the point that a quantity has.
const DIGITS: i64 = 9;

pub(super) fn table() -> Vec<FunctionInfo> {
    vec![
        deep(
            "quantity",
            [p("amount", String)],
            "string",
            "An amount as a server stores it: `0.5Gi` is `512Mi`, `0.1` is `100m`.",
            |a| Ok(amount(a, 0)?.to_string().into()),
        ),
        deep(
            "quantityadd",
            [p("amounts", Strings)],
            "string",
            "The sum of a list of amounts, written as the first of them is.",
            |a| {
                let mut sum = Quantity::zero();
                for (i, item) in list_at(a, 0).iter().enumerate() {
                    let Some(text) = item.as_str() else {
                        return fail(0, format!("item {i} is null"));
                    };
                    let next = read(text).or_else(|why| fail(0, format!("item {i}: {why}")))?;
                    let format = if sum.is_zero() { next.format() } else { sum.format() };
                    sum = whole(sum.nanos().checked_add(next.nanos()), format)?;
                }
                Ok(sum.to_string().into())
            },
        ),
        deep(
            "quantitycmp",
            [p("a", String), p("b", String)],
            "number",
            "-1, 0 or 1: whether an amount is less than, equal to or more than another.",
            |a| Ok(super::compared(amount(a, 0)?.cmp(&amount(a, 1)?))),
        ),
        deep(
            "quantitymul",
            [p("amount", String), p("factor", Number)],
            "string",
            "An amount so many times; what is below a billionth is rounded up.",
            times,
        ),
        deep(
            "quantitysub",
            [p("amount", String), p("less", String)],
            "string",
            "An amount without another, written as the first is.",
            |a| {
                let (from, less) = (amount(a, 0)?, amount(a, 1)?);
                let format = if from.is_zero() { less.format() } else { from.format() };
                let rest = whole(from.nanos().checked_sub(less.nanos()), format)?;
                Ok(rest.to_string().into())
            },
        ),
        deep(
            "quantityvalue",
            [p("amount", String)],
            "number",
            "An amount as a number, exactly: `500m` is 0.5, `1Ki` is 1024.",
            |a| {
                let big = BigDecimal::new(BigInt::from(amount(a, 0)?.nanos()), DIGITS);
                let number = values::Number::from_big(&big);
                number.map(Value::Number).or_else(|why| fail(0, why.to_string()))
            },
        ),
    ]
}

fn read(text: &str) -> Result<Quantity, std::string::String> {
    Quantity::parse(text).map_err(|why| {
        let shown = crate::text::short_str(text);
        match why {
            QuantityError::TooLarge => format!("`{shown}` is too large"),
            QuantityError::Format | QuantityError::Numeric | QuantityError::Suffix => {
                format!("`{shown}` is not an amount such as `500m` or `1.5Gi`")
            }
        }
    })
}

fn amount(args: &[Value], i: usize) -> Result<Quantity, Failed> {
    read(str_at(args, i)).or_else(|why| fail(i, why))
}

fn whole(nanos: Option<i128>, format: Format) -> Result<Quantity, Failed> {
    match nanos {
        Some(nanos) => Ok(Quantity::from_nanos(nanos, format)),
        None => fail(None, "the result is larger than any amount"),
    }
}

fn times(args: &[Value]) -> Outcome {
    let amount = amount(args, 0)?;
    let Some(factor) = args.get(1).and_then(Value::as_number) else {
        return fail(1, "a number is needed");
    };
    let exact = BigDecimal::new(BigInt::from(amount.nanos()), 0) * factor.to_big();
    let nanos = exact.with_scale_round(0, RoundingMode::Up).to_i128();
    Ok(whole(nanos, amount.format())?.to_string().into())
}
