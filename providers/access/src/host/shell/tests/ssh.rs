//! A machine over SSH.

use super::sshd::{Sshd, keygen};
use crate::host::shell::{HostKeys, ShellHost, SshGate, SshSettings};
use crate::host::{Ask, Command, Expected, Host, HostError, WriteFile};
use std::fs;
use std::time::Duration;

/// What a person is told when the machine cannot be asked.
async fn refusal(host: &ShellHost) -> String {
    let error = reach(host).await.expect_err("not reached");
    let problem = error.to_problem();
    let help = problem.help.unwrap_or_default();
    format!("{} {}\n{}\n{help}", problem.code, problem.summary, problem.detail)
}

/// Whether it can be asked.
async fn reach(host: &ShellHost) -> Result<(), HostError> {
    host.look(&[Ask::file("/etc/clinch-none")]).await.map(|_| ())
}

fn plain(server: &Sshd, text: &str) -> String {
    text.replace(&server.port.to_string(), "PORT")
}

fn write<'a>(path: &'a str, content: &'a [u8]) -> WriteFile<'a> {
    WriteFile::new(path, content, 0o600, Expected::Anything)
}

#[tokio::test]
async fn a_machine_over_ssh_does_what_this_one_does() {
    let Some(server) = Sshd::start("") else { return };
    let host = server.host();
    let file = server.at("it's $HOME").join("x.conf");
    let file = file.to_str().expect("a plain path");
    let content: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    host.write(write(file, &content)).await.expect("created");
    let read = host.read(file).await.expect("readable").expect("there");
    assert!(read.content == content && read.mode == 0o600);
    host.remove(file, Expected::Digest(&read.digest())).await.expect("removed");
    assert_eq!(host.read(file).await.expect("readable"), None);
    for (script, status) in [("exit 3", Some(3)), ("exit 255", Some(255)), ("kill -9 $$", None)] {
        let words = ["sh", "-c", script];
        let ended = host.run(Command::new(&words)).await.expect(script);
        assert_eq!(ended.status, status, "{script}");
    }
}

/// Whatever people call a file and write into it arrives there, and nothing else happens.
#[tokio::test]
async fn naughty_names_and_values_go_through_every_command_of_a_host_as_they_are() {
    let Some(server) = Sshd::start("") else { return };
    let host = server.host();
    let naughty = super::words::naughty();
    let fits = |s: &&String| !s.is_empty() && !s.contains('/') && s.len() < 250;
    let names: Vec<&String> =
        naughty.iter().filter(fits).filter(|s| ![".", ".."].contains(&s.as_str())).collect();
    let (folder, beside) = (server.at("files"), server.at("beside"));
    fs::create_dir(&folder).expect("a folder");
    fs::write(&beside, "untouched").expect("a file");
    let path = |name: &str| folder.join(name).to_str().expect("a plain path").to_owned();
    // One of sixteen is written by itself; all are looked at in one go, as in a plan.
    let mut written = Vec::new();
    for name in names.iter().step_by(16) {
        match host.write(write(&path(name), name.as_bytes())).await {
            Ok(()) => written.push(name),
            // At what cannot be shown nothing is kept.
            Err(error) => assert!(matches!(error, HostError::BadPath { .. }), "{name:?}: {error}"),
        }
    }
    let asks: Vec<Ask> = names.iter().map(|name| Ask::file(path(name))).collect();
    let seen = host.look(&asks).await.expect("looked");
    for (name, answer) in names.iter().zip(seen) {
        let expected = written.contains(&name).then(|| name.as_bytes().to_vec());
        match answer.file() {
            Ok(file) => assert_eq!(file.map(|file| file.content), expected, "{name:?}"),
            Err(error) => {
                assert!(matches!(error, HostError::BadPath { .. }), "{name:?}: {error}");
                assert_eq!(expected, None, "{name:?}");
            }
        }
    }
    for words in naughty.chunks(100) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let all = [&["printf", "%s\\0"][..], &words].concat();
        let said = host.run(Command::new(&all)).await.expect("run");
        let expected: Vec<u8> = words.iter().flat_map(|w| [w.as_bytes(), b"\0"].concat()).collect();
        assert!(said.stdout == expected);
    }
    for name in &written {
        let digest = crate::host::digest(name.as_bytes());
        host.remove(&path(name), Expected::Digest(&digest)).await.expect("removed");
    }
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 0);
    assert_eq!(fs::read_to_string(&beside).expect("a file"), "untouched");
}

#[tokio::test]
async fn content_is_in_no_argument_and_in_no_other_file() {
    let Some(server) = Sshd::start("") else { return };
    let (log, canary) = (server.at("asked"), "CANARY-7c1f");
    let log = log.to_str().expect("a plain path");
    // The server keeps what it is asked to run.
    server.program("keep", &format!("#!/bin/sh\nprintf '%s\\n' \"$SSH_ORIGINAL_COMMAND\" >>{log}\nexec sh -c \"$SSH_ORIGINAL_COMMAND\"\n"));
    let keep = server.at("bin/keep");
    let Some(keeping) = Sshd::start(&format!("ForceCommand {}", keep.display())) else { return };
    let host = keeping.host();
    let file = keeping.at("etc/x.conf");
    let path = file.to_str().expect("a plain path");
    host.write(write(path, canary.as_bytes())).await.expect("created");
    host.run(Command::new(&["cat"]).reading(canary.as_bytes())).await.expect("run");
    let asked = fs::read_to_string(log).expect("what was asked");
    assert!(asked.contains("x.conf") && !asked.contains(canary), "{asked}");
    let beside = fs::read_dir(keeping.at("etc")).expect("a folder").count();
    assert_eq!(beside, 1);
}

#[tokio::test]
async fn a_key_that_is_not_known_is_refused_and_nothing_is_sent() {
    let Some(server) = Sshd::start("LogLevel VERBOSE") else { return };
    server.known("");
    insta::assert_snapshot!(plain(&server, &refusal(&server.host()).await), @r#"
    E0781 The key of a host is not known
    No key is known for host `w1` at 127.0.0.1:PORT, so it could be any machine. Nothing was sent to it.
    Ask the host's owner for the fingerprint, compare it with what `ssh -p PORT 127.0.0.1` shows, and accept it there. With `host_keys = "accept-new"` the first key is trusted unseen.
    "#);
    let log = server.log();
    assert!(!log.contains("Accepted") && !log.contains("Failed publickey"), "{log}");
}

#[tokio::test]
async fn a_key_that_changed_is_refused_with_both_fingerprints() {
    let Some(server) = Sshd::start("") else { return };
    server.know("other");
    let print = |key: &str| {
        let file = server.at(&format!("{key}.pub"));
        let shown = keygen(&["-l", "-f", file.to_str().expect("a plain path")]);
        shown.split_whitespace().nth(1).expect("a fingerprint").to_owned()
    };
    let told = refusal(&server.host()).await;
    let told = told.replace(&print("host"), "SHA256:NEW").replace(&print("other"), "SHA256:OLD");
    insta::assert_snapshot!(plain(&server, &told), @r#"
    E0781 The key of a host has changed
    Host `w1` at 127.0.0.1:PORT has the key SHA256:NEW, and SHA256:OLD is known. Nothing was sent to it.
    Somebody may be in between. If the host was set up anew, compare the fingerprint with its owner's, then run `ssh-keygen -R '[127.0.0.1]:PORT'` and log in once.
    "#);
}

#[tokio::test]
async fn a_revoked_key_is_refused_even_when_it_is_known() {
    let Some(server) = Sshd::start("") else { return };
    server.known(&format!("{}\n@revoked {}", server.entry("host"), server.entry("host")));
    insta::assert_snapshot!(plain(&server, &refusal(&server.host()).await), @r#"
    E0781 The key of a host is revoked
    The key of host `w1` at 127.0.0.1:PORT is marked as revoked. Nothing was sent to it.
    Give the host another key; whoever revoked this one had a reason.
    "#);
}

#[tokio::test]
async fn a_hashed_entry_and_a_certificate_are_known_keys() {
    let Some(server) = Sshd::start("") else { return };
    let known = server.at("known");
    keygen(&["-q", "-H", "-f", known.to_str().expect("a plain path")]);
    assert!(fs::read_to_string(&known).expect("a file").starts_with("|1|"));
    reach(&server.host()).await.expect("reached");

    let at = |name: &str| server.at(name).to_str().expect("a plain path").to_owned();
    keygen(&["-q", "-s", &at("other"), "-I", "w1", "-h", "-n", "127.0.0.1", &at("host.pub")]);
    let more = format!("HostKey {}\nHostCertificate {}", at("host"), at("host-cert.pub"));
    let Some(certified) = Sshd::start(&more) else { return };
    let authority = fs::read_to_string(server.at("other.pub")).expect("a key");
    certified.known(&format!("@cert-authority * {authority}"));
    reach(&certified.host()).await.expect("reached");
}

#[tokio::test]
async fn the_first_key_is_accepted_only_when_that_is_asked_for_and_written_down() {
    let Some(server) = Sshd::start("") else { return };
    server.known("");
    let trusting = SshSettings { host_keys: HostKeys::AcceptNew, ..server.settings() };
    let host = ShellHost::ssh("w1", trusting, &SshGate::new());
    reach(&host).await.expect("reached");
    reach(&server.host()).await.expect("known from now on");
    server.know("other");
    let trusting = SshSettings { host_keys: HostKeys::AcceptNew, ..server.settings() };
    let host = ShellHost::ssh("w1", trusting, &SshGate::new());
    assert!(refusal(&host).await.starts_with("E0781 The key of a host has changed"));
}

#[tokio::test]
async fn a_login_that_is_refused_and_a_machine_that_is_down_are_told_apart() {
    let Some(server) = Sshd::start("") else { return };
    let stranger = SshSettings { identity_file: Some(server.at("other")), ..server.settings() };
    let stranger = ShellHost::ssh("w1", stranger, &SshGate::new());
    let login = plain(&server, &refusal(&stranger).await);
    let user = login.split("refused the login: ").nth(1).and_then(|rest| rest.split('@').next());
    let login = login.replace(&format!("{}@", user.unwrap_or_default()), "USER@");
    insta::assert_snapshot!(login, @r#"
    E0782 A host let nobody in
    Host `w1` at 127.0.0.1:PORT refused the login: USER@127.0.0.1: Permission denied (publickey).
    Check `user` and `identity_file`, and try `ssh -p PORT 127.0.0.1`.
    "#);
    let (settings, port) = (server.settings(), server.port.to_string());
    drop(server);
    let down = ShellHost::ssh("w1", settings, &SshGate::new());
    insta::assert_snapshot!(refusal(&down).await.replace(&port, "PORT"), @r#"
    E0780 A host cannot be reached
    Host `w1` at 127.0.0.1:PORT cannot be reached: connect to host 127.0.0.1 port PORT: Connection refused.
    Try `ssh -p PORT 127.0.0.1`. To go on without it: -allow-unreachable.
    "#);
}

#[tokio::test]
async fn a_machine_that_accepts_and_never_answers_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let settings = SshSettings {
        port: Some(port),
        config_file: Some("/dev/null".into()),
        connect_timeout: Duration::from_secs(1),
        ..SshSettings::new("127.0.0.1")
    };
    let host = ShellHost::ssh("w1", settings, &SshGate::new());
    let began = std::time::Instant::now();
    let told = refusal(&host).await;
    assert!(told.starts_with("E0780 A host cannot be reached"), "{told}");
    assert!(began.elapsed() < Duration::from_secs(20));
    // It is not asked again at once.
    let again = std::time::Instant::now();
    assert_eq!(refusal(&host).await, told);
    assert!(again.elapsed() < Duration::from_millis(500));
}

#[tokio::test]
async fn an_address_is_never_an_option_of_ssh() {
    let folder = tempfile::tempdir().expect("a folder");
    let canary = folder.path().join("canary");
    let settings = SshSettings {
        config_file: Some("/dev/null".into()),
        ..SshSettings::new(format!("-oProxyCommand=touch {}", canary.display()))
    };
    let told = refusal(&ShellHost::ssh("w1", settings, &SshGate::new())).await;
    assert!(told.starts_with("E0780"), "{told}");
    assert!(!canary.exists());
}

/// What a person lends to machines at their own logins.
#[tokio::test]
async fn an_agent_is_not_lent_to_a_machine_whatever_the_configuration_of_ssh_says() {
    let Some(server) = Sshd::start("AllowAgentForwarding yes") else { return };
    let (socket, config) = (server.at("agent"), server.at("client"));
    let mut agent = std::process::Command::new("ssh-agent");
    agent.arg("-D").arg("-a").arg(&socket).stdout(std::process::Stdio::null());
    let Ok(mut agent) = agent.spawn() else {
        eprintln!("SKIPPED: ssh-agent is not installed");
        return;
    };
    let text = format!("IdentityAgent {}\nForwardAgent yes\n", socket.display());
    fs::write(&config, text).expect("a file");
    let settings = SshSettings { config_file: Some(config.clone()), ..server.settings() };
    let host = ShellHost::ssh("w1", settings, &SshGate::new());
    let words = ["sh", "-c", "echo \"agent: ${SSH_AUTH_SOCK:-none}\""];
    let ours = host.run(Command::new(&words)).await.map(|said| said.text());
    // The same configuration lends it to whoever does not refuse.
    let theirs = server.plain_ssh(&config, "echo \"agent: ${SSH_AUTH_SOCK:-none}\"");
    let _ = agent.kill();
    let _ = agent.wait();
    assert_eq!(ours.expect("run"), "agent: none\n");
    assert!(theirs.starts_with("agent: /"), "{theirs}");
}

/// What was allowed for an old machine once is not used for a node.
#[tokio::test]
async fn a_key_that_is_signed_with_sha_1_is_refused_whatever_the_configuration_of_ssh_says() {
    let folder = tempfile::TempDir::new().expect("a folder for the test");
    let rsa = folder.path().join("rsa").display().to_string();
    keygen(&["-q", "-t", "rsa", "-b", "2048", "-N", "", "-C", "test", "-f", &rsa]);
    let old = format!("HostKey {rsa}\nHostKeyAlgorithms ssh-rsa");
    let Some(server) = Sshd::start(&old) else { return };
    let key = fs::read_to_string(format!("{rsa}.pub")).expect("a key");
    server.known(&format!("[127.0.0.1]:{} {}", server.port, key.trim()));
    let config = server.at("client");
    fs::write(&config, "HostKeyAlgorithms +ssh-rsa\n").expect("a file");
    let settings = SshSettings { config_file: Some(config.clone()), ..server.settings() };
    let host = ShellHost::ssh("w1", settings, &SshGate::new());
    let said = refusal(&host).await;
    assert!(said.contains("no matching host key type found"), "{said}");
    // The same configuration takes it where nobody refuses.
    assert_eq!(server.plain_ssh(&config, "echo here"), "here\n");
}

/// A machine that has these scripts as further programs, and a file `there` which ann may read
/// by name.
fn with_programs(scripts: &[(&str, &str)]) -> Option<(Sshd, tempfile::TempDir)> {
    let folder = tempfile::TempDir::new().expect("a folder for the test");
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).expect("a folder");
    for (name, script) in scripts {
        let script = script.replace("SAID", &folder.path().join("said").display().to_string());
        fs::write(bin.join(name), format!("#!/bin/sh\n{script}\n")).expect("a file");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(bin.join(name), mode).expect("a program");
    }
    let there = folder.path().join("there");
    fs::write(&there, "old").expect("a file");
    // As acl(5) has it: owner, the user 1000, group, mask, others; each with what it may.
    let entries =
        [(1, 6, u32::MAX), (2, 4, 1000), (4, 4, u32::MAX), (16, 4, u32::MAX), (32, 0, u32::MAX)];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, may, id) in entries {
        list.extend([u16::to_le_bytes(tag), u16::to_le_bytes(may)].concat());
        list.extend(id.to_le_bytes());
    }
    let flags = rustix::fs::XattrFlags::empty();
    if let Err(why) = rustix::fs::setxattr(&there, "system.posix_acl_access", &list, flags) {
        eprintln!("SKIPPED: no access lists in the folder for tests: {why}");
        return None;
    }
    let server = Sshd::start(&format!("SetEnv PATH={}:/bin:/usr/bin", bin.display()))?;
    Some((server, folder))
}

#[tokio::test]
async fn a_file_keeps_its_access_list() {
    let Some((server, folder)) = with_programs(&[
        (
            "getfacl",
            "printf 'user:ann:r--\\ngroup::r--\\nmask::r--\\nother::r--\\n'; echo \"# $3\"",
        ),
        ("setfacl", "echo \"$1\" $(cat) >>SAID"),
    ]) else {
        return;
    };
    let host = server.host();
    let there = folder.path().join("there").display().to_string();
    host.write(write(&there, b"new")).await.expect("written");
    assert_eq!(fs::read_to_string(&there).expect("a file"), "new");
    let said = || fs::read_to_string(folder.path().join("said")).expect("a note");
    // Nobody reads what a file holds before its mode says so.
    let list = "user:ann:r-- group::r-- mask::--- other::--- # ./there";
    assert_eq!(said(), format!("--set-file=- {list}\n"));
    // A file that is new gets it from its folder.
    let new = folder.path().join("new").display().to_string();
    host.write(write(&new, b"new")).await.expect("written");
    assert_eq!(said().lines().count(), 1);
}

/// There is no `SELinux` here, so `chcon` cannot do what it is asked for.
#[tokio::test]
async fn a_file_that_would_lose_its_label_or_its_access_list_is_left_as_it_is() {
    let lists = [("getfacl", "true"), ("setfacl", "cat >/dev/null")];
    let unread = [("getfacl", "exit 1"), ("setfacl", "cat >/dev/null")];
    let refusing = [("getfacl", "true"), ("setfacl", "echo 'setfacl: no such user' >&2; exit 1")];
    let labels = [lists[0], lists[1], ("selinuxenabled", "exit 0")];
    for (scripts, words) in [
        (&[][..], "`getfacl`"),
        (&unread[..], "cannot be read"),
        (&refusing[..], "no such user"),
        (&labels[..], "there"),
    ] {
        let Some((server, folder)) = with_programs(scripts) else { return };
        let there = folder.path().join("there").display().to_string();
        let refused = server.host().write(write(&there, b"new")).await.expect_err("not written");
        let problem = refused.to_problem();
        assert!(problem.detail.contains(words), "no `{words}` in {problem:?}");
        assert_eq!(fs::read_to_string(&there).expect("a file"), "old");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2, "bin and there");
    }
}

/// A `sudo` of the test's own, since nobody has this one configured.
async fn with_sudo(script: Option<&str>) -> Option<String> {
    let server = Sshd::start("")?;
    if let Some(script) = script {
        server.program("sudo", &format!("#!/bin/sh\n{script}\n"));
    }
    let path = server.at("bin").display().to_string();
    let mine = Sshd::start(&format!("SetEnv PATH={path}:/bin:/usr/bin"))?;
    let settings = SshSettings { sudo: true, ..mine.settings() };
    let host = ShellHost::ssh("w1", settings, &SshGate::new());
    match reach(&host).await {
        Ok(()) => Some("root".to_owned()),
        Err(_) => Some(refusal(&host).await),
    }
}

#[tokio::test]
async fn a_sudo_that_asks_for_a_password_says_so_and_one_that_does_not_works() {
    let Some(works) = with_sudo(Some("shift 2; exec \"$@\"")).await else { return };
    assert_eq!(works, "root");
    let asks = "echo 'sudo: a password is required' >&2; exit 1";
    insta::assert_snapshot!(with_sudo(Some(asks)).await.unwrap_or_default(), @r#"
    E0783 Root cannot be had on a host
    `sudo` on host `w1` asks for a password.
    Give the user a rule with `NOPASSWD: ALL` in the sudoers file, or log in as root.
    "#);
    let not = "echo 'ann is not in the sudoers file.' >&2; exit 1";
    insta::assert_snapshot!(with_sudo(Some(not)).await.unwrap_or_default(), @r#"
    E0783 Root cannot be had on a host
    `sudo` on host `w1` does not let this user in.
    Add the user to the sudoers file, or log in as root.
    "#);
    if !std::path::Path::new("/usr/bin/sudo").exists() {
        insta::assert_snapshot!(with_sudo(None).await.unwrap_or_default(), @r#"
    E0783 Root cannot be had on a host
    `sudo` on host `w1` is not installed.
    Install sudo there, or log in as root.
    "#);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_outcome_in_doubt_and_the_next_one_shows_it() {
    let Some(server) = Sshd::start("") else { return };
    let host = server.host();
    let marker = server.at("marker").display().to_string();
    // It takes effect, and then ends the server's process for this connection.
    let script = "echo done >\"$1\"; p=$PPID; while [ \"$p\" -gt 1 ]; do \
                  read -r _ name _ up _ </proc/$p/stat; \
                  case $name in '(sshd'*) kill -9 \"$p\"; exit ;; esac; p=$up; done; exit 1";
    let words = ["sh", "-c", script, "sh", &marker];
    let error = host.run(Command::new(&words)).await.expect_err("broken");
    assert!(matches!(error, HostError::Lost { .. }) && error.is_in_doubt(), "{error:?}");
    assert!(error.to_string().starts_with("The connection to host `w1` broke before it said"));
    let read = host.read(&marker).await.expect("a new connection").expect("it took effect");
    assert_eq!(read.content, b"done\n");
}

#[tokio::test]
async fn talk_of_the_login_is_not_taken_for_an_answer() {
    let Some(server) = Sshd::start("") else { return };
    server.program("noisy", "#!/bin/sh\nprintf 'Welcome!\\n\\nclinch: done\\n'\nprintf 'motd' >&2\nexec sh -c \"$SSH_ORIGINAL_COMMAND\"\n");
    let force = format!("ForceCommand {}", server.at("bin/noisy").display());
    let Some(noisy) = Sshd::start(&force) else { return };
    let host = noisy.host();
    assert_eq!(host.read("/etc/clinch-none").await.expect("understood"), None);
    let ended = host.run(Command::new(&["sh", "-c", "exit 4"])).await.expect("understood");
    assert_eq!(ended.status, Some(4));
    let Some(closed) = Sshd::start("ForceCommand echo 'This account is not available.'; exit 1")
    else {
        return;
    };
    insta::assert_snapshot!(refusal(&closed.host()).await, @r#"
    E0785 A host gave an answer that is not understood
    Host `w1` said: This account is not available.
    Check that the user has a plain login with a POSIX shell.
    "#);
}

#[tokio::test]
async fn forty_scripts_at_once_share_one_connection() {
    let Some(server) = Sshd::start("LogLevel VERBOSE") else { return };
    let host = server.host();
    let asks = [Ask::command(["echo", "here"])];
    let looks = (0..40).map(|_| host.look(&asks));
    for look in futures::future::join_all(looks).await {
        assert_eq!(look.expect("looked").len(), 1);
    }
    assert_eq!(server.log().matches("Accepted publickey").count(), 1);
}

#[tokio::test]
async fn twenty_machines_are_called_without_one_being_turned_away() {
    let Some(server) = Sshd::start("") else { return };
    let gate = SshGate::new();
    let hosts: Vec<ShellHost> =
        (0..20).map(|i| ShellHost::ssh(format!("w{i}"), server.settings(), &gate)).collect();
    let looks = hosts.iter().map(reach);
    for look in futures::future::join_all(looks).await {
        look.expect("reached");
    }
}

#[tokio::test]
async fn a_jump_host_leads_to_a_machine_and_its_own_key_is_checked() {
    let (Some(bastion), Some(server)) = (Sshd::start(""), Sshd::start("")) else { return };
    let config = server.at("ssh_config");
    let text = |known: &str| {
        format!(
            "Host bastion\n  HostName 127.0.0.1\n  Port {}\n  IdentityFile {}\n  \
             UserKnownHostsFile {known}\nHost 127.0.0.1\n  ProxyJump bastion\n",
            bastion.port,
            bastion.at("user").display(),
        )
    };
    let settings = SshSettings { config_file: Some(config.clone()), ..server.settings() };
    fs::write(&config, text(&bastion.at("known").display().to_string())).expect("a file");
    let host = ShellHost::ssh("w1", settings.clone(), &SshGate::new());
    reach(&host).await.expect("through the jump host");
    fs::write(&config, text("/dev/null")).expect("a file");
    let told = refusal(&ShellHost::ssh("w1", settings, &SshGate::new())).await;
    assert!(told.starts_with("E0781 The key of a host is not known"), "{told}");
}

/// A root folder with busybox and nothing else, `None`, loudly, where that cannot be made.
fn small_root(at: &std::path::Path) -> Option<()> {
    let script = "set -e; test \"$(id -u)\" = 0; b=$(command -v busybox); cd \"$1\"; \
                  mkdir -p bin etc dev; cp \"$b\" bin/busybox; \
                  for l in $(ldd \"$b\" | grep -o '/[^ ]*'); do \
                  mkdir -p \".${l%/*}\"; cp \"$l\" \".$l\"; done; \
                  for a in $(busybox --list); do ln -sf busybox \"bin/$a\"; done; \
                  : >dev/null; chmod 666 dev/null; chroot . /bin/true";
    let shell = std::process::Command::new("sh").args(["-c", script, "sh"]).arg(at).output();
    let made = shell.is_ok_and(|output| output.status.success());
    if !made {
        eprintln!("SKIPPED a host with busybox alone: it takes root, chroot and busybox");
    }
    made.then_some(())
}

#[tokio::test]
async fn a_machine_with_nothing_but_busybox_does_all_of_it() {
    let root = tempfile::tempdir().expect("a folder");
    let Some(()) = small_root(root.path()) else { return };
    let Some(server) = Sshd::start("") else { return };
    let into = format!(
        "#!/bin/sh\nexec chroot {} /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"\n",
        root.path().display()
    );
    server.program("into", &into);
    let force = format!("ForceCommand {}", server.at("bin/into").display());
    let Some(small) = Sshd::start(&force) else { return };
    let host = small.host();
    let path = "/etc/modprobe.d/90-clinch-modules.conf";
    let file = WriteFile { expected: Expected::Absent, ..write(path, b"blacklist sctp\n") };
    host.write(file).await.expect("created");
    let there = fs::read(root.path().join(&path[1..])).expect("inside of the root");
    assert_eq!(there, b"blacklist sctp\n");
    let read = host.read(path).await.expect("readable").expect("there");
    let answers = host.look(&[Ask::folder("/etc/modprobe.d"), Ask::link("/bin/sh")]).await;
    assert_eq!(
        format!("{:?}", answers.expect("looked")),
        "[Folder([Entry { name: \"90-clinch-modules.conf\", kind: File }]), Link(\"busybox\")]"
    );
    let late = host.write(WriteFile { expected: Expected::Absent, ..write(path, b"x") }).await;
    assert!(late.is_err_and(|error| error.is_changed()));
    let slow = host.run(Command::new(&["sleep", "30"]).within(Duration::from_secs(1))).await;
    assert!(matches!(slow, Err(HostError::TimedOut { .. })), "{slow:?}");
    host.remove(path, Expected::Stamp(&read.stamp)).await.expect("removed");
    assert_eq!(host.read(path).await.expect("readable"), None);
}
