# Nodes that leave docker for containerd: what depends on docker, containerd's settings, and the
# move of each kubelet.

clinch {
  name = "container-runtime-migration"
}

variable "nodes" {
  description = "Names of the nodes that leave docker."
  type        = list(string)
  default     = ["worker-1", "worker-2"]
}

variable "cgroup_driver" {
  description = "The cgroup driver of the kubelets, systemd or cgroupfs: containerd needs the same."
  type        = string
  default     = "systemd"
}

variable "disable_docker" {
  description = "Whether docker is stopped, and not started any more when a host boots."
  type        = bool
  default     = true
}

# What stops working when docker goes, in the whole cluster.
data "docker_dependents" "all" {}

output "docker_dependents" {
  value = data.docker_dependents.all.table
}

# containerd has no pods yet: its settings are free to change.
resource "container_runtime" "containerd" {
  for_each      = toset(var.nodes)
  node          = each.value
  cgroup_driver = var.cgroup_driver
}

resource "runtime_migration" "nodes" {
  for_each       = toset(var.nodes)
  node           = each.value
  disable_docker = var.disable_docker
}
