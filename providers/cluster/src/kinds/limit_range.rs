//! Smallest, largest and default amounts for each container, pod or claim of a namespace.
//!
//! A `LimitRange` gives defaults to containers that do not say how much they want, and
//! refuses those that want too much or too little. It looks at pods only when they are
//! created: running pods are never touched.
//!
//! ```hcl
//! resource "limit_range" "memory" {
//!   namespace = "team-a"
//!   name      = "memory"
//!
//!   limit {
//!     type            = "Container"
//!     default         = { memory = "512Mi" }
//!     default_request = { memory = "256Mi" }
//!     max             = { memory = "1Gi" }
//!     min             = { memory = "128Mi" }
//!   }
//! }
//! ```
//!
//! For containers the server completes what is left out, and the plan says so: `default` is
//! taken from `max`, `default_request` from `default`, else from `min`. So a range of `max`
//! alone also gives every container a limit.
//!
//! # Risks
//!
//! A pod that asks for more than the default limit without setting a limit of its own is
//! refused. With two ranges in one namespace it is undefined whose default wins.
//!
//! # See also
//!
//! [Configure default memory requests and limits for a namespace](https://kubernetes.io/docs/tasks/administer-cluster/manage-resources/memory-default-namespace/),
//! [minimum and maximum memory constraints](https://kubernetes.io/docs/tasks/administer-cluster/manage-resources/memory-constraint-namespace/)

use crate::api::{ApiType, ObjectRef, Seen};
use crate::args::{self, entries, get, items, put};
use crate::canon::{canonical_quantity, complete_limits};
use crate::codes;
use crate::fields::Names;
use apimachinery::{Quantity, names};
use plans::{Note, Problem};
use std::collections::BTreeMap;
use values::{Attr, Map, Path, Role, Schema, Type, Value};

/// Bounds and defaults for what containers, pods and claims ask for.
pub struct LimitRange;

/// Arguments of a `limit` block and the fields they become.
const AMOUNTS: [(&str, &str); 5] = [
    ("max", "max"),
    ("min", "min"),
    ("default", "default"),
    ("default_request", "defaultRequest"),
    ("max_limit_request_ratio", "maxLimitRequestRatio"),
];

impl ApiType for LimitRange {
    const NAME: &'static str = "limit_range";
    const NAMES: Names = Names(&[
        ("namespace", "metadata.namespace"),
        ("name", "metadata.name"),
        ("labels", "metadata.labels"),
        ("annotations", "metadata.annotations"),
        ("limit", "spec.limits"),
        ("limit[].default_request", "spec.limits[].defaultRequest"),
        ("limit[].max_limit_request_ratio", "spec.limits[].maxLimitRequestRatio"),
    ]);

    fn schema() -> Schema {
        let amounts = || Type::map(Type::String);
        let limit = Type::object([
            ("type", Type::String),
            ("max?", amounts()),
            ("min?", amounts()),
            ("default?", amounts()),
            ("default_request?", amounts()),
            ("max_limit_request_ratio?", amounts()),
        ]);
        let mut attrs = vec![
            args::namespace(),
            args::name("The name: at most 253 lower case letters, digits, `-` and `.`."),
            Attr::new(
                "limit",
                Type::list(limit),
                Role::Required,
                "What holds for one `type`: `Container`, `Pod` or `PersistentVolumeClaim`. Each \
                 of `max`, `min`, `default` (limit), `default_request` and \
                 `max_limit_request_ratio` is a map from resource to amount. At most one block \
                 for each type.",
            )
            .as_block(),
        ];
        attrs.extend(args::metadata_and_computed());
        Schema::new(attrs)
    }

    fn page() -> &'static str {
        args::page!("limit_range.rs")
    }

    fn object(args: &Value) -> Result<ObjectRef, Vec<Problem>> {
        args::namespaced("v1", "LimitRange", args)
    }

    fn intent(args: &Value) -> Value {
        let (namespace, name) = (args::text(args, "namespace"), args::text(args, "name"));
        let object = ObjectRef::namespaced("v1", "LimitRange", namespace, name);
        let limits = match get(args, "limit") {
            Value::List(list) => Value::list(list.iter().map(item)),
            other => other.clone(),
        };
        let mut object = args::head(&object, args);
        object.insert("spec".into(), Value::map([("limits", limits)]));
        Value::map(object)
    }

    fn check(args: &Value) -> Vec<Problem> {
        let mut problems = args::check_metadata(args, &Path::root());
        let limits = items(get(args, "limit"));
        for (i, limit) in limits.iter().enumerate() {
            let Some(ty) = get(limit, "type").as_str() else { continue };
            let at = Path::of("limit").index(i);
            if limits[..i].iter().any(|other| get(other, "type").as_str() == Some(ty)) {
                let detail = format!("There is another `limit` block for `{ty}`.");
                let problem = Problem::error(
                    codes::LIMIT,
                    "Type limited twice",
                    at.clone().attr("type"),
                    detail,
                );
                problems.push(problem.with_help("Put all into one block."));
            }
            Limit::read(ty, limit, at, &mut problems).check(&mut problems);
        }
        problems
    }

    fn notes(seen: &Seen<'_>) -> (Vec<Note>, Vec<Problem>) {
        let mut notes = Vec::new();
        for (i, limit) in items(get(seen.args, "limit")).iter().enumerate() {
            if get(limit, "type").as_str() != Some("Container") {
                continue;
            }
            let given = item(limit).as_map().cloned().unwrap_or_default();
            let mut completed = given.clone();
            complete_limits(&mut completed);
            for (argument, field) in AMOUNTS {
                for (resource, amount) in completed.get(field).into_iter().flat_map(entries) {
                    if given.get(field).is_some_and(|given| given.get(resource).is_some()) {
                        continue;
                    }
                    let text = match canonical_quantity(amount).as_str() {
                        Some(amount) => format!("the server fills in {amount}"),
                        None => "the server fills it in".to_owned(),
                    };
                    let path = Path::of("limit").index(i).attr(argument).attr(resource);
                    notes.push(Note { path, text });
                }
            }
        }
        (notes, Vec::new())
    }
}

fn wrong(path: Path, detail: String) -> Problem {
    Problem::error(codes::LIMIT, "Invalid limit", path, detail)
}

/// One block as the API has it.
fn item(limit: &Value) -> Value {
    if limit.as_map().is_none() {
        return limit.clone();
    }
    let mut out = Map::new();
    put(&mut out, "type", get(limit, "type"));
    for (argument, field) in AMOUNTS {
        put(&mut out, field, get(limit, argument));
    }
    Value::map(out)
}

/// An amount and the argument that it was written at.
#[derive(Clone)]
struct Amount {
    quantity: Quantity,
    path: Path,
    argument: &'static str,
}

/// One block with all amounts that are known, as the server completes it.
struct Limit<'a> {
    ty: &'a str,
    at: Path,
    amounts: BTreeMap<&'static str, BTreeMap<String, Amount>>,
}

impl<'a> Limit<'a> {
    fn read(ty: &'a str, limit: &Value, at: Path, problems: &mut Vec<Problem>) -> Self {
        let mut amounts: BTreeMap<&'static str, BTreeMap<String, Amount>> = BTreeMap::new();
        for (argument, _) in AMOUNTS {
            let of = amounts.entry(argument).or_default();
            for (resource, value) in entries(get(limit, argument)) {
                let path = at.clone().attr(argument).attr(resource);
                // What is hidden is left to the server: a comparison would tell of it.
                let Some(text) = value.as_str() else { continue };
                match Quantity::parse(text) {
                    Ok(quantity) => {
                        of.insert(resource.to_owned(), Amount { quantity, path, argument });
                    }
                    Err(why) => {
                        let detail = format!("`{text}` is not a quantity: {why}.");
                        let problem =
                            Problem::error(codes::QUANTITY, "Invalid quantity", path, detail);
                        let help = args::quantity_hint(text);
                        problems.push(Problem { help, ..problem });
                    }
                }
            }
        }
        let mut limit = Self { ty, at, amounts };
        if ty == "Container" {
            limit.complete("max", "default");
            limit.complete("default", "default_request");
            limit.complete("min", "default_request");
        }
        limit
    }

    fn complete(&mut self, from: &str, to: &'static str) {
        let given = self.amounts.get(from).cloned().unwrap_or_default();
        let filled = self.amounts.entry(to).or_default();
        for (resource, amount) in given {
            filled.entry(resource).or_insert(amount);
        }
    }

    fn amount(&self, argument: &str, resource: &str) -> Option<&Amount> {
        self.amounts.get(argument)?.get(resource)
    }

    fn check(&self, problems: &mut Vec<Problem>) {
        self.check_type(problems);
        let resources: std::collections::BTreeSet<&String> =
            self.amounts.values().flat_map(BTreeMap::keys).collect();
        for resource in resources {
            self.check_name(resource, problems);
            self.check_order(resource, problems);
            self.check_ratio(resource, problems);
            self.check_no_overcommit(resource, problems);
        }
    }

    fn check_type(&self, problems: &mut Vec<Problem>) {
        let has = |argument: &str| self.amounts.get(argument).is_some_and(|m| !m.is_empty());
        match self.ty {
            "Container" => {}
            "Pod" => {
                for argument in ["default", "default_request"] {
                    if has(argument) {
                        let detail = format!("A limit of type `Pod` takes no `{argument}`.");
                        problems.push(
                            wrong(self.at.clone().attr(argument), detail)
                                .with_help("Defaults are for containers: use type `Container`."),
                        );
                    }
                }
            }
            "PersistentVolumeClaim" => {
                let storage = |argument| self.amount(argument, "storage").is_some();
                if !storage("min") && !storage("max") {
                    let detail = "A limit of type `PersistentVolumeClaim` needs an amount of \
                                  `storage` in `min` or `max`.";
                    problems.push(wrong(self.at.clone(), detail.to_owned()));
                }
            }
            ty if ty.contains('/') && names::qualified_name(ty).is_empty() => {}
            ty => {
                let known = ["Container", "Pod", "PersistentVolumeClaim"];
                let problem = wrong(
                    self.at.clone().attr("type"),
                    format!("There is no type `{ty}` to limit."),
                );
                problems.push(problem.with_help(match diags::did_you_mean(ty, known) {
                    Some(meant) => format!("Did you mean `{meant}`?"),
                    None => "Use `Container`, `Pod` or `PersistentVolumeClaim`.".to_owned(),
                }));
            }
        }
    }

    fn check_name(&self, resource: &str, problems: &mut Vec<Problem>) {
        const KNOWN: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
        let written = self.amounts.values().find_map(|amounts| amounts.get(resource));
        let path = written.map_or_else(|| self.at.clone(), |amount| amount.path.clone());
        let plain = !resource.contains('/');
        let of_pods = matches!(self.ty, "Container" | "Pod");
        if plain && of_pods && !KNOWN.contains(&resource) && !resource.starts_with("hugepages-") {
            let problem =
                wrong(path, format!("A container cannot ask for a resource `{resource}`."));
            problems.push(match diags::did_you_mean(resource, KNOWN) {
                Some(meant) => problem.with_help(format!("Did you mean `{meant}`?")),
                None => {
                    problem.with_help("An extended resource has a domain: `example.com/dongle`.")
                }
            });
        } else {
            for why in names::qualified_name(resource) {
                let detail = format!("`{resource}` cannot be the name of a resource: {why}.");
                problems.push(wrong(path.clone(), detail));
            }
        }
    }

    /// `min <= default_request <= default <= max`, each pair where both exist.
    fn check_order(&self, resource: &str, problems: &mut Vec<Problem>) {
        const ORDER: [&str; 4] = ["min", "default_request", "default", "max"];
        let present: Vec<(&str, &Amount)> =
            ORDER.iter().filter_map(|a| Some((*a, self.amount(a, resource)?))).collect();
        for pair in present.windows(2) {
            let ((low, small), (high, large)) = (pair[0], pair[1]);
            if small.quantity <= large.quantity {
                continue;
            }
            let told = |argument: &str, amount: &Amount| {
                if amount.argument == argument {
                    format!("`{argument}`")
                } else {
                    format!("`{argument}`, which the server takes from `{}`,", amount.argument)
                }
            };
            let detail = format!(
                "{} of `{resource}` is {}, and {} is {}: it must not be more.",
                told(low, small),
                small.quantity,
                told(high, large),
                large.quantity
            );
            // What a person wrote is wrong, not what the server filled in.
            let blamed = if small.argument == low { small } else { large };
            problems.push(wrong(blamed.path.clone(), detail));
        }
    }

    fn check_ratio(&self, resource: &str, problems: &mut Vec<Problem>) {
        let Some(ratio) = self.amount("max_limit_request_ratio", resource) else { return };
        if ratio.quantity < Quantity::from_integer(1) {
            let detail =
                format!("The ratio of `{resource}` is {}, and must be at least 1.", ratio.quantity);
            problems.push(wrong(ratio.path.clone(), detail));
        }
        let (Some(min), Some(max)) = (self.amount("min", resource), self.amount("max", resource))
        else {
            return;
        };
        let widest = max.quantity.as_f64() / min.quantity.as_f64();
        if ratio.quantity.as_f64() > widest {
            let detail = format!(
                "The ratio of `{resource}` is {}, and `max` is only {widest:.3} times `min`.",
                ratio.quantity
            );
            problems.push(wrong(ratio.path.clone(), detail));
        }
    }

    /// What cannot be overcommitted has one amount as request and as limit.
    fn check_no_overcommit(&self, resource: &str, problems: &mut Vec<Problem>) {
        if !resource.starts_with("hugepages-") && !names::is_extended_resource(resource) {
            return;
        }
        let (Some(limit), Some(request)) =
            (self.amount("default", resource), self.amount("default_request", resource))
        else {
            return;
        };
        if limit.quantity != request.quantity {
            let detail = format!(
                "`{resource}` cannot be overcommitted: `default` is {} and `default_request` is \
                 {}, and they must be equal.",
                limit.quantity, request.quantity
            );
            problems.push(wrong(request.path.clone(), detail));
        }
    }
}
