# Where the container runtime of every node pulls images from.

clinch {
  name = "registry-mirrors"
}

variable "mirrors" {
  description = "Mirrors by registry: the endpoints are asked in their order, then the server."
  type = map(object({
    server = optional(string)
    endpoints = optional(list(object({
      url           = string
      capabilities  = optional(list(string))
      ca            = optional(string)
      skip_verify   = optional(bool)
      override_path = optional(bool)
    })))
  }))
  default = {
    "docker.io" = {
      server = "https://registry-1.docker.io"
      endpoints = [
        { url = "https://hub.mirror.example.org", capabilities = ["pull", "resolve"] },
      ]
    }

    # All that has no mirror of its own. A mirror that is not trusted to say what a tag means only
    # pulls, by digest.
    "_default" = {
      endpoints = [
        { url = "https://any.mirror.example.org", capabilities = ["pull"] },
      ]
    }
  }
}

variable "engine" {
  description = "The runtime of the nodes: containerd or crio."
  type        = string
  default     = "containerd"
}

data "nodes" "all" {}

resource "container_runtime" "nodes" {
  for_each = toset(data.nodes.all.names)
  node     = each.value
  engine   = var.engine

  # CRI-O has no mirror of all registries.
  mirrors = { for name, mirror in var.mirrors : name => mirror if var.engine != "crio" || name != "_default" }
}
