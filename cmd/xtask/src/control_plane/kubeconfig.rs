//! Kubeconfig files that hold their certificates, so that a test may copy them; and kubectl with one.

use super::pki::Pki;
use crate::program;
use crate::trouble::{Doing, Trouble};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What kubectl answers to the user of a kubeconfig file.
pub(crate) fn kubectl(
    kubectl: &Path,
    kubeconfig: &Path,
    arguments: &[&str],
) -> Result<String, Trouble> {
    let mut command = Command::new(kubectl);
    command.arg("--kubeconfig").arg(kubeconfig);
    command.arg("--cache-dir").arg(kubeconfig.with_file_name("kubectl"));
    program::output(command.args(arguments))
}

/// Writes `USER.kubeconfig` into `folder`, readable by its owner alone.
pub(super) fn write(
    folder: &Path,
    pki: &Pki,
    server: &str,
    user: &str,
) -> Result<PathBuf, Trouble> {
    let encoded = |file: &str| pki.read(file).map(|pem| STANDARD.encode(pem));
    let text = format!(
        "\
apiVersion: v1
kind: Config
clusters:
- name: control-plane
  cluster:
    server: {server}
    certificate-authority-data: {authority}
users:
- name: {user}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
contexts:
- name: control-plane
  context:
    cluster: control-plane
    user: {user}
current-context: control-plane
",
        authority = encoded("ca.crt")?,
        certificate = encoded(&format!("{user}.crt"))?,
        key = encoded(&format!("{user}.key"))?,
    );
    let path = folder.join(format!("{user}.kubeconfig"));
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .doing(|| format!("writing {}", path.display()))?;
    Ok(path)
}
