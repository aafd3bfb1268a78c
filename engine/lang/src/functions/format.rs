//! `format`: texts with verbs.

use super::{Failed, Outcome, fail};
use crate::eval::marks::mark;
use crate::text;
use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive};
use config::clusters;
use values::{Type, Value};

pub(super) fn format(args: &[Value]) -> Outcome {
    let (args, marked) = expose(args);
    let Some(pattern) = pattern(&args)? else {
        return Ok(mark(Value::Unknown(Type::String), marked));
    };
    if args[1..].iter().any(|a| !a.is_known()) {
        return Ok(mark(Value::Unknown(Type::String), marked));
    }
    hide(render(&pattern, &args[1..]), marked).map(|text| mark(text.into(), marked))
}

pub(super) fn formatlist(args: &[Value]) -> Outcome {
    let (args, marked) = expose(args);
    let Some(pattern) = pattern(&args)? else {
        return Ok(mark(Value::Unknown(Type::list(Type::String)), marked));
    };
    let mut length: Option<usize> = None;
    for (i, arg) in args.iter().enumerate().skip(1) {
        match arg {
            Value::List(items) => match length {
                Some(n) if n != items.len() => {
                    return fail(
                        i,
                        format!("this list has {} items and another has {n}", items.len()),
                    );
                }
                _ => length = Some(items.len()),
            },
            Value::Unknown(Type::Bool | Type::Number | Type::String) => {}
            Value::Unknown(_) => {
                return Ok(mark(Value::Unknown(Type::list(Type::String)), marked));
            }
            _ => {}
        }
    }
    let rows = (0..length.unwrap_or(1)).map(|row| {
        let values: Vec<Value> = args[1..]
            .iter()
            .map(|arg| match arg {
                Value::List(items) => items.get(row).cloned().unwrap_or(Value::Null),
                other => other.clone(),
            })
            .collect();
        if values.iter().any(|v| !v.is_known()) {
            return Ok(Value::Unknown(Type::String));
        }
        hide(render(&pattern, &values), marked).map(Value::from)
    });
    let rows: Vec<Value> = rows.collect::<Result<_, _>>()?;
    Ok(mark(Value::list(rows), marked))
}

fn expose(args: &[Value]) -> (Vec<Value>, bool) {
    let exposed: Vec<(Value, bool)> = args.iter().map(Value::exposed).collect();
    let marked = exposed.iter().any(|(_, had)| *had);
    (exposed.into_iter().map(|(v, _)| v).collect(), marked)
}

fn pattern(args: &[Value]) -> Result<Option<String>, Failed> {
    match args.first().map(|a| values::conform(a, &Type::String)) {
        Some(Ok(Value::String(s))) => Ok(Some(s.to_string())),
        Some(Ok(Value::Unknown(_))) => Ok(None),
        _ => fail(0, "the format is a string"),
    }
}

fn hide(result: Result<String, Failed>, marked: bool) -> Result<String, Failed> {
    match result {
        Err(failed) if marked => Err(Failed {
            why: "an argument does not fit, and it is sensitive, so it is not shown".into(),
            ..failed
        }),
        other => other,
    }
}

/// A verb with its flags: `%-5.2f`.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each flag")]
struct Verb {
    minus: bool,
    plus: bool,
    space: bool,
    zero: bool,
    sharp: bool,
    width: usize,
    precision: Option<usize>,
}

fn render(pattern: &str, values: &[Value]) -> Result<String, Failed> {
    const WIDEST: usize = 10_000;
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    let (mut next, mut highest) = (0usize, 0usize);
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut verb = Verb::default();
        let number = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| {
            let mut n: Option<usize> = None;
            while let Some(d) = chars.peek().and_then(|c| c.to_digit(10)) {
                let so_far = n.unwrap_or(0).saturating_mul(10);
                n = Some(so_far.saturating_add(d as usize).min(WIDEST));
                chars.next();
            }
            n
        };
        while let Some(flag) = chars.peek() {
            match flag {
                '-' => verb.minus = true,
                '+' => verb.plus = true,
                ' ' => verb.space = true,
                '0' => verb.zero = true,
                '#' => verb.sharp = true,
                _ => break,
            }
            chars.next();
        }
        verb.width = number(&mut chars).unwrap_or(0);
        if chars.peek() == Some(&'.') {
            chars.next();
            verb.precision = Some(number(&mut chars).unwrap_or(0));
        }
        if chars.peek() == Some(&'[') {
            chars.next();
            match (number(&mut chars), chars.next()) {
                (Some(n), Some(']')) if n > 0 => next = n - 1,
                _ => {
                    return fail(
                        0,
                        "`[` in a verb is followed by the number of an argument and `]`",
                    );
                }
            }
        }
        let Some(letter) = chars.next() else {
            return fail(0, "the format ends within a verb");
        };
        if letter == '%' {
            out.push('%');
            continue;
        }
        let Some(value) = values.get(next) else {
            let why = format!(
                "`%{letter}` needs an argument {}, and there are {}",
                next + 1,
                values.len()
            );
            return fail(0, why);
        };
        out.push_str(&verb.apply(letter, value, next + 1)?);
        next += 1;
        highest = highest.max(next);
    }
    // An argument that nothing shows is a slip.
    if highest < values.len() {
        let why = format!("the format uses {highest} arguments, and there are {}", values.len());
        return fail(highest + 1, why);
    }
    Ok(out)
}

impl Verb {
    fn apply(&self, letter: char, value: &Value, arg: usize) -> Result<String, Failed> {
        if value.is_null() && letter != 'v' {
            return fail(arg, format!("`%{letter}` cannot show null"));
        }
        let body = match letter {
            'v' => return Ok(self.any(value)),
            't' => match convert(value, &Type::Bool, letter, arg)? {
                Value::Bool(b) => b.to_string(),
                _ => String::new(),
            },
            'b' | 'd' | 'o' | 'x' | 'X'
                if letter.is_ascii_alphabetic() && !is_text_hex(letter, value) =>
            {
                let number = number(value, letter, arg)?;
                self.whole(letter, &number.with_scale_round(0, RoundingMode::Down))
            }
            'x' | 'X' => {
                let Value::String(text) = convert(value, &Type::String, letter, arg)? else {
                    return Ok(String::new());
                };
                let hex = super::encoding::hex(text.as_bytes());
                if letter == 'X' { hex.to_uppercase() } else { hex }
            }
            'e' | 'E' | 'f' | 'g' | 'G' => {
                let number = number(value, letter, arg)?;
                self.fraction(letter, &number)
            }
            's' | 'q' => match convert(value, &Type::String, letter, arg)? {
                Value::String(s) => self.text(letter, &s),
                _ => String::new(),
            },
            other => return fail(0, format!("there is no verb `%{other}`")),
        };
        Ok(self.padded(body, !matches!(letter, 's' | 'q' | 't')))
    }

    fn any(&self, value: &Value) -> String {
        let body = match value {
            Value::String(s) if !self.sharp => s.to_string(),
            Value::Number(n) if !self.sharp => n.to_string(),
            Value::Bool(b) => b.to_string(),
            Value::Null => "null".to_owned(),
            other => {
                let mut out = String::new();
                super::encoding::write_json(other, &mut out);
                out
            }
        };
        self.padded(body, false)
    }

    fn text(&self, letter: char, text: &str) -> String {
        let cut: String = match self.precision {
            Some(n) => clusters(text).into_iter().take(n).collect(),
            None => text.to_owned(),
        };
        if letter == 's' {
            return cut;
        }
        let mut out = String::new();
        super::encoding::write_json(&Value::from(cut), &mut out);
        out
    }

    fn whole(&self, letter: char, number: &BigDecimal) -> String {
        let (digits, _) = number.as_bigint_and_exponent();
        let radix = match letter {
            'b' => 2,
            'o' => 8,
            'x' | 'X' => 16,
            _ => 10,
        };
        let text = digits.to_str_radix(radix);
        let text = if letter == 'X' { text.to_uppercase() } else { text };
        self.signed(text)
    }

    fn fraction(&self, letter: char, number: &BigDecimal) -> String {
        let text = match letter {
            'f' => {
                let scale = i64::try_from(self.precision.unwrap_or(6)).unwrap_or(6);
                number.with_scale_round(scale, RoundingMode::HalfEven).to_plain_string()
            }
            'e' | 'E' => exponent(number, self.precision.unwrap_or(6)),
            _ => shortest(number, self.precision),
        };
        self.signed(if letter.is_ascii_uppercase() { text.to_uppercase() } else { text })
    }

    fn signed(&self, text: String) -> String {
        if text.starts_with('-') {
            return text;
        }
        match (self.plus, self.space) {
            (true, _) => format!("+{text}"),
            (false, true) => format!(" {text}"),
            _ => text,
        }
    }

    fn padded(&self, body: String, numeric: bool) -> String {
        let missing = self.width.saturating_sub(clusters(&body).len());
        if missing == 0 {
            return body;
        }
        if self.minus {
            return body + &" ".repeat(missing);
        }
        if self.zero && numeric {
            let (sign, digits) = match body.strip_prefix(['-', '+', ' ']) {
                Some(digits) => (&body[..1], digits),
                None => ("", body.as_str()),
            };
            return format!("{sign}{}{digits}", "0".repeat(missing));
        }
        " ".repeat(missing) + &body
    }
}

fn is_text_hex(letter: char, value: &Value) -> bool {
    matches!(letter, 'x' | 'X')
        && matches!(value, Value::String(s) if s.parse::<values::Number>().is_err())
}

fn convert(value: &Value, ty: &Type, letter: char, arg: usize) -> Outcome {
    values::conform(value, ty).or_else(|_| {
        fail(arg, format!("`%{letter}` needs a {ty}, and this is {}", text::article(value)))
    })
}

fn number(value: &Value, letter: char, arg: usize) -> Result<BigDecimal, Failed> {
    match convert(value, &Type::Number, letter, arg)? {
        Value::Number(n) => Ok(n.to_big()),
        _ => fail(arg, format!("`%{letter}` needs a number")),
    }
}

/// `1.500000e+03`.
fn exponent(number: &BigDecimal, precision: usize) -> String {
    let digits = u64::try_from(precision + 1).unwrap_or(1);
    let rounded = match std::num::NonZeroU64::new(digits) {
        Some(d) => number.with_precision_round(d, RoundingMode::HalfEven),
        None => number.clone(),
    };
    let (mantissa, scale) = rounded.normalized().as_bigint_and_exponent();
    let text = mantissa.magnitude().to_string();
    let power = i64::try_from(text.len()).unwrap_or(1) - 1 - scale;
    let power = if text == "0" { 0 } else { power };
    let padded = format!("{text:0<width$}", width = precision + 1);
    let (first, rest) = padded.split_at(1);
    let dot = if rest.is_empty() { "" } else { "." };
    let minus = if mantissa.sign() == num_bigint::Sign::Minus { "-" } else { "" };
    let sign = if power < 0 { '-' } else { '+' };
    format!("{minus}{first}{dot}{rest}e{sign}{:02}", power.abs())
}

/// Plain digits, or an exponent when the number is very large or very small.
fn shortest(number: &BigDecimal, precision: Option<usize>) -> String {
    let digits = precision.map(|p| p.max(1) as u64).and_then(std::num::NonZeroU64::new);
    let rounded = match digits {
        Some(d) => number.with_precision_round(d, RoundingMode::HalfEven).normalized(),
        None => number.normalized(),
    };
    let (mantissa, scale) = rounded.as_bigint_and_exponent();
    let length = mantissa.magnitude().to_string().len().to_i64().unwrap_or(1);
    let power = if mantissa == num_bigint::BigInt::from(0) { 0 } else { length - 1 - scale };
    let limit = digits.map_or(21, |d| d.get().to_i64().unwrap_or(21).max(length));
    if power < -4 || power >= limit {
        let more = usize::try_from(length - 1).unwrap_or(0);
        return exponent(&rounded, more);
    }
    rounded.to_plain_string()
}
