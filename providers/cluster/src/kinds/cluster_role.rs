//! What may be done in the whole cluster.
//!
//! A `ClusterRole` allows verbs on resources of all namespaces and of none, and on paths of
//! the server. Bound by a `cluster_role_binding` it holds everywhere, bound by a
//! `role_binding` in one namespace.
//!
//! ```hcl
//! resource "cluster_role" "node_reader" {
//!   name   = "node-reader"
//!   labels = { "example.com/aggregate-to-monitoring" = "true" }
//!
//!   rule {
//!     api_groups = [""]
//!     resources  = ["nodes", "nodes/metrics"]
//!     verbs      = ["get", "list", "watch"]
//!   }
//!   rule {
//!     non_resource_urls = ["/metrics"]
//!     verbs             = ["get"]
//!   }
//! }
//! ```
//!
//! A role that gathers the rules of others, by their labels:
//!
//! ```hcl
//! resource "cluster_role" "monitoring" {
//!   name = "monitoring"
//!
//!   aggregation_rule {
//!     cluster_role_selector {
//!       match_labels = { "example.com/aggregate-to-monitoring" = "true" }
//!     }
//!   }
//! }
//! ```
//!
//! Its rules are written by the cluster and left alone here, so such a block has no `rule`.
//!
//! # Risks
//!
//! The server lets nobody give away more than they have: a plan of someone who lacks one of
//! these rights is refused, and says which. Whoever gathers rules by labels trusts everybody
//! who may label a role.
//!
//! # See also
//!
//! [Using RBAC Authorization](https://kubernetes.io/docs/reference/access-authn-authz/rbac/)

use crate::api::{ApiType, ObjectRef, Seen};
use crate::args::{self, each, get, items, put};
use crate::codes;
use crate::fields::Names;
use crate::kinds::{rbac, selector};
use plans::{Note, Problem};
use values::{Attr, Path, Role, Schema, Type, Value};

/// What may be done in the whole cluster.
pub struct ClusterRole;

impl ApiType for ClusterRole {
    const NAME: &'static str = "cluster_role";
    const NAMES: Names = Names(&[
        ("name", "metadata.name"),
        ("labels", "metadata.labels"),
        ("annotations", "metadata.annotations"),
        ("rule", "rules"),
        ("rule[].api_groups", "rules[].apiGroups"),
        ("rule[].resource_names", "rules[].resourceNames"),
        ("rule[].non_resource_urls", "rules[].nonResourceURLs"),
        ("aggregation_rule", "aggregationRule"),
        ("aggregation_rule.cluster_role_selector", "aggregationRule.clusterRoleSelectors"),
        (
            "aggregation_rule.cluster_role_selector[].match_labels",
            "aggregationRule.clusterRoleSelectors[].matchLabels",
        ),
        (
            "aggregation_rule.cluster_role_selector[].match_expressions",
            "aggregationRule.clusterRoleSelectors[].matchExpressions",
        ),
    ]);

    fn schema() -> Schema {
        let aggregation = Type::object([("cluster_role_selector", Type::list(selector::shape()))]);
        let mut attrs = vec![
            args::name("The name: any text without `/` and `%`."),
            rbac::rules_of_cluster_role(),
            Attr::new(
                "aggregation_rule",
                aggregation,
                Role::Optional,
                "Whose rules this role gathers: those of every cluster role that any of the \
                 `cluster_role_selector` blocks (`match_labels`, `match_expressions`) selects. \
                 Instead of `rule`.",
            )
            .as_block(),
        ];
        attrs.extend(args::metadata_and_computed());
        Schema::new(attrs)
    }

    fn page() -> &'static str {
        args::page!("cluster_role.rs")
    }

    fn object(args: &Value) -> Result<ObjectRef, Vec<Problem>> {
        let problems = rbac::check_name(args);
        if problems.is_empty() {
            let name = args::text(args, "name");
            Ok(ObjectRef::cluster_wide(rbac::VERSION, "ClusterRole", name))
        } else {
            Err(problems)
        }
    }

    fn intent(args: &Value) -> Value {
        let name = args::text(args, "name");
        let mut object =
            args::head(&ObjectRef::cluster_wide(rbac::VERSION, "ClusterRole", name), args);
        put(&mut object, "rules", &rbac::rules(get(args, "rule")));
        let aggregation = args::renamed(
            get(args, "aggregation_rule"),
            &[("cluster_role_selector", "clusterRoleSelectors", |list| {
                each(list, selector::object)
            })],
        );
        put(&mut object, "aggregationRule", &aggregation);
        Value::map(object)
    }

    fn check(args: &Value) -> Vec<Problem> {
        let mut problems = args::check_metadata(args, &Path::root());
        problems.extend(rbac::check_rules(args));
        let aggregation = get(args, "aggregation_rule");
        if !aggregation.is_null() && !items(get(args, "rule")).is_empty() {
            let detail = "The rules of a role with `aggregation_rule` are gathered from other \
                          roles; what is written here would be overwritten.";
            problems.push(
                Problem::error(
                    codes::SERVER_OWNED,
                    "Field of the server",
                    Path::of("rule"),
                    detail,
                )
                .with_help(
                    "Put the `rule` blocks into a role of its own, with a label that is \
                            selected.",
                ),
            );
        }
        let at = Path::of("aggregation_rule").attr("cluster_role_selector");
        let selectors = get(aggregation, "cluster_role_selector");
        if selectors.as_list().is_some_and(<[Value]>::is_empty) {
            let detail = "`aggregation_rule` needs at least one `cluster_role_selector`.";
            problems.push(Problem::error(
                codes::RBAC,
                "Invalid rule of access",
                at.clone(),
                detail,
            ));
        }
        for (i, one) in items(selectors).iter().enumerate() {
            selector::check(one, &at.clone().index(i), &mut |path, detail, help| {
                let problem = Problem::error(codes::RBAC, "Invalid rule of access", path, detail);
                problems.push(Problem { help, ..problem });
            });
        }
        problems
    }

    fn notes(seen: &Seen<'_>) -> (Vec<Note>, Vec<Problem>) {
        (rbac::power(seen.args), Vec::new())
    }
}
