//! A small evaluator of constants, so that tests of texts can compare texts.

use addrs::Ident;
use config::{Expr, ExprKind, Part, parse_expression};
use diags::SourceMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Data {
    Truth(bool),
    Number(i64),
    Text(String),
    List(Vec<Data>),
}

pub(crate) fn evaluate(source: &str) -> Data {
    let mut map = SourceMap::default();
    match parse_expression(&mut map, "x", source) {
        Ok(expr) => value(&expr, &mut Vec::new()),
        Err(diags) => panic!("{source}: {}", crate::render::diagnostics(&map, &diags)),
    }
}

pub(crate) type Names = Vec<(Ident, Data)>;

pub(crate) fn value(expr: &Expr, names: &mut Names) -> Data {
    match &expr.kind {
        ExprKind::Bool(b) => Data::Truth(*b),
        ExprKind::Number(n) => Data::Number(n.as_i64().expect("a small number")),
        ExprKind::String(text) => Data::Text(text.to_string()),
        ExprKind::List(items) => Data::List(items.iter().map(|i| value(i, names)).collect()),
        ExprKind::Name(name) => {
            let found = names.iter().rev().find(|(bound, _)| bound == name);
            found.expect("a bound name").1.clone()
        }
        ExprKind::Template(parts) => Data::Text(texts(parts, names)),
        other => panic!("not a constant of these tests: {other:?}"),
    }
}

fn texts(parts: &[Part], names: &mut Names) -> String {
    parts.iter().map(|part| text(part, names)).collect()
}

fn text(part: &Part, names: &mut Names) -> String {
    match part {
        Part::Text(text) => text.to_string(),
        Part::Value(expr) => match value(expr, names) {
            Data::Text(text) => text,
            Data::Number(n) => n.to_string(),
            Data::Truth(b) => b.to_string(),
            Data::List(_) => panic!("a list is no text"),
        },
        Part::If(part) => {
            let taken = value(&part.cond, names) == Data::Truth(true);
            texts(if taken { &part.then } else { &part.otherwise }, names)
        }
        Part::For(part) => {
            let Data::List(items) = value(&part.over, names) else { panic!("not a list") };
            let mut out = String::new();
            for (i, item) in items.into_iter().enumerate() {
                let before = names.len();
                let index = i64::try_from(i).expect("a short list");
                names.extend(part.key.clone().map(|key| (key, Data::Number(index))));
                names.push((part.value.clone(), item));
                out.push_str(&texts(&part.body, names));
                names.truncate(before);
            }
            out
        }
    }
}
