//! What stands behind a `=`: expressions as a tree, with a span on everything.

use addrs::Ident;
use diags::Span;
use std::sync::Arc;
use values::Number;

/// An expression and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expr {
    /// Where.
    pub span: Span,
    /// What.
    pub kind: ExprKind,
}

/// What an expression is. A configuration holds very many, so what is large is boxed: see the
/// test of the sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExprKind {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// An exact number.
    Number(Number),
    /// A text without interpolation.
    String(Arc<str>),
    /// A text with interpolations or directives, quoted or heredoc; indentation and `~` are
    /// already taken care of. One [`Part::Value`] alone, `"${x}"`, is that value itself and
    /// not a text.
    Template(Box<[Part]>),
    /// `[a, b]`.
    List(Box<[Expr]>),
    /// `{ a = b }`, in source order.
    Object(Box<[(ObjectKey, Expr)]>),
    /// The root of a reference: `var`, `local`, a type, `each`, a name bound by `for`.
    Name(Ident),
    /// `of.name`.
    Attr(Box<Attr>),
    /// `of[index]`, and `of.0`.
    Index {
        /// Of what.
        of: Box<Expr>,
        /// Which.
        index: Box<Expr>,
    },
    /// `of[*].rest` (full) or `of.*.rest` (attributes only).
    Splat {
        /// Of what.
        of: Box<Expr>,
        /// `[*]` rather than `.*`.
        full: bool,
        /// What is taken of each item, as an expression over [`ExprKind::SplatItem`].
        each: Box<Expr>,
    },
    /// The item that a splat looks at.
    SplatItem,
    /// `name(args...)`.
    Call(Box<Call>),
    /// `-a`, `!a`.
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `a ? b : c`.
    Conditional(Box<[Expr; 3]>),
    /// `(a)`; kept, since `{ (a) = 1 }` differs from `{ a = 1 }`.
    Paren(Box<Expr>),
    /// `[for ...]` and `{for ...}`.
    For(Box<For>),
}

impl ExprKind {
    /// What an attribute or an index is of.
    pub fn of(&self) -> Option<&Expr> {
        match self {
            Self::Attr(attr) => Some(&attr.of),
            Self::Index { of, .. } => Some(of),
            _ => None,
        }
    }
}

/// `of.name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attr {
    /// Of what.
    pub of: Expr,
    /// Which.
    pub name: Ident,
    /// The name's place.
    pub name_span: Span,
}

/// `name(args...)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The function.
    pub name: Arc<str>,
    /// Its name's place.
    pub name_span: Span,
    /// Its arguments.
    pub args: Box<[Expr]>,
    /// Whether the last argument ends in `...`.
    pub expand: bool,
}

/// The key of an object's item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectKey {
    /// `a = ...`: the name itself.
    Name(Ident, Span),
    /// Anything else.
    Expr(Expr),
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text as it is.
    Text(Arc<str>),
    /// `${ ... }`.
    Value(Expr),
    /// `%{ if } ... %{ else } ... %{ endif }`.
    If(Box<PartIf>),
    /// `%{ for } ... %{ endfor }`.
    For(Box<PartFor>),
}

/// `%{ if } ... %{ else } ... %{ endif }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartIf {
    /// The condition.
    pub cond: Expr,
    /// When true.
    pub then: Box<[Part]>,
    /// When false.
    pub otherwise: Box<[Part]>,
}

/// `%{ for } ... %{ endfor }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartFor {
    /// The key's name.
    pub key: Option<Ident>,
    /// The value's name.
    pub value: Ident,
    /// Over what.
    pub over: Expr,
    /// Once for each.
    pub body: Box<[Part]>,
}

/// `[for k, v in over : value if cond]`, `{for k, v in over : key => value... if cond}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct For {
    /// The first of two names.
    pub key_name: Option<Ident>,
    /// The only or second name.
    pub value_name: Ident,
    /// Over what.
    pub over: Expr,
    /// The key, when the result is an object.
    pub key: Option<Expr>,
    /// The value.
    pub value: Expr,
    /// `...`: values of one key are gathered in a list.
    pub group: bool,
    /// `if`.
    pub cond: Option<Expr>,
}

/// `-` and `!`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`.
    Neg,
    /// `!`.
    Not,
}

/// Operators of two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the field's")]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Eq,
    NotEq,
    Less,
    LessEq,
    Greater,
    GreaterEq,
    And,
    Or,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_configuration_holds_very_many_of_is_small() {
        let sizes = [size_of::<Expr>(), size_of::<(ObjectKey, Expr)>(), size_of::<Part>()];
        assert_eq!(sizes, [40, 80, 40]);
    }
}
