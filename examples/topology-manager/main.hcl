# CPUs and devices of a container from one NUMA node, on the nodes that are named.

clinch {
  name = "topology-manager"
}

variable "nodes" {
  description = "Names of the nodes."
  type        = list(string)
  default     = ["worker-1", "worker-2"]
}

variable "policy" {
  description = "none, best-effort, restricted or single-numa-node."
  type        = string
  default     = "single-numa-node"
}

variable "reserved_cpus" {
  description = "CPUs for the system, as a list of numbers and ranges: they are handed out to no pod."
  type        = string
  default     = "0"
}

resource "kubelet_config" "pinned" {
  for_each = toset(var.nodes)
  node     = each.value
  settings = {
    topologyManagerPolicy = var.policy
    topologyManagerScope  = "pod"

    # Without it no container has CPUs of its own, and only devices are aligned.
    cpuManagerPolicy   = "static"
    reservedSystemCPUs = var.reserved_cpus
  }
}
