//! Ending the containers that a drain leaves on a node.
//!
//! The kubelet stands still meanwhile, so nobody starts them anew. What is ended is only what runs:
//! the runtime's own notes of pods stay, and the kubelet takes these pods for ended ones when it
//! starts, cleans up after them and makes them anew, as after a reboot.
//!
//! Sources: `ctr(8)`; `StopPodSandbox` of the CRI; `computePodActions` in `pkg/kubelet/kuberuntime`.

use crate::container_runtime::engine::Engine;
use crate::host_type::Site;
use access::{Command, HostError};
use std::time::Duration;
use tokio::time::sleep;

/// How long a container may take to end: as long as pods get that say nothing of it.
const GRACE: Duration = Duration::from_secs(30);
/// How long the kernel may take to end what is killed.
const KILL: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(1);
/// How long `crictl` may take to stop all pods.
const STOP: Duration = Duration::from_mins(2);

const CTR: [&str; 5] = ["ctr", "--connect-timeout", "5s", "--namespace", "k8s.io"];
const CRICTL: [&str; 3] = ["crictl", "--runtime-endpoint", "unix:///var/run/crio/crio.sock"];

/// Ends all of them; why not, as sentences.
pub(crate) async fn ended(site: Site<'_>, engine: Engine) -> Result<(), String> {
    match engine {
        Engine::Containerd => by_ctr(site).await,
        Engine::Crio => by_crictl(site).await,
    }
}

async fn by_ctr(site: Site<'_>) -> Result<(), String> {
    for (signal, within) in [("SIGTERM", GRACE), ("SIGKILL", KILL)] {
        for task in tasks(site).await? {
            let words = [&CTR[..], &["tasks", "kill", "--signal", signal, &task]].concat();
            // One that ended by itself meanwhile is not there any more.
            said(site, &words, STOP).await.ok();
        }
        let mut left = within;
        while !tasks(site).await?.is_empty() {
            if left.is_zero() {
                break;
            }
            sleep(PAUSE).await;
            left = left.saturating_sub(PAUSE);
        }
    }
    let left = tasks(site).await?;
    if left.is_empty() {
        return Ok(());
    }
    Err(format!("These containers do not end: {}.", left.join(", ")))
}

/// The containers that run. A row is `TASK PID STATUS`.
async fn tasks(site: Site<'_>) -> Result<Vec<String>, String> {
    let table = said(site, &[&CTR[..], &["tasks", "list"]].concat(), STOP).await?;
    Ok(running(&table))
}

fn running(table: &str) -> Vec<String> {
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [task, _, status] = words[..] else { return None };
        (status != "STATUS" && status != "STOPPED").then(|| task.to_owned())
    };
    table.lines().filter_map(row).collect()
}

async fn by_crictl(site: Site<'_>) -> Result<(), String> {
    let ready = [&CRICTL[..], &["pods", "--state", "ready", "--quiet"]].concat();
    let pods = said(site, &ready, STOP).await?;
    let pods: Vec<&str> = pods.split_whitespace().collect();
    if pods.is_empty() {
        return Ok(());
    }
    said(site, &[&CRICTL[..], &["stopp"], &pods].concat(), STOP).await.map(drop)
}

/// What a program says; the error is what it complains of.
async fn said(site: Site<'_>, words: &[&str], within: Duration) -> Result<String, String> {
    match site.host.run(Command::new(words).within(within)).await {
        Ok(output) if output.succeeded() => Ok(output.text()),
        Ok(output) => Err(access::text::sentence(&output.complaint())),
        // A host that is a folder has no containers.
        Err(HostError::NoCommands { .. }) => Ok(String::new()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_containers_that_run_are_ended() {
        let table = "TASK    PID     STATUS    \n4f2a    1234    RUNNING\n77d0    0    STOPPED\n";
        assert_eq!(running(table), ["4f2a"]);
        assert_eq!(running(""), [""; 0]);
    }
}
