//! What goes wrong on real hosts: each time the host is as it was or as it was to be, and the
//! message says where, at which step, and what to do next.

use crate::machines::Machines;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A file of a host: what the block is called, and where it is.
fn file(name: &str, path: &str, content: &str) -> String {
    format!(
        "resource \"host_file\" \"{name}\" {{\n  node    = \"worker-1\"\n  path    = \"{path}\"\n  \
         content = \"{content}\"\n}}\n"
    )
}

#[test]
fn what_cannot_be_written_stays_as_it_was_and_the_message_says_where_and_why() {
    let Some(machines) = Machines::of("files that cannot be written") else { return };
    machines.on_worker(
        "mkdir -p /srv/full /srv/closed /srv/fixed /srv/odd && \
         mount -t tmpfs -o size=64k none /srv/full && mount -t tmpfs none /srv/closed && echo old > /srv/full/a && echo old > /srv/closed/a && \
         mount -o remount,ro /srv/closed && \
         echo old > /srv/fixed/a && chattr +i /srv/fixed/a && \
         cd /srv/odd && mkdir folder && mkfifo pipe && \
         echo secret > other && ln -s other link && ln other second",
    );
    let mut odd = String::new();
    for name in ["folder", "pipe", "link", "second"] {
        odd.push_str(&file(name, &format!("/srv/odd/{name}"), "new"));
    }
    machines.write(&odd);
    let said = machines.desk.run(&["plan"]);
    assert_eq!(said.code, 1, "{}", said.all());
    for (name, what) in [("folder", "a folder"), ("pipe", "a pipe"), ("link", "a symbolic link")] {
        let words = format!("`/srv/odd/{name}` on host `{}` is {what}.", machines.worker);
        assert!(said.err.contains(&words), "no `{words}` in {}", said.all());
    }
    machines.write(&file("second", "/srv/odd/second", "new"));
    let said = machines.desk.run(&["apply", "-auto-approve"]);
    let words = format!("`/srv/odd/second` on host `{}`", machines.worker);
    assert!(said.code == 1 && said.err.contains(&words), "{}", said.all());
    assert_eq!(machines.on_worker("cat /srv/odd/other"), "secret\n");
    let more = "x".repeat(100_000);
    machines.write(
        &(file("full", "/srv/full/a", &more)
            + &file("closed", "/srv/closed/a", "new")
            + &file("fixed", "/srv/fixed/a", "new")),
    );
    let said = machines.desk.run(&["apply", "-auto-approve", "-no-color"]);
    assert_eq!(said.code, 1, "{}", said.all());
    for (path, why) in [
        ("/srv/full/a", "No space left on device"),
        ("/srv/closed/a", "Read-only file system"),
        ("/srv/fixed/a", "Operation not permitted"),
    ] {
        assert!(said.err.contains(path) && said.err.contains(why), "no `{why}`: {}", said.all());
        assert_eq!(machines.on_worker(&format!("cat {path}")), "old\n");
    }
    assert!(said.err.contains(&format!("host `{}`", machines.worker)), "{}", said.all());
    let left = machines.on_worker("ls -A /srv/full /srv/closed /srv/fixed");
    assert_eq!(left.split_whitespace().filter(|name| *name != "a").count(), 3, "{left}");
    assert!(said.err.contains("lsattr"), "{}", said.all());
    // Room is made, and the same command goes on to the end.
    machines.on_worker(
        "mount -o remount,size=1m /srv/full && mount -o remount,rw /srv/closed && chattr -i \
         /srv/fixed/a",
    );
    machines.well(&["apply", "-auto-approve"]);
    machines.is_converged();
    machines.well(&["destroy", "-auto-approve"]);
    for path in ["/srv/full/a", "/srv/closed/a", "/srv/fixed/a"] {
        assert_eq!(machines.on_worker(&format!("cat {path}")), "old\n");
    }
    machines.on_worker(
        "umount /srv/full /srv/closed && rm -r /srv/full /srv/closed /srv/fixed /srv/odd",
    );
}

#[test]
fn a_file_that_somebody_edits_between_plan_and_apply_is_left_to_them() {
    let Some(machines) = Machines::of("a file that is edited meanwhile") else { return };
    machines.on_worker("echo old > /srv/edited");
    machines.write(&file("a", "/srv/edited", "new"));
    machines.well(&["plan", "-out=tfplan"]);
    machines.on_worker("echo theirs > /srv/edited");
    let said = machines.desk.run(&["apply", "tfplan"]);
    assert_eq!(said.code, 1, "{}", said.all());
    let words = format!(
        "`/srv/edited` on host `{}` is not as it was when the plan was made.",
        machines.worker
    );
    for words in [&words, "Step 1 was to write", "start over from what is there now"] {
        assert!(said.err.contains(words), "no `{words}` in {}", said.all());
    }
    assert_eq!(machines.on_worker("cat /srv/edited; rm /srv/edited"), "theirs\n");
    let left = machines.left();
    assert_eq!(left, "");
}

/// A run of clinch, begun.
pub(crate) fn begun(machines: &Machines, allow: &[&str]) -> Child {
    let apply = ["apply", "-auto-approve", "-parallelism=1"];
    let mut command = machines.desk.command(&[&apply, allow].concat());
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// How many entries the journal of a run has that is not finished.
fn entries(machines: &Machines) -> usize {
    let journal = machines.desk.data().join("journal.jsonl");
    std::fs::read_to_string(journal).map_or(0, |text| text.lines().count())
}

/// Waits until the journal has so many entries, or the run is over; says which.
pub(crate) fn until(machines: &Machines, child: &mut Child, wanted: usize) -> bool {
    let began = Instant::now();
    while entries(machines) < wanted {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(began.elapsed() < Duration::from_mins(2), "the point is never reached");
        sleep(Duration::from_millis(1));
    }
    true
}

/// A file and a unit, which takes so many seconds to start.
fn two(content: &str, seconds: &str) -> String {
    let unit = format!(
        "[Unit]\\nDescription={content}\\n[Service]\\nType=oneshot\\nRemainAfterExit=yes\\n\
         ExecStart=/bin/sleep {seconds}\\n"
    );
    file("a", "/srv/killed", content)
        + &format!(
            "resource \"systemd_unit\" \"b\" {{\n  node    = \"worker-1\"\n  unit    = \
             \"clinch-killed.service\"\n  active  = true\n  content = \"{unit}\"\n}}\n"
        )
}

const TRACE: &str = "cat /srv/killed; echo; systemctl show clinch-killed \
                     --property=Description,ActiveState";

fn done(content: &str) -> String {
    format!("{content}\nDescription={content}\nActiveState=active\n")
}

#[test]
fn c1_apply_killed_after_any_entry_of_its_journal_on_a_real_host_is_resumed_to_the_same_end() {
    let Some(machines) = Machines::of("apply that is killed") else { return };
    let mut points = 0;
    for wanted in 1..20 {
        let content = format!("after {wanted}");
        machines.write(&two(&content, "0.3"));
        let mut child = begun(&machines, &[]);
        if until(&machines, &mut child, wanted) {
            child.kill().unwrap();
            child.wait().unwrap();
            let said = machines.desk.run(&["apply", "-resume", "-auto-approve"]);
            assert_eq!(said.code, 0, "{content}: {}", said.all());
            points += 1;
        } else {
            assert!(child.wait().unwrap().success());
        }
        assert_eq!(machines.on_worker(TRACE), done(&content));
        if points < wanted {
            break;
        }
    }
    // One that begins the journal, and two for each step; maybe one that ends it.
    assert!(points >= 5, "{points}");
    machines.is_converged();
    machines.well(&["destroy", "-auto-approve"]);
    let left = machines.on_worker("find /srv/killed -type f 2>/dev/null || true");
    assert_eq!((left, machines.left()), (String::new(), String::new()));
}

#[test]
fn apply_during_which_its_host_reboots_says_so_and_is_resumed_to_the_same_end() {
    let Some(machines) = Machines::of("a host that reboots") else { return };
    let boot = || machines.on_worker("cat /proc/sys/kernel/random/boot_id");
    let before = boot();
    machines.write(&two("slow", "4"));
    let mut child = begun(&machines, &[]);
    // The file is done, and the unit is starting.
    assert!(until(&machines, &mut child, 4));
    sleep(Duration::from_secs(1));
    machines.reboot();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for words in [machines.worker, "systemd_unit.b", "clinch apply -resume"] {
        assert!(said.contains(words), "no `{words}` in {said}");
    }
    machines.is_up();
    assert_ne!(boot(), before);
    let said = machines.desk.run(&["apply", "-resume", "-auto-approve"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(machines.on_worker(TRACE), done("slow"));
    machines.is_converged();
    machines.well(&["destroy", "-auto-approve"]);
    machines.is_ready();
}
