//! Reading what a drain has to do with.
//!
//! Nodes, pods and daemon sets must be read completely, or there is no world. What only makes a
//! forecast say more (budgets, owners, volumes) may stay out of sight, and then that is said.

use crate::drain::reader::Unreadable;
use crate::drain::world::Thing;
use crate::drain::{World, codes};
use access::{Cluster, ClusterError, Query, Resource};
use plans::Problem;
use serde_json::Value as Json;
use values::Path;

impl World {
    /// Reads everything: for forecasts of all nodes, at the price of ten lists.
    pub async fn read(cluster: &Cluster) -> Result<Self, Problem> {
        let everywhere = Query::default();
        let all = |resource| async move { things(cluster, &resource, everywhere).await };
        let (must, may) = futures::join!(
            futures::future::join_all(
                [nodes(), pods(), namespaced("apps/v1", "DaemonSet", "daemonsets")].map(all)
            ),
            futures::future::join_all(helpful().map(all)),
        );
        let mut world = Self::default();
        for found in must {
            world.extend(found.map_err(Trouble::into_problem)?);
        }
        world.all_pods_seen();
        for (resource, found) in helpful().iter().zip(may) {
            match found {
                Ok(found) => world.extend(found),
                Err(trouble) => {
                    let why = trouble.into_problem().detail;
                    world.unseen.push(format!("No {} was read. {why}", resource.kind));
                    continue;
                }
            }
            if resource.kind == "PodDisruptionBudget" {
                world.budgets.get_or_insert_default();
            }
        }
        Ok(world)
    }

    /// Reads only nodes.
    pub async fn read_nodes(cluster: &Cluster) -> Result<Self, Problem> {
        let mut world = Self::default();
        let found = things(cluster, &nodes(), Query::default()).await;
        world.extend(found.map_err(Trouble::into_problem)?);
        Ok(world)
    }

    /// Reads only pods of a namespace with these labels.
    pub(crate) async fn read_pods(
        cluster: &Cluster,
        namespace: &str,
        labels: &str,
    ) -> Result<Self, Problem> {
        let query = Query { namespace: Some(namespace), labels: Some(labels), ..Query::default() };
        let mut world = Self::default();
        let found = things(cluster, &pods(), query).await;
        world.extend(found.map_err(Trouble::into_problem)?);
        Ok(world)
    }

    /// Reads what decides which pods of one node may leave: for the drain itself, which asks
    /// the server about budgets.
    pub(crate) async fn read_node(cluster: &Cluster, node: &str) -> Result<Self, Problem> {
        let here = format!("spec.nodeName={node}");
        let here = Query { fields: Some(&here), ..Query::default() };
        let (nodes, pods, sets) =
            (nodes(), pods(), namespaced("apps/v1", "DaemonSet", "daemonsets"));
        let (all, here, sets) = futures::join!(
            things(cluster, &nodes, Query::default()),
            things(cluster, &pods, here),
            things(cluster, &sets, Query::default()),
        );
        let mut world = Self::default();
        for found in [all, here, sets] {
            world.extend(found.map_err(Trouble::into_problem)?);
        }
        world.pods.entry(node.to_owned()).or_default();
        Ok(world)
    }

    fn extend(&mut self, found: Vec<Thing>) {
        for thing in found {
            self.put(thing);
        }
    }
}

/// Why a list was not read.
enum Trouble {
    Cluster(ClusterError),
    Object(Unreadable),
}

impl Trouble {
    fn into_problem(self) -> Problem {
        match self {
            Self::Cluster(error) => error.to_problem(),
            Self::Object(unreadable) => unreadable.to_problem(),
        }
    }
}

impl Unreadable {
    /// For a person, with what to do.
    pub fn to_problem(&self) -> Problem {
        let detail = format!("{} cannot be understood: {}.", self.object, self.why);
        Problem::error(codes::STRANGE, "An object is not as the API promises", Path::root(), detail)
            .with_help("Nothing is concluded about it. Look at it with `kubectl get -o yaml`.")
    }
}

async fn things(
    cluster: &Cluster,
    resource: &Resource,
    query: Query<'_>,
) -> Result<Vec<Thing>, Trouble> {
    let keep = |object: Json| Thing::of(&object).transpose();
    let found = cluster.list(resource, query, keep).await.map_err(Trouble::Cluster)?;
    found.items.into_iter().collect::<Result<_, _>>().map_err(Trouble::Object)
}

/// What a forecast says more with.
fn helpful() -> [Resource; 6] {
    [
        namespaced("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
        namespaced("apps/v1", "Deployment", "deployments"),
        namespaced("apps/v1", "ReplicaSet", "replicasets"),
        namespaced("apps/v1", "StatefulSet", "statefulsets"),
        namespaced("v1", "ReplicationController", "replicationcontrollers"),
        Resource { namespaced: false, ..namespaced("v1", "PersistentVolume", "persistentvolumes") },
    ]
}

pub(super) fn nodes() -> Resource {
    Resource { namespaced: false, ..namespaced("v1", "Node", "nodes") }
}

pub(super) fn pods() -> Resource {
    namespaced("v1", "Pod", "pods")
}

pub(super) fn budgets() -> Resource {
    namespaced("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
}

/// Every server has these kinds, so that nobody has to ask where they are.
fn namespaced(api_version: &str, kind: &str, plural: &str) -> Resource {
    Resource {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        namespaced: true,
        verbs: ["get", "list", "watch", "patch"].map(str::to_owned).into(),
        subresources: std::collections::BTreeSet::new(),
    }
}
