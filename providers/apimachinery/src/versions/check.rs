//! Whether a value has only what a version has: fields that do not exist (with the one that was
//! probably meant), values of another type, and what is missing.

use super::{Field, Minor, Shape, Struct};
use crate::duration;
use diags::did_you_mean;
use values::{Path, Step, Value};

/// What is checked, in the words of messages.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The value: `Deployment web/front`.
    pub shown: &'a str,
    /// Whose version counts: `Kubernetes`, `the kubelet`.
    pub program: &'a str,
    /// Which version.
    pub minor: Minor,
}

/// What is wrong with a part of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The part.
    pub path: Path,
    /// Which kind of mistake it is.
    pub summary: &'static str,
    /// What is wrong, as a sentence.
    pub detail: String,
    /// What to do.
    pub help: Option<String>,
}

/// What is wrong with a value that should have these fields. What is not known yet is not judged.
pub fn check(value: &Value, of: Struct, subject: Subject<'_>) -> Vec<Mistake> {
    let mut checking = Checking { subject, mistakes: Vec::new() };
    checking.fields(value, of, &Path::root());
    checking.mistakes
}

struct Checking<'a> {
    subject: Subject<'a>,
    mistakes: Vec<Mistake>,
}

impl Checking<'_> {
    fn says(&mut self, path: &Path, summary: &'static str, detail: &str, help: Option<String>) {
        let detail = format!("{}: {detail}", self.subject.shown);
        self.mistakes.push(Mistake { path: path.clone(), summary, detail, help });
    }

    fn fields(&mut self, value: &Value, of: Struct, path: &Path) {
        let Value::Map(map) = value else { return };
        let minor = self.subject.minor;
        for (name, value) in map.iter() {
            let path = path.clone().attr(name);
            match of.field(name, minor) {
                Some(field) => self.value(value, field.shape, &path),
                None => self.unknown(name, of, &path),
            }
        }
        let missing =
            |field: &Field| field.required && map.get(field.name).is_none_or(Value::is_null);
        for field in of.fields(minor).filter(missing) {
            let detail = format!("`{}` is missing.", path.clone().attr(field.name));
            self.says(path, "Field is missing", &detail, None);
        }
    }

    fn unknown(&mut self, name: &str, of: Struct, path: &Path) {
        let Subject { program, minor, .. } = self.subject;
        let when = match of.has(name) {
            Some((first, _)) if first > minor => format!("; {first} is the first that has it"),
            Some((_, last)) if last < minor => format!("; {last} was the last that had it"),
            Some(_) | None => String::new(),
        };
        let names = of.fields(minor).map(|field| field.name);
        let meant = did_you_mean(name, names).filter(|_| when.is_empty());
        let help = meant.map(|meant| format!("Did you mean `{meant}`?"));
        let detail = format!("{program} {minor} has no field `{path}`{when}.");
        self.says(path, "Unknown field", &detail, help);
    }

    fn value(&mut self, value: &Value, shape: Shape, path: &Path) {
        match (value, shape) {
            (Value::Sensitive(hidden), shape) => self.value(hidden.expose(), shape, path),
            (Value::String(text), Shape::Duration) if !duration::is_duration(text) => {
                // Not the text itself: it may be sensitive.
                let detail = format!("`{path}` is no duration.");
                let help = "Write numbers with units, such as `10s`, `1m30s` or `24h`.".to_owned();
                self.says(path, "Value of another type", &detail, Some(help));
            }
            (Value::Null | Value::Unknown(_), _)
            | (_, Shape::Any)
            | (
                Value::String(_),
                Shape::Text | Shape::IntOrText | Shape::Quantity | Shape::Duration,
            )
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
                let detail =
                    format!("`{path}` is {}, and this is a {}.", wanted(shape), value.kind());
                let quotes = matches!(
                    (value, shape, path.steps().last()),
                    (Value::Number(_) | Value::Bool(_), Shape::Text, Some(Step::Attr(_)))
                );
                let help = quotes.then(|| "Put it in quotes.".to_owned());
                self.says(path, "Value of another type", &detail, help);
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
        Shape::Duration => "a duration such as `10s` or `1m30s`",
        Shape::List(_) => "a list",
        Shape::Map(_) | Shape::Struct(_) => "an object",
        Shape::Any => "anything",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::versions;

    fn said(value: &Value, minor: &str) -> String {
        let minor = Minor::parse(minor).unwrap();
        let api = "kubelet.config.k8s.io/v1beta1";
        let of = versions::kind(api, "KubeletConfiguration", minor).unwrap();
        let subject = Subject { shown: "worker-1", program: "the kubelet", minor };
        let line = |m: Mistake| format!("{} {}\n", m.detail, m.help.unwrap_or_default());
        check(value, of, subject).into_iter().map(line).collect()
    }

    #[test]
    fn a_misspelt_setting_is_named_with_what_was_meant() {
        let value = Value::map([("maxPodz", 200_i64.into())]);
        let wanted = "worker-1: the kubelet 1.36 has no field `maxPodz`. Did you mean `maxPods`?\n";
        assert_eq!(said(&value, "1.36"), wanted);
    }

    #[test]
    fn a_setting_of_a_later_version_is_named_with_that_version() {
        let value = Value::map([("failCgroupV1", false.into())]);
        let wanted = "worker-1: the kubelet 1.30 has no field `failCgroupV1`; 1.31 is the first \
                      that has it. \n";
        assert_eq!(said(&value, "1.30"), wanted);
        assert_eq!(said(&value, "1.31"), "");
    }

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let with = |text: &str| Value::map([("shutdownGracePeriod", text.into())]);
        assert_eq!(said(&with("1m30s"), "1.36"), "");
        let wanted = "worker-1: `shutdownGracePeriod` is no duration. Write numbers with units, \
                      such as `10s`, `1m30s` or `24h`.\n";
        assert_eq!(said(&with("90"), "1.36"), wanted);
    }

    #[test]
    fn types_inside_of_lists_and_maps_are_judged_where_they_stand() {
        let memory = Value::map([("numaNode", "0".into())]);
        let value = Value::map([("reservedMemory", Value::list([memory]))]);
        let wanted = "worker-1: `reservedMemory[0].numaNode` is a whole number, and this is a \
                      string. \n";
        assert_eq!(said(&value, "1.36"), wanted);
    }
}
