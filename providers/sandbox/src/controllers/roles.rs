//! The aggregation of cluster roles: the rules of some are those of others, by their labels.

use std::sync::Arc;

use apimachinery::selector::LabelSelector;
use apimachinery::types;
use serde_json::{Value, json};

use super::decode;
use crate::catalog::{self, Served};
use crate::codec;
use crate::fields::FieldRequest;
use crate::handlers::Env;
use crate::meta;
use crate::store::Txn;

pub(super) const TABLE: &str = "clusterroles.rbac.authorization.k8s.io";
const MANAGER: &str = "clusterrole-aggregation-controller";

/// Gathers the rules of every role that gathers. One may gather from another, so this goes on
/// until nothing changes, at most once for each role.
pub(super) fn aggregate(txn: &mut Txn<'_>, env: &Env<'_>) {
    let Some(served) = catalog::built_in_table(TABLE) else { return };
    for _ in 0..=txn.list(TABLE, None).len() {
        let roles = txn.list(TABLE, None);
        let gathering = roles.iter().filter(|role| role["aggregationRule"].is_object());
        let changed: Vec<(Arc<Value>, Vec<Value>)> = gathering
            .map(|role| (Arc::clone(role), gathered(role, &roles)))
            .filter(|(role, rules)| !crate::kinds::same(&role["rules"], &json!(rules)))
            .filter(|(role, rules)| !(rules.is_empty() && role["rules"].is_null()))
            .collect();
        let written = changed.iter().filter(|(role, rules)| apply(txn, env, served, role, rules));
        if written.count() == 0 {
            return;
        }
    }
}

/// The rules of all roles that are selected, each once, by the order of the selectors and then
/// of the names.
fn gathered(role: &Value, roles: &[Arc<Value>]) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for selector in role["aggregationRule"]["clusterRoleSelectors"].as_array().into_iter().flatten()
    {
        let Ok(selector) = LabelSelector::from_object(selector) else { continue };
        let selected = roles.iter().filter(|other| {
            meta::name(other) != meta::name(role)
                && selector.matches_json(&other["metadata"]["labels"])
        });
        for rule in selected.filter_map(|other| other["rules"].as_array()).flatten() {
            if !found.contains(rule) {
                found.push(rule.clone());
            }
        }
    }
    found
}

/// Writes the rules as the controller does, which is with an apply; whether that did anything.
fn apply(
    txn: &mut Txn<'_>,
    env: &Env<'_>,
    served: &'static Served,
    role: &Value,
    rules: &[Value],
) -> bool {
    let config = json!({
        "apiVersion": served.resource.api_version(),
        "kind": served.resource.kind,
        "metadata": {"name": meta::name(role)},
        "rules": rules,
    });
    let fields = FieldRequest { served, subresource: "", manager: MANAGER, now: &env.now_text };
    // It takes by force; nothing else can go wrong with rules that were stored before.
    let Ok((Some(merged), owners)) = fields.apply(Some(role), &config, true) else { return false };
    let mut object = decode(served, &merged);
    meta::put(&mut object, "managedFields", owners);
    txn.put(TABLE, codec::encode_stored(types::builtin(), served.type_id, &object));
    true
}
