//! Binding a pod to a node, as a scheduler does.

use std::sync::Arc;

use serde_json::{Value, json};

use super::write::success;
use super::{Answer, Ask};
use crate::controllers;
use crate::errors::ApiError;
use crate::meta;
use crate::store::Txn;

/// `POST` on a pod's `binding`.
pub(crate) fn bind(txn: &mut Txn<'_>, ask: &Ask<'_>, body: &Value) -> Answer<Value> {
    let served = &ask.target.served;
    let pod = super::read::live(txn, ask.target)?;
    let node = meta::plain(&body["target"]["name"]);
    if node.is_empty() {
        let error = apimachinery::FieldError::required("target.name", "");
        return Err(ApiError::invalid("", "Binding", meta::name(body), &[error]));
    }
    let bound_to = meta::plain(&pod["spec"]["nodeName"]);
    if !bound_to.is_empty() {
        let name = meta::name(&pod);
        let mut resource = served.resource.clone();
        "pods/binding".clone_into(&mut resource.plural);
        let why = format!("pod {name} is already assigned to node {bound_to:?}");
        return Err(ApiError::conflict(&resource, name, &why));
    }
    let mut bound = (*pod).clone();
    meta::map_at(&mut bound, "spec").insert("nodeName".to_owned(), json!(node));
    let bound: Arc<Value> = txn.put(&served.table, bound);
    controllers::after_write(txn, ask.env, served, &bound);
    let mut answer = success(json!({}));
    meta::as_map(&mut answer).remove("details");
    answer["code"] = json!(201);
    Ok(answer)
}
