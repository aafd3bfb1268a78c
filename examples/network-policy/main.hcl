# Only pods with the label access=true reach nginx.

clinch {
  name = "network-policy"
}

resource "namespace" "example" {
  name = "policy-example"
}

resource "object" "deployment" {
  manifest = {
    apiVersion = "apps/v1"
    kind       = "Deployment"
    metadata = {
      namespace = namespace.example.name
      name      = "nginx"
      labels    = { app = "nginx" }
    }
    spec = {
      replicas = 1
      selector = { matchLabels = { app = "nginx" } }
      template = {
        metadata = { labels = { app = "nginx" } }
        spec = {
          containers = [{
            name  = "nginx"
            image = "nginx"
            ports = [{ containerPort = 80 }]
          }]
        }
      }
    }
  }
}

resource "object" "service" {
  manifest = {
    apiVersion = "v1"
    kind       = "Service"
    metadata = {
      namespace = namespace.example.name
      name      = "nginx"
    }
    spec = {
      selector = { app = "nginx" }
      ports    = [{ name = "http", port = 80, protocol = "TCP", targetPort = 80 }]
    }
  }
}

resource "network_policy" "access_nginx" {
  namespace = namespace.example.name
  name      = "access-nginx"

  pod_selector = { match_labels = { app = "nginx" } }

  ingress {
    from {
      pod_selector = { match_labels = { access = "true" } }
    }
  }
}
