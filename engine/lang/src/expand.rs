//! `count`, `for_each` and `enabled`: from a value to instances.

use crate::eval::expr::Eval;
use crate::eval::marks::unmark;
use crate::eval::mentions::mentions;
use crate::eval::names::{Expansion, Names, Repetition};
use crate::eval::scope::Scope;
use crate::references::{Meaning, Step, Target, meaning, unwind};
use crate::{codes, text};
use addrs::Mode;
use config::{Expr, ExprKind};
use diags::{Diagnostic, Span};
use std::collections::BTreeMap;
use std::sync::Arc;
use values::{Type, Value};

/// Most instances of one block; more is a slip of the keyboard, and would not be survived.
const MOST: i64 = 1_000_000;

/// Where `count` or `for_each` stands.
pub(crate) struct Here<'h, 'a> {
    pub(crate) names: &'h Names<'a>,
    pub(crate) module: usize,
    pub(crate) expr: &'h Expr,
}

type Expanded = Result<Expansion, Box<Diagnostic>>;

/// The instances of `count = value`.
pub(crate) fn count(here: &Here<'_, '_>, value: Value) -> Expanded {
    let bad = |why: String| Err(Box::new(here.bad("Invalid count", why)));
    let (value, marked) = unmark(value);
    if marked {
        return Err(Box::new(here.sensitive("count")));
    }
    match values::conform(&value, &Type::Number) {
        Ok(Value::Number(n)) => match n.as_i64() {
            Some(n @ 0..=MOST) => Ok(Expansion::Count(u64::try_from(n).unwrap_or(0))),
            Some(n) if n < 0 => {
                bad(format!("`count` is {n}, and nothing exists fewer than 0 times."))
            }
            None if !n.is_integer() => bad(format!("`count` is a whole number, and this is {n}.")),
            _ => bad(format!("`count` is at most {MOST}, and this is {n}.")),
        },
        Ok(Value::Null) => bad("`count` is a number, and this is null.".to_owned()),
        Ok(_) => Err(Box::new(here.unknown("count", "How many instances there are"))),
        Err(_) => bad(format!("`count` is a number, and this is {}.", text::article(&value))),
    }
}

/// The instances of `enabled = value`.
pub(crate) fn enabled(here: &Here<'_, '_>, value: Value) -> Expanded {
    let bad = |why: String| Err(Box::new(here.bad("Invalid enabled", why)));
    let (value, marked) = unmark(value);
    if marked {
        return Err(Box::new(here.sensitive("enabled")));
    }
    match values::conform(&value, &Type::Bool) {
        Ok(Value::Bool(true)) => Ok(Expansion::Once),
        Ok(Value::Bool(false)) => Ok(Expansion::Off),
        Ok(Value::Unknown(_)) => Err(Box::new(here.unknown("enabled", "Whether there is one"))),
        Ok(_) | Err(_) => {
            bad(format!("`enabled` is true or false, and this is {}.", text::article(&value)))
        }
    }
}

/// The instances of `for_each = value`.
pub(crate) fn for_each(here: &Here<'_, '_>, value: Value) -> Expanded {
    let bad = |why: String| Box::new(here.bad("Invalid for_each", why));
    let (value, marked) = unmark(value);
    if marked {
        return Err(Box::new(here.sensitive("for_each")));
    }
    match &value {
        Value::Map(map) => Ok(Expansion::Each(map.clone())),
        Value::Unknown(_) => Err(Box::new(here.unknown("for_each", "Which instances there are"))),
        Value::Null => {
            Err(bad("`for_each` is a map or a set of texts, and this is null.".to_owned()))
        }
        Value::List(_) if shape(here.names, here.module, here.expr, 0) == Shape::List => Err(Box::new(
            bad("`for_each` is a map or a set of texts, and this is a list. The instances of a \
                 list would change their addresses whenever an item is put in between."
                .to_owned())
            .with_help("Write `toset(...)` around it when its items are texts that differ."),
        )),
        Value::List(items) => {
            let mut map: BTreeMap<Arc<str>, Value> = BTreeMap::new();
            for item in items.iter() {
                match item {
                    Value::String(key) => {
                        if map.insert(key.clone(), item.clone()).is_some() {
                            return Err(bad(format!("The key {key:?} is there twice.")));
                        }
                    }
                    Value::Unknown(_) => {
                        return Err(Box::new(here.unknown("for_each", "A key of an instance")));
                    }
                    Value::Sensitive(_) => return Err(Box::new(here.sensitive("for_each"))),
                    Value::Null => return Err(bad("An item of the set is null.".to_owned())),
                    other => {
                        let why = format!(
                            "The items of a set for `for_each` are texts, and one is {}.",
                            text::article(other)
                        );
                        return Err(bad(why));
                    }
                }
            }
            Ok(Expansion::Each(Arc::new(map.into_iter().collect())))
        }
        other => Err(bad(format!(
            "`for_each` is a map or a set of texts, and this is {}.",
            text::article(other)
        ))),
    }
}

impl Here<'_, '_> {
    fn bad(&self, summary: &'static str, why: String) -> Diagnostic {
        let d = Diagnostic::error(codes::BAD_REPEAT, summary, why).at(self.expr.span, "");
        self.involve(d, Value::is_known)
    }

    fn sensitive(&self, argument: &str) -> Diagnostic {
        let help = match argument {
            "enabled" => "Say that it is no secret with `nonsensitive(...)`.",
            _ => {
                "Take keys that are no secret, or say that these are none with `nonsensitive(...)`."
            }
        };
        Diagnostic::error(
            codes::SENSITIVE_REPEAT,
            "Instances from a sensitive value",
            format!("`{argument}` is sensitive, and the addresses of the instances would show it."),
        )
        .at(self.expr.span, "")
        .with_help(help)
    }

    fn unknown(&self, argument: &'static str, what: &str) -> Diagnostic {
        let d = Diagnostic::error(
            codes::UNKNOWN_REPEAT,
            "Instances known only after apply",
            format!(
                "{what} must be known before anything is changed, and `{argument}` depends on \
                 something that is known only after apply."
            ),
        )
        .at(self.expr.span, "");
        let d = self.involve(d, |value| !value.is_known());
        d.with_help(match argument {
            "count" => "Count something that the configuration or a data source says.",
            "enabled" => "Ask for something that the configuration or a data source says.",
            _ => {
                "Take keys that the configuration or a data source says, and put what is known \
                 later in the values of a map."
            }
        })
    }

    /// Shows what the expression refers to, as far as it is wanted, and what that comes from.
    fn involve(&self, mut d: Diagnostic, wanted: impl Fn(&Value) -> bool) -> Diagnostic {
        let names = self.names;
        for (name, value, _) in origins(names, self.module, &Repetition::Once, self.expr, &wanted) {
            d = d.involving(name, text::short(&value));
        }
        d
    }
}

/// The references in an expression whose values are wanted, and through locals what those
/// refer to in turn.
pub(crate) fn origins(
    names: &Names<'_>,
    module: usize,
    repetition: &Repetition,
    expr: &Expr,
    wanted: &dyn Fn(&Value) -> bool,
) -> Vec<(String, Value, Span)> {
    const MOST: usize = 6;
    let mut found: Vec<(String, Value, Span)> = Vec::new();
    let mut open: Vec<&Expr> = Vec::new();
    mentions(expr, &mut open);
    open.reverse();
    while let Some(expr) = open.pop() {
        let Some(name) = text::reference(expr) else { continue };
        if found.len() >= MOST || found.iter().any(|(n, _, _)| *n == name) {
            continue;
        }
        let mut eval = Eval::new(names, module, repetition);
        let value = eval.expr(expr, &Scope::Empty);
        if eval.failed() || !wanted(&value) {
            continue;
        }
        found.push((name, value, expr.span));
        if let Some(Target::Local(name)) = whole_target(expr)
            && let Some(local) = names.modules[module].module.locals.get(&name)
        {
            mentions(&local.value, &mut open);
        }
    }
    found
}

/// The declared thing that an expression is a reference to.
fn whole_target(expr: &Expr) -> Option<Target> {
    let (base, steps) = unwind(expr);
    let ExprKind::Name(root) = &base.kind else { return None };
    match meaning(root, &steps) {
        Meaning::Target(target, _) => Some(target),
        _ => None,
    }
}

/// What an expression says about lists and sets, which as values look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    List,
    /// A set, or nothing that can be told from the text.
    Other,
}

fn of_type(ty: &Type) -> Shape {
    match ty {
        Type::List(_) | Type::Tuple(_) => Shape::List,
        _ => Shape::Other,
    }
}

/// The shape of an expression in a module, as far as its text tells.
fn shape(names: &Names<'_>, module: usize, expr: &Expr, depth: usize) -> Shape {
    // Longer chains of names are rare, and taking a list for a set does no harm.
    if depth > 64 {
        return Shape::Other;
    }
    let again = |expr: &Expr| shape(names, module, expr, depth + 1);
    match &expr.kind {
        ExprKind::List(_) | ExprKind::Splat { .. } => Shape::List,
        ExprKind::For(f) if f.key.is_none() => Shape::List,
        ExprKind::Paren(inner) => again(inner),
        ExprKind::Conditional(parts) => {
            let [_, a, b] = &**parts;
            if again(a) == Shape::List || again(b) == Shape::List {
                Shape::List
            } else {
                Shape::Other
            }
        }
        ExprKind::Call(call) => match &*call.name {
            "try" | "coalesce" | "sensitive" | "nonsensitive" => {
                call.args.first().map_or(Shape::Other, again)
            }
            name => match crate::functions::find(name) {
                Some(f) if f.gives.starts_with("list(") => Shape::List,
                _ => Shape::Other,
            },
        },
        ExprKind::Attr(_) => reference_shape(names, module, expr, depth),
        _ => Shape::Other,
    }
}

fn reference_shape(names: &Names<'_>, module: usize, expr: &Expr, depth: usize) -> Shape {
    let here = &names.modules[module];
    let (_, steps) = unwind(expr);
    let Some(target) = whole_target(expr) else { return Shape::Other };
    match (&target, steps.as_slice()) {
        (Target::Local(name), [_]) => {
            let local = here.module.locals.get(name);
            local.map_or(Shape::Other, |l| shape(names, module, &l.value, depth + 1))
        }
        (Target::Variable(name), [_]) => {
            let Some(variable) = here.module.variables.get(name) else { return Shape::Other };
            if variable.ty != Type::Any {
                return of_type(&variable.ty);
            }
            match here.parent {
                Some((parent, call)) => match call.arguments.get(name) {
                    Some(argument) => shape(names, parent, &argument.value, depth + 1),
                    None => Shape::List,
                },
                // What comes from outside without a type is written with brackets.
                None => Shape::List,
            }
        }
        (Target::Module(name, Some(output)), [.., Step::Attr(last, _)]) if *last == output => {
            let state = here.calls.get(name);
            let child = state.and_then(|s| s.children.values().next()).copied();
            let Some(child) = child else { return Shape::Other };
            let output = names.modules[child].module.outputs.get(output);
            output.map_or(Shape::Other, |o| shape(names, child, &o.value, depth + 1))
        }
        (Target::Resource(mode, ty, _), [.., Step::Attr(attr, _)]) => {
            let schema = match mode {
                Mode::Managed => names.schemas.resource(ty.as_str()),
                Mode::Data => names.schemas.data(ty.as_str()),
            };
            let attr = schema.and_then(|s| s.attr(attr.as_str()));
            attr.map_or(Shape::Other, |a| of_type(&a.ty))
        }
        _ => Shape::Other,
    }
}
