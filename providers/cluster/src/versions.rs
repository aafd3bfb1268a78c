//! Whether a version of Kubernetes has what an object says, without asking a server.
//!
//! For `validate -kubernetes-version=1.34`: kinds that are not there any more or not yet,
//! fields that do not exist (with the one that was probably meant), values of another type,
//! and what is missing. A server judges more than this; it is asked in every plan.

use crate::api::ObjectRef;
use crate::codes;
use apimachinery::versions::{self, Field, Minor, Shape, Struct};
use diags::{Severity, did_you_mean};
use plans::Problem;
use values::{Path, Step, Value};

/// What is wrong with an object for a version; paths are those of the object.
pub(crate) fn check(object: &Value, of: &ObjectRef, minor: Minor) -> Vec<Problem> {
    let (api_version, kind) = (of.api_version.as_str(), of.kind.as_str());
    let Some(fields) = versions::kind(api_version, kind, minor) else {
        return gone(api_version, kind, minor).into_iter().collect();
    };
    let mut checking = Checking { minor, of, problems: Vec::new() };
    checking.fields(object, fields, &Path::root());
    checking.problems.extend(going(api_version, kind, minor));
    checking.problems
}

/// The newest version has no such kind any more. The server may be older, so this is no error.
pub(crate) fn outdated(of: &ObjectRef) -> Option<Problem> {
    let problem = gone(&of.api_version, &of.kind, Minor::newest())?;
    Some(Problem { severity: Severity::Warning, ..problem })
}

/// The kind is not in this version. Of kinds that no version has nothing is said: a definition
/// may bring them.
fn gone(api_version: &str, kind: &str, minor: Minor) -> Option<Problem> {
    if versions::kind(api_version, kind, minor).is_some() {
        return None;
    }
    let others = versions::alternatives(kind, minor);
    let same_group = |other: &&&str| group(other) == group(api_version);
    let detail = match versions::served(api_version, kind) {
        Some((_, last)) if last < minor => {
            format!(
                "Kubernetes {minor} has no {kind} in `{api_version}` any more; {last} was the last that had."
            )
        }
        Some((first, _)) if first > minor => {
            format!(
                "Kubernetes {minor} has no {kind} in `{api_version}` yet; {first} is the first that has."
            )
        }
        Some(_) => format!("Kubernetes {minor} has no {kind} in `{api_version}`."),
        None if others.iter().any(|other| same_group(&other)) => {
            format!(
                "No version of Kubernetes since {} has a {kind} in `{api_version}`.",
                Minor::oldest()
            )
        }
        None => return None,
    };
    let path = Path::of("apiVersion");
    let problem = Problem::error(codes::NO_KIND, "Not in this version", path, detail);
    Some(match others.first() {
        Some(other) => {
            problem.with_help(format!("Write `apiVersion: {other}`, and see what else differs."))
        }
        None => problem,
    })
}

/// The kind is in this version, and a later one took it away.
fn going(api_version: &str, kind: &str, minor: Minor) -> Option<Problem> {
    let (_, last) = versions::served(api_version, kind)?;
    if last == Minor::newest() {
        return None;
    }
    let detail = format!(
        "{kind} in `{api_version}` is in Kubernetes {minor}, and {last} is the last that has it."
    );
    let path = Path::of("apiVersion");
    let problem = Problem::warning(codes::NO_KIND, "Goes away with an upgrade", path, detail);
    let longer = |other: &&str| versions::served(other, kind).is_some_and(|(_, l)| l > last);
    let now = versions::alternatives(kind, minor).into_iter().find(longer);
    let later = || versions::alternatives(kind, Minor::newest()).into_iter().next();
    Some(match (now, later()) {
        (Some(other), _) => problem.with_help(format!(
            "Kubernetes {minor} has it as `{other}` too: change to that before the upgrade."
        )),
        (None, Some(other)) => match versions::served(other, kind) {
            Some((first, _)) => problem
                .with_help(format!("Kubernetes {first} is the first that has it as `{other}`.")),
            None => problem,
        },
        (None, None) => problem,
    })
}

fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

struct Checking<'a> {
    minor: Minor,
    of: &'a ObjectRef,
    problems: Vec<Problem>,
}

impl Checking<'_> {
    fn fields(&mut self, object: &Value, of: Struct, path: &Path) {
        let Value::Map(map) = object else { return };
        for (name, value) in map.iter() {
            let path = path.clone().attr(name);
            match of.field(name, self.minor) {
                Some(field) => self.value(value, field.shape, &path),
                None => self.unknown(name, of, path),
            }
        }
        let missing =
            |field: &Field| field.required && map.get(field.name).is_none_or(Value::is_null);
        for field in of.fields(self.minor).filter(missing) {
            let detail =
                format!("{}: `{}` is missing.", self.of.shown(), path.clone().attr(field.name));
            let problem = Problem::error(codes::SCHEMA, "Field is missing", path.clone(), detail);
            self.problems.push(problem);
        }
    }

    fn unknown(&mut self, name: &str, of: Struct, path: Path) {
        let minor = self.minor;
        let when = match of.has(name) {
            Some((first, _)) if first > minor => format!("; {first} is the first that has it"),
            Some((_, last)) if last < minor => format!("; {last} was the last that had it"),
            Some(_) | None => String::new(),
        };
        let shown = self.of.shown();
        let detail = format!("{shown}: Kubernetes {minor} has no field `{path}`{when}.");
        let problem = Problem::error(codes::SCHEMA, "Unknown field", path, detail);
        let names = of.fields(minor).map(|field| field.name);
        self.problems.push(match did_you_mean(name, names).filter(|_| when.is_empty()) {
            Some(meant) => problem.with_help(format!("Did you mean `{meant}`?")),
            None => problem,
        });
    }

    fn value(&mut self, value: &Value, shape: Shape, path: &Path) {
        match (value, shape) {
            (Value::Sensitive(hidden), shape) => self.value(hidden.expose(), shape, path),
            (Value::Null | Value::Unknown(_), _)
            | (_, Shape::Any)
            | (Value::String(_), Shape::Text | Shape::IntOrText | Shape::Quantity)
            | (Value::Bool(_), Shape::Bool)
            | (Value::Number(_), Shape::Number | Shape::Quantity) => {}
            (Value::Number(number), Shape::Integer | Shape::IntOrText) if number.is_integer() => {}
            (Value::List(items), Shape::List(inner)) => {
                for (i, item) in items.iter().enumerate() {
                    self.value(item, inner.shape(), &path.clone().index(i));
                }
            }
            (Value::Map(map), Shape::Map(inner)) => {
                for (name, item) in map.iter() {
                    self.value(item, inner.shape(), &path.clone().attr(name));
                }
            }
            (Value::Map(_), Shape::Struct(of)) => self.fields(value, of, path),
            (value, shape) => {
                let (shown, kind) = (self.of.shown(), value.kind());
                let detail =
                    format!("{shown}: `{path}` is {}, and this is a {kind}.", wanted(shape));
                let problem =
                    Problem::error(codes::SCHEMA, "Value of another type", path.clone(), detail);
                self.problems.push(match (value, shape, path.steps().last()) {
                    (Value::Number(_) | Value::Bool(_), Shape::Text, Some(Step::Attr(_))) => {
                        problem.with_help("Put it in quotes.")
                    }
                    _ => problem,
                });
            }
        }
    }
}

fn wanted(shape: Shape) -> &'static str {
    match shape {
        Shape::Text => "a string",
        Shape::Bool => "true or false",
        Shape::Integer => "a whole number",
        Shape::Number => "a number",
        Shape::IntOrText => "a whole number or a string",
        Shape::Quantity => "an amount such as `500m` or `2Gi`",
        Shape::List(_) => "a list",
        Shape::Map(_) | Shape::Struct(_) => "an object",
        Shape::Any => "anything",
    }
}
