//! Functions over numbers.

use super::Kind::{Number, Numbers, String};
use super::{Failed, FunctionInfo, Outcome, deep, fail, int_at, list_at, p, str_at};
use crate::eval::ops::arithmetic;
use bigdecimal::{BigDecimal, RoundingMode};
use config::BinaryOp;
use values::Value;

pub(super) fn table() -> Vec<FunctionInfo> {
    vec![
        deep("abs", [p("number", Number)], "number", "The number without its sign.", |a| {
            number(&a[0])?.to_big().abs().pipe()
        }),
        deep("ceil", [p("number", Number)], "number", "The next whole number, upwards.", |a| {
            number(&a[0])?.to_big().with_scale_round(0, RoundingMode::Ceiling).pipe()
        }),
        deep("floor", [p("number", Number)], "number", "The next whole number, downwards.", |a| {
            number(&a[0])?.to_big().with_scale_round(0, RoundingMode::Floor).pipe()
        }),
        deep("signum", [p("number", Number)], "number", "-1, 0 or 1.", |a| {
            Ok(super::compared(number(&a[0])?.cmp(&0.into())))
        }),
        deep("max", [p("numbers", Number)], "number", "The largest number.", |a| {
            match a.iter().filter_map(Value::as_number).max() {
                Some(n) => Ok(Value::Number(n.clone())),
                None => fail(None, "at least one number is needed"),
            }
        })
        .variadic(),
        deep("min", [p("numbers", Number)], "number", "The smallest number.", |a| {
            match a.iter().filter_map(Value::as_number).min() {
                Some(n) => Ok(Value::Number(n.clone())),
                None => fail(None, "at least one number is needed"),
            }
        })
        .variadic(),
        deep("sum", [p("numbers", Numbers)], "number", "All numbers added up.", |a| {
            let items = list_at(a, 0);
            if items.is_empty() {
                return fail(0, "an empty list has no sum");
            }
            let mut total = values::Number::from(0);
            for (i, item) in items.iter().enumerate() {
                let Some(n) = item.as_number() else { return fail(0, format!("item {i} is null")) };
                total = arithmetic(BinaryOp::Add, &total, n).or_else(|why| fail(None, why))?;
            }
            Ok(Value::Number(total))
        }),
        deep(
            "pow",
            [p("base", Number), p("exponent", Number)],
            "number",
            "The base multiplied with itself `exponent` times, exactly.",
            pow,
        ),
        deep(
            "log",
            [p("number", Number), p("base", Number)],
            "number",
            "The logarithm of a number to a base, to about fifteen digits.",
            |a| {
                let of = |i: usize| {
                    number(&a[i])?
                        .to_string()
                        .parse::<f64>()
                        .or_else(|_| fail(i, "the number is out of range"))
                };
                let result = of(0)?.log(of(1)?);
                if !result.is_finite() {
                    return fail(None, "there is no such logarithm");
                }
                format!("{result}")
                    .parse()
                    .map(Value::Number)
                    .or_else(|_| fail(None, "there is no such logarithm"))
            },
        ),
        deep(
            "parseint",
            [p("text", String), p("base", Number)],
            "number",
            "Reads a whole number in a base from 2 to 62.",
            parseint,
        ),
    ]
}

fn number(value: &Value) -> Result<&values::Number, Failed> {
    value.as_number().ok_or_else(|| Failed {
        arg: Some(0),
        why: "a number is needed".into(),
        help: None,
    })
}

trait Pipe {
    fn pipe(self) -> Outcome;
}

impl Pipe for BigDecimal {
    fn pipe(self) -> Outcome {
        values::Number::from_big(&self).map(Value::Number).or_else(|e| fail(None, e.to_string()))
    }
}

fn pow(a: &[Value]) -> Outcome {
    let base = number(&a[0])?.clone();
    let exponent =
        int_at(a, 1).map_err(|f| f.help("Only whole exponents have an exact result."))?;
    if base == 1.into() {
        return Ok(Value::from(1));
    }
    if exponent.unsigned_abs() > 4096 {
        return fail(1, "the exponent is too large");
    }
    let mut result = values::Number::from(1);
    for _ in 0..exponent.unsigned_abs() {
        result = arithmetic(BinaryOp::Mul, &result, &base).or_else(|why| fail(1, why))?;
    }
    if exponent < 0 {
        result = arithmetic(BinaryOp::Div, &1.into(), &result).or_else(|why| fail(0, why))?;
    }
    Ok(Value::Number(result))
}

fn parseint(a: &[Value]) -> Outcome {
    let base = int_at(a, 1)?;
    if !(2..=62).contains(&base) {
        return fail(1, "the base is a whole number from 2 to 62");
    }
    let text = str_at(a, 0);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || digits.len() > 1000 {
        return fail(0, format!("{text:?} is not a whole number in base {base}"));
    }
    let mut value = num_bigint::BigInt::from(0);
    for c in digits.chars() {
        let digit = match c {
            '0'..='9' => u32::from(c) - u32::from('0'),
            'a'..='z' => u32::from(c) - u32::from('a') + 10,
            // Up to base 36 the case of a letter does not matter.
            'A'..='Z' if base <= 36 => u32::from(c) - u32::from('A') + 10,
            'A'..='Z' => u32::from(c) - u32::from('A') + 36,
            _ => 99,
        };
        if i64::from(digit) >= base {
            return fail(0, format!("{text:?} is not a whole number in base {base}"));
        }
        value = value * base + digit;
    }
    BigDecimal::from(if negative { -value } else { value }).pipe()
}
