//! Which flags are more than settings, and what their values need.
//!
//! Sources: the references of the programs, such as
//! [kube-apiserver](https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/),
//! and [etcd's configuration options](https://etcd.io/docs/latest/op-guide/configuration/).

use super::manifest::{Manifest, Mount};

/// Where a cluster has its data, its users and its addresses, by program. With another value the
/// program may well start, and what it was for is gone.
const PROTECTED: [(&str, &[&str]); 4] = [
    (
        "kube-apiserver",
        &[
            "advertise-address",
            "anonymous-auth",
            "authorization-mode",
            "bind-address",
            "client-ca-file",
            "etcd-cafile",
            "etcd-certfile",
            "etcd-keyfile",
            "etcd-prefix",
            "etcd-servers",
            "kubelet-client-certificate",
            "kubelet-client-key",
            "secure-port",
            "service-account-issuer",
            "service-account-key-file",
            "service-account-signing-key-file",
            "service-cluster-ip-range",
            "tls-cert-file",
            "tls-private-key-file",
        ],
    ),
    (
        "kube-controller-manager",
        &[
            "allocate-node-cidrs",
            "authentication-kubeconfig",
            "authorization-kubeconfig",
            "cluster-cidr",
            "cluster-signing-cert-file",
            "cluster-signing-key-file",
            "kubeconfig",
            "leader-elect",
            "root-ca-file",
            "service-account-private-key-file",
            "service-cluster-ip-range",
            "use-service-account-credentials",
        ],
    ),
    (
        "kube-scheduler",
        &["authentication-kubeconfig", "authorization-kubeconfig", "kubeconfig", "leader-elect"],
    ),
    (
        "etcd",
        &[
            "advertise-client-urls",
            "cert-file",
            "client-cert-auth",
            "data-dir",
            "force-new-cluster",
            "initial-advertise-peer-urls",
            "initial-cluster",
            "initial-cluster-state",
            "initial-cluster-token",
            "key-file",
            "listen-client-urls",
            "listen-peer-urls",
            "name",
            "peer-cert-file",
            "peer-client-cert-auth",
            "peer-key-file",
            "peer-trusted-ca-file",
            "trusted-ca-file",
            "unsafe-no-fsync",
            "wal-dir",
        ],
    ),
];

/// Whether the flag must be confirmed before it gets another value.
pub(super) fn is_protected(program: &str, flag: &str) -> bool {
    PROTECTED.iter().any(|(name, flags)| *name == program && flags.contains(&flag))
}

/// Why a name or a value cannot be that of a flag, as the end of a sentence.
pub(super) fn wrong(name: &str, value: Option<&str>) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    if name.is_empty() || name.starts_with('-') || !name.chars().all(plain) {
        return Some(
            "is no name of a flag: it is written without dashes in front, with `-` inside".into(),
        );
    }
    let value = value?;
    if value.chars().any(char::is_control) {
        return Some("has a value with a character that cannot be shown".to_owned());
    }
    if name == "feature-gates" {
        let gates = value.split(',').filter(|gate| !gate.is_empty());
        let mut wrong = gates.filter(|gate| {
            let parts = gate.split_once('=');
            !parts.is_some_and(|(name, on)| !name.is_empty() && matches!(on, "true" | "false"))
        });
        return wrong.next().map(|gate| {
            format!("has `{}`, which is not `Name=true` or `Name=false`", gate.escape_debug())
        });
    }
    None
}

/// What a flag's value needs of the pod.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing that could be told.
    Nothing,
    /// This file or folder, which the host has at that path.
    OfHost(String),
    /// A mount that there is not.
    Mount,
    /// A mount, or what is written there is lost with the container.
    Kept,
}

/// Flags whose value begins with `/` and is no path.
const NO_PATHS: [&str; 2] = ["etcd-prefix", "cors-allowed-origins"];

/// What the value of a flag needs.
pub(super) fn needs(manifest: &Manifest<'_>, flag: &str, value: &str) -> Needs {
    if !value.starts_with('/') || NO_PATHS.contains(&flag) {
        return Needs::Nothing;
    }
    // The container writes these itself.
    let is_written = flag.ends_with("-log-path") || flag.ends_with("-dir");
    match mount_of(&manifest.mounts, value) {
        Some(Mount { path, on_host: Some(host) }) if !is_written => {
            let below = value.strip_prefix(path.trim_end_matches('/')).unwrap_or_default();
            Needs::OfHost(format!("{}{below}", host.trim_end_matches('/')))
        }
        Some(_) => Needs::Nothing,
        None if is_written => Needs::Kept,
        None => Needs::Mount,
    }
}

/// The mount that a path is in: the innermost.
fn mount_of<'m>(mounts: &'m [Mount], path: &str) -> Option<&'m Mount> {
    let holds = |mount: &&Mount| {
        let rest = path.strip_prefix(mount.path.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    mounts.iter().filter(holds).max_by_key(|mount| mount.path.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bare_and_gates_are_on_or_off() {
        assert_eq!(wrong("v", Some("4")), None);
        assert_eq!(wrong("feature-gates", Some("A=true,B=false")), None);
        assert!(wrong("--v", Some("4")).unwrap().contains("without dashes"));
        assert!(wrong("audit_log", None).unwrap().contains("with `-` inside"));
        assert!(wrong("v", Some("4\n5")).unwrap().contains("cannot be shown"));
        let gate = wrong("feature-gates", Some("A=yes")).unwrap();
        assert_eq!(gate, "has `A=yes`, which is not `Name=true` or `Name=false`");
    }

    #[test]
    fn a_path_needs_a_mount_of_the_host() {
        let text = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {volumes: [{name: p, \
            hostPath: {path: /host/pki}}, {name: e, emptyDir: {}}], containers: [{command: [a], \
            volumeMounts: [{name: p, mountPath: /pki/}, {name: e, mountPath: /pki/tmp}]}]}}";
        let manifest = Manifest::read(text).unwrap();
        let needs = |flag: &str, value: &str| super::needs(&manifest, flag, value);
        assert_eq!(needs("x-file", "/pki/a"), Needs::OfHost("/host/pki/a".to_owned()));
        assert_eq!(needs("x-file", "/pki/tmp/a"), Needs::Nothing);
        assert_eq!(needs("x-file", "/pkix/a"), Needs::Mount);
        assert_eq!(needs("audit-log-path", "/var/log/a"), Needs::Kept);
        assert_eq!(needs("etcd-prefix", "/registry"), Needs::Nothing);
        assert_eq!(needs("v", "4"), Needs::Nothing);
    }
}
