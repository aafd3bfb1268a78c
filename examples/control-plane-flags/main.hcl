# Flags of the control plane's programs, the same on every node that has them.

clinch {
  name = "control-plane-flags"
}

variable "flags" {
  description = "Flags by program, by their names without dashes; null for one that must not be there."
  type        = any
  default = {
    kube-apiserver = {
      # Beside those that are on anyway.
      enable-admission-plugins = "NodeRestriction,PodNodeSelector"
      profiling                = false
      request-timeout          = "2m0s"
    }
    kube-controller-manager = {
      profiling                   = false
      terminated-pod-gc-threshold = 500
    }
    kube-scheduler = {
      profiling = false
    }
  }
}

data "nodes" "control_plane" {
  control_plane = true
}

locals {
  pods = flatten([
    for node in data.nodes.control_plane.names : [
      for pod in keys(var.flags) : { node = node, pod = pod }
    ]
  ])
}

resource "static_pod" "control_plane" {
  for_each = { for one in local.pods : "${one.node}/${one.pod}" => one }
  node     = each.value.node
  pod      = each.value.pod
  flags    = var.flags[each.value.pod]
}
