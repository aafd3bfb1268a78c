//! A reader for the literal part of the language: what the block of an example may hold.
//!
//! The whole language is `lang`'s, which nothing here may know. What an example refers to is told
//! as a table of names and values.

use values::Value;

/// A block of a text: its words (`resource "config_map" "x"`), and what is inside.
pub(super) struct Block<'a> {
    pub(super) words: Vec<&'a str>,
    pub(super) inside: &'a str,
}

/// The blocks of a text. `}` ends one at the beginning of a line, or right after the `{`.
pub(super) fn blocks(text: &str) -> Result<Vec<Block<'_>>, String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((words, more)) = rest.split_once('{') {
        let (inside, after) = match more.strip_prefix('}') {
            Some(after) => ("", after),
            None => {
                more.split_once("\n}").ok_or_else(|| format!("a block does not end: {more}"))?
            }
        };
        let words = words.split_whitespace().map(|word| word.trim_matches('"')).collect();
        out.push(Block { words, inside });
        rest = after;
    }
    Ok(out)
}

/// The arguments inside of a block, with what the names in it mean.
pub(super) fn body(text: &str, names: &[(&str, Value)]) -> Result<Value, String> {
    let mut reader = Reader { rest: text, names };
    let body = reader.body()?;
    reader.blank();
    if reader.rest.is_empty() { Ok(body) } else { Err(format!("not read: {}", reader.rest)) }
}

struct Reader<'a> {
    rest: &'a str,
    names: &'a [(&'a str, Value)],
}

impl<'a> Reader<'a> {
    fn blank(&mut self) {
        self.rest = self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    }

    fn take(&mut self, what: &str) -> bool {
        self.blank();
        let rest = self.rest.strip_prefix(what);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn must(&mut self, what: &str) -> Result<(), String> {
        if self.take(what) { Ok(()) } else { Err(format!("no `{what}` before: {}", self.rest)) }
    }

    /// A name, or a text in quotes.
    fn word(&mut self) -> Result<Option<String>, String> {
        self.blank();
        if self.rest.starts_with('"') {
            return self.quoted().map(Some);
        }
        let word = self.plain();
        Ok((!word.is_empty()).then(|| word.to_owned()))
    }

    fn plain(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && !"_-.".contains(c));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    fn quoted(&mut self) -> Result<String, String> {
        let mut out = String::new();
        let mut chars = self.rest[1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 2..];
                    return Ok(out);
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => out.push('\n'),
                    Some((_, other)) => out.push(other),
                    None => break,
                },
                other => out.push(other),
            }
        }
        Err(format!("a text does not end: {}", self.rest))
    }

    /// `<<-EOT`: lines up to `EOT`, without what they are all indented by.
    fn lines(&mut self) -> Result<Value, String> {
        let unended = || "a text in lines does not end".to_owned();
        let (word, rest) = self.rest.split_once('\n').ok_or_else(unended)?;
        let is_end = |line: &&str| line.trim() == word;
        let lines: Vec<&str> = rest.lines().take_while(|line| !is_end(line)).collect();
        let end = rest.lines().find(is_end).ok_or_else(unended)?;
        let inside = lines.iter().map(|line| line.len() + 1).sum::<usize>();
        self.rest = &rest[inside + end.len()..];
        let indent = |line: &&str| line.len() - line.trim_start().len();
        let least = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min();
        let cut = |line: &&str| line.get(least.unwrap_or(0)..).unwrap_or("").to_owned() + "\n";
        Ok(Value::string(lines.iter().map(cut).collect::<String>()))
    }

    /// `name = value` and `name { ... }` up to the closing brace or the end.
    fn body(&mut self) -> Result<Value, String> {
        let mut attrs: Vec<(String, Value)> = Vec::new();
        while let Some(name) = self.word()? {
            if self.take("=") {
                let value = self.value()?;
                attrs.push((name, value));
                continue;
            }
            self.must("{")?;
            let inside = self.body()?;
            self.must("}")?;
            match attrs.iter_mut().find(|(known, _)| *known == name) {
                Some((_, several)) => {
                    let before = several.as_list().unwrap_or_default().iter().cloned();
                    *several = Value::list(before.chain([inside]));
                }
                None => attrs.push((name, Value::list([inside]))),
            }
        }
        Ok(Value::map(attrs))
    }

    fn value(&mut self) -> Result<Value, String> {
        if self.take("{") {
            let mut entries = Vec::new();
            while !self.take("}") {
                let name = self.word()?.ok_or_else(|| format!("no name: {}", self.rest))?;
                if !self.take("=") {
                    self.must(":")?;
                }
                entries.push((name, self.value()?));
            }
            return Ok(Value::map(entries));
        }
        if self.take("[") {
            let mut items = Vec::new();
            while !self.take("]") {
                items.push(self.value()?);
            }
            return Ok(Value::list(items));
        }
        if self.take("<<-") {
            return self.lines();
        }
        if self.rest.starts_with('"') {
            return self.quoted().map(Value::string);
        }
        match self.plain() {
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            "null" => Ok(Value::Null),
            "unknown" => Ok(Value::Unknown(values::Type::Any)),
            // Stands for a value that the configuration hides.
            secret if secret.starts_with("secret-") => Ok(Value::from(secret).into_sensitive()),
            word => match self.names.iter().find(|(name, _)| *name == word) {
                Some((_, value)) => Ok(value.clone()),
                None => word.parse().map(Value::Number).map_err(|_| format!("no value: `{word}`")),
            },
        }
    }
}
