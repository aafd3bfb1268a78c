//! The variables of the root module: what was given, what is declared, what fits.

use crate::eval::expr::Eval;
use crate::eval::names::{Names, Repetition};
use crate::eval::scope::Scope;
use crate::{References, Schemas, codes, place};
use addrs::{Ident, ModuleInstance};
use config::{Config, Expr, Variable};
use diags::{Diagnostic, Diagnostics, Span, did_you_mean};
use std::collections::{BTreeMap, BTreeSet};
use values::{Schema, Type, Value};

/// A value given for a variable from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// What was given.
    pub value: GivenValue,
    /// Where it came from, for people: `-var`, `CLINCH_VAR_size`, `prod.tfvars`.
    pub origin: String,
    /// Its place, when it stands in a file.
    pub span: Option<Span>,
}

/// The forms in which a value can be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenValue {
    /// A value.
    Value(Value),
    /// An expression of a file of variables.
    Expr(Expr),
    /// Text from the command line or the environment: taken as it is for a string, read as
    /// an expression for a list, a map or an object.
    Raw(String),
}

/// What comes from outside the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inputs {
    /// By the variable's name; whoever fills this has already decided which of several wins.
    pub given: BTreeMap<String, Given>,
    /// What `path.cwd` gives.
    pub cwd: String,
}

/// The values of the root module's variables.
///
/// A variable whose value is missing or wrong is absent from the result and told in the
/// diagnostics.
pub fn variables(config: &Config, inputs: &Inputs) -> (BTreeMap<Ident, Value>, Diagnostics) {
    let mut told = Diagnostics::new();
    let mut found = BTreeMap::new();
    let Some(root) = config.modules.get(&Vec::new()) else { return (found, told) };
    for variable in root.variables.values() {
        let given = inputs.given.get(variable.name.as_str());
        if let Some(value) = one(config, variable, given, &mut told) {
            found.insert(variable.name.clone(), value);
        }
    }
    for (name, given) in &inputs.given {
        if !root.variables.contains_key(name.as_str()) {
            undeclared(root, name, given, &mut told);
        }
    }
    (found, told)
}

fn one(
    config: &Config,
    variable: &Variable,
    given: Option<&Given>,
    told: &mut Diagnostics,
) -> Option<Value> {
    let name = &variable.name;
    let (value, source) = match (given, &variable.default) {
        (Some(given), default) => {
            let value = read(variable, given, told)?;
            match default {
                Some(default) if value.is_null() && !variable.nullable => {
                    (default_value(default, told)?, Source::Default(default))
                }
                _ => (value, Source::Given(given)),
            }
        }
        (None, Some(default)) => (default_value(default, told)?, Source::Default(default)),
        (None, None) => {
            told.push(missing(variable));
            return None;
        }
    };
    if value.is_null() && !variable.nullable {
        let d = Diagnostic::error(
            codes::WRONG_VARIABLE,
            "Invalid value for a variable",
            format!("The variable `{name}` must not be null."),
        );
        told.push(source.point(d, variable, variable.span));
        return None;
    }
    let nothing = BTreeSet::new();
    let written = place::Written { config, defaulted: &nothing, each: None };
    let by_hand = |path: &values::Path| match source.expr() {
        Some(expr) => place::is_written(written, &Vec::new(), expr, path.steps()),
        // On the command line everything is written by hand.
        None => true,
    };
    match crate::eval::fit::fit(&value, &variable.ty, &by_hand) {
        Ok(value) => Some(if variable.sensitive { value.into_sensitive() } else { value }),
        Err(mismatches) => {
            for m in mismatches {
                let at = if m.path.steps().is_empty() {
                    String::new()
                } else {
                    format!(" at `{}`", m.path)
                };
                let d = Diagnostic::error(
                    codes::WRONG_VARIABLE,
                    "Invalid value for a variable",
                    format!("The value of the variable `{name}` does not fit{at}: {}.", m.why),
                );
                let span = source
                    .expr()
                    .map(|expr| place::within(written, &Vec::new(), expr, m.path.steps()));
                let d = source.point(d, variable, span.unwrap_or(variable.span));
                told.push(match m.meant {
                    Some(meant) => d.with_help(format!("Did you mean `{meant}`?")),
                    None => d,
                });
            }
            None
        }
    }
}

/// Where a value came from.
enum Source<'s> {
    Given(&'s Given),
    Default(&'s Expr),
}

impl Source<'_> {
    fn expr(&self) -> Option<&Expr> {
        match self {
            Self::Default(expr) => Some(expr),
            Self::Given(Given { value: GivenValue::Expr(expr), .. }) => Some(expr),
            Self::Given(_) => None,
        }
    }

    /// Points at the value where it stands, and else names where it came from.
    fn point(&self, d: Diagnostic, variable: &Variable, span: Span) -> Diagnostic {
        match self {
            Self::Default(_) => d.at(span, ""),
            Self::Given(given) if given.span.is_some() || self.expr().is_some() => {
                let span = if self.expr().is_some() { span } else { given.span.unwrap_or(span) };
                d.at(span, "").at(variable.span, "declared here")
            }
            Self::Given(given) => {
                d.at(variable.span, format!("the value came from {}", given.origin))
            }
        }
    }
}

fn read(variable: &Variable, given: &Given, told: &mut Diagnostics) -> Option<Value> {
    match &given.value {
        GivenValue::Value(value) => Some(value.clone()),
        GivenValue::Expr(expr) => constant(expr, told),
        GivenValue::Raw(text) => match &variable.ty {
            Type::Any | Type::Bool | Type::Number | Type::String => {
                Some(Value::from(text.as_str()))
            }
            Type::List(_) | Type::Set(_) | Type::Map(_) | Type::Object(_) | Type::Tuple(_) => {
                raw_expression(variable, given, text, told)
            }
        },
    }
}

fn raw_expression(
    variable: &Variable,
    given: &Given,
    text: &str,
    told: &mut Diagnostics,
) -> Option<Value> {
    let mut wrong = |why: String| {
        let d = Diagnostic::error(
            codes::WRONG_VARIABLE,
            "Invalid value for a variable",
            format!(
                "The variable `{}` is a {}, so its value is read as an expression, and {why}.",
                variable.name, variable.ty
            ),
        );
        let d = d.at(variable.span, format!("the value came from {}", given.origin));
        told.push(d.with_help("Quote texts within it: -var='names=[\"a\", \"b\"]'."));
    };
    // The text stands in no file, so places in it would mislead; the reasons are kept.
    let mut nowhere = diags::SourceMap::default();
    match config::parse_expression(&mut nowhere, &given.origin, text) {
        Err(problems) => {
            let why = problems.iter().map(|d| d.detail.clone()).collect::<Vec<_>>().join(" ");
            wrong(format!("it cannot be read: {}", why.trim_end_matches('.')));
            None
        }
        Ok(expr) => {
            let mut inner = Diagnostics::new();
            let value = constant(&expr, &mut inner);
            if let Some(first) = inner.iter().next() {
                wrong(format!("it has no value: {}", first.detail.trim_end_matches('.')));
                return None;
            }
            value
        }
    }
}

/// Whether a value is what the variable's default gives.
pub(crate) fn has_default(variable: &Variable, value: Option<&Value>) -> bool {
    let (Some(default), Some(value)) = (&variable.default, value) else { return false };
    let Some(given) = constant(default, &mut Diagnostics::new()) else { return false };
    values::conform(&given, &variable.ty).is_ok_and(|given| given == value.exposed().0)
}

/// The value of a default. That it may refer to nothing is said by who reads the text.
fn default_value(expr: &Expr, told: &mut Diagnostics) -> Option<Value> {
    let mut inner = Diagnostics::new();
    let value = constant(expr, &mut inner);
    told.extend(inner.into_iter().filter(|d| d.code != codes::EARLY_REFERENCE));
    value
}

/// The value of an expression that may name nothing.
pub(crate) fn constant(expr: &Expr, told: &mut Diagnostics) -> Option<Value> {
    let (config, references) = (Config::default(), References::default());
    let module = config::Module::default();
    let mut names = Names {
        config: &config,
        schemas: &Nothing,
        references: &references,
        cwd: String::new(),
        spent: std::cell::Cell::new(0),
        defaulted: BTreeSet::new(),
        modules: Vec::new(),
        index: BTreeMap::new(),
        early: BTreeMap::new(),
        wishes: None,
    };
    names.add_module(ModuleInstance::root(), &module, None, Repetition::Once);
    let mut unnamed = true;
    crate::references::walk(expr, &mut |found| {
        let crate::references::Found::Name { whole, .. } = found else { return };
        unnamed = false;
        told.push(
            Diagnostic::error(
                codes::EARLY_REFERENCE,
                "Value of a variable is not constant",
                "The value of a variable is fixed before anything is evaluated, so it can refer \
                 to nothing.",
            )
            .at(whole, "")
            .with_help("Write the value itself, or make it a local value."),
        );
    });
    if !unnamed {
        return None;
    }
    let mut eval = Eval::new(&names, 0, &Repetition::Once);
    let value = eval.expr(expr, &Scope::Empty);
    let failed = eval.failed();
    told.extend(eval.diags);
    (!failed).then_some(value)
}

/// A language without resource types.
pub(crate) struct Nothing;

impl Schemas for Nothing {
    fn resource(&self, _: &str) -> Option<&Schema> {
        None
    }
    fn data(&self, _: &str) -> Option<&Schema> {
        None
    }
    fn resource_types(&self) -> Vec<&str> {
        Vec::new()
    }
    fn data_types(&self) -> Vec<&str> {
        Vec::new()
    }
}

pub(crate) fn missing(variable: &Variable) -> Diagnostic {
    let name = &variable.name;
    let d = Diagnostic::error(
        codes::MISSING_VARIABLE,
        "No value for a required variable",
        format!("The variable `{name}` has no default, and no value is given."),
    );
    d.at(variable.span, "").with_help(format!(
        "Give one with -var='{name}=...', in a file of variables such as terraform.tfvars \
         (`{name} = ...`), or as CLINCH_VAR_{name} in the environment."
    ))
}

fn undeclared(root: &config::Module, name: &str, given: &Given, told: &mut Diagnostics) {
    // The environment is shared by many configurations, so a name too much is no mistake.
    if given.origin.starts_with("CLINCH_VAR_") {
        return;
    }
    let detail = format!(
        "{} gives a value for `{name}`, and the root module declares no such variable.",
        given.origin
    );
    // A file is shared too; on the command line somebody meant this very run.
    let d = match given.span {
        Some(span) => Diagnostic::warning(
            codes::UNDECLARED_VARIABLE,
            "Value for an undeclared variable",
            detail,
        )
        .at(span, ""),
        None => Diagnostic::error(
            codes::UNDECLARED_VARIABLE,
            "Value for an undeclared variable",
            detail,
        ),
    };
    let meant = did_you_mean(name, root.variables.keys().map(Ident::as_str));
    told.push(match meant {
        Some(meant) => d.with_help(format!("Did you mean `{meant}`?")),
        None => d.with_help(format!("Declare it with `variable \"{name}\" {{}}`.")),
    });
}
