//! Evicting a pod: a deletion that asks the disruption budgets first.

use std::sync::Arc;

use apimachinery::selector::LabelSelector;
use serde_json::{Value, json};

use super::delete::{self, DeleteOptions};
use super::write::success;
use super::{Answer, Env, Target};
use crate::errors::ApiError;
use crate::meta;
use crate::request::Query;
use crate::store::Txn;

const BUDGETS: &str = "poddisruptionbudgets.policy";

/// With more unconfirmed evictions than these a budget answers none any more.
const MOST_UNCONFIRMED: usize = 2000;

/// `POST` on a pod's `eviction`. The pod is told why it goes; that it ends at once is the
/// deletion's doing.
pub(crate) fn evict(
    txn: &mut Txn<'_>,
    env: &Env<'_>,
    target: &Target,
    body: &Value,
) -> Answer<Value> {
    if meta::name(body) != target.name {
        return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
    }
    let options = DeleteOptions::parse(&Query::default(), body.get("deleteOptions"))?;
    let pod = super::read::live(txn, target)?;
    if is_guarded(&pod) {
        let mut budgets = txn.list(BUDGETS, Some(&target.namespace));
        budgets.retain(|budget| covers(budget, &pod));
        match budgets.as_slice() {
            [] => {}
            [budget] if !is_ready(&pod) && lets_unready_go(budget) => {}
            [budget] => spend(txn, env, budget, &pod)?,
            _ => return Err(ApiError::internal(SEVERAL)),
        }
    }
    delete::check_preconditions(&target.served, &pod, &options)?;
    tell(txn, env, &pod);
    delete::delete(txn, env, target, &options.without_version())?;
    let mut answer = success(json!({}));
    let told = meta::as_map(&mut answer);
    told.remove("details");
    told.insert("code".to_owned(), json!(201));
    Ok(answer)
}

/// The query of an eviction together with what its body says of dry runs.
pub(crate) fn query(query: &Query, body: &Value) -> Answer<Query> {
    let mut said = body["deleteOptions"]["dryRun"].as_array().into_iter().flatten();
    let in_body = said.next().and_then(Value::as_str).unwrap_or_default();
    match (query.get("dryRun"), in_body) {
        (_, "") => Ok(query.clone()),
        ("", told) => Ok(query.with("dryRun", told)),
        (one, other) if one == other => Ok(query.clone()),
        (one, other) => Err(ApiError::internal(format!(
            "Non-matching dry-run options in request and content: [{one}] and [{other}]"
        ))),
    }
}

const SEVERAL: &str = "This pod has more than one PodDisruptionBudget, which the eviction \
                       subresource does not support.";

/// Budgets are asked about pods that run. What is over, not begun or going already is no loss.
fn is_guarded(pod: &Value) -> bool {
    let phase = pod["status"]["phase"].as_str();
    !meta::is_terminating(pod) && !matches!(phase, Some("Succeeded" | "Failed" | "Pending"))
}

fn is_ready(pod: &Value) -> bool {
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|one| one["type"] == "Ready" && one["status"] == "True")
}

/// Pods that are not ready do not count, so that they may go while enough others are healthy.
fn lets_unready_go(budget: &Value) -> bool {
    let status = &budget["status"];
    let number = |name: &str| status[name].as_i64().unwrap_or(0);
    budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
        || (number("currentHealthy") >= number("desiredHealthy") && number("desiredHealthy") > 0)
}

/// The pod says why it goes.
fn tell(txn: &mut Txn<'_>, env: &Env<'_>, pod: &Arc<Value>) {
    let mut told = (**pod).clone();
    let condition = json!({
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
        "lastProbeTime": null,
        "lastTransitionTime": env.now_text,
    });
    let conditions = meta::map_at(&mut told, "status").entry("conditions").or_insert(json!([]));
    if let Some(conditions) = conditions.as_array_mut() {
        conditions.retain(|one| one["type"] != "DisruptionTarget");
        conditions.push(condition);
    }
    txn.put("pods", told);
}

fn covers(budget: &Value, pod: &Value) -> bool {
    let selector = &budget["spec"]["selector"];
    !selector.is_null()
        && LabelSelector::from_object(selector)
            .is_ok_and(|selector| selector.matches_json(&pod["metadata"]["labels"]))
}

/// Takes one disruption from the budget, or refuses.
fn spend(txn: &mut Txn<'_>, env: &Env<'_>, budget: &Arc<Value>, pod: &Value) -> Answer<()> {
    let name = meta::name(budget);
    let status = &budget["status"];
    let number = |name: &str| status[name].as_i64().unwrap_or(0);
    if number("observedGeneration") < budget["metadata"]["generation"].as_i64().unwrap_or(0) {
        let cause = format!("The disruption budget {name} is still being processed by the server.");
        return Err(ApiError::too_many_requests(FULL).with_cause(CAUSE, &cause, "").after(10));
    }
    let allowed = number("disruptionsAllowed");
    let unconfirmed = status["disruptedPods"].as_object().map_or(0, serde_json::Map::len);
    if allowed < 0 {
        let why = "pdb disruptions allowed is negative";
        return Err(corrupt(name, why, why));
    }
    if unconfirmed > MOST_UNCONFIRMED {
        return Err(corrupt(
            name,
            "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
            "too many pending evictions not confirmed by PDB controller",
        ));
    }
    if allowed == 0 {
        return Err(ApiError::too_many_requests(FULL).with_cause(CAUSE, &full(name, status), ""));
    }
    let mut spent = (**budget).clone();
    let status = meta::map_at(&mut spent, "status");
    status.insert("disruptionsAllowed".to_owned(), json!(allowed - 1));
    let disrupted = status.entry("disruptedPods").or_insert_with(|| json!({}));
    meta::as_map(disrupted).insert(meta::name(pod).to_owned(), json!(env.now_text));
    txn.put(BUDGETS, spent);
    Ok(())
}

const FULL: &str = "Cannot evict pod as it would violate the pod's disruption budget.";
const CAUSE: &str = "DisruptionBudget";

/// Why a budget has no room, in the words of servers since 1.37.
fn full(name: &str, status: &Value) -> String {
    let number = |name: &str| status[name].as_i64().unwrap_or(0);
    let (needs, has) = (number("desiredHealthy"), number("currentHealthy"));
    let mut conditions = status["conditions"].as_array().into_iter().flatten();
    let condition = conditions.find(|one| one["type"] == "DisruptionAllowed");
    let text = |name: &str| condition.and_then(|one| one[name].as_str()).unwrap_or_default();
    let explains = text("status") == "False" && !text("message").is_empty();
    let (reason, message) = (text("reason"), text("message"));
    let not_now = format!("The disruption budget {name} does not allow evicting pods currently");
    if explains && reason == "SyncFailed" {
        format!("{not_now} because it failed sync: {message}")
    } else if has <= needs {
        format!("The disruption budget {name} needs {needs} healthy pods and has {has} currently")
    } else if explains {
        format!("{not_now} ({reason}): {message}")
    } else {
        not_now
    }
}

fn corrupt(name: &str, why: &str, cause: &str) -> ApiError {
    let cause =
        format!("The disruption budget {name} does not allow evicting pods currently: {cause}");
    ApiError::forbidden_budget(name, why).with_cause(CAUSE, &cause, "")
}
