//! What a path of a host has to do with docker.

use super::Class;

/// What of a host is docker's, and what it is called.
const DOCKERS: [(&str, &str); 6] = [
    ("/run/docker.sock", "the socket of docker"),
    ("/run/dockershim.sock", "the socket of dockershim"),
    ("/run/docker", "the folder that docker runs in"),
    ("/var/lib/docker", "the data of docker"),
    ("/etc/docker", "the configuration of docker"),
    ("/usr/bin/docker", "the program docker"),
];

/// What somebody who mounts a folder above it is taken to want. `/etc` and `/usr` have a hundred
/// other reasons.
const WANTED_FROM_ABOVE: [&str; 2] = ["/run/docker.sock", "/var/lib/docker"];

/// Where logs of containers are, whatever the runtime.
const LOGS: [&str; 3] = ["/var/log", "/var/log/containers", "/var/log/pods"];

/// A part of a folder, without detours.
pub(super) fn join(root: &str, part: &str) -> String {
    let mut steps = Vec::new();
    for step in root.split('/').chain(part.split('/')) {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            name => steps.push(name),
        }
    }
    format!("/{}", steps.join("/"))
}

/// Where it is: `/var/run` is a link to `/run` wherever there is systemd. Source: the Filesystem
/// Hierarchy Standard 3.0, section 5.13.
fn place(path: &str) -> String {
    let path = join(path, "");
    match path.strip_prefix("/var/run") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("/run{rest}"),
        Some(_) | None => path,
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// What it means to mount this path.
pub(super) fn meaning(path: &str) -> Option<(Class, String)> {
    let place = place(path);
    for (docker, name) in DOCKERS {
        if place == docker {
            return Some((Class::Blocking, name.to_owned()));
        }
        if is_below(&place, docker) {
            return Some((Class::Blocking, format!("in {name}")));
        }
    }
    let from_above = DOCKERS.into_iter().filter(|(docker, _)| WANTED_FROM_ABOVE.contains(docker));
    for (docker, name) in from_above {
        // The link `/var/run` is below `/var`, and what it leads to is not.
        if is_below(docker, &place) {
            return Some((Class::Blocking, format!("which holds {name}")));
        }
    }
    let logs =
        LOGS.contains(&place.as_str()) || is_below(&place, LOGS[1]) || is_below(&place, LOGS[2]);
    logs.then(|| {
        let why = "with the logs of containers, whose lines other runtimes write in another format";
        (Class::Review, why.to_owned())
    })
}
