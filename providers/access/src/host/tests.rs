use super::*;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use tempfile::TempDir;

const FILE: &str = "/etc/modprobe.d/x.conf";

/// The two machines of a test, which must behave alike, and the folder of the first.
fn machines() -> (Vec<Arc<dyn Host>>, TempDir) {
    let folder = TempDir::new().expect("a folder for the test");
    let hosts: Vec<Arc<dyn Host>> =
        vec![Arc::new(FolderHost::new("w1", folder.path())), Arc::new(MemoryHost::new("w1"))];
    (hosts, folder)
}

fn write<'a>(content: &'a str, expected: Expected<'a>) -> WriteFile<'a> {
    WriteFile::new(FILE, content.as_bytes(), 0o640, expected)
}

async fn text(host: &dyn Host) -> Option<(String, u32)> {
    let file = host.read(FILE).await.expect("readable")?;
    Some((String::from_utf8_lossy(&file.content).into_owned(), file.mode))
}

#[tokio::test]
async fn a_file_is_created_with_its_folders_and_replaced_and_removed() {
    let (hosts, _folder) = machines();
    for host in hosts {
        assert_eq!(text(&*host).await, None);
        host.write(write("one", Expected::Absent)).await.expect("created");
        assert_eq!(text(&*host).await, Some(("one".to_owned(), 0o640)));
        let one = digest(b"one");
        host.write(write("two", Expected::Digest(&one))).await.expect("replaced");
        assert_eq!(text(&*host).await, Some(("two".to_owned(), 0o640)));
        host.remove(FILE, Expected::Digest(&digest(b"two"))).await.expect("removed");
        assert_eq!(text(&*host).await, None);
        host.remove(FILE, Expected::Anything).await.expect("nothing to remove");
    }
}

#[tokio::test]
async fn a_folder_goes_when_nothing_is_in_it_and_stays_otherwise() {
    let (hosts, folder) = machines();
    for host in &hosts {
        let gone = async || host.remove_folder("/etc/modprobe.d").await;
        gone().await.expect("it is not there");
        host.write(write("one", Expected::Absent)).await.expect("created");
        gone().await.expect("it stays");
        assert!(text(&**host).await.is_some());
        host.remove(FILE, Expected::Anything).await.expect("removed");
        gone().await.expect("it is empty");
        gone().await.expect("it is gone already");
        assert!(matches!(host.remove_folder("/a/../b").await, Err(HostError::BadPath { .. })));
    }
    let etc = folder.path().join("etc");
    assert!(!etc.join("modprobe.d").exists() && etc.exists(), "only the one that was meant");
    let outside = TempDir::new().expect("a folder");
    symlink(outside.path(), etc.join("modprobe.d")).expect("a link");
    let error = hosts[0].remove_folder("/etc/modprobe.d").await.expect_err("a link");
    assert!(error.to_string().contains("a symbolic link"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_that_write_into_a_new_folder_at_once_all_do() {
    for _ in 0..20 {
        let (hosts, _folder) = machines();
        for host in hosts {
            let paths: Vec<String> = (0..16).map(|n| format!("/new/deep/er/{n}")).collect();
            let file = |path| WriteFile { path, ..write("x", Expected::Absent) };
            let writes = paths.iter().map(|path| host.write(file(path)));
            for written in futures::future::join_all(writes).await {
                written.expect("written");
            }
        }
    }
}

/// The machines as an earlier and as a later run have them, and which program runs there.
fn runs(host: &Arc<dyn Host>) -> [Arc<dyn Host>; 2] {
    [(7, "ada@desk/1/a"), (8, "ben@lap/2/b")]
        .map(|(number, by)| host.fenced(&Fence::new("shop", "uid-1", number, by)))
}

#[tokio::test]
async fn l3_a_run_that_was_overtaken_changes_nothing_on_a_machine() {
    let (hosts, _folder) = machines();
    for host in hosts {
        let [earlier, later] = runs(&host);
        earlier.write(write("one", Expected::Absent)).await.expect("nobody else was there");
        later.claim().await.expect("a greater number");
        let said = "Host `w1` was worked on by ben@lap/2/b since then, under number 8; this run has \
                    number 7 and was taken over, so it changes nothing there any more.";
        let written = earlier.write(write("two", Expected::Anything)).await;
        let removed = earlier.remove(FILE, Expected::Anything).await;
        for refused in [written, removed, earlier.claim().await] {
            assert_eq!(refused.expect_err("overtaken").to_string(), said);
        }
        // Reading is free.
        assert_eq!(text(&*earlier).await, Some(("one".to_owned(), 0o640)));
        later.write(write("three", Expected::Anything)).await.expect("the last one");
        // Whoever has no number is not compared with anybody, and neither is another project.
        host.write(write("four", Expected::Anything)).await.expect("no run");
        for (project, cluster) in [("web", "uid-1"), ("shop", "uid-2")] {
            let other = host.fenced(&Fence::new(project, cluster, 1, "eve@x/3/c"));
            other.write(write("five", Expected::Anything)).await.expect("another state");
        }
        later.remove(FILE, Expected::Anything).await.expect("still the last one");
    }
}

#[tokio::test]
async fn a_program_is_not_run_for_a_run_that_was_overtaken() {
    let ran = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = ran.clone();
    let host = MemoryHost::new("w1").with_program(move |_, _| {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Output::default()
    });
    let host: Arc<dyn Host> = Arc::new(host);
    let [earlier, later] = runs(&host);
    later.run(Command::new(&["systemctl", "restart", "kubelet"])).await.expect("run");
    let refused = earlier.run(Command::new(&["systemctl", "restart", "kubelet"])).await;
    assert!(matches!(refused, Err(HostError::Overtaken { number: 8, own: 7, .. })), "{refused:?}");
    assert_eq!(ran.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_number_that_cannot_be_read_refuses_every_change_and_says_what_to_do() {
    let (hosts, _folder) = machines();
    let fence = Fence::new("shop", "uid-1", 8, "ben@lap/2/b");
    let good = fence.text();
    for host in hosts {
        let put = async |text: &str| {
            let path = fence.path();
            let file = WriteFile::new(&path, text.as_bytes(), 0o600, Expected::Anything);
            host.write(file).await.expect("written");
            host.fenced(&fence).write(write("one", Expected::Anything)).await
        };
        for end in 0..good.len() {
            let refused = put(&good[..end]).await.expect_err(&good[..end]).to_problem();
            assert_eq!(refused.code.0, "E0828");
            let help = refused.help.unwrap_or_default();
            assert!(help.contains(&format!("remove `{}` there", fence.path())), "{help}");
        }
        for (from, to) in [
            ("number 8", "number 08"),
            ("number 8", "number -8"),
            ("number 8", "number 9999999999999999999"),
            ("project shop", "project web"),
            ("cluster uid-1\n", "cluster uid-1\nmore\n"),
        ] {
            let bad = good.replace(from, to);
            let refused = put(&bad).await.expect_err(&bad);
            assert!(refused.to_string().contains("is damaged, so nobody knows"), "{refused}");
        }
        let newer = good.replace("clinch fence 1", "clinch fence 12");
        let refused = put(&newer).await.expect_err(&newer);
        assert!(refused.to_string().contains("was written by a newer version"), "{refused}");
        assert_eq!(text(&*host).await, None, "nothing was done");
        put(&good).await.expect("its own number");
    }
}

#[tokio::test]
async fn a_file_that_changed_since_is_neither_replaced_nor_removed() {
    let (hosts, _folder) = machines();
    for host in hosts {
        let planned = digest(b"one");
        let gone = host.write(write("two", Expected::Digest(&planned))).await;
        assert!(gone.is_err_and(|e| e.is_changed()));
        host.write(write("edited", Expected::Anything)).await.expect("written");
        for change in [
            host.write(write("two", Expected::Digest(&planned))).await,
            host.write(write("two", Expected::Absent)).await,
            host.remove(FILE, Expected::Digest(&planned)).await,
        ] {
            assert!(change.is_err_and(|e| e.is_changed()));
        }
        assert_eq!(text(&*host).await, Some(("edited".to_owned(), 0o640)));
    }
}

#[tokio::test]
async fn a_stamp_holds_until_the_file_is_changed_and_tells_nothing_of_it() {
    let (hosts, _folder) = machines();
    for host in hosts {
        host.write(write("secret", Expected::Absent)).await.expect("created");
        let first = host.read(FILE).await.expect("readable").expect("there").stamp;
        assert!(!first.contains(&digest(b"secret")) && !first.contains("secret"), "{first}");
        host.write(write("secret", Expected::Stamp(&first))).await.expect("as it was");
        let late = host.remove(FILE, Expected::Stamp(&first)).await;
        assert!(late.is_err_and(|e| e.is_changed()));
        let second = host.read(FILE).await.expect("readable").expect("there").stamp;
        host.remove(FILE, Expected::Stamp(&second)).await.expect("as it was");
    }
}

#[tokio::test]
async fn a_file_belongs_to_whom_it_is_given_and_stays_theirs() {
    let (hosts, folder) = machines();
    let own = fs::metadata(folder.path()).map(|m| (m.uid(), m.gid())).expect("a folder");
    for host in hosts {
        // Only the superuser gives files away; anybody gives them to themselves.
        let (uid, gid) = if own.0 == 0 { (4321, 1234) } else { own };
        let (uid, gid) = (Some(uid), Some(gid));
        let given = write("one", Expected::Absent).owned_by(uid, gid);
        host.write(given).await.expect("created");
        host.write(write("two", Expected::Anything)).await.expect("replaced");
        let file = host.read(FILE).await.expect("readable").expect("there");
        assert_eq!((Some(file.uid), Some(file.gid)), (uid, gid));
    }
}

#[tokio::test]
async fn a_refused_write_leaves_nothing_behind() {
    let (hosts, folder) = machines();
    let refused = hosts[0].write(write("two", Expected::Digest("0"))).await;
    assert!(refused.is_err());
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0);
}

#[tokio::test]
async fn only_the_file_itself_is_in_its_folder_after_a_write() {
    let (hosts, folder) = machines();
    hosts[0].write(write("one", Expected::Absent)).await.expect("created");
    let inside = fs::read_dir(folder.path().join("etc/modprobe.d")).expect("the folder");
    let names: Vec<_> = inside.flatten().map(|e| e.file_name()).collect();
    assert_eq!(names, ["x.conf"]);
}

#[tokio::test]
async fn a_link_a_folder_a_socket_and_a_pipe_in_the_place_of_a_file_are_refused() {
    let (hosts, folder) = machines();
    let host = &hosts[0];
    let place = folder.path().join("etc/modprobe.d");
    fs::create_dir_all(&place).expect("a folder");
    let outside = TempDir::new().expect("a folder");
    fs::write(outside.path().join("secret"), "untouched").expect("a file");
    let at = place.join("x.conf");
    for what in ["a symbolic link", "a folder", "a socket", "a pipe"] {
        match what {
            "a symbolic link" => symlink(outside.path().join("secret"), &at).expect("a link"),
            "a folder" => fs::create_dir(&at).expect("a folder"),
            "a socket" => drop(UnixListener::bind(&at).expect("a socket")),
            _ => {
                let made = tokio::process::Command::new("mkfifo").arg(&at).status().await;
                assert!(made.expect("mkfifo runs").success());
            }
        }
        for error in [
            host.read(FILE).await.expect_err(what),
            host.write(write("new", Expected::Anything)).await.expect_err(what),
            host.remove(FILE, Expected::Anything).await.expect_err(what),
        ] {
            assert_eq!(error.to_string(), format!("`{FILE}` on host `w1` is {what}."));
        }
        if at.is_dir() { fs::remove_dir(&at) } else { fs::remove_file(&at) }.expect("removed");
    }
    let secret = fs::read_to_string(outside.path().join("secret"));
    assert_eq!(secret.ok().as_deref(), Some("untouched"));
}

#[tokio::test]
async fn no_path_leads_out_of_the_folder() {
    let (hosts, folder) = machines();
    let outside = TempDir::new().expect("a folder");
    symlink(outside.path(), folder.path().join("etc")).expect("a link");
    let error = hosts[0].write(write("new", Expected::Anything)).await.expect_err("a link");
    assert_eq!(
        error.to_string(),
        "`/etc/modprobe.d/x.conf` on host `w1` is reached through a symbolic link."
    );
    assert_eq!(fs::read_dir(outside.path()).expect("the folder").count(), 0);
    for host in hosts {
        for path in
            ["etc/x", "/../x", "/a/../../x", "/a//b", "/", "", "/a/.", "/a\nb", "/a\0b", "x\0"]
        {
            let read = host.read(path).await;
            assert!(matches!(read, Err(HostError::BadPath { .. })), "{path:?}: {read:?}");
        }
    }
}

#[tokio::test]
async fn a_file_without_end_is_refused() {
    let (hosts, folder) = machines();
    fs::create_dir_all(folder.path().join("etc/modprobe.d")).expect("a folder");
    let file = fs::File::create(folder.path().join(&FILE[1..])).expect("a file");
    file.set_len(1 << 40).expect("a long file");
    let error = hosts[0].read(FILE).await.expect_err("too long");
    assert_eq!(error.to_string(), format!("`{FILE}` on host `w1` is longer than 16 MiB."));
}

#[tokio::test]
async fn a_file_that_may_not_be_read_is_an_error_and_not_absent() {
    let (hosts, folder) = machines();
    hosts[0].write(write("one", Expected::Absent)).await.expect("created");
    let place = folder.path().join("etc/modprobe.d");
    fs::set_permissions(&place, fs::Permissions::from_mode(0o000)).expect("closed");
    let read = hosts[0].read(FILE).await;
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).expect("opened");
    // The superuser may read everything.
    assert!(!matches!(read, Ok(None)), "{read:?}");
}

#[tokio::test]
async fn a_host_that_is_not_known_is_guessed_and_named() {
    let hosts = Hosts::of([Arc::new(MemoryHost::new("worker-1")) as Arc<dyn Host>]);
    let problem = hosts.get("worker-l").map(|h| h.name().to_owned()).expect_err("unknown");
    assert_eq!(problem.to_problem().help.as_deref(), Some("Did you mean `worker-1`?"));
    assert_eq!(problem.to_string(), "There is no way to reach the host of node `worker-l`.");
}

#[tokio::test]
async fn each_folder_in_a_folder_is_a_host() {
    let folder = TempDir::new().expect("a folder for the test");
    for node in ["w2", "w1"] {
        fs::create_dir(folder.path().join(node)).expect("a folder");
    }
    fs::write(folder.path().join("README"), "no host").expect("a file");
    let hosts = Hosts::in_folder(folder.path()).expect("hosts");
    assert_eq!(hosts.names().collect::<Vec<_>>(), ["w1", "w2"]);
    let none = Hosts::in_folder(&folder.path().join("missing")).expect("no hosts");
    assert_eq!(none.names().count(), 0);
}

#[tokio::test]
async fn a_program_gets_its_words_as_they_are() {
    let host = MemoryHost::new("w1").with_program(|words, input| Output {
        status: Some(0),
        stdout: format!("{words:?} {}", input.len()).into_bytes(),
        stderr: Vec::new(),
    });
    let words = ["modprobe", "-r", "it's; rm -rf $HOME"];
    let done = host.run(Command::new(&words).reading(b"x")).await.expect("run");
    assert_eq!(done.stdout, br#"["modprobe", "-r", "it's; rm -rf $HOME"] 1"#);
    let folder = FolderHost::new("w1", "/nowhere");
    let refused = folder.run(Command::new(&words)).await;
    assert!(matches!(refused, Err(HostError::NoCommands { .. })));
}

#[tokio::test]
async fn one_look_answers_each_question_by_itself() {
    let (hosts, folder) = machines();
    for host in &hosts {
        host.write(write("one", Expected::Absent)).await.expect("created");
    }
    symlink("x.conf", folder.path().join("etc/modprobe.d/y.conf")).expect("a link");
    let asks = [
        Ask::file(FILE),
        Ask::file("/etc/none"),
        Ask::folder("/etc"),
        Ask::folder("/etc/modprobe.d"),
        Ask::folder("/none"),
        Ask::link("/etc/modprobe.d/y.conf"),
        Ask::file("not absolute"),
        Ask::command(["uname", "-r"]),
    ];
    for host in hosts {
        let answers = host.look(&asks).await.expect("looked");
        let in_memory = answers[5] == Answer::Absent;
        let names = |answer: &Answer| {
            let entries = answer.clone().folder().expect("no error").expect("a folder");
            let name = |e: Entry| format!("{} {:?}", e.name, e.kind);
            entries.into_iter().map(name).collect::<Vec<_>>().join(", ")
        };
        let file = answers[0].clone().file().expect("no error").expect("a file");
        assert_eq!((file.content.as_slice(), file.mode), (&b"one"[..], 0o640));
        assert_eq!(answers[1], Answer::Absent);
        assert_eq!(names(&answers[2]), "modprobe.d Folder");
        let link = if in_memory { "" } else { ", y.conf Link" };
        assert_eq!(names(&answers[3]), format!("x.conf File{link}"));
        assert_eq!(answers[4], Answer::Absent);
        if !in_memory {
            assert_eq!(answers[5], Answer::Link("x.conf".to_owned()));
        }
        assert!(matches!(answers[6], Answer::Failed(HostError::BadPath { .. })));
        assert!(matches!(answers[7], Answer::Failed(HostError::NoCommands { .. })));
    }
}
