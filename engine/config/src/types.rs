//! Type expressions: `list(object({ name = string, size = optional(number) }))`.

use crate::codes;
use crate::syntax::Sink;
use crate::text::{brief, nearest};
use crate::tree::{Expr, ExprKind, ObjectKey, UnaryOp};
use diags::{Diagnostic, Span};
use values::{ObjectAttr, Type, Value};

const PRIMITIVES: [(&str, Type); 4] =
    [("any", Type::Any), ("bool", Type::Bool), ("number", Type::Number), ("string", Type::String)];
const COLLECTIONS: [&str; 5] = ["list", "set", "map", "object", "tuple"];

/// Reads a type expression; [`Type::Any`] after a mistake.
pub(crate) fn read(expr: &Expr, diags: &mut Sink) -> Type {
    match &expr.kind {
        ExprKind::Name(name) => named(name.as_str(), expr.span, diags),
        ExprKind::Call(call) if !call.expand => {
            constructed(&call.name, call.name_span, &call.args, expr.span, diags)
        }
        ExprKind::Paren(inner) => read(inner, diags),
        ExprKind::String(text) => {
            let plain = PRIMITIVES.iter().any(|(name, _)| *name == &**text);
            let help = if plain || COLLECTIONS.contains(&&**text) {
                "Remove the quotes.".to_owned()
            } else {
                all_types()
            };
            wrong(diags, expr.span, "A type stands without quotes.".to_owned(), help)
        }
        _ => wrong(diags, expr.span, "This is not a type.".to_owned(), all_types()),
    }
}

fn all_types() -> String {
    "Write `any`, `bool`, `number`, `string`, `list(T)`, `set(T)`, `map(T)`, `object({ name = T })` or `tuple([T])`."
        .to_owned()
}

fn wrong(diags: &mut Sink, at: Span, detail: String, help: String) -> Type {
    diags.push(Diagnostic::error(codes::BAD_TYPE, "Not a type", detail).at(at, "").with_help(help));
    Type::Any
}

fn named(name: &str, at: Span, diags: &mut Sink) -> Type {
    if let Some((_, ty)) = PRIMITIVES.iter().find(|(known, _)| *known == name) {
        return ty.clone();
    }
    if COLLECTIONS.contains(&name) {
        let help = match name {
            "object" => "Write `object({ name = string })`.".to_owned(),
            "tuple" => "Write `tuple([string, number])`.".to_owned(),
            _ => format!("Write `{name}(string)`, or `{name}(any)`."),
        };
        return wrong(diags, at, format!("`{name}` needs the type of what it holds."), help);
    }
    let known = PRIMITIVES.iter().map(|(name, _)| *name).chain(COLLECTIONS);
    let help = match name {
        "int" | "integer" | "float" => "Write `number`.".to_owned(),
        "boolean" => "Write `bool`.".to_owned(),
        "str" | "text" => "Write `string`.".to_owned(),
        _ => match nearest(name, known) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => all_types(),
        },
    };
    wrong(diags, at, format!("There is no type `{}`.", brief(name)), help)
}

fn constructed(name: &str, name_span: Span, args: &[Expr], at: Span, diags: &mut Sink) -> Type {
    let [arg] = args else {
        if COLLECTIONS.contains(&name) {
            let detail = format!("`{name}` takes one argument, the type of what it holds.");
            return wrong(diags, at, detail, all_types());
        }
        if PRIMITIVES.iter().any(|(known, _)| *known == name) {
            let detail = format!("`{name}` takes no argument.");
            return wrong(diags, at, detail, format!("Write `{name}`."));
        }
        return named(name, name_span, diags);
    };
    match (name, &arg.kind) {
        ("list", _) => Type::list(read(arg, diags)),
        ("set", _) => Type::set(read(arg, diags)),
        ("map", _) => Type::map(read(arg, diags)),
        ("object", ExprKind::Object(items)) => {
            Type::Object(items.iter().filter_map(|(key, ty)| attr(key, ty, diags)).collect())
        }
        ("object", _) => {
            let detail = "`object` takes the types of its attributes in braces.".to_owned();
            wrong(diags, arg.span, detail, "Write `object({ name = string })`.".to_owned())
        }
        ("tuple", ExprKind::List(items)) => {
            Type::Tuple(items.iter().map(|item| read(item, diags)).collect())
        }
        ("tuple", _) => {
            let detail = "`tuple` takes the types of its items in brackets.".to_owned();
            wrong(diags, arg.span, detail, "Write `tuple([string, number])`.".to_owned())
        }
        ("optional", _) => {
            let detail = "Only attributes of an object can be optional.".to_owned();
            wrong(diags, at, detail, "Use `optional(T)` inside of `object({ ... })`.".to_owned())
        }
        ("any" | "bool" | "number" | "string", _) => {
            let detail = format!("`{name}` takes no argument.");
            wrong(diags, at, detail, format!("Write `{name}`."))
        }
        _ => named(name, name_span, diags),
    }
}

fn attr(key: &ObjectKey, ty: &Expr, diags: &mut Sink) -> Option<ObjectAttr> {
    let name = match key {
        ObjectKey::Name(name, _) => name.as_str().to_owned(),
        ObjectKey::Expr(Expr { kind: ExprKind::String(text), .. }) => text.to_string(),
        ObjectKey::Expr(key) => {
            let detail = "The name of an attribute is a constant.".to_owned();
            wrong(diags, key.span, detail, "Write the name as one word.".to_owned());
            return None;
        }
    };
    let plain = |ty| ObjectAttr { name: name.clone(), ty, optional: false, default: None };
    let call = match &ty.kind {
        ExprKind::Call(call) if !call.expand && &*call.name == "optional" => call,
        _ => return Some(plain(read(ty, diags))),
    };
    match &*call.args {
        [inner] => Some(ObjectAttr { optional: true, ..plain(read(inner, diags)) }),
        [inner, default] => {
            let ty = read(inner, diags);
            let default = default_of(default, &ty, diags);
            Some(ObjectAttr { optional: true, default, ..plain(ty) })
        }
        _ => {
            let detail = "`optional` takes a type.".to_owned();
            wrong(diags, ty.span, detail, "Write `optional(string)`.".to_owned());
            None
        }
    }
}

/// The default of an optional attribute, as its type wants it.
fn default_of(expr: &Expr, ty: &Type, diags: &mut Sink) -> Option<Value> {
    let Some(value) = literal(expr) else {
        let detail = "The default of an attribute is read before anything is evaluated.".to_owned();
        let help = "Write the value itself, without references, functions and calculations.";
        wrong(diags, expr.span, detail, help.to_owned());
        return None;
    };
    match values::conform(&value, ty) {
        Ok(value) => Some(value),
        Err(mismatches) => {
            for m in mismatches {
                let at = if m.path.steps().is_empty() {
                    String::new()
                } else {
                    format!(" at `{}`", brief(&m.path.to_string()))
                };
                let detail = format!("The default does not fit{at}: {}.", brief(&m.why));
                let help = format!("Write a value of the type `{}`.", brief(&ty.to_string()));
                diags.push(
                    Diagnostic::error(codes::BAD_TYPE, "Default does not fit its type", detail)
                        .at(expr.span, "")
                        .with_help(help),
                );
            }
            None
        }
    }
}

/// A value that is written as itself.
fn literal(expr: &Expr) -> Option<Value> {
    match &expr.kind {
        ExprKind::Null => Some(Value::Null),
        ExprKind::Bool(truth) => Some(Value::Bool(*truth)),
        ExprKind::Number(number) => Some(Value::Number(number.clone())),
        ExprKind::String(text) => Some(Value::String(text.clone())),
        ExprKind::Paren(inner) => literal(inner),
        ExprKind::Unary(UnaryOp::Neg, inner) => match &inner.kind {
            ExprKind::Number(number) => format!("-{number}").parse().ok().map(Value::Number),
            _ => None,
        },
        ExprKind::List(items) => {
            Some(Value::list(items.iter().map(literal).collect::<Option<Vec<_>>>()?))
        }
        ExprKind::Object(items) => {
            let entry = |(key, value): &(ObjectKey, Expr)| {
                let key: std::sync::Arc<str> = match key {
                    ObjectKey::Name(name, _) => name.as_str().into(),
                    ObjectKey::Expr(key) => literal(key)?.as_str()?.into(),
                };
                Some((key, literal(value)?))
            };
            Some(Value::map(items.iter().map(entry).collect::<Option<Vec<_>>>()?))
        }
        _ => None,
    }
}
