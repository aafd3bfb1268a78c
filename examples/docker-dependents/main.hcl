# Which workloads stop working when docker goes, and which somebody has to look at.

clinch {
  name = "docker-dependents"
}

variable "offenders" {
  description = "Also runs workloads that depend on docker, to see what is found."
  type        = bool
  default     = false
}

data "docker_dependents" "all" {}

data "nodes" "all" {}

output "docker_dependents" {
  value = data.docker_dependents.all.table
}

output "blocking" {
  value = [
    for d in data.docker_dependents.all.dependents : "${d.namespace}: ${d.kind}/${d.name}"
    if d.class == "blocking"
  ]
}

output "runtimes" {
  value = { for node in data.nodes.all.nodes : node.name => node.container_runtime }
}

locals {
  # What is mounted of the host, and what power over it there is.
  offenders = {
    "runner" = { path = "/var/run/docker.sock", privileged = false }
    "agent"  = { path = "/var/run", privileged = false }
    "debug"  = { path = "/etc/hostname", privileged = true }
  }
}

resource "namespace" "offenders" {
  for_each = toset(var.offenders ? ["docker-example"] : [])
  name     = each.value
}

resource "object" "offender" {
  for_each = { for name, o in local.offenders : name => o if var.offenders }

  manifest = {
    apiVersion = "apps/v1"
    kind       = "Deployment"

    metadata = {
      namespace = namespace.offenders["docker-example"].name
      name      = each.key
    }

    spec = {
      replicas = 0
      selector = { matchLabels = { app = each.key } }

      template = {
        metadata = { labels = { app = each.key } }

        spec = {
          volumes = [{ name = "host", hostPath = { path = each.value.path } }]

          containers = [{
            name            = each.key
            image           = "registry.k8s.io/pause:3.10"
            securityContext = { privileged = each.value.privileged }
            volumeMounts    = [{ name = "host", mountPath = each.value.path, readOnly = true }]
          }]
        }
      }
    }
  }
}
