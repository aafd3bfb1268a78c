//! Questions about who may do what: everybody may do everything.
//!
//! The sandbox knows no users, and says so in these answers instead of refusing the
//! question, because careful clients ask before they act.

use serde_json::{Value, json};

use crate::meta;

/// Whether this resource is a question that is answered and not kept.
pub(crate) fn is_review(plural: &str) -> bool {
    matches!(
        plural,
        "selfsubjectaccessreviews"
            | "subjectaccessreviews"
            | "localsubjectaccessreviews"
            | "selfsubjectrulesreviews"
            | "selfsubjectreviews"
    )
}

/// The question with its answer.
pub(crate) fn answer(plural: &str, question: &Value) -> Value {
    let status = match plural {
        "selfsubjectrulesreviews" => json!({
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            "incomplete": false,
        }),
        "selfsubjectreviews" => json!({
            "userInfo": {
                "username": "sandbox",
                "groups": ["system:masters", "system:authenticated"],
            },
        }),
        _ => json!({"allowed": true, "reason": "the sandbox knows no users"}),
    };
    let mut answered = question.clone();
    meta::as_map(&mut answered).insert("status".to_owned(), status);
    answered
}
