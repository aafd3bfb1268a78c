//! Rows of other implementations' tests, as far as they are data.
//!
//! They are found by `CLINCH_CORPORA` and not part of this project; without it these tests
//! say loudly that nothing was compared.

mod cty;
mod expressions;
mod functions;
mod score;

use addrs::{Ident, ModuleInstance};
use config::{Attr, BinaryOp, Call, Config, Expr, ExprKind, For};
use diags::{SourceId, Span};
use lang::{Evaluator, References};
use score::Score;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;
use values::{Type, Value};

/// The rows of a table, or nothing, loudly, when there are no corpora.
#[expect(clippy::disallowed_methods, reason = "a test reads its data")]
#[expect(clippy::print_stderr, reason = "what was left out is told")]
fn rows(table: &str) -> Option<Vec<Json>> {
    let Some(folder) = std::env::var_os("CLINCH_CORPORA") else {
        eprintln!("SKIPPED oracle {table}: CLINCH_CORPORA is not set, nothing was compared");
        return None;
    };
    let path = std::path::Path::new(&folder).join(format!("go-tables/{table}.jsonl.gz"));
    let file = std::fs::File::open(&path).expect("the table can be opened");
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("the table is text");
    Some(text.lines().map(|l| serde_json::from_str(l).expect("a row is JSON")).collect())
}

fn name(text: &str) -> Ident {
    text.parse().expect("a name")
}

const NOWHERE: Span = Span { source: SourceId(0), start: 0, end: 0 };

fn expr(kind: ExprKind) -> Expr {
    Expr { span: NOWHERE, kind }
}

/// `var.NAME`.
fn variable(of: &str) -> Expr {
    let of_var = expr(ExprKind::Name(name("var")));
    expr(ExprKind::Attr(Box::new(Attr { of: of_var, name: name(of), name_span: NOWHERE })))
}

fn call(function: &str, args: Vec<Expr>) -> Expr {
    let name = Arc::from(function);
    let args = args.into();
    expr(ExprKind::Call(Box::new(Call { name, name_span: NOWHERE, args, expand: false })))
}

fn binary(op: BinaryOp, a: Expr, b: Expr) -> Expr {
    expr(ExprKind::Binary(op, Box::new(a), Box::new(b)))
}

/// The value of an expression in which the variables are `var.NAME`; the number of errors.
fn evaluate(expr: &Expr, variables: &[(String, Value)]) -> (Value, usize) {
    let mut module = config::Module { dir: ".".to_owned(), ..config::Module::default() };
    let mut given = BTreeMap::new();
    for (text, value) in variables {
        let declared = config::Variable {
            span: NOWHERE,
            name: name(text),
            ty: Type::Any,
            default: None,
            description: None,
            sensitive: false,
            ephemeral: false,
            nullable: true,
            validations: Vec::new(),
        };
        module.variables.insert(name(text), declared);
        given.insert(name(text), value.clone());
    }
    let config = Config { modules: BTreeMap::from([(Vec::new(), module)]), ..Config::default() };
    let references = References::default();
    let mut evaluator = Evaluator::new(&config, &crate::world::Types, &references, given, "/home");
    let (value, diags) = evaluator.evaluate(&ModuleInstance::root(), expr);
    (value, diags.len())
}

/// As [`evaluate`], for an expression that names the variables without `var`: each becomes
/// the item of a `for` over a list of one.
fn evaluate_bound(inner: Expr, variables: &[(String, Value)]) -> (Value, usize) {
    let bound = variables.iter().rev().fold(inner, |inner, (text, _)| {
        let item = variable(text);
        let over = expr(ExprKind::List([item].into()));
        expr(ExprKind::For(Box::new(For {
            key_name: None,
            value_name: name(text),
            over,
            key: None,
            value: inner,
            group: false,
            cond: None,
        })))
    });
    let (mut value, errors) = evaluate(&bound, variables);
    for _ in variables {
        let item = value.as_list().and_then(<[Value]>::first).cloned();
        value = item.unwrap_or(Value::Unknown(Type::Any));
    }
    (value, errors)
}

/// Whether a value is what is wanted. The type of an unknown value may be less exact here.
fn same(got: &Value, want: &Value) -> bool {
    match (got, want) {
        (Value::Unknown(Type::Any), Value::Unknown(_)) => true,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.0 == b.0 && same(a.1, b.1))
        }
        (Value::Sensitive(a), Value::Sensitive(b)) => same(a.expose(), b.expose()),
        (a, b) => a == b,
    }
}

/// A value with its marks and what they hide, since these are no secrets.
fn show(value: &Value) -> String {
    match value {
        Value::Sensitive(inner) => format!("sensitive({})", show(inner.expose())),
        Value::Unknown(ty) => format!("unknown({ty})"),
        Value::List(items) => {
            format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", "))
        }
        Value::Map(map) => {
            let entries = map.iter().map(|(k, v)| format!("{k} = {}", show(v)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}"),
    }
}

/// Compares one result; when an error is wanted, only that there is one.
fn judge(
    what: &str,
    (got, errors): &(Value, usize),
    wants_error: bool,
    want: Option<&Value>,
) -> Result<(), String> {
    match (wants_error, *errors > 0) {
        (true, true) => Ok(()),
        (true, false) => Err(format!("{what}: an error is wanted, got {}", show(got))),
        (false, true) => {
            let want = want.map_or_else(|| "?".to_owned(), show);
            Err(format!("{what}: {want} is wanted, got an error"))
        }
        (false, false) => match want {
            Some(want) if !same(got, want) => {
                Err(format!("{what}: {} is wanted, got {}", show(want), show(got)))
            }
            _ => Ok(()),
        },
    }
}
