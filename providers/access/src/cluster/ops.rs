//! One object: reading it, writing it, deleting it.

use super::discovery::{encode, with_query};
use super::retry::Repeat;
use super::{Ask, Call, Cluster, ClusterError, JSON, Resource};
use bytes::Bytes;
use http::Method;
use serde_json::{Value as Json, json};

/// A server-side apply.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Apply<'a> {
    /// The whole intent, with `apiVersion`, `kind` and `metadata.name`; with
    /// `metadata.uid` and `metadata.resourceVersion` where these must still hold.
    pub object: &'a Json,
    /// The field manager.
    pub manager: &'a str,
    /// Whether to take fields from other managers.
    pub force: bool,
    /// Whether only to ask what would happen.
    pub dry_run: bool,
}

/// A whole object to be written as it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Write<'a> {
    /// The object.
    pub object: &'a Json,
    /// The field manager.
    pub manager: &'a str,
    /// Whether only to ask what would happen.
    pub dry_run: bool,
}

/// A JSON patch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JsonPatch<'a> {
    /// The operations.
    pub operations: &'a Json,
    /// The field manager.
    pub manager: &'a str,
    /// The part of the object, such as `status`.
    pub subresource: Option<&'a str>,
    /// Whether only to ask what would happen.
    pub dry_run: bool,
}

/// What becomes of the objects that depend on a deleted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    /// Deleted afterwards.
    Background,
    /// Deleted first.
    Foreground,
    /// They stay.
    Orphan,
}

impl Propagation {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Background => "Background",
            Self::Foreground => "Foreground",
            Self::Orphan => "Orphan",
        }
    }

    /// From the spelling of the API.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Background, Self::Foreground, Self::Orphan].into_iter().find(|p| p.as_str() == text)
    }
}

/// A deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delete<'a> {
    /// Only the object with this uid.
    pub uid: Option<&'a str>,
    /// Only at this version.
    pub resource_version: Option<&'a str>,
    /// What becomes of dependents.
    pub propagation: Propagation,
    /// Whether only to ask what would happen.
    pub dry_run: bool,
}

/// An eviction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evict<'a> {
    /// Only the pod with this uid.
    pub uid: Option<&'a str>,
    /// How many seconds it has to end; `None` for its own time.
    pub grace_period: Option<u64>,
    /// Whether only to ask what would happen.
    pub dry_run: bool,
}

impl Cluster {
    /// Reads an object. That it does not exist is an error, too:
    /// [`ClusterError::is_object_not_found`].
    pub async fn get(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Json, ClusterError> {
        let call = resource.call("get", namespace, Some(name));
        let ask = Ask::get(call, resource.path(namespace, Some(name), None));
        let object = self.ask_json(&ask).await?;
        self.named(&ask, name, object)
    }

    /// Creates an object that must not exist yet. Sent again only when the server did not begin
    /// with it.
    pub async fn create(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        write: Write<'_>,
    ) -> Result<Json, ClusterError> {
        let path = resource.path(namespace, None, None);
        self.write(resource.call("create", namespace, Some(name)), Method::POST, path, name, write)
            .await
    }

    /// Puts an object in the place of another; with `metadata.resourceVersion` only in the
    /// place of that version. Sent again only when the server did not begin with it.
    pub async fn replace(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        write: Write<'_>,
    ) -> Result<Json, ClusterError> {
        let path = resource.path(namespace, Some(name), None);
        self.write(resource.call("update", namespace, Some(name)), Method::PUT, path, name, write)
            .await
    }

    async fn write(
        &self,
        call: Call,
        method: Method,
        path: String,
        name: &str,
        write: Write<'_>,
    ) -> Result<Json, ClusterError> {
        let target = with_query(
            path,
            &[
                ("fieldManager", Some(write.manager)),
                ("fieldValidation", Some("Strict")),
                ("dryRun", write.dry_run.then_some("All")),
            ],
        );
        let ask = Ask {
            call,
            method,
            target,
            accept: JSON,
            content_type: Some(JSON),
            body: Bytes::from(write.object.to_string()),
            repeat: if write.dry_run { Repeat::Harmless } else { Repeat::Unbegun },
        };
        let object = self.ask_json(&ask).await?;
        self.named(&ask, name, object)
    }

    /// Applies an object (server-side apply), with unknown fields refused. Sent again when
    /// that does no harm.
    pub async fn apply(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        apply: Apply<'_>,
    ) -> Result<Json, ClusterError> {
        let target = with_query(
            resource.path(namespace, Some(name), None),
            &[
                ("fieldManager", Some(apply.manager)),
                ("fieldValidation", Some("Strict")),
                ("force", apply.force.then_some("true")),
                ("dryRun", apply.dry_run.then_some("All")),
            ],
        );
        let ask = Ask {
            call: resource.call("patch", namespace, Some(name)),
            method: Method::PATCH,
            target,
            accept: JSON,
            content_type: Some("application/apply-patch+yaml"),
            body: Bytes::from(apply.object.to_string()),
            repeat: Repeat::Harmless,
        };
        let object = self.ask_json(&ask).await?;
        self.named(&ask, name, object)
    }

    /// Changes single fields. Not sent again unless the server did not begin with it.
    pub async fn json_patch(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        patch: JsonPatch<'_>,
    ) -> Result<Json, ClusterError> {
        let target = with_query(
            resource.path(namespace, Some(name), patch.subresource),
            &[
                ("fieldManager", Some(patch.manager)),
                ("fieldValidation", Some("Strict")),
                ("dryRun", patch.dry_run.then_some("All")),
            ],
        );
        let mut call = resource.call("patch", namespace, Some(name));
        if let Some(sub) = patch.subresource {
            call.resource.push('/');
            call.resource.push_str(sub);
        }
        let ask = Ask {
            call,
            method: Method::PATCH,
            target,
            accept: JSON,
            content_type: Some("application/json-patch+json"),
            body: Bytes::from(patch.operations.to_string()),
            repeat: if patch.dry_run { Repeat::Harmless } else { Repeat::Unbegun },
        };
        let object = self.ask_json(&ask).await?;
        self.named(&ask, name, object)
    }

    /// Deletes an object. The answer is the object as it is going, or a status.
    ///
    /// Sent again only when a uid makes sure that it cannot hit a successor.
    pub async fn delete(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        delete: Delete<'_>,
    ) -> Result<Json, ClusterError> {
        let mut preconditions = serde_json::Map::new();
        for (key, value) in [("uid", delete.uid), ("resourceVersion", delete.resource_version)] {
            if let Some(value) = value {
                preconditions.insert(key.to_owned(), value.into());
            }
        }
        let mut body = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": delete.propagation.as_str(),
        });
        if !preconditions.is_empty() {
            body["preconditions"] = Json::Object(preconditions);
        }
        if delete.dry_run {
            body["dryRun"] = json!(["All"]);
        }
        let harmless = delete.dry_run || delete.uid.is_some();
        let ask = Ask {
            call: resource.call("delete", namespace, Some(name)),
            method: Method::DELETE,
            target: resource.path(namespace, Some(name), None),
            accept: JSON,
            content_type: Some(JSON),
            body: Bytes::from(body.to_string()),
            repeat: if harmless { Repeat::Harmless } else { Repeat::Unbegun },
        };
        self.ask_json(&ask).await
    }

    /// Evicts a pod: deletes it if its disruption budget has room (`policy/v1`, which servers
    /// have since 1.22). It ends some time after this has returned.
    ///
    /// Never sent again: that a budget has no room is answered with the status of a server that
    /// is busy (429), and whoever waits for room has to say so.
    ///
    /// Source: [API-initiated Eviction](https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/).
    pub async fn evict(
        &self,
        namespace: &str,
        pod: &str,
        evict: Evict<'_>,
    ) -> Result<(), ClusterError> {
        let mut options = serde_json::Map::new();
        if let Some(uid) = evict.uid {
            options.insert("preconditions".to_owned(), json!({"uid": uid}));
        }
        if let Some(seconds) = evict.grace_period {
            options.insert("gracePeriodSeconds".to_owned(), seconds.into());
        }
        let body = json!({
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"namespace": namespace, "name": pod},
            "deleteOptions": options,
        });
        let path =
            format!("/api/v1/namespaces/{}/pods/{}/eviction", encode(namespace), encode(pod));
        let call = Call {
            verb: "create",
            resource: "pods/eviction".to_owned(),
            namespace: Some(namespace.to_owned()),
            name: Some(pod.to_owned()),
        };
        let ask = Ask {
            call,
            method: Method::POST,
            target: with_query(path, &[("dryRun", evict.dry_run.then_some("All"))]),
            accept: JSON,
            content_type: Some(JSON),
            body: Bytes::from(body.to_string()),
            repeat: Repeat::Never,
        };
        self.ask_json(&ask).await.map(drop)
    }

    /// An answer that is not the object that was asked for must not be taken for it.
    fn named(&self, ask: &Ask, name: &str, object: Json) -> Result<Json, ClusterError> {
        if object["metadata"]["name"] == name && object["kind"].is_string() {
            return Ok(object);
        }
        Err(self.malformed(&ask.call, "is not that object"))
    }
}
