//! Reading addresses back from text.

use crate::{Ident, InstanceAddr, InstanceKey, Mode, ModuleInstance};
use std::fmt;
use std::str::FromStr;

/// A text that is not an address, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAnAddress {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl fmt::Display for NotAnAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an address of a resource: {}", self.text, self.why)
    }
}

impl std::error::Error for NotAnAddress {}

impl FromStr for InstanceAddr {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let fail = |why| NotAnAddress { text: text.to_owned(), why };
        let mut steps = split(text).map_err(fail)?.into_iter().peekable();
        let mut module = ModuleInstance::root();
        let mut next = || -> Result<(Ident, InstanceKey), NotAnAddress> {
            steps.next().ok_or_else(|| fail("it ends too early; write `TYPE.NAME`"))
        };
        let mut step = next()?;
        while step.0 == "module" {
            no_key(&step, "`module` takes no key").map_err(fail)?;
            let (name, key) = next()?;
            module = module.child(name, key);
            step = next()?;
        }
        let mut mode = Mode::Managed;
        if step.0 == "data" {
            no_key(&step, "`data` takes no key").map_err(fail)?;
            mode = Mode::Data;
            step = next()?;
        }
        no_key(&step, "a type takes no key").map_err(fail)?;
        let ty = step.0;
        let (name, key) = next()?;
        if steps.next().is_some() {
            return Err(fail("it goes on after the name; an attribute is not an address"));
        }
        Ok(Self { module, mode, ty, name, key })
    }
}

fn no_key(step: &(Ident, InstanceKey), why: &'static str) -> Result<(), &'static str> {
    if step.1 == InstanceKey::None { Ok(()) } else { Err(why) }
}

/// Splits `a.b["x.y"].c[0]` into names with keys.
fn split(text: &str) -> Result<Vec<(Ident, InstanceKey)>, &'static str> {
    let mut steps = Vec::new();
    let mut rest = text;
    loop {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let name = rest[..end].parse().map_err(|_| "a name is missing or not an identifier")?;
        rest = &rest[end..];
        let mut key = InstanceKey::None;
        if rest.starts_with('[') {
            (key, rest) = bracket(&rest[1..])?;
        }
        steps.push((name, key));
        match rest.strip_prefix('.') {
            Some(after) => rest = after,
            None if rest.is_empty() => return Ok(steps),
            None => return Err("a `.` is missing after a key"),
        }
    }
}

/// Reads what stands after `[`, up to and with `]`.
fn bracket(text: &str) -> Result<(InstanceKey, &str), &'static str> {
    if let Some(body) = text.strip_prefix('"') {
        let (key, rest) = quoted(body)?;
        let rest = rest.strip_prefix(']').ok_or("a `]` is missing")?;
        return Ok((InstanceKey::Key(key.into()), rest));
    }
    let end = text.find(']').ok_or("a `]` is missing")?;
    let digits = &text[..end];
    // A second spelling of one number would be a second spelling of one address.
    if digits.starts_with('0') && digits.len() > 1 {
        return Err("an index has no leading zero");
    }
    let index = digits.parse().map_err(|_| "a key is a number or a quoted string")?;
    Ok((InstanceKey::Index(index), &text[end + 1..]))
}

fn quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return Ok((out, &text[i + 1..])),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some(c @ ('"' | '\\')) => out.push(c),
                Some('u') => {
                    let hex: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                    let code = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32);
                    out.push(code.ok_or("`\\u` needs four hexadecimal digits")?);
                }
                _ => return Err("an unknown escape in a key"),
            },
            c => out.push(c),
        }
    }
    Err("a quoted key does not end")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<InstanceAddr, NotAnAddress> {
        text.parse()
    }

    #[test]
    fn every_form_of_an_address_reads_back() {
        for text in [
            "resource_quota.team",
            "resource_quota.team[0]",
            "resource_quota.team[\"a.b[\\\"c\"]",
            "data.nodes.all",
            "module.web.config_map.x",
            "module.web[\"a\"].module.inner[3].data.nodes.all[\"k\"]",
        ] {
            assert_eq!(parse(text).map(|a| a.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_not_an_address_says_why() {
        for (text, why) in [
            ("", "a name is missing or not an identifier"),
            ("team", "it ends too early; write `TYPE.NAME`"),
            ("a.b.c", "it goes on after the name; an attribute is not an address"),
            ("a.b[01]", "an index has no leading zero"),
            ("a.b[\"x]", "a quoted key does not end"),
            ("a[0].b", "a type takes no key"),
            ("a.b[0]c", "a `.` is missing after a key"),
        ] {
            assert_eq!(parse(text).map_err(|e| e.why), Err(why), "{text}");
        }
    }

    proptest! {
        /// Whatever an address prints as, the parser reads back.
        #[test]
        fn address_survives_printing(key in "\\PC{0,8}|[\\x00-\\x1f\"\\\\.\\[\\]]{0,4}", index in 0u64..99) {
            for key in [InstanceKey::Key(key.as_str().into()), InstanceKey::Index(index)] {
                let mut addr = parse("module.m.a.b").map_err(|e| TestCaseError::fail(e.to_string()))?;
                addr.key = key;
                prop_assert_eq!(parse(&addr.to_string()), Ok(addr));
            }
        }
    }
}
