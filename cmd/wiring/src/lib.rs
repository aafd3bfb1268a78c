//! All resource types together, and the way to the provider of each.
//!
//! This crate answers one question: *whose is an object of this type?* [`Types`] is the pure half
//! for whoever plans, [`World`] the I/O half for whoever looks and applies. It is a crate of its
//! own so that the command line and the simulation drive the very same program.
//!
//! **Invariant:** every type that a provider registers is here, and nothing else.
//!
//! **Not here:** which cluster and which hosts are meant (`cli`), and what a type does (the
//! providers).

use access::{Cluster, Fence, Hosts, Secrets};
use addrs::TypeName;
use apimachinery::versions::Minor;
use cluster::io::{By, ClusterProvider, Need};
use node::NodeProvider;
use plans::{Exported, Op, Problem, Target};
use provider::{
    Asked, BoxFuture, Bracketing, Catalog, DataKind, Observation, Performed, Preview, Progress,
    Providers, ResourceKind, Search, Settled, StepError, Wanted,
};
use std::collections::{BTreeMap, BTreeSet};
use values::Value;

/// Every type that this program knows.
pub struct Types {
    resources: BTreeMap<String, Box<dyn ResourceKind>>,
    data: BTreeMap<String, Box<dyn DataKind>>,
    bracketing: rollout::Rollouts,
}

impl Types {
    /// With a version of Kubernetes, objects are checked against what that version has.
    pub fn new(against: Option<Minor>) -> Self {
        let resources = cluster::kinds(against).into_iter().chain(node::kinds());
        let data = cluster::data_kinds().into_iter().chain(node::data_kinds());
        Self {
            resources: resources.map(|k| (k.name().to_string(), k)).collect(),
            data: data.map(|k| (k.name().to_string(), k)).collect(),
            bracketing: rollout::Rollouts,
        }
    }
}

impl Catalog for Types {
    fn resource(&self, ty: &str) -> Option<&dyn ResourceKind> {
        self.resources.get(ty).map(|k| &**k)
    }
    fn data(&self, ty: &str) -> Option<&dyn DataKind> {
        self.data.get(ty).map(|k| &**k)
    }
    fn resource_types(&self) -> Vec<&str> {
        self.resources.keys().map(String::as_str).collect()
    }
    fn data_types(&self) -> Vec<&str> {
        self.data.keys().map(String::as_str).collect()
    }
    fn bracketing(&self) -> &dyn Bracketing {
        &self.bracketing
    }
}

/// The I/O half of every type: a type is of the cluster, of the hosts of its nodes, or what
/// surrounds changes of a node.
#[derive(Clone)]
pub struct World {
    access: Cluster,
    cluster: ClusterProvider,
    nodes: NodeProvider,
    rollouts: rollout::RolloutProvider,
    hosts: Hosts,
    /// Whose objects are on hosts.
    on_hosts: BTreeSet<TypeName>,
    /// Whose objects `nodes` looks at: those and some of the cluster.
    seen_by_nodes: BTreeSet<TypeName>,
    host_data: BTreeSet<TypeName>,
    /// The namespace of the state, when it is in the cluster.
    state_in: Option<String>,
}

impl World {
    /// This cluster and these hosts, for one project.
    pub fn new(cluster: Cluster, hosts: Hosts, project: &str) -> Self {
        Self {
            access: cluster.clone(),
            // Commands work in the folder of the configuration.
            nodes: NodeProvider::new(hosts.clone(), project).asking(cluster.clone()),
            rollouts: rollout::RolloutProvider::new(cluster.clone()),
            hosts,
            cluster: ClusterProvider::new(cluster).reading(Secrets::beside(".")),
            on_hosts: node::on_hosts().into_iter().collect(),
            seen_by_nodes: node::kinds().iter().map(|k| k.name().clone()).collect(),
            host_data: node::data_kinds().iter().map(|k| k.name().clone()).collect(),
            state_in: None,
        }
    }

    /// The same for a configuration that keeps its state in this namespace.
    #[must_use]
    pub fn keeping_state_in(self, namespace: &str) -> Self {
        Self { state_in: Some(namespace.to_owned()), ..self }
    }

    /// The same for a run that may be overtaken by a later one: hosts refuse it from then on.
    #[must_use]
    pub fn fenced(self, fence: &Fence) -> Self {
        let hosts = self.hosts.fenced(fence);
        Self { nodes: self.nodes.fenced(fence), hosts, ..self }
    }

    /// The cluster itself, for what is not a resource.
    pub fn cluster(&self) -> &Cluster {
        &self.access
    }

    /// Nodes that a run of this project left out of service.
    pub async fn left_cordoned(&self, project: &str) -> Result<Vec<String>, Problem> {
        self.rollouts.left_cordoned(project).await
    }

    /// The hosts of its nodes.
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    fn is_host(&self, ty: &TypeName) -> bool {
        self.on_hosts.contains(ty)
    }

    /// Who looks at objects of a type.
    fn seen_by(&self, ty: &TypeName) -> Side {
        match () {
            () if self.seen_by_nodes.contains(ty) => Side::Nodes,
            () if is_rollout(ty) => Side::Rollouts,
            () => Side::Cluster,
        }
    }
}

impl Providers for World {
    fn target(&self) -> BoxFuture<'_, Result<Target, Problem>> {
        Box::pin(self.cluster.target())
    }

    fn observe(&self, wanted: Vec<Wanted>) -> BoxFuture<'_, Vec<Observation>> {
        Box::pin(async move {
            let sides: Vec<Side> = wanted.iter().map(|w| self.seen_by(&w.ty)).collect();
            let [cluster, nodes, rollouts] = split(wanted, &sides);
            let (cluster, nodes, rollouts) = tokio::join!(
                self.cluster.observe(cluster),
                self.nodes.observe(nodes),
                self.rollouts.observe(rollouts),
            );
            merge([cluster, nodes, rollouts], &sides)
        })
    }

    fn read(&self, ty: &TypeName, args: Value) -> BoxFuture<'_, Result<Exported, Problem>> {
        let ty = ty.clone();
        Box::pin(async move {
            if self.host_data.contains(&ty) {
                self.nodes.read(&ty, &args).await
            } else {
                self.cluster.read(&ty, args).await
            }
        })
    }

    fn preview(&self, ops: Vec<Op>) -> BoxFuture<'_, Vec<Preview>> {
        Box::pin(self.cluster.preview(ops))
    }

    fn perform<'a>(
        &'a self,
        op: &'a Op,
        progress: Progress<'a>,
    ) -> BoxFuture<'a, Result<Performed, StepError>> {
        if self.is_host(&op.ty) {
            Box::pin(self.nodes.perform(op, progress))
        } else if is_rollout(&op.ty) {
            Box::pin(self.rollouts.perform(op, progress))
        } else {
            Box::pin(self.cluster.perform(op, progress))
        }
    }

    fn stopping(&self) {
        self.rollouts.stopping();
    }

    fn settle<'a>(&'a self, op: &'a Op) -> BoxFuture<'a, Result<Settled, StepError>> {
        if self.is_host(&op.ty) {
            Box::pin(self.nodes.settle(op))
        } else if is_rollout(&op.ty) {
            Box::pin(self.rollouts.settle(op))
        } else {
            Box::pin(self.cluster.settle(op))
        }
    }

    fn afterwards(&self, ops: Vec<Op>) -> BoxFuture<'_, Vec<(usize, Problem)>> {
        Box::pin(async move { self.cluster.afterwards(&ops).await })
    }

    fn rights(&self, ops: Vec<Op>) -> BoxFuture<'_, Result<Vec<Asked>, Problem>> {
        Box::pin(async move {
            // Rights on hosts show when a host is looked at.
            let is_object = |op: &Op| !self.is_host(&op.ty) && !is_rollout(&op.ty);
            let places: Vec<usize> = (0..ops.len()).filter(|i| is_object(&ops[*i])).collect();
            let asked: Vec<Op> = places.iter().map(|i| ops[*i].clone()).collect();
            let mut more = match &self.state_in {
                Some(namespace) => of_state(namespace),
                None => Vec::new(),
            };
            if ops.iter().any(|op| is_rollout(&op.ty)) {
                more.extend(of_rollouts());
            }
            let mut rights = self.cluster.rights(&asked, more).await?;
            for right in &mut rights {
                right.ops.iter_mut().for_each(|op| *op = places[*op]);
            }
            Ok(rights)
        })
    }

    fn find(&self, project: &str) -> BoxFuture<'_, Result<Search, Problem>> {
        let project = project.to_owned();
        Box::pin(async move {
            let (objects, files) =
                tokio::join!(self.cluster.find(&project), self.nodes.find(&project));
            let mut search = objects?;
            let of_hosts = files?;
            search.found.extend(of_hosts.found);
            search.unseen.extend(of_hosts.unseen);
            Ok(search)
        })
    }
}

/// Which part of the world something is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Cluster,
    Nodes,
    Rollouts,
}

/// Whether an operation surrounds changes of a node.
fn is_rollout(ty: &TypeName) -> bool {
    ty.as_str() == rollout::NAME
}

/// What each side looks at, in the order of [`Side`].
fn split(wanted: Vec<Wanted>, sides: &[Side]) -> [Vec<Wanted>; 3] {
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    for (wanted, side) in wanted.into_iter().zip(sides) {
        parts[*side as usize].push(wanted);
    }
    parts
}

/// The answers in the order of the questions. A provider that gave too few ends the list
/// early, which the session takes for what it is: no answer.
fn merge(parts: [Vec<Observation>; 3], sides: &[Side]) -> Vec<Observation> {
    let mut parts = parts.map(Vec::into_iter);
    sides.iter().map_while(|side| parts[*side as usize].next()).collect()
}

/// What taking a node out of service and bringing it back needs.
fn of_rollouts() -> Vec<Need> {
    let all = [
        ("list", "", "nodes"),
        ("patch", "", "nodes"),
        ("list", "", "pods"),
        ("watch", "", "pods"),
        ("delete", "", "pods"),
        ("create", "", "pods/eviction"),
        ("list", "apps", "daemonsets"),
    ];
    let need = |(verb, group, resource): (&'static str, &str, &str)| Need {
        verb,
        group: group.to_owned(),
        resource: resource.to_owned(),
        namespace: None,
        name: None,
        by: By::Other("draining nodes"),
    };
    all.map(need).into()
}

/// What a run does to the objects of its state: journal and pieces in Secrets, and the lock.
fn of_state(namespace: &str) -> Vec<Need> {
    let secrets = ["get", "list", "create", "update", "delete"].map(|v| (v, "", "secrets"));
    let leases = ["get", "create", "update"].map(|v| (v, "coordination.k8s.io", "leases"));
    let need = |(verb, group, resource): (&'static str, &str, &str)| Need {
        verb,
        group: group.to_owned(),
        resource: resource.to_owned(),
        namespace: Some(namespace.to_owned()),
        name: None,
        by: By::Other("the state"),
    };
    secrets.into_iter().chain(leases).map(need).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use diags::SourceMap;

    #[test]
    fn what_the_pages_show_is_configuration_that_this_version_reads() {
        let types = Types::new(None);
        let resources = types.resource_types().into_iter().filter_map(|ty| types.resource(ty));
        let data = types.data_types().into_iter().filter_map(|ty| types.data(ty));
        let pages = resources.map(|kind| (kind.name(), kind.page()));
        let mut shown = 0;
        for (name, page) in pages.chain(data.map(|kind| (kind.name(), kind.page()))) {
            for block in page.split("```hcl\n").skip(1) {
                let block = block.split("```").next().unwrap_or_default();
                let mut files: config::InMemory = [("main.hcl", block)].into_iter().collect();
                let (_, wrong) = config::load(".", &mut files, &mut SourceMap::default());
                assert!(wrong.is_empty(), "the page of {name}: {wrong:?}\n{block}");
                shown += 1;
            }
        }
        assert!(shown >= types.resource_types().len(), "only {shown} blocks were found");
    }
}
