//! Secrets in files of hosts, followed wherever they could have gone: what the program prints and
//! keeps, what processes show of themselves on both sides, and other files of the host.

use crate::machines::Machines;
use crate::support::Said;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// What somebody wants to be on the host, what was there before, and what somebody else writes.
const WANTED: &str = "canary-wanted-5f1c";
const BEFORE: &str = "canary-before-77d0";
const OTHERS: &str = "canary-others-e2a9";
const CANARIES: [&str; 3] = [WANTED, BEFORE, OTHERS];
const PATTERNS: &str = "/run/canaries";
const SEEN: &str = "/run/canaries-seen";

const HCL: &str = r#"
variable "token" {
  type      = string
  sensitive = true
}

resource "host_file" "token" {
  node    = "worker-1"
  path    = "/etc/canary/token"
  mode    = "0600"
  content = "${var.token}\n"
}

resource "systemd_unit" "agent" {
  node    = "worker-1"
  unit    = "canary.service"
  active  = true
  content = "[Service]\nExecStart=/bin/sleep infinity\n# ${var.token}\n"
}
"#;

/// Watches what processes show of themselves, here and on the host, until it is dropped.
struct Watch<'a> {
    machines: &'a Machines,
    ended: AtomicBool,
}

impl Watch<'_> {
    /// What `work` does while somebody watches, and what was seen.
    fn over(machines: &Machines, work: impl FnOnce()) -> String {
        write_patterns(machines);
        let look = format!(
            "while [ -e {PATTERNS} ]; do cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ; sleep 0.02; done \
             2>/dev/null | grep -aoF -f {PATTERNS} >> {SEEN}"
        );
        machines
            .on_worker(&format!("setsid sh -c '{look}' </dev/null >/dev/null 2>&1 & sleep 0.5"));
        let watch = Watch { machines, ended: AtomicBool::new(false) };
        let here = thread::scope(|scope| {
            let here = scope.spawn(|| watch.here());
            // Also when the work panics, or nobody would ever stop watching.
            let end = Ended(&watch.ended);
            work();
            drop(end);
            here.join().unwrap()
        });
        watch.machines.on_worker(&format!("rm {PATTERNS}; sleep 1"));
        let there = watch.machines.on_worker(&format!("sort -u {SEEN}; rm {SEEN}"));
        format!("{here}{there}")
    }

    /// What processes of this machine show of themselves.
    fn here(&self) -> String {
        let mut seen = String::new();
        while !self.ended.load(Ordering::Relaxed) {
            for process in fs::read_dir("/proc").unwrap().flatten() {
                for part in ["cmdline", "environ"] {
                    let text = fs::read(process.path().join(part)).unwrap_or_default();
                    let text = String::from_utf8_lossy(&text).into_owned();
                    if CANARIES.iter().any(|canary| text.contains(canary)) {
                        seen = format!("{seen}{}: {text}\n", process.path().display());
                    }
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
        seen
    }
}

struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The words, in a file of the host. Whoever looks for them must not be what is found, so no
/// command has them in it.
fn write_patterns(machines: &Machines) {
    let line = |canary: &str| {
        let (start, end) = canary.split_at(9);
        format!("printf '{start}%s\\n' {end}")
    };
    machines.on_worker(&format!("{{ {}; }} > {PATTERNS}", CANARIES.map(line).join("; ")));
}

/// Every file below a folder that holds one of the words.
fn holders(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            holders(&entry.path(), found);
        } else if let Ok(content) = fs::read(entry.path()) {
            let text = String::from_utf8_lossy(&content).into_owned();
            if CANARIES.iter().any(|canary| text.contains(canary)) {
                found.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
}

fn tells_nothing(said: &Said) {
    for canary in CANARIES {
        assert!(!said.all().contains(canary), "{}", said.all());
    }
}

#[test]
fn secrets_in_files_of_hosts_are_in_no_output_process_or_other_file() {
    let Some(machines) = Machines::of("secrets in files") else { return };
    let by_hand = |canary: &str| {
        let (start, end) = canary.split_at(9);
        let print = format!("printf '{start}%s\\n' {end}");
        machines
            .on_worker(&format!("umask 077; mkdir -p /etc/canary; {print} > /etc/canary/token"));
    };
    by_hand(BEFORE);
    machines.desk.write("secret.vars", format!("token = \"{WANTED}\"\n"));
    machines.write(HCL);
    let temporary = tempfile::tempdir().unwrap();
    let run = |args: &[&str], code: i32| {
        let mut command = machines.desk.command(args);
        if ["plan", "apply", "drift", "destroy"].contains(&args[0]) {
            command.arg("-var-file=secret.vars");
        }
        let output = command.env("TMPDIR", temporary.path()).env("CLINCH_LOG", "trace").output();
        let output = output.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = Said {
            out: text(&output.stdout),
            err: text(&output.stderr),
            code: output.status.code().unwrap(),
        };
        tells_nothing(&said);
        let complaint: Vec<&str> = said.err.lines().filter(|l| l.starts_with('│')).collect();
        assert_eq!(said.code, code, "{args:?}: {}{}", said.out, complaint.join("\n"));
    };
    let seen = Watch::over(&machines, || {
        run(&["plan", "-out=saved.plan"], 0);
        run(&["show", "saved.plan"], 0);
        run(&["show", "-json", "saved.plan"], 0);
        run(&["apply", "-json", "saved.plan"], 0);
        run(&["plan", "-detailed-exitcode"], 0);
        by_hand(OTHERS);
        run(&["drift"], 2);
        run(&["drift", "-json"], 2);
        run(&["apply", "-auto-approve"], 0);
        run(&["state", "list"], 0);
    });
    assert_eq!(seen, "");
    let mut kept = Vec::new();
    holders(&machines.desk.dir(), &mut kept);
    assert_eq!(kept, ["secret.vars"], "the file of variables alone");
    let mut left = Vec::new();
    holders(temporary.path(), &mut left);
    assert_eq!(left, [""; 0]);
    // What was there before is kept where only root looks.
    let found = |places: &str| {
        write_patterns(&machines);
        let grep = format!("grep -rlsF -f {PATTERNS} {places}; rm {PATTERNS}");
        let mut found: Vec<String> = machines.on_worker(&grep).lines().map(str::to_owned).collect();
        found.retain(|path| path != PATTERNS && !path.starts_with("/var/lib/clinch/kept/"));
        found.sort();
        found
    };
    let places = "/etc /home /root /tmp /var/tmp /var/log /var/lib/clinch /run";
    assert_eq!(found(places), ["/etc/canary/token", "/etc/systemd/system/canary.service"]);
    let modes = "stat -c %a /var/lib/clinch/kept/* /etc/systemd/system/canary.service";
    assert_eq!(machines.on_worker(modes), "600\n600\n", "and nobody else reads it");
    run(&["destroy", "-auto-approve"], 0);
    assert_eq!(machines.on_worker("cat /etc/canary/token"), format!("{BEFORE}\n"));
    machines.on_worker("rm -r /etc/canary");
    assert_eq!(found(places), [""; 0]);
}
