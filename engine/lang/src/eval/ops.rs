//! Operators.

use super::expr::Eval;
use super::marks::{mark, unmark};
use super::scope::Scope;
use super::types;
use crate::{codes, text};
use bigdecimal::{BigDecimal, RoundingMode};
use config::{BinaryOp, Expr, UnaryOp};
use diags::Diagnostic;
use std::num::NonZeroU64;
use values::{Number, Type, Value};

/// Significant digits of a quotient that does not end, and, fewer, of what is computed from
/// it: so a third times three is one again. Everything else is exact.
const QUOTIENT: u64 = 50;
const ROUNDED: u64 = 48;

pub(crate) fn unary(eval: &mut Eval<'_, '_>, op: UnaryOp, a: &Expr, scope: &Scope<'_>) -> Value {
    let (ty, name) = match op {
        UnaryOp::Not => (Type::Bool, "!"),
        UnaryOp::Neg => (Type::Number, "-"),
    };
    let (value, marked) = operand(eval, a, &ty, name, scope);
    let result = match value {
        Value::Bool(b) => Value::Bool(!b),
        // The negative of a number is as long as the number, so it can be held.
        Value::Number(n) => {
            Number::from_big(&-n.to_big()).map_or(Value::Unknown(Type::Number), Value::Number)
        }
        _ => Value::Unknown(ty),
    };
    mark(result, marked)
}

/// An operand as the operator wants it, without its mark; unknown after an error.
fn operand(
    eval: &mut Eval<'_, '_>,
    expr: &Expr,
    ty: &Type,
    op: &str,
    scope: &Scope<'_>,
) -> (Value, bool) {
    let (value, marked) = unmark(eval.expr(expr, scope));
    (fit_operand(eval, value, marked, expr, ty, op, scope), marked)
}

fn fit_operand(
    eval: &mut Eval<'_, '_>,
    value: Value,
    marked: bool,
    expr: &Expr,
    ty: &Type,
    op: &str,
    scope: &Scope<'_>,
) -> Value {
    let why = match values::conform(&value, ty) {
        Ok(Value::Null) => "null".to_owned(),
        Ok(Value::Unknown(_)) if matches!(&value, Value::Unknown(from) if !types::can_be(from, ty)) => {
            text::article(&value)
        }
        Ok(fitted) => return fitted,
        Err(_) => match &value {
            Value::String(s) if !marked => format!("the string {:?}", text::short_str(s)),
            other => text::article(other),
        },
    };
    let d = Diagnostic::error(
        codes::WRONG_OPERAND,
        "Invalid operand",
        format!("`{op}` needs a {ty}, and this is {why}."),
    )
    .at(expr.span, "");
    eval.fail(d, &[expr], scope)
}

fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Mod => "%",
        BinaryOp::Eq => "==",
        BinaryOp::NotEq => "!=",
        BinaryOp::Less => "<",
        BinaryOp::LessEq => "<=",
        BinaryOp::Greater => ">",
        BinaryOp::GreaterEq => ">=",
        BinaryOp::And => "&&",
        BinaryOp::Or => "||",
    }
}

pub(crate) fn binary(
    eval: &mut Eval<'_, '_>,
    op: BinaryOp,
    (whole, left, right): (&Expr, &Expr, &Expr),
    scope: &Scope<'_>,
) -> Value {
    match op {
        BinaryOp::And => logic(eval, false, (left, right), scope),
        BinaryOp::Or => logic(eval, true, (left, right), scope),
        BinaryOp::Eq | BinaryOp::NotEq => {
            let (x, y) = (eval.expr(left, scope), eval.expr(right, scope));
            let marked = x.has_sensitive() || y.has_sensitive();
            let result = match equal(&x, &y) {
                Some(same) => Value::Bool(same == (op == BinaryOp::Eq)),
                None => Value::Unknown(Type::Bool),
            };
            mark(result, marked)
        }
        BinaryOp::Less | BinaryOp::LessEq | BinaryOp::Greater | BinaryOp::GreaterEq => {
            let (x, y, marked) = numbers(eval, op, (left, right), scope);
            let (Some(x), Some(y)) = (x.as_number(), y.as_number()) else {
                return mark(Value::Unknown(Type::Bool), marked);
            };
            let result = match op {
                BinaryOp::Less => x < y,
                BinaryOp::LessEq => x <= y,
                BinaryOp::Greater => x > y,
                _ => x >= y,
            };
            mark(Value::Bool(result), marked)
        }
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => {
            let (x, y, marked) = numbers(eval, op, (left, right), scope);
            let (Some(x), Some(y)) = (x.as_number(), y.as_number()) else {
                return mark(Value::Unknown(Type::Number), marked);
            };
            match arithmetic(op, x, y) {
                Ok(n) => mark(Value::Number(n), marked),
                Err(why) => {
                    let at = if y.is_zero() { right.span } else { whole.span };
                    let summary =
                        if y.is_zero() { "Division by zero" } else { "Result out of range" };
                    let d = Diagnostic::error(codes::NO_RESULT, summary, why).at(at, "");
                    mark(eval.fail(d, &[left, right], scope), marked)
                }
            }
        }
    }
}

fn numbers(
    eval: &mut Eval<'_, '_>,
    op: BinaryOp,
    (a, b): (&Expr, &Expr),
    scope: &Scope<'_>,
) -> (Value, Value, bool) {
    let (x, x_marked) = operand(eval, a, &Type::Number, symbol(op), scope);
    let (y, y_marked) = operand(eval, b, &Type::Number, symbol(op), scope);
    (x, y, x_marked || y_marked)
}

/// `&&` and `||`: `decides` is the truth that needs no second operand.
fn logic(
    eval: &mut Eval<'_, '_>,
    decides: bool,
    (a, b): (&Expr, &Expr),
    scope: &Scope<'_>,
) -> Value {
    let op = if decides { "||" } else { "&&" };
    let mut left = eval.apart();
    let (x, x_marked) = operand(&mut left, a, &Type::Bool, op, scope);
    if x.as_bool() == Some(decides) {
        eval.absorb(left);
        return mark(x, x_marked);
    }
    let mut right = eval.apart();
    let (y, y_marked) = operand(&mut right, b, &Type::Bool, op, scope);
    let marked = x_marked || y_marked;
    // What the second operand decides, the first cannot change, whatever is wrong with it.
    if y.as_bool() == Some(decides) && right.errors == 0 {
        eval.poisoned |= left.poisoned || right.poisoned;
        return mark(y, marked);
    }
    // A guard that is not known yet may turn out to keep the second operand from being
    // looked at, as in `x != null && x.name == "a"`.
    let guarded = left.errors == 0 && x.as_bool().is_none();
    eval.absorb(left);
    if guarded {
        eval.poisoned |= right.poisoned;
    } else {
        eval.absorb(right);
    }
    match (x.as_bool(), y.as_bool()) {
        (Some(_), Some(_)) => mark(Value::Bool(!decides), marked),
        _ => mark(Value::Unknown(Type::Bool), marked),
    }
}

/// Whether two values are equal; `None` when that is not known yet. A number never equals
/// a text, whatever it reads.
pub(crate) fn equal(a: &Value, b: &Value) -> Option<bool> {
    match (a, b) {
        (Value::Sensitive(a), b) => equal(a.expose(), b),
        (a, Value::Sensitive(b)) => equal(a, b.expose()),
        (Value::Unknown(ty), known) | (known, Value::Unknown(ty)) => {
            // Values of different simple types are never equal, whatever they turn out to be.
            let other = types::type_of(known);
            let differ = types::is_primitive(ty) && types::is_primitive(&other) && *ty != other;
            if differ { Some(false) } else { None }
        }
        (Value::List(a), Value::List(b)) => {
            if a.len() != b.len() {
                return Some(false);
            }
            all_equal(a.iter().zip(b.iter()))
        }
        (Value::Map(a), Value::Map(b)) => {
            if a.len() != b.len() || a.keys().any(|k| !b.contains_key(k)) {
                return Some(false);
            }
            all_equal(a.values().zip(b.values()))
        }
        (a, b) => Some(a == b),
    }
}

fn all_equal<'v>(pairs: impl Iterator<Item = (&'v Value, &'v Value)>) -> Option<bool> {
    let mut all = Some(true);
    for (a, b) in pairs {
        match equal(a, b) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => all = None,
        }
    }
    all
}

/// `a op b`, exactly; a quotient that does not end is cut far behind what anyone reads.
pub(crate) fn arithmetic(op: BinaryOp, a: &Number, b: &Number) -> Result<Number, String> {
    if let (Some(x), Some(y)) = (a.as_i64(), b.as_i64()) {
        let quick = match op {
            BinaryOp::Add => x.checked_add(y),
            BinaryOp::Sub => x.checked_sub(y),
            BinaryOp::Mul => x.checked_mul(y),
            BinaryOp::Div if y != 0 && x.checked_rem(y) == Some(0) => x.checked_div(y),
            BinaryOp::Mod => x.checked_rem(y),
            _ => None,
        };
        if let Some(n) = quick {
            return Ok(n.into());
        }
    }
    let (x, y) = (a.to_big(), b.to_big());
    let inexact = |n: &BigDecimal| !n.is_integer() && n.digits() >= ROUNDED;
    let from_quotient = inexact(&x) || inexact(&y);
    let big = match op {
        BinaryOp::Add => x + y,
        BinaryOp::Sub => x - y,
        BinaryOp::Mul => x * y,
        BinaryOp::Div | BinaryOp::Mod if b.is_zero() => {
            return Err("Nothing can be divided by zero.".to_owned());
        }
        BinaryOp::Div => divide(&x, &y),
        // The sign is the dividend's, as for whole numbers.
        _ => &x % &y,
    };
    let long = from_quotient && op != BinaryOp::Div && inexact(&big);
    let big = if long { to_digits(&big, ROUNDED) } else { big };
    Number::from_big(&big).map_err(|e| format!("The result cannot be held: {e}."))
}

fn to_digits(big: &BigDecimal, digits: u64) -> BigDecimal {
    match NonZeroU64::new(digits) {
        Some(digits) => big.with_precision_round(digits, RoundingMode::HalfEven),
        None => big.clone(),
    }
}

fn divide(x: &BigDecimal, y: &BigDecimal) -> BigDecimal {
    let ((a, a_scale), (b, b_scale)) = (x.as_bigint_and_exponent(), y.as_bigint_and_exponent());
    // Two digits more than wanted, so that rounding sees what comes after.
    let more = (QUOTIENT + 2 + y.digits()).saturating_sub(x.digits());
    let power = num_bigint::BigInt::from(10).pow(u32::try_from(more).unwrap_or(u32::MAX));
    let scale = a_scale - b_scale + i64::try_from(more).unwrap_or(i64::MAX);
    let quotient = BigDecimal::new(a * power / b, scale);
    if quotient.digits() <= QUOTIENT { quotient } else { to_digits(&quotient, QUOTIENT) }
}
