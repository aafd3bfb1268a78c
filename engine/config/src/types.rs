//! Type expressions: `list(object({ name = string, size = optional(number) }))`.

use crate::codes;
use crate::syntax::Sink;
use crate::text::{brief, nearest};
use crate::tree::{Expr, ExprKind, ObjectKey};
use diags::{Diagnostic, Span};
use values::{ObjectAttr, Type};

const PRIMITIVES: [(&str, Type); 4] =
    [("any", Type::Any), ("bool", Type::Bool), ("number", Type::Number), ("string", Type::String)];
const COLLECTIONS: [&str; 5] = ["list", "set", "map", "object", "tuple"];

/// Reads a type expression; [`Type::Any`] after a mistake.
pub(crate) fn read(expr: &Expr, diags: &mut Sink) -> Type {
    match &expr.kind {
        ExprKind::Name(name) => named(name.as_str(), expr.span, diags),
        ExprKind::Call { name, name_span, args, expand: false } => {
            constructed(name, *name_span, args, expr.span, diags)
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
    let ExprKind::Call { name: call, args, expand: false, .. } = &ty.kind else {
        return Some(ObjectAttr { name, ty: read(ty, diags), optional: false });
    };
    if &**call != "optional" {
        return Some(ObjectAttr { name, ty: read(ty, diags), optional: false });
    }
    match args.as_slice() {
        [inner] => Some(ObjectAttr { name, ty: read(inner, diags), optional: true }),
        [inner, default] => {
            diags.push(
                Diagnostic::error(
                    codes::NOT_YET,
                    "Not in this version",
                    "This version of clinch does not know defaults of optional attributes.",
                )
                .at(default.span, "")
                .with_help("Write `optional(T)` and use `coalesce` where the attribute is read."),
            );
            Some(ObjectAttr { name, ty: read(inner, diags), optional: true })
        }
        _ => {
            let detail = "`optional` takes a type.".to_owned();
            wrong(diags, ty.span, detail, "Write `optional(string)`.".to_owned());
            None
        }
    }
}
