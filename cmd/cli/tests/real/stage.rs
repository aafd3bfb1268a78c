//! An API server to run against.

use crate::support::client;
use kube::api::{Api, DynamicObject, ListParams};
use kube::discovery::{Discovery, verbs};
use sandbox::{Faults, Sandbox};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;

/// A server, a kubeconfig for it, and what the tests know of it.
pub(super) struct Stage {
    pub(super) name: &'static str,
    pub(super) kubeconfig: PathBuf,
    runtime: Runtime,
    sandbox: Option<Sandbox>,
    _folder: Option<tempfile::TempDir>,
    _turn: Option<Turn>,
}

/// Tests share the real server, but for those that need it as it is without the others.
static REAL: RwLock<()> = RwLock::new(());

#[expect(dead_code, reason = "held, not looked at")]
enum Turn {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

fn from_environment(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

impl Stage {
    /// A new sandbox, served on a port of its own.
    pub(super) fn sandbox() -> Self {
        let (runtime, folder) = (runtime(), tempfile::tempdir().unwrap());
        let sandbox = Sandbox::in_memory();
        let kubeconfig = folder.path().join("kubeconfig");
        let served = sandbox.clone();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        std::fs::write(&kubeconfig, sandbox.write_kubeconfig(address)).unwrap();
        runtime.spawn(async move { served.serve(listener).await });
        Self {
            name: "sandbox",
            kubeconfig,
            runtime,
            sandbox: Some(sandbox),
            _folder: Some(folder),
            _turn: None,
        }
    }

    /// The real server that the environment names; says so when there is none.
    ///
    /// Not to be called again while one is held: somebody may wait to be alone.
    pub(super) fn real(test: &str) -> Option<Self> {
        let turn = || Turn::Shared(REAL.read().unwrap_or_else(PoisonError::into_inner));
        Self::real_in_turn(test, turn)
    }

    /// The real server while no other test works on it.
    pub(super) fn real_alone(test: &str) -> Option<Self> {
        let turn = || Turn::Alone(REAL.write().unwrap_or_else(PoisonError::into_inner));
        Self::real_in_turn(test, turn)
    }

    fn real_in_turn(test: &str, turn: impl Fn() -> Turn) -> Option<Self> {
        let Some(kubeconfig) = from_environment("CLINCH_TEST_KUBECONFIG") else {
            println!("SKIPPED {test} on a real server: CLINCH_TEST_KUBECONFIG is not set");
            return None;
        };
        Some(Self {
            name: "real",
            kubeconfig,
            runtime: runtime(),
            sandbox: None,
            _folder: None,
            _turn: Some(turn()),
        })
    }

    /// A sandbox, and the real server if there is one.
    pub(super) fn both(test: &str) -> Vec<Self> {
        std::iter::once(Self::sandbox()).chain(Self::real(test)).collect()
    }

    /// The same, the real one while no other test works on it.
    pub(super) fn both_alone(test: &str) -> Vec<Self> {
        std::iter::once(Self::sandbox()).chain(Self::real_alone(test)).collect()
    }

    /// The kubeconfig of somebody who may read only some kinds.
    pub(super) fn readonly(test: &str) -> Option<PathBuf> {
        let found = from_environment("CLINCH_TEST_KUBECONFIG_READONLY");
        if found.is_none() {
            println!("SKIPPED {test}: CLINCH_TEST_KUBECONFIG_READONLY is not set");
        }
        found
    }

    pub(super) fn faults(&self) -> Faults {
        self.sandbox.as_ref().expect("faults are the sandbox's").faults()
    }

    /// How many writes the sandbox has seen, as its newest resource version says.
    pub(super) fn version(&self) -> u64 {
        self.sandbox.as_ref().expect("only the sandbox tells").version()
    }

    /// Another way to the sandbox on which every request is written down, with its headers.
    pub(super) fn overheard(&self) -> (PathBuf, Arc<Mutex<String>>) {
        let heard = Arc::new(Mutex::new(String::new()));
        let text = std::fs::read_to_string(&self.kubeconfig).unwrap();
        let (before, rest) = text.split_once("http://").expect("the sandbox speaks HTTP");
        let server: String =
            rest.chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect();
        let listener = self.runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let kubeconfig = self.kubeconfig.with_file_name("overheard");
        let after = &rest[server.len()..];
        std::fs::write(&kubeconfig, format!("{before}http://{address}{after}")).unwrap();
        let written = heard.clone();
        self.runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = tokio::net::TcpStream::connect(server.clone()).await.unwrap();
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                tokio::spawn(
                    async move { tokio::io::copy(&mut from_server, &mut to_client).await },
                );
                let written = written.clone();
                tokio::spawn(async move {
                    let mut buffer = [0; 8192];
                    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
                        let text = String::from_utf8_lossy(&buffer[..length]).replace('\r', "");
                        written.lock().unwrap().push_str(&text);
                        if to_server.write_all(&buffer[..length]).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        (kubeconfig, heard)
    }

    /// What kubectl says, if it is there.
    pub(super) fn kubectl(&self, args: &[&str]) -> String {
        self.kubectl_with(args, &[])
    }

    pub(super) fn kubectl_with(&self, args: &[&str], set: &[(&str, &str)]) -> String {
        let kubectl = from_environment("CLINCH_TEST_KUBECTL")
            .expect("CLINCH_TEST_KUBECTL comes with CLINCH_TEST_KUBECONFIG");
        let said = Command::new(kubectl)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(args)
            .envs(set.iter().copied())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(said.status.success(), "kubectl {args:?}: {text}{said:?}");
        text
    }

    pub(super) fn on<T, F: Future<Output = T>>(&self, work: impl FnOnce(kube::Client) -> F) -> T {
        self.runtime.block_on(async { work(client(&self.kubeconfig).await).await })
    }

    /// Every object whose namespace or name contains the text, without what differs from run
    /// to run; and what nodes have whose name contains it.
    pub(super) fn objects(&self, own: &str) -> BTreeMap<String, Json> {
        self.on(|client| async move { objects(client, own).await })
    }
}

async fn objects(client: kube::Client, own: &str) -> BTreeMap<String, Json> {
    let mut found = BTreeMap::new();
    // A group may go while it is asked about: other tests have types of their own.
    let mut discovered = Discovery::new(client.clone()).run().await;
    for _ in 0..20 {
        if discovered.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        discovered = Discovery::new(client.clone()).run().await;
    }
    let discovered = discovered.unwrap();
    let kinds = discovered.groups().flat_map(kube::discovery::ApiGroup::recommended_resources);
    // Events are a record of what happened, not something that was left behind.
    for (kind, can) in
        kinds.filter(|(kind, can)| kind.kind != "Event" && can.supports_operation(verbs::LIST))
    {
        let _ = can;
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &kind);
        let listed = match api.list(&ListParams::default()).await {
            // So may a kind.
            Err(kube::Error::Api(status)) if status.code == 404 => continue,
            listed => listed.unwrap(),
        };
        for object in listed {
            let namespace = object.metadata.namespace.clone().unwrap_or_default();
            let name = object.metadata.name.clone().unwrap_or_default();
            if kind.kind == "Node" {
                let capacity = object.data["status"]["capacity"].as_object().cloned();
                for (resource, amount) in capacity.unwrap_or_default() {
                    if resource.contains(own) {
                        found.insert(format!("Node {name} {resource}"), amount);
                    }
                }
            }
            // What is remembered is not a part of what it is about.
            let remembered = namespace == "clinch-system";
            if !remembered && (namespace.contains(own) || name.contains(own)) {
                let lasting = lasting(serde_json::to_value(&object).unwrap());
                found.insert(format!("{} {namespace}/{name}", kind.kind), lasting);
            }
        }
    }
    found
}

/// An object without identities, versions and times.
fn lasting(mut object: Json) -> Json {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for name in ["uid", "resourceVersion", "creationTimestamp"] {
            metadata.remove(name);
        }
        for entry in
            metadata.get_mut("managedFields").and_then(Json::as_array_mut).into_iter().flatten()
        {
            entry.as_object_mut().expect("an entry").remove("time");
        }
    }
    object
}
