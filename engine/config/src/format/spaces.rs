//! Which two tokens of a line stand apart.

use super::tokens::{Kind, Token};

/// Whether a blank stands between a token and the next one; `before` is the one before both.
pub(super) fn apart(before: Option<Kind>, this: Token<'_>, next: Token<'_>) -> bool {
    use Kind::{
        CloseBrace, CloseBracket, CloseParen, CloseQuote, CloseSequence, Comma, Comment, Dot,
        DoubleColon, Ellipsis, Number, OpenBrace, OpenBracket, OpenParen, OpenQuote, OpenSequence,
        Operator, Text, Unary, Word,
    };
    // Of a text nothing may change.
    let quoted = matches!(this.kind, OpenQuote | Text) || matches!(next.kind, Text | CloseQuote);
    let sequence = this.kind == OpenSequence
        || next.kind == CloseSequence
        || (this.kind, next.kind) == (CloseSequence, OpenSequence);
    if quoted || sequence {
        return false;
    }
    if matches!(next.kind, Comment) {
        return true;
    }
    if matches!(next.kind, Comma | Dot | Ellipsis | CloseParen | CloseBracket | DoubleColon) {
        return false;
    }
    if this.kind == DoubleColon {
        return next.kind == Operator;
    }
    if matches!(this.kind, Dot | OpenParen | OpenBracket | Unary) {
        return false;
    }
    // `{}` is nothing; within other braces things stand apart.
    if this.kind == OpenBrace || next.kind == CloseBrace {
        return (this.kind, next.kind) != (OpenBrace, CloseBrace);
    }
    let splat = this.text == "*" && matches!(before, Some(Dot | OpenBracket));
    match next.kind {
        // A keyword is followed by an expression, and neither called nor indexed; behind a dot it
        // is a name like any other.
        OpenParen | OpenBracket if this.kind == Word => {
            this.is_keyword() && !matches!(before, Some(Dot))
        }
        OpenBracket => {
            !splat
                && !matches!(
                    this.kind,
                    CloseBracket | CloseParen | CloseQuote | CloseBrace | Number
                )
        }
        _ => true,
    }
}
