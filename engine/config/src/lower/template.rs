//! Texts with interpolations and directives: indentation, strip markers, parts.
//!
//! Indentation and markers work on the literal tokens in the order they stand in the text,
//! whatever directive they are in; a heredoc has one token for each line. So the tree is
//! walked twice in the same order: first to collect the tokens, then to build the parts from
//! the adjusted ones.

use super::literal::exact;
use super::{Lower, Piece};
use crate::tree::{ExprKind, Part, PartFor, PartIf};
use crate::words::Words;
use hcl_edit::expr::Expression;
use hcl_edit::template::{Directive, Element, Strip, Template};
use std::vec::IntoIter;

/// How the text stands in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Between quotes.
    Quoted,
    /// Between markers; with `flush`, the indentation common to all lines is removed.
    Heredoc { flush: bool },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Literal(String),
    /// `${ }` or `%{ }`.
    Sequence {
        strip_before: bool,
        strip_after: bool,
    },
}

/// Lowers a template to a plain text or to parts.
pub(super) fn lower(
    lower: &mut Lower<'_>,
    template: &Template,
    form: Form,
    piece: &Piece<'_>,
) -> ExprKind {
    let mut collector = Collector { form, tokens: Vec::new(), counts: Vec::new() };
    collector.template(template);
    let (mut tokens, counts) = (collector.tokens, collector.counts);
    strip(&mut tokens);
    if form == (Form::Heredoc { flush: true }) {
        flush(&mut tokens);
    }
    let literals: Vec<String> = literals(tokens).collect();
    let mut builder =
        Builder { lower, piece, literals: literals.into_iter(), counts: counts.into_iter() };
    let mut parts = builder.template(template);
    match parts.as_mut_slice() {
        [] => ExprKind::String("".into()),
        [Part::Text(text)] => ExprKind::String(text.clone()),
        _ => ExprKind::Template(exact(parts)),
    }
}

/// The text of a heredoc without interpolations and directives.
pub(super) fn plain(text: &str, indented: bool, words: &mut Words) -> ExprKind {
    if !indented {
        return ExprKind::String(words.text(text));
    }
    let mut tokens: Vec<Token> = lines(text).collect();
    flush(&mut tokens);
    ExprKind::String(words.text(&literals(tokens).collect::<String>()))
}

/// Every line of a heredoc is a token of its own.
fn lines(text: &str) -> impl Iterator<Item = Token> {
    text.split_inclusive('\n').map(|line| Token::Literal(line.to_owned()))
}

fn literals(tokens: Vec<Token>) -> impl Iterator<Item = String> {
    tokens.into_iter().filter_map(|token| match token {
        Token::Literal(text) => Some(text),
        Token::Sequence { .. } => None,
    })
}

/// Takes away the spaces that `~` asks for: of the token next to it, and no further.
fn strip(tokens: &mut [Token]) {
    for i in 0..tokens.len() {
        let Token::Sequence { strip_before, strip_after } = tokens[i] else { continue };
        if strip_before
            && let Some(Token::Literal(text)) = i.checked_sub(1).and_then(|j| tokens.get_mut(j))
        {
            text.truncate(text.trim_end().len());
        }
        if strip_after && let Some(Token::Literal(text)) = tokens.get_mut(i + 1) {
            text.drain(..text.len() - text.trim_start().len());
        }
    }
}

/// Removes the indentation that all lines have in common.
///
/// A line counts when it begins with a token that is not blank; a token that lost its newline
/// to `~` does not end a line, so what follows it keeps its spaces.
fn flush(tokens: &mut [Token]) {
    let mut least = usize::MAX;
    let mut lines = Vec::new();
    let mut newline = true;
    for (i, token) in tokens.iter().enumerate() {
        if newline {
            newline = false;
            let indent = match token {
                Token::Literal(text) => {
                    let rest = text.trim_start();
                    if rest.is_empty() && text.ends_with('\n') {
                        usize::MAX
                    } else {
                        lines.push(i);
                        text[..text.len() - rest.len()].chars().count()
                    }
                }
                Token::Sequence { .. } => 0,
            };
            least = least.min(indent);
        }
        newline |= matches!(token, Token::Literal(text) if text.ends_with('\n'));
    }
    for i in lines {
        if let Token::Literal(text) = &mut tokens[i] {
            let cut = text.char_indices().nth(least).map_or(text.len(), |(at, _)| at);
            text.drain(..cut);
        }
    }
}

/// First walk: the tokens in order, and how many each literal element became.
struct Collector {
    form: Form,
    tokens: Vec<Token>,
    counts: Vec<usize>,
}

impl Collector {
    fn template(&mut self, template: &Template) {
        for element in template {
            match element {
                Element::Literal(text) => self.literal(text),
                Element::Interpolation(inner) => self.sequence(inner.strip),
                Element::Directive(directive) => match &**directive {
                    Directive::If(node) => {
                        self.sequence(node.if_expr.strip);
                        self.template(&node.if_expr.template);
                        if let Some(otherwise) = &node.else_expr {
                            self.sequence(otherwise.strip);
                            self.template(&otherwise.template);
                        }
                        self.sequence(node.endif_expr.strip);
                    }
                    Directive::For(node) => {
                        self.sequence(node.for_expr.strip);
                        self.template(&node.for_expr.template);
                        self.sequence(node.endfor_expr.strip);
                    }
                },
            }
        }
    }

    fn sequence(&mut self, strip: Strip) {
        self.tokens.push(Token::Sequence {
            strip_before: strip.strip_start(),
            strip_after: strip.strip_end(),
        });
    }

    fn literal(&mut self, text: &str) {
        let before = self.tokens.len();
        match self.form {
            Form::Quoted => self.tokens.push(Token::Literal(text.to_owned())),
            Form::Heredoc { .. } => {
                self.tokens.extend(lines(text));
            }
        }
        self.counts.push(self.tokens.len() - before);
    }
}

/// Second walk: the parts.
struct Builder<'l, 'a, 'p> {
    lower: &'l mut Lower<'a>,
    piece: &'l Piece<'p>,
    literals: IntoIter<String>,
    counts: IntoIter<usize>,
}

impl Builder<'_, '_, '_> {
    fn template(&mut self, template: &Template) -> Vec<Part> {
        let mut parts = Vec::new();
        for element in template {
            match element {
                Element::Literal(_) => {
                    let count = self.counts.next().unwrap_or(0);
                    let text: String = self.literals.by_ref().take(count).collect();
                    if !text.is_empty() {
                        parts.push(Part::Text(self.lower.words.text(&text)));
                    }
                }
                Element::Interpolation(inner) => parts.push(Part::Value(self.expr(&inner.expr))),
                Element::Directive(directive) => parts.extend(self.directive(directive)),
            }
        }
        parts
    }

    fn expr(&mut self, node: &Expression) -> crate::tree::Expr {
        self.lower.expr(node, self.piece)
    }

    fn directive(&mut self, directive: &Directive) -> Option<Part> {
        match directive {
            Directive::If(node) => Some(Part::If(Box::new(PartIf {
                cond: self.expr(&node.if_expr.cond_expr),
                then: self.template(&node.if_expr.template).into(),
                otherwise: match &node.else_expr {
                    Some(otherwise) => self.template(&otherwise.template).into(),
                    None => Box::default(),
                },
            }))),
            Directive::For(node) => {
                let node = &node.for_expr;
                let key = node.key_var.as_ref().and_then(|name| self.name(name));
                let value = self.name(&node.value_var);
                let over = self.expr(&node.collection_expr);
                let body = self.template(&node.template).into();
                Some(Part::For(Box::new(PartFor { key, value: value?, over, body })))
            }
        }
    }

    fn name(&mut self, name: &hcl_edit::Decorated<hcl_edit::Ident>) -> Option<addrs::Ident> {
        let at = self.piece.range(&Lower::range_of(name));
        self.lower.ident(name.as_str(), &at)
    }
}
