# Default memory requests and limits for a namespace, and what they do to three pods.

clinch {
  name = "memory-defaults"
}

resource "namespace" "example" {
  name = "default-mem-example"
}

resource "limit_range" "memory" {
  namespace = namespace.example.name
  name      = "mem-limit-range"

  limit {
    type            = "Container"
    default         = { memory = "512Mi" }
    default_request = { memory = "256Mi" }
  }
}

locals {
  # What each container says about its memory.
  pods = {
    # Nothing: the limit becomes 512Mi, the request 256Mi.
    "default-mem-demo" = {}
    # A limit only: the request becomes the limit, 1Gi.
    "default-mem-demo-2" = { limits = { memory = "1Gi" } }
    # A request only: the limit becomes 512Mi.
    "default-mem-demo-3" = { requests = { memory = "128Mi" } }
  }
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

output "memory" {
  description = "What the server made of each pod's memory."
  value = {
    for name, pod in object.pod : name => pod.object.spec.containers[0].resources
  }
}
