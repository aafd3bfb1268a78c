//! Calls of functions that read files: the texts come from the configuration.

use super::expr::Eval;
use super::marks::{mark, unmark};
use super::scope::Scope;
use crate::functions::FunctionInfo;
use crate::references::{Found, walk};
use crate::{codes, text};
use base64::Engine;
use config::{Expr, TextFile};
use diags::{Diagnostic, SourceMap, Span};
use sha2::{Digest, Sha256, Sha512};
use std::collections::BTreeMap;
use std::sync::Arc;
use values::{Map, Type, Value};

/// Something to read with the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// A file of this name.
    File(String),
    /// The same as a template.
    Template(String),
    /// The files that a pattern means.
    Set(String),
}

/// What is asked for and not read yet, each with its place.
pub(crate) type Wishes = std::cell::RefCell<BTreeMap<Wanted, Span>>;

/// A call.
struct Call<'c> {
    function: &'c FunctionInfo,
    expr: &'c Expr,
    args: &'c [Expr],
}

impl Eval<'_, '_> {
    pub(super) fn call_file(
        &mut self,
        function: &FunctionInfo,
        expr: &Expr,
        args: &[Expr],
        values: Vec<Value>,
        scope: &Scope<'_>,
    ) -> Value {
        let call = Call { function, expr, args };
        let mut values = values.into_iter();
        let (first, marked) = unmark(values.next().unwrap_or(Value::Null));
        let second = values.next();
        let unknown = || {
            let marked = marked || second.as_ref().is_some_and(Value::has_sensitive);
            mark(Value::Unknown(function.result()), marked)
        };
        let first = match values::conform(&first, &Type::String) {
            Ok(Value::String(first)) => first,
            Ok(Value::Unknown(_)) => return unknown(),
            Ok(_) | Err(_) => {
                let why = format!("a string is needed, and this is {}", text::article(&first));
                return self.refuse(&call, 0, &why, None, scope);
            }
        };
        let value = match (function.name, second) {
            ("templatestring", Some(vars)) => self.template_string(&call, &first, vars, scope),
            ("templatefile", Some(vars)) => self.template_file(&call, &first, vars, scope),
            ("fileset", Some(pattern)) => self.file_set(&call, &first, pattern, scope),
            _ => self.content(&call, &first, scope),
        };
        mark(value, marked)
    }

    fn refuse(
        &mut self,
        call: &Call<'_>,
        arg: usize,
        why: &str,
        help: Option<&str>,
        scope: &Scope<'_>,
    ) -> Value {
        let detail = format!("`{}`: {why}.", call.function.name);
        let at = call.args.get(arg).unwrap_or(call.expr);
        let d = Diagnostic::error(codes::FUNCTION_FAILED, "Function cannot be applied", detail)
            .at(at.span, "");
        let d = if let Some(help) = help { d.with_help(help) } else { d };
        self.fail(d, &[at], scope)
    }

    /// Asks for what is not read yet, or says that it is too late for that.
    fn wish(&mut self, call: &Call<'_>, wanted: Wanted, scope: &Scope<'_>) -> Value {
        let at = call.args.first().unwrap_or(call.expr);
        if let Some(wishes) = &self.names.wishes {
            wishes.borrow_mut().entry(wanted).or_insert(at.span);
            self.poisoned = true;
            return Value::Unknown(call.function.result());
        }
        let why = "Files are read with the configuration, before anything is planned, and by then \
                   it is not known which ones are meant here.";
        let d = Diagnostic::error(codes::LATE_FILES, "Files not known in time", why)
            .at(at.span, "")
            .with_help("Name them by text, variables of the root module and locals.");
        self.fail(d, &[at], scope)
    }

    /// The text of a file; else the value that stands for it.
    fn text_of(
        &mut self,
        call: &Call<'_>,
        path: &str,
        scope: &Scope<'_>,
    ) -> Result<(String, Option<Arc<str>>), Value> {
        let config = self.names.config;
        let name = config::file_name(config, path).map_err(|why| {
            self.refuse(call, 0, &format!("`{}`: {why}", text::short_str(path)), None, scope)
        })?;
        match config.files.get(&name) {
            None => Err(self.wish(call, Wanted::File(name), scope)),
            Some(TextFile::Absent) => Ok((name, None)),
            Some(TextFile::Unreadable) => {
                // Why is told where it was read.
                self.errors += 1;
                Err(Value::Unknown(call.function.result()))
            }
            Some(TextFile::Text(_, text)) => Ok((name, Some(text.clone()))),
        }
    }

    fn content(&mut self, call: &Call<'_>, path: &str, scope: &Scope<'_>) -> Value {
        let (name, found) = match self.text_of(call, path, scope) {
            Ok(found) => found,
            Err(value) => return value,
        };
        if call.function.name == "fileexists" {
            return Value::Bool(found.is_some());
        }
        let Some(text) = found else { return self.absent(call, &name, scope) };
        let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
        match call.function.name {
            "filebase64" => base64(text.as_bytes()).into(),
            "filemd5" => crate::functions::hex(&md5::Md5::digest(text.as_bytes())).into(),
            "filesha1" => crate::functions::hex(&sha1::Sha1::digest(text.as_bytes())).into(),
            "filesha256" => crate::functions::hex(&Sha256::digest(text.as_bytes())).into(),
            "filesha512" => crate::functions::hex(&Sha512::digest(text.as_bytes())).into(),
            "filebase64sha256" => base64(&Sha256::digest(text.as_bytes())).into(),
            "filebase64sha512" => base64(&Sha512::digest(text.as_bytes())).into(),
            _ => Value::String(text),
        }
    }

    fn absent(&mut self, call: &Call<'_>, name: &str, scope: &Scope<'_>) -> Value {
        let why = format!("there is no file `{}`", text::short_str(name));
        let help = "Names are relative to the root module; in a module write \
                    `${path.module}/...`.";
        self.refuse(call, 0, &why, Some(help), scope)
    }

    fn file_set(
        &mut self,
        call: &Call<'_>,
        folder: &str,
        pattern: Value,
        scope: &Scope<'_>,
    ) -> Value {
        let (pattern, marked) = unmark(pattern);
        let pattern = match values::conform(&pattern, &Type::String) {
            Ok(Value::String(pattern)) => pattern,
            Ok(Value::Unknown(_)) => return mark(Value::Unknown(call.function.result()), marked),
            Ok(_) | Err(_) => {
                let why = format!("a string is needed, and this is {}", text::article(&pattern));
                return self.refuse(call, 1, &why, None, scope);
            }
        };
        let (whole, inner) = match config::file_pattern(self.names.config, folder, &pattern) {
            Ok(found) => found,
            Err(why) => return self.refuse(call, 1, &why, None, scope),
        };
        let value = match self.names.config.file_sets.get(&whole) {
            None => self.wish(call, Wanted::Set(whole), scope),
            Some(None) => {
                self.errors += 1;
                Value::Unknown(call.function.result())
            }
            Some(Some(names)) => {
                let names = names.iter().map(|name| name.strip_prefix(&inner).unwrap_or(name));
                Value::list(names.map(Value::from))
            }
        };
        mark(value, marked)
    }

    fn template_file(
        &mut self,
        call: &Call<'_>,
        path: &str,
        vars: Value,
        scope: &Scope<'_>,
    ) -> Value {
        let name = match self.text_of(call, path, scope) {
            Ok((name, Some(_))) => name,
            Ok((name, None)) => return self.absent(call, &name, scope),
            Err(value) => return value,
        };
        let config = self.names.config;
        match config.templates.get(&name) {
            None => self.wish(call, Wanted::Template(name), scope),
            Some(None) => {
                self.errors += 1;
                Value::Unknown(Type::Any)
            }
            Some(Some(template)) => self.rendered(call, template, vars, scope),
        }
    }

    fn template_string(
        &mut self,
        call: &Call<'_>,
        text: &str,
        vars: Value,
        scope: &Scope<'_>,
    ) -> Value {
        // The text stands in no file, so places in it would mislead; the reasons are kept.
        let mut nowhere = SourceMap::default();
        let template = match config::parse_template(&mut nowhere, "template", text) {
            Ok(template) => template,
            Err(problems) => {
                let first = problems.iter().next().map(|d| d.detail.clone()).unwrap_or_default();
                let why = format!("the text is no template: {}", first.trim_end_matches('.'));
                return self.refuse(call, 0, &why, None, scope);
            }
        };
        let mut inner = self.apart();
        let value = inner.rendered(call, &template, vars, scope);
        self.poisoned |= inner.poisoned;
        if inner.errors == 0 {
            return value;
        }
        let first = inner.diags.iter().next().map(|d| d.detail.clone()).unwrap_or_default();
        self.refuse(call, 0, first.trim_end_matches('.'), None, scope)
    }

    /// What a template gives with the names in `vars` and no others.
    fn rendered(
        &mut self,
        call: &Call<'_>,
        template: &Expr,
        vars: Value,
        scope: &Scope<'_>,
    ) -> Value {
        let (vars, marked) = unmark(vars);
        let map: Arc<Map> = match vars {
            Value::Map(map) => map,
            Value::Unknown(_) => return mark(Value::Unknown(Type::Any), marked),
            other => {
                let why = format!("an object is needed, and this is {}", text::article(&other));
                return self.refuse(call, 1, &why, None, scope);
            }
        };
        if let Some(d) = foreign(template, &map, call) {
            return self.fail(d, &[], scope);
        }
        let value = self.expr(template, &Scope::Vars { map: &map });
        mark(value, marked)
    }
}

/// The first name of a template that it was not given, or a template within it: one that names
/// itself would not end.
fn foreign(template: &Expr, vars: &Map, call: &Call<'_>) -> Option<Diagnostic> {
    let mut wrong = None;
    walk(template, &mut |found| {
        if wrong.is_some() {
            return;
        }
        match found {
            Found::Name { root, whole, .. } if !vars.contains_key(root.as_str()) => {
                let names = vars.keys().map(|name| &**name);
                let why = format!(
                    "The template names `{root}`, and its vars hold {}.",
                    text::listed(names.clone())
                );
                let d = Diagnostic::error(
                    codes::UNDECLARED,
                    "Name that the template is not given",
                    why,
                )
                .at(whole, "")
                .at(call.expr.span, "rendered here");
                wrong = Some(match diags::did_you_mean(root.as_str(), names) {
                    Some(meant) => d.with_help(format!("Did you mean `{meant}`?")),
                    None => d.with_help(format!("Add `{root} = ...` to its vars.")),
                });
            }
            Found::Call { name: name @ ("templatefile" | "templatestring"), name_span, .. } => {
                let why = format!("A template cannot use `{name}`: it might never end.");
                wrong = Some(
                    Diagnostic::error(codes::FUNCTION_FAILED, "Template within a template", why)
                        .at(name_span, "")
                        .at(call.expr.span, "rendered here")
                        .with_help(
                            "Render the inner one outside, and give its text as a variable.",
                        ),
                );
            }
            Found::Name { .. } | Found::Call { .. } => {}
        }
    });
    wrong
}
