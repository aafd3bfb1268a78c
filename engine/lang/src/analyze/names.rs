//! Every reference and call, followed without values.

use crate::eval::names::{not_repeated, undeclared, undeclared_resource_in};
use crate::references::{Found, Meaning, Step, Target, body_exprs, meaning, targets, walk};
use crate::{Schemas, codes, functions, text};
use addrs::{Ident, Mode, ModulePath, ResourceAddr};
use config::{Config, Expr, Module, ModuleCall, Repeat, Resource, Variable};
use diags::{Diagnostic, Diagnostics, Span, did_you_mean};
use std::collections::{BTreeMap, BTreeSet};

/// What may be used where an expression stands.
#[derive(Clone, Copy)]
struct Allowed {
    each: bool,
    count: bool,
    /// Results of resources and data.
    results: bool,
    own: Own,
}

/// Whether `self` means something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Own {
    Meant,
    Nothing,
}

const PLAIN: Allowed = Allowed { each: false, count: false, results: true, own: Own::Nothing };
const EARLY: Allowed = Allowed { each: false, count: false, results: false, own: Own::Nothing };
/// What is evaluated while modules are read; why instances have no say there is told by who does.
const BEFORE_ALL: Allowed = Allowed { each: true, count: true, ..EARLY };

fn within(repeat: &Repeat, results: bool) -> Allowed {
    Allowed {
        each: matches!(repeat, Repeat::ForEach(_)),
        count: matches!(repeat, Repeat::Count(_)),
        results,
        own: Own::Nothing,
    }
}

pub(super) fn check(
    config: &Config,
    schemas: &dyn Schemas,
    path: &ModulePath,
    module: &Module,
    told: &mut Diagnostics,
) {
    let mut here = Here { config, schemas, path, module, told, early_locals: None };
    for local in module.locals.values() {
        here.expr(&local.value, PLAIN);
    }
    for output in module.outputs.values() {
        here.expr(&output.value, PLAIN);
        here.conditions(&output.preconditions, PLAIN);
    }
    for variable in module.variables.values() {
        here.conditions(&variable.validations, PLAIN);
        here.validations(variable);
    }
    for check in module.checks.values() {
        here.conditions(&check.asserts, PLAIN);
    }
    for expr in crate::early::clinch_exprs(module) {
        here.expr(expr, BEFORE_ALL);
    }
    for cluster in module.clusters.values() {
        for expr in body_exprs(&cluster.body) {
            here.expr(expr, EARLY);
        }
    }
    for rollout in &module.rollouts {
        for expr in body_exprs(&rollout.body) {
            here.expr(expr, PLAIN);
        }
    }
    for import in &module.imports {
        let allowed = Allowed { each: import.for_each.is_some(), ..EARLY };
        if let Some(expr) = &import.for_each {
            here.expr(expr, EARLY);
        }
        for expr in import.keys.iter().map(|key| &key.value).chain(&import.id) {
            here.expr(expr, allowed);
        }
    }
    for resource in module.resources.values() {
        here.resource(resource);
    }
    for call in module.calls.values() {
        here.call(call);
    }
}

struct Here<'h> {
    config: &'h Config,
    schemas: &'h dyn Schemas,
    path: &'h ModulePath,
    module: &'h Module,
    told: &'h mut Diagnostics,
    /// Locals that need a result, found when they are first asked for.
    early_locals: Option<BTreeSet<Ident>>,
}

impl Here<'_> {
    fn resource(&mut self, resource: &Resource) {
        let allowed = within(&resource.repeat, true);
        for expr in body_exprs(&resource.body) {
            self.expr(expr, allowed);
        }
        for expr in crate::graph::early_exprs(resource.lifecycle()) {
            self.expr(expr, within(&resource.repeat, false));
        }
        for expr in &resource.lifecycle().replace_triggered_by {
            self.expr(expr, allowed);
        }
        self.conditions(&resource.lifecycle().preconditions, allowed);
        let own = Allowed { own: Own::Meant, ..allowed };
        self.conditions(&resource.lifecycle().postconditions, own);
        if let Some(expr) = crate::place::repeat(&resource.repeat) {
            self.expr(expr, PLAIN);
        }
        for expr in &resource.depends_on {
            self.expr(expr, PLAIN);
        }
        if let config::Ignore::Paths(paths) = &resource.lifecycle().ignore_changes {
            for (ignored, span) in paths {
                self.ignored(resource, ignored, *span);
            }
        }
    }

    fn conditions(&mut self, conditions: &[config::Condition], allowed: Allowed) {
        for condition in conditions {
            self.expr(&condition.condition, allowed);
            self.expr(&condition.error_message, allowed);
        }
    }

    /// A condition that does not look at the variable says nothing of it, and was mostly copied.
    fn validations(&mut self, variable: &Variable) {
        let of_it = Target::Variable(variable.name.clone());
        for validation in &variable.validations {
            let condition = &validation.condition;
            if targets([condition]).iter().any(|found| found.target == of_it) {
                continue;
            }
            let name = &variable.name;
            let detail = format!("The condition does not look at `var.{name}`, which it is about.");
            let d =
                Diagnostic::error(codes::BLIND_VALIDATION, "Validation of something else", detail);
            self.told.push(d.at(condition.span, "").with_help(format!(
                "Write `var.{name}` in it. What is not about one variable is a `precondition`, or a \
                 `check` block."
            )));
        }
    }

    fn ignored(&mut self, resource: &Resource, path: &values::Path, span: Span) {
        let schema = match resource.addr.mode {
            Mode::Managed => self.schemas.resource(resource.addr.ty.as_str()),
            Mode::Data => self.schemas.data(resource.addr.ty.as_str()),
        };
        let (Some(schema), Some(values::Step::Attr(name))) = (schema, path.steps().first()) else {
            return;
        };
        if schema.attr(name).is_some() {
            return;
        }
        let d = Diagnostic::error(
            codes::BAD_LIFECYCLE,
            "Unknown argument to ignore",
            format!(
                "`{}` has no argument `{name}`, so no change of it can be ignored.",
                resource.addr.ty
            ),
        );
        let meant = did_you_mean(name, schema.attrs.iter().map(|a| a.name));
        let d = d.at(span, "").for_address(&resource.addr);
        self.told.push(crate::eval::names::with_meant(d, meant.map(str::to_owned)));
    }

    fn call(&mut self, call: &ModuleCall) {
        self.expr(&call.source, BEFORE_ALL);
        let allowed = within(&call.repeat, true);
        for argument in call.arguments.values() {
            self.expr(&argument.value, allowed);
        }
        if let Some(expr) = crate::place::repeat(&call.repeat) {
            self.expr(expr, PLAIN);
        }
        for expr in &call.depends_on {
            self.expr(expr, PLAIN);
        }
        let mut inner = self.path.clone();
        inner.push(call.name.clone());
        // A module that could not be read is reported by the parser.
        let Some(module) = self.config.modules.get(&inner) else { return };
        // What a misspelt name means is not missing as well.
        let mut misspelt = BTreeSet::new();
        for (name, argument) in &call.arguments {
            if module.variables.contains_key(name) {
                continue;
            }
            let names = module.variables.keys().map(Ident::as_str);
            let d = Diagnostic::error(
                codes::UNKNOWN_ARGUMENT,
                "Unknown argument",
                format!("The module `{}` declares no variable `{name}`.", call.name),
            )
            .at(argument.span, "");
            self.told.push(match did_you_mean(name.as_str(), names.clone()) {
                Some(meant) => {
                    misspelt.insert(meant);
                    d.with_help(format!("Did you mean `{meant}`?"))
                }
                None => d.with_help(format!("It declares {}.", text::listed(names))),
            });
        }
        for variable in module.variables.values() {
            let given = call.arguments.contains_key(&variable.name);
            if variable.default.is_none() && !given && !misspelt.contains(variable.name.as_str()) {
                let d = Diagnostic::error(
                    codes::MISSING_ARGUMENT,
                    "Missing argument",
                    format!(
                        "The module `{}` needs `{}`, and it is not given.",
                        call.name, variable.name
                    ),
                )
                .at(call.span, "")
                .at(variable.span, "declared here, without a default");
                self.told.push(d.with_help(format!("Add `{} = ...`.", variable.name)));
            }
        }
    }

    fn expr(&mut self, expr: &Expr, allowed: Allowed) {
        let mut found = Vec::new();
        walk(expr, &mut |f| found.push(f));
        for f in found {
            match f {
                Found::Call { name, name_span, inner, expand, whole } => {
                    let args = inner.len();
                    self.function(name, name_span, args, expand, whole);
                }
                Found::Name { root, root_span, steps, whole } => {
                    self.name(root, root_span, &steps, whole, allowed);
                }
            }
        }
    }

    fn function(&mut self, name: &str, name_span: Span, args: usize, expand: bool, whole: Span) {
        match functions::find(name) {
            None => self.told.push(functions::unknown_function(name, name_span)),
            // How many there are after `...` is known only with its value.
            Some(_) if expand => {}
            Some(function) => self.told.extend(function.wrong_count(args, whole)),
        }
    }

    fn name(
        &mut self,
        root: &Ident,
        root_span: Span,
        steps: &[Step<'_>],
        whole: Span,
        allowed: Allowed,
    ) {
        let place = steps.iter().take(2).fold(root_span, |span, step| match step {
            Step::Attr(_, s) => span.to(*s),
            Step::Index(_) => span,
        });
        let place = if steps.is_empty() { whole } else { place };
        if allowed.own == Own::Meant && root.as_str() == "self" {
            return;
        }
        match meaning(root, steps) {
            Meaning::Target(Target::Variable(name), _) => {
                if !self.module.variables.contains_key(&name) {
                    let declared = self.module.variables.keys();
                    self.told.push(undeclared("variable", "var.", &name, declared, place));
                }
            }
            Meaning::Target(Target::Local(name), _) => {
                if !self.module.locals.contains_key(&name) {
                    let declared = self.module.locals.keys();
                    self.told.push(undeclared("local value", "local.", &name, declared, place));
                } else if !allowed.results && self.needs_result(&name) {
                    self.told
                        .push(early(place, &format!("`local.{name}` needs the result of one")));
                }
            }
            Meaning::Target(Target::Module(name, output), _) => {
                if !allowed.results {
                    self.told.push(early(place, "an output of a module may need one"));
                }
                self.module_output(&name, output.as_ref(), steps, place);
            }
            Meaning::Target(Target::Resource(mode, ty, name), used) => {
                let key = (mode, ty, name);
                let addr = ResourceAddr {
                    module: self.path.clone(),
                    mode,
                    ty: key.1.clone(),
                    name: key.2.clone(),
                };
                match self.module.resources.get(&addr) {
                    None => {
                        let d = undeclared_resource_in(self.module, &key, place);
                        self.told.push(self.maybe_plain(d, root, steps));
                    }
                    Some(_) if !allowed.results => {
                        self.told.push(early(place, &format!("`{addr}` is one")));
                    }
                    Some(resource) => self.attribute(resource, &steps[used..]),
                }
            }
            Meaning::Each(_) if !allowed.each => {
                self.told.push(not_repeated("each", "for_each", whole));
            }
            Meaning::Count(_) if !allowed.count => {
                self.told.push(not_repeated("count", "count", whole));
            }
            Meaning::Each(name) => self.member("each", name, &["key", "value"], place),
            Meaning::Count(name) => self.member("count", name, &["index"], place),
            Meaning::Path(name) => self.member("path", name, &["module", "root", "cwd"], place),
            Meaning::Nothing(why) => self.nothing(root, &why, place),
        }
    }

    /// `foo.bar` where `foo` is no type but a variable or local: the prefix is missing.
    fn maybe_plain(&self, d: Diagnostic, root: &Ident, steps: &[Step<'_>]) -> Diagnostic {
        if d.help.is_some() || self.schemas.resource(root.as_str()).is_some() {
            return d;
        }
        let rest = match steps.first() {
            Some(Step::Attr(name, _)) => name.as_str(),
            _ => return d,
        };
        if self.module.variables.contains_key(root) {
            return d.with_help(format!("Did you mean `var.{root}.{rest}`?"));
        }
        if self.module.locals.contains_key(root) {
            return d.with_help(format!("Did you mean `local.{root}.{rest}`?"));
        }
        match did_you_mean(root.as_str(), ["var", "local", "module", "data", "each", "path"]) {
            Some(meant) => d.with_help(format!("Did you mean `{meant}.{rest}`?")),
            None => d,
        }
    }

    fn nothing(&mut self, root: &Ident, why: &str, place: Span) {
        let d = Diagnostic::error(
            codes::BAD_REFERENCE,
            "Invalid reference",
            crate::eval::names::capital(why),
        )
        .at(place, "");
        let meant = match root.as_str() {
            "True" | "TRUE" => Some("true".to_owned()),
            "False" | "FALSE" => Some("false".to_owned()),
            "nil" | "None" | "NULL" => Some("null".to_owned()),
            _ if self.module.variables.contains_key(root) => Some(format!("var.{root}")),
            _ if self.module.locals.contains_key(root) => Some(format!("local.{root}")),
            _ => None,
        };
        self.told.push(crate::eval::names::with_meant(d, meant));
    }

    fn member(&mut self, root: &str, name: &Ident, members: &[&str], place: Span) {
        if members.contains(&name.as_str()) {
            return;
        }
        let d = Diagnostic::error(
            codes::BAD_REFERENCE,
            "Invalid reference",
            format!("`{root}` has {}, and no `{name}`.", text::listed(members.iter().copied())),
        )
        .at(place, "");
        let meant = did_you_mean(name.as_str(), members.iter().copied());
        self.told.push(crate::eval::names::with_meant(d, meant.map(|m| format!("{root}.{m}"))));
    }

    fn module_output(
        &mut self,
        name: &Ident,
        output: Option<&Ident>,
        steps: &[Step<'_>],
        place: Span,
    ) {
        if !self.module.calls.contains_key(name) {
            let declared = self.module.calls.keys();
            self.told.push(undeclared("module", "module.", name, declared, place));
            return;
        }
        let mut inner = self.path.clone();
        inner.push(name.clone());
        let (Some(module), Some(output)) = (self.config.modules.get(&inner), output) else {
            return;
        };
        if module.outputs.contains_key(output) {
            return;
        }
        let names: Vec<&str> = module.outputs.keys().map(Ident::as_str).collect();
        let at = steps.iter().find_map(|s| match s {
            Step::Attr(n, span) if *n == output => Some(*span),
            _ => None,
        });
        let d = Diagnostic::error(
            codes::UNDECLARED,
            "Reference to something undeclared",
            format!(
                "The module `{name}` has no output `{output}`; it has {}.",
                text::listed(names.iter().copied())
            ),
        )
        .at(at.unwrap_or(place), "");
        let meant = did_you_mean(output.as_str(), names);
        self.told
            .push(crate::eval::names::with_meant(d, meant.map(|m| format!("module.{name}.{m}"))));
    }

    /// The first attribute after a resource, against its schema.
    fn attribute(&mut self, resource: &Resource, rest: &[Step<'_>]) {
        let schema = match resource.addr.mode {
            Mode::Managed => self.schemas.resource(resource.addr.ty.as_str()),
            Mode::Data => self.schemas.data(resource.addr.ty.as_str()),
        };
        let Some(schema) = schema else { return };
        let (name, span) = match (&resource.repeat, rest) {
            (Repeat::Once | Repeat::Enabled(_), [Step::Attr(name, span), ..])
            | (
                Repeat::Count(_) | Repeat::ForEach(_),
                [Step::Index(_), Step::Attr(name, span), ..],
            ) => (*name, *span),
            _ => return,
        };
        if schema.attr(name.as_str()).is_some() {
            return;
        }
        let names = schema.attrs.iter().map(|a| a.name);
        let d = Diagnostic::error(
            codes::UNKNOWN_ATTRIBUTE,
            "Unknown attribute",
            format!(
                "`{}` has no attribute `{name}`; it has {}.",
                resource.addr.ty,
                text::listed(names.clone())
            ),
        )
        .at(span, "");
        let meant = did_you_mean(name.as_str(), names);
        self.told.push(crate::eval::names::with_meant(d, meant.map(str::to_owned)));
    }

    /// Whether a local needs a resource, a data source or a module, however far.
    fn needs_result(&mut self, name: &Ident) -> bool {
        let module = self.module;
        let tainted = self.early_locals.get_or_insert_with(|| {
            let mut users: BTreeMap<Ident, Vec<&Ident>> = BTreeMap::new();
            let mut tainted = BTreeSet::new();
            let mut open = Vec::new();
            for (local, value) in &module.locals {
                for r in crate::references::targets([&value.value]) {
                    match r.target {
                        Target::Local(used) => users.entry(used).or_default().push(local),
                        Target::Resource(..) | Target::Module(..) => open.push(local),
                        Target::Variable(_) => {}
                    }
                }
            }
            while let Some(local) = open.pop() {
                if tainted.insert(local.clone()) {
                    open.extend(users.get(local).into_iter().flatten());
                }
            }
            tainted
        });
        tainted.contains(name)
    }
}

fn early(span: Span, why: &str) -> Diagnostic {
    Diagnostic::error(
        codes::EARLY_REFERENCE,
        "Reference to a result that comes too late",
        format!("Here only variables and locals can be used, no results of resources: {why}."),
    )
    .at(span, "")
    .with_help("Use a variable, and give its value with -var or in a file of variables.")
}
