//! Processes that outlive this one, and that can be ended without hitting a stranger.
//!
//! A process id alone is reused by the system. Together with the start time that the kernel keeps
//! in `/proc/PID/stat` it names one process for ever, so both are recorded and compared.

use crate::trouble::{Doing, Trouble};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a process may take to end by itself. An API server would wait for its open watches,
/// but the data is thrown away, so nothing is gained by waiting with it.
const PATIENCE: Duration = Duration::from_secs(1);

/// A process that this program started, now or in an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) role: String,
    pub(crate) pid: u32,
    /// Clock ticks since boot, as the kernel counts them.
    pub(crate) started: u64,
    pub(crate) log: PathBuf,
}

/// Starts `program` in a process group of its own, with its output in `ROLE.log` of `folder`.
pub(crate) fn start(
    role: &str,
    program: &Path,
    arguments: &[String],
    folder: &Path,
) -> Result<Process, Trouble> {
    let log = folder.join(format!("{role}.log"));
    let out = File::create(&log).doing(|| format!("creating {}", log.display()))?;
    let err = out.try_clone().doing(|| format!("opening {}", log.display()))?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).process_group(0);
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "KUBECONFIG"] {
        command.env_remove(proxy);
    }
    // Programs of Go collect garbage less often then: there is more memory than time.
    command.env("GOGC", "400");
    let child = command.spawn().doing(|| format!("starting {}", program.display()))?;
    let pid = child.id();
    // An unreadable start time would make the process unstoppable later, so it is an error now;
    // a process that ended at once still has one, since nobody has waited for it.
    let started = stat(pid).map(|(_, started)| started);
    let started = started.ok_or_else(|| Trouble::new(format!("no start time of {role}")))?;
    Ok(Process { role: role.to_owned(), pid, started, log })
}

impl Process {
    /// Whether the process that was started is still running.
    pub(crate) fn is_alive(&self) -> bool {
        // A zombie has ended; only its parent has not asked how.
        stat(self.pid).is_some_and(|(state, started)| started == self.started && state != 'Z')
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({ "role": self.role, "pid": self.pid, "started": self.started, "log": self.log })
    }

    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        Some(Self {
            role: value["role"].as_str()?.to_owned(),
            pid: u32::try_from(value["pid"].as_u64()?).ok()?,
            started: value["started"].as_u64()?,
            log: value["log"].as_str()?.into(),
        })
    }

    fn signal(&self, name: &str) {
        if self.is_alive() {
            // The shell's own `kill`, which every POSIX system has. That the process ends between
            // the look and the signal, and its id is taken by another, would need the whole
            // range of ids to be used up within that instant.
            let script = format!("kill -{name} {}", self.pid);
            let _ = Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).status();
        }
    }
}

/// Ends processes: asks all, waits, then insists. Returns those that are still there.
pub(crate) fn end(processes: &[Process]) -> Vec<Process> {
    let mut left = Vec::new();
    for signal in ["TERM", "KILL"] {
        for one in processes {
            one.signal(signal);
        }
        let start = Instant::now();
        loop {
            left = processes.iter().filter(|one| one.is_alive()).cloned().collect();
            if left.is_empty() {
                return left;
            }
            if start.elapsed() > PATIENCE {
                break;
            }
            sleep(Duration::from_millis(20));
        }
    }
    left
}

/// A process that this program did not start, to be waited for.
pub(crate) fn stranger(pid: u32) -> Option<Process> {
    let (_, started) = stat(pid)?;
    Some(Process { role: "owner".to_owned(), pid, started, log: PathBuf::new() })
}

/// State and start time of a process.
fn stat(pid: u32) -> Option<(char, u64)> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The program's name stands in parentheses and may hold spaces and parentheses itself.
fn parse_stat(line: &str) -> Option<(char, u64)> {
    let (_, rest) = line.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    // `starttime` is field 22; the state, just taken, is field 3.
    Some((state, fields.nth(22 - 4)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_time_is_found_behind_a_name_with_spaces_and_parentheses() {
        let line = "42 (a (b) c) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765 1 1 1";
        assert_eq!(parse_stat(line), Some(('S', 98765)));
        assert_eq!(parse_stat("42 (a"), None);
    }

    fn sleeper() -> (Process, PathBuf) {
        let unique =
            format!("xtask-process-{}-{:?}", std::process::id(), std::thread::current().id());
        let folder = std::env::temp_dir().join(unique);
        fs::create_dir_all(&folder).unwrap();
        let process = start("sleeper", Path::new("sleep"), &["60".to_owned()], &folder).unwrap();
        (process, folder)
    }

    #[test]
    fn started_process_is_alive_until_it_is_ended() {
        let (process, folder) = sleeper();
        assert!(process.is_alive());
        assert_eq!(end(std::slice::from_ref(&process)), []);
        assert!(!process.is_alive());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn process_that_took_over_the_id_is_left_alone() {
        let (process, folder) = sleeper();
        let earlier = Process { started: process.started - 1, ..process.clone() };
        assert!(!earlier.is_alive());
        assert_eq!(end(&[earlier]), []);
        assert!(process.is_alive(), "a stranger was ended");
        end(&[process]);
        fs::remove_dir_all(folder).unwrap();
    }
}
