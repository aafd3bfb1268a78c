# Devices that the kubelet knows nothing about, advertised on one node.

clinch {
  name = "extended-resources"
}

variable "chunks" {
  type        = string
  default     = "coarse"
  description = "How special storage is counted: coarse (units of 100 GiB) or fine (bytes)."
}

data "nodes" "workers" {
  control_plane = false
}

locals {
  node = data.nodes.workers.names[0]
}

resource "extended_resource" "dongle" {
  node     = local.node
  name     = "example.com/dongle"
  quantity = 4
}

resource "extended_resource" "special_storage" {
  node     = local.node
  name     = "example.com/special-storage"
  quantity = var.chunks == "fine" ? "800Gi" : "8"
}
