//! An expression as one line of text, fully bracketed.

use config::{BinaryOp, Expr, ExprKind, For, ObjectKey, Part, UnaryOp};

pub(crate) fn show(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Null => "null".to_owned(),
        ExprKind::Bool(b) => b.to_string(),
        ExprKind::Number(n) => n.to_string(),
        ExprKind::String(text) => format!("{text:?}"),
        ExprKind::Template(parts) => format!("template({})", parts_of(parts)),
        ExprKind::List(items) => format!("[{}]", all(items)),
        ExprKind::Object(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|(key, value)| match key {
                    ObjectKey::Name(name, _) => format!("{name}: {}", show(value)),
                    ObjectKey::Expr(key) => format!("<{}>: {}", show(key), show(value)),
                })
                .collect();
            format!("{{{}}}", items.join(", "))
        }
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Attr(attr) => format!("{}.{}", show(&attr.of), attr.name),
        ExprKind::Index { of, index } => format!("{}[{}]", show(of), show(index)),
        ExprKind::Splat { of, full, each } => {
            format!("splat{}({}, {})", if *full { "" } else { "_attrs" }, show(of), show(each))
        }
        ExprKind::SplatItem => "@".to_owned(),
        ExprKind::Call(call) => {
            let expand = if call.expand { "..." } else { "" };
            format!("{}({}{expand})", call.name, all(&call.args))
        }
        ExprKind::Unary(UnaryOp::Neg, a) => format!("neg({})", show(a)),
        ExprKind::Unary(UnaryOp::Not, a) => format!("not({})", show(a)),
        ExprKind::Binary(op, a, b) => format!("({} {} {})", show(a), operator(*op), show(b)),
        ExprKind::Conditional(parts) => format!("if({})", all(&**parts)),
        ExprKind::Paren(a) => format!("paren({})", show(a)),
        ExprKind::For(node) => for_expr(node),
    }
}

fn for_expr(node: &For) -> String {
    let key_name = node.key_name.as_ref().map(|k| format!("{k}, ")).unwrap_or_default();
    let key = node.key.as_ref().map(|k| format!("{} => ", show(k))).unwrap_or_default();
    let group = if node.group { "..." } else { "" };
    let cond = node.cond.as_ref().map(|c| format!(" if {}", show(c))).unwrap_or_default();
    let (value_name, over, value) = (&node.value_name, show(&node.over), show(&node.value));
    format!("for({key_name}{value_name} in {over}: {key}{value}{group}{cond})")
}

fn all(items: &[Expr]) -> String {
    items.iter().map(show).collect::<Vec<_>>().join(", ")
}

fn parts_of(parts: &[Part]) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => format!("{text:?}"),
        Part::Value(value) => show(value),
        Part::If(part) => {
            let (then, otherwise) = (parts_of(&part.then), parts_of(&part.otherwise));
            format!("if({}, [{then}], [{otherwise}])", show(&part.cond))
        }
        Part::For(part) => {
            let key = part.key.as_ref().map(|k| format!("{k}, ")).unwrap_or_default();
            let (value, over) = (&part.value, show(&part.over));
            format!("for({key}{value} in {over}: [{}])", parts_of(&part.body))
        }
    };
    parts.iter().map(part).collect::<Vec<_>>().join(", ")
}

fn operator(op: BinaryOp) -> &'static str {
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
