//! Everything that an expression can name, with the values found so far.

use crate::Schemas;
use crate::graph::{ModuleRefs, ResourceKey};
use crate::place::Written;
use crate::references::{Meaning, Step, Target, meaning};
use crate::{References, codes, text};
use addrs::{Ident, InstanceKey, ModuleInstance, ModulePath};
use config::{Config, Expr, Module, ModuleCall, Resource};
use diags::{Diagnostic, Diagnostics, Span, did_you_mean};
use litemap::LiteMap;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use values::{Map, Schema, Type, Value};

/// A value that was computed once.
#[derive(Debug, Clone)]
pub(crate) struct Memo {
    pub(crate) value: Value,
    /// Whether computing it failed; then the value is unknown and the reason is told already.
    pub(crate) failed: bool,
}

/// What `each` and `count` are.
#[derive(Debug, Clone, Default)]
pub(crate) enum Repetition {
    #[default]
    Once,
    Count(u64),
    Each(Arc<str>, Value),
}

/// The instances of a resource or of a module call.
#[derive(Debug, Clone)]
pub(crate) enum Expansion {
    Once,
    /// None, and it would have no key: `enabled` is false.
    Off,
    Count(u64),
    Each(Arc<Map>),
    /// Not to be had: known only after apply, or wrong. The diagnostics are told once.
    None,
}

impl Expansion {
    pub(crate) fn keys(&self) -> Vec<InstanceKey> {
        match self {
            Self::Once => vec![InstanceKey::None],
            Self::Count(n) => (0..*n).map(InstanceKey::Index).collect(),
            Self::Each(map) => map.keys().cloned().map(InstanceKey::Key).collect(),
            Self::Off | Self::None => Vec::new(),
        }
    }

    /// What `each` and `count` are for one instance; `None` when there is no such instance.
    pub(crate) fn repetition(&self, key: &InstanceKey) -> Option<Repetition> {
        match (self, key) {
            (Self::Once, InstanceKey::None) => Some(Repetition::Once),
            (Self::Count(n), InstanceKey::Index(i)) if i < n => Some(Repetition::Count(*i)),
            (Self::Each(map), InstanceKey::Key(key)) => {
                map.get(key).map(|v| Repetition::Each(key.clone(), v.clone()))
            }
            _ => None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct CallState {
    pub(crate) expansion: Expansion,
    pub(crate) children: BTreeMap<InstanceKey, usize>,
    /// Why there is no expansion, until it is told.
    pub(crate) untold: Diagnostics,
}

#[derive(Debug)]
pub(crate) struct ResourceState<'a> {
    pub(crate) block: &'a Resource,
    pub(crate) expansion: Option<Expansion>,
    pub(crate) untold: Diagnostics,
    /// Nearly always one; a tree of its own would cost more than the value.
    pub(crate) values: LiteMap<InstanceKey, Value>,
    /// Whether anything has asked for an instance since its result was last told.
    pub(crate) read: AtomicBool,
    /// All instances as one value, built when it is first asked for.
    pub(crate) whole: OnceLock<Value>,
}

/// One instance of a module.
#[derive(Debug)]
pub(crate) struct ModuleState<'a> {
    pub(crate) instance: ModuleInstance,
    pub(crate) path: ModulePath,
    pub(crate) module: &'a Module,
    pub(crate) refs: &'a ModuleRefs,
    pub(crate) parent: Option<(usize, &'a ModuleCall)>,
    pub(crate) repetition: Repetition,
    pub(crate) variables: BTreeMap<Ident, Memo>,
    pub(crate) locals: BTreeMap<Ident, Memo>,
    pub(crate) outputs: BTreeMap<Ident, Memo>,
    pub(crate) calls: BTreeMap<Ident, CallState>,
    pub(crate) resources: BTreeMap<ResourceKey, ResourceState<'a>>,
}

/// Everything that an expression can name.
pub(crate) struct Names<'a> {
    pub(crate) config: &'a Config,
    pub(crate) schemas: &'a dyn Schemas,
    pub(crate) references: &'a References,
    pub(crate) cwd: String,
    /// How many expressions were evaluated since somebody asked for something.
    pub(crate) spent: Cell<u64>,
    /// Variables of the root that have their defaults.
    pub(crate) defaulted: BTreeSet<Ident>,
    pub(crate) modules: Vec<ModuleState<'a>>,
    pub(crate) index: BTreeMap<ModuleInstance, usize>,
    /// Files to read, while it is found out which ones are meant.
    pub(crate) wishes: Option<super::files::Wishes>,
    /// Results that were told before the calls on the way to their module were expanded.
    pub(crate) early: BTreeMap<ModuleInstance, Vec<(ResourceKey, InstanceKey, Value)>>,
}

/// What a reference came to, and how many of its steps that took.
pub(crate) type Resolved = Result<(Value, usize, bool), Box<Diagnostic>>;

impl Names<'_> {
    pub(crate) fn written(&self) -> Written<'_> {
        Written { config: self.config, defaulted: &self.defaulted, each: None }
    }

    fn schema(&self, key: &ResourceKey) -> Option<&Schema> {
        match key.0 {
            addrs::Mode::Managed => self.schemas.resource(key.1.as_str()),
            addrs::Mode::Data => self.schemas.data(key.1.as_str()),
        }
    }

    /// The value of an instance that nobody has told yet: every attribute of its type,
    /// unknown.
    fn unknown_instance(&self, key: &ResourceKey) -> Value {
        let Some(schema) = self.schema(key) else { return Value::Unknown(Type::Any) };
        Value::map(schema.attrs.iter().map(|attr| {
            let value = Value::Unknown(attr.ty.clone());
            (attr.name, if attr.sensitive { value.into_sensitive() } else { value })
        }))
    }

    fn instance(&self, state: &ResourceState<'_>, of: &ResourceKey, key: &InstanceKey) -> Value {
        state.read.store(true, Ordering::Relaxed);
        state.values.get(key).cloned().unwrap_or_else(|| self.unknown_instance(of))
    }

    fn whole(&self, state: &ResourceState<'_>, of: &ResourceKey) -> Value {
        let build = || match &state.expansion {
            Some(Expansion::Once) => self.instance(state, of, &InstanceKey::None),
            Some(Expansion::Count(n)) => {
                Value::list((0..*n).map(|i| self.instance(state, of, &InstanceKey::Index(i))))
            }
            Some(Expansion::Each(map)) => Value::map(
                map.keys()
                    .map(|k| (k.clone(), self.instance(state, of, &InstanceKey::Key(k.clone())))),
            ),
            Some(Expansion::Off) => Value::Null,
            Some(Expansion::None) | None => Value::Unknown(Type::Any),
        };
        state.whole.get_or_init(build).clone()
    }

    /// Follows a reference as far as declared names go. `index` evaluates an index and says
    /// whether that was possible.
    pub(crate) fn resolve(
        &self,
        module: usize,
        repetition: &Repetition,
        root: &Ident,
        steps: &[Step<'_>],
        whole: Span,
        index: &mut dyn FnMut(&Expr) -> Value,
    ) -> Resolved {
        let here = &self.modules[module];
        let known = |memo: Option<&Memo>| match memo {
            Some(memo) => (memo.value.clone(), memo.failed),
            // Only in a cycle, which the analysis reports.
            None => (Value::Unknown(Type::Any), true),
        };
        match meaning(root, steps) {
            Meaning::Target(Target::Variable(name), used) => {
                let declared = &here.module.variables;
                if !declared.contains_key(&name) {
                    let d = undeclared("variable", "var.", &name, declared.keys(), whole);
                    return Err(Box::new(d));
                }
                let (value, failed) = known(here.variables.get(&name));
                Ok((value, used, failed))
            }
            Meaning::Target(Target::Local(name), used) => {
                let declared = &here.module.locals;
                if !declared.contains_key(&name) {
                    let d = undeclared("local value", "local.", &name, declared.keys(), whole);
                    return Err(Box::new(d));
                }
                let (value, failed) = known(here.locals.get(&name));
                Ok((value, used, failed))
            }
            Meaning::Target(Target::Module(name, _), used) => {
                let Some(call) = here.module.calls.get(&name) else {
                    let declared = here.module.calls.keys();
                    let d = undeclared("module", "module.", &name, declared, whole);
                    return Err(Box::new(d));
                };
                match here.calls.get(&call.name) {
                    Some(state) => self.call(state, call, steps, used, whole, index),
                    None => Ok((Value::Unknown(Type::Any), steps.len(), true)),
                }
            }
            Meaning::Target(Target::Resource(mode, ty, name), used) => {
                let key = (mode, ty, name);
                let Some(state) = here.resources.get(&key) else {
                    return Err(Box::new(undeclared_resource(here, &key, whole)));
                };
                self.resource(state, &key, steps, used, whole, index)
            }
            Meaning::Each(name) => match (repetition, name.as_str()) {
                (Repetition::Each(key, _), "key") => Ok((Value::String(key.clone()), 1, false)),
                (Repetition::Each(_, value), "value") => Ok((value.clone(), 1, false)),
                (Repetition::Each(..), _) => Err(Box::new(
                    Diagnostic::error(
                        codes::BAD_REFERENCE,
                        "Invalid reference",
                        format!("`each` has `key` and `value`, and no `{name}`."),
                    )
                    .at(whole, ""),
                )),
                _ => Err(Box::new(not_repeated("each", "for_each", whole))),
            },
            Meaning::Count(name) => match (repetition, name.as_str()) {
                (Repetition::Count(i), "index") => Ok((integer(*i), 1, false)),
                (Repetition::Count(_), _) => Err(Box::new(
                    Diagnostic::error(
                        codes::BAD_REFERENCE,
                        "Invalid reference",
                        format!("`count` has `index`, and no `{name}`."),
                    )
                    .at(whole, ""),
                )),
                _ => Err(Box::new(not_repeated("count", "count", whole))),
            },
            Meaning::Path(name) => {
                let text = match name.as_str() {
                    "module" => here.module.dir.as_str(),
                    "root" => self.modules[0].module.dir.as_str(),
                    "cwd" => self.cwd.as_str(),
                    _ => {
                        let meant = did_you_mean(name.as_str(), ["module", "root", "cwd"]);
                        return Err(Box::new(with_meant(
                            Diagnostic::error(
                                codes::BAD_REFERENCE,
                                "Invalid reference",
                                format!("`path` has `module`, `root` and `cwd`, and no `{name}`."),
                            )
                            .at(whole, ""),
                            meant.map(|m| format!("path.{m}")),
                        )));
                    }
                };
                Ok((Value::from(text), 1, false))
            }
            Meaning::Nothing(why) => Err(Box::new(bad_reference(here, root, &why, whole))),
        }
    }

    fn resource(
        &self,
        state: &ResourceState<'_>,
        of: &ResourceKey,
        steps: &[Step<'_>],
        used: usize,
        whole: Span,
        index: &mut dyn FnMut(&Expr) -> Value,
    ) -> Resolved {
        let unknown = |failed| Ok((Value::Unknown(Type::Any), steps.len(), failed));
        let name = || {
            let data = if of.0 == addrs::Mode::Data { "data." } else { "" };
            format!("{data}{}.{}", of.1, of.2)
        };
        match (&state.expansion, steps.get(used)) {
            (None | Some(Expansion::None), _) => unknown(true),
            (Some(Expansion::Off), Some(_)) => Err(Box::new(not_enabled(&name(), whole))),
            (Some(Expansion::Once), Some(Step::Index(i))) => Err(Box::new(
                Diagnostic::error(
                    codes::BAD_INDEX,
                    "Invalid index",
                    format!(
                        "`{}` has neither `count` nor `for_each`, so it is one object and has \
                         no instances to choose from.",
                        name()
                    ),
                )
                .at(i.span, ""),
            )),
            (Some(Expansion::Once), _) => {
                Ok((self.instance(state, of, &InstanceKey::None), used, false))
            }
            (Some(expansion), Some(Step::Index(i))) => {
                match instance_key(expansion, index(i), &name(), i.span)? {
                    None => unknown(false),
                    Some((key, marked)) => {
                        let value = self.instance(state, of, &key);
                        Ok((super::marks::mark(value, marked), used + 1, false))
                    }
                }
            }
            (Some(expansion), Some(Step::Attr(attr, _))) => {
                Err(Box::new(needs_index(expansion, &name(), attr, whole)))
            }
            (Some(_), None) => Ok((self.whole(state, of), used, false)),
        }
    }

    fn call(
        &self,
        state: &CallState,
        call: &ModuleCall,
        steps: &[Step<'_>],
        used: usize,
        whole: Span,
        index: &mut dyn FnMut(&Expr) -> Value,
    ) -> Resolved {
        let name = format!("module.{}", call.name);
        match (&state.expansion, steps.get(used)) {
            (Expansion::None, _) => Ok((Value::Unknown(Type::Any), steps.len(), true)),
            (Expansion::Off, Some(_)) => Err(Box::new(not_enabled(&name, whole))),
            (Expansion::Off, None) => Ok((Value::Null, used, false)),
            (Expansion::Once, Some(Step::Index(i))) => Err(Box::new(
                Diagnostic::error(
                    codes::BAD_INDEX,
                    "Invalid index",
                    format!("`{name}` has neither `count` nor `for_each`, so it has no instances."),
                )
                .at(i.span, ""),
            )),
            (Expansion::Once, Some(Step::Attr(output, span))) => {
                let child = state.children.get(&InstanceKey::None);
                self.output(child, &name, output, *span, used + 1)
            }
            (Expansion::Once, None) => {
                let child = state.children.get(&InstanceKey::None);
                Ok((self.outputs_of(child), used, false))
            }
            (expansion, Some(Step::Index(i))) => {
                let Some((key, marked)) = instance_key(expansion, index(i), &name, i.span)? else {
                    return Ok((Value::Unknown(Type::Any), steps.len(), false));
                };
                let child = state.children.get(&key);
                let (value, used, failed) = match steps.get(used + 1) {
                    Some(Step::Attr(output, span)) => {
                        self.output(child, &name, output, *span, used + 2)?
                    }
                    _ => (self.outputs_of(child), used + 1, false),
                };
                Ok((super::marks::mark(value, marked), used, failed))
            }
            (expansion, Some(Step::Attr(attr, _))) => {
                Err(Box::new(needs_index(expansion, &name, attr, whole)))
            }
            (Expansion::Count(_), None) => Ok((
                Value::list(state.children.values().map(|c| self.outputs_of(Some(c)))),
                used,
                false,
            )),
            (Expansion::Each(_), None) => {
                let entries = state.children.iter().filter_map(|(key, child)| match key {
                    InstanceKey::Key(key) => Some((key.clone(), self.outputs_of(Some(child)))),
                    InstanceKey::None | InstanceKey::Index(_) => None,
                });
                Ok((Value::map(entries), used, false))
            }
        }
    }

    fn outputs_of(&self, child: Option<&usize>) -> Value {
        let Some(child) = child.map(|c| &self.modules[*c]) else {
            return Value::Unknown(Type::Any);
        };
        Value::map(child.module.outputs.keys().map(|name| {
            let value = child.outputs.get(name).map(|m| m.value.clone());
            (name.as_str(), value.unwrap_or(Value::Unknown(Type::Any)))
        }))
    }

    fn output(
        &self,
        child: Option<&usize>,
        call: &str,
        name: &Ident,
        span: Span,
        used: usize,
    ) -> Resolved {
        let Some(child) = child.map(|c| &self.modules[*c]) else {
            return Ok((Value::Unknown(Type::Any), used, true));
        };
        if !child.module.outputs.contains_key(name) {
            let prefix = format!("{call}.");
            let declared = child.module.outputs.keys();
            return Err(Box::new(undeclared("output", &prefix, name, declared, span)));
        }
        match child.outputs.get(name) {
            Some(memo) => Ok((memo.value.clone(), used, memo.failed)),
            None => Ok((Value::Unknown(Type::Any), used, true)),
        }
    }
}

/// A number of instances as a value; what does not fit cannot be counted either.
pub(crate) fn integer(n: u64) -> Value {
    Value::from(i64::try_from(n).unwrap_or(i64::MAX))
}

/// The key that an index names, and whether the index was sensitive; `None` when unknown.
pub(crate) fn instance_key(
    expansion: &Expansion,
    index: Value,
    name: &str,
    span: Span,
) -> Result<Option<(InstanceKey, bool)>, Box<Diagnostic>> {
    let (index, marked) = super::marks::unmark(index);
    let bad = |why: String| {
        Box::new(Diagnostic::error(codes::BAD_INDEX, "Invalid index", why).at(span, ""))
    };
    let shown = if marked { "this key".to_owned() } else { format!("`{}`", text::short(&index)) };
    let wanted = match expansion {
        Expansion::Count(_) => Type::Number,
        _ => Type::String,
    };
    if matches!(index, Value::Unknown(_)) {
        return Ok(None);
    }
    let fitted = values::conform(&index, &wanted)
        .map_err(|_| bad(format!("{shown} cannot choose an instance of `{name}`.")))?;
    match (expansion, fitted) {
        (_, Value::Null) => Err(bad(format!("null cannot choose an instance of `{name}`."))),
        (Expansion::Count(n), Value::Number(i)) => {
            match i.as_i64().and_then(|i| u64::try_from(i).ok()) {
                Some(i) if i < *n => Ok(Some((InstanceKey::Index(i), marked))),
                _ => Err(bad(format!("`{name}` has {n} instances, and {shown} is none of them."))),
            }
        }
        (Expansion::Each(map), Value::String(key)) => {
            if map.contains_key(&key) {
                return Ok(Some((InstanceKey::Key(key), marked)));
            }
            let keys = text::listed(map.keys().map(|k| &**k));
            let d = bad(format!("`{name}` has no instance {shown}; there are {keys}."));
            let meant = did_you_mean(&key, map.keys().map(|k| &**k));
            Err(Box::new(with_meant(*d, meant.map(|m| format!("{name}[{m:?}]")))))
        }
        _ => Ok(None),
    }
}

fn needs_index(expansion: &Expansion, name: &str, attr: &Ident, whole: Span) -> Diagnostic {
    let (argument, example) = match expansion {
        Expansion::Count(_) => ("count", "count.index"),
        _ => ("for_each", "each.key"),
    };
    Diagnostic::error(
        codes::BAD_REFERENCE,
        "Reference to many instances as one",
        format!("`{name}` has `{argument}`, so it is many; only one of them has `{attr}`."),
    )
    .at(whole, "")
    .with_help(format!(
        "Choose one, as in `{name}[{example}].{attr}`, or take all, as in `{}`.",
        if argument == "count" {
            format!("{name}[*].{attr}")
        } else {
            format!("{{ for key, one in {name} : key => one.{attr} }}")
        }
    ))
}

/// A part of what is not there, because `enabled` is false.
fn not_enabled(name: &str, whole: Span) -> Diagnostic {
    let detail = format!("`{name}` is not enabled, so it is null and has no parts.");
    let help = format!(
        "Ask first, as in `{name} == null ? ... : ...`, or give something instead with `try(...)`."
    );
    Diagnostic::error(codes::NULL, "Reference to what is not enabled", detail)
        .at(whole, "")
        .with_help(help)
}

pub(crate) fn with_meant(d: Diagnostic, meant: Option<String>) -> Diagnostic {
    match meant {
        Some(meant) => d.with_help(format!("Did you mean `{meant}`?")),
        None => d,
    }
}

/// A reference to something that is not declared.
pub(crate) fn undeclared<'n>(
    what: &str,
    prefix: &str,
    name: &Ident,
    declared: impl Iterator<Item = &'n Ident>,
    span: Span,
) -> Diagnostic {
    let d = Diagnostic::error(
        codes::UNDECLARED,
        "Reference to something undeclared",
        format!("There is no {what} `{name}` in this module."),
    )
    .at(span, "");
    match did_you_mean(name.as_str(), declared.map(Ident::as_str)) {
        Some(meant) => with_meant(d, Some(format!("{prefix}{meant}"))),
        None if what == "variable" => {
            d.with_help(format!("Declare it with `variable \"{name}\" {{}}`."))
        }
        None => d,
    }
}

/// A reference to a resource or data source that is not declared.
pub(crate) fn undeclared_resource(
    here: &ModuleState<'_>,
    key: &ResourceKey,
    span: Span,
) -> Diagnostic {
    undeclared_resource_in(here.module, key, span)
}

/// As [`undeclared_resource`], for a module that has no instances yet.
pub(crate) fn undeclared_resource_in(module: &Module, key: &ResourceKey, span: Span) -> Diagnostic {
    let print = |mode: addrs::Mode, ty: &Ident, name: &Ident| {
        let data = if mode == addrs::Mode::Data { "data." } else { "" };
        format!("{data}{ty}.{name}")
    };
    let wanted = print(key.0, &key.1, &key.2);
    let what = if key.0 == addrs::Mode::Data { "data source" } else { "resource" };
    let d = Diagnostic::error(
        codes::UNDECLARED,
        "Reference to something undeclared",
        format!("There is no {what} `{wanted}` in this module."),
    )
    .at(span, "");
    let names: Vec<String> =
        module.resources.values().map(|r| print(r.addr.mode, &r.addr.ty, &r.addr.name)).collect();
    // The other mode under the same name is a likelier slip than a similar spelling.
    let other = match key.0 {
        addrs::Mode::Data => print(addrs::Mode::Managed, &key.1, &key.2),
        addrs::Mode::Managed => print(addrs::Mode::Data, &key.1, &key.2),
    };
    if names.contains(&other) {
        return with_meant(d, Some(other));
    }
    let meant = did_you_mean(&wanted, names.iter().map(String::as_str)).map(str::to_owned);
    with_meant(d, meant)
}

/// `each` or `count` where nothing repeats that way.
pub(crate) fn not_repeated(root: &str, argument: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        codes::NOT_REPEATED,
        "Reference outside a repetition",
        format!("`{root}` has a meaning only in a block that has `{argument}`."),
    )
    .at(span, "")
}

/// A sentence that may start with a name in backquotes or a small letter.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// A root name that means nothing.
fn bad_reference(here: &ModuleState<'_>, root: &Ident, why: &str, whole: Span) -> Diagnostic {
    let d = Diagnostic::error(codes::BAD_REFERENCE, "Invalid reference", capital(why));
    let meant = if here.module.variables.contains_key(root) {
        Some(format!("var.{root}"))
    } else if here.module.locals.contains_key(root) {
        Some(format!("local.{root}"))
    } else {
        match root.as_str() {
            "True" | "TRUE" => Some("true".to_owned()),
            "False" | "FALSE" => Some("false".to_owned()),
            "nil" | "None" | "NULL" => Some("null".to_owned()),
            _ => None,
        }
    };
    with_meant(d.at(whole, ""), meant)
}
