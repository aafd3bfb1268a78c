//! Which resources a Kubernetes API server serves out of the box.
//!
//! The table is the aggregated discovery document of kube-apiserver 1.36.2, recorded
//! and embedded (`data/README.md`). Start reading at [`by_kind`] and [`by_path`].
//!
//! **Not here:** custom resources; a live server or the sandbox knows those.

use std::sync::LazyLock;

use serde_json::Value;

const RECORDED: &str = include_str!("../data/discovery-v1.36.json");

/// One served resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version within the group.
    pub version: String,
    /// The kind of its objects.
    pub kind: String,
    /// The name in paths, such as `networkpolicies`.
    pub plural: String,
    /// The name of one, such as `networkpolicy`.
    pub singular: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Short names, such as `netpol`.
    pub short_names: Vec<String>,
    /// What may be done with it.
    pub verbs: Vec<String>,
    /// Groupings such as `all`.
    pub categories: Vec<String>,
    /// Its subresources, such as `status`.
    pub subresources: Vec<Subresource>,
}

/// A path below an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subresource {
    /// The last part of the path, such as `status`.
    pub name: String,
    /// The kind that is read and written there.
    pub kind: String,
    /// The group of that kind; empty for the core group.
    pub group: String,
    /// The version of that kind; empty where it is the resource's own.
    pub version: String,
    /// What may be done with it.
    pub verbs: Vec<String>,
}

/// One column of the table that `kubectl get` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The column's title.
    pub name: String,
    /// The type of its cells: `string`, `integer`, `date`.
    pub kind: String,
    /// `name` for the column that holds the name.
    pub format: String,
    /// Zero for columns that are always shown.
    pub priority: i64,
}

impl Resource {
    /// `v1`, or `apps/v1`.
    pub fn api_version(&self) -> String {
        api_version(&self.group, &self.version)
    }

    /// The resource as error messages name it: `configmaps`, `deployments.apps`.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// The path of the whole collection, or of that of one namespace.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        match namespace {
            Some(namespace) if self.namespaced => {
                format!("{root}/namespaces/{namespace}/{}", self.plural)
            }
            _ => format!("{root}/{}", self.plural),
        }
    }

    /// Whether it has this subresource.
    pub fn has_subresource(&self, name: &str) -> bool {
        self.subresources.iter().any(|sub| sub.name == name)
    }
}

/// `v1`, or `apps/v1`.
pub fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// `("apps", "v1")` from `apps/v1`; the core group is empty.
pub fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// Everything served, the core group first, in the server's order.
pub fn all() -> &'static [Resource] {
    &TABLE.resources
}

/// The resource of this kind.
pub fn by_kind(api_version: &str, kind: &str) -> Option<&'static Resource> {
    let (group, version) = split_api_version(api_version);
    all()
        .iter()
        .find(|known| known.group == group && known.version == version && known.kind == kind)
}

/// The resource under this path.
pub fn by_path(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    all()
        .iter()
        .find(|known| known.group == group && known.version == version && known.plural == plural)
}

/// The columns of the resource's table, where they were recorded.
pub fn columns(resource: &Resource) -> Option<&'static [Column]> {
    let path = resource.path(None);
    TABLE.columns.iter().find(|(known, _)| *known == path).map(|(_, columns)| columns.as_slice())
}

struct Table {
    resources: Vec<Resource>,
    columns: Vec<(String, Vec<Column>)>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    // The document is part of the program: a test reads it whole, so `Null` cannot come up.
    let document: Value = serde_json::from_str(RECORDED).unwrap_or_default();
    Table {
        resources: resources(&document["discovery"]),
        columns: table_columns(&document["tableColumns"]),
    }
});

fn resources(discovery: &Value) -> Vec<Resource> {
    let mut found = Vec::new();
    for list in ["api", "apis"] {
        for group in items(&discovery[list]["items"]) {
            let name = text(&group["metadata"]["name"]);
            for version in items(&group["versions"]) {
                for resource in items(&version["resources"]) {
                    found.push(read_resource(&name, &text(&version["version"]), resource));
                }
            }
        }
    }
    found
}

fn read_resource(group: &str, version: &str, resource: &Value) -> Resource {
    Resource {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: text(&resource["responseKind"]["kind"]),
        plural: text(&resource["resource"]),
        singular: text(&resource["singularResource"]),
        namespaced: resource["scope"] == "Namespaced",
        short_names: texts(&resource["shortNames"]),
        verbs: texts(&resource["verbs"]),
        categories: texts(&resource["categories"]),
        subresources: items(&resource["subresources"]).iter().map(read_subresource).collect(),
    }
}

fn read_subresource(subresource: &Value) -> Subresource {
    let kind = &subresource["responseKind"];
    Subresource {
        name: text(&subresource["subresource"]),
        kind: text(&kind["kind"]),
        group: text(&kind["group"]),
        version: text(&kind["version"]),
        verbs: texts(&subresource["verbs"]),
    }
}

fn table_columns(document: &Value) -> Vec<(String, Vec<Column>)> {
    let read = |column: &Value| Column {
        name: text(&column[0]),
        kind: text(&column[1]),
        format: text(&column[2]),
        priority: column[3].as_i64().unwrap_or(0),
    };
    let tables = document.as_object().into_iter().flatten();
    tables
        .map(|(path, columns)| (path.clone(), items(columns).iter().map(read).collect()))
        .collect()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    items(value).iter().map(text).collect()
}
