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
