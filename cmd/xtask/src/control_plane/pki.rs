//! Certificates of one run, made with the `openssl` program and thrown away with the run.

use crate::program;
use crate::trouble::{Doing, Trouble};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Names under which the servers are reached; the service address is the first of its range.
const SETTINGS: &str = "\
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign, digitalSignature
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
authorityKeyIdentifier = keyid
subjectAltName = IP:127.0.0.1, IP:10.96.0.1, DNS:localhost, DNS:kubernetes, \
DNS:kubernetes.default, DNS:kubernetes.default.svc, DNS:kubernetes.default.svc.cluster.local
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
authorityKeyIdentifier = keyid
";

/// Who may log in: file name and subject, as Kubernetes' RBAC knows them.
pub(super) const CLIENTS: [(&str, &str); 5] = [
    ("admin", "/O=system:masters/CN=admin"),
    ("viewer", "/CN=viewer"),
    ("kube-controller-manager", "/CN=system:kube-controller-manager"),
    ("kube-scheduler", "/CN=system:kube-scheduler"),
    ("kwok", "/O=system:masters/CN=kwok"),
];

/// A folder with the authority, the servers' certificate, the service account key and [`CLIENTS`].
pub(super) struct Pki(PathBuf);

impl Pki {
    /// Makes all keys and certificates in `folder`.
    pub(super) fn make(folder: PathBuf) -> Result<Self, Trouble> {
        fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
        fs::write(folder.join("openssl.cnf"), SETTINGS)
            .doing(|| "writing openssl.cnf".to_owned())?;
        let pki = Self(folder);
        // The aggregation layer needs an authority of its own: whoever holds a certificate of this
        // one may claim to be anybody.
        for authority in ["ca", "front-proxy-ca"] {
            pki.certificate(authority, &format!("/CN={authority}"), "authority", None)?;
        }
        pki.certificate("server", "/CN=kube-apiserver", "server", Some("ca"))?;
        let proxy = "front-proxy-client";
        pki.certificate(proxy, &format!("/CN={proxy}"), "client", Some("front-proxy-ca"))?;
        for (name, subject) in CLIENTS {
            pki.certificate(name, subject, "client", Some("ca"))?;
        }
        let curve = "ec_paramgen_curve:P-256";
        pki.openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", curve, "-out", "sa.key"])?;
        pki.openssl(&["pkey", "-in", "sa.key", "-pubout", "-out", "sa.pub"])?;
        Ok(pki)
    }

    /// The file of that name, as servers take it on their command line.
    pub(super) fn path(&self, file: &str) -> String {
        self.0.join(file).display().to_string()
    }

    /// The PEM text of a file.
    pub(super) fn read(&self, file: &str) -> Result<String, Trouble> {
        let path = self.0.join(file);
        fs::read_to_string(&path).doing(|| format!("reading {}", path.display()))
    }

    fn certificate(
        &self,
        name: &str,
        subject: &str,
        section: &str,
        authority: Option<&str>,
    ) -> Result<(), Trouble> {
        let (key, certificate) = (format!("{name}.key"), format!("{name}.crt"));
        let mut arguments = vec![
            "req",
            "-x509",
            "-config",
            "openssl.cnf",
            "-extensions",
            section,
            "-subj",
            subject,
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "30",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ];
        let by = authority.map(|name| (format!("{name}.crt"), format!("{name}.key")));
        if let Some((certificate, key)) = &by {
            arguments.extend(["-CA", certificate, "-CAkey", key]);
        }
        self.openssl(&arguments)
    }

    fn openssl(&self, arguments: &[&str]) -> Result<(), Trouble> {
        program::run(Command::new("openssl").args(arguments).current_dir(&self.0))
            .doing(|| "making certificates (Debian package `openssl`)".to_owned())
    }
}
