//! `count` and `for_each`: from a value to instances.

use crate::eval::expr::Eval;
use crate::eval::marks::unmark;
use crate::eval::mentions::mentions;
use crate::eval::names::{Expansion, Names, Repetition};
use crate::eval::scope::Scope;
use crate::references::{Found, Target, walk};
use crate::{codes, text};
use config::{Expr, ExprKind};
use diags::Diagnostic;
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
        Value::List(_) if shape(here, here.expr, 0) == Shape::List => Err(Box::new(
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
            Ok(Expansion::Each(Arc::new(map)))
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
        Diagnostic::error(
            codes::SENSITIVE_REPEAT,
            "Instances from a sensitive value",
            format!("`{argument}` is sensitive, and the addresses of the instances would show it."),
        )
        .at(self.expr.span, "")
        .with_help(
            "Take keys that are no secret, or say that these are none with `nonsensitive(...)`.",
        )
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
        d.with_help(if argument == "count" {
            "Count something that the configuration or a data source says."
        } else {
            "Take keys that the configuration or a data source says, and put what is known \
             later in the values of a map."
        })
    }

    /// Shows what the expression refers to, as far as it is wanted.
    fn involve(&self, mut d: Diagnostic, wanted: impl Fn(&Value) -> bool) -> Diagnostic {
        let mut found: Vec<&Expr> = Vec::new();
        mentions(self.expr, &mut found);
        for expr in found {
            let Some(name) = text::reference(expr) else { continue };
            let mut eval = Eval::new(self.names, self.module, &Repetition::Once);
            let value = eval.expr(expr, &Scope::Empty);
            if !eval.failed() && wanted(&value) && !d.involved.iter().any(|i| i.name == name) {
                d = d.involving(name, text::short(&value));
            }
        }
        d
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

fn shape(here: &Here<'_, '_>, expr: &Expr, depth: usize) -> Shape {
    // Longer chains of names are rare, and taking a list for a set does no harm.
    if depth > 64 {
        return Shape::Other;
    }
    let again = |expr: &Expr| shape(here, expr, depth + 1);
    let module = here.names.modules[here.module].module;
    match &expr.kind {
        ExprKind::List(_) | ExprKind::Splat { .. } => Shape::List,
        ExprKind::For(f) if f.key.is_none() => Shape::List,
        ExprKind::Paren(inner) => again(inner),
        ExprKind::Conditional(_, a, b) => {
            if again(a) == Shape::List || again(b) == Shape::List {
                Shape::List
            } else {
                Shape::Other
            }
        }
        ExprKind::Call { name, args, .. } => match &**name {
            "try" | "coalesce" | "sensitive" | "nonsensitive" => {
                args.first().map_or(Shape::Other, again)
            }
            _ => match crate::functions::find(name) {
                Some(f) if f.gives.starts_with("list(") => Shape::List,
                _ => Shape::Other,
            },
        },
        ExprKind::Attr { .. } => {
            let mut found = Shape::Other;
            let mut first = true;
            walk(expr, &mut |f| {
                let Found::Name { root, steps, .. } = f else { return };
                if !std::mem::take(&mut first) {
                    return;
                }
                let crate::references::Meaning::Target(target, used) =
                    crate::references::meaning(root, &steps)
                else {
                    return;
                };
                found = match target {
                    Target::Variable(name) if used == steps.len() => {
                        module.variables.get(&name).map_or(Shape::Other, |v| of_type(&v.ty))
                    }
                    Target::Local(name) if used == steps.len() => {
                        module.locals.get(&name).map_or(Shape::Other, |l| again(&l.value))
                    }
                    _ => Shape::Other,
                };
            });
            found
        }
        _ => Shape::Other,
    }
}
