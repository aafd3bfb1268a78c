//! Field selectors: `metadata.name=web,status.phase!=Running`.

use super::SelectorError;

/// All requirements have to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldSelector {
    /// In the order in which they were written.
    pub requirements: Vec<FieldRequirement>,
}

/// One field and what it must, or must not, be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRequirement {
    /// The field's path, such as `spec.nodeName`.
    pub field: String,
    /// What it is compared with.
    pub value: String,
    /// Whether equality is wanted; otherwise inequality.
    pub equal: bool,
}

impl FieldSelector {
    /// Reads the text of a `fieldSelector` parameter.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut requirements = Vec::new();
        for term in terms(text) {
            if term.is_empty() {
                continue;
            }
            let (field, equal, value) = operator(term).ok_or_else(|| {
                SelectorError(format!("invalid selector: '{text}'; can't understand '{term}'"))
            })?;
            let value = unescape(value).ok_or_else(|| {
                SelectorError(format!(
                    "invalid field selector: invalid escape sequence in '{value}'"
                ))
            })?;
            requirements.push(FieldRequirement { field: field.to_owned(), value, equal });
        }
        Ok(Self { requirements })
    }

    /// Whether an object matches whose fields `value_of` tells.
    pub fn matches<'a>(&self, value_of: impl Fn(&str) -> &'a str) -> bool {
        self.requirements
            .iter()
            .all(|wanted| (value_of(&wanted.field) == wanted.value) == wanted.equal)
    }
}

/// Cut at commas that are not escaped.
fn terms(text: &str) -> Vec<&str> {
    let (mut terms, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b',' => {
                terms.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms
}

fn operator(term: &str) -> Option<(&str, bool, &str)> {
    for at in 0..term.len() {
        let Some(rest) = term.get(at..) else { continue };
        for (sign, equal) in [("!=", false), ("==", true), ("=", true)] {
            if let Some(value) = rest.strip_prefix(sign) {
                return Some((&term[..at], equal, value));
            }
        }
    }
    None
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(next) = chars.next() {
        match next {
            '\\' => out.push(chars.next().filter(|c| "\\,=".contains(*c))?),
            // These two have to be escaped inside a value.
            ',' | '=' => return None,
            other => out.push(other),
        }
    }
    Some(out)
}
