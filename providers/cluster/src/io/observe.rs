//! Reading many objects with few requests.
//!
//! One list per kind answers for all objects of it, thirty times cheaper than one request
//! each. Where the whole kind may not be listed the namespaces are, and where these may not
//! be, each object is read for itself: the *ladder*.

use super::nodelocal_dns;
use super::object::Named;
use access::{Cluster, ClusterError, Item, Query, Resource, json};
use futures::future::{BoxFuture, join_all};
use plans::Problem;
use provider::{Observation, Wanted};
use std::collections::BTreeMap;
use std::sync::Arc;

/// So few objects are read one by one; a list would cost as much.
const FEW: usize = 2;
/// At most so many objects are read one by one when the kind is huge.
const SOME: usize = 20;
/// A kind is huge when it has so many objects for each that is wanted.
const HUGE: u64 = 20;

/// Namespace (empty for none) and name.
type Key = (Arc<str>, Arc<str>);
/// What is known about the wanted objects of one kind.
type Answers = BTreeMap<Key, Observation>;

/// Objects, and sets of several objects that are one to their type.
pub(super) async fn observe_all(cluster: &Cluster, wanted: Vec<Wanted>) -> Vec<Observation> {
    let is_set = |wanted: &Wanted| wanted.ty.as_str() == crate::kinds::nodelocal_dns::NAME;
    let places: Vec<bool> = wanted.iter().map(is_set).collect();
    let (sets, objects): (Vec<Wanted>, Vec<Wanted>) = wanted.into_iter().partition(is_set);
    let sets = join_all(sets.iter().map(|set| nodelocal_dns::look(cluster, &set.ty)));
    let (sets, objects) = tokio::join!(sets, observe(cluster, objects));
    let (mut sets, mut objects) = (sets.into_iter(), objects.into_iter());
    let answer = |is_set: bool| if is_set { sets.next() } else { objects.next() };
    places.into_iter().map_while(answer).collect()
}

pub(super) async fn observe(cluster: &Cluster, wanted: Vec<Wanted>) -> Vec<Observation> {
    let named: Vec<Result<Named, Problem>> =
        wanted.iter().map(|w| Named::of(&w.identity)).collect();
    let mut kinds: BTreeMap<(&str, &str), Vec<&Named>> = BTreeMap::new();
    for named in named.iter().flatten() {
        kinds.entry((&named.api_version, &named.kind)).or_default().push(named);
    }
    let answers = kinds.into_iter().map(|(kind, wanted)| async move {
        let answers = of_kind(cluster, kind.0, kind.1, &wanted).await;
        (kind, answers)
    });
    let answers: BTreeMap<_, Answers> = join_all(answers).await.into_iter().collect();
    let answer = |named: &Result<Named, Problem>| match named {
        Err(problem) => Observation::Unknown(problem.clone()),
        Ok(named) => {
            let of_kind = answers.get(&(&*named.api_version, &*named.kind));
            of_kind.and_then(|of_kind| of_kind.get(&key(named))).cloned().unwrap_or_else(|| {
                let detail = format!("{} was not looked at.", named.shown());
                Observation::Unknown(super::object::broken(detail))
            })
        }
    };
    named.iter().map(answer).collect()
}

fn key(named: &Named) -> Key {
    (named.namespace.clone().unwrap_or_default(), named.name.clone())
}

async fn of_kind(cluster: &Cluster, api_version: &str, kind: &str, wanted: &[&Named]) -> Answers {
    let mut keys: Vec<Key> = wanted.iter().map(|named| key(named)).collect();
    keys.sort();
    keys.dedup();
    let resource = match cluster.resolve(api_version, kind).await {
        Ok(Some(resource)) => resource,
        // The server is sure not to have the kind, so it has none of its objects.
        Ok(None) => return keys.into_iter().map(|key| (key, Observation::Absent)).collect(),
        Err(error) => return unknown(&error, keys),
    };
    let misplaced = wanted.iter().filter_map(|named| {
        let problem = named.fits(&resource).err()?;
        Some((key(named), Observation::Unknown(problem)))
    });
    let misplaced: Answers = misplaced.collect();
    keys.retain(|key| !misplaced.contains_key(key));
    let mut answers = read(cluster, &resource, keys).await;
    answers.extend(misplaced);
    answers
}

fn unknown(error: &ClusterError, keys: Vec<Key>) -> Answers {
    let problem = error.to_problem();
    keys.into_iter().map(|key| (key, Observation::Unknown(problem.clone()))).collect()
}

/// The first rung of the ladder: the whole kind.
async fn read(cluster: &Cluster, resource: &Resource, keys: Vec<Key>) -> Answers {
    if keys.len() <= FEW || !resource.verbs.contains("list") {
        return one_by_one(cluster, resource, keys).await;
    }
    if keys.len() <= SOME {
        match cluster.count(resource, Query::default()).await {
            Ok(count) if count > HUGE * keys.len() as u64 => {
                return one_by_one(cluster, resource, keys).await;
            }
            Ok(_) => {}
            Err(error) if error.is_forbidden() => {
                return by_namespace(cluster, resource, keys).await;
            }
            Err(error) => return unknown(&error, keys),
        }
    }
    match list(cluster, resource, None, keys.clone()).await {
        Ok(answers) => answers,
        Err(error) if error.is_forbidden() => by_namespace(cluster, resource, keys).await,
        Err(error) => unknown(&error, keys),
    }
}

/// The second rung: each namespace for itself.
async fn by_namespace(cluster: &Cluster, resource: &Resource, keys: Vec<Key>) -> Answers {
    if !resource.namespaced {
        return one_by_one(cluster, resource, keys).await;
    }
    let mut namespaces: BTreeMap<Arc<str>, Vec<Key>> = BTreeMap::new();
    for key in keys {
        namespaces.entry(key.0.clone()).or_default().push(key);
    }
    let reads = namespaces.into_iter().map(|(namespace, keys)| async move {
        if keys.len() <= FEW {
            return one_by_one(cluster, resource, keys).await;
        }
        match list(cluster, resource, Some(&namespace), keys.clone()).await {
            Ok(answers) => answers,
            Err(error) if error.is_forbidden() => one_by_one(cluster, resource, keys).await,
            Err(error) => unknown(&error, keys),
        }
    });
    join_all(reads).await.into_iter().flatten().collect()
}

/// The last rung: each object for itself.
fn one_by_one<'a>(
    cluster: &'a Cluster,
    resource: &'a Resource,
    keys: Vec<Key>,
) -> BoxFuture<'a, Answers> {
    let reads = keys.into_iter().map(move |key| async move {
        let namespace = Some(&*key.0).filter(|ns| !ns.is_empty());
        let answer = match cluster.get(resource, namespace, &key.1).await {
            Ok(live) => Observation::Present(json::from_json(&live)),
            Err(error) if error.is_object_not_found() => Observation::Absent,
            Err(error) => Observation::Unknown(error.to_problem()),
        };
        (key, answer)
    });
    Box::pin(async move { join_all(reads).await.into_iter().collect() })
}

/// Reads a complete list and keeps what is wanted of it, page by page. What is not in it is
/// absent.
async fn list(
    cluster: &Cluster,
    resource: &Resource,
    namespace: Option<&str>,
    keys: Vec<Key>,
) -> Result<Answers, ClusterError> {
    let reader = json::Reader::default();
    let keep = |item: Item<'_>| {
        let (namespace, name) = item.key()?;
        let here = (namespace.as_str(), name.as_str());
        let Ok(wanted) = keys.binary_search_by(|(space, name)| (&**space, &**name).cmp(&here))
        else {
            return Ok(None);
        };
        Ok(Some((keys[wanted].clone(), Observation::Present(item.value(&reader)?))))
    };
    let query = Query { namespace, ..Query::default() };
    let listing = cluster.list_items(resource, query, keep).await?;
    let mut answers: Answers = listing.items.into_iter().collect();
    // Each answer is about another one of the keys, so when there are as many all have one.
    if answers.len() < keys.len() {
        for key in keys {
            answers.entry(key).or_insert(Observation::Absent);
        }
    }
    Ok(answers)
}
