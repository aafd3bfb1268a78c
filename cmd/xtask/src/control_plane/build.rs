//! Builds the binaries from the Go modules, once.
//!
//! # Interruption
//!
//! See [`cache::once`]. Go's own cache keeps what was compiled.

use super::cache;
use crate::trouble::{Doing, Trouble, say};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often a long compilation says how far it is.
const PROGRESS: Duration = Duration::from_secs(20);

/// kwok's own descriptions of how nodes and pods come alive, taken from the pinned module.
const STAGES: [&str; 5] = [
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "pod/fast/pod-ready.yaml",
    "pod/fast/pod-complete.yaml",
    "pod/fast/pod-delete.yaml",
];

/// Name of the file with kwok's stages, beside the binaries.
pub(super) const STAGES_FILE: &str = "kwok-stages.yaml";

/// The folder with all binaries; built when the cache does not have it.
pub(crate) fn everything() -> Result<PathBuf, Trouble> {
    once(&cache::MODULES, |partial| {
        fs::write(partial.join(STAGES_FILE), stages()?).doing(|| "writing kwok's stages".to_owned())
    })
}

/// The older kubectl; built when the cache does not have it.
pub(super) fn older_kubectl() -> Result<PathBuf, Trouble> {
    once(&[cache::OLDER_KUBECTL], |_| Ok(())).map(|folder| folder.join("kubectl"))
}

/// The folder with the programs of these modules, and what `add` puts beside them.
fn once(modules: &[&str], add: impl Fn(&Path) -> Result<(), Trouble>) -> Result<PathBuf, Trouble> {
    cache::once(cache::binaries_folder(modules)?, "build.lock", |partial| {
        let start = Instant::now();
        for module in modules {
            build(module, partial)?;
        }
        add(partial)?;
        say(format_args!("control plane: built in {}s", start.elapsed().as_secs()));
        Ok(())
    })
}

/// The version that `go.mod` of `module` pins.
pub(crate) fn pinned(module: &str, dependency: &str) -> Result<String, Trouble> {
    let path = cache::sources().join(module).join("go.mod");
    let text = fs::read_to_string(&path).doing(|| format!("reading {}", path.display()))?;
    required(&text, dependency)
        .map(str::to_owned)
        .ok_or_else(|| Trouble::new(format!("{} does not require {dependency}", path.display())))
}

fn required<'a>(go_mod: &'a str, dependency: &str) -> Option<&'a str> {
    go_mod.lines().find_map(|line| {
        let mut words = line.trim().trim_start_matches("require ").split_whitespace();
        (words.next()? == dependency).then(|| words.next()).flatten().filter(|word| *word != "=>")
    })
}

/// Builds the programs of one module into `into`.
fn build(module: &str, into: &Path) -> Result<(), Trouble> {
    let (version, stamp, output, package) = match module {
        "kubernetes" | cache::OLDER_KUBECTL => {
            let version = pinned(module, "k8s.io/kubernetes")?;
            // The empty last component is a trailing slash: a folder for several programs.
            (version.clone(), kubernetes_stamp(&version), into.join(""), "tool")
        }
        "pause" => ("of this checkout".to_owned(), String::new(), into.join("pause"), "."),
        "etcd" => {
            let package = "go.etcd.io/etcd/server/v3";
            (pinned(module, package)?, String::new(), into.join("etcd"), package)
        }
        _ => {
            let version = pinned(module, "sigs.k8s.io/kwok")?;
            let stamp = format!(" -X sigs.k8s.io/kwok/pkg/consts.Version={version}");
            (version, stamp, into.join("kwok"), "sigs.k8s.io/kwok/cmd/kwok")
        }
    };
    say(format_args!("control plane: {module} {version}: resolving modules"));
    let total = packages(module, package)?;
    let mut go = go(module);
    go.args(["build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", &format!("-s -w{stamp}")]);
    go.arg("-o").arg(output).arg(package);
    watch(go, module, total)
}

/// What the official build stamps into Kubernetes' programs.
fn kubernetes_stamp(version: &str) -> String {
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or(""), numbers.next().unwrap_or(""));
    let mut stamp = String::new();
    for package in ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"] {
        for (key, value) in [("Version", version), ("Major", major), ("Minor", minor)] {
            stamp.extend([" -X ", package, ".git", key, "=", value]);
        }
    }
    stamp
}

fn go(module: &str) -> Command {
    let mut go = Command::new("go");
    go.current_dir(cache::sources().join(module))
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-mod=readonly")
        .env("GOTOOLCHAIN", "local")
        .env("GOWORK", "off")
        .stdin(Stdio::null());
    go
}

/// How many packages the programs of a module consist of. Fetches the modules on the way.
fn packages(module: &str, package: &str) -> Result<usize, Trouble> {
    let mut list = go(module);
    // The list is only counted, so a template shorter than the import path will do.
    list.args(["list", "-deps", "-f", "x", package]);
    let out = list.stderr(Stdio::piped()).output().doing(|| "starting go".to_owned())?;
    if !out.status.success() {
        let why = String::from_utf8_lossy(&out.stderr);
        return Err(Trouble::new(format!("go list for {module} failed:\n{}", tail(&why, 20))));
    }
    Ok(out.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count())
}

/// Runs `go build -v` and counts the packages that it names as it compiles them.
fn watch(mut go: Command, module: &str, total: usize) -> Result<(), Trouble> {
    let start = Instant::now();
    let mut child = go.stderr(Stdio::piped()).spawn().doing(|| "starting go".to_owned())?;
    let mut talk = String::new();
    let (mut compiled, mut last) = (0_usize, Instant::now());
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines() {
            let line = line.doing(|| "reading what go says".to_owned())?;
            // A package's name has no space; anything else is a message.
            compiled += usize::from(!line.contains(' '));
            talk.push_str(&line);
            talk.push('\n');
            if last.elapsed() >= PROGRESS {
                last = Instant::now();
                let seconds = start.elapsed().as_secs();
                say(format_args!(
                    "control plane: {module}: {compiled} of {total} packages, {seconds}s"
                ));
            }
        }
    }
    let status = child.wait().doing(|| "waiting for go".to_owned())?;
    if !status.success() {
        return Err(Trouble::new(format!("go build of {module} failed:\n{}", tail(&talk, 20))));
    }
    say(format_args!("control plane: {module}: done after {}s", start.elapsed().as_secs()));
    Ok(())
}

/// kwok's own stages in one file.
fn stages() -> Result<String, Trouble> {
    let mut list = go("kwok");
    let out = list
        .args(["list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"])
        .output()
        .doing(|| "starting go".to_owned())?;
    let module = PathBuf::from(String::from_utf8_lossy(&out.stdout).trim());
    let mut all = String::new();
    for path in STAGES.iter().map(|name| module.join("kustomize/stage").join(name)) {
        let text = fs::read_to_string(&path).doing(|| format!("reading {}", path.display()))?;
        all.push_str("---\n");
        all.push_str(&text);
        all.push('\n');
    }
    Ok(all)
}

/// The last `lines` lines of a text.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn required_version_is_read_from_a_line_or_a_block_but_not_from_replace() {
        let text = "require k8s.io/kubernetes v1.37.2\n\nrequire (\n\tk8s.io/api v0.1.0 // indirect\n)\n\
                    replace (\n\tk8s.io/utils => k8s.io/utils v0.9.0\n)\n";
        assert_eq!(required(text, "k8s.io/kubernetes"), Some("v1.37.2"));
        assert_eq!(required(text, "k8s.io/api"), Some("v0.1.0"));
        assert_eq!(required(text, "k8s.io/utils"), None);
        assert_eq!(required(text, "k8s.io/other"), None);
    }

    #[test]
    fn stamp_names_major_and_minor() {
        let stamp = kubernetes_stamp("v1.37.2");
        assert!(stamp.contains("component-base/version.gitVersion=v1.37.2 "), "{stamp}");
        assert!(stamp.contains("component-base/version.gitMajor=1 "), "{stamp}");
        assert!(stamp.ends_with("client-go/pkg/version.gitMinor=37"), "{stamp}");
    }

    #[test]
    fn tail_keeps_the_end() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a", 5), "a");
    }
}
