//! Which names an expression uses, found without evaluating anything.

use addrs::{Ident, Mode};
use config::{Expr, ExprKind, ObjectKey, Part};
use diags::Span;

/// One `.name` or `[index]` after the root of a reference.
#[derive(Clone, Copy)]
pub(crate) enum Step<'e> {
    Attr(&'e Ident, Span),
    Index(&'e Expr),
}

/// Takes `a.b[0].c` apart into `a` and its steps, however long it is.
pub(crate) fn unwind(expr: &Expr) -> (&Expr, Vec<Step<'_>>) {
    let mut steps = Vec::new();
    let mut base = expr;
    loop {
        match &base.kind {
            ExprKind::Attr(attr) => {
                steps.push(Step::Attr(&attr.name, attr.name_span));
                base = &attr.of;
            }
            ExprKind::Index { of, index } => {
                steps.push(Step::Index(index));
                base = of;
            }
            _ => break,
        }
    }
    steps.reverse();
    (base, steps)
}

/// What a reference leads to, in the module that it stands in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    Variable(Ident),
    Local(Ident),
    /// One output of a call, or the call as a whole.
    Module(Ident, Option<Ident>),
    Resource(Mode, Ident, Ident),
}

/// A [`Target`] and where it is referred to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ref {
    pub(crate) target: Target,
    pub(crate) span: Span,
}

/// What a root name and its steps mean.
pub(crate) enum Meaning<'e> {
    /// A declared thing, and how many steps name it.
    Target(Target, usize),
    /// `each.key` or `each.value`.
    Each(&'e Ident),
    /// `count.index`.
    Count(&'e Ident),
    /// `path.module` and the like.
    Path(&'e Ident),
    /// Nothing: the reason, as a sentence.
    Nothing(String),
}

/// Reads the first steps of a reference.
pub(crate) fn meaning<'e>(root: &Ident, steps: &[Step<'e>]) -> Meaning<'e> {
    let attr = |i: usize| match steps.get(i) {
        Some(Step::Attr(name, _)) => Some(*name),
        _ => None,
    };
    let need = |example: &str| {
        Meaning::Nothing(format!("`{root}` alone is nothing: a name follows, as in `{example}`."))
    };
    match root.as_str() {
        "var" => match attr(0) {
            Some(name) => Meaning::Target(Target::Variable(name.clone()), 1),
            None => need("var.NAME"),
        },
        "local" => match attr(0) {
            Some(name) => Meaning::Target(Target::Local(name.clone()), 1),
            None => need("local.NAME"),
        },
        "module" => match attr(0) {
            Some(name) => {
                let after = if matches!(steps.get(1), Some(Step::Index(_))) { 2 } else { 1 };
                Meaning::Target(Target::Module(name.clone(), attr(after).cloned()), 1)
            }
            None => need("module.NAME.OUTPUT"),
        },
        "data" => match (attr(0), attr(1)) {
            (Some(ty), Some(name)) => {
                Meaning::Target(Target::Resource(Mode::Data, ty.clone(), name.clone()), 2)
            }
            _ => need("data.TYPE.NAME"),
        },
        "each" => attr(0).map_or_else(|| need("each.key"), Meaning::Each),
        "count" => attr(0).map_or_else(|| need("count.index"), Meaning::Count),
        "path" => attr(0).map_or_else(|| need("path.module"), Meaning::Path),
        "self" => Meaning::Nothing(
            "`self` has a meaning only in a `postcondition`; write the resource's own address."
                .to_owned(),
        ),
        "terraform" => Meaning::Nothing(
            "there is no `terraform` object; what differs between environments is a variable."
                .to_owned(),
        ),
        _ => match attr(0) {
            Some(name) => {
                Meaning::Target(Target::Resource(Mode::Managed, root.clone(), name.clone()), 1)
            }
            None => Meaning::Nothing(format!(
                "`{root}` is not a reference: a resource is named by its type and its name, a \
                 variable as `var.NAME`, a text stands in quotes."
            )),
        },
    }
}

/// What [`walk`] tells.
pub(crate) enum Found<'e> {
    /// A reference that no `for` binds: its root, its steps and the whole of it.
    Name { root: &'e Ident, root_span: Span, steps: Vec<Step<'e>>, whole: Span },
    /// A call of a function.
    Call { name: &'e str, name_span: Span, inner: &'e [Expr], expand: bool, whole: Span },
}

/// Visits every reference and call, outermost first, in source order.
pub(crate) fn walk<'e>(expr: &'e Expr, told: &mut dyn FnMut(Found<'e>)) {
    visit(expr, &mut Vec::new(), told);
}

fn visit<'e>(expr: &'e Expr, bound: &mut Vec<&'e Ident>, told: &mut dyn FnMut(Found<'e>)) {
    match &expr.kind {
        ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Number(_)
        | ExprKind::String(_)
        | ExprKind::SplatItem => {}
        ExprKind::Name(_) | ExprKind::Attr(_) | ExprKind::Index { .. } => {
            let (base, steps) = unwind(expr);
            let indexes: Vec<&'e Expr> = steps
                .iter()
                .filter_map(|s| match s {
                    Step::Index(index) => Some(*index),
                    Step::Attr(..) => None,
                })
                .collect();
            match &base.kind {
                ExprKind::Name(root) if !bound.contains(&root) => {
                    told(Found::Name { root, root_span: base.span, steps, whole: expr.span });
                }
                ExprKind::Name(_) => {}
                _ => visit(base, bound, told),
            }
            for index in indexes {
                visit(index, bound, told);
            }
        }
        ExprKind::Template(parts) => visit_parts(parts, bound, told),
        ExprKind::List(items) => {
            for item in items {
                visit(item, bound, told);
            }
        }
        ExprKind::Object(items) => {
            for (key, value) in items {
                if let ObjectKey::Expr(key) = key {
                    visit(key, bound, told);
                }
                visit(value, bound, told);
            }
        }
        ExprKind::Splat { of, each, .. } => {
            visit(of, bound, told);
            visit(each, bound, told);
        }
        ExprKind::Call(call) => {
            told(Found::Call {
                name: &call.name,
                name_span: call.name_span,
                inner: &call.args,
                expand: call.expand,
                whole: expr.span,
            });
            for arg in &call.args {
                visit(arg, bound, told);
            }
        }
        ExprKind::Unary(_, a) | ExprKind::Paren(a) => visit(a, bound, told),
        ExprKind::Binary(_, a, b) => {
            visit(a, bound, told);
            visit(b, bound, told);
        }
        ExprKind::Conditional(parts) => {
            for part in &**parts {
                visit(part, bound, told);
            }
        }
        ExprKind::For(f) => {
            visit(&f.over, bound, told);
            let depth = bound.len();
            bound.extend(f.key_name.iter().chain([&f.value_name]));
            for part in f.key.iter().chain([&f.value]).chain(&f.cond) {
                visit(part, bound, told);
            }
            bound.truncate(depth);
        }
    }
}

fn visit_parts<'e>(parts: &'e [Part], bound: &mut Vec<&'e Ident>, told: &mut dyn FnMut(Found<'e>)) {
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Value(expr) => visit(expr, bound, told),
            Part::If(part) => {
                visit(&part.cond, bound, told);
                visit_parts(&part.then, bound, told);
                visit_parts(&part.otherwise, bound, told);
            }
            Part::For(part) => {
                visit(&part.over, bound, told);
                let depth = bound.len();
                bound.extend(part.key.iter().chain([&part.value]));
                visit_parts(&part.body, bound, told);
                bound.truncate(depth);
            }
        }
    }
}

/// The declared things that expressions need, each once, in the order they are met.
pub(crate) fn targets<'e>(exprs: impl IntoIterator<Item = &'e Expr>) -> Vec<Ref> {
    let mut seen = std::collections::BTreeSet::new();
    let mut refs = Vec::new();
    for expr in exprs {
        walk(expr, &mut |found| {
            if let Found::Name { root, steps, whole, .. } = found
                && let Meaning::Target(target, _) = meaning(root, &steps)
                && seen.insert(target.clone())
            {
                refs.push(Ref { target, span: whole });
            }
        });
    }
    refs
}

/// Every expression of a body, nested blocks included.
pub(crate) fn body_exprs(body: &config::Body) -> Vec<&Expr> {
    let mut exprs: Vec<&Expr> = body.arguments.values().map(|a| &a.value).collect();
    for block in &body.blocks {
        match &block.each {
            // Its iterator means something only within.
            Some(each) => exprs.push(&each.mentions),
            None => exprs.extend(body_exprs(&block.body)),
        }
    }
    exprs
}
