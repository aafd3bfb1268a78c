//! From the parser's nodes to ours.

use super::literal::exact;
use super::{Lower, MAX_STEPS, MAX_TREE, Piece, null, template};
use crate::scan::{Region, RegionKind};
use crate::syntax;
use crate::tree::{Attr, BinaryOp, Call, Expr, ExprKind, For, ObjectKey, UnaryOp};
use hcl_edit::expr::{self as hcl, Expression, TraversalOperator};
use std::ops::Range;

impl Lower<'_> {
    /// Where the parser saw a node.
    pub(super) fn range_of(node: &impl hcl_edit::Span) -> Range<usize> {
        node.span().unwrap_or(0..0)
    }

    /// Lowers one node, unless the tree is too deep already.
    pub(super) fn expr(&mut self, node: &Expression, piece: &Piece<'_>) -> Expr {
        let range = piece.range(&Self::range_of(node));
        let span = self.span(&range);
        if self.depth >= MAX_TREE {
            self.sink.push(syntax::too_deep(span));
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
                _ => ExprKind::String(self.words.text(text)),
            },
            Expression::Array(array) => match piece.region(range.start) {
                Some(_) => self.literal(range),
                None => ExprKind::List(array.iter().map(|item| self.expr(item, piece)).collect()),
            },
            Expression::Object(object) => match piece.region(range.start) {
                Some(_) => self.literal(range),
                None => {
                    let mut items = Vec::with_capacity(object.len());
                    let from = range.start + 1;
                    self.items(object, from, piece, &mut items);
                    self.unique_keys(&items);
                    ExprKind::Object(exact(items))
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
            Expression::Conditional(c) => ExprKind::Conditional(Box::new([
                self.expr(&c.cond_expr, piece),
                self.expr(&c.true_expr, piece),
                self.expr(&c.false_expr, piece),
            ])),
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
        let (name, expand) = (self.words.text(&name), call.args.expand_final());
        ExprKind::Call(Box::new(Call { name, name_span, args, expand }))
    }

    fn traversal(
        &mut self,
        node: &hcl::Traversal,
        range: &Range<usize>,
        piece: &Piece<'_>,
    ) -> ExprKind {
        // Each step is one level of the tree, and the first step is the innermost.
        let steps = node.operators.len();
        if steps > MAX_STEPS || self.depth + steps > MAX_TREE {
            self.sink.push(syntax::too_deep(self.span(range)));
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
                        Some(name) => {
                            let attr = Attr { of: *of, name, name_span: self.span(&place) };
                            ExprKind::Attr(Box::new(attr))
                        }
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
                    // Only the attributes and indexes of the old form (`.0`) that follow at once
                    // are taken of each item.
                    let names = rest
                        .iter()
                        .take_while(|o| {
                            matches!(
                                ***o,
                                TraversalOperator::GetAttr(_) | TraversalOperator::LegacyIndex(_)
                            )
                        })
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
            let key = self.node_key(key, from..value_at.start, piece);
            let value = self.expr(value, piece);
            from = value_at.end;
            if let Some(key) = key {
                items.push((key, value));
            }
        }
    }

    fn node_key(
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
                self.ambiguous_key(self.span(&piece.range(&Self::range_of(node))));
                None
            }
            hcl::ObjectKey::Expression(node) => Some(ObjectKey::Expr(self.expr(node, piece))),
        }
    }
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
