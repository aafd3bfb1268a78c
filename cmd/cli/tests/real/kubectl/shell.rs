//! A shell in which `kubectl` is one of several releases, on one server.

use super::super::stage::Stage;
use super::plain::plain;
use super::transcript::Transcript;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A release of kubectl.
pub(super) struct Kubectl {
    path: PathBuf,
    pub(super) is_older: bool,
}

impl Kubectl {
    /// Those that the environment names; says so when one is missing.
    pub(super) fn all(test: &str) -> Vec<Self> {
        let named = |name: &str, is_older: bool| {
            let path = std::env::var_os(name).filter(|value| !value.is_empty());
            if path.is_none() {
                println!("SKIPPED kubectl {test}: {name} is not set");
            }
            Some(Self { path: path?.into(), is_older })
        };
        [named("CLINCH_TEST_KUBECTL", false), named("CLINCH_TEST_KUBECTL_OLDER", true)]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// A folder, a server, a kubectl, and a namespace that is nobody else's.
pub(super) struct Shell {
    folder: tempfile::TempDir,
    /// Kept: a sandbox goes with its stage.
    _stage: Stage,
    /// What the names of this run contain.
    own: String,
}

static RUNS: AtomicU32 = AtomicU32::new(0);

impl Shell {
    pub(super) fn sandbox(program: &Kubectl) -> Self {
        Self::on(Stage::sandbox(), program)
    }

    /// Alone for the transcript about nodes: it adds one, and other tests are about all of them.
    pub(super) fn real(test: &str, program: &Kubectl) -> Option<Self> {
        let stage = if test == "nodes" { Stage::real_alone(test) } else { Stage::real(test) };
        Some(Self::on(stage?, program))
    }

    fn on(stage: Stage, program: &Kubectl) -> Self {
        let folder = tempfile::Builder::new().prefix("kubectl").tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("bin")).unwrap();
        std::fs::create_dir_all(folder.path().join("work")).unwrap();
        symlink(&program.path, folder.path().join("bin/kubectl")).unwrap();
        std::fs::copy(&stage.kubeconfig, folder.path().join("kubeconfig")).unwrap();
        let run = RUNS.fetch_add(1, Ordering::SeqCst);
        let own = format!("t{:x}x{run:x}", std::process::id());
        let shell = Self { folder, _stage: stage, own };
        let (_, code) = shell.sh(&format!(
            "kubectl create -f - <<E\n{{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {{\"name\": \"{0}\"}}}}\nE\n\
             kubectl config set-context --current --namespace={0}\n\
             until kubectl get serviceaccount default; do sleep 0.1; done",
            shell.own
        ));
        assert_eq!(code, 0);
        shell
    }

    /// Runs every line and returns what each one said.
    pub(super) fn run(&self, transcript: &Transcript) -> Vec<String> {
        for file in transcript.files() {
            let path = self.folder.path().join("work").join(file.name);
            std::fs::write(&path, file.text.replace("OWN", &self.own)).unwrap();
            let is_script = Path::new(file.name).extension().is_some_and(|end| end == "sh");
            let mode = if is_script { 0o700 } else { 0o600 };
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        transcript.lines().map(|line| self.said(line)).collect()
    }

    fn said(&self, line: &str) -> String {
        let (said, code) = self.sh(&line.replace("OWN", &self.own));
        let exit = if code == 0 { String::new() } else { format!("[exit {code}]\n") };
        plain(&said, &self.own) + &exit
    }

    fn sh(&self, script: &str) -> (String, i32) {
        let path = format!("{}/bin:/usr/bin:/bin", self.folder.path().display());
        let out = Command::new("timeout")
            .args(["60", "sh", "-c", &format!("exec 2>&1\n{script}")])
            .current_dir(self.folder.path().join("work"))
            .env_clear()
            .env("HOME", self.folder.path())
            .env("KUBECONFIG", self.folder.path().join("kubeconfig"))
            .env("PATH", path)
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (String::from_utf8_lossy(&out.stdout).into_owned(), out.status.code().unwrap_or(-1))
    }
}

/// Whatever a transcript leaves on a real server goes.
impl Drop for Shell {
    fn drop(&mut self) {
        self.sh(&format!(
            "kubectl delete namespace {0} --wait=false\n\
             kubectl delete node,crd,clusterrole,clusterrolebinding,priorityclass,csr -l own={0} --wait=false",
            self.own
        ));
    }
}
