# Settings of every worker's kubelet: how many pods, when to make room, how to shut down.

clinch {
  name = "kubelet-settings"
}

variable "settings" {
  description = "Settings by their names in KubeletConfiguration."
  type        = any
  default = {
    maxPods                         = 60
    imageGCHighThresholdPercent     = 80
    imageGCLowThresholdPercent      = 70
    shutdownGracePeriod             = "60s"
    shutdownGracePeriodCriticalPods = "20s"

    # All thresholds: those that a kubelet has by itself count only while none is given.
    evictionHard = {
      "memory.available"  = "200Mi"
      "nodefs.available"  = "10%"
      "nodefs.inodesFree" = "5%"
      "imagefs.available" = "15%"
    }
  }
}

variable "kubeadm" {
  description = "Whether kubeadm keeps settings of all kubelets in the cluster."
  type        = bool
  default     = false
}

# For nodes that join later, and so that an upgrade does not write the old settings back.
resource "kubelet_base_config" "all" {
  count    = var.kubeadm ? 1 : 0
  settings = var.settings
}

data "nodes" "workers" {
  control_plane = false
}

resource "kubelet_config" "workers" {
  for_each = toset(data.nodes.workers.names)
  node     = each.value
  settings = var.settings
}
