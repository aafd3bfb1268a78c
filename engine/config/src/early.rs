//! Texts that are needed before the configuration is complete: which directory a module is, where
//! the state is kept.

use crate::codes;
use crate::text::brief;
use crate::tree::{Config, Expr, ExprKind};
use addrs::Ident;
use diags::{Diagnostic, Diagnostics, Span};

/// What expressions come to that are needed while directories are read: a port, since this crate
/// evaluates nothing.
pub trait EarlyTexts {
    /// The text of an expression that stands in a module. `config` has that module and those on
    /// the way to it; others may be missing. `argument` says what it is the value of: `source`.
    ///
    /// # Errors
    ///
    /// Why there is no text. Nothing is told here of what is wrong with the text alone, such as a
    /// name that nothing declares: an analysis of the whole configuration tells that.
    fn text(
        &mut self,
        config: &Config,
        module: &[Ident],
        expr: &Expr,
        argument: &str,
    ) -> Result<String, Diagnostics>;
}

/// Knows constants alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Constants;

impl EarlyTexts for Constants {
    fn text(
        &mut self,
        _: &Config,
        _: &[Ident],
        expr: &Expr,
        argument: &str,
    ) -> Result<String, Diagnostics> {
        constant_text(expr).map(str::to_owned).ok_or_else(|| {
            let detail = format!("`{argument}` is read before anything is evaluated.");
            Diagnostic::error(codes::NOT_CONSTANT, "Not a constant", detail)
                .at(expr.span, "")
                .with_help("Write a string in quotes, without interpolation.")
                .into()
        })
    }
}

/// The text that an expression is as it stands there.
pub fn constant_text(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Paren(inner) => constant_text(inner),
        ExprKind::String(text) => Some(text),
        _ => None,
    }
}

/// Refuses a source of a module that is no directory of the configuration's own.
pub(crate) fn local(source: &str, written: &Expr, at: Span) -> Result<(), Box<Diagnostic>> {
    if source == "." || source == ".." || source.starts_with("./") || source.starts_with("../") {
        return Ok(());
    }
    let refused = |detail: String, help: String| {
        let d = Diagnostic::error(codes::NOT_LOCAL, "Module is not local", detail);
        Err(Box::new(d.at(at, "").with_help(help)))
    };
    if source.is_empty() {
        let help = "Write `./DIRECTORY` or `../DIRECTORY`.";
        return refused("The source is empty.".to_owned(), help.to_owned());
    }
    let looks_like_directory = !source.contains(':') && !source.starts_with('/');
    let help = if looks_like_directory {
        format!("Write `./{}` if it is a directory beside this file.", brief(source))
    } else {
        "Copy the module into the repository and write `./DIRECTORY` or `../DIRECTORY`.".to_owned()
    };
    let says = match constant_text(written) {
        Some(_) => format!("`{}` is", brief(source)),
        None => format!("The source comes to `{}`, which is", brief(source)),
    };
    let detail =
        format!("{says} no path that begins with `./` or `../`; clinch downloads no modules.");
    refused(detail, help)
}
