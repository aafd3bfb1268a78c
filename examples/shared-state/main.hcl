# A state that a team shares: it is kept in the cluster that it describes.

clinch {
  name = "shared-state"

  state "cluster" {
    namespace = "clinch-system"
  }
}

variable "colour" {
  type    = string
  default = "blue"
}

resource "namespace" "team" {
  name = "shared-example"
}

resource "config_map" "colours" {
  namespace = namespace.team.name
  name      = "colours"
  data      = { colour = var.colour }
}

resource "config_map" "after" {
  namespace  = namespace.team.name
  name       = "after"
  data       = { comes = "after the colours" }
  depends_on = [config_map.colours]
}
