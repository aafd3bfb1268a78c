//! Places: from what the server calls a field to what the configuration calls an argument.
//!
//! The server points with texts such as `spec.hard[cpu]` or
//! `.spec.template.spec.containers[name="app"].image`; people look for `hard["cpu"]`. Start
//! reading at [`resolve`] (text to path in the object) and [`Names`] (path in the object to
//! argument, and back).

use crate::json;
use values::{Map, Path, Step, Value};

/// The path that the server means, found with the help of the object: names with dots in
/// them (`metadata.labels.example.com/tier`) can only be told apart by what is there.
pub fn resolve(text: &str, object: &Value) -> Path {
    let mut path = Path::root();
    let mut here = Some(object);
    let mut rest = text;
    while !rest.is_empty() {
        let (step, after) = match rest.strip_prefix('[') {
            Some(inside) => bracket(inside, here),
            None => {
                let (name, after) = name(rest.strip_prefix('.').unwrap_or(rest), here);
                (Some(Step::Attr(name.into())), after)
            }
        };
        // A text that is no path is followed as far as it is one.
        if after.len() >= rest.len() || step == Some(Step::Attr("".into())) {
            break;
        }
        rest = after;
        let Some(step) = step else { continue };
        here = here.and_then(|value| value.at(&Path::root().step(step.clone())));
        path = path.step(step);
    }
    path
}

/// The longest name of the object that the text begins with, else up to the next separator.
fn name<'a>(text: &'a str, here: Option<&Value>) -> (&'a str, &'a str) {
    let ends = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
    let known = here.and_then(Value::as_map).into_iter().flat_map(Map::keys);
    let fits = known.filter(|name| text.strip_prefix(&***name).is_some_and(ends));
    let length = fits.map(|name| name.len()).max();
    text.split_at(length.unwrap_or_else(|| text.find(['.', '[']).unwrap_or(text.len())))
}

/// What stands in brackets: a position, a key of a map, or the keys of an item.
fn bracket<'a>(text: &'a str, here: Option<&Value>) -> (Option<Step>, &'a str) {
    let end = closing(text);
    let (inside, after) = (&text[..end], text.get(end + 1..).unwrap_or(""));
    if let Ok(index) = inside.parse::<usize>() {
        return (Some(Step::Index(index)), after);
    }
    if !inside.contains('=') || here.is_some_and(|value| value.as_map().is_some()) {
        return (Some(Step::Attr(inside.trim_matches('"').into())), after);
    }
    let wanted: Vec<(&str, Option<Value>)> = split(inside)
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name, json::parse(value)))
        .collect();
    let items = here.and_then(Value::as_list).unwrap_or(&[]);
    // An item of a set is named by its value alone: `["a"]` is printed as `[="a"]`.
    let is_it = |item: &Value| {
        wanted.iter().all(|(name, value)| match (name.is_empty(), value) {
            (true, Some(value)) => item == value,
            (false, Some(value)) => item.get(name).is_none_or(|found| found == value),
            (_, None) => false,
        })
    };
    (items.iter().position(is_it).map(Step::Index), after)
}

/// Where the bracket ends, jumping over quoted texts.
fn closing(text: &str) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

/// `port=80,protocol="TCP"` at its commas, but not at those in quotes.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c: char| {
        if c == '"' {
            quoted = !quoted;
        }
        c == ',' && !quoted
    })
}

/// What the arguments of a type are called in its object: `("limit[].default_request",
/// "spec.limits[].defaultRequest")`. The longest name that fits counts, and what is below it
/// has the same name on both sides.
#[derive(Debug, Clone, Copy)]
pub struct Names(pub &'static [(&'static str, &'static str)]);

impl Names {
    /// The argument behind a field of the object; the root when no argument is.
    pub fn argument(self, field: &Path) -> Path {
        let pairs = self.0.iter().map(|(argument, field)| (*field, *argument));
        translate(field, pairs).unwrap_or_default()
    }

    /// The fields of the object behind an argument: one, or several for an argument that
    /// only groups others.
    pub fn fields(self, argument: &Path) -> Vec<Path> {
        if let Some(field) = translate(argument, self.0.iter().copied()) {
            return vec![field];
        }
        let plain = |name: &str| words(name).fold(Path::root(), |path, word| path.attr(bare(word)));
        let inside = self.0.iter().filter(|(name, _)| argument.is_prefix_of(&plain(name)));
        inside.map(|(_, field)| plain(field)).collect()
    }
}

fn translate<'a>(path: &Path, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Path> {
    let fits = pairs.filter_map(|(from, to)| {
        let (used, indexes) = fit(path.steps(), from)?;
        Some((used, indexes, to))
    });
    // Of two that fit equally far the first counts, hence not `max_by_key`.
    let mut best: Option<(usize, Vec<Step>, &str)> = None;
    for candidate in fits {
        if best.as_ref().is_none_or(|b| candidate.0 > b.0) {
            best = Some(candidate);
        }
    }
    let (used, indexes, to) = best?;
    let mut out = Path::root();
    let mut indexes = indexes.into_iter();
    for word in words(to) {
        let name = bare(word);
        if !name.is_empty() {
            out = out.attr(name);
        }
        if word.ends_with("[]")
            && let Some(index) = indexes.next()
        {
            out = out.step(index);
        }
    }
    Some(path.steps()[used..].iter().cloned().fold(out, Path::step))
}

/// The names of a pattern; one with dots in it stands in quotes.
fn words(pattern: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let dot = move |c: char| {
        if c == '"' {
            quoted = !quoted;
        }
        c == '.' && !quoted
    };
    pattern.split(dot).filter(|word| !word.is_empty())
}

fn bare(word: &str) -> &str {
    word.trim_end_matches("[]").trim_matches('"')
}

/// How many steps of the path a name covers, and the positions in it.
fn fit(steps: &[Step], name: &str) -> Option<(usize, Vec<Step>)> {
    let (mut used, mut indexes) = (0, Vec::new());
    for word in words(name) {
        match steps.get(used) {
            Some(Step::Attr(found)) if **found == *bare(word) => used += 1,
            _ => return None,
        }
        if word.ends_with("[]") {
            match steps.get(used) {
                Some(step @ (Step::Index(_) | Step::Item(_))) => indexes.push(step.clone()),
                _ => return None,
            }
            used += 1;
        }
    }
    Some((used, indexes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> Value {
        let port = |port: i64, protocol: &str| {
            Value::map([("port", port.into()), ("protocol", protocol.into())])
        };
        let labels = Value::map([("example.com/tier", "a".into()), ("example", "b".into())]);
        Value::map([
            (
                "metadata",
                Value::map([("labels", labels), ("finalizers", Value::list(["a/b".into()]))]),
            ),
            ("spec", Value::map([("ports", Value::list([port(53, "TCP"), port(53, "UDP")]))])),
        ])
    }

    #[test]
    fn what_the_server_calls_a_field_is_found_in_the_object() {
        for (text, path) in [
            ("spec.hard[cpu]", "spec.hard.cpu"),
            ("spec.limits[0].max[memory]", "spec.limits[0].max.memory"),
            (".metadata.labels.example.com/tier", "metadata.labels[\"example.com/tier\"]"),
            (".metadata.labels.example", "metadata.labels.example"),
            (".spec.ports[port=53,protocol=\"UDP\"].name", "spec.ports[1].name"),
            (".metadata.finalizers[=\"a/b\"]", "metadata.finalizers[0]"),
            (".spec.containers[name=\"a]b\"].image", "spec.containers.image"),
            ("", ""),
            ("[", ""),
            ("...", ""),
            ("spec..x", "spec"),
        ] {
            assert_eq!(resolve(text, &object()).to_string(), path, "{text}");
        }
    }

    #[test]
    fn an_argument_and_its_field_lead_to_each_other() {
        let names = Names(&[
            ("labels", "metadata.labels"),
            ("limit[]", "spec.limits[]"),
            ("limit[].default_request", "spec.limits[].defaultRequest"),
            ("tier", "metadata.labels.\"example.com/tier\""),
        ]);
        for (argument, field) in [
            (Path::of("labels.a"), Path::of("metadata.labels.a")),
            (Path::of("tier"), Path::of("metadata.labels").attr("example.com/tier")),
            (
                Path::of("limit").index(2).attr("default_request").attr("cpu"),
                Path::of("spec.limits").index(2).attr("defaultRequest").attr("cpu"),
            ),
            (Path::of("limit").index(0).attr("max"), Path::of("spec.limits").index(0).attr("max")),
        ] {
            assert_eq!(names.argument(&field), argument);
            assert_eq!(names.fields(&argument), [field]);
        }
        assert_eq!(names.argument(&Path::of("spec.other")), Path::root());
        let levels = Names(&[("level.a", "metadata.a"), ("level.b", "metadata.b"), ("c", "d")]);
        assert_eq!(
            levels.fields(&Path::of("level")),
            [Path::of("metadata.a"), Path::of("metadata.b")]
        );
        assert_eq!(levels.fields(&Path::of("other")), []);
    }
}
