//! Small tools for all tests: files of the corpora, arguments from text, answers as text.

use cluster::json;
use plans::{Basis, Problem};
use provider::{Planned, ResourceKind};
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::PathBuf;
use values::{Schema, Value};

/// A file of the shared corpora; `None`, loudly, where they are not.
pub(crate) fn corpus(name: &str) -> Option<PathBuf> {
    match std::env::var_os("CLINCH_CORPORA") {
        Some(folder) => Some(PathBuf::from(folder).join(name)),
        None => {
            println!("SKIPPED {name}: CLINCH_CORPORA is not set");
            None
        }
    }
}

/// The lines of a packed file, each a JSON document.
pub(crate) fn packed_lines(name: &str) -> Option<Vec<Value>> {
    let file = std::fs::File::open(corpus(name)?).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    Some(text.lines().map(|line| json::parse(line).unwrap()).collect())
}

/// The resource type of this name.
pub(crate) fn kind(name: &str) -> Box<dyn ResourceKind> {
    let mut kinds = cluster::kinds(None);
    let at = kinds.iter().position(|kind| *kind.name() == name).unwrap();
    kinds.swap_remove(at)
}

/// Arguments written as the inside of a block, as a type gets them from the engine.
#[track_caller]
pub(crate) fn arguments(schema: &Schema, text: &str) -> Value {
    match provider::contract::arguments(schema, text, &[]) {
        Ok(args) => args,
        Err(why) => panic!("{why}"),
    }
}

/// The examples of a page that are of this type and refer to nothing.
pub(crate) fn examples(page: &str, name: &str) -> Vec<String> {
    provider::contract::examples(page, name).unwrap()
}

/// Problems, one a line: code, path, what is wrong, what to do.
pub(crate) fn told(problems: &[Problem]) -> String {
    let mut out = String::new();
    for problem in problems {
        let help = problem.help.as_deref().map(|help| format!(" [{help}]")).unwrap_or_default();
        let _ = writeln!(
            out,
            "{:?} {} at `{}`: {}: {}{help}",
            problem.severity, problem.code, problem.path, problem.summary, problem.detail
        );
    }
    out.trim_end().to_owned()
}

/// An answer of the plan, as a few lines of text.
pub(crate) fn answer(planned: &Planned) -> String {
    match planned {
        Planned::NeedsPreview(op) => format!("ask: {} guard {:?}", op.text, op.guard),
        Planned::Failed(problems) => told(problems),
        Planned::Decided(decision) => {
            let basis = match &decision.basis {
                Basis::Proven => "proven".to_owned(),
                Basis::Server => "the server said so".to_owned(),
                Basis::Local => "compared here".to_owned(),
                Basis::Unverified(why) => format!("not verified: {why}"),
                Basis::Predicted(why) => format!("predicted: {why}"),
            };
            let mut out = format!("{:?} ({basis})", decision.action);
            for path in &decision.replaced_for {
                let _ = write!(out, "\nreplaced for `{path}`");
            }
            differences(decision.before.as_ref(), decision.after.as_ref(), &mut out);
            for guard in &decision.guards {
                let _ = write!(out, "\n{} guard: {}", guard.kind.name(), guard.why);
            }
            for op in &decision.ops {
                let _ = write!(out, "\nop: {} guard {:?}", op.text, op.guard);
            }
            for note in &decision.notes {
                let _ = write!(out, "\nnote at `{}`: {}", note.path, note.text);
            }
            if !decision.warnings.is_empty() {
                let _ = write!(out, "\n{}", told(&decision.warnings));
            }
            out
        }
    }
}

/// The leaves that differ, one a line.
fn differences(before: Option<&Value>, after: Option<&Value>, out: &mut String) {
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for (value, leaves) in [(before, &mut old), (after, &mut new)] {
        if let Some(value) = value {
            collect(value, values::Path::root(), leaves);
        }
    }
    let get = |leaves: &[(String, Value)], path: &str| {
        leaves.iter().find(|(p, _)| p == path).map(|(_, value)| value.clone())
    };
    for (path, value) in &old {
        match get(&new, path) {
            None => {
                let _ = write!(out, "\n  - {path} = {value:?}");
            }
            Some(other) if other != *value => {
                let _ = write!(out, "\n  ~ {path} = {value:?} -> {other:?}");
            }
            Some(_) => {}
        }
    }
    for (path, value) in new.iter().filter(|(path, _)| get(&old, path).is_none()) {
        let _ = write!(out, "\n  + {path} = {value:?}");
    }
}

fn collect(value: &Value, path: values::Path, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Map(map) if !map.is_empty() => {
            map.iter().for_each(|(k, v)| collect(v, path.clone().attr(k), out));
        }
        Value::List(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(i, v)| collect(v, path.clone().index(i), out));
        }
        leaf => out.push((path.to_string(), leaf.clone())),
    }
}
