# Minimum and maximum memory of the containers of a namespace.

clinch {
  name = "memory-constraints"
}

variable "refused" {
  type        = string
  default     = "none"
  description = "Also declare a pod that breaks the rule: none, too-large or too-small."
}

resource "namespace" "example" {
  name = "constraints-mem-example"
}

resource "limit_range" "memory" {
  namespace = namespace.example.name
  name      = "mem-min-max-demo-lr"

  limit {
    type = "Container"
    min  = { memory = "500Mi" }
    max  = { memory = "1Gi" }
  }
}

locals {
  allowed = {
    # Between the two.
    "constraints-mem-demo" = { limits = { memory = "800Mi" }, requests = { memory = "600Mi" } }
    # Nothing said: request and limit become the maximum, 1Gi.
    "constraints-mem-demo-4" = {}
  }
  refused = {
    "too-large" = { limits = { memory = "1.5Gi" }, requests = { memory = "800Mi" } }
    "too-small" = { limits = { memory = "800Mi" }, requests = { memory = "100Mi" } }
  }
  pods = merge(local.allowed, { for name, memory in local.refused : name => memory if name == var.refused })
}

resource "object" "pod" {
  for_each   = local.pods
  depends_on = [limit_range.memory]

  manifest = {
    apiVersion = "v1"
    kind       = "Pod"
    metadata = {
      namespace = namespace.example.name
      name      = each.key
    }
    spec = {
      containers = [{
        name      = "${each.key}-ctr"
        image     = "nginx"
        resources = each.value
      }]
    }
  }
}
