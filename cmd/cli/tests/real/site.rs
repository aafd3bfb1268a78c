//! An example in a folder of its own, under names of its own, on a server.

use super::stage::Stage;
use crate::support::{Desk, Said};
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names in the examples that would be met by another test at the same time.
const NAMES: [&str; 12] = [
    "\"hardened-example\"",
    "\"web\"",
    "\"default-mem-example\"",
    "\"constraints-mem-example\"",
    "\"policy-example\"",
    "\"shared-example\"",
    "\"example.com/dongle\"",
    "\"example.com/special-storage\"",
    "\"stable.example.com\"",
    "\"crontabs-example\"",
    "\"ci-planner-example\"",
    "\"docker-example\"",
];

pub(super) struct Site<'a> {
    pub(super) desk: Desk,
    pub(super) stage: &'a Stage,
    /// What all names of this site end with.
    pub(super) own: String,
}

impl<'a> Site<'a> {
    pub(super) fn new(stage: &'a Stage, example: &str) -> Self {
        let (pid, nanos) = (std::process::id(), std::time::UNIX_EPOCH.elapsed().unwrap());
        let own = format!("t{:x}", u64::from(pid) << 24 ^ u64::from(nanos.subsec_nanos()));
        // An example without a name is a project of its own too.
        let desk = Desk::of(&own);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example);
        let mut text = std::fs::read_to_string(folder.join("main.hcl")).unwrap();
        for name in NAMES.into_iter().chain([&*format!("\"{example}\"")]) {
            text = text.replace(name, &format!("{}-{own}\"", name.trim_end_matches('"')));
        }
        desk.write("main.hcl", text);
        Self { desk, stage, own }
    }

    /// Gives each node a folder as its host.
    pub(super) fn has_hosts(&self) {
        let hosts = self.desk.dir().join("hosts");
        for node in super::ground::NODES {
            for (path, content) in sandbox::files_of_host(node) {
                let file = hosts.join(node).join(path);
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                std::fs::write(file, content).unwrap();
            }
        }
        let block = format!("cluster \"hosts\" {{\n  hosts = \"{}\"\n}}\n", hosts.display());
        self.desk.write("hosts.hcl", block);
    }

    /// The program, told which server.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.desk.command(args);
        command.arg("-kubeconfig").arg(&self.stage.kubeconfig);
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> Said {
        let kubeconfig = self.stage.kubeconfig.display().to_string();
        self.desk.run(&[args, &["-kubeconfig", &kubeconfig]].concat())
    }

    #[track_caller]
    pub(super) fn well(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, 0, "{} {args:?}: {}", self.stage.name, said.all());
        said
    }

    /// Nothing is left to do, and that is said.
    #[track_caller]
    pub(super) fn is_converged(&self) {
        let said = self.well(&["plan", "-detailed-exitcode"]);
        assert!(said.out.contains("\nNo changes."), "{}", said.all());
    }

    pub(super) fn objects(&self) -> BTreeMap<String, Json> {
        self.stage.objects(&self.own)
    }

    /// What is there, with the site's own names made the same for all sites.
    pub(super) fn world(&self) -> String {
        let text = serde_json::to_string_pretty(&self.objects()).unwrap();
        let mut lines: Vec<String> = Vec::new();
        for line in text.replace(&self.own, "OWN").lines() {
            // The set's name is a digest that the site's own name went into.
            match line.split_once("applyset-") {
                Some((before, _)) => lines.push(format!("{before}applyset")),
                None => lines.push(line.to_owned()),
            }
        }
        lines.join("\n")
    }

    /// Addresses that are remembered.
    pub(super) fn remembered(&self) -> String {
        self.run(&["state", "list"]).out
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.desk.data().join("journal.jsonl")
    }

    /// How many entries the journal of the run has.
    pub(super) fn entries(&self) -> usize {
        let text = std::fs::read_to_string(self.journal()).unwrap_or_default();
        text.matches('\n').count()
    }
}

/// Whatever a test leaves on a real server goes, also when the test failed.
impl Drop for Site<'_> {
    fn drop(&mut self) {
        if self.stage.name == "real" {
            self.stage.on(|client| clean(client, &self.own));
        }
    }
}

async fn clean(client: kube::Client, own: &str) {
    for (group, kind) in [("", "Secret"), ("coordination.k8s.io", "Lease")] {
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
        let remembered: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), "clinch-system", &kind);
        for object in remembered.list(&ListParams::default()).await.into_iter().flatten() {
            let name = object.metadata.name.unwrap_or_default();
            if name.contains(own) {
                let _gone = remembered.delete(&name, &DeleteParams::default()).await;
            }
        }
    }
    let all = |kind| -> Api<DynamicObject> {
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", kind));
        Api::all_with(client.clone(), &kind)
    };
    let (namespaces, nodes) = (all("Namespace"), all("Node"));
    for namespace in namespaces.list(&ListParams::default()).await.into_iter().flatten() {
        let name = namespace.metadata.name.unwrap_or_default();
        if name.ends_with(own) {
            let _gone = namespaces.delete(&name, &DeleteParams::default()).await;
        }
    }
    for node in nodes.list(&ListParams::default()).await.into_iter().flatten() {
        let name = node.metadata.name.unwrap_or_default();
        let capacity = node.data["status"]["capacity"].as_object().cloned().unwrap_or_default();
        let ours: serde_json::Map<String, Json> =
            capacity.keys().filter(|k| k.ends_with(own)).map(|k| (k.clone(), Json::Null)).collect();
        if !ours.is_empty() {
            let patch = json!({ "status": { "capacity": ours, "allocatable": ours } });
            let params = PatchParams::default();
            let _gone = nodes.patch_status(&name, &params, &Patch::Merge(&patch)).await;
        }
    }
}
