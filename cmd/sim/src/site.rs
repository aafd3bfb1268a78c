//! The configuration of the simulated cluster: before, and as it is to be.

/// What stands in a kubelet's file once it has the new settings.
pub(crate) const NEW: &str = "best-effort";
/// A secret that must be nowhere but in the file that it is for.
pub(crate) const CANARY: &str = "canary-7f3a9c51";
/// The file that holds it.
pub(crate) const SECRET_FILE: &str = "/etc/shop/token";
/// The project.
pub(crate) const PROJECT: &str = "shop";

/// Settings that cost a drain of every node, two files on each, and an object.
pub(crate) const GOAL: &str = r#"
clinch {
  name = "shop"
  state "cluster" {}
}

variable "token" {
  type      = string
  sensitive = true
}

locals {
  nodes = toset(["control-plane-1", "worker-1", "worker-2"])
}

rollout "all" {
  nodes = ["worker-1", "worker-2", "control-plane-1"]
}

resource "kubelet_config" "all" {
  for_each = local.nodes
  node     = each.key
  settings = {
    cpuManagerPolicy      = "static"
    maxPods               = 150
    reservedSystemCPUs    = "0"
    topologyManagerPolicy = "best-effort"
  }
}

resource "host_file" "token" {
  for_each = local.nodes
  node     = each.key
  path     = "/etc/shop/token"
  mode     = "0600"
  content  = var.token
}

resource "config_map" "settings" {
  namespace = "shop"
  name      = "settings"
  data      = { policy = "best-effort" }
}
"#;

/// Which configuration a person has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Goal {
    /// [`GOAL`].
    #[default]
    First,
    /// Other settings of every kubelet.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests change it, seeds do not yet"))]
    Other,
    /// No settings of kubelets any more.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests change it, seeds do not yet"))]
    Before,
}

impl Goal {
    pub(crate) fn text(self) -> String {
        match self {
            Self::First => GOAL.to_owned(),
            Self::Other => GOAL.replace("\"static\"", "\"none\""),
            Self::Before => {
                let start = GOAL.find("resource \"kubelet_config\"").unwrap_or_default();
                let end = GOAL.find("resource \"host_file\"").unwrap_or_default();
                format!("{}{}", &GOAL[..start], &GOAL[end..])
            }
        }
    }
}
