//! Functions over texts.

use super::Kind::{Nullable, Number, String, Strings};
use super::{FunctionInfo, Outcome, deep, fail, int_at, own, p, str_at};
use config::clusters;
use regex::Regex;
use std::string::String as Text;
use values::Value;

pub(super) fn table() -> Vec<FunctionInfo> {
    vec![
        deep(
            "chomp",
            [p("text", String)],
            "string",
            "The text without line ends at its end.",
            |a| Ok(str_at(a, 0).trim_end_matches(['\n', '\r']).into()),
        ),
        deep(
            "endswith",
            [p("text", String), p("suffix", String)],
            "bool",
            "Whether the text ends so.",
            |a| Ok(str_at(a, 0).ends_with(str_at(a, 1)).into()),
        ),
        own(
            "format",
            [p("format", String), p("values", Nullable)],
            "string",
            "The format with its verbs replaced by the values.",
            super::format::format,
        )
        .variadic(),
        own(
            "formatlist",
            [p("format", String), p("lists", Nullable)],
            "list(string)",
            "As `format`, once for each item of the lists.",
            super::format::formatlist,
        )
        .variadic(),
        deep(
            "indent",
            [p("spaces", Number), p("text", String)],
            "string",
            "The text with every line but the first moved to the right.",
            |a| {
                let spaces = int_at(a, 0)?;
                match usize::try_from(spaces) {
                    Ok(n) if n <= 1000 => {
                        Ok(str_at(a, 1).replace('\n', &format!("\n{}", " ".repeat(n))).into())
                    }
                    _ => fail(0, "a number of spaces from 0 to 1000 is needed"),
                }
            },
        ),
        deep(
            "join",
            [p("separator", String), p("lists", Strings)],
            "string",
            "All items in one text, with the separator between.",
            |a| {
                let mut parts = Vec::new();
                for (i, list) in a.iter().enumerate().skip(1) {
                    for (n, item) in list.as_list().unwrap_or_default().iter().enumerate() {
                        match item.as_str() {
                            Some(s) => parts.push(s),
                            None => return fail(i, format!("item {n} is null")),
                        }
                    }
                }
                Ok(parts.join(str_at(a, 0)).into())
            },
        )
        .variadic(),
        deep("lower", [p("text", String)], "string", "The text in small letters.", |a| {
            Ok(str_at(a, 0).to_lowercase().into())
        }),
        deep(
            "regex",
            [p("pattern", String), p("text", String)],
            "any",
            "What the pattern finds first: the text, or its groups.",
            |a| {
                let pattern = compile(a, 0)?;
                match pattern.captures(str_at(a, 1)) {
                    Some(found) => Ok(groups(&pattern, &found)),
                    None => fail(1, "the pattern finds nothing"),
                }
            },
        ),
        deep(
            "regexall",
            [p("pattern", String), p("text", String)],
            "list(any)",
            "Everything that the pattern finds.",
            |a| {
                let pattern = compile(a, 0)?;
                Ok(Value::list(pattern.captures_iter(str_at(a, 1)).map(|c| groups(&pattern, &c))))
            },
        ),
        deep(
            "replace",
            [p("text", String), p("what", String), p("with", String)],
            "string",
            "The text with every `what` replaced; `/.../` is a pattern.",
            replace,
        ),
        deep(
            "split",
            [p("separator", String), p("text", String)],
            "list(string)",
            "The parts between the separators.",
            |a| {
                let (separator, text) = (str_at(a, 0), str_at(a, 1));
                if separator.is_empty() {
                    return Ok(Value::list(text.chars().map(|c| Value::from(c.to_string()))));
                }
                Ok(Value::list(text.split(separator).map(Value::from)))
            },
        ),
        deep(
            "startswith",
            [p("text", String), p("prefix", String)],
            "bool",
            "Whether the text begins so.",
            |a| Ok(str_at(a, 0).starts_with(str_at(a, 1)).into()),
        ),
        deep(
            "strcontains",
            [p("text", String), p("part", String)],
            "bool",
            "Whether the text holds the part.",
            |a| Ok(str_at(a, 0).contains(str_at(a, 1)).into()),
        ),
        deep("strrev", [p("text", String)], "string", "The text from its end.", |a| {
            Ok(clusters(str_at(a, 0)).into_iter().rev().collect::<Text>().into())
        }),
        deep(
            "substr",
            [p("text", String), p("offset", Number), p("length", Number)],
            "string",
            "`length` characters from `offset`; -1 is the rest, a negative offset counts from the end.",
            substr,
        ),
        deep(
            "title",
            [p("text", String)],
            "string",
            "The text with each word's first letter in capitals.",
            |a| {
                let mut out = Text::new();
                let mut inside = false;
                for c in str_at(a, 0).chars() {
                    if inside {
                        out.push(c);
                    } else {
                        out.extend(c.to_uppercase());
                    }
                    inside = c.is_alphanumeric() || c == '_' || (inside && c == '\'');
                }
                Ok(out.into())
            },
        ),
        deep(
            "trim",
            [p("text", String), p("characters", String)],
            "string",
            "The text without these characters at its ends.",
            |a| {
                let set: Vec<char> = str_at(a, 1).chars().collect();
                Ok(str_at(a, 0).trim_matches(set.as_slice()).into())
            },
        ),
        deep(
            "trimprefix",
            [p("text", String), p("prefix", String)],
            "string",
            "The text without the prefix.",
            |a| {
                let text = str_at(a, 0);
                Ok(text.strip_prefix(str_at(a, 1)).unwrap_or(text).into())
            },
        ),
        deep(
            "trimspace",
            [p("text", String)],
            "string",
            "The text without space at its ends.",
            |a| Ok(str_at(a, 0).trim().into()),
        ),
        deep(
            "trimsuffix",
            [p("text", String), p("suffix", String)],
            "string",
            "The text without the suffix.",
            |a| {
                let text = str_at(a, 0);
                Ok(text.strip_suffix(str_at(a, 1)).unwrap_or(text).into())
            },
        ),
        deep("upper", [p("text", String)], "string", "The text in capitals.", |a| {
            Ok(str_at(a, 0).to_uppercase().into())
        }),
    ]
}

fn compile(a: &[Value], i: usize) -> Result<Regex, super::Failed> {
    // Large counted repetitions would make a small pattern a large program.
    regex::RegexBuilder::new(str_at(a, i)).size_limit(1 << 20).build().or_else(|e| {
        let text = e.to_string();
        let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        fail(i, format!("the pattern cannot be used: {last}"))
    })
}

/// The whole match when the pattern has no groups, else the groups by name or by position.
fn groups(pattern: &Regex, found: &regex::Captures<'_>) -> Value {
    let text = |m: Option<regex::Match<'_>>| m.map_or(Value::Null, |m| Value::from(m.as_str()));
    if pattern.captures_len() == 1 {
        return text(found.get(0));
    }
    if pattern.capture_names().any(|n| n.is_some()) {
        let names = pattern.capture_names().flatten();
        return Value::map(names.map(|n| (n, text(found.name(n)))));
    }
    Value::list((1..found.len()).map(|i| text(found.get(i))))
}

fn replace(a: &[Value]) -> Outcome {
    let (text, what, with) = (str_at(a, 0), str_at(a, 1), str_at(a, 2));
    let Some(pattern) = what.strip_prefix('/').and_then(|w| w.strip_suffix('/')) else {
        return Ok(text.replace(what, with).into());
    };
    let pattern =
        compile(&[Value::from(pattern)], 0).map_err(|f| super::Failed { arg: Some(1), ..f })?;
    Ok(pattern.replace_all(text, with).into_owned().into())
}

fn substr(a: &[Value]) -> Outcome {
    let (text, offset, length) = (str_at(a, 0), int_at(a, 1)?, int_at(a, 2)?);
    let parts = clusters(text);
    let len = i64::try_from(parts.len()).unwrap_or(i64::MAX);
    let start = if offset < 0 { (len + offset).max(0) } else { offset.min(len) };
    let end = match length {
        n if n < 0 => len,
        n => start.saturating_add(n).min(len),
    };
    let skip = usize::try_from(start).unwrap_or(0);
    let take = usize::try_from(end - start).unwrap_or(0);
    Ok(parts.into_iter().skip(skip).take(take).collect::<Text>().into())
}
