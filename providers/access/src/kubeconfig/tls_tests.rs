//! Certificates that are wrong in each way, on real connections. Needs the program `openssl`.

use super::*;
use std::fs;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

struct Authority {
    folder: TempDir,
}

impl Authority {
    /// An authority made on the spot; `None` when there is no `openssl`.
    async fn new() -> Option<Self> {
        let here = Self { folder: TempDir::new().expect("a folder for the test") };
        if Command::new("openssl").arg("version").stdout(Stdio::null()).status().await.is_err() {
            println!("SKIPPED: there is no program `openssl`");
            return None;
        }
        here.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=test-ca -addext basicConstraints=critical,CA:TRUE").await;
        Some(here)
    }

    async fn openssl(&self, arguments: &str) {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(self.folder.path());
        let done = command.output().await.expect("openssl runs");
        assert!(done.status.success(), "{arguments}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// A server certificate for these names, valid for these days.
    async fn certificate(&self, names: &str, days: &str) {
        let extensions = format!("subjectAltName={names}\nextendedKeyUsage=serverAuth\n");
        fs::write(self.folder.path().join("ext"), extensions).expect("a file");
        self.openssl("req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout s.key -out s.csr -subj /CN=server").await;
        let sign =
            "x509 -req -in s.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out s.crt -extfile ext";
        self.openssl(&format!("{sign} {days}")).await;
    }

    /// A server with the latest certificate, and its address.
    async fn serve(&self, arguments: &str) -> (Child, String) {
        let mut command = Command::new("openssl");
        let fixed = "s_server -accept 127.0.0.1:0 -cert s.crt -key s.key -www";
        command.args(fixed.split(' ').chain(arguments.split(' ').filter(|a| !a.is_empty())));
        command.current_dir(self.folder.path()).kill_on_drop(true);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .stdin(Stdio::null())
            .spawn()
            .expect("openssl runs");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(address) = line.strip_prefix("ACCEPT ") {
                let port = address.rsplit(':').next().unwrap_or_default().to_owned();
                return (child, port);
            }
        }
        panic!("the server does not listen");
    }

    /// What asking this server comes to, in one word, and what is said about it.
    async fn ask(&self, port: &str, trusted: bool, extra: &str) -> (String, String) {
        let authority = if trusted {
            format!("certificate-authority: {}", self.folder.path().join("ca.crt").display())
        } else {
            let own = TempDir::new().expect("a folder");
            let other = Self { folder: own };
            other.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=other-ca").await;
            let file = self.folder.path().join("other.crt");
            fs::copy(other.folder.path().join("ca.crt"), &file).expect("a copy");
            format!("certificate-authority: {}", file.display())
        };
        let text = format!(
            "current-context: c\ncontexts: [{{name: c, context: {{cluster: c}}}}]\n\
             clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:{port}', {authority}{extra}}}}}]\n"
        );
        let file = self.folder.path().join("kubeconfig");
        fs::write(&file, text).expect("a file");
        let mut options = ClusterOptions::new(Env::default(), "test");
        options.kubeconfig = Some(file);
        let cluster = connect(options).await.expect("a usable kubeconfig");
        let error = cluster.version().await.expect_err("openssl is no API server");
        let word = match &error.failure {
            Failure::Unreachable(Unreachable::Tls(trouble, _)) => format!("{trouble:?}"),
            // The connection was made: the page of `openssl s_server` is no JSON.
            Failure::Malformed(_) => "connected".to_owned(),
            other => format!("{other:?}"),
        };
        (word, error.to_problem().detail)
    }
}

#[tokio::test]
async fn a_certificate_that_is_wrong_is_told_by_what_is_wrong_with_it() {
    let Some(authority) = Authority::new().await else { return };
    authority.certificate("IP:127.0.0.1", "-days 2").await;
    let (_server, port) = authority.serve("").await;
    assert_eq!(authority.ask(&port, true, "").await.0, "connected");
    let (word, said) = authority.ask(&port, false, "").await;
    assert_eq!(word, "UnknownAuthority");
    assert!(said.contains("signed by an authority that is not known"), "{said}");

    authority.certificate("DNS:api.test", "-days 2").await;
    let (_server, port) = authority.serve("").await;
    let (word, said) = authority.ask(&port, true, "").await;
    assert_eq!(word, "WrongName");
    assert!(said.contains("api.test"), "the name that it is for: {said}");
    let other = ", tls-server-name: api.test";
    assert_eq!(authority.ask(&port, true, other).await.0, "connected");

    authority.certificate("IP:127.0.0.1", "-days -1").await;
    let (_server, port) = authority.serve("").await;
    let (word, said) = authority.ask(&port, true, "").await;
    assert_eq!((word.as_str(), said.contains("has expired")), ("Expired", true), "{said}");
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_of_ours_says_so() {
    let Some(authority) = Authority::new().await else { return };
    authority.certificate("IP:127.0.0.1", "-days 2").await;
    let (_server, port) = authority.serve("-Verify 1").await;
    assert_eq!(authority.ask(&port, true, "").await.0, "OursRefused");
}

#[tokio::test]
async fn an_outdated_protocol_is_refused() {
    let Some(authority) = Authority::new().await else { return };
    authority.certificate("IP:127.0.0.1", "-days 2").await;
    let (_server, port) = authority.serve("-tls1_1 -cipher ALL:@SECLEVEL=0").await;
    let (word, said) = authority.ask(&port, true, "").await;
    assert_eq!(word, "Other", "{said}");
}

#[tokio::test]
async fn something_that_speaks_no_tls_is_told_as_such() {
    let Some(authority) = Authority::new().await else { return };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port().to_string();
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\nclient sent TLS").await;
        }
    });
    let (word, said) = authority.ask(&port, true, "").await;
    assert_eq!(word, "Other", "{said}");
    assert!(said.contains("TLS with https://127.0.0.1"), "{said}");
}
