//! Whether every node of a tree stands where it says.

use config::{Body, Expr, ExprKind, ObjectKey, Part};
use diags::{SourceMap, Span};
use unicode_normalization::UnicodeNormalization;

/// Panics when a place of the tree does not hold what the tree says is there.
pub(crate) fn check(map: &SourceMap, expr: &Expr) {
    let text = map.slice(expr.span);
    // The tree holds texts in one normal form.
    let composed = |text: &str| text.nfc().collect::<String>();
    let same = |span: Span, name: &str| {
        assert_eq!(composed(map.slice(span)), name, "a name stands elsewhere, in `{text}`");
    };
    assert_eq!(text.trim(), text, "a place has spaces around it");
    match &expr.kind {
        // A mistake leaves null behind, wherever it was.
        ExprKind::Null | ExprKind::SplatItem => {}
        ExprKind::Bool(b) => same(expr.span, &b.to_string()),
        ExprKind::Number(n) => {
            let written: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            if let Ok(written) = written.parse::<values::Number>() {
                assert_eq!(&written, n);
            }
        }
        ExprKind::String(_) | ExprKind::Template(_) => {
            let quoted = text.starts_with('"') && text.ends_with('"');
            assert!(quoted || text.starts_with("<<"), "no string: `{text}`");
        }
        ExprKind::Name(name) => same(expr.span, name.as_str()),
        ExprKind::Attr(attr) => {
            let name = &attr.name;
            same(attr.name_span, name.as_str());
            let ends = composed(text).ends_with(name.as_str());
            assert!(ends, "`{text}` does not end in {name}");
        }
        ExprKind::Call(call) => {
            let written: String = map.slice(call.name_span).split_whitespace().collect();
            assert_eq!(composed(&written), *call.name);
            assert!(text.ends_with(')'), "no call: `{text}`");
        }
        ExprKind::Paren(_) => assert!(text.starts_with('(') && text.ends_with(')'), "`{text}`"),
        ExprKind::List(_) => assert!(text.starts_with('[') && text.ends_with(']'), "`{text}`"),
        ExprKind::Object(items) => {
            assert!(text.starts_with('{') && text.ends_with('}'), "`{text}`");
            for (key, _) in items {
                if let ObjectKey::Name(name, span) = key {
                    same(*span, name.as_str());
                }
            }
        }
        ExprKind::For(_)
        | ExprKind::Index { .. }
        | ExprKind::Splat { .. }
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Conditional(..) => assert!(!text.is_empty()),
    }
    for inner in children(expr) {
        let within = expr.span.start <= inner.span.start && inner.span.end <= expr.span.end;
        assert!(within, "`{}` is outside of `{text}`", map.slice(inner.span));
        check(map, inner);
    }
}

/// The same for everything in a block.
pub(crate) fn check_body(map: &SourceMap, body: &Body) {
    for (name, argument) in &body.arguments {
        let written: String = map.slice(argument.span).nfc().collect();
        assert_eq!(written, name.as_str());
        check(map, &argument.value);
    }
    for block in &body.blocks {
        let written: String = map.slice(block.span).nfc().collect();
        match &block.each {
            Some(each) => {
                assert!(written.starts_with("dynamic"));
                check(map, &each.for_each);
            }
            None => assert!(written.starts_with(block.name.as_str())),
        }
        check_body(map, &block.body);
    }
}

fn children(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Number(_)
        | ExprKind::String(_)
        | ExprKind::Name(_)
        | ExprKind::SplatItem => Vec::new(),
        ExprKind::Template(parts) => values_of(parts),
        ExprKind::List(items) => items.iter().collect(),
        ExprKind::Object(items) => items
            .iter()
            .flat_map(|(key, value)| match key {
                ObjectKey::Name(..) => vec![value],
                ObjectKey::Expr(key) => vec![key, value],
            })
            .collect(),
        ExprKind::Attr(attr) => vec![&attr.of],
        ExprKind::Index { of, index } => vec![of, index],
        ExprKind::Splat { of, each, .. } => vec![of, each],
        ExprKind::Call(call) => call.args.iter().collect(),
        ExprKind::Unary(_, a) | ExprKind::Paren(a) => vec![a],
        ExprKind::Binary(_, a, b) => vec![a, b],
        ExprKind::Conditional(parts) => parts.iter().collect(),
        ExprKind::For(node) => {
            let parts =
                [Some(&node.over), node.key.as_ref(), Some(&node.value), node.cond.as_ref()];
            parts.into_iter().flatten().collect()
        }
    }
}

fn values_of(parts: &[Part]) -> Vec<&Expr> {
    parts
        .iter()
        .flat_map(|part| match part {
            Part::Text(_) => Vec::new(),
            Part::Value(value) => vec![value],
            Part::If(part) => {
                let mut all = vec![&part.cond];
                all.extend(values_of(&part.then));
                all.extend(values_of(&part.otherwise));
                all
            }
            Part::For(part) => {
                let mut all = vec![&part.over];
                all.extend(values_of(&part.body));
                all
            }
        })
        .collect()
}
