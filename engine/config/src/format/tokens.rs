//! A text as tokens. Nothing is lost but blanks between two tokens of a line.

/// What a token is, as far as layout asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword.
    Word,
    Number,
    /// `"`, at the begin.
    OpenQuote,
    /// `"`, at the end.
    CloseQuote,
    /// What stands in quotes as it is.
    Text,
    /// `${`, `%{`, with or without `~`.
    OpenSequence,
    /// `}` or `~}` of a sequence.
    CloseSequence,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    OpenParen,
    CloseParen,
    Dot,
    Comma,
    Colon,
    DoubleColon,
    Question,
    Assign,
    Ellipsis,
    /// `!`, and `-` before its only operand.
    Unary,
    /// An operator between two operands, `=>` too.
    Operator,
    /// Up to the end of the line, which is not a part of it, or between `/*` and `*/`.
    Comment,
    /// From `<<` to the marker at its end.
    Heredoc,
    Newline,
    /// Anything else.
    Other,
}

impl Kind {
    pub(super) fn opens(self) -> bool {
        matches!(self, Self::OpenBrace | Self::OpenBracket | Self::OpenParen | Self::OpenSequence)
    }

    pub(super) fn closes(self) -> bool {
        matches!(
            self,
            Self::CloseBrace | Self::CloseBracket | Self::CloseParen | Self::CloseSequence
        )
    }

    /// Whether an operand ends with it.
    fn is_operand_end(self) -> bool {
        matches!(
            self,
            Self::Word
                | Self::Number
                | Self::CloseQuote
                | Self::CloseBrace
                | Self::CloseBracket
                | Self::CloseParen
                | Self::Heredoc
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) text: &'t str,
}

impl Token<'_> {
    /// Whether an expression follows it.
    pub(super) fn is_keyword(self) -> bool {
        self.kind == Kind::Word && matches!(self.text, "in" | "if" | "for")
    }

    /// Whether an operand ends with it.
    fn is_operand_end(self) -> bool {
        self.kind.is_operand_end() && !self.is_keyword()
    }
}

/// What the reader is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Braces of a block or an object.
    Brace,
    /// `${ }` or `%{ }`.
    Sequence,
    /// Quotes.
    Quote,
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    within: Vec<Within>,
    tokens: Vec<Token<'t>>,
}

pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0, within: Vec::new(), tokens: Vec::new() };
    while lexer.at < text.len() {
        if lexer.within.last() == Some(&Within::Quote) {
            lexer.quoted();
        } else {
            lexer.plain();
        }
    }
    lexer.tokens
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let text = &self.text[self.at..self.at + length];
        self.tokens.push(Token { kind, text });
        self.at += length;
    }

    /// Inside of quotes: text, a sequence, or the end.
    fn quoted(&mut self) {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let mut end = 0;
        while end < bytes.len() {
            match bytes[end] {
                b'"' | b'\n' => break,
                b'\\' if end + 1 < bytes.len() => end += 2,
                // Twice the sign is the sign itself.
                b'$' | b'%' if bytes.get(end + 1) == Some(&bytes[end]) => {
                    end += if bytes.get(end + 2) == Some(&b'{') { 3 } else { 1 };
                }
                b'$' | b'%' if bytes.get(end + 1) == Some(&b'{') => break,
                _ => end += 1,
            }
        }
        while !rest.is_char_boundary(end) {
            end += 1;
        }
        if end > 0 {
            self.push(Kind::Text, end);
            return;
        }
        match bytes.first() {
            Some(b'"') => {
                self.within.pop();
                self.push(Kind::CloseQuote, 1);
            }
            // Quotes end with their line, whatever was meant.
            Some(b'\n') => {
                self.within.pop();
            }
            _ => {
                self.within.push(Within::Sequence);
                self.push(Kind::OpenSequence, if bytes.get(2) == Some(&b'~') { 3 } else { 2 });
            }
        }
    }

    fn plain(&mut self) {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return };
        let ends_line = |text: &str| text.find('\n').unwrap_or(text.len());
        match first {
            '\n' => self.push(Kind::Newline, 1),
            '\r' if rest.starts_with("\r\n") => self.push(Kind::Newline, 2),
            c if c.is_whitespace() => self.at += c.len_utf8(),
            '#' => self.push(Kind::Comment, rest[..ends_line(rest)].trim_end().len()),
            '/' if rest.starts_with("//") => {
                self.push(Kind::Comment, rest[..ends_line(rest)].trim_end().len());
            }
            '/' if rest.starts_with("/*") => {
                let end = rest.find("*/").map_or(rest.len(), |end| end + 2);
                self.push(Kind::Comment, end);
            }
            '"' => {
                self.within.push(Within::Quote);
                self.push(Kind::OpenQuote, 1);
            }
            '<' if rest.starts_with("<<") => match heredoc(rest) {
                Some(length) => self.push(Kind::Heredoc, length),
                None => self.push(Kind::Operator, 1),
            },
            c if c.is_ascii_digit() => self.number(rest),
            c if c.is_alphanumeric() || c == '_' => {
                let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-' || mark(c);
                let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                self.push(Kind::Word, end);
            }
            _ => self.sign(rest, first),
        }
    }

    fn number(&mut self, rest: &'t str) {
        let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let mut end = digits(rest);
        if let Some(part) = rest[end..].strip_prefix('.').filter(|p| digits(p) > 0) {
            end += 1 + digits(part);
        }
        if let Some(power) = rest[end..].strip_prefix(['e', 'E']) {
            let signs = power.len() - power.trim_start_matches(['+', '-']).len();
            let count = digits(&power[signs..]);
            if signs < 2 && count > 0 {
                end += 1 + signs + count;
            }
        }
        self.push(Kind::Number, end);
    }

    fn sign(&mut self, rest: &'t str, first: char) {
        const LONG: [(&str, Kind); 9] = [
            ("...", Kind::Ellipsis),
            ("::", Kind::DoubleColon),
            ("=>", Kind::Operator),
            ("==", Kind::Operator),
            ("!=", Kind::Operator),
            ("<=", Kind::Operator),
            (">=", Kind::Operator),
            ("&&", Kind::Operator),
            ("||", Kind::Operator),
        ];
        if let Some((sign, kind)) = LONG.iter().find(|(sign, _)| rest.starts_with(sign)) {
            return self.push(*kind, sign.len());
        }
        let in_sequence = self.within.last() == Some(&Within::Sequence);
        if in_sequence && rest.starts_with("~}") {
            self.within.pop();
            return self.push(Kind::CloseSequence, 2);
        }
        let kind = match first {
            '{' => {
                self.within.push(Within::Brace);
                Kind::OpenBrace
            }
            '}' => {
                self.within.pop();
                if in_sequence { Kind::CloseSequence } else { Kind::CloseBrace }
            }
            '[' => Kind::OpenBracket,
            ']' => Kind::CloseBracket,
            '(' => Kind::OpenParen,
            ')' => Kind::CloseParen,
            '.' => Kind::Dot,
            ',' => Kind::Comma,
            ':' => Kind::Colon,
            '?' => Kind::Question,
            '=' => Kind::Assign,
            '!' => Kind::Unary,
            '-' if !self.tokens.last().is_some_and(|token| token.is_operand_end()) => Kind::Unary,
            '+' | '-' | '*' | '/' | '%' | '<' | '>' => Kind::Operator,
            _ => Kind::Other,
        };
        self.push(kind, first.len_utf8());
    }
}

/// Marks that go on with a name, such as accents that stand behind their letter.
fn mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// The length of a heredoc, without the line break behind its marker; `None` when this is none.
fn heredoc(rest: &str) -> Option<usize> {
    let (head, _) = rest.split_once('\n')?;
    let marker = head.strip_prefix("<<")?;
    let marker = marker.strip_prefix('-').unwrap_or(marker).trim_end_matches('\r');
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    if marker.is_empty() || !marker.chars().all(is_part) {
        return None;
    }
    let mut at = head.len() + 1;
    for line in rest[at..].split_inclusive('\n') {
        let plain = line.trim_end_matches(['\n', '\r']);
        if plain.trim_matches([' ', '\t']) == marker {
            return Some(at + plain.trim_end().len());
        }
        at += line.len();
    }
    Some(rest.len())
}
