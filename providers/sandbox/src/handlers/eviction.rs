//! Evicting a pod: a deletion that asks the disruption budgets first.

use std::sync::Arc;

use apimachinery::selector::LabelSelector;
use serde_json::{Value, json};

use super::delete::{self, DeleteOptions};
use super::write::success;
use super::{Answer, Env, Target};
use crate::errors::ApiError;
use crate::meta;
use crate::store::Txn;

const BUDGETS: &str = "poddisruptionbudgets.policy";

/// `POST` on a pod's `eviction`.
pub(crate) fn evict(
    txn: &mut Txn<'_>,
    env: &Env<'_>,
    target: &Target,
    body: &Value,
) -> Answer<Value> {
    let pod = super::read::live(txn, target)?;
    let sent = meta::name(body);
    if !sent.is_empty() && sent != target.name {
        return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
    }
    let budgets: Vec<Arc<Value>> = txn
        .list(BUDGETS, Some(&target.namespace))
        .into_iter()
        .filter(|budget| covers(budget, &pod))
        .collect();
    match budgets.as_slice() {
        [] => {}
        [budget] => {
            if is_running(&pod) {
                spend(txn, env, budget, &pod)?;
            }
        }
        _ => {
            return Err(ApiError::internal(
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
            ));
        }
    }
    let options =
        DeleteOptions::parse(&crate::request::Query::default(), body.get("deleteOptions"))?;
    delete::delete(txn, env, target, &options)?;
    let mut answer = success(json!({}));
    meta::as_map(&mut answer).remove("details");
    Ok(answer)
}

fn covers(budget: &Value, pod: &Value) -> bool {
    let selector = &budget["spec"]["selector"];
    !selector.is_null()
        && LabelSelector::from_object(selector)
            .is_ok_and(|selector| selector.matches_json(&pod["metadata"]["labels"]))
}

fn is_running(pod: &Value) -> bool {
    !meta::is_terminating(pod) && pod["status"]["phase"] == "Running"
}

/// Takes one disruption from the budget, or refuses.
fn spend(txn: &mut Txn<'_>, env: &Env<'_>, budget: &Arc<Value>, pod: &Value) -> Answer<()> {
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    let name = meta::name(budget);
    let status = &budget["status"];
    let seen = status["observedGeneration"].as_i64().unwrap_or(0);
    if seen < budget["metadata"]["generation"].as_i64().unwrap_or(0) {
        let cause = format!("The disruption budget {name} is still being processed by the server.");
        return Err(ApiError::too_many_requests(message).with_cause(
            "DisruptionBudget",
            &cause,
            "",
        ));
    }
    let allowed = status["disruptionsAllowed"].as_i64().unwrap_or(0);
    if allowed <= 0 {
        let cause = format!(
            "The disruption budget {name} needs {} healthy pods and has {} currently",
            status["desiredHealthy"].as_i64().unwrap_or(0),
            status["currentHealthy"].as_i64().unwrap_or(0),
        );
        return Err(ApiError::too_many_requests(message).with_cause(
            "DisruptionBudget",
            &cause,
            "",
        ));
    }
    let mut spent = (**budget).clone();
    let status = meta::map_at(&mut spent, "status");
    status.insert("disruptionsAllowed".to_owned(), json!(allowed - 1));
    let disrupted = status.entry("disruptedPods").or_insert_with(|| json!({}));
    meta::as_map(disrupted).insert(meta::name(pod).to_owned(), json!(env.now_text));
    txn.put(BUDGETS, spent);
    Ok(())
}
