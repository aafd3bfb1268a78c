//! Looking at hosts and changing them, for all types together.

use crate::central::Central;
use crate::host_facts;
use crate::host_type::{HostType, Site, refused};
use crate::kubelet_base_config;
use crate::look::Looked;
use crate::place::{self, part};
use access::{Ask, Cluster, Fence, Host, Hosts};
use addrs::TypeName;
use futures::future::join_all;
use plans::{Exported, Identity, Op, Problem};
use provider::{Found, Observation, Performed, Progress, Search, Settled, StepError, Wanted};
use std::collections::BTreeMap;
use std::sync::Arc;
use values::{Path, Value};

/// How many times what was seen may lead on: files that name files.
const MOST_LOOKS: usize = 4;

/// Access to the hosts of all nodes, for every resource type of this crate. The methods have
/// the shapes of [`provider::Providers`].
#[derive(Clone)]
pub struct NodeProvider {
    hosts: Hosts,
    cluster: Option<Cluster>,
    project: String,
    types: Arc<[Box<dyn HostType>]>,
}

impl NodeProvider {
    /// Through these hosts, for this project alone.
    pub fn new(hosts: Hosts, project: impl Into<String>) -> Self {
        Self { hosts, cluster: None, project: project.into(), types: crate::types().into() }
    }

    /// Also asks the API server of the nodes what it alone knows: how their kubelets run.
    #[must_use]
    pub fn asking(self, cluster: Cluster) -> Self {
        Self { cluster: Some(cluster), ..self }
    }

    /// The same for a run that may be overtaken by a later one.
    #[must_use]
    pub fn fenced(self, fence: &Fence) -> Self {
        Self { hosts: self.hosts.fenced(fence), ..self }
    }

    /// Looks at all these objects at once, once at each host, and again where
    /// what is there names more; answers in the same order.
    pub async fn observe(&self, wanted: Vec<Wanted>) -> Vec<Observation> {
        let mut at: BTreeMap<&str, Vec<&Wanted>> = BTreeMap::new();
        for wanted in wanted.iter().filter(|wanted| !is_of_cluster(&wanted.ty)) {
            at.entry(part(&wanted.identity, "node")).or_default().push(wanted);
        }
        let central = self.cluster.as_ref().map(Central::new);
        let looks =
            at.into_iter().map(async |(node, wanted)| (node, self.look_for(node, &wanted).await));
        let looks: BTreeMap<_, _> = join_all(looks).await.into_iter().collect();
        let seen = |wanted: &Wanted| {
            let looked = match looks.get(part(&wanted.identity, "node")) {
                Some(Ok(looked)) => looked,
                Some(Err(problem)) => return Err(problem.clone()),
                None => return Err(unknown_type(&wanted.ty)),
            };
            let ty = self.ty(&wanted.ty).ok_or_else(|| unknown_type(&wanted.ty))?;
            Ok((ty, ty.seen(&wanted.identity, looked)?))
        };
        let observed = async |wanted: &Wanted| match (seen(wanted), &central) {
            (Err(problem), _) => Observation::Unknown(problem),
            (Ok((_, value)), None) => Observation::Present(value),
            (Ok((ty, value)), Some(central)) => {
                let value = ty.completed(central, &wanted.identity, value).await;
                let last = central.is_control_plane(part(&wanted.identity, "node")).await;
                Observation::Present(if last { last_of_all(value) } else { value })
            }
        };
        let of_cluster = async |wanted: &Wanted| match &central {
            Some(central) => kubelet_base_config::observe(central).await,
            None => Observation::Unknown(unknown_type(&wanted.ty)),
        };
        let one = async |wanted: &Wanted| {
            if is_of_cluster(&wanted.ty) {
                of_cluster(wanted).await
            } else {
                observed(wanted).await
            }
        };
        join_all(wanted.iter().map(one)).await
    }

    /// Reads a data source.
    pub async fn read(&self, ty: &TypeName, args: &Value) -> Result<Exported, Problem> {
        if *ty != "host_facts" {
            return Err(unknown_type(ty));
        }
        let node = args.get("node").and_then(Value::as_str).unwrap_or_default();
        let looked = self.look(node, host_facts::asks()).await?;
        host_facts::read(args, &looked)
    }

    /// Does it. Checks first that what is there is what was read, and ours.
    ///
    /// # Interruption
    ///
    /// A file is replaced whole or not at all; `settle` finds out how far it came.
    pub async fn perform(&self, op: &Op, progress: Progress<'_>) -> Result<Performed, StepError> {
        let (ty, host) = self.place(op)?;
        progress(format!("host {}", host.name()));
        ty.perform(self.site(host), op).await?;
        Ok(performed(&op.identity))
    }

    /// Looks what became of an operation that was begun and not seen to end. Whoever began it may
    /// only be asleep, so the host hears first that it was overtaken: what is seen stays so.
    pub async fn settle(&self, op: &Op) -> Result<Settled, StepError> {
        let (ty, host) = self.place(op)?;
        host.claim().await.map_err(refused)?;
        let site = self.site(host);
        let became = ty.settle(site, op).await?;
        Ok(became.settled(performed(&op.identity), &op.identity))
    }

    /// Finds every object that says it belongs to the project.
    pub async fn find(&self, project: &str) -> Result<Search, Problem> {
        let mut search = Search::default();
        if let Some(cluster) = &self.cluster {
            search.found.extend(kubelet_base_config::find(cluster, project).await?);
        }
        for node in self.hosts.names() {
            let host = &**self.host(node)?;
            for ty in self.types.iter() {
                let site = Site { host, cluster: self.cluster.as_ref(), project };
                let marks = ty.find(site).await.map_err(|error| error.to_problem())?;
                search.found.extend(marks.found.into_iter().map(|identity| Found {
                    ty: ty.name().clone(),
                    identity,
                    uid: None,
                    protected: false,
                }));
                let unread = marks.unread.into_iter();
                search.unseen.extend(unread.map(|why| format!("on host `{node}` {why}")));
            }
        }
        Ok(search)
    }

    /// One look at a host, and more where what was seen leads on.
    async fn look_for(&self, node: &str, wanted: &[&Wanted]) -> Result<Looked, Problem> {
        let of_types = |asks: &dyn Fn(&dyn HostType, &Identity) -> Vec<Ask>| -> Vec<Ask> {
            let of = |wanted: &&Wanted| Some(asks(self.ty(&wanted.ty)?, &wanted.identity));
            wanted.iter().filter_map(of).flatten().collect()
        };
        let mut looked = self.look(node, of_types(&|ty, identity| ty.asks(identity))).await?;
        for _ in 0..MOST_LOOKS {
            let mut next = of_types(&|ty, identity| ty.asks_next(identity, &looked));
            next.retain(|ask| !looked.has(ask));
            if next.is_empty() {
                break;
            }
            looked.and(self.look(node, next).await?);
        }
        Ok(looked)
    }

    async fn look(&self, node: &str, asks: Vec<Ask>) -> Result<Looked, Problem> {
        let host = self.host(node)?;
        Looked::at(&**host, asks).await.map_err(|error| error.to_problem())
    }

    fn site<'a>(&'a self, host: &'a dyn Host) -> Site<'a> {
        Site { host, cluster: self.cluster.as_ref(), project: &self.project }
    }

    fn ty(&self, name: &TypeName) -> Option<&dyn HostType> {
        self.types.iter().map(|ty| &**ty).find(|ty| ty.name() == name)
    }

    fn host(&self, node: &str) -> Result<&Arc<dyn Host>, Problem> {
        let at_node = |problem: Problem| Problem { path: Path::of("node"), ..problem };
        self.hosts.get(node).map_err(|error| at_node(error.to_problem()))
    }

    fn place(&self, op: &Op) -> Result<(&dyn HostType, &dyn Host), StepError> {
        let ty = self.ty(&op.ty).ok_or_else(|| StepError::Refused(unknown_type(&op.ty)))?;
        let host = self.host(part(&op.identity, "node")).map_err(StepError::Refused)?;
        Ok((ty, &**host))
    }
}

/// Whether a type's object is not on a host.
fn is_of_cluster(ty: &TypeName) -> bool {
    ty.as_str() == kubelet_base_config::NAME
}

fn last_of_all(seen: Value) -> Value {
    let mut map = seen.as_map().cloned().unwrap_or_default();
    map.insert(place::CONTROL_PLANE.into(), true.into());
    Value::map(map)
}

fn performed(identity: &Identity) -> Performed {
    // What is no file has no path.
    let path = identity.args.get("path").map(|path| ("path", path.clone()));
    Performed { exported: Value::map(path), uid: None }
}

fn unknown_type(ty: &TypeName) -> Problem {
    let detail = format!("`{ty}` is not a type of objects on hosts.");
    Problem::error(crate::codes::STRANGE, "An operation is not understood", Path::root(), detail)
}
