//! The objects of one configuration, in their namespace.

use access::{Cluster, ClusterError, Delete, Propagation, Query, Resource, Write};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use diags::Diagnostics;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// Who writes, for the server's record of fields.
pub(crate) const MANAGER: &str = "clinch-state";

/// The type of every Secret here.
const SECRET_TYPE: &str = "clinch.dev/state";

pub(crate) const PROJECT: &str = "clinch.dev/project";
pub(crate) const PART: &str = "clinch.dev/part";
pub(crate) const SET: &str = "clinch.dev/set";

/// How often a write is looked after whose outcome is not known.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// Where the objects of one configuration are.
#[derive(Clone)]
pub struct Room {
    cluster: Cluster,
    namespace: String,
    project: String,
}

/// Why something was not written.
#[derive(Debug)]
pub(crate) enum NotWritten {
    /// Another version is there, or none.
    Other,
    /// The server said no, or nothing.
    Trouble(Box<ClusterError>),
}

impl From<ClusterError> for NotWritten {
    fn from(error: ClusterError) -> Self {
        Self::Trouble(Box::new(error))
    }
}

/// A kind that is known without asking.
fn kind(api_version: &str, kind: &str, plural: &str, namespaced: bool) -> Resource {
    let (api_version, kind, plural) = (api_version.to_owned(), kind.to_owned(), plural.to_owned());
    let (verbs, subresources) = (BTreeSet::new(), BTreeSet::new());
    Resource { api_version, kind, plural, namespaced, verbs, subresources }
}

pub(crate) fn secrets() -> Resource {
    kind("v1", "Secret", "secrets", true)
}

pub(crate) fn leases() -> Resource {
    kind("coordination.k8s.io/v1", "Lease", "leases", true)
}

impl Room {
    /// The room of this configuration. Nothing is created before something is written.
    pub fn new(cluster: Cluster, namespace: &str, project: &str) -> Self {
        Self { cluster, namespace: namespace.to_owned(), project: project.to_owned() }
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The configuration's name.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// An object; `None` when the server says that it does not exist.
    pub(crate) async fn get(
        &self,
        kind: &Resource,
        name: &str,
    ) -> Result<Option<Json>, ClusterError> {
        match self.cluster.get(kind, Some(&self.namespace), name).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_object_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Objects of this configuration, or of all.
    pub(crate) async fn list(
        &self,
        kind: &Resource,
        labels: Option<&str>,
    ) -> Result<Vec<Json>, ClusterError> {
        let query = Query { namespace: Some(&self.namespace), labels, fields: None };
        Ok(self.cluster.list(kind, query, Some).await?.items)
    }

    /// Creates an object, and the namespace when it is missing.
    pub(crate) async fn create(&self, kind: &Resource, object: &Json) -> Result<Json, NotWritten> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let write = Write { object, manager: MANAGER, dry_run: false };
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.cluster.create(kind, Some(&self.namespace), &name, write).await {
                Ok(created) => return Ok(created),
                Err(error) => error,
            };
            let missing = error.code() == Some(404) && tries == 1;
            if missing {
                self.make_namespace().await?;
                continue;
            }
            let unknown = error.may_have_taken_effect();
            if !unknown && error.code() != Some(409) {
                return Err(error.into());
            }
            match self.get(kind, &name).await? {
                // An earlier try had arrived.
                Some(there) if same(&there, object) => return Ok(there),
                Some(_) => return Err(NotWritten::Other),
                None if unknown && tries < TRIES => tokio::time::sleep(PAUSE).await,
                None => return Err(error.into()),
            }
        }
    }

    /// Puts an object in the place of the version that it names.
    pub(crate) async fn replace(&self, kind: &Resource, object: &Json) -> Result<Json, NotWritten> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let write = Write { object, manager: MANAGER, dry_run: false };
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.cluster.replace(kind, Some(&self.namespace), &name, write).await
            {
                Ok(replaced) => return Ok(replaced),
                Err(error) => error,
            };
            let unknown = error.may_have_taken_effect();
            if !unknown && !matches!(error.code(), Some(404 | 409)) {
                return Err(error.into());
            }
            match self.get(kind, &name).await? {
                Some(there) if same(&there, object) => return Ok(there),
                Some(there)
                    if unknown
                        && tries < TRIES
                        && there["metadata"]["resourceVersion"]
                            == object["metadata"]["resourceVersion"] =>
                {
                    tokio::time::sleep(PAUSE).await;
                }
                Some(_) | None => return Err(NotWritten::Other),
            }
        }
    }

    /// Deletes an object, if it is there.
    pub(crate) async fn delete(&self, kind: &Resource, name: &str) -> Result<(), ClusterError> {
        let delete = Delete {
            uid: None,
            resource_version: None,
            propagation: Propagation::Background,
            dry_run: false,
        };
        match self.cluster.delete(kind, Some(&self.namespace), name, delete).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_object_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The server's own time, in seconds since 1970: what it would write on a new object.
    pub(crate) async fn server_time(&self) -> Option<i64> {
        let name = format!("clinch-clock-{}", short_id());
        let object = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": { "name": name, "namespace": self.namespace },
            "spec": {},
        });
        let write = Write { object: &object, manager: MANAGER, dry_run: true };
        let answer = self.cluster.create(&leases(), Some(&self.namespace), &name, write).await;
        seconds(answer.ok()?["metadata"]["creationTimestamp"].as_str()?)
    }

    async fn make_namespace(&self) -> Result<(), ClusterError> {
        let object = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": { "name": self.namespace },
        });
        let write = Write { object: &object, manager: MANAGER, dry_run: false };
        let kind = kind("v1", "Namespace", "namespaces", false);
        match self.cluster.create(&kind, None, &self.namespace, write).await {
            Ok(_) => Ok(()),
            // Somebody else was faster.
            Err(error) if error.code() == Some(409) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A Secret of this configuration, with one entry.
    pub(crate) fn secret(&self, name: &str, part: &str, set: &str, content: &[u8]) -> Json {
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": self.namespace,
                "labels": { PROJECT: self.project, PART: part, SET: set },
            },
            "type": SECRET_TYPE,
            "data": { "content": BASE64_STANDARD.encode(content) },
        })
    }

    /// The labels of a part of this configuration.
    pub(crate) fn labels(&self, part: &str) -> String {
        format!("{PROJECT}={},{PART}={part}", self.project)
    }

    /// The name of an object of this configuration.
    pub(crate) fn name(&self, part: &str) -> String {
        format!("clinch-{part}-{}", self.project)
    }
}

/// The content of a Secret that [`Room::secret`] made; `None` when it is something else.
pub(crate) fn content(secret: &Json) -> Option<Vec<u8>> {
    if secret["type"] != SECRET_TYPE {
        return None;
    }
    BASE64_STANDARD.decode(secret["data"]["content"].as_str().unwrap_or_default()).ok()
}

/// Whether what is there is what was to be written.
fn same(there: &Json, wanted: &Json) -> bool {
    let annotations = |object: &Json| object["metadata"]["annotations"].clone();
    ["data", "spec"].iter().all(|part| there[*part] == wanted[*part])
        && annotations(there) == annotations(wanted)
}

/// A name that nobody else makes.
pub(crate) fn short_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..10].to_owned()
}

/// A time of the API, in seconds since 1970.
pub(crate) fn seconds(time: &str) -> Option<i64> {
    Some(time.parse::<jiff::Timestamp>().ok()?.as_second())
}

/// What the server said, for a person.
pub(crate) fn trouble(error: &ClusterError) -> Diagnostics {
    error.to_problem().into_diagnostic().into()
}
