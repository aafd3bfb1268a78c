//! Reading JSON with exact numbers and a bound on depth.

use std::collections::BTreeMap;
use std::sync::Arc;
use values::Value;

/// Deepest nesting that is read.
const DEEPEST: usize = 128;

/// The value of a JSON text, or why it is none.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.space();
    if reader.at < text.len() {
        return Err(reader.wrong("something follows the value"));
    }
    Ok(value)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn wrong(&self, what: &str) -> String {
        format!("{what} at byte {}", self.at)
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        let trimmed = self.rest().trim_start_matches([' ', '\t', '\n', '\r']);
        self.at = self.text.len() - trimmed.len();
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > DEEPEST {
            return Err(self.wrong("too many levels"));
        }
        self.space();
        match self.rest().chars().next() {
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            Some('"') => Ok(Value::string(self.string()?)),
            Some('-' | '0'..='9') => self.number(),
            _ if self.take("null") => Ok(Value::Null),
            _ if self.take("true") => Ok(Value::Bool(true)),
            _ if self.take("false") => Ok(Value::Bool(false)),
            Some(_) => Err(self.wrong("an unexpected character")),
            None => Err("it ends too early".to_owned()),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, String> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.take("]") {
            return Ok(Value::list(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            if self.take("]") {
                return Ok(Value::list(items));
            }
            if !self.take(",") {
                return Err(self.wrong("a `,` or `]` is missing"));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, String> {
        self.at += 1;
        let mut map: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        self.space();
        if self.take("}") {
            return Ok(Value::map(map));
        }
        loop {
            self.space();
            if !self.rest().starts_with('"') {
                return Err(self.wrong("a key in quotes is missing"));
            }
            let key = self.string()?;
            self.space();
            if !self.take(":") {
                return Err(self.wrong("a `:` is missing"));
            }
            let value = self.value(depth + 1)?;
            map.insert(key.into(), value);
            self.space();
            if self.take("}") {
                return Ok(Value::map(map));
            }
            if !self.take(",") {
                return Err(self.wrong("a `,` or `}` is missing"));
            }
        }
    }

    fn number(&mut self) -> Result<Value, String> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
            .unwrap_or(rest.len());
        let text = &rest[..end];
        let digits = text.trim_start_matches('-');
        let leading_zero =
            digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
        let dot_without_digit = digits
            .split_once('.')
            .is_some_and(|(_, f)| !f.starts_with(|c: char| c.is_ascii_digit()));
        match text.parse() {
            Ok(n) if !leading_zero && !dot_without_digit => {
                self.at += end;
                Ok(Value::Number(n))
            }
            _ => Err(self.wrong("an invalid number")),
        }
    }

    fn string(&mut self) -> Result<String, String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let plain = self.rest().find(['"', '\\']).ok_or("a text does not end")?;
            let part = &self.text[self.at..self.at + plain];
            if part.chars().any(|c| c < ' ') {
                return Err(self.wrong("a control character in a text"));
            }
            out.push_str(part);
            self.at += plain;
            if self.take("\"") {
                return Ok(out);
            }
            self.at += 1;
            let escape = self.rest().chars().next().ok_or("a text does not end")?;
            self.at += escape.len_utf8();
            match escape {
                '"' | '\\' | '/' => out.push(escape),
                'b' => out.push('\u{8}'),
                'f' => out.push('\u{c}'),
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                'u' => out.push(self.unicode()?),
                _ => return Err(self.wrong("an unknown escape")),
            }
        }
    }

    /// What follows `\u`; half a pair of surrogates is the replacement character.
    fn unicode(&mut self) -> Result<char, String> {
        let first = self.hex()?;
        if !(0xd800..0xdc00).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or('\u{fffd}'));
        }
        let back = self.at;
        if self.take("\\u") {
            let second = self.hex()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
            }
            self.at = back;
        }
        Ok('\u{fffd}')
    }

    fn hex(&mut self) -> Result<u32, String> {
        let digits = self.rest().get(..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|d| u32::from_str_radix(d, 16).ok()) {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => Err(self.wrong("`\\u` needs four hexadecimal digits")),
        }
    }
}
