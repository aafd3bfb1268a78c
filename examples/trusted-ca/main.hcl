# The certificate of the authority to trust. This one is an example; nobody has its key.
variable "certificate" {
  type    = string
  default = <<-EOT
    -----BEGIN CERTIFICATE-----
    MIIBwDCCAWegAwIBAgIUSmlcByM0GaJDxvlEBcDEGdwQ/mQwCgYIKoZIzj0EAwIw
    LTEQMA4GA1UECgwHRXhhbXBsZTEZMBcGA1UEAwwQRXhhbXBsZSByb290IG9uZTAg
    Fw0yNjExMjMwNTU3MDBaGA8yMTI2MTAzMDA1NTcwMFowLTEQMA4GA1UECgwHRXhh
    bXBsZTEZMBcGA1UEAwwQRXhhbXBsZSByb290IG9uZTBZMBMGByqGSM49AgEGCCqG
    SM49AwEHA0IABLt2oP2QCnx4to4IH9xyePOgyu32lm0NFGFfCULx5SToFKks5/LS
    /jICTqNefw+GgMxeByI1LsKbUsGenVLpDVKjYzBhMB0GA1UdDgQWBBRKpGYG9l+a
    ExzfUljDRuk6vOWfzTAfBgNVHSMEGDAWgBRKpGYG9l+aExzfUljDRuk6vOWfzTAP
    BgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIBBjAKBggqhkjOPQQDAgNHADBE
    AiBphAQ4FgliAspacJG4lMdkzwt2jluj4e0TJsowkZcZDQIgMaaTjHtJ1MVy+2AK
    SQU/lKEqJHxeNi6QEXgmHwR8gS4=
    -----END CERTIFICATE-----
  EOT
}

# Whether the bundle that programs read is made anew. Hosts that are folders have no programs:
# there, `-var update=false` keeps the file alone.
variable "update" {
  type    = bool
  default = true
}

data "nodes" "all" {}

resource "trusted_ca" "example" {
  for_each    = toset(data.nodes.all.names)
  node        = each.value
  name        = "example-root"
  certificate = var.certificate
  update      = var.update
}

output "files" {
  value = { for node, ca in trusted_ca.example : node => ca.path }
}
