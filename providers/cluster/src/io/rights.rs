//! Which rights operations need, and which of them are there.
//!
//! Whoever may do everything is told so by one answer. For everybody else each right is asked
//! for at most once in a namespace, and once for all namespaces before it is asked for in
//! several of them. Rights may be given for single objects, so a no is asked again by name.
//!
//! Sources: [Kubernetes, request
//! verbs](https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb);
//! [privilege escalation](https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping).

use super::object::{Named, flag};
use super::work::Work;
use access::{Attempt, Cluster, ClusterError};
use futures::future::{join_all, try_join_all};
use plans::{Op, Problem, Right};
use provider::Asked;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use values::Value;

const RBAC: &str = "rbac.authorization.k8s.io";
/// So many objects are asked about by name; beyond that the first one speaks for all.
const BY_NAME: usize = 20;

/// A right that is needed, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// `patch`.
    pub verb: &'static str,
    /// The API group; empty for the core group.
    pub group: String,
    /// `configmaps`, `nodes/status`.
    pub resource: String,
    /// The namespace; `None` for what lives in none.
    pub namespace: Option<String>,
    /// The object; `None` when all are meant, or its name is not known.
    pub name: Option<String>,
    /// Who needs it.
    pub by: By,
}

/// Who needs a right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// The operation at this position.
    Op(usize),
    /// Something else, in words.
    Other(&'static str),
}

/// What is asked for at once: verb, group, resource.
type What = (&'static str, String, String);
/// Who needs it, of which object.
type Users = Vec<(Option<String>, By)>;

pub(super) async fn of_operations(
    cluster: &Cluster,
    ops: &[Op],
    more: Vec<Need>,
) -> Result<Vec<Asked>, Problem> {
    let mut needs = more;
    for (position, op) in ops.iter().enumerate() {
        needs.extend(of_operation(cluster, op, position, ops).await?);
    }
    asked(cluster, ops, needs).await.map_err(|error| error.to_problem())
}

/// What an operation does to the API, by `perform/`.
async fn of_operation(
    cluster: &Cluster,
    op: &Op,
    position: usize,
    ops: &[Op],
) -> Result<Vec<Need>, Problem> {
    let (named, work) = (Named::of(&op.identity)?, Work::of(op)?);
    let known = named.resolve(cluster).await?;
    // A kind that is defined by the same plan is not served yet.
    let Some((group, plural, namespaced)) = known
        .map(|r| (r.group().to_owned(), r.plural.clone(), r.namespaced))
        .or_else(|| defined(&named, ops))
    else {
        return Ok(Vec::new());
    };
    let verbs: &[(&str, &str)] = match work {
        // An apply is a patch, and a creation as well where there is nothing to patch.
        Work::Apply if flag(&op.args, "create") => &[("get", ""), ("create", ""), ("patch", "")],
        Work::Apply | Work::Release | Work::SetNode | Work::SetText => {
            &[("get", ""), ("patch", "")]
        }
        Work::Delete => &[("get", ""), ("delete", "")],
        Work::SetCapacity | Work::UnsetCapacity => &[("get", ""), ("patch", "/status")],
        Work::Several => &[],
    };
    let need = |(verb, sub): &(&'static str, &str)| Need {
        verb,
        group: group.clone(),
        resource: format!("{plural}{sub}"),
        namespace: named.namespace().filter(|_| namespaced).map(str::to_owned),
        // What does not exist yet has no name for those who give rights.
        name: (*verb != "create").then(|| named.name.to_string()),
        by: By::Op(position),
    };
    Ok(verbs.iter().map(need).collect())
}

/// Where objects of a kind will be that a definition among the operations brings.
fn defined(object: &Named, ops: &[Op]) -> Option<(String, String, bool)> {
    let (group, _) = object.api_version.split_once('/')?;
    ops.iter().filter(|op| op.name == "apply").find_map(|op| {
        let spec = op.args.get("object")?.get("spec")?;
        let names = spec.get("names")?;
        let text = |of: &Value, name: &str| Some(of.get(name)?.as_str()?.to_owned());
        let fits = text(spec, "group")? == group && *text(names, "kind")? == *object.kind;
        let namespaced = text(spec, "scope")? == "Namespaced";
        fits.then_some((group.to_owned(), text(names, "plural")?, namespaced))
    })
}

async fn asked(
    cluster: &Cluster,
    ops: &[Op],
    needs: Vec<Need>,
) -> Result<Vec<Asked>, ClusterError> {
    let mut places: BTreeMap<What, BTreeMap<Option<String>, Users>> = BTreeMap::new();
    for need in needs {
        let what = (need.verb, need.group, need.resource);
        let users = places.entry(what).or_default().entry(need.namespace).or_default();
        users.push((need.name, need.by));
    }
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let all = Attempt::Resource {
        verb: "*",
        group: "*",
        resource: "*",
        subresource: None,
        namespace: None,
        name: None,
    };
    let everything = match cluster.may(&all).await {
        Ok(everything) => everything,
        // Nobody may ask here, or there is nobody to answer: then it is not known.
        Err(error) if matches!(error.code(), Some(403..=405)) => {
            return Ok(unasked(places));
        }
        Err(error) => return Err(error),
    };
    let kinds = places.into_iter().map(|(what, places)| of_kind(cluster, what, places, everything));
    let mut rights: Vec<Asked> = try_join_all(kinds).await?.into_iter().flatten().collect();
    if !everything {
        rights.extend(given_away(cluster, ops).await?);
    }
    Ok(rights)
}

fn unasked(places: BTreeMap<What, BTreeMap<Option<String>, Users>>) -> Vec<Asked> {
    let of_kind = |(what, places): (What, BTreeMap<Option<String>, Users>)| {
        let one = move |(namespace, users)| answer(&what, namespace, None, users, None);
        places.into_iter().map(one).collect::<Vec<_>>()
    };
    places.into_iter().flat_map(of_kind).collect()
}

fn answer(
    (verb, group, resource): &What,
    namespace: Option<String>,
    name: Option<String>,
    users: Users,
    allowed: Option<bool>,
) -> Asked {
    let (mut ops, mut needed_by) = (Vec::new(), Vec::new());
    for (_, by) in users {
        match by {
            By::Op(position) => ops.push(position),
            By::Other(words) => needed_by.push(words.to_owned()),
        }
    }
    ops.dedup();
    needed_by.dedup();
    let right = Right {
        verb: (*verb).to_owned(),
        group: group.clone(),
        resource: resource.clone(),
        namespace,
        name,
        needed_by,
        allowed,
    };
    Asked { right, ops }
}

/// One verb for one kind, wherever it is needed.
async fn of_kind(
    cluster: &Cluster,
    what: What,
    places: BTreeMap<Option<String>, Users>,
    everything: bool,
) -> Result<Vec<Asked>, ClusterError> {
    let everywhere = everything || (places.len() > 1 && may(cluster, &what, None, None).await?);
    let what = &what;
    let places = places.into_iter().map(|(namespace, users)| async move {
        if everywhere || may(cluster, what, namespace.as_deref(), None).await? {
            return Ok(vec![answer(what, namespace, None, users, Some(true))]);
        }
        by_name(cluster, what, namespace, users).await
    });
    Ok(try_join_all(places).await?.into_iter().flatten().collect())
}

/// What is not allowed for all objects may be for some. What is allowed by name is told
/// together with the rest only when nothing of it is.
async fn by_name(
    cluster: &Cluster,
    what: &What,
    namespace: Option<String>,
    users: Users,
) -> Result<Vec<Asked>, ClusterError> {
    let names: BTreeSet<String> = users.iter().filter_map(|(name, _)| name.clone()).collect();
    let asked = if names.len() > BY_NAME { 1 } else { names.len() };
    let looks = names.iter().take(asked).map(|name| async {
        Ok((name.clone(), may(cluster, what, namespace.as_deref(), Some(name)).await?))
    });
    let allowed: BTreeMap<String, bool> = try_join_all(looks).await?.into_iter().collect();
    if !allowed.values().any(|allowed| *allowed) {
        return Ok(vec![answer(what, namespace, None, users, Some(false))]);
    }
    let mut of: BTreeMap<Option<String>, Users> = BTreeMap::new();
    for (name, by) in users {
        of.entry(name.clone()).or_default().push((name, by));
    }
    let one = |(name, users): (Option<String>, Users)| {
        let allowed = match &name {
            Some(name) => allowed.get(name).copied(),
            None => Some(false),
        };
        answer(what, namespace.clone(), name, users, allowed)
    };
    Ok(of.into_iter().map(one).collect())
}

async fn may(
    cluster: &Cluster,
    (verb, group, resource): &What,
    namespace: Option<&str>,
    name: Option<&str>,
) -> Result<bool, ClusterError> {
    let (resource, subresource) = match resource.split_once('/') {
        Some((resource, sub)) => (resource, Some(sub)),
        None => (resource.as_str(), None),
    };
    cluster.may(&Attempt::Resource { verb, group, resource, subresource, namespace, name }).await
}

/// Roles and bindings that the server was not asked about while planning: whoever gives rights
/// away must have them, or the verb `escalate` or `bind`.
async fn given_away(cluster: &Cluster, ops: &[Op]) -> Result<Vec<Asked>, ClusterError> {
    let looks = ops
        .iter()
        .enumerate()
        .filter(|(_, op)| op.name == "apply" && flag(&op.args, "verify") && op.args.is_known());
    let looks = looks.map(|(position, op)| async move {
        let Some(object) = op.args.get("object") else { return Ok(None) };
        let text = |of: &Value, name: &str| {
            of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        if !text(object, "apiVersion").starts_with(RBAC) {
            return Ok(None);
        }
        let namespace = object.get("metadata").map(|m| text(m, "namespace"));
        let namespace = namespace.filter(|namespace| !namespace.is_empty());
        let own = object.get("metadata").map(|m| text(m, "name")).unwrap_or_default();
        let (verb, kind, name) = match object.get("roleRef") {
            None => ("escalate", text(object, "kind"), own),
            Some(role) => ("bind", text(role, "kind"), text(role, "name")),
        };
        let resource = if kind == "Role" { "roles" } else { "clusterroles" };
        let what: What = (verb, RBAC.to_owned(), resource.to_owned());
        // The role of a cluster is bound in the namespace that the binding is in.
        let place = namespace.as_deref();
        if may(cluster, &what, place, Some(&name)).await? {
            return Ok(None);
        }
        let rules = match verb {
            "escalate" => object.get("rules").cloned(),
            _ => planned_rules(ops, &kind, place, &name),
        };
        // The rules of a role that is there are judged when the binding is.
        let Some(rules) = rules else { return Ok(None) };
        if has_all(cluster, &rules, place).await? {
            return Ok(None);
        }
        let by = By::Op(position);
        let name = Some(name);
        Ok(Some(answer(&what, namespace, name.clone(), vec![(name, by)], Some(false))))
    });
    Ok(join_all(looks)
        .await
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect())
}

/// The rules of a role that the same plan makes.
fn planned_rules(ops: &[Op], kind: &str, namespace: Option<&str>, name: &str) -> Option<Value> {
    ops.iter().filter(|op| op.name == "apply").find_map(|op| {
        let text = |part: &str| op.identity.args.get(part).and_then(Value::as_str);
        let inside = if kind == "Role" { namespace } else { None };
        let same = text("kind") == Some(kind)
            && text("name") == Some(name)
            && text("namespace").filter(|ns| !ns.is_empty()) == inside;
        if same { op.args.get("object")?.get("rules").cloned() } else { None }
    })
}

/// Whether whoever asks has every right of these rules.
async fn has_all(
    cluster: &Cluster,
    rules: &Value,
    namespace: Option<&str>,
) -> Result<bool, ClusterError> {
    for rule in rules.as_list().unwrap_or(&[]) {
        let list = |name: &str| -> Vec<&str> {
            let items = rule.get(name).and_then(Value::as_list).unwrap_or(&[]);
            items.iter().filter_map(Value::as_str).collect()
        };
        let names = list("resourceNames");
        let names: Vec<Option<&str>> =
            if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
        for verb in list("verbs") {
            for path in list("nonResourceURLs") {
                if !cluster.may(&Attempt::Path { verb, path }).await? {
                    return Ok(false);
                }
            }
            for group in list("apiGroups") {
                for resource in list("resources") {
                    let (resource, subresource) = match resource.split_once('/') {
                        Some((resource, sub)) => (resource, Some(sub)),
                        None => (resource, None),
                    };
                    for name in &names {
                        let attempt = Attempt::Resource {
                            verb,
                            group,
                            resource,
                            subresource,
                            namespace,
                            name: *name,
                        };
                        if !cluster.may(&attempt).await? {
                            return Ok(false);
                        }
                    }
                }
            }
        }
    }
    Ok(true)
}

/// The roles that would give rights which are missing, as manifests.
pub fn grant(missing: &[&Right]) -> String {
    /// Verbs by group, resource and name.
    type Rules = BTreeMap<(String, String, Option<String>), BTreeSet<String>>;
    let mut roles: BTreeMap<Option<&str>, Rules> = BTreeMap::new();
    for right in missing {
        let here = roles.entry(right.namespace.as_deref()).or_default();
        let rule = (right.group.clone(), right.resource.clone(), right.name.clone());
        here.entry(rule).or_default().insert(right.verb.clone());
    }
    let role = |(namespace, rules): (Option<&str>, Rules)| {
        let mut text = String::from("apiVersion: rbac.authorization.k8s.io/v1\n");
        match namespace {
            Some(namespace) => {
                let _never_fails = writeln!(
                    text,
                    "kind: Role\nmetadata: {{ name: clinch, namespace: {namespace} }}\nrules:"
                );
            }
            None => text += "kind: ClusterRole\nmetadata: { name: clinch }\nrules:\n",
        }
        // Kinds with the same verbs go into one rule.
        let mut alike: BTreeMap<(String, Option<String>, Vec<String>), Vec<String>> =
            BTreeMap::new();
        for ((group, resource, name), verbs) in rules {
            let verbs = verbs.into_iter().collect();
            alike.entry((group, name, verbs)).or_default().push(resource);
        }
        for ((group, name, verbs), resources) in alike {
            let names = name.map(|n| format!("resourceNames: [\"{n}\"], ")).unwrap_or_default();
            let _never_fails = writeln!(
                text,
                "- {{ apiGroups: [\"{group}\"], resources: [\"{}\"], {names}verbs: [\"{}\"] }}",
                resources.join("\", \""),
                verbs.join("\", \"")
            );
        }
        text
    };
    roles.into_iter().map(role).collect::<Vec<_>>().join("---\n").trim_end().to_owned()
}
