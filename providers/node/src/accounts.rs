//! Users and groups of a host: names for numbers.
//!
//! Both files have a line for each account, fields between colons: the name first, the number
//! third. Source: `passwd(5)`, `group(5)`.

use std::collections::BTreeMap;
use values::Value;

/// Where users are.
pub(crate) const USERS: &str = "/etc/passwd";
/// Where groups are.
pub(crate) const GROUPS: &str = "/etc/group";

/// Numbers by name; the first line of a name counts.
pub(crate) fn parse(content: &[u8]) -> BTreeMap<String, u32> {
    let mut accounts = BTreeMap::new();
    for line in String::from_utf8_lossy(content).lines() {
        let mut fields = line.split(':');
        let (name, number) = (fields.next(), fields.nth(1));
        if let (Some(name), Some(Ok(number))) = (name, number.map(str::parse)) {
            accounts.entry(name.to_owned()).or_insert(number);
        }
    }
    accounts
}

/// The number of an account: the name may be a number itself.
pub(crate) fn number(name: &str, accounts: &BTreeMap<String, u32>) -> Option<u32> {
    accounts.get(name).copied().or_else(|| name.parse().ok())
}

/// The name for a number, or the number.
pub(crate) fn name(number: u32, accounts: &BTreeMap<String, u32>) -> String {
    let named = accounts.iter().find(|(_, of)| **of == number);
    named.map_or_else(|| number.to_string(), |(name, _)| name.clone())
}

/// As an observation holds them.
pub(crate) fn to_value(accounts: &BTreeMap<String, u32>) -> Value {
    Value::map(accounts.iter().map(|(name, of)| (name.as_str(), i64::from(*of).into())))
}

/// From an observation.
pub(crate) fn of_value(value: Option<&Value>) -> BTreeMap<String, u32> {
    let entries = value.and_then(Value::as_map).into_iter().flat_map(values::Map::iter);
    let account = |(name, of): (&std::sync::Arc<str>, &Value)| {
        Some((name.to_string(), of.as_number()?.to_string().parse().ok()?))
    };
    entries.filter_map(account).collect()
}

/// Whether it can be the name of an account. Source: `useradd(8)`, which allows less.
pub(crate) fn is_name(name: &str) -> bool {
    let bad = |c: char| c.is_control() || c.is_whitespace() || matches!(c, ':' | '/' | ',');
    !name.is_empty() && name.len() <= 256 && !name.contains(bad) && !name.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_have_names_and_numbers_and_lines_that_are_none_are_left_out() {
        let users =
            parse(b"root:x:0:0:root:/root:/bin/sh\n+nis\n\xff:x\nroot:x:7:\nweb:x:33:33::/:\n");
        assert_eq!((number("root", &users), number("web", &users)), (Some(0), Some(33)));
        assert_eq!((number("33", &users), number("ghost", &users)), (Some(33), None));
        assert_eq!((name(33, &users), name(99, &users)), ("web".to_owned(), "99".to_owned()));
        assert_eq!(of_value(Some(&to_value(&users))), users);
    }
}
