//! The kubeconfig that points a client at a served sandbox.

use std::net::SocketAddr;

/// The text of a kubeconfig for a sandbox that listens on `addr`.
pub(crate) fn text(addr: SocketAddr) -> String {
    format!(
        "apiVersion: v1\n\
         kind: Config\n\
         clusters:\n\
         - name: sandbox\n  cluster:\n    server: http://{addr}\n\
         contexts:\n\
         - name: sandbox\n  context:\n    cluster: sandbox\n    user: sandbox\n    namespace: default\n\
         current-context: sandbox\n\
         users:\n\
         - name: sandbox\n  user: {{}}\n"
    )
}
