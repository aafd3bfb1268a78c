//! The server behind every way in: the store, its lock, and who is told of changes.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::catalog;
use crate::controllers;
use crate::errors::ApiError;
use crate::handlers::Env;
use crate::store::{Changes, Store, Txn};
use crate::{Faults, Options};

/// One sandbox.
pub(crate) struct Server {
    store: Mutex<Store>,
    pub(crate) options: Options,
    pub(crate) faults: Faults,
    versions: watch::Sender<u64>,
}

/// Whether a request's changes are kept.
pub(crate) enum Outcome<T> {
    Keep(T),
    Drop(T),
}

impl Server {
    /// A server on this store; an empty one is populated as a new cluster is.
    pub(crate) fn new(store: Store, options: Options) -> Result<Self, ApiError> {
        let (versions, _) = watch::channel(store.version);
        let server =
            Self { store: Mutex::new(store), options, faults: Faults::default(), versions };
        let is_new = server.with_store(Store::is_empty);
        if is_new {
            let nodes = server.options.nodes;
            server.transact(|txn, env, _| {
                populate(txn, env, nodes);
                Ok(Outcome::Keep(()))
            })?;
        }
        Ok(server)
    }

    /// Tells of every new version of the store.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.versions.subscribe()
    }

    /// Looks at the store.
    pub(crate) fn with_store<T>(&self, work: impl FnOnce(&Store) -> T) -> T {
        work(&self.lock())
    }

    /// Runs one request: it sees the store alone, and its changes become durable, then
    /// visible, before this returns. An error or a dry run leaves no trace.
    pub(crate) fn transact<T>(
        &self,
        work: impl FnOnce(&mut Txn<'_>, &Env<'_>, &Store) -> Result<Outcome<T>, ApiError>,
    ) -> Result<T, ApiError> {
        let now = self.options.clock.now();
        let env = Env {
            now,
            now_text: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            identities: &*self.options.identities,
            controllers: self.options.controllers,
        };
        let mut store = self.lock();
        let (value, changes) = {
            let mut txn = store.begin();
            match work(&mut txn, &env, &store)? {
                Outcome::Keep(value) => (value, Some(txn.finish())),
                Outcome::Drop(value) => (value, None),
            }
        };
        if let Some(changes) = changes {
            self.commit(&mut store, changes)?;
        }
        Ok(value)
    }

    fn commit(&self, store: &mut Store, changes: Changes) -> Result<(), ApiError> {
        store.commit(changes).map_err(|error| ApiError::internal(error.to_string()))?;
        self.versions.send_replace(store.version);
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Store> {
        // A panic in a request leaves the store as it was: only `commit` changes it.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a new cluster has: four namespaces, the service of its API, and nodes.
fn populate(txn: &mut Txn<'_>, env: &Env<'_>, nodes: bool) {
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        let Some(served) = catalog::built_in_table("namespaces") else { return };
        let namespace = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": name,
                "uid": env.identities.next_uid(),
                "creationTimestamp": env.now_text,
                "labels": {"kubernetes.io/metadata.name": name},
            },
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        });
        let written = txn.put("namespaces", namespace);
        controllers::after_write(txn, env, served, &written);
    }
    txn.put("services", api_service(env));
    for (name, value) in
        [("system-cluster-critical", 2_000_000_000_i64), ("system-node-critical", 2_000_001_000)]
    {
        txn.put("priorityclasses.scheduling.k8s.io", priority_class(env, name, value));
    }
    if nodes {
        controllers::nodes::populate(txn, env);
    }
}

fn priority_class(env: &Env<'_>, name: &str, value: i64) -> Value {
    json!({
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {
            "name": name,
            "uid": env.identities.next_uid(),
            "creationTimestamp": env.now_text,
            "generation": 1,
        },
        "value": value,
        "description": "Used for system critical pods.",
        "preemptionPolicy": "PreemptLowerPriority",
    })
}

fn api_service(env: &Env<'_>) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "uid": env.identities.next_uid(),
            "creationTimestamp": env.now_text,
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "clusterIP": "10.96.0.1",
            "clusterIPs": ["10.96.0.1"],
            "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
            "sessionAffinity": "None",
            "type": "ClusterIP",
        },
        "status": {"loadBalancer": {}},
    })
}
