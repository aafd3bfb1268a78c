//! What of a pod depends on docker, or may: what the documentation asks an administrator to look
//! for before docker goes.
//!
//! Sources: the task "Check whether dockershim removal affects you" of the documentation of
//! Kubernetes (what counts as dependence), and the API reference of `Volume` and `VolumeMount`
//! (`hostPath`, `subPath`).

mod path;

use serde_json::Value as Json;
use std::collections::BTreeSet;

/// How certain it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// It stops working when docker goes.
    Blocking,
    /// It could use docker; somebody has to look.
    Review,
}

impl Class {
    /// As it is told: `blocking`, `review`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::Review => "review",
        }
    }
}

/// One reason to think that something depends on docker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How certain it is.
    pub class: Class,
    /// The path of the host that it is about.
    pub path: Option<String>,
    /// What was found, as the part of a sentence.
    pub why: String,
}

/// All that is found in the specification of a pod.
pub fn findings(spec: &Json) -> BTreeSet<Finding> {
    let mut found: BTreeSet<Finding> = mounts(spec).collect();
    if spec["hostPID"] == true {
        found.insert(review("the pod sees the processes of its host (hostPID)".to_owned()));
    }
    for container in containers(spec) {
        found.extend(of_container(container).map(review));
    }
    found
}

fn review(why: String) -> Finding {
    Finding { class: Class::Review, path: None, why }
}

fn items(list: &Json) -> impl Iterator<Item = &Json> {
    list.as_array().into_iter().flatten()
}

fn text(of: &Json) -> &str {
    of.as_str().unwrap_or_default()
}

fn containers(spec: &Json) -> impl Iterator<Item = &Json> {
    let kinds = ["initContainers", "containers", "ephemeralContainers"];
    kinds.into_iter().flat_map(|kind| items(&spec[kind]))
}

/// What it says of folders of its host. A socket that is mounted read-only can be used all the
/// same, so that makes no difference.
fn mounts(spec: &Json) -> impl Iterator<Item = Finding> {
    let of_host = items(&spec["volumes"]).filter(|volume| volume["hostPath"].is_object());
    of_host.flat_map(|volume| {
        let root = text(&volume["hostPath"]["path"]);
        let users: Vec<(&str, String)> = containers(spec)
            .flat_map(|container| {
                let mounts = items(&container["volumeMounts"]);
                let mounts = mounts.filter(|mount| mount["name"] == volume["name"]);
                // A part that is named late may be any, so it counts as the whole.
                let part = |mount: &Json| path::join(root, text(&mount["subPath"]));
                mounts.map(move |mount| (text(&container["name"]), part(mount)))
            })
            .collect();
        if users.is_empty() {
            let finding = path::meaning(root).map(|(_, meaning)| {
                let name = text(&volume["name"]);
                let why = format!("volume `{name}` is {root}, {meaning}; no container mounts it");
                Finding { class: Class::Review, path: Some(root.to_owned()), why }
            });
            return finding.into_iter().collect::<Vec<_>>();
        }
        let of_user = |(container, path): (&str, String)| {
            let (class, meaning) = path::meaning(&path)?;
            let why = format!("container `{container}` mounts {path}, {meaning}");
            Some(Finding { class, path: Some(path), why })
        };
        users.into_iter().filter_map(of_user).collect()
    })
}

fn of_container(container: &Json) -> impl Iterator<Item = String> {
    let name = text(&container["name"]);
    let privileged = container["securityContext"]["privileged"] == true;
    let told = items(&container["env"]).any(|env| env["name"] == "DOCKER_HOST");
    let words = ["command", "args"].into_iter().flat_map(|part| items(&container[part]));
    let calls = words.map(text).any(calls_docker);
    let image = text(&container["image"]);
    [
        privileged.then(|| format!("container `{name}` is privileged")),
        told.then(|| format!("container `{name}` is told where docker is (DOCKER_HOST)")),
        calls.then(|| format!("container `{name}` calls docker")),
        is_docker(image).then(|| format!("container `{name}` runs docker itself ({image})")),
    ]
    .into_iter()
    .flatten()
}

/// Whether docker's program is among the words. `docker.io` and `--docker-only` are not it.
fn calls_docker(argument: &str) -> bool {
    let within_a_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut words = argument.split(|c: char| !within_a_word(c));
    words.any(|word| matches!(word, "docker" | "dockerd" | "docker-compose"))
}

/// Whether the image is docker, or docker in docker.
fn is_docker(image: &str) -> bool {
    let image = image.split('@').next().unwrap_or(image);
    let last = image.rsplit('/').next().unwrap_or(image);
    let (name, tag) = last.split_once(':').unwrap_or((last, ""));
    name == "docker" || [name, tag].into_iter().any(|t| t == "dind" || t.ends_with("-dind"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(spec: &Json) -> Vec<String> {
        let line = |f: Finding| format!("{}: {}", f.class.name(), f.why);
        findings(spec).into_iter().map(line).collect()
    }

    fn pod_with(path: &str) -> Json {
        json!({
            "volumes": [{ "name": "host", "hostPath": { "path": path } }],
            "containers": [{ "name": "app", "volumeMounts": [{ "name": "host", "mountPath": "/h" }] }],
        })
    }

    #[test]
    fn socket_its_parents_and_dockers_folders_are_found_however_they_are_spelled() {
        for (path, meaning) in [
            (
                "/var/run/docker.sock",
                "blocking: container `app` mounts /var/run/docker.sock, the socket of docker",
            ),
            (
                "/run//docker.sock/",
                "blocking: container `app` mounts /run/docker.sock, the socket of docker",
            ),
            (
                "/var/lib/../run/docker.sock",
                "blocking: container `app` mounts /var/run/docker.sock, the socket of docker",
            ),
            (
                "/var/run",
                "blocking: container `app` mounts /var/run, which holds the socket of docker",
            ),
            ("/", "blocking: container `app` mounts /, which holds the socket of docker"),
            (
                "/var/lib/docker/containers",
                "blocking: container `app` mounts /var/lib/docker/containers, in the data of docker",
            ),
            (
                "/var/lib",
                "blocking: container `app` mounts /var/lib, which holds the data of docker",
            ),
            (
                "/etc/docker/daemon.json",
                "blocking: container `app` mounts /etc/docker/daemon.json, in the configuration of docker",
            ),
            (
                "/var/log/pods",
                "review: container `app` mounts /var/log/pods, with the logs of containers, whose lines other runtimes write in another format",
            ),
        ] {
            assert_eq!(told(&pod_with(path)), [meaning], "{path}");
        }
    }

    #[test]
    fn other_paths_of_the_host_are_nothing() {
        for path in
            ["/etc/kubernetes", "/run/containerd", "/var/running", "/var/lib/dockershim", "/data"]
        {
            assert!(told(&pod_with(path)).is_empty(), "{path}");
        }
    }

    #[test]
    fn part_of_a_folder_is_what_is_mounted() {
        let mut pod = pod_with("/var/run");
        pod["containers"][0]["volumeMounts"][0]["subPath"] = json!("xtables.lock");
        assert!(told(&pod).is_empty());
        pod["containers"][0]["volumeMounts"][0]["subPath"] = json!("docker.sock");
        assert_eq!(
            told(&pod),
            ["blocking: container `app` mounts /var/run/docker.sock, the socket of docker"]
        );
    }

    #[test]
    fn volume_that_nobody_mounts_is_for_somebody_to_look_at() {
        let mut pod = pod_with("/var/run/docker.sock");
        pod["containers"][0]["volumeMounts"] = json!([]);
        assert_eq!(
            told(&pod),
            [
                "review: volume `host` is /var/run/docker.sock, the socket of docker; no container mounts it"
            ]
        );
    }

    #[test]
    fn power_over_the_host_and_words_about_docker_are_for_somebody_to_look_at() {
        let pod = json!({
            "hostPID": true,
            "initContainers": [{ "name": "setup", "securityContext": { "privileged": true } }],
            "containers": [
                { "name": "ci", "env": [{ "name": "DOCKER_HOST", "value": "tcp://localhost:2375" }] },
                { "name": "sh", "command": ["sh", "-c", "/usr/bin/docker ps | wc -l"] },
                { "name": "dind", "image": "registry.example.com/library/docker:27-dind" },
            ],
        });
        assert_eq!(
            told(&pod),
            [
                "review: container `ci` is told where docker is (DOCKER_HOST)",
                "review: container `dind` runs docker itself (registry.example.com/library/docker:27-dind)",
                "review: container `setup` is privileged",
                "review: container `sh` calls docker",
                "review: the pod sees the processes of its host (hostPID)",
            ]
        );
    }

    #[test]
    fn what_only_looks_like_docker_is_not_it() {
        let pod = json!({ "containers": [
            { "name": "a", "image": "docker.io/library/nginx:1.29" },
            { "name": "b", "image": "gcr.io/kaniko-project/executor:latest" },
            { "name": "c", "args": ["--registry=docker.io", "--docker-only", "my-docker-thing"] },
        ] });
        assert!(told(&pod).is_empty());
    }

    #[test]
    fn nothing_and_nonsense_are_no_finding() {
        for pod in [json!({}), json!(null), json!({ "volumes": 3, "containers": [null, "x"] })] {
            assert!(told(&pod).is_empty());
        }
    }
}
