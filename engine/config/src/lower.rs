//! From the parser's syntax to expressions of our own.
//!
//! The parser reads one expression at a time. What it reads wrongly, slowly or not exactly
//! (heredocs, very long lists and objects, unusual numbers) is blanked out in a copy before
//! it sees the text, length for length, so that all places stay right; those regions are then
//! read here, each by itself.

use crate::codes;
use crate::explain::explain;
use crate::scan::{self, Cut, Mode, Region, RegionKind, Scan};
use crate::syntax::{self, Sink};
use crate::template;
use crate::text::{brief, nfc};
use crate::tree::{BinaryOp, Expr, ExprKind, For, ObjectKey, UnaryOp};
use addrs::Ident;
use diags::{Diagnostic, SourceId, Span};
use hcl_edit::expr::{self as hcl, Expression, TraversalOperator};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// The deepest tree that is built: everything behind walks it recursively.
const MAX_TREE: usize = 256;

/// Reads expressions of one source.
pub(crate) struct Lower<'a> {
    pub(crate) source: SourceId,
    pub(crate) text: &'a str,
    pub(crate) diags: &'a mut Sink,
    depth: usize,
    cut: Cut,
}

/// One piece of text as the parser saw it.
pub(crate) struct Piece<'p> {
    /// What to add to a place of the parser to get one of the source. Wraps around.
    shift: usize,
    regions: &'p [Region],
}

impl Piece<'_> {
    /// The place in the source.
    pub(crate) fn range(&self, at: &Range<usize>) -> Range<usize> {
        at.start.wrapping_add(self.shift)..at.end.wrapping_add(self.shift)
    }

    fn region(&self, start: usize) -> Option<&Region> {
        let found = self.regions.binary_search_by_key(&start, |r| r.start).ok()?;
        self.regions.get(found)
    }
}

impl<'a> Lower<'a> {
    pub(crate) fn new(source: SourceId, text: &'a str, diags: &'a mut Sink) -> Self {
        Self { source, text, diags, depth: 0, cut: Cut::Coarse }
    }

    pub(crate) fn span(&self, at: &Range<usize>) -> Span {
        syntax::span(self.source, at)
    }

    /// Reads the expression that a scan found. On a mistake, says so and gives null.
    pub(crate) fn expression(&mut self, start: usize, scan: &Scan) -> Expr {
        let range = start..scan.end;
        let blanked = blank(self.text, &range, &scan.regions);
        match hcl_edit::parser::parse_expr(&blanked) {
            Ok(parsed) => self.expr(&parsed, &Piece { shift: start, regions: &scan.regions }),
            Err(_) if self.cut == Cut::Coarse && self.again(start, scan.end) => {
                null(self.span(&range))
            }
            Err(error) => {
                self.parser_error(&range, start, &blanked, &error);
                null(self.span(&range))
            }
        }
    }

    /// Reads a broken expression once more, the items of its lists and objects one by one;
    /// whether that found something to say.
    fn again(&mut self, start: usize, end: usize) -> bool {
        let Ok(scan) = scan::scan(self.text, start..end, Mode::Inside, Cut::Fine) else {
            return false;
        };
        let before = self.diags.count();
        self.cut = Cut::Fine;
        self.expression(start, &scan);
        self.cut = Cut::Coarse;
        self.diags.count() > before
    }

    /// Says what the parser found wrong in `seen`, which is `range` of the source blanked.
    fn parser_error(
        &mut self,
        range: &Range<usize>,
        shift: usize,
        seen: &str,
        error: &hcl_edit::parser::Error,
    ) {
        let at = error_offset(seen, error).wrapping_add(shift);
        self.diags.push(explain(self.source, self.text, range, at, error.message()));
    }

    pub(crate) fn range_of(node: &impl hcl_edit::Span) -> Range<usize> {
        node.span().unwrap_or(0..0)
    }

    /// Lowers one node, unless the tree is too deep already.
    pub(crate) fn expr(&mut self, node: &Expression, piece: &Piece<'_>) -> Expr {
        let range = piece.range(&Self::range_of(node));
        let span = self.span(&range);
        if self.depth >= MAX_TREE {
            self.diags.push(syntax::too_deep(span));
            return null(span);
        }
        self.depth += 1;
        let kind = self.kind(node, &range, piece);
        self.depth -= 1;
        Expr { span, kind }
    }

    fn boxed(&mut self, node: &Expression, piece: &Piece<'_>) -> Box<Expr> {
        Box::new(self.expr(node, piece))
    }

    fn kind(&mut self, node: &Expression, range: &Range<usize>, piece: &Piece<'_>) -> ExprKind {
        match node {
            Expression::Null(_) => ExprKind::Null,
            Expression::Bool(b) => ExprKind::Bool(**b),
            Expression::Number(_) => self.number(range),
            Expression::String(text) => match piece.region(range.start) {
                Some(Region { kind: RegionKind::Heredoc { flush, body }, .. }) => {
                    self.heredoc(*flush, body)
                }
                _ => ExprKind::String(nfc(text).as_ref().into()),
            },
            Expression::Array(array) => match piece.region(range.start) {
                Some(_) => self.wide_list(range),
                None => ExprKind::List(array.iter().map(|item| self.expr(item, piece)).collect()),
            },
            Expression::Object(object) => match piece.region(range.start) {
                Some(_) => self.wide_object(range),
                None => {
                    let mut items = Vec::with_capacity(object.len());
                    let from = range.start + 1;
                    self.items(object, from, piece, &mut items);
                    self.unique_keys(&items);
                    ExprKind::Object(items)
                }
            },
            Expression::StringTemplate(parts) => {
                template::lower(self, parts, template::Form::Quoted, piece)
            }
            // Heredocs are blanked out before the parser runs.
            Expression::HeredocTemplate(heredoc) => template::lower(
                self,
                &heredoc.template,
                template::Form::Heredoc { flush: false },
                piece,
            ),
            Expression::Parenthesis(inner) => ExprKind::Paren(self.boxed(inner.inner(), piece)),
            Expression::Variable(name) => self.name(name.as_str(), range),
            Expression::Conditional(c) => ExprKind::Conditional(
                self.boxed(&c.cond_expr, piece),
                self.boxed(&c.true_expr, piece),
                self.boxed(&c.false_expr, piece),
            ),
            Expression::FuncCall(call) => self.call(call, range, piece),
            Expression::Traversal(traversal) => self.traversal(traversal, range, piece),
            Expression::UnaryOp(op) => {
                let operator = match *op.operator {
                    hcl::UnaryOperator::Neg => UnaryOp::Neg,
                    hcl::UnaryOperator::Not => UnaryOp::Not,
                };
                ExprKind::Unary(operator, self.boxed(&op.expr, piece))
            }
            Expression::BinaryOp(op) => ExprKind::Binary(
                binary(*op.operator),
                self.boxed(&op.lhs_expr, piece),
                self.boxed(&op.rhs_expr, piece),
            ),
            Expression::ForExpr(node) => self.for_expr(node, piece),
        }
    }

    /// The number as it is written: the parser's own value is rounded.
    fn number(&mut self, range: &Range<usize>) -> ExprKind {
        let written = &self.text[range.clone()];
        let digits = written.trim_start_matches(|c: char| !c.is_ascii_digit());
        let sign = if written.starts_with('-') { "-" } else { "" };
        let whole = digits.split(['.', 'e', 'E']).next().unwrap_or(digits);
        let span = self.span(range);
        if whole.len() > 1 && whole.starts_with('0') {
            let plain = digits.trim_start_matches('0');
            let plain = if plain.starts_with(|c: char| c.is_ascii_digit()) { "" } else { "0" }
                .to_owned()
                + plain;
            let detail = format!(
                "`{}` begins with a zero. Other languages read that as an octal number; this one has none.",
                brief(written)
            );
            self.diags.push(
                Diagnostic::error(codes::BAD_NUMBER, "Number with leading zero", detail)
                    .at(span, "")
                    .with_help(format!(
                        "Write `{sign}{}`, or `\"{}\"` if it is a string, as file modes are.",
                        brief(&plain),
                        brief(written)
                    )),
            );
            return ExprKind::Null;
        }
        match format!("{sign}{digits}").parse() {
            Ok(number) => ExprKind::Number(number),
            Err(why) => {
                let detail = format!("`{}` cannot be used: {why}.", brief(written));
                self.diags.push(
                    Diagnostic::error(codes::BAD_NUMBER, "Not a number", detail).at(span, ""),
                );
                ExprKind::Null
            }
        }
    }

    fn name(&mut self, name: &str, range: &Range<usize>) -> ExprKind {
        if let Some(meant) = foreign_word(name) {
            let detail = format!("`{name}` is a word of another language.");
            self.diags.push(
                Diagnostic::error(codes::FOREIGN_WORD, "Unknown word", detail)
                    .at(self.span(range), "")
                    .with_help(format!("Write `{meant}`.")),
            );
            return ExprKind::Null;
        }
        match self.ident(name, range) {
            Some(ident) => ExprKind::Name(ident),
            None => ExprKind::Null,
        }
    }

    /// The identifier, or a complaint.
    pub(crate) fn ident(&mut self, name: &str, range: &Range<usize>) -> Option<Ident> {
        match nfc(name).parse() {
            Ok(ident) => Some(ident),
            Err(_) => {
                let detail = format!("`{}` is not an identifier.", brief(name));
                self.diags.push(
                    Diagnostic::error(codes::NOT_AN_IDENTIFIER, "Not an identifier", detail)
                        .at(self.span(range), "")
                        .with_help(
                            "Use letters, digits, `_` and `-`, beginning with a letter or `_`.",
                        ),
                );
                None
            }
        }
    }

    fn call(&mut self, call: &hcl::FuncCall, range: &Range<usize>, piece: &Piece<'_>) -> ExprKind {
        let mut name = String::new();
        for part in &call.name.namespace {
            name.push_str(part.as_str());
            name.push_str("::");
        }
        name.push_str(call.name.name.as_str());
        // The parser keeps no place for the first part of a name with a namespace.
        let last = piece.range(&Self::range_of(&call.name.name));
        let name_span = self.span(&(range.start..last.end.max(range.start)));
        let args = call.args.iter().map(|arg| self.expr(arg, piece)).collect();
        ExprKind::Call { name: name.into(), name_span, args, expand: call.args.expand_final() }
    }

    fn traversal(
        &mut self,
        node: &hcl::Traversal,
        range: &Range<usize>,
        piece: &Piece<'_>,
    ) -> ExprKind {
        // Each step is one level of the tree, and the first step is the innermost.
        let steps = node.operators.len();
        if steps > 128 || self.depth + steps > MAX_TREE {
            self.diags.push(syntax::too_deep(self.span(range)));
            return ExprKind::Null;
        }
        self.depth += steps;
        let root = match &node.expr {
            // `True.x` is a reference like any other, to nothing.
            Expression::Variable(name) => {
                let at = piece.range(&Self::range_of(name));
                let span = self.span(&at);
                match self.ident(name.as_str(), &at) {
                    Some(ident) => Expr { span, kind: ExprKind::Name(ident) },
                    None => null(span),
                }
            }
            other => self.expr(other, piece),
        };
        let expr = self.steps(root, &node.operators, range.start, piece);
        self.depth -= steps;
        expr.kind
    }

    fn steps(
        &mut self,
        root: Expr,
        operators: &[hcl_edit::Decorated<TraversalOperator>],
        start: usize,
        piece: &Piece<'_>,
    ) -> Expr {
        let mut expr = root;
        let mut rest = operators;
        while let [operator, after @ ..] = rest {
            rest = after;
            let at = piece.range(&Self::range_of(operator));
            let so_far = |end: usize| start..end;
            let span = self.span(&so_far(at.end));
            let of = Box::new(expr);
            let kind = match &**operator {
                TraversalOperator::GetAttr(name) => {
                    let place = piece.range(&Self::range_of(name));
                    match self.ident(name.as_str(), &place) {
                        Some(name) => ExprKind::Attr { of, name, name_span: self.span(&place) },
                        None => ExprKind::Null,
                    }
                }
                TraversalOperator::Index(index) => {
                    ExprKind::Index { of, index: self.boxed(index, piece) }
                }
                TraversalOperator::LegacyIndex(index) => {
                    let place = piece.range(&Self::range_of(index));
                    let kind = self.number(&place);
                    ExprKind::Index { of, index: Box::new(Expr { span: self.span(&place), kind }) }
                }
                TraversalOperator::FullSplat(_) => {
                    // Everything that follows is taken of each item.
                    let item = Expr { span, kind: ExprKind::SplatItem };
                    let each = self.steps(item, rest, start, piece);
                    rest = &[];
                    let span = each.span;
                    expr = Expr {
                        span,
                        kind: ExprKind::Splat { of, full: true, each: Box::new(each) },
                    };
                    continue;
                }
                TraversalOperator::AttrSplat(_) => {
                    // Only the attributes that follow at once are taken of each item.
                    let names = rest
                        .iter()
                        .take_while(|o| matches!(***o, TraversalOperator::GetAttr(_)))
                        .count();
                    let item = Expr { span, kind: ExprKind::SplatItem };
                    let each = self.steps(item, &rest[..names], start, piece);
                    rest = &rest[names..];
                    let span = each.span;
                    expr = Expr {
                        span,
                        kind: ExprKind::Splat { of, full: false, each: Box::new(each) },
                    };
                    continue;
                }
            };
            expr = Expr { span, kind };
        }
        expr
    }

    fn for_expr(&mut self, node: &hcl::ForExpr, piece: &Piece<'_>) -> ExprKind {
        let mut bound = |name: &hcl_edit::Decorated<hcl_edit::Ident>| {
            self.ident(name.as_str(), &piece.range(&Self::range_of(name)))
        };
        let key_name = node.intro.key_var.as_ref().and_then(&mut bound);
        let Some(value_name) = bound(&node.intro.value_var) else { return ExprKind::Null };
        ExprKind::For(Box::new(For {
            key_name,
            value_name,
            over: self.expr(&node.intro.collection_expr, piece),
            key: node.key_expr.as_ref().map(|key| self.expr(key, piece)),
            value: self.expr(&node.value_expr, piece),
            group: node.grouping,
            cond: node.cond.as_ref().map(|cond| self.expr(&cond.expr, piece)),
        }))
    }

    /// Lowers the items of an object; `from` is where the first may begin.
    fn items(
        &mut self,
        object: &hcl::Object,
        from: usize,
        piece: &Piece<'_>,
        items: &mut Vec<(ObjectKey, Expr)>,
    ) {
        let mut from = from;
        for (key, value) in object {
            let value = value.expr();
            let value_at = piece.range(&Self::range_of(value));
            let key = self.key(key, from..value_at.start, piece);
            let value = self.expr(value, piece);
            from = value_at.end;
            if let Some(key) = key {
                items.push((key, value));
            }
        }
    }

    fn key(
        &mut self,
        key: &hcl::ObjectKey,
        within: Range<usize>,
        piece: &Piece<'_>,
    ) -> Option<ObjectKey> {
        let word = |name: &str, at: Range<usize>, this: &mut Self| {
            let span = this.span(&at);
            this.ident(name, &at).map(|ident| ObjectKey::Name(ident, span))
        };
        match key {
            hcl::ObjectKey::Ident(name) => {
                let at = match hcl_edit::Span::span(name) {
                    Some(at) => piece.range(&at),
                    None => within,
                };
                word(name.as_str(), at, self)
            }
            // Keywords are names here: `{ null = 1 }` has the key "null".
            hcl::ObjectKey::Expression(node @ Expression::Null(_)) => {
                word("null", piece.range(&Self::range_of(node)), self)
            }
            hcl::ObjectKey::Expression(node @ Expression::Bool(b)) => {
                let name = if **b { "true" } else { "false" };
                word(name, piece.range(&Self::range_of(node)), self)
            }
            hcl::ObjectKey::Expression(node @ Expression::Traversal(_)) => {
                let at = self.span(&piece.range(&Self::range_of(node)));
                self.diags.push(
                    Diagnostic::error(
                        codes::MALFORMED_EXPRESSION,
                        "Ambiguous key of an object",
                        "A key with dots or brackets could be a string or a reference.",
                    )
                    .at(at, "")
                    .with_help("Write it in quotes for a string, in parentheses for a reference."),
                );
                None
            }
            hcl::ObjectKey::Expression(node) => Some(ObjectKey::Expr(self.expr(node, piece))),
        }
    }

    /// Refuses a key that comes twice: one of the two would be lost silently.
    fn unique_keys(&mut self, items: &[(ObjectKey, Expr)]) {
        // Whether the key is a constant, and its text.
        let mut seen: BTreeMap<(bool, Cow<'_, str>), Span> = BTreeMap::new();
        for (key, _) in items {
            let (key, span) = match key {
                ObjectKey::Name(name, span) => ((true, Cow::Borrowed(name.as_str())), *span),
                ObjectKey::Expr(Expr { kind: ExprKind::String(text), span }) => {
                    ((true, Cow::Borrowed(&**text)), *span)
                }
                ObjectKey::Expr(Expr { kind: ExprKind::Number(n), span }) => {
                    ((true, Cow::Owned(n.to_string())), *span)
                }
                ObjectKey::Expr(Expr { kind: _, span }) => {
                    let at = span.start as usize..span.end as usize;
                    ((false, Cow::Borrowed(self.text.get(at).unwrap_or(""))), *span)
                }
            };
            if let Some(first) = seen.get(&key) {
                self.diags.push(duplicate_key(&key.1, *first, span));
            } else {
                seen.insert(key, span);
            }
        }
    }

    /// Reads a long list piece by piece.
    fn wide_list(&mut self, range: &Range<usize>) -> ExprKind {
        let mut all = Vec::new();
        self.wide(range, |this, node, piece| {
            if let Expression::Array(array) = node {
                for item in array {
                    let item = this.expr(item, piece);
                    all.push(item);
                }
            }
        });
        ExprKind::List(all)
    }

    /// Reads a long object piece by piece: the parser's time grows with the square of the
    /// number of keys.
    fn wide_object(&mut self, range: &Range<usize>) -> ExprKind {
        let mut all = Vec::new();
        self.wide(range, |this, node, piece| {
            if let Expression::Object(object) = node {
                let from = 1usize.wrapping_add(piece.shift);
                this.items(object, from, piece, &mut all);
            }
        });
        self.unique_keys(&all);
        ExprKind::Object(all)
    }

    /// Parses the inside of a literal in pieces; `take` gets each.
    fn wide(
        &mut self,
        range: &Range<usize>,
        mut take: impl FnMut(&mut Self, &Expression, &Piece<'_>),
    ) {
        let open = self.text.as_bytes()[range.start];
        for part in scan::pieces(self.text, range.start + 1..range.end - 1, open, self.cut) {
            self.part(&part, open, &mut take);
        }
    }

    fn part(
        &mut self,
        part: &Range<usize>,
        open: u8,
        take: &mut impl FnMut(&mut Self, &Expression, &Piece<'_>),
    ) {
        let regions = match scan::scan(self.text, part.clone(), Mode::Inside, self.cut) {
            Ok(scan) => scan.regions,
            Err(fault) => return self.diags.push(syntax::of_fault(self.source, self.text, &fault)),
        };
        let (open_text, close) = if open == b'[' { ("[", "]") } else { ("{", "}") };
        let inside = blank(self.text, part, &regions);
        let wrapped = [open_text, &inside, close].concat();
        let shift = part.start.wrapping_sub(1);
        match hcl_edit::parser::parse_expr(&wrapped) {
            Ok(node) => take(self, &node, &Piece { shift, regions: &regions }),
            Err(_) if self.cut == Cut::Coarse => {
                // Once more, item by item, for the exact places.
                self.cut = Cut::Fine;
                for part in scan::pieces(self.text, part.clone(), open, self.cut) {
                    self.part(&part, open, take);
                }
                self.cut = Cut::Coarse;
            }
            Err(error) => self.parser_error(part, shift, &wrapped, &error),
        }
    }

    fn heredoc(&mut self, flush: bool, body: &Range<usize>) -> ExprKind {
        let form = template::Form::Heredoc { flush };
        let regions = match scan::scan(self.text, body.clone(), Mode::Template, self.cut) {
            Ok(scan) => scan.regions,
            Err(fault) => {
                self.diags.push(syntax::of_fault(self.source, self.text, &fault));
                return ExprKind::Null;
            }
        };
        let blanked = blank(self.text, body, &regions);
        match hcl_edit::parser::parse_template(&blanked) {
            Ok(node) => {
                let piece = Piece { shift: body.start, regions: &regions };
                template::lower(self, &node, form, &piece)
            }
            Err(error) => {
                self.parser_error(body, body.start, &blanked, &error);
                ExprKind::Null
            }
        }
    }
}

fn null(span: Span) -> Expr {
    Expr { span, kind: ExprKind::Null }
}

/// The text of a range with its regions blanked out, byte for byte.
fn blank<'t>(text: &'t str, range: &Range<usize>, regions: &[Region]) -> Cow<'t, str> {
    if regions.is_empty() {
        return Cow::Borrowed(&text[range.clone()]);
    }
    let mut out = String::with_capacity(range.len());
    let mut from = range.start;
    for region in regions {
        out.push_str(&text[from..region.start]);
        let width = region.end - region.start;
        match region.kind {
            RegionKind::Number => out.extend(std::iter::repeat_n('0', width)),
            RegionKind::Heredoc { .. } => fill(&mut out, "\"", "\"", width),
            RegionKind::Wide => {
                let last = region.end - 1;
                fill(&mut out, &text[region.start..=region.start], &text[last..region.end], width);
            }
        }
        from = region.end;
    }
    out.push_str(&text[from..range.end]);
    Cow::Owned(out)
}

fn fill(out: &mut String, open: &str, close: &str, width: usize) {
    out.push_str(open);
    out.extend(std::iter::repeat_n(' ', width - open.len() - close.len()));
    out.push_str(close);
}

fn binary(operator: hcl::BinaryOperator) -> BinaryOp {
    use hcl::BinaryOperator as Op;
    match operator {
        Op::Eq => BinaryOp::Eq,
        Op::NotEq => BinaryOp::NotEq,
        Op::LessEq => BinaryOp::LessEq,
        Op::GreaterEq => BinaryOp::GreaterEq,
        Op::Less => BinaryOp::Less,
        Op::Greater => BinaryOp::Greater,
        Op::Plus => BinaryOp::Add,
        Op::Minus => BinaryOp::Sub,
        Op::Mul => BinaryOp::Mul,
        Op::Div => BinaryOp::Div,
        Op::Mod => BinaryOp::Mod,
        Op::And => BinaryOp::And,
        Op::Or => BinaryOp::Or,
    }
}

fn foreign_word(name: &str) -> Option<&'static str> {
    Some(match name {
        "True" | "TRUE" => "true",
        "False" | "FALSE" => "false",
        "Null" | "NULL" | "None" | "nil" | "undefined" => "null",
        _ => return None,
    })
}

fn duplicate_key(key: &str, first: Span, second: Span) -> Diagnostic {
    let detail = format!("The key `{}` comes twice, and an object keeps one.", brief(key));
    Diagnostic::error(codes::DUPLICATE_KEY, "Key comes twice", detail)
        .at(second, "again here")
        .at(first, "first here")
        .with_help("Remove one of the two.")
}

/// Where the parser stopped. At the end of its input it names the last character instead, and
/// only the column tells the two apart.
fn error_offset(seen: &str, error: &hcl_edit::parser::Error) -> usize {
    let location = error.location();
    let offset = location.offset();
    if offset + 1 < seen.len() {
        return offset;
    }
    let line = &seen[seen.rfind('\n').map_or(0, |i| i + 1)..];
    if location.column() > line.chars().count() { seen.len() } else { offset }
}
