# Pods reach what they need and nothing else, and nodes load no protocols that nobody uses.

clinch {
  name = "hardening"
}

variable "modules" {
  description = "Kernel modules that no node needs."
  type        = set(string)
  default     = ["dccp", "rds", "sctp", "tipc"]
}

# Running pods stay as they are; new ones must keep to the level.
resource "namespace" "example" {
  name = "hardened-example"

  pod_security {
    enforce = "baseline"
    audit   = "restricted"
    warn    = "restricted"
  }
}

# From here on only what a policy below allows gets in or out.
resource "network_policy" "default_deny" {
  namespace    = namespace.example.name
  name         = "default-deny"
  policy_types = ["Ingress", "Egress"]

  # What is allowed comes before all else is forbidden, and goes after.
  depends_on = [network_policy.dns, network_policy.outside]
}

resource "network_policy" "dns" {
  namespace = namespace.example.name
  name      = "allow-dns"

  policy_types = ["Egress"]

  egress {
    to {
      namespace_selector {
        match_labels = { "kubernetes.io/metadata.name" = "kube-system" }
      }
      pod_selector {
        match_labels = { k8s-app = "kube-dns" }
      }
    }
    port {
      port     = 53
      protocol = "UDP"
    }
    port {
      port     = 53
      protocol = "TCP"
    }
  }
}

# Anything but the address at which clouds give credentials to whoever asks.
resource "network_policy" "outside" {
  namespace = namespace.example.name
  name      = "allow-outside-but-metadata"

  policy_types = ["Egress"]

  egress {
    to {
      ip_block {
        cidr   = "0.0.0.0/0"
        except = ["169.254.169.254/32"]
      }
    }
    port {
      port = 443
    }
  }
}

data "nodes" "workers" {
  control_plane = false
}

resource "kernel_module_blacklist" "unused" {
  for_each = toset(data.nodes.workers.names)
  node     = each.value
  name     = "unused-protocols"
  modules  = var.modules
}
