//! How many pods of an application may be away at a time.
//!
//! Whoever evicts pods on purpose (a drained node, say) keeps to the budget and waits until
//! there is room. Failures of nodes and deletions of pods do not.
//!
//! ```hcl
//! resource "pod_disruption_budget" "web" {
//!   namespace     = "team-a"
//!   name          = "web"
//!   min_available = "75%"
//!
//!   selector {
//!     match_labels = { app = "web" }
//!   }
//!   unhealthy_pod_eviction_policy = "AlwaysAllow"
//! }
//! ```
//!
//! # Risks
//!
//! A budget that leaves no room stops every drain of a node with such a pod, and with it
//! upgrades; the plan warns of one that never can. A percentage of pods is rounded up: of 3
//! pods `max_unavailable = "50%"` lets 2 go. A pod that two budgets select cannot be evicted
//! at all.
//!
//! By default pods that are not ready count as away, and then cannot be evicted either;
//! `AlwaysAllow` lets a broken pod go.
//!
//! # See also
//!
//! [Specifying a Disruption Budget for your Application](https://kubernetes.io/docs/tasks/run-application/configure-pdb/)

use crate::api::{ApiType, ObjectRef, Seen};
use crate::args::{self, get, put};
use crate::codes;
use crate::fields::Names;
use crate::kinds::selector;
use plans::{Note, Problem};
use values::{Attr, Map, Path, Role, Schema, Type, Value};

/// How many pods may be away at a time.
pub struct PodDisruptionBudget;

const POLICIES: [&str; 2] = ["IfHealthyBudget", "AlwaysAllow"];
const SHARES: [&str; 2] = ["min_available", "max_unavailable"];

impl ApiType for PodDisruptionBudget {
    const NAME: &'static str = "pod_disruption_budget";
    const NAMES: Names = Names(&[
        ("namespace", "metadata.namespace"),
        ("name", "metadata.name"),
        ("labels", "metadata.labels"),
        ("annotations", "metadata.annotations"),
        ("min_available", "spec.minAvailable"),
        ("max_unavailable", "spec.maxUnavailable"),
        ("selector", "spec.selector"),
        ("selector.match_labels", "spec.selector.matchLabels"),
        ("selector.match_expressions", "spec.selector.matchExpressions"),
        ("unhealthy_pod_eviction_policy", "spec.unhealthyPodEvictionPolicy"),
    ]);

    fn schema() -> Schema {
        let mut attrs = vec![
            args::namespace(),
            args::name("The name: at most 253 lower case letters, digits, `-` and `.`."),
            Attr::new(
                "min_available",
                Type::Any,
                Role::Optional,
                "How many pods stay: a number, or a part of all pods such as `\"75%\"`. Instead \
                 of `max_unavailable`.",
            ),
            Attr::new(
                "max_unavailable",
                Type::Any,
                Role::Optional,
                "How many pods may be away: a number, or a part of all pods such as `\"25%\"`. \
                 Instead of `min_available`.",
            ),
            Attr::new(
                "selector",
                selector::shape(),
                Role::Required,
                "Which pods of the namespace: `match_labels` and `match_expressions` (`key`, \
                 `operator`, `values`). An empty block means all.",
            )
            .as_block(),
            Attr::new(
                "unhealthy_pod_eviction_policy",
                Type::String,
                Role::Optional,
                "When pods that are not ready may be evicted: `IfHealthyBudget` (the default: \
                 when enough others are) or `AlwaysAllow`.",
            ),
        ];
        attrs.extend(args::metadata_and_computed());
        Schema::new(attrs)
    }

    fn page() -> &'static str {
        args::page!("pod_disruption_budget.rs")
    }

    fn object(args: &Value) -> Result<ObjectRef, Vec<Problem>> {
        args::namespaced("policy/v1", "PodDisruptionBudget", args)
    }

    fn intent(args: &Value) -> Value {
        let (namespace, name) = (args::text(args, "namespace"), args::text(args, "name"));
        let object = ObjectRef::namespaced("policy/v1", "PodDisruptionBudget", namespace, name);
        let mut spec = Map::new();
        put(&mut spec, "minAvailable", &args::int_or_text(get(args, "min_available")));
        put(&mut spec, "maxUnavailable", &args::int_or_text(get(args, "max_unavailable")));
        put(&mut spec, "selector", &selector::object(get(args, "selector")));
        let policy = get(args, "unhealthy_pod_eviction_policy");
        put(&mut spec, "unhealthyPodEvictionPolicy", policy);
        let mut object = args::head(&object, args);
        object.insert("spec".into(), Value::map(spec));
        Value::map(object)
    }

    fn check(args: &Value) -> Vec<Problem> {
        let mut problems = args::check_metadata(args, &Path::root());
        let mut wrong = |path: Path, detail: String, help: Option<String>| {
            let problem = Problem::error(codes::BUDGET, "Invalid disruption budget", path, detail);
            problems.push(Problem { help, ..problem });
        };
        match SHARES.map(|name| !get(args, name).is_null()) {
            [true, true] => wrong(
                Path::of("max_unavailable"),
                "`min_available` and `max_unavailable` say the same from two sides.".to_owned(),
                Some("Write one of the two.".to_owned()),
            ),
            [false, false] => wrong(
                Path::root(),
                "It says neither how many pods stay nor how many may be away.".to_owned(),
                Some("Write `min_available` or `max_unavailable`.".to_owned()),
            ),
            [true, false] | [false, true] => {}
        }
        for name in SHARES {
            if let Err(why) = Share::of(get(args, name)) {
                let help = "Write a number such as 1, or a percentage such as \"50%\".";
                wrong(Path::of(name), why, Some(help.to_owned()));
            }
        }
        let policy = get(args, "unhealthy_pod_eviction_policy").as_str();
        if let Some(policy) = policy.filter(|policy| !POLICIES.contains(policy)) {
            let help = match diags::did_you_mean(policy, POLICIES) {
                Some(meant) => format!("Did you mean `{meant}`?"),
                None => "Use `IfHealthyBudget` or `AlwaysAllow`.".to_owned(),
            };
            let path = Path::of("unhealthy_pod_eviction_policy");
            wrong(path, format!("There is no policy `{policy}`."), Some(help));
        }
        selector::check(get(args, "selector"), &Path::of("selector"), &mut wrong);
        problems
    }

    fn notes(seen: &Seen<'_>) -> (Vec<Note>, Vec<Problem>) {
        let mut notes = Vec::new();
        if selector::is_empty(get(seen.args, "selector")) {
            let text = "selects all pods of the namespace".to_owned();
            notes.push(Note { path: Path::of("selector"), text });
        }
        (notes, no_room(seen).into_iter().collect())
    }
}

/// How many pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Share {
    Count(i64),
    Percent(i64),
}

impl Share {
    /// `None` when it is left out or not known yet.
    fn of(value: &Value) -> Result<Option<Self>, String> {
        let (value, _) = value.exposed();
        let count = match &value {
            Value::Null | Value::Unknown(_) => return Ok(None),
            Value::Number(number) => match number.as_i64() {
                Some(count) => count,
                None => return Err(format!("{number} is no whole number of pods.")),
            },
            Value::String(text) => {
                let number = |text: &str| text.parse::<i64>().ok();
                match (text.strip_suffix('%'), number(text)) {
                    (Some(percent), _) => {
                        let digits = percent.bytes().all(|byte| byte.is_ascii_digit());
                        return match number(percent).filter(|_| digits) {
                            Some(percent @ 0..=100) => Ok(Some(Self::Percent(percent))),
                            Some(_) => Err(format!("{text} is more than all pods.")),
                            None => Err(format!("`{text}` is no percentage.")),
                        };
                    }
                    (None, Some(count)) => count,
                    (None, None) => {
                        return Err(format!("`{text}` is neither a number nor a percentage."));
                    }
                }
            }
            other => {
                return Err(format!("It must be a number or a percentage, not {}.", other.kind()));
            }
        };
        if count < 0 {
            return Err(format!("{count} is negative."));
        }
        Ok(Some(Self::Count(count)))
    }
}

/// The warning about a budget that no pod can ever be evicted under.
fn no_room(seen: &Seen<'_>) -> Option<Problem> {
    let share = |name: &str| Share::of(get(seen.args, name)).ok().flatten();
    let expected = seen.live.and_then(|live| live.get("status")?.get("expectedPods")?.as_number());
    let expected = expected.and_then(values::Number::as_i64).filter(|count| *count > 0);
    let (argument, why) = match (share("min_available"), share("max_unavailable")) {
        (_, Some(Share::Count(0) | Share::Percent(0))) => {
            ("max_unavailable", "no pod may ever be away".to_owned())
        }
        (Some(Share::Percent(100)), _) => ("min_available", "all pods must stay".to_owned()),
        (Some(Share::Count(least)), _) if expected.is_some_and(|count| count <= least) => {
            let count = expected.unwrap_or_default();
            ("min_available", format!("{least} pods must stay, and there are {count}"))
        }
        _ => return None,
    };
    let detail = format!(
        "Under this budget {why}: a node with such a pod can not be drained, and an upgrade that \
         drains it hangs."
    );
    let problem =
        Problem::warning(codes::BUDGET_EFFECT, "Budget leaves no room", Path::of(argument), detail);
    Some(problem.with_help("Run one pod more than must stay, and let one be away."))
}
