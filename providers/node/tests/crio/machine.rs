//! A host with a CRI-O that answers as its manual pages say.

use super::{PACKAGED, PACKAGED_TEXT, REGISTRIES, apply, args, plan, provider};
use access::{MemoryHost, Output};
use node::NodeProvider;
use provider::{Planned, StepError};
use std::sync::{Arc, Mutex};
use values::Value;

pub(super) fn said(text: &str) -> Output {
    Output { status: Some(0), stdout: text.into(), stderr: Vec::new() }
}

pub(super) fn complained(text: &str) -> Output {
    Output { status: Some(1), stdout: Vec::new(), stderr: text.into() }
}

/// What a CRI-O has read: the last line of its files that sets each of both.
#[derive(Default, Clone)]
struct Config {
    driver: String,
    image: String,
}

impl Config {
    fn of(files: &[(String, String)]) -> Self {
        let mut config =
            Self { driver: "systemd".into(), image: "registry.k8s.io/pause:3.10".into() };
        for line in files.iter().flat_map(|(_, text)| text.lines()) {
            let Some((key, value)) = line.split_once(" = ") else { continue };
            let value = value.trim_matches('"').to_owned();
            match key.trim() {
                "cgroup_manager" => config.driver = value,
                "pause_image" => config.image = value,
                _ => {}
            }
        }
        config
    }
}

/// A host with a CRI-O that does not start with an image at `broken.example`, that cannot read
/// one at `unreadable.example` and cannot reload one at `unloadable.example` or such a mirror.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) host: MemoryHost,
    ran: Arc<Mutex<Vec<String>>>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self::of(MemoryHost::new("w1").with_file(PACKAGED, PACKAGED_TEXT), "1.36.0")
    }

    pub(super) fn of(files: MemoryHost, version: &'static str) -> Self {
        Self::with_flags(files, version, None)
    }

    /// One whose unit gives it a driver on the command line.
    pub(super) fn with_flags(
        files: MemoryHost,
        version: &'static str,
        driver: Option<&'static str>,
    ) -> Self {
        let ran = Arc::new(Mutex::new(Vec::new()));
        let (shared, log) = (files.clone(), ran.clone());
        let read = move || -> Vec<(String, String)> {
            let settings = |path: &String| path.starts_with("/etc/crio/");
            let mut files: Vec<_> =
                shared.dump().into_iter().filter(|(path, _)| settings(path)).collect();
            // The main file first; the rest is in order already.
            files.sort_by_key(|(path, _)| path != "/etc/crio/crio.conf");
            files
        };
        let registries = {
            let shared = files.clone();
            move || shared.dump().get(REGISTRIES).cloned().unwrap_or_default()
        };
        let started = move |mut config: Config| {
            if let Some(driver) = driver {
                driver.clone_into(&mut config.driver);
            }
            config
        };
        let runs_with = Mutex::new(started(Config::of(&read())));
        let journal = Mutex::new(String::new());
        let new = move || version != "1.27.0";
        let host = files.with_program(move |words, _| match words {
            ["crio", "--version"] => said(&format!("crio version {version}\nVersion: {version}\n")),
            ["crio", "config"] if Config::of(&read()).image.starts_with("unreadable") => {
                complained("level=fatal msg=\"no\x1b[31m\"\n")
            }
            ["crio", "config"] => said("# commented\n"),
            ["crio", "status", ..] if !new() => complained("command \"status\" not supported\n"),
            ["crio", "status", "config"] => {
                let Config { driver, image } = runs_with.lock().unwrap().clone();
                said(&format!(
                    "[crio]\n  [crio.runtime]\n    cgroup_manager = \"{driver}\"\n    conmon_cgroup \
                     = \"\"\n  [crio.image]\n    pause_image = \"{image}\"\n"
                ))
            }
            ["crio", "status", "info"] => {
                let driver = runs_with.lock().unwrap().driver.clone();
                said(&format!("cgroup driver: {driver}\nstorage driver: overlay\n"))
            }
            ["systemctl", "is-active", "crio"] => said("active\n"),
            ["systemctl", "is-active", "containerd"] => complained("inactive\n"),
            ["systemctl", "show", "--property=ExecStart,Environment", "kubelet"] => said(""),
            ["kubelet", "--version"] => complained(""),
            ["systemctl", "show", ..] => {
                said("ActiveState=active\nSubState=running\nNRestarts=0\n")
            }
            ["systemctl", "restart", "crio"] => {
                log.lock().unwrap().push(words.join(" "));
                let config = Config::of(&read());
                if config.image.starts_with("broken") {
                    return complained("Job for crio.service failed.\n");
                }
                *runs_with.lock().unwrap() = started(config);
                said("")
            }
            ["systemctl", "reload", "crio"] => {
                log.lock().unwrap().push(words.join(" "));
                let (image, tables) = (Config::of(&read()).image, registries());
                let bad = image.starts_with("unloadable") || tables.contains("unloadable");
                let line = if bad {
                    "level=error msg=\"Unable to reload configuration: no\"\n"
                } else {
                    runs_with.lock().unwrap().image = image;
                    "level=info msg=\"Configuration reload completed\"\n"
                };
                journal.lock().unwrap().push_str(line);
                said("")
            }
            ["journalctl", _, "--lines=1", ..] => {
                let at = journal.lock().unwrap().len();
                said(&format!("level=info\n-- cursor: {at}\n"))
            }
            ["journalctl", _, after, ..] if after.starts_with("--after-cursor=") => {
                let at: usize = after.trim_start_matches("--after-cursor=").parse().unwrap();
                said(&journal.lock().unwrap()[at..])
            }
            ["journalctl", ..] => said("level=fatal msg=\"cannot go on\"\n"),
            other => panic!("{other:?}"),
        });
        Self { host, ran }
    }

    pub(super) fn with_file(self, path: &str, content: &str) -> Self {
        Self { host: self.host.with_file(path, content), ..self }
    }

    pub(super) fn provider(&self) -> NodeProvider {
        provider(self.host.clone())
    }

    pub(super) async fn plan(&self, given: &[(&'static str, Value)]) -> Planned {
        plan(&self.provider(), Some(&args(given)), &[]).await
    }

    pub(super) async fn apply(&self, given: &[(&'static str, Value)]) -> Result<(), StepError> {
        apply(&self.provider(), Some(&args(given))).await
    }

    pub(super) async fn destroy(&self) -> Result<(), StepError> {
        apply(&self.provider(), None).await
    }

    pub(super) fn file(&self, path: &str) -> Option<String> {
        self.host.dump().get(path).cloned()
    }

    pub(super) fn files(&self) -> Vec<String> {
        self.host.dump().into_keys().collect()
    }

    /// The programs that changed something since the last time.
    pub(super) fn ran(&self) -> Vec<String> {
        std::mem::take(&mut self.ran.lock().unwrap())
    }
}
