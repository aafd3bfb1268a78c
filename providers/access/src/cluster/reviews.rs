//! Asking what whoever asks may do.
//!
//! Source: [Checking API access](https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access).

use super::{Ask, Call, Cluster, ClusterError, JSON};
use crate::cluster::retry::Repeat;
use bytes::Bytes;
use http::Method;
use serde_json::{Value as Json, json};

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// What somebody may or may not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt<'a> {
    /// Something with objects.
    Resource {
        /// `patch`; `*` for all.
        verb: &'a str,
        /// The API group, empty for the core group; `*` for all.
        group: &'a str,
        /// The plural; `*` for all.
        resource: &'a str,
        /// `status`.
        subresource: Option<&'a str>,
        /// The namespace; `None` for all of them, and for what lives in none.
        namespace: Option<&'a str>,
        /// One object; `None` for all.
        name: Option<&'a str>,
    },
    /// A request for a path that is no resource.
    Path {
        /// `get`.
        verb: &'a str,
        /// `/healthz`.
        path: &'a str,
    },
}

impl Attempt<'_> {
    fn spec(&self) -> Json {
        match self {
            Self::Resource { verb, group, resource, subresource, namespace, name } => {
                json!({"resourceAttributes": {
                    "verb": verb,
                    "group": group,
                    "resource": resource,
                    "subresource": subresource.unwrap_or_default(),
                    "namespace": namespace.unwrap_or_default(),
                    "name": name.unwrap_or_default(),
                }})
            }
            Self::Path { verb, path } => {
                json!({"nonResourceAttributes": {"verb": verb, "path": path}})
            }
        }
    }
}

impl Cluster {
    /// Whether whoever asks may do this. Nothing is done.
    pub async fn may(&self, attempt: &Attempt<'_>) -> Result<bool, ClusterError> {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": attempt.spec(),
        });
        let ask = Ask {
            call: Call::of("create", "selfsubjectaccessreviews.authorization.k8s.io"),
            method: Method::POST,
            target: REVIEWS.to_owned(),
            accept: JSON,
            content_type: Some(JSON),
            body: Bytes::from(review.to_string()),
            repeat: Repeat::Harmless,
        };
        let answer = self.ask_json(&ask).await?;
        match answer["status"]["allowed"].as_bool() {
            Some(allowed) => Ok(allowed),
            None => Err(self.malformed(&ask.call, "does not say whether it is allowed")),
        }
    }
}
