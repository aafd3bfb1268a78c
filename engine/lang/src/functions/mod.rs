//! The functions of the language.
//!
//! Every function is a row of a table: its name, its parameters, one sentence, and how it
//! treats what is unknown or sensitive ([`Care`]).

mod amounts;
mod bytes;
mod certificates;
mod collection;
mod csv;
mod encoding;
mod examples;
pub(crate) mod files;
mod format;
mod json;
mod net;
mod number;
mod sets;
mod string;
mod time;
mod types;
mod versions;
mod yaml;

pub(crate) use encoding::hex;

use crate::eval::marks::{mark, unmark};
use crate::eval::types::can_be;
use crate::{codes, text};
use diags::{Diagnostic, Span, did_you_mean};
use std::sync::LazyLock;
use values::{Type, Value};

/// A function of the language, for people and for the evaluator.
pub struct FunctionInfo {
    /// Its name.
    pub name: &'static str,
    /// What it takes, in order.
    pub parameters: Vec<Parameter>,
    /// Whether the last parameter may come any number of times, or not at all.
    pub variadic: bool,
    /// What it gives, as a type is written.
    pub gives: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// How many of the parameters may be left out.
    optional: usize,
    care: Care,
    run: Run,
}

/// A parameter of a function.
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it must be.
    pub kind: Kind,
}

/// What a parameter must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Anything but null.
    Any,
    /// Anything, null too.
    Nullable,
    /// `bool`.
    Bool,
    /// `number`.
    Number,
    /// `string`.
    String,
    /// Any list or set.
    List,
    /// `list(string)`.
    Strings,
    /// `list(number)`.
    Numbers,
    /// `list(bool)`.
    Bools,
    /// Any map or object.
    Map,
    /// A list or a map.
    Collection,
}

/// How a function treats what is unknown or sensitive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
    /// It looks at everything: one unknown part makes the result unknown, one sensitive part
    /// makes it sensitive.
    Deep,
    /// It moves parts without looking into them: they keep their own marks, and only an
    /// argument that is unknown as a whole makes the result unknown.
    Shallow,
    /// It takes care itself.
    Own,
}

type Run = fn(&[Value]) -> Outcome;
type Outcome = Result<Value, Failed>;

/// Why a function cannot be applied.
#[derive(Debug)]
pub(crate) struct Failed {
    /// Which argument is to blame.
    pub(crate) arg: Option<usize>,
    /// The end of a sentence; never holds a sensitive value.
    pub(crate) why: String,
    /// What to do.
    pub(crate) help: Option<String>,
}

fn fail<T>(arg: impl Into<Option<usize>>, why: impl Into<String>) -> Result<T, Failed> {
    Err(Failed { arg: arg.into(), why: why.into(), help: None })
}

impl Failed {
    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Any | Self::Nullable => "any",
            Self::Bool => "bool",
            Self::Number => "number",
            Self::String => "string",
            Self::List => "list(any)",
            Self::Strings => "list(string)",
            Self::Numbers => "list(number)",
            Self::Bools => "list(bool)",
            Self::Map => "map(any)",
            Self::Collection => "list(any) or map(any)",
        })
    }
}

/// All functions, by name.
pub fn functions() -> &'static [FunctionInfo] {
    static ALL: LazyLock<Vec<FunctionInfo>> = LazyLock::new(|| {
        let mut all: Vec<FunctionInfo> = Vec::new();
        all.extend(amounts::table());
        all.extend(bytes::table());
        all.extend(certificates::table());
        all.extend(collection::table());
        all.extend(sets::table());
        all.extend(string::table());
        all.extend(number::table());
        all.extend(encoding::table());
        all.extend(files::table());
        all.extend(net::table());
        all.extend(types::table());
        all.extend(versions::table());
        all.extend(csv::table());
        all.extend(time::table());
        all.extend(yaml::table());
        all.sort_by_key(|f| f.name);
        all
    });
    &ALL
}

pub(crate) fn find(name: &str) -> Option<&'static FunctionInfo> {
    let all = functions();
    all.binary_search_by_key(&name, |f| f.name).ok().map(|i| &all[i])
}

/// What [`left_out`] gives, by reason.
const LEFT_OUT: &[(&[&str], &str)] = &[
    (
        &["abspath", "pathexpand"],
        "Where a configuration stands on a machine is not a part of it: equal configurations \
         give equal plans. Write a path relative to the root module, or with `path.module`.",
    ),
    (
        &["rsadecrypt"],
        "It needs a private key in the configuration, and its result would be a secret in plans. \
         A `secret` reads what it holds when it is applied, by `data_from`.",
    ),
    (
        &["timestamp", "plantimestamp", "uuid", "bcrypt"],
        "Functions that give something else at each call are not available: equal \
         configurations give equal plans.",
    ),
];

/// Functions that other tools of its kind have and this language does not, each with the reason.
pub fn left_out() -> impl Iterator<Item = (&'static str, &'static str)> {
    LEFT_OUT.iter().flat_map(|(names, why)| names.iter().map(move |name| (*name, *why)))
}

/// The message for a function that there is not.
pub(crate) fn unknown_function(name: &str, span: Span) -> Diagnostic {
    let d = |detail: String| {
        Diagnostic::error(codes::UNKNOWN_FUNCTION, "Unknown function", detail).at(span, "")
    };
    if let Some((_, why)) = LEFT_OUT.iter().find(|(names, _)| names.contains(&name)) {
        return d(format!("There is no function `{name}`. {why}"));
    }
    let plain = d(format!("There is no function `{name}`."));
    match did_you_mean(name, functions().iter().map(|f| f.name)) {
        Some(meant) => plain.with_help(format!("Did you mean `{meant}`?")),
        None => plain,
    }
}

impl FunctionInfo {
    /// The type of a result that is not known yet.
    pub(crate) fn result(&self) -> Type {
        match self.gives {
            "bool" => Type::Bool,
            "number" => Type::Number,
            "string" => Type::String,
            "list(string)" => Type::list(Type::String),
            "list(number)" => Type::list(Type::Number),
            _ => Type::Any,
        }
    }

    /// `join(separator, lists...)`.
    pub fn signature(&self) -> String {
        let mut names: Vec<String> = self.parameters.iter().map(|p| p.name.to_owned()).collect();
        let required = names.len() - self.optional - usize::from(self.variadic);
        for name in names.iter_mut().skip(required).take(self.optional) {
            *name = format!("[{name}]");
        }
        if let (true, Some(last)) = (self.variadic, names.last_mut()) {
            last.push_str("...");
        }
        format!("{}({})", self.name, names.join(", "))
    }

    /// Arguments of a call that has a result, as they are written.
    pub fn example(&self) -> &'static [&'static str] {
        let found = examples::ALL.iter().find(|(name, _)| *name == self.name);
        found.map_or(&[], |(_, args)| *args)
    }

    /// The message for a wrong number of arguments.
    pub(crate) fn wrong_count(&self, given: usize, span: Span) -> Option<Diagnostic> {
        let most = self.parameters.len();
        let least = most - self.optional - usize::from(self.variadic);
        if given >= least && (self.variadic || given <= most) {
            return None;
        }
        let d = Diagnostic::error(
            codes::ARGUMENT_COUNT,
            "Wrong number of arguments",
            format!("`{}` is used with {given} arguments.", self.name),
        );
        Some(d.at(span, "").with_help(format!("It is written `{}`.", self.signature())))
    }

    fn parameter(&self, i: usize) -> Option<&Parameter> {
        self.parameters.get(i).or(if self.variadic { self.parameters.last() } else { None })
    }

    /// Applies it: converts the arguments, keeps unknowns unknown and marks on.
    pub(crate) fn call(&self, args: Vec<Value>) -> Outcome {
        if self.care == Care::Own {
            return (self.run)(&args);
        }
        let mut marked = false;
        let mut plain = Vec::with_capacity(args.len());
        for arg in args {
            let (arg, had) = match self.care {
                Care::Deep => arg.exposed(),
                _ => unmark(arg),
            };
            marked |= had;
            plain.push(arg);
        }
        let mut unknown = false;
        let mut fitted = Vec::with_capacity(plain.len());
        for (i, arg) in plain.into_iter().enumerate() {
            let kind = self.parameter(i).map_or(Kind::Any, |p| p.kind);
            let arg = fit(arg, kind, i, marked)?;
            unknown |= match self.care {
                Care::Deep => !arg.is_known(),
                _ => matches!(arg, Value::Unknown(_)),
            };
            fitted.push(arg);
        }
        if unknown {
            // Parts with marks of their own may be in the result that is not known yet.
            let marked = marked || fitted.iter().any(Value::has_sensitive);
            return Ok(mark(Value::Unknown(self.result()), marked));
        }
        match (self.run)(&fitted).and_then(bounded) {
            Ok(value) => Ok(mark(value, marked)),
            Err(failed) if marked => Err(Failed {
                // The words of the reason may show what is sensitive.
                why: "an argument does not fit, and it is sensitive, so it is not shown".into(),
                ..failed
            }),
            Err(failed) => Err(failed),
        }
    }
}

/// Refuses what grows without bounds, such as a list joined with itself again and again.
fn bounded(value: Value) -> Outcome {
    use crate::eval::{LARGEST, MOST_ITEMS};
    match &value {
        Value::String(text) if text.len() > LARGEST => {
            fail(None, format!("the result is longer than {LARGEST} bytes"))
        }
        Value::List(items) if items.len() > MOST_ITEMS => {
            fail(None, format!("the result has more than {MOST_ITEMS} items"))
        }
        _ => Ok(value),
    }
}

/// The argument as the parameter wants it.
fn fit(arg: Value, kind: Kind, i: usize, hidden: bool) -> Outcome {
    if arg.is_null() {
        return match kind {
            Kind::Nullable => Ok(arg),
            _ => fail(i, "the argument is null"),
        };
    }
    let ty = match kind {
        Kind::Any | Kind::Nullable => return Ok(arg),
        Kind::Bool => Type::Bool,
        Kind::Number => Type::Number,
        Kind::String => Type::String,
        Kind::Strings => Type::list(Type::String),
        Kind::Numbers => Type::list(Type::Number),
        Kind::Bools => Type::list(Type::Bool),
        Kind::List => Type::list(Type::Any),
        Kind::Map => Type::map(Type::Any),
        Kind::Collection => match arg {
            Value::List(_) | Value::Map(_) | Value::Unknown(_) => return Ok(arg),
            other => {
                let why =
                    format!("a list or an object is needed, and this is {}", text::article(&other));
                return fail(i, why);
            }
        },
    };
    if let Value::Unknown(from) = &arg {
        if !can_be(from, &ty) {
            return fail(i, format!("{ty} is needed, and this will be {from}"));
        }
        if matches!(kind, Kind::List | Kind::Map) {
            return Ok(arg);
        }
    }
    values::conform(&arg, &ty).or_else(|mismatches| {
        let first = mismatches.into_iter().next();
        let why = match first {
            Some(m) if m.path.steps().is_empty() => m.why,
            Some(m) if !hidden => format!("at {}: {}", m.path, m.why),
            _ => "the argument does not fit".to_owned(),
        };
        fail(i, why)
    })
}

// Short forms for the tables ---------------------------------------------------------------

fn p(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind }
}

fn deep<const N: usize>(
    name: &'static str,
    parameters: [Parameter; N],
    gives: &'static str,
    doc: &'static str,
    run: Run,
) -> FunctionInfo {
    let parameters = Vec::from(parameters);
    FunctionInfo {
        name,
        parameters,
        variadic: false,
        gives,
        doc,
        optional: 0,
        care: Care::Deep,
        run,
    }
}

fn shallow<const N: usize>(
    name: &'static str,
    parameters: [Parameter; N],
    gives: &'static str,
    doc: &'static str,
    run: Run,
) -> FunctionInfo {
    FunctionInfo { care: Care::Shallow, ..deep(name, parameters, gives, doc, run) }
}

fn own<const N: usize>(
    name: &'static str,
    parameters: [Parameter; N],
    gives: &'static str,
    doc: &'static str,
    run: Run,
) -> FunctionInfo {
    FunctionInfo { care: Care::Own, ..deep(name, parameters, gives, doc, run) }
}

impl FunctionInfo {
    fn variadic(self) -> Self {
        Self { variadic: true, ..self }
    }

    fn optional(self, optional: usize) -> Self {
        Self { optional, ..self }
    }
}

/// The text of an argument that was fitted to `string`.
fn str_at(args: &[Value], i: usize) -> &str {
    args.get(i).and_then(Value::as_str).unwrap_or_default()
}

/// The items of an argument that was fitted to a list.
fn list_at(args: &[Value], i: usize) -> &[Value] {
    args.get(i).and_then(Value::as_list).unwrap_or_default()
}

/// The number of an argument as a whole number.
fn int_at(args: &[Value], i: usize) -> Result<i64, Failed> {
    match args.get(i).and_then(Value::as_number) {
        Some(n) => match n.as_i64() {
            Some(n) => Ok(n),
            None if n.is_integer() => fail(i, format!("{n} is too large")),
            None => fail(i, format!("a whole number is needed, and this is {n}")),
        },
        None => fail(i, "a whole number is needed"),
    }
}

/// What a function gives that compares: -1, 0 or 1.
fn compared(order: std::cmp::Ordering) -> Value {
    Value::from(match order {
        std::cmp::Ordering::Less => -1,
        std::cmp::Ordering::Equal => 0,
        std::cmp::Ordering::Greater => 1,
    })
}

/// A length or position as a value.
fn count(n: usize) -> Value {
    Value::from(i64::try_from(n).unwrap_or(i64::MAX))
}
