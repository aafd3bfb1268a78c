//! Which run may change this machine, through every shell that it has.

use super::local::{machines, names, path, write};
use crate::host::{Command, Expected, Fence, Host, HostError};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn fence(folder: &Path, number: u64, by: &str) -> Fence {
    let folder = folder.join("var/lib/clinch/fences");
    Fence::new("shop", "uid-1", number, by).kept_in(folder.to_str().expect("a plain path"))
}

/// The machine as an earlier and as a later run have it.
fn runs(host: &dyn Host, folder: &Path) -> [Arc<dyn Host>; 2] {
    [(7, "ada@desk/1/a"), (8, "ben's \\n $HOME/2/b")]
        .map(|(number, by)| host.fenced(&fence(folder, number, by)))
}

#[tokio::test]
async fn l3_a_run_that_was_overtaken_changes_nothing_on_a_host() {
    let (hosts, folder) = machines();
    let file = path(folder.path(), "x.conf");
    for host in hosts {
        let [earlier, later] = runs(&host, folder.path());
        earlier.write(write(&file, b"one", Expected::Absent)).await.expect("nobody was there");
        later.claim().await.expect("a greater number");
        let touch = path(folder.path(), "touched");
        let words = ["touch", touch.as_str()];
        for refused in [
            earlier.write(write(&file, b"two", Expected::Anything)).await,
            earlier.remove(&file, Expected::Anything).await,
            earlier.claim().await,
            earlier.run(Command::new(&words)).await.map(drop),
        ] {
            assert_eq!(
                refused.expect_err("overtaken").to_string(),
                "Host `w1` was worked on by ben's \\n $HOME/2/b since then, under number 8; this \
                 run has number 7 and was taken over, so it changes nothing there any more."
            );
        }
        let read = earlier.read(&file).await.expect("reading is free").expect("there");
        assert_eq!(read.content, b"one");
        assert_eq!(names(folder.path()), ["var", "x.conf"]);
        let kept = fs::read_to_string(fence(folder.path(), 8, "").path()).expect("the number");
        assert_eq!(
            kept,
            "clinch fence 1\nnumber 8\nholder ben's \\n $HOME/2/b\nproject shop\ncluster uid-1\n"
        );
        let [file_of, lock] = &names(&folder.path().join("var/lib/clinch/fences"))[..] else {
            panic!("nothing else is left there")
        };
        assert_eq!(*lock, format!("{file_of}.lock"));
        later.run(Command::new(&words)).await.expect("the last one");
        later.remove(&touch, Expected::Anything).await.expect("the last one");
        host.remove(&file, Expected::Anything).await.expect("no run is compared with nobody");
        fs::remove_dir_all(folder.path().join("var")).expect("removed");
    }
}

#[tokio::test]
async fn the_same_number_is_written_once() {
    let (hosts, folder) = machines();
    let file = path(folder.path(), "x.conf");
    for host in hosts {
        let [_, run] = runs(&host, folder.path());
        // All at once, before anything is there.
        let paths: Vec<String> = (0..8).map(|n| path(folder.path(), &format!("{n}"))).collect();
        let writes = paths.iter().map(|path| run.write(write(path, b"x", Expected::Absent)));
        for written in futures::future::join_all(writes).await {
            written.expect("written");
        }
        let stamp = || {
            let meta = fs::metadata(fence(folder.path(), 8, "").path()).expect("the number");
            (meta.ino(), meta.ctime_nsec(), meta.mode() & 0o777)
        };
        let before = stamp();
        assert_eq!(before.2, 0o600);
        run.write(write(&file, b"one", Expected::Anything)).await.expect("written");
        run.run(Command::new(&["true"])).await.expect("run");
        run.claim().await.expect("its own");
        assert_eq!(stamp(), before);
        for name in names(folder.path()).iter().filter(|name| *name != "var") {
            fs::remove_file(folder.path().join(name)).expect("removed");
        }
        fs::remove_dir_all(folder.path().join("var")).expect("removed");
    }
}

#[tokio::test]
async fn a_number_that_cannot_be_read_refuses_every_change() {
    let (hosts, folder) = machines();
    let file = path(folder.path(), "x.conf");
    let good = fence(folder.path(), 8, "ben@lap/2/b").text();
    let at = fence(folder.path(), 8, "").path();
    for host in hosts {
        let run = host.fenced(&fence(folder.path(), 8, "ben@lap/2/b"));
        run.claim().await.expect("nobody was there");
        let mut texts: Vec<String> =
            (0..good.len()).step_by(9).map(|end| good[..end].to_owned()).collect();
        texts.push(good.strip_suffix('\n').expect("a last line").to_owned());
        for (from, to) in [
            ("number 8", "number 08"),
            ("number 8", "number -8"),
            ("number 8", "number 9999999999999999999"),
            ("number 8", "number 8; reboot"),
            ("project shop", "project web"),
            ("cluster uid-1\n", "cluster uid-1\nmore\n"),
            ("clinch fence 1", "clinch fence 01"),
            ("holder ", "older "),
        ] {
            texts.push(good.replace(from, to));
        }
        for text in texts {
            fs::write(&at, &text).expect("written");
            let refused = run.write(write(&file, b"one", Expected::Anything)).await;
            let refused = refused.expect_err(&text);
            assert!(matches!(refused, HostError::BadFence { .. }), "{text:?}: {refused}");
            assert_eq!(fs::read_to_string(&at).ok(), Some(text));
        }
        fs::write(&at, good.replace("fence 1", "fence 12")).expect("written");
        let refused = run.remove(&file, Expected::Anything).await.expect_err("newer");
        assert!(refused.to_string().contains("was written by a newer version"), "{refused}");
        // Something else in its place is told like that of any file.
        fs::remove_file(&at).expect("removed");
        fs::create_dir(&at).expect("a folder");
        let refused = run.claim().await.expect_err("a folder").to_string();
        assert_eq!(refused, format!("`{at}` on host `w1` is a folder."));
        assert_eq!(names(folder.path()), ["var"], "nothing was done");
        fs::remove_dir_all(folder.path().join("var")).expect("removed");
    }
}

async fn until(there: impl Fn() -> bool) {
    while !there() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Also when whoever began it does not wait for it any more.
#[tokio::test]
async fn a_later_run_waits_until_the_program_of_the_earlier_one_has_ended() {
    let (hosts, folder) = machines();
    let (began, done) = (path(folder.path(), "began"), path(folder.path(), "done"));
    let script = format!("touch '{began}'; sleep 2; touch '{done}'");
    for host in hosts {
        let [earlier, later] = runs(&host, folder.path());
        let words = ["sh", "-c", script.as_str()];
        tokio::select! {
            _ = earlier.run(Command::new(&words)) => panic!("it takes two seconds"),
            () = until(|| Path::new(&began).exists()) => {}
        }
        assert!(!Path::new(&done).exists());
        later.claim().await.expect("a greater number");
        assert!(Path::new(&done).exists(), "nothing of the earlier one goes on any more");
        fs::remove_file(&began).expect("removed");
        fs::remove_file(&done).expect("removed");
        fs::remove_dir_all(folder.path().join("var")).expect("removed");
    }
}

#[tokio::test]
async fn what_a_program_leaves_running_holds_up_no_later_run() {
    let (hosts, folder) = machines();
    for host in hosts {
        let [earlier, later] = runs(&host, folder.path());
        let words = ["sh", "-c", "sleep 15 >/dev/null 2>&1 </dev/null &"];
        earlier.run(Command::new(&words)).await.expect("it is left running");
        let began = Instant::now();
        later.claim().await.expect("a greater number");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        fs::remove_dir_all(folder.path().join("var")).expect("removed");
    }
}
