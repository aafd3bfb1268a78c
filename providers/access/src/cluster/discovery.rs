//! Which kinds the server has, and under which paths.
//!
//! Two requests tell everything (aggregated discovery). A group whose server does not
//! answer is marked there; it is asked for itself, so that it affects nobody else.

use super::{Ask, Call, Cluster, ClusterError, JSON};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use tokio::sync::Mutex;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                          application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,\
                          application/json";

/// One kind in one version, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// `v1`, `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// `deployments`.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// What can be done with it: `get`, `list`, ...
    pub verbs: BTreeSet<String>,
    /// `status`, `scale`, ...
    pub subresources: BTreeSet<String>,
}

impl Resource {
    /// The group; empty for the core.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// As RBAC calls it: `deployments.apps`.
    pub fn shown(&self) -> String {
        match self.group() {
            "" => self.plural.clone(),
            group => format!("{}.{group}", self.plural),
        }
    }

    /// The path of all its objects, of those of a namespace, of one, or of a part of one.
    pub fn path(&self, namespace: Option<&str>, name: Option<&str>, sub: Option<&str>) -> String {
        let root = if self.api_version.contains('/') { "/apis/" } else { "/api/" };
        let mut path = format!("{root}{}", self.api_version);
        if let (true, Some(namespace)) = (self.namespaced, namespace) {
            path += "/namespaces/";
            path += &encode(namespace);
        }
        path += "/";
        path += &self.plural;
        for part in [name, sub].into_iter().flatten() {
            path += "/";
            path += &encode(part);
        }
        path
    }

    pub(crate) fn call(
        &self,
        verb: &'static str,
        namespace: Option<&str>,
        name: Option<&str>,
    ) -> Call {
        Call {
            verb,
            resource: self.shown(),
            namespace: namespace.filter(|_| self.namespaced).map(str::to_owned),
            name: name.map(str::to_owned),
        }
    }
}

/// As one segment of a path or one value of a query: whatever a name holds, it stays one.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b':' => {
                out.push(char::from(byte));
            }
            // Writing to a `String` cannot fail.
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    // A browser of paths would go up; an API server calls such a name invalid.
    match out.as_str() {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => out,
    }
}

/// The path with those parts of the query that are given.
pub(crate) fn with_query(mut path: String, parts: &[(&str, Option<&str>)]) -> String {
    let mut mark = '?';
    for (name, value) in parts {
        if let Some(value) = value {
            path.push(mark);
            path.push_str(name);
            path.push('=');
            path.push_str(&encode(value));
            mark = '&';
        }
    }
    path
}

/// All kinds that a server has, as far as it told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Discovery {
    /// Group versions in the server's order of preference; `None` when the server of the
    /// group did not answer, or when it has to be asked for itself.
    versions: Vec<(String, Option<Arc<Vec<Resource>>>)>,
}

impl Discovery {
    /// Group versions in the server's order of preference.
    pub fn group_versions(&self) -> impl Iterator<Item = &str> {
        self.versions.iter().map(|(gv, _)| gv.as_str())
    }

    fn version(&self, api_version: &str) -> Option<&Option<Arc<Vec<Resource>>>> {
        self.versions.iter().find(|(gv, _)| gv == api_version).map(|(_, known)| known)
    }
}

#[derive(Default)]
pub(crate) struct Cache {
    all: Mutex<Option<Arc<Discovery>>>,
    /// What had to be asked for itself.
    single: Mutex<BTreeMap<String, Arc<Vec<Resource>>>>,
}

impl Cluster {
    /// What the server has; asked once.
    pub async fn discovery(&self) -> Result<Arc<Discovery>, ClusterError> {
        // Held while asking, so that many tasks ask once.
        let mut all = self.inner.discovery.all.lock().await;
        if let Some(known) = &*all {
            return Ok(known.clone());
        }
        let ask = |path: &str| Ask {
            accept: AGGREGATED,
            ..Ask::get(Call::of("get", "the list of kinds"), path.to_owned())
        };
        let (core, groups) = (ask("/api"), ask("/apis"));
        let (core, groups) = futures::try_join!(self.ask_json(&core), self.ask_json(&groups))?;
        let mut versions = Vec::new();
        for document in [core, groups] {
            match read(&document) {
                Some(found) => versions.extend(found),
                None => {
                    let call = Call::of("get", "the list of kinds");
                    return Err(self.malformed(&call, "is no list of kinds"));
                }
            }
        }
        let found = Arc::new(Discovery { versions });
        *all = Some(found.clone());
        Ok(found)
    }

    /// Forgets what was discovered, because a kind has come or gone.
    pub async fn forget_discovery(&self) {
        *self.inner.discovery.all.lock().await = None;
        self.inner.discovery.single.lock().await.clear();
    }

    /// Where the objects of this kind are. `None` when the server is sure not to have it; an
    /// error when the server of the group does not answer.
    pub async fn resolve(
        &self,
        api_version: &str,
        kind: &str,
    ) -> Result<Option<Resource>, ClusterError> {
        let found = self.resources(api_version).await?;
        Ok(found.iter().find(|r| r.kind == kind).cloned())
    }

    /// All kinds of a group version; none when there is no such group version.
    pub async fn resources(&self, api_version: &str) -> Result<Arc<Vec<Resource>>, ClusterError> {
        let discovery = self.discovery().await?;
        match discovery.version(api_version) {
            None => Ok(Arc::default()),
            Some(Some(known)) => Ok(known.clone()),
            Some(None) => self.resources_alone(api_version).await,
        }
    }

    async fn resources_alone(&self, api_version: &str) -> Result<Arc<Vec<Resource>>, ClusterError> {
        if let Some(known) = self.inner.discovery.single.lock().await.get(api_version) {
            return Ok(known.clone());
        }
        let root = if api_version.contains('/') { "/apis/" } else { "/api/" };
        let call = Call::of("get", &format!("the list of kinds of {api_version}"));
        let ask = Ask::get(call.clone(), format!("{root}{api_version}"));
        let found = match self.ask_json(&ask).await {
            Ok(document) if document["kind"] == "APIResourceList" => {
                classic(api_version, &document)
            }
            Ok(_) => return Err(self.malformed(&call, "is no list of kinds")),
            Err(error) if error.code() == Some(404) => Vec::new(),
            Err(error) => return Err(error),
        };
        let found = Arc::new(found);
        let mut single = self.inner.discovery.single.lock().await;
        single.insert(api_version.to_owned(), found.clone());
        Ok(found)
    }

    /// The version of the server: `v1.36.2`.
    pub async fn version(&self) -> Result<String, ClusterError> {
        let call = Call::of("get", "the version");
        let ask = Ask { accept: JSON, ..Ask::get(call.clone(), "/version".to_owned()) };
        let document = self.ask_json(&ask).await?;
        match document["gitVersion"].as_str() {
            Some(version) => Ok(crate::text::clean(version)),
            None => Err(self.malformed(&call, "has no `gitVersion`")),
        }
    }
}

/// Group versions of a discovery document, aggregated or classic.
#[expect(clippy::type_complexity, reason = "the two halves of `Discovery`")]
fn read(document: &Json) -> Option<Vec<(String, Option<Arc<Vec<Resource>>>)>> {
    match document["kind"].as_str()? {
        "APIGroupDiscoveryList" => {
            let mut out = Vec::new();
            for group in document["items"].as_array()? {
                let name = group["metadata"]["name"].as_str().unwrap_or_default();
                for version in group["versions"].as_array()? {
                    let gv = join(name, version["version"].as_str()?);
                    let stale = version["freshness"] == "Stale";
                    let found = (!stale).then(|| Arc::new(aggregated(&gv, version)));
                    out.push((gv, found));
                }
            }
            Some(out)
        }
        "APIVersions" => {
            let versions = document["versions"].as_array()?.iter();
            Some(versions.filter_map(|v| Some((v.as_str()?.to_owned(), None))).collect())
        }
        "APIGroupList" => {
            let groups = document["groups"].as_array()?.iter();
            let versions = groups.filter_map(|g| g["versions"].as_array()).flatten();
            let names = versions.filter_map(|v| v["groupVersion"].as_str());
            Some(names.map(|gv| (gv.to_owned(), None)).collect())
        }
        _ => None,
    }
}

fn join(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

fn aggregated(gv: &str, version: &Json) -> Vec<Resource> {
    let resources = version["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    let one = |r: &Json| {
        let subs = r["subresources"].as_array().map(Vec::as_slice).unwrap_or_default();
        Some(Resource {
            api_version: gv.to_owned(),
            kind: r["responseKind"]["kind"].as_str()?.to_owned(),
            plural: r["resource"].as_str()?.to_owned(),
            namespaced: r["scope"] == "Namespaced",
            verbs: strings(&r["verbs"]),
            subresources: subs
                .iter()
                .filter_map(|s| s["subresource"].as_str().map(str::to_owned))
                .collect(),
        })
    };
    resources.iter().filter_map(one).collect()
}

fn classic(gv: &str, document: &Json) -> Vec<Resource> {
    let resources = document["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    let (parts, wholes): (Vec<&Json>, Vec<&Json>) =
        resources.iter().partition(|r| r["name"].as_str().is_some_and(|n| n.contains('/')));
    let parts: Vec<(&str, &str)> =
        parts.iter().filter_map(|p| p["name"].as_str()?.split_once('/')).collect();
    let one = |r: &Json| {
        let plural = r["name"].as_str()?;
        Some(Resource {
            api_version: gv.to_owned(),
            kind: r["kind"].as_str()?.to_owned(),
            plural: plural.to_owned(),
            namespaced: r["namespaced"] == true,
            verbs: strings(&r["verbs"]),
            subresources: parts
                .iter()
                .filter(|(of, _)| *of == plural)
                .map(|(_, sub)| (*sub).to_owned())
                .collect(),
        })
    };
    wholes.into_iter().filter_map(one).collect()
}

fn strings(list: &Json) -> BTreeSet<String> {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_segment_of_the_path_whatever_it_holds() {
        let roles = Resource {
            api_version: "rbac.authorization.k8s.io/v1".to_owned(),
            kind: "Role".to_owned(),
            plural: "roles".to_owned(),
            namespaced: true,
            verbs: BTreeSet::new(),
            subresources: BTreeSet::new(),
        };
        let path = |name| roles.path(Some("a"), Some(name), None);
        let root = "/apis/rbac.authorization.k8s.io/v1/namespaces/a/roles/";
        assert_eq!(path("system:auth"), format!("{root}system:auth"));
        assert_eq!(path("../../x?y#z é"), format!("{root}..%2F..%2Fx%3Fy%23z%20%C3%A9"));
        assert_eq!(path(".."), format!("{root}%2E%2E"));
    }
}
