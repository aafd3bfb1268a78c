//! How important pods are.
//!
//! Pods name a `PriorityClass`. When there is no room, the scheduler serves pods of a higher
//! value first, and may evict pods of a lower one for them.
//!
//! ```hcl
//! resource "priority_class" "batch" {
//!   name              = "batch"
//!   value             = 1000
//!   description       = "May wait, and waits in line."
//!   preemption_policy = "Never"
//! }
//! ```
//!
//! # Risks
//!
//! Value and policy cannot be changed: another one deletes the class and creates it anew. Pods
//! that exist keep the number that they were created with; between the two, new pods that name
//! the class are refused. A class that becomes the default counts for new pods only.
//!
//! At most one class of the cluster is the default, so another one must give it up first, in
//! an apply of its own.
//!
//! # See also
//!
//! [Pod Priority and Preemption](https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/)

use crate::api::{ApiType, ObjectRef, Seen};
use crate::args::{self, get, put, text};
use crate::codes;
use crate::fields::Names;
use apimachinery::names;
use plans::{Note, Problem};
use values::{Attr, Path, Role, Schema, Type, Value};

/// How important pods are.
pub struct PriorityClass;

/// Higher values are the cluster's own.
const HIGHEST: i64 = 1_000_000_000;
const POLICIES: [&str; 2] = ["PreemptLowerPriority", "Never"];

impl ApiType for PriorityClass {
    const NAME: &'static str = "priority_class";
    const NAMES: Names = Names(&[
        ("name", "metadata.name"),
        ("labels", "metadata.labels"),
        ("annotations", "metadata.annotations"),
        ("value", "value"),
        ("global_default", "globalDefault"),
        ("description", "description"),
        ("preemption_policy", "preemptionPolicy"),
    ]);

    fn schema() -> Schema {
        let mut attrs = vec![
            args::name(
                "The name: at most 253 lower case letters, digits, `-` and `.`. Names that begin \
                 with `system-` are the cluster's own.",
            ),
            Attr::new(
                "value",
                Type::Number,
                Role::Required,
                "The priority: a whole number from -2147483648 to 1000000000; more is more \
                 important. Changing it replaces the class.",
            ),
            Attr::new(
                "global_default",
                Type::Bool,
                Role::Optional,
                "Whether pods that name no class are of this one. At most one class is the \
                 default; without one such pods have priority 0.",
            ),
            Attr::new(
                "description",
                Type::String,
                Role::Optional,
                "When to use the class, for people.",
            ),
            Attr::new(
                "preemption_policy",
                Type::String,
                Role::Optional,
                "`PreemptLowerPriority` (the default): pods of lower priority are evicted when \
                 there is no room. `Never`: pods only wait in front of the others. Changing it \
                 replaces the class.",
            ),
        ];
        attrs.extend(args::metadata_and_computed());
        Schema::new(attrs)
    }

    fn page() -> &'static str {
        args::page!("priority_class.rs")
    }

    fn object(args: &Value) -> Result<ObjectRef, Vec<Problem>> {
        let name = text(args, "name");
        let mut problems = args::check_name("name", name, names::dns_1123_subdomain);
        if name.starts_with("system-") {
            let detail = format!("`{name}` begins with `system-`, as only the cluster's own do.");
            let path = Path::of("name");
            problems.push(Problem::error(codes::PRIORITY, "Invalid priority class", path, detail));
        }
        if problems.is_empty() {
            Ok(ObjectRef::cluster_wide("scheduling.k8s.io/v1", "PriorityClass", name))
        } else {
            Err(problems)
        }
    }

    fn intent(args: &Value) -> Value {
        let object =
            ObjectRef::cluster_wide("scheduling.k8s.io/v1", "PriorityClass", text(args, "name"));
        let mut object = args::head(&object, args);
        put(&mut object, "value", get(args, "value"));
        put(&mut object, "globalDefault", get(args, "global_default"));
        put(&mut object, "description", get(args, "description"));
        put(&mut object, "preemptionPolicy", get(args, "preemption_policy"));
        Value::map(object)
    }

    fn check(args: &Value) -> Vec<Problem> {
        let mut problems = args::check_metadata(args, &Path::root());
        let mut wrong = |name: &str, detail: String| {
            let path = Path::of(name);
            problems.push(Problem::error(codes::PRIORITY, "Invalid priority class", path, detail));
        };
        if let Some(value) = get(args, "value").as_number() {
            match value.as_i64() {
                None => wrong("value", format!("{value} is no whole number.")),
                Some(number) if number > HIGHEST => wrong(
                    "value",
                    format!("{value} is more than {HIGHEST}; higher values are the cluster's own."),
                ),
                Some(number) if i32::try_from(number).is_err() => {
                    wrong("value", format!("{value} is less than {}.", i32::MIN));
                }
                Some(_) => {}
            }
        }
        if let Some(policy) =
            get(args, "preemption_policy").as_str().filter(|p| !POLICIES.contains(p))
        {
            let detail = format!("There is no preemption policy `{policy}`.");
            let problem = Problem::error(
                codes::PRIORITY,
                "Invalid priority class",
                Path::of("preemption_policy"),
                detail,
            );
            problems.push(match diags::did_you_mean(policy, POLICIES) {
                Some(meant) => problem.with_help(format!("Did you mean `{meant}`?")),
                None => problem.with_help("Use `PreemptLowerPriority` or `Never`."),
            });
        }
        problems
    }

    fn notes(seen: &Seen<'_>) -> (Vec<Note>, Vec<Problem>) {
        let default = |of: &Value, name: &str| get(of, name).as_bool() == Some(true);
        let was = seen.live.is_some_and(|live| default(live, "globalDefault"));
        let becomes = default(seen.args, "global_default") && !was;
        let text = "all new pods that name no class get this priority";
        let note = || Note { path: Path::of("global_default"), text: text.to_owned() };
        (becomes.then(note).into_iter().collect(), Vec::new())
    }
}
