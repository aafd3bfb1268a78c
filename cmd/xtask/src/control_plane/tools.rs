//! Which binaries are used: ours, or those that `KUBEBUILDER_ASSETS` names.

use super::build;
use crate::trouble::{Trouble, say};
use std::env;
use std::path::{Path, PathBuf};

/// The programs a control plane is made of. Only borrowed ones can be incomplete.
pub(super) struct Tools {
    pub(super) etcd: PathBuf,
    pub(super) apiserver: PathBuf,
    pub(super) kubectl: PathBuf,
    /// For tests of how older clients get on with a server.
    pub(super) kubectl_older: Option<PathBuf>,
    pub(super) controllers: Option<Controllers>,
}

/// What makes objects move: controllers, the scheduler, and nodes that run pods.
pub(super) struct Controllers {
    pub(super) manager: PathBuf,
    pub(super) scheduler: PathBuf,
    pub(super) kwok: PathBuf,
    pub(super) stages: PathBuf,
}

/// Finds the programs, building ours when they are needed and not there.
pub(super) fn find() -> Result<Tools, Trouble> {
    match env::var_os("KUBEBUILDER_ASSETS").filter(|value| !value.is_empty()) {
        Some(assets) => borrowed(Path::new(&assets)),
        None => build::everything().map(|folder| Tools {
            etcd: folder.join("etcd"),
            apiserver: folder.join("kube-apiserver"),
            kubectl: folder.join("kubectl"),
            kubectl_older: older_kubectl(),
            controllers: Some(Controllers::of(&folder)),
        }),
    }
}

impl Controllers {
    fn of(folder: &Path) -> Self {
        Self {
            manager: folder.join("kube-controller-manager"),
            scheduler: folder.join("kube-scheduler"),
            kwok: folder.join("kwok"),
            stages: folder.join(build::STAGES_FILE),
        }
    }
}

/// Those three programs are what the convention promises; the rest is still ours.
fn borrowed(assets: &Path) -> Result<Tools, Trouble> {
    let etcd = require(assets, "etcd")?;
    let apiserver = require(assets, "kube-apiserver")?;
    let kubectl = require(assets, "kubectl")?;
    let controllers = match build::everything() {
        Ok(folder) => Some(Controllers::of(&folder)),
        Err(trouble) => {
            say(format_args!(
                "control plane: WITHOUT controller manager, scheduler and kwok: {trouble}\n\
                 control plane: no quota status, no service accounts, no nodes, no running pods"
            ));
            None
        }
    };
    Ok(Tools { etcd, apiserver, kubectl, kubectl_older: older_kubectl(), controllers })
}

/// Nothing else depends on it, so a control plane starts without it.
fn older_kubectl() -> Option<PathBuf> {
    match build::older_kubectl() {
        Ok(path) => Some(path),
        Err(trouble) => {
            say(format_args!("control plane: WITHOUT the older kubectl: {trouble}"));
            None
        }
    }
}

fn require(assets: &Path, name: &str) -> Result<PathBuf, Trouble> {
    let path = assets.join(name);
    if path.is_file() {
        return Ok(path);
    }
    Err(Trouble::new(format!("KUBEBUILDER_ASSETS has no {name}: {}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_without_an_api_server_are_refused_by_name() {
        let folder = env::temp_dir().join(format!("xtask-assets-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("etcd"), "").unwrap();
        let take = require(&folder, "kube-apiserver");
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(take.unwrap_err().to_string().contains("has no kube-apiserver"));
    }
}
