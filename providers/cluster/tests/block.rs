//! A reader for the literal part of the language: what a block of an example may hold when it
//! refers to nothing. Providers know no HCL, so their tests bring just enough of it.

use values::Value;

/// The arguments inside a block.
#[track_caller]
pub(crate) fn body(text: &str) -> Value {
    let mut reader = Reader { rest: text };
    let body = reader.body();
    reader.blank();
    assert!(reader.rest.is_empty(), "not read: {}", reader.rest);
    body
}

/// The blocks of a text: their words (`resource "config_map" "x"`) and what is inside.
pub(crate) fn blocks(text: &str) -> Vec<(Vec<String>, String)> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let words = rest[..open].split_whitespace().map(|w| w.trim_matches('"').to_owned());
        // `}` at the beginning of a line ends a block, or right after the `{`.
        let empty = rest[open + 1..].starts_with('}');
        let end = if empty { open + 1 } else { rest.find("\n}").unwrap() };
        out.push((words.collect(), rest[open + 1..end].to_owned()));
        rest = &rest[end + if empty { 1 } else { 2 }..];
    }
    out
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn blank(&mut self) {
        self.rest = self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    }

    fn take(&mut self, c: char) -> bool {
        self.blank();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn word(&mut self) -> Option<String> {
        self.blank();
        if self.rest.starts_with('"') {
            return Some(self.quoted());
        }
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && !"_-.".contains(c));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        (!word.is_empty()).then(|| word.to_owned())
    }

    fn quoted(&mut self) -> String {
        let mut out = String::new();
        let mut chars = self.rest[1..].char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[i + 2..];
                    return out;
                }
                '\\' => match chars.next().unwrap().1 {
                    'n' => out.push('\n'),
                    other => out.push(other),
                },
                other => out.push(other),
            }
        }
        panic!("a text does not end: {}", self.rest);
    }

    /// `name = value` and `name { ... }` up to the closing brace or the end.
    fn body(&mut self) -> Value {
        let mut attrs: Vec<(String, Value)> = Vec::new();
        while let Some(name) = self.word() {
            if self.take('=') {
                let value = self.value();
                attrs.push((name, value));
            } else if self.take('{') {
                let inside = self.body();
                assert!(self.take('}'), "no end of {name}: {}", self.rest);
                match attrs.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, list)) => {
                        let items = list.as_list().unwrap().iter().cloned();
                        *list = Value::list(items.chain([inside]));
                    }
                    None => attrs.push((name, Value::list([inside]))),
                }
            } else {
                panic!("neither value nor block: {name} {}", self.rest);
            }
        }
        Value::map(attrs)
    }

    fn value(&mut self) -> Value {
        self.blank();
        if self.take('{') {
            let mut entries = Vec::new();
            while !self.take('}') {
                let name = self.word().unwrap();
                assert!(self.take('=') || self.take(':'), "no value of {name}");
                entries.push((name, self.value()));
            }
            return Value::map(entries);
        }
        if self.take('[') {
            let mut items = Vec::new();
            while !self.take(']') {
                items.push(self.value());
            }
            return Value::list(items);
        }
        let quoted = self.rest.starts_with('"');
        let word = self.word().unwrap_or_else(|| panic!("no value: {}", self.rest));
        match word.as_str() {
            _ if quoted => Value::string(word),
            "true" => true.into(),
            "false" => false.into(),
            "null" => Value::Null,
            "unknown" => Value::Unknown(values::Type::Any),
            // Stands for a value that the configuration hides.
            secret if secret.starts_with("secret-") => Value::string(word).into_sensitive(),
            number => Value::Number(number.parse().unwrap()),
        }
    }
}
