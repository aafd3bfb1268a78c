//! What every type of this crate promises: `provider::contract`, and what becomes of a host.

use crate::support::{answer, request};
use crate::{systemd_unit, trusted_ca};
use access::{Expected, FolderHost, Host, Hosts, WriteFile};
use node::NodeProvider;
use plans::{Action, Op};
use provider::contract::{self, arguments, examples};
use provider::{Observation, Planned, ResourceKind, Settled, StepError, Wanted};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use values::Value;

const KUBELET: &str = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n\
                       clusterDomain: cluster.local # ours\nmaxPods: 110\n";
const FLAGS: &str = "KUBELET_KUBEADM_ARGS=\"--node-ip=10.0.0.1\"\n";
const RUNTIME: &str = "# By hand.\nversion = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\n  \
                       sandbox_image = \"registry.k8s.io/pause:3.9\"\n";
const APISERVER: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver}\nspec:\n  \
                         containers:\n  - command:\n    - kube-apiserver\n    \
                         - --audit-log-maxage=7\n    - --service-account-lookup=true\n    \
                         name: kube-apiserver\n";
/// What hosts have before anything is declared.
const FILES: [(&str, &str); 8] = [
    // Whoever runs the tests is root there.
    ("etc/passwd", "root:x:UID:GID::/root:/bin/sh\n"),
    ("etc/group", "root:x:GID:\n"),
    ("etc/ca-certificates.conf", ""),
    ("etc/containerd/config.toml", RUNTIME),
    ("etc/kubernetes/audit-policy.yaml", "from before\n"),
    ("etc/kubernetes/manifests/kube-apiserver.yaml", APISERVER),
    ("var/lib/kubelet/config.yaml", KUBELET),
    ("var/lib/kubelet/kubeadm-flags.env", FLAGS),
];

/// What the examples of the pages refer to.
fn names() -> [(&'static str, Value); 2] {
    let settings = [("maxPods", 200_i64.into()), ("shutdownGracePeriod", "60s".into())];
    [("var.company_root", trusted_ca::ONE.into()), ("local.kubelet", Value::map(settings))]
}

fn kind(ty: &str) -> Box<dyn ResourceKind> {
    node::kinds().into_iter().find(|kind| kind.name().as_str() == ty).unwrap()
}

fn with(args: &Value, name: &'static str, value: Value) -> Value {
    let mut map = args.as_map().unwrap().clone();
    map.insert(name.into(), value);
    Value::map(map)
}

/// A host in a folder, and one object there.
struct Life {
    kind: Box<dyn ResourceKind>,
    args: Value,
    host: Arc<dyn Host>,
    files: Box<dyn Fn() -> BTreeMap<String, String>>,
    provider: NodeProvider,
    /// Everything that was said of it.
    said: String,
}

impl Life {
    fn of(
        kind: Box<dyn ResourceKind>,
        args: Value,
        host: Arc<dyn Host>,
        files: impl Fn() -> BTreeMap<String, String> + 'static,
    ) -> Self {
        let provider = NodeProvider::new(Hosts::of([host.clone()]), "shop");
        Self { kind, args, host, files: Box::new(files), provider, said: String::new() }
    }

    fn in_folder(kind: Box<dyn ResourceKind>, args: Value, folder: &Path) -> Self {
        for (path, content) in FILES {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let own = std::fs::metadata(folder).unwrap();
            let content = content.replace("UID", &own.uid().to_string());
            let content = content.replace("GID", &own.gid().to_string());
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        }
        let node = args.get("node").and_then(Value::as_str).unwrap_or("worker-1").to_owned();
        let root = folder.to_owned();
        let files = move || {
            let mut files = BTreeMap::new();
            walk(&root, &root, &mut files);
            files
        };
        Self::of(kind, args, Arc::new(FolderHost::new(node, folder)), files)
    }

    async fn observe(&self) -> Observation {
        let identity = self.kind.identify(&self.args).unwrap();
        let wanted = Wanted { ty: self.kind.name().clone(), identity };
        self.provider.observe(vec![wanted]).await.remove(0)
    }

    /// What is planned now; all of the contract holds here, too.
    async fn plan(&mut self, wanted: bool) -> Planned {
        let observed = self.observe().await;
        let kept = contract::decided(&*self.kind, &self.args, &observed);
        assert_eq!(kept, [""; 0], "{}", self.kind.name());
        let identity = self.kind.identify(&self.args).unwrap();
        let asked = request(&identity, wanted.then_some(&self.args), &observed);
        let planned = self.kind.plan(&asked);
        let _ = write!(self.said, "{planned:?}{}", answer(&planned));
        planned
    }

    async fn ops(&mut self, wanted: bool, actions: &[&str]) -> Vec<Op> {
        let planned = self.plan(wanted).await;
        let text = answer(&planned);
        let is_one = actions.iter().any(|action| text.starts_with(action));
        assert!(is_one, "{}: {text}", self.kind.name());
        match planned {
            Planned::Decided(decision) => decision.ops,
            other => panic!("{other:?}"),
        }
    }

    /// Each operation is not done before it is, and done afterwards. Once more it does nothing, or
    /// is refused since what it was planned for is gone.
    async fn perform(&mut self, ops: &[Op]) {
        assert!(!ops.is_empty());
        for op in ops {
            assert_eq!(self.provider.settle(op).await, Ok(Settled::NotDone), "{}", op.text);
            let done = self.provider.perform(op, &|_| ()).await;
            done.unwrap_or_else(|error| panic!("{}: {}", op.text, error.message()));
            let settled = self.provider.settle(op).await;
            assert!(matches!(settled, Ok(Settled::Done(_))), "{}: {settled:?}", op.text);
            let files = (self.files)();
            let again = self.provider.perform(op, &|_| ()).await;
            assert!(matches!(again, Ok(_) | Err(StepError::Stale(_))), "{}: {again:?}", op.text);
            assert_eq!((self.files)(), files, "{} a second time", op.text);
        }
    }

    async fn has_nothing_to_do(&mut self) {
        let planned = self.plan(true).await;
        assert_eq!(contract::nothing_to_do(&*self.kind, &planned), [""; 0], "{planned:?}");
    }

    /// Somebody exchanges a text in a file.
    async fn edit(&self, path: &str, old: &str, new: &str) {
        let path = format!("/{path}");
        let file = self.host.read(&path).await.unwrap().unwrap();
        let text = String::from_utf8(file.content).unwrap();
        assert!(text.contains(old), "no `{old}` in {text}");
        let (content, expected) = (text.replace(old, new), Expected::Anything);
        let (content, mode) = (content.as_bytes(), file.mode);
        let file = WriteFile::new(&path, content, mode, expected);
        self.host.write(file).await.unwrap();
    }

    async fn found(&self) -> Vec<String> {
        let found = self.provider.find("shop").await.unwrap().found;
        found.into_iter().map(|found| found.identity.shown).collect()
    }

    /// Nothing is found, and nothing is done to a file that is not ours any more.
    async fn is_gone(&mut self) {
        let name = self.kind.name().to_string();
        assert_eq!(self.found().await, [""; 0], "{name}");
        match self.plan(false).await {
            Planned::Decided(decision) => assert_eq!(decision.action, Action::Forget, "{name}"),
            // There is a file, and nothing says that it was ever ours.
            Planned::Failed(problems) => assert_eq!(problems[0].code.0, "E0762", "{name}"),
            Planned::NeedsPreview(_) => panic!("{name}"),
        }
    }

    /// Made, or taken over in the open, seen as it is asked for, edited by somebody, mended, and gone as if it had never
    /// been.
    async fn passes(&mut self, path: &str, old: &str, new: &str) {
        let name = self.kind.name().to_string();
        let before = (self.files)();
        let create = self.ops(true, &["Create", "Update"]).await;
        self.perform(&create).await;
        let applied = (self.files)();
        assert_ne!(applied, before, "{name}");
        // What is noted and kept beside it may hold anything.
        let ours = applied.iter().filter(|(path, _)| path.starts_with("var/lib/clinch/"));
        for (path, file) in ours {
            assert!(file.starts_with("600 "), "{path}: {file}");
        }
        self.has_nothing_to_do().await;
        assert_eq!(self.found().await.len(), 1, "{name}");

        let remove = self.ops(false, &["Delete"]).await;
        self.edit(path, old, new).await;
        let edited = (self.files)();
        for op in &remove {
            let stale = self.provider.perform(op, &|_| ()).await;
            assert!(matches!(stale, Err(StepError::Stale(_))), "{}: {stale:?}", op.text);
            let settled = self.provider.settle(op).await;
            assert!(matches!(settled, Ok(Settled::Changed(_))), "{}: {settled:?}", op.text);
        }
        assert_eq!((self.files)(), edited, "{name}: stale and yet done");

        let mend = self.ops(true, &["Update"]).await;
        self.perform(&mend).await;
        assert_eq!((self.files)(), applied, "{name}: mended otherwise");
        self.has_nothing_to_do().await;

        let remove = self.ops(false, &["Delete"]).await;
        self.perform(&remove).await;
        assert_eq!((self.files)(), before, "{name}: what was there is not back");
        self.is_gone().await;
    }
}

/// Files of a folder with what is in them and who may read it.
fn walk(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let meta = std::fs::symlink_metadata(&path).unwrap();
        if meta.is_dir() {
            walk(root, &path, files);
            continue;
        }
        let content = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        files.insert(name, format!("{:o} {}: {content}", meta.mode() & 0o7777, meta.uid()));
    }
}

/// A type whose objects can be in a folder: what is declared beside the first example of its page,
/// and how somebody edits what was made of it.
type InFolder = (&'static str, Vec<(&'static str, Value)>, [&'static str; 3]);

fn in_folders() -> Vec<InFolder> {
    let module = "etc/modprobe.d/90-clinch-modules.conf";
    let anchor = "usr/local/share/ca-certificates/clinch-company-root.crt";
    vec![
        ("host_file", vec![], ["etc/kubernetes/audit-policy.yaml", "Metadata", "None"]),
        ("kernel_module_blacklist", vec![], [module, "blacklist dccp\n", ""]),
        (
            "sysctl",
            vec![("load", false.into())],
            ["etc/sysctl.d/90-clinch-settings.conf", "8192", "17"],
        ),
        ("trusted_ca", vec![("update", false.into())], [anchor, "-----END", "x\n-----END"]),
        (
            "cgroup_driver",
            vec![],
            ["etc/containerd/config.toml", "SystemdCgroup = true", "SystemdCgroup = false"],
        ),
        ("kubelet_config", vec![], ["var/lib/kubelet/config.yaml", "200", "20"]),
        ("container_runtime", vec![], ["etc/containerd/config.toml", "3.10.2", "3.8"]),
        (
            "runtime_migration",
            vec![],
            [
                "var/lib/kubelet/kubeadm-flags.env",
                "--node-ip=10.0.0.1",
                "--node-ip=10.0.0.1 --container-runtime-endpoint=unix:///var/run/cri-dockerd.sock",
            ],
        ),
        (
            "static_pod",
            vec![],
            ["etc/kubernetes/manifests/kube-apiserver.yaml", "maxage=30", "maxage=3"],
        ),
    ]
}

#[test]
fn every_type_is_documented_and_judges_its_own_examples_well() {
    for kind in node::kinds() {
        let (name, schema) = (kind.name().as_str(), kind.schema());
        assert_eq!(contract::documented(name, schema, kind.page()), [""; 0]);
        let examples = examples(kind.page(), name).unwrap();
        assert!(!examples.is_empty(), "{name} has no example of itself");
        for example in examples {
            let args = arguments(schema, &example, &names()).unwrap();
            assert_eq!(contract::judged(&*kind, &args), [""; 0], "{name}");
        }
    }
    for kind in node::data_kinds() {
        let (name, schema) = (kind.name().as_str(), kind.schema());
        assert_eq!(contract::documented(name, schema, kind.page()), [""; 0]);
        let args = arguments(schema, "node = \"worker-1\"", &[]).unwrap();
        assert_eq!(kind.check(&args), [], "{name}");
    }
}

/// Nothing there, somebody else's file there, and a host that cannot be reached.
#[tokio::test]
async fn every_type_decides_the_same_twice_and_tells_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let away = plans::Problem::error(diags::Code("E0709"), "Away", values::Path::root(), "");
    for kind in node::kinds() {
        let name = kind.name().to_string();
        for (at, example) in examples(kind.page(), &name).unwrap().iter().enumerate() {
            let args = arguments(kind.schema(), example, &names()).unwrap();
            let life = Life::in_folder(
                self::kind(&name),
                args.clone(),
                &folder.path().join(format!("{name}-{at}")),
            );
            let away = Observation::Unknown(away.clone());
            for observed in [Observation::Absent, life.observe().await, away] {
                assert_eq!(contract::decided(&*kind, &args, &observed), [""; 0], "{name}");
            }
        }
    }
}

#[tokio::test]
async fn every_type_lives_its_whole_life_in_a_folder() {
    // Those live elsewhere: in the API, where systemd runs, and on a Windows that is played.
    let elsewhere = ["kubelet_base_config", "systemd_unit", "windows_node_upgrade"];
    let mut lived = elsewhere.map(str::to_owned).to_vec();
    for (name, more, [path, old, new]) in in_folders() {
        let kind = kind(name);
        let example = examples(kind.page(), name).unwrap().remove(0);
        let args = arguments(kind.schema(), &example, &names()).unwrap();
        let args = more.into_iter().fold(args, |args, (name, value)| with(&args, name, value));
        let folder = tempfile::tempdir().unwrap();
        Life::in_folder(kind, args, folder.path()).passes(path, old, new).await;
        lived.push(name.to_owned());
    }
    lived.sort();
    let all = node::kinds().iter().map(|kind| kind.name().to_string()).collect::<Vec<_>>();
    let missing = all.iter().filter(|name| !lived.contains(name)).collect::<Vec<_>>();
    assert_eq!(missing, [""; 0], "types whose life nothing plays");
}

#[tokio::test]
async fn a_unit_lives_its_whole_life_where_systemd_runs() {
    let machine = systemd_unit::Machine::new();
    let args = systemd_unit::args(systemd_unit::GOOD, &systemd_unit::RUNS);
    let (host, state) = (Arc::new(machine.host.clone()), machine.clone());
    let files = move || {
        let state = [("state".to_owned(), format!("{:?}", state.is()))];
        state.into_iter().chain(machine.host.dump()).collect()
    };
    let path = &systemd_unit::PATH[1..];
    Life::of(kind("systemd_unit"), args, host, files)
        .passes(path, "/bin/probe", "/bin/other")
        .await;
}

/// An object of the API: what the operation writes is what is read the next time.
#[test]
fn settings_of_all_kubelets_are_no_change_once_they_are_written() {
    let kind = kind("kubelet_base_config");
    let example = examples(kind.page(), "kubelet_base_config").unwrap().remove(0);
    let args = arguments(kind.schema(), &example, &names()).unwrap();
    let identity = kind.identify(&args).unwrap();
    let observed = |text: &Value, record: &Value| {
        let (text, record) = (("text", text.clone()), ("record", record.clone()));
        let server = [("uid", "u1".into()), ("version", "v1.37.2".into())];
        Observation::Present(Value::map([text, record].into_iter().chain(server)))
    };
    let plan = |wanted: bool, observed: &Observation| {
        assert_eq!(contract::decided(&*kind, &args, observed), [""; 0]);
        kind.plan(&request(&identity, wanted.then_some(&args), observed))
    };
    let written = |planned: Planned, action: &str| {
        assert!(answer(&planned).starts_with(action), "{}", answer(&planned));
        let Planned::Decided(decision) = planned else { panic!() };
        let [op] = decision.ops.as_slice() else { panic!("{:?}", decision.ops) };
        observed(op.args.get("text").unwrap(), op.args.get("record").unwrap())
    };
    let before = observed(&KUBELET.into(), &Value::Null);
    let applied = written(plan(true, &before), "Create");
    assert_eq!(contract::nothing_to_do(&*kind, &plan(true, &applied)), [""; 0]);
    let Observation::Present(seen) = &applied else { panic!() };
    let edited = seen.get("text").unwrap().as_str().unwrap().replace("200", "20");
    let edited = observed(&edited.into(), seen.get("record").unwrap());
    assert_eq!(written(plan(true, &edited), "Update"), applied);
    assert_eq!(written(plan(false, &applied), "Delete"), before);
    assert!(answer(&plan(false, &before)).starts_with("Forget"));
}

/// The texts of a declaration, hidden. A type may refuse them, and then says nothing of them.
#[tokio::test]
async fn a_whole_life_of_secrets_leaves_none_in_what_is_said() {
    for (name, more, _) in in_folders() {
        let kind = kind(name);
        let example = examples(kind.page(), name).unwrap().remove(0);
        let args = arguments(kind.schema(), &example, &names()).unwrap();
        let mut args = more.into_iter().fold(args, |args, (name, value)| with(&args, name, value));
        let mut secrets = Vec::new();
        for attr in kind.schema().attrs.iter().filter(|attr| !attr.is_identity()) {
            let Some(value) = args.get(attr.name).filter(|value| !value.is_null()) else {
                continue;
            };
            texts(value, &mut secrets);
            args = with(&args, attr.name, value.clone().into_sensitive());
        }
        let folder = tempfile::tempdir().unwrap();
        let mut life = Life::in_folder(kind, args, folder.path());
        if let Planned::Decided(decision) = life.plan(true).await {
            life.perform(&decision.ops).await;
            life.has_nothing_to_do().await;
            let remove = life.ops(false, &["Delete"]).await;
            life.perform(&remove).await;
            life.is_gone().await;
        }
        for secret in secrets {
            let lines = secret.lines().filter(|line| line.len() > 7);
            for line in lines.chain([secret.as_str()]).filter(|text| text.len() > 7) {
                assert!(!life.said.contains(line), "{name} tells `{line}`: {}", life.said);
            }
        }
    }
}

fn texts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Map(map) => map.values().for_each(|value| texts(value, out)),
        Value::List(items) => items.iter().for_each(|value| texts(value, out)),
        Value::String(text) => out.push(text.to_string()),
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Sensitive(_)
        | Value::Unknown(_) => {}
    }
}
