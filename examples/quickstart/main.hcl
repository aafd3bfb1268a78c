# One team's corner of a cluster: a namespace with limits, a quota, a network policy, and a
# device that its nodes offer.

clinch {
  name = "quickstart"
}

variable "team" {
  type        = string
  default     = "web"
  description = "The team, which is also the name of its namespace."
}

variable "memory" {
  type        = string
  default     = "4Gi"
  description = "Memory that all pods of the team may request together."
}

resource "namespace" "team" {
  name   = var.team
  labels = { team = var.team }

  pod_security = {
    enforce = "baseline"
    warn    = "restricted"
  }
}

resource "resource_quota" "compute" {
  namespace = namespace.team.name
  name      = "compute"

  hard = {
    "requests.cpu"    = "2"
    "requests.memory" = var.memory
    "limits.memory"   = "8Gi"
    "pods"            = 20
  }
}

resource "limit_range" "memory" {
  namespace = namespace.team.name
  name      = "memory"

  limit {
    type            = "Container"
    default         = { memory = "512Mi" }
    default_request = { memory = "256Mi" }
    max             = { memory = "1Gi" }
  }
}

resource "network_policy" "same_team" {
  namespace = namespace.team.name
  name      = "same-team"

  pod_selector = {}
  policy_types = ["Ingress"]

  ingress {
    from {
      namespace_selector = { match_labels = { team = var.team } }
    }
  }
}

data "nodes" "workers" {
  control_plane = false
}

resource "extended_resource" "dongle" {
  for_each = toset(data.nodes.workers.names)

  node     = each.key
  name     = "example.com/dongle"
  quantity = 4
}

output "workers" {
  value       = data.nodes.workers.names
  description = "The nodes that offer dongles."
}
