//! A folder to work in, and the program in it.

use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use regex::Regex;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

/// A directory of configuration with a data directory of its own.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
}

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
        let folder = tempfile::Builder::new().prefix("desk").tempdir().unwrap();
        std::fs::create_dir(folder.path().join("team")).unwrap();
        Self { folder }
    }

    /// The directory of the configuration.
    pub(crate) fn dir(&self) -> PathBuf {
        self.folder.path().join("team")
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

    /// Writes to the sandbox as somebody else would, through its API.
    pub(crate) fn somebody_writes(&self, documents: &str) {
        let objects: Vec<Json> = documents
            .split("\n---\n")
            .map(|one| serde_saphyr::from_str(one).unwrap_or_else(|e| panic!("{e}:\n{one}")))
            .collect();
        at_sandbox(&self.data().join("sandbox"), |client| async move {
            for object in objects {
                write_object(&client, object).await;
            }
        });
    }

    /// What the sandbox holds.
    pub(crate) fn look(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Json {
        let wanted = serde_json::json!({
            "apiVersion": api_version, "kind": kind,
            "metadata": { "namespace": namespace, "name": name },
        });
        at_sandbox(&self.data().join("sandbox"), |client| async move {
            let (api, name) = api_of(&client, &wanted);
            let found = api.get_opt(&name).await.unwrap();
            found.map_or(Json::Null, |o| serde_json::to_value(o).unwrap())
        })
    }
}

fn at_sandbox<T, F: Future<Output = T>>(folder: &Path, work: impl FnOnce(kube::Client) -> F) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let sandbox = sandbox::Sandbox::open(folder).unwrap();
        work(sandbox.client()).await
    })
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
