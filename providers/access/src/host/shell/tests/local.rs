//! This machine, through every shell that it has.

use crate::host::shell::{ShellHost, script};
use crate::host::{
    Answer, Ask, Command, Entry, EntryKind, Expected, Host, HostError, Staged, WriteFile, digest,
};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// The same machine through each shell, and a folder for it.
pub(super) fn machines() -> (Vec<ShellHost>, TempDir) {
    let shells: [&'static [&'static str]; 4] = [&["sh"], &["dash"], &["bash"], &["busybox", "sh"]];
    let there = |shell: &&&'static [&'static str]| {
        let found = std::process::Command::new(shell[0])
            .args(&shell[1..])
            .args(["-c", "exit 0"])
            .output()
            .is_ok();
        if !found {
            eprintln!("SKIPPED {shell:?}: it is not installed");
        }
        found
    };
    let hosts = shells.iter().filter(there).map(|shell| ShellHost::through("w1", shell)).collect();
    let folder = TempDir::new().expect("a folder for the test");
    (hosts, folder)
}

pub(super) fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("a plain path").to_owned()
}

pub(super) fn write<'a>(path: &'a str, content: &'a [u8], expected: Expected<'a>) -> WriteFile<'a> {
    WriteFile::new(path, content, 0o640, expected)
}

pub(super) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_folder_goes_when_nothing_is_in_it_and_stays_otherwise() {
    let (hosts, folder) = machines();
    let (at, hidden) =
        (path(folder.path(), "it's/a folder"), path(folder.path(), "it's/a folder/.x"));
    for host in hosts {
        host.remove_folder(&at).await.expect("it is not there");
        host.write(write(&hidden, b"x", Expected::Absent)).await.expect("created");
        host.remove_folder(&at).await.expect("it stays");
        host.remove_folder(&hidden).await.expect("a file is no folder");
        assert!(Path::new(&hidden).exists());
        host.remove(&hidden, Expected::Anything).await.expect("removed");
        symlink(&at, folder.path().join("link")).expect("a link");
        host.remove_folder(&path(folder.path(), "link")).await.expect_err("a link");
        host.remove_folder(&path(folder.path(), "link/x")).await.expect_err("through a link");
        fs::remove_file(folder.path().join("link")).expect("removed");
        host.remove_folder(&at).await.expect("it is empty");
        assert_eq!(names(&folder.path().join("it's")), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_file_is_created_with_its_folders_and_replaced_and_removed() {
    let (hosts, folder) = machines();
    let file = path(folder.path(), "etc/it's $HOME/x.conf");
    let content = b"one\0two\n\xff no end of line";
    for host in hosts {
        assert_eq!(host.read(&file).await.expect("readable"), None);
        host.write(write(&file, content, Expected::Absent)).await.expect("created");
        let read = host.read(&file).await.expect("readable").expect("there");
        assert_eq!((read.content.as_slice(), read.mode), (&content[..], 0o640));
        let folder_mode = fs::metadata(folder.path().join("etc")).expect("a folder").mode();
        assert_eq!(folder_mode & 0o777, 0o755);

        let late = host.write(write(&file, b"two", Expected::Stamp("0"))).await;
        assert!(late.is_err_and(|e| e.is_changed()));
        host.write(write(&file, b"two", Expected::Stamp(&read.stamp))).await.expect("replaced");
        let late = host.write(write(&file, b"three", Expected::Stamp(&read.stamp))).await;
        assert!(late.is_err_and(|e| e.is_changed()));
        let late = host.remove(&file, Expected::Digest(&digest(content))).await;
        assert!(late.is_err_and(|e| e.is_changed()));
        assert_eq!(names(&folder.path().join("etc/it's $HOME")), ["x.conf"]);
        host.remove(&file, Expected::Digest(&digest(b"two"))).await.expect("removed");
        host.remove(&file, Expected::Anything).await.expect("nothing to remove");
        fs::remove_dir_all(folder.path().join("etc")).expect("removed");
    }
}

#[tokio::test]
async fn several_that_write_into_a_new_folder_at_once_all_do() {
    let (hosts, folder) = machines();
    for host in hosts {
        let paths: Vec<String> =
            (0..8).map(|n| path(folder.path(), &format!("new/deep/er/{n}"))).collect();
        let writes = paths.iter().map(|path| host.write(write(path, b"x", Expected::Absent)));
        for written in futures::future::join_all(writes).await {
            written.expect("written");
        }
        fs::remove_dir_all(folder.path().join("new")).expect("removed");
    }
}

#[tokio::test]
async fn a_link_a_folder_a_pipe_and_a_second_name_are_never_written_through() {
    let (hosts, folder) = machines();
    let (file, secret) = (path(folder.path(), "x"), folder.path().join("secret"));
    for host in hosts {
        fs::write(&secret, "untouched").expect("a file");
        for what in ["a symbolic link", "a folder", "a pipe", "one of several names of a file"] {
            match what {
                "a symbolic link" => symlink(&secret, &file).expect("a link"),
                "a folder" => fs::create_dir(&file).expect("a folder"),
                "a pipe" => {
                    let made = std::process::Command::new("mkfifo").arg(&file).status();
                    assert!(made.expect("mkfifo runs").success());
                }
                _ => fs::hard_link(&secret, &file).expect("a second name"),
            }
            let refused = host.write(write(&file, b"new", Expected::Anything)).await;
            let error = refused.expect_err(what);
            assert_eq!(error.to_string(), format!("`{file}` on host `w1` is {what}."));
            if Path::new(&file).is_dir() { fs::remove_dir(&file) } else { fs::remove_file(&file) }
                .expect("removed");
        }
        assert_eq!(fs::read_to_string(&secret).ok().as_deref(), Some("untouched"));
        assert_eq!(names(folder.path()), ["secret"]);
    }
}

#[tokio::test]
async fn no_folder_of_a_path_is_a_link_or_anything_else() {
    let (hosts, folder) = machines();
    let outside = TempDir::new().expect("a folder");
    symlink(outside.path(), folder.path().join("link")).expect("a link");
    symlink("/none", folder.path().join("dangling")).expect("a link");
    fs::write(folder.path().join("file"), "").expect("a file");
    for host in hosts {
        for (name, why) in [
            ("link/x", "reached through a symbolic link"),
            ("link/y/x", "reached through a symbolic link"),
            ("dangling/x", "reached through a symbolic link"),
            ("file/x", "below something that is no folder"),
        ] {
            let file = path(folder.path(), name);
            for error in [
                host.read(&file).await.expect_err(why),
                host.write(write(&file, b"new", Expected::Anything)).await.expect_err(why),
                host.remove(&file, Expected::Anything).await.expect_err(why),
            ] {
                assert_eq!(error.to_string(), format!("`{file}` on host `w1` is {why}."));
            }
        }
        assert_eq!(names(outside.path()), [""; 0]);
    }
}

#[tokio::test]
async fn content_that_arrives_cut_short_changes_nothing() {
    let (hosts, folder) = machines();
    let file = path(folder.path(), "x.conf");
    for host in hosts {
        fs::write(&file, "old").expect("a file");
        let all = digest(b"half and the other half");
        let arguments = [file.as_str(), "0644", "-", "-", "any", &all, "./.clinch-0"];
        let error = host.done(script::WRITE, &file, &arguments, b"half").await;
        let error = error.expect_err("cut short").to_string();
        assert!(error.contains("cut short, so the file is as it was"), "{error}");
        assert_eq!(fs::read_to_string(&file).ok().as_deref(), Some("old"));
        assert_eq!(names(folder.path()), ["x.conf"]);
    }
}

#[tokio::test]
async fn new_content_waits_above_a_folder_of_which_all_files_are_read() {
    let (hosts, above) = machines();
    let file = path(above.path(), "all.d/x.conf");
    for host in hosts {
        let new = write(&file, b"new", Expected::Absent).staged(Staged::Above);
        host.write(new).await.expect("written");
        assert_eq!(fs::read_to_string(&file).ok().as_deref(), Some("new"));
        assert_eq!(names(above.path()), ["all.d"]);
        // What is there already is in the way there, and there alone.
        fs::create_dir(above.path().join(".clinch-0")).expect("a folder");
        let all = digest(b"newer");
        let to = |new| [file.as_str(), "0644", "-", "-", "any", &all, new];
        let done = host.done(script::WRITE, &file, &to("../.clinch-0"), b"newer").await;
        done.expect_err("in the way");
        assert_eq!(fs::read_to_string(&file).ok().as_deref(), Some("new"));
        host.done(script::WRITE, &file, &to("./.clinch-0"), b"newer").await.expect("written");
        assert_eq!(names(&above.path().join("all.d")), ["x.conf"]);
        fs::remove_dir_all(above.path().join("all.d")).expect("removed");
        fs::remove_dir(above.path().join(".clinch-0")).expect("removed");
    }
}

#[tokio::test]
async fn a_file_belongs_to_whom_it_is_given_and_stays_theirs() {
    let (hosts, folder) = machines();
    let file = path(folder.path(), "x.conf");
    let own = fs::metadata(folder.path()).map(|m| (m.uid(), m.gid())).expect("a folder");
    // Only the superuser gives files away; anybody gives them to themselves.
    let (uid, gid) = if own.0 == 0 { (4321, 1234) } else { own };
    for host in hosts {
        let given = WriteFile::new(&file, b"one", 0o4750, Expected::Absent);
        let given = given.owned_by(Some(uid), Some(gid));
        host.write(given).await.expect("created");
        assert_eq!(fs::metadata(&file).map(|m| m.mode() & 0o7777).ok(), Some(0o4750));
        host.write(write(&file, b"two", Expected::Anything)).await.expect("replaced");
        let read = host.read(&file).await.expect("readable").expect("there");
        assert_eq!((read.uid, read.gid, read.mode), (uid, gid, 0o640));
        fs::remove_file(&file).expect("removed");
    }
}

#[tokio::test]
async fn one_look_answers_each_question_by_itself() {
    let (hosts, folder) = machines();
    let at = |name: &str| path(folder.path(), name);
    fs::create_dir_all(at("d/inner")).expect("a folder");
    fs::write(at("d/.hidden"), "").expect("a file");
    fs::write(at("d/two\nlines"), "").expect("a file");
    fs::write(at("d/*"), "\nnot the end 0\n").expect("a file");
    symlink("else where", at("d/link")).expect("a link");
    fs::write(at("closed"), "").expect("a file");
    fs::set_permissions(at("closed"), fs::Permissions::from_mode(0o0)).expect("closed");
    let asks = [
        Ask::file(at("d/*")),
        Ask::file(at("none")),
        Ask::file(at("none/x")),
        Ask::file(at("d")),
        Ask::folder(at("d")),
        Ask::folder(at("none")),
        Ask::folder(at("d/*")),
        Ask::link(at("d/link")),
        Ask::link(at("d")),
        Ask::command(["sh", "-c", "echo said; echo complained >&2; exit 3"]),
        Ask::command(["clinch-has-no-such-program", "x"]),
        Ask::command(["echo", "a  b", "$HOME"]),
        Ask::file("/../x"),
        Ask::file(at("closed")),
    ];
    let mut shown = Vec::new();
    for host in hosts {
        let answers = host.look(&asks).await.expect("looked");
        let told: Vec<String> = answers.into_iter().map(|a| told(a, folder.path())).collect();
        shown.push(told.join("\n"));
    }
    let first = shown.first().expect("a shell").clone();
    assert!(shown.iter().all(|other| *other == first), "{shown:#?}");
    // The superuser may read everything.
    let (most, last) = first.rsplit_once('\n').expect("lines");
    assert!(last == "file 0 \"\"" || last.contains("Permission denied"), "{last}");
    insta::assert_snapshot!(most, @r#"
    file 644 "\nnot the end 0\n"
    absent
    absent
    `/T/d` on host `w1` is a folder.
    folder "*", ".hidden", "inner" (Folder), "link" (Link), "two\nlines"
    absent
    `/T/d/*` on host `w1` is below something that is no folder.
    link to else where
    `/T/d` on host `w1` is a folder.
    ran Some(3): "said\n" "complained"
    absent
    ran Some(0): "a  b $HOME\n" ""
    The path `/../x` has a part `.` or `..`.
    "#);
}

fn told(answer: Answer, folder: &Path) -> String {
    let plain = |text: String| text.replace(folder.to_str().expect("a plain path"), "/T");
    match answer {
        Answer::Absent => "absent".to_owned(),
        Answer::File(file) => {
            format!("file {:o} {:?}", file.mode, String::from_utf8_lossy(&file.content))
        }
        Answer::Folder(entries) => {
            let entry = |Entry { name, kind }: Entry| match kind {
                EntryKind::File => format!("{name:?}"),
                other => format!("{name:?} ({other:?})"),
            };
            format!("folder {}", entries.into_iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Answer::Link(target) => format!("link to {target}"),
        Answer::Ran(output) => {
            format!("ran {:?}: {:?} {:?}", output.status, output.text(), output.complaint())
        }
        Answer::Failed(error) => plain(error.to_string()),
    }
}

#[tokio::test]
async fn a_hundred_long_questions_need_more_than_one_script_and_nobody_notices() {
    let (hosts, folder) = machines();
    let long = "x".repeat(200);
    let deep = format!("{long}/{long}/{long}/{long}");
    let asks: Vec<Ask> =
        (0..200).map(|i| Ask::file(path(folder.path(), &format!("{deep}/{i}")))).collect();
    for i in [0, 150, 199] {
        hosts[0]
            .write(write(&path(folder.path(), &format!("{deep}/{i}")), b"x", Expected::Absent))
            .await
            .expect("created");
    }
    let answers = hosts[0].look(&asks).await.expect("looked");
    let there: Vec<usize> =
        (0..answers.len()).filter(|i| matches!(answers[*i], Answer::File(_))).collect();
    assert_eq!((answers.len(), there), (200, vec![0, 150, 199]));
}

#[tokio::test]
async fn how_a_program_ended_is_told_apart() {
    let (hosts, _folder) = machines();
    for host in hosts {
        for (script, expected) in [
            ("exit 0", Some(0)),
            ("exit 3", Some(3)),
            ("exit 124", Some(124)),
            ("exit 127", Some(127)),
            ("exit 255", Some(255)),
            ("kill -9 $$", None),
        ] {
            let words = ["sh", "-c", script];
            let ended = host.run(Command::new(&words)).await.expect(script);
            assert_eq!(ended.status, expected, "{script}");
        }
        let missing = host.run(Command::new(&["clinch-has-no-such-program"])).await;
        assert!(matches!(missing, Err(HostError::NoTool { .. })), "{missing:?}");
        let words = ["sleep", "30"];
        let slow = host.run(Command::new(&words).within(Duration::from_secs(1))).await;
        let error = slow.expect_err("too slow");
        assert_eq!(error.to_string(), "`sleep` on host `w1` was ended after 1 s.");
        assert!(error.is_in_doubt());
    }
}

/// Half an hour back or forward each time that somebody asks. A shell is told so.
#[tokio::test]
async fn a_clock_that_is_set_while_a_program_runs_changes_nothing_of_how_it_ended() {
    let (_, folder) = machines();
    for jump in ["-1800", "+1800"] {
        let [now, tells] = ["now", "tells"].map(|name| path(folder.path(), name));
        fs::write(&now, "1800000000").expect("a file");
        let jumps = format!(
            "date() {{ echo $(($(cat {now}) {jump})) | tee {now}.new; mv {now}.new {now}; }}\n"
        );
        fs::write(&tells, jumps).expect("a file");
        // As long as the test.
        let asked: &'static str = Box::leak(format!("BASH_ENV={tells}").into_boxed_str());
        let words: &'static [&'static str] = Box::leak(Box::new(["env", asked, "bash"]));
        let host = ShellHost::through("w1", words);
        let ended = host.run(Command::new(&["sh", "-c", "exit 124"])).await.expect("run");
        assert_eq!(ended.status, Some(124), "{jump}");
        let slow = host.run(Command::new(&["sleep", "30"]).within(Duration::from_secs(1))).await;
        assert!(slow.as_ref().is_err_and(HostError::is_in_doubt), "{jump}: {slow:?}");
    }
}

#[tokio::test]
async fn a_program_gets_its_words_and_its_input_as_they_are() {
    let (hosts, _folder) = machines();
    let input: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    for host in hosts {
        let words = ["printf", "<%s>", "it's; rm -rf $HOME", "", "-n", "*"];
        let said = host.run(Command::new(&words)).await.expect("run");
        assert_eq!(said.text(), "<it's; rm -rf $HOME><><-n><*>");
        let sum = host.run(Command::new(&["sha256sum"]).reading(&input)).await.expect("run");
        assert!(sum.text().starts_with(&digest(&input)), "{}", sum.text());
        let nul = host.run(Command::new(&["echo", "a\0b"])).await;
        let error = nul.expect_err("no word").to_string();
        assert_eq!(error, "`a\u{fffd}b` cannot be an argument of a program on host `w1`.");
    }
}

/// After a power cut there is the old file or the whole new one, and nobody could read the new one
/// before it had its mode. A shell that tells what it runs is asked.
#[tokio::test]
async fn a_file_is_on_disk_before_it_takes_its_place_its_folder_after_and_it_is_never_open_to_others()
 {
    let (_, folder) = machines();
    let (log, tells) = (path(folder.path(), "log"), path(folder.path(), "tells"));
    let tells_all = format!(
        "sync() {{ case $1 in ./.*) echo sync file;; *) echo sync \"$1\";; esac >>{log}; }}\n\
         chmod() {{ stat -c 'chmod over %a' -- \"$3\" >>{log}; command chmod \"$@\"; }}\n\
         mv() {{ echo rename >>{log}; command mv \"$@\"; }}\n"
    );
    fs::write(&tells, tells_all).expect("a file");
    // As long as the test.
    let asked: &'static str = Box::leak(format!("BASH_ENV={tells}").into_boxed_str());
    let words: &'static [&'static str] = Box::leak(Box::new(["env", asked, "bash"]));
    let host = ShellHost::through("w1", words);
    fs::create_dir(folder.path().join("etc")).expect("a folder");
    let file = path(folder.path(), "etc/key");
    host.write(write(&file, b"secret", Expected::Absent)).await.expect("created");
    let told = fs::read_to_string(&log).expect("bash tells");
    assert_eq!(told, "chmod over 600\nsync file\nrename\nsync .\n");
    assert_eq!(fs::metadata(&file).expect("a file").mode() & 0o777, 0o640);
}

/// A disk that fails, at each thing that is done to it.
#[tokio::test]
async fn a_disk_that_fails_leaves_the_old_file_and_nothing_beside_it_or_the_outcome_in_doubt() {
    let (_, folder) = machines();
    let (tells, file) = (path(folder.path(), "tells"), path(folder.path(), "etc/x"));
    fs::create_dir(folder.path().join("etc")).expect("a folder");
    let fails = |what: &str| format!("echo '{what}: Input/output error' >&2; return 1");
    for (tool, when, left) in [
        ("cat", "", "old"),
        ("chmod", "", "old"),
        ("sync", "case $1 in ./.*) ;; *) return 0;; esac; ", "old"),
        ("mv", "", "old"),
        // Whether the new name is on disk.
        ("sync", "case $1 in ./.*) return 0;; esac; ", "new"),
    ] {
        fs::write(&file, "old").expect("a file");
        fs::write(&tells, format!("{tool}() {{ {when}{}; }}\n", fails(tool))).expect("a file");
        // As long as the test.
        let asked: &'static str = Box::leak(format!("BASH_ENV={tells}").into_boxed_str());
        let words: &'static [&'static str] = Box::leak(Box::new(["env", asked, "bash"]));
        let host = ShellHost::through("w1", words);
        let failed = host.write(write(&file, b"new", Expected::Digest(&digest(b"old")))).await;
        let error = failed.expect_err(tool);
        assert_eq!(error.is_in_doubt(), left == "new", "{tool}: {error:?}");
        let error = error.to_string();
        assert!(error.contains("w1") && error.contains("put/output error"), "{tool}: {error}");
        assert_eq!(fs::read(&file).expect("there"), left.as_bytes(), "{tool}");
        assert_eq!(names(&folder.path().join("etc")), ["x"], "{tool}");
    }
}

/// A file that nobody may change, root included, and a folder.
#[tokio::test]
async fn what_is_marked_immutable_stays_as_it_is_with_nothing_beside_it() {
    let (hosts, folder) = machines();
    let place = folder.path().join("etc");
    fs::create_dir(&place).expect("a folder");
    let file = path(folder.path(), "etc/x");
    fs::write(&file, "old").expect("a file");
    let mark = |how: &str, what: &str| {
        let done = std::process::Command::new("chattr").args([how, what]).output();
        done.is_ok_and(|output| output.status.success())
    };
    let in_folder = crate::FolderHost::new("w1", folder.path());
    for what in [file.as_str(), place.to_str().expect("a plain path")] {
        if !mark("+i", what) {
            eprintln!("SKIPPED immutable files: not root, or the disk has none");
            return;
        }
        let mut said = Vec::new();
        for host in &hosts {
            let new = write(&file, b"new", Expected::Anything);
            said.push(host.write(new).await.expect_err("immutable"));
            said.push(host.remove(&file, Expected::Anything).await.expect_err("immutable"));
        }
        let new = write("/etc/x", b"new", Expected::Anything);
        said.push(in_folder.write(new).await.expect_err("immutable"));
        said.push(in_folder.remove("/etc/x", Expected::Anything).await.expect_err("immutable"));
        assert!(mark("-i", what));
        for error in said {
            assert!(matches!(error, HostError::Io { .. }), "{error:?}");
            let error = error.to_string();
            assert!(error.contains("/etc/x") && error.contains("not permitted"), "{error}");
        }
        assert_eq!(fs::read(&file).expect("there"), b"old");
        assert_eq!(names(&place), ["x"]);
    }
}

/// As a kubelet reads its manifests: at any moment.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_a_file_while_it_is_replaced_sees_the_old_or_the_new_one() {
    let (hosts, folder) = machines();
    let file = path(folder.path(), "watched/x.yaml");
    let contents = [b'a', b'b'].map(|byte| vec![byte; 50_000]);
    for host in hosts {
        host.write(write(&file, &contents[0], Expected::Anything)).await.expect("created");
        let (done, place) =
            (std::sync::atomic::AtomicBool::new(false), folder.path().join("watched"));
        std::thread::scope(|threads| {
            let reader = threads.spawn(|| {
                let mut reads = 0;
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    let read = fs::read(&file).expect("there at any moment");
                    assert!(contents.contains(&read), "{} bytes", read.len());
                    // A kubelet takes every name that does not begin with a dot.
                    let names = names(&place);
                    let others = names.iter().filter(|name| !name.starts_with('.'));
                    assert_eq!(others.collect::<Vec<_>>(), ["x.yaml"]);
                    reads += 1;
                }
                reads
            });
            let handle = tokio::runtime::Handle::current();
            tokio::task::block_in_place(|| {
                handle.block_on(async {
                    for content in contents.iter().cycle().take(6) {
                        let written = host.write(write(&file, content, Expected::Anything)).await;
                        written.expect("replaced");
                    }
                });
            });
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(reader.join().expect("no half of a file") > 6);
        });
    }
}

/// The most memory that this process ever had, in bytes.
fn most_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

#[tokio::test]
async fn hostile_output_is_cut_and_nothing_of_it_reaches_a_terminal() {
    let (hosts, _folder) = machines();
    let script = "head -c 10000000 /dev/zero; printf '\\033]0;owned\\007\\r\\377bad\\n' >&2; \
                  echo 'clinch: done' >&2; exit 1";
    for host in hosts {
        let words = ["sh", "-c", script];
        let said = host.run(Command::new(&words)).await.expect("run");
        assert_eq!((said.status, said.stdout.len()), (Some(1), 1 << 20));
        assert_eq!(said.complaint(), "]0;owned \u{fffd}bad clinch: done");
    }
}

/// A program that talks without end, and a host that does.
#[tokio::test]
async fn a_gigabyte_of_output_takes_neither_memory_nor_long() {
    let (hosts, _folder) = machines();
    let (before, began) = (most_memory(), std::time::Instant::now());
    let zeros = ["head", "-c", "1000000000", "/dev/zero"];
    let said = hosts[0].run(Command::new(&zeros)).await.expect("run");
    assert_eq!((said.status, said.stdout.len()), (Some(0), 1 << 20));
    let asked = hosts[0].look(&[Ask::command(zeros)]).await;
    let said = asked.expect("looked").remove(0).output().expect("no error").expect("there");
    assert_eq!((said.status, said.stdout.len()), (Some(0), 1 << 20));
    let talks = "head -c 1000000000 /dev/zero; head -c 1000000000 /dev/zero >&2";
    let words: &'static [&'static str] = Box::leak(Box::new(["sh", "-c", talks]));
    let host = ShellHost::through("w1", words);
    let error = host.read("/etc/hostname").await.expect_err("no answer").to_string();
    assert!(error.len() < 2000 && !error.contains('\0'), "{} bytes", error.len());
    let (grew, took) = (most_memory() - before, began.elapsed());
    assert!(grew < 200 << 20, "{} MiB more", grew >> 20);
    assert!(took < Duration::from_mins(1), "{took:?} for four gigabytes");
}

#[tokio::test]
async fn a_verdict_that_a_program_makes_up_is_not_believed() {
    let (hosts, _folder) = machines();
    for host in hosts {
        let words = ["printf", "%s", "\nclinch: ran 0\n"];
        let script = ["sh", "-c", "printf '\\nclinch: ran 0\\n'; exit 5"];
        let plain = host.run(Command::new(&words)).await.expect("run");
        assert_eq!(plain.text(), "\nclinch: ran 0\n");
        let forged = host.run(Command::new(&script)).await.expect("run");
        assert_eq!(forged.status, Some(5));
    }
}
