# Network protocols that any process can have the kernel load, just by opening a socket.
variable "modules" {
  type = set(string)
  default = [
    "dccp", # DCCP is unlikely to be needed, and has had serious vulnerabilities.
    "sctp", # Only needed for Services and network policies with protocol SCTP.
  ]
}

# Nodes of the control plane are left out with `-var workers_only=true`.
variable "workers_only" {
  type    = bool
  default = false
}

data "nodes" "chosen" {
  control_plane = var.workers_only ? false : null
}

resource "kernel_module_blacklist" "unneeded" {
  for_each = toset(data.nodes.chosen.names)
  node     = each.value
  modules  = var.modules
}

output "files" {
  value = { for node, list in kernel_module_blacklist.unneeded : node => list.path }
}
