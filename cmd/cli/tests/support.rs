//! A folder to work in, and the program in it.

use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use regex::Regex;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

/// A directory of configuration with a data directory of its own.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
    /// The name of the directory, and so of the project.
    pub(crate) project: String,
    /// The cluster that the desk works on; its own sandbox if there is none.
    kubeconfig: Option<PathBuf>,
}

/// What a desk on a real cluster has beside the files of a scenario.
const CLUSTER_FILE: &str = "cluster.hcl";

/// What a command printed, and its exit code.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: i32,
}

impl Said {
    /// Everything that a person would read.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::of("team")
    }

    /// A desk for a project of this name.
    pub(crate) fn of(project: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("desk").tempdir().unwrap();
        std::fs::create_dir(folder.path().join(project)).unwrap();
        Self { folder, project: project.to_owned(), kubeconfig: None }
    }

    /// A desk whose configuration names a cluster, and has a folder as the host of each node.
    pub(crate) fn on(kubeconfig: &Path, nodes: &[&str]) -> Self {
        let mut desk = Self::new();
        let hosts = desk.folder.path().join("hosts");
        for node in nodes {
            std::fs::create_dir_all(hosts.join(node)).unwrap();
        }
        let block = format!(
            "cluster \"real\" {{\n  kubeconfig = \"{}\"\n  hosts      = \"{}\"\n}}\n",
            kubeconfig.display(),
            hosts.display()
        );
        desk.write(CLUSTER_FILE, block);
        desk.kubeconfig = Some(kubeconfig.to_owned());
        desk
    }

    /// Leaves it to the configuration to name a cluster.
    pub(crate) fn forget_cluster(&self) {
        let _absent = std::fs::remove_file(self.dir().join(CLUSTER_FILE));
    }

    /// The directory of the configuration.
    pub(crate) fn dir(&self) -> PathBuf {
        self.folder.path().join(&self.project)
    }

    /// Where state and sandbox are.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir().join(".clinch")
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.dir().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// The program, with nothing of the environment but what a user of it would have.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clinch"));
        command
            .args(args)
            .current_dir(self.dir())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("USER", "ada")
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Said {
        self.finish(self.command(args).output().unwrap())
    }

    /// Runs a line such as `CLINCH_INPUT=0 clinch plan -var 'team=a b'`.
    pub(crate) fn line(&self, line: &str) -> Said {
        let words = shlex::split(line).unwrap_or_else(|| panic!("an open quote: {line}"));
        let mut words = words.into_iter().peekable();
        let mut set = Vec::new();
        while let Some((name, value)) = words.peek().and_then(|w| w.split_once('=')) {
            set.push((name.to_owned(), value.to_owned()));
            words.next();
        }
        assert_eq!(words.next().as_deref(), Some("clinch"), "commands begin with clinch: {line}");
        let args: Vec<String> = words.collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.finish(self.command(&args).envs(set).output().unwrap())
    }

    fn finish(&self, output: Output) -> Said {
        let said = Said {
            out: self.mask(&String::from_utf8(output.stdout).unwrap()),
            err: self.mask(&String::from_utf8(output.stderr).unwrap()),
            code: output.status.code().unwrap_or(-1),
        };
        assert!(said.code < 100 && said.code >= 0, "the program died: {said:?}");
        assert!(!said.err.contains("panicked at"), "{}", said.err);
        said
    }

    /// Hides what differs from run to run.
    fn mask(&self, text: &str) -> String {
        static MASKS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
            [
                (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
                (r"\(uid [0-9a-f]{8}\)", "(uid UID)"),
                (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( UTC|Z)?", "TIME"),
                (r"sha256:[0-9a-f]{64}", "sha256:DIGEST"),
                (r"\b(after|in) \d+(ms|s)\b", "$1 0s"),
            ]
            .into_iter()
            .map(|(pattern, mask)| (Regex::new(pattern).unwrap(), mask))
            .collect()
        });
        let mut text = text.replace(&self.folder.path().display().to_string(), "DESK");
        for (pattern, mask) in MASKS.iter() {
            text = pattern.replace_all(&text, *mask).into_owned();
        }
        text
    }

    /// Writes to the cluster as somebody else would, through its API.
    pub(crate) fn somebody_writes(&self, documents: &str) {
        let objects: Vec<Json> = documents
            .split("\n---\n")
            .map(|one| serde_saphyr::from_str(one).unwrap_or_else(|e| panic!("{e}:\n{one}")))
            .collect();
        let is_real = self.kubeconfig.is_some();
        self.with_client(|client| async move {
            for object in objects {
                let lives = is_real && object["deleted"].is_null();
                let is_set = lives && object["kind"] == "DaemonSet";
                let set = is_set.then(|| object.clone());
                write_object(&client, object).await;
                if let Some(set) = set {
                    until_it_has_pods(&client, &set).await;
                }
            }
        });
    }

    /// Writes a file in the folder that is a node's host: `# NODE:PATH`, then the content.
    pub(crate) fn somebody_edits(&self, file: &str) {
        let (place, content) = file.split_once('\n').unwrap_or((file, ""));
        let place = place.strip_prefix("# ").and_then(|place| place.split_once(":/"));
        let (node, path) = place.unwrap_or_else(|| panic!("no `# NODE:/PATH` before {file:?}"));
        let hosts = match self.kubeconfig {
            Some(_) => self.folder.path().join("hosts"),
            None => self.data().join("sandbox/hosts"),
        };
        let path = hosts.join(node).join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// What the sandbox holds.
    pub(crate) fn look(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Json {
        let wanted = serde_json::json!({
            "apiVersion": api_version, "kind": kind,
            "metadata": { "namespace": namespace, "name": name },
        });
        self.with_client(|client| async move {
            let (api, name) = api_of(&client, &wanted);
            let found = api.get_opt(&name).await.unwrap();
            found.map_or(Json::Null, |o| serde_json::to_value(o).unwrap())
        })
    }

    fn with_client<T, F: Future<Output = T>>(&self, work: impl FnOnce(kube::Client) -> F) -> T {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            if let Some(kubeconfig) = &self.kubeconfig {
                return work(client(kubeconfig).await).await;
            }
            let sandbox = sandbox::Sandbox::open(&self.data().join("sandbox")).unwrap();
            work(sandbox.client()).await
        })
    }
}

/// A client of the cluster that a kubeconfig names.
pub(crate) async fn client(kubeconfig: &Path) -> kube::Client {
    let read = Kubeconfig::read_from(kubeconfig).unwrap();
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(read, &options).await.unwrap();
    kube::Client::try_from(config).unwrap()
}

fn api_of(client: &kube::Client, object: &Json) -> (Api<DynamicObject>, String) {
    let text = |path: &str| object.pointer(path).and_then(Json::as_str);
    let version = text("/apiVersion").expect("apiVersion");
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let kind = GroupVersionKind::gvk(group, version, text("/kind").expect("kind"));
    let resource = ApiResource::from_gvk(&kind);
    let api = match text("/metadata/namespace").filter(|n| !n.is_empty()) {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    (api, text("/metadata/name").expect("a name").to_owned())
}

/// Applies one object; `deleted: true` deletes it; a `status` is merged into the status.
async fn write_object(client: &kube::Client, mut object: Json) {
    let (api, name) = api_of(client, &object);
    let parts = object.as_object_mut().expect("an object");
    if parts.remove("deleted").is_some() {
        api.delete(&name, &DeleteParams::default()).await.unwrap();
        until_gone(&api, &name).await;
        return;
    }
    let status = parts.remove("status");
    let as_kubectl = PatchParams::apply("kubectl").force();
    api.patch(&name, &as_kubectl, &Patch::Apply(&object)).await.unwrap();
    if let Some(status) = status {
        let patch = serde_json::json!({ "status": status });
        api.patch_status(&name, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    }
}

/// A real controller makes the pods of a daemon set when it comes to it.
async fn until_it_has_pods(client: &kube::Client, set: &Json) {
    let (api, name) = api_of(client, set);
    for _ in 0..200 {
        let found = api.get(&name).await.unwrap();
        let status = &found.data["status"];
        let number = |name: &str| status[name].as_i64();
        let made = number("currentNumberScheduled") == number("desiredNumberScheduled");
        let is_seen = number("observedGeneration") == found.metadata.generation;
        if made && is_seen {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Some objects take a while to go, or do not before a finalizer is taken off.
async fn until_gone(api: &Api<DynamicObject>, name: &str) {
    for _ in 0..200 {
        match api.get_opt(name).await.unwrap() {
            Some(object) if object.metadata.finalizers.as_ref().is_none_or(Vec::is_empty) => {}
            Some(_) | None => return,
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{name} does not go");
}
