//! Moving `testdata/controlplane/kubernetes`, or the older kubectl, to another release.
//!
//! The main module asks for its staging modules at v0.0.0 and replaces them by folders of its own
//! repository. Outside of that repository each one is replaced by its published release, which
//! has the same numbers with a leading zero: v1.37.2 goes with v0.37.2.

use super::cache::{self, OLDER_KUBECTL};
use crate::trouble::{Doing, Trouble, say};
use std::fs;
use std::process::Command;

pub(super) fn pin(module: &str, version: &str) -> Result<(), Trouble> {
    let staged = staging_version(version)
        .ok_or_else(|| Trouble::new(format!("`{version}` is not a version such as v1.37.2")))?;
    let upstream = go_mod_of(version)?;
    let path = cache::sources().join(module).join("go.mod");
    let text = write_go_mod(module, version, &staged, &upstream);
    fs::write(&path, text).doing(|| format!("writing {}", path.display()))?;
    let tidy = Command::new("go")
        .args(["mod", "tidy"])
        .current_dir(cache::sources().join(module))
        .env("GOWORK", "off")
        .status()
        .doing(|| "starting go".to_owned())?;
    if !tidy.success() {
        return Err(Trouble::new("go mod tidy failed (its reasons stand above)"));
    }
    say("Pinned. Next: cargo xtask control-plane build");
    Ok(())
}

fn staging_version(version: &str) -> Option<String> {
    let rest = version.strip_prefix("v1.")?;
    let numbers = rest.split('.').filter(|part| part.parse::<u32>().is_ok()).count();
    (numbers == 2 && rest.split('.').count() == 2).then(|| format!("v0.{rest}"))
}

fn go_mod_of(version: &str) -> Result<String, Trouble> {
    let module = format!("k8s.io/kubernetes@{version}");
    let out = Command::new("go")
        .args(["mod", "download", "-json", &module])
        .current_dir(std::env::temp_dir())
        .output()
        .doing(|| "starting go".to_owned())?;
    let answer: serde_json::Value =
        serde_json::from_slice(&out.stdout).doing(|| format!("asking for {module}"))?;
    if let Some(error) = answer["Error"].as_str() {
        return Err(Trouble::new(format!("{module}: {error}")));
    }
    let path = answer["GoMod"].as_str().unwrap_or_default();
    fs::read_to_string(path).doing(|| format!("reading go.mod of {module}"))
}

/// A go.mod with the programs and one replacement for each staging module of `upstream`.
fn write_go_mod(module: &str, version: &str, staged: &str, upstream: &str) -> String {
    let line = |start: &str| upstream.lines().find(|line| line.starts_with(start)).unwrap_or("");
    let replaces: Vec<String> = upstream
        .lines()
        .filter_map(|line| line.trim().split_once(" => ./staging/"))
        .map(|(module, _)| format!("\t{module} => {module} {staged}"))
        .collect();
    let replaces = replaces.join("\n");
    let programs: &[&str] = if module == OLDER_KUBECTL {
        &["kubectl"]
    } else {
        &[
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kubeadm",
            "kubectl",
            "kubelet",
        ]
    };
    let tools: Vec<String> =
        programs.iter().map(|program| format!("\tk8s.io/kubernetes/cmd/{program}\n")).collect();
    let tools = tools.concat();
    format!(
        "module clinch.invalid/controlplane/{module}\n\n{go}\n\n{godebug}\n\ntool (\n{tools})\n\n\
         require k8s.io/kubernetes {version}\n\nreplace (\n{replaces}\n)\n",
        go = line("go "),
        godebug = line("godebug "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staging_version_follows_the_release() {
        assert_eq!(staging_version("v1.37.2").as_deref(), Some("v0.37.2"));
        for bad in ["1.37.2", "v1.37", "v2.0.0", "v1.37.x", "v1.37.2.1"] {
            assert_eq!(staging_version(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_staging_module_of_the_release_is_replaced() {
        let upstream = "go 1.26.0\n\ngodebug default=go1.26\n\nreplace (\n\
                        \tk8s.io/api => ./staging/src/k8s.io/api\n\
                        \tk8s.io/streaming => ./staging/src/k8s.io/streaming\n)\n";
        let text = write_go_mod("kubernetes", "v1.37.2", "v0.37.2", upstream);
        assert!(text.contains("\ngo 1.26.0\n\ngodebug default=go1.26\n"), "{text}");
        assert!(text.contains("\tk8s.io/api => k8s.io/api v0.37.2\n"), "{text}");
        assert!(text.contains("\tk8s.io/streaming => k8s.io/streaming v0.37.2\n"), "{text}");
        assert!(text.contains("require k8s.io/kubernetes v1.37.2\n"), "{text}");
        assert!(text.contains("\tk8s.io/kubernetes/cmd/kube-apiserver\n"), "{text}");
    }

    #[test]
    fn older_kubectl_comes_without_servers() {
        let text = write_go_mod(OLDER_KUBECTL, "v1.34.4", "v0.34.4", "go 1.24.0\n");
        assert!(text.starts_with("module clinch.invalid/controlplane/kubectl-older\n"), "{text}");
        assert!(text.contains("tool (\n\tk8s.io/kubernetes/cmd/kubectl\n)\n"), "{text}");
    }
}
