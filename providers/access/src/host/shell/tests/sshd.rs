//! An `sshd` of the test's own: on a high port of this machine, with keys that last as long as
//! the test.

use crate::host::shell::{ShellHost, SshGate, SshSettings};
use std::fs;
use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A server, ended with the test.
pub(super) struct Sshd {
    folder: TempDir,
    pub(super) port: u16,
    child: Child,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sshd {
    /// With these further lines of configuration; `None`, loudly, where there is no `sshd`.
    pub(super) fn start(more: &str) -> Option<Self> {
        let program = ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"];
        let Some(program) = program.into_iter().find(|p| Path::new(p).exists()) else {
            eprintln!("SKIPPED: sshd is not installed, so nothing is tried over SSH");
            return None;
        };
        let folder = TempDir::new().expect("a folder for the test");
        let at = |name: &str| folder.path().join(name).to_str().expect("a plain path").to_owned();
        for key in ["host", "other", "user"] {
            keygen(&["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", &at(key)]);
        }
        fs::copy(at("user.pub"), at("authorized")).expect("a copy");
        // Where the server drops its rights, which it insists on when it is root.
        let _ = fs::create_dir_all("/run/sshd");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
        let port = port.expect("a free port").port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             UsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin yes\n{more}\n",
            at("host"),
            at("authorized")
        );
        fs::write(at("config"), config).expect("a file");
        let log = fs::File::create(at("server.log")).expect("a file");
        let child = Command::new(program)
            .args(["-D", "-e", "-f", &at("config")])
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("sshd starts");
        let server = Self { folder, port, child };
        server.await_banner();
        server.know("host");
        Some(server)
    }

    fn await_banner(&self) {
        for _ in 0..200 {
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                let mut banner = [0; 4];
                if stream.read_exact(&mut banner).is_ok() && &banner == b"SSH-" {
                    return;
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("sshd does not answer: {}", self.log());
    }

    /// A file of the test.
    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the server says of itself.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.at("server.log")).unwrap_or_default()
    }

    /// The line that a file of known hosts has for this key.
    pub(super) fn entry(&self, key: &str) -> String {
        let key = fs::read_to_string(self.at(&format!("{key}.pub"))).expect("a key");
        format!("[127.0.0.1]:{} {}", self.port, key.trim())
    }

    /// Makes these lines all that is known of hosts.
    pub(super) fn known(&self, lines: &str) {
        fs::write(self.at("known"), format!("{lines}\n")).expect("a file");
    }

    /// Makes this the server's known key.
    pub(super) fn know(&self, key: &str) {
        self.known(&self.entry(key));
    }

    /// How tests log in.
    pub(super) fn settings(&self) -> SshSettings {
        SshSettings {
            port: Some(self.port),
            identity_file: Some(self.at("user")),
            config_file: Some("/dev/null".into()),
            known_hosts_file: Some(self.at("known")),
            ..SshSettings::new("127.0.0.1")
        }
    }

    /// The server as the machine of a node.
    pub(super) fn host(&self) -> ShellHost {
        ShellHost::ssh("w1", self.settings(), &SshGate::new())
    }

    /// What a command prints there for a person with this configuration of `ssh`.
    pub(super) fn plain_ssh(&self, config: &Path, command: &str) -> String {
        let known = format!("UserKnownHostsFile={}", self.at("known").display());
        let output = Command::new("ssh")
            .args(["-o", "BatchMode=yes", "-o", &known, "-p", &self.port.to_string(), "-i"])
            .arg(self.at("user"))
            .arg("-F")
            .arg(config)
            .args(["127.0.0.1", command])
            .output();
        String::from_utf8_lossy(&output.expect("ssh runs").stdout).into_owned()
    }

    /// A script of this content that can be run.
    pub(super) fn program(&self, name: &str, content: &str) {
        fs::create_dir_all(self.at("bin")).expect("a folder");
        let file = self.at("bin").join(name);
        fs::write(&file, content).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a program");
    }
}

pub(super) fn keygen(arguments: &[&str]) -> String {
    let done = Command::new("ssh-keygen").args(arguments).output().expect("ssh-keygen runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}
