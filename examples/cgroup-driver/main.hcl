# One cgroup driver for kubelets and container runtimes: of the nodes that are named, and of those
# that join later.

clinch {
  name = "cgroup-driver"
}

variable "nodes" {
  description = "Names of the nodes."
  type        = list(string)
  default     = ["worker-1", "worker-2"]
}

variable "driver" {
  description = "systemd or cgroupfs."
  type        = string
  default     = "systemd"
}

variable "kubeadm" {
  description = "Whether kubeadm keeps settings of all kubelets in the cluster."
  type        = bool
  default     = false
}

# What nodes that join get, and what `kubeadm upgrade node` writes.
resource "kubelet_base_config" "all" {
  count    = var.kubeadm ? 1 : 0
  settings = { cgroupDriver = var.driver }
}

resource "cgroup_driver" "nodes" {
  for_each = toset(var.nodes)
  node     = each.value
  driver   = var.driver

  # So that a node that joins meanwhile is right from the beginning.
  depends_on = [kubelet_base_config.all]
}
