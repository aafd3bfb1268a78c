//! Texts with interpolations and directives.

use super::expr::Eval;
use super::marks::{mark, unmark};
use super::mentions::references_in;
use super::objects::Items;
use super::scope::Scope;
use super::types;
use crate::{codes, text};
use config::{Expr, Part, PartIf};
use diags::Diagnostic;
use values::{Type, Value};

/// A text in the making.
#[derive(Default)]
struct Text {
    known: String,
    unknown: bool,
    marked: bool,
}

impl Eval<'_, '_> {
    pub(super) fn template(&mut self, parts: &[Part], scope: &Scope<'_>) -> Value {
        // `"${x}"` is `x` itself, whatever it is.
        if let [Part::Value(only)] = parts {
            return self.expr(only, scope);
        }
        let mut text = Text::default();
        self.parts(parts, scope, &mut text);
        if text.known.len() > super::LARGEST {
            let at = parts.iter().find_map(|part| match part {
                Part::Value(expr) => Some(expr.span),
                _ => None,
            });
            let why = format!("This text has more than {} bytes.", super::LARGEST);
            let d = Diagnostic::error(codes::NO_RESULT, "Text without end", why);
            let d = if let Some(at) = at { d.at(at, "") } else { d };
            return mark(self.fail(d, &[], scope), text.marked);
        }
        let value = if text.unknown {
            Value::Unknown(Type::String)
        } else {
            Value::String(text.known.into())
        };
        mark(value, text.marked)
    }

    fn parts(&mut self, parts: &[Part], scope: &Scope<'_>, out: &mut Text) {
        for part in parts {
            match part {
                Part::Text(text) => out.known.push_str(text),
                Part::Value(expr) => self.part(expr, scope, out),
                Part::If(part) => {
                    let PartIf { cond, then, otherwise } = &**part;
                    let (truth, marked) = self.truth(cond, "Invalid condition", scope);
                    out.marked |= marked;
                    match truth {
                        Some(true) => self.parts(then, scope, out),
                        Some(false) => self.parts(otherwise, scope, out),
                        None => {
                            out.unknown = true;
                            // What might be shown decides whether the whole is sensitive.
                            let mut quiet = self.quiet();
                            let mut either = Text::default();
                            quiet.parts(then, scope, &mut either);
                            quiet.parts(otherwise, scope, &mut either);
                            out.marked |= either.marked;
                            // So does whether it can be shown at all.
                            if quiet.errors > 0 {
                                let both = [references_in(then), references_in(otherwise)];
                                out.marked |= self.any_secret(both.concat(), scope);
                            }
                        }
                    }
                }
                Part::For(part) => match self.items(&part.over, scope) {
                    None => out.unknown = true,
                    Some((Items::Unknown, marked)) => {
                        out.unknown = true;
                        out.marked |= marked;
                    }
                    Some((Items::Known(items), marked)) => {
                        out.marked |= marked;
                        for (k, v) in &items {
                            // A body without expressions is repeated, too.
                            if !self.spend(&part.over) {
                                out.unknown = true;
                                break;
                            }
                            let with_value =
                                Scope::Bound { name: &part.value, value: v, outer: scope };
                            match &part.key {
                                Some(name) => {
                                    let both = Scope::Bound { name, value: k, outer: &with_value };
                                    self.parts(&part.body, &both, out);
                                }
                                None => self.parts(&part.body, &with_value, out),
                            }
                        }
                    }
                },
            }
        }
    }

    fn part(&mut self, expr: &Expr, scope: &Scope<'_>, out: &mut Text) {
        let (value, marked) = unmark(self.expr(expr, scope));
        out.marked |= marked;
        match &value {
            Value::String(s) => out.known.push_str(s),
            Value::Number(n) => out.known.push_str(&n.to_string()),
            Value::Bool(b) => out.known.push_str(if *b { "true" } else { "false" }),
            Value::Unknown(ty) if types::can_be(ty, &Type::String) => out.unknown = true,
            Value::Null
            | Value::Unknown(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Sensitive(_) => {
                let d = Diagnostic::error(
                    codes::NOT_TEXT,
                    "Value that is no text",
                    format!(
                        "Only a string, number or bool can stand in a text, and this is {}.",
                        text::article(&value)
                    ),
                )
                .at(expr.span, "");
                let d = match &value {
                    Value::Null => d.with_help(
                        "Give a default with `coalesce(..., \"\")`, or leave the part out with \
                         a condition.",
                    ),
                    Value::List(_) => d.with_help("Join its items with `join(\", \", ...)`."),
                    _ => d.with_help("Write it as JSON with `jsonencode(...)`."),
                };
                out.unknown = true;
                self.fail(d, &[expr], scope);
            }
        }
    }
}
