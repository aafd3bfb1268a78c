//! Which files, and what they say together.

use super::{ClusterOptions, Env, MALFORMED, NOT_CONFIGURED, UNREADABLE};
use kube::config::{Kubeconfig, KubeconfigError};
use plans::Problem;
use std::io;
use std::net::IpAddr;
use std::path::{Path as FilePath, PathBuf};
use values::Path;

/// Where the configuration comes from.
pub(super) enum Found {
    /// Files, merged.
    Files(Box<Kubeconfig>),
    /// The environment of a pod.
    InCluster {
        /// Its address.
        server: String,
    },
}

/// Finds the configuration: the file that is named, else those of `KUBECONFIG`, else the one
/// in the home folder, else that of the pod.
pub(super) fn find(options: &ClusterOptions) -> Result<Found, Problem> {
    if let Some(file) = &options.kubeconfig {
        return match read(file)? {
            Some(kubeconfig) => Ok(Found::Files(Box::new(kubeconfig))),
            None => Err(missing(std::slice::from_ref(file))),
        };
    }
    let env = &options.env;
    let files = files(env);
    let mut merged: Option<Kubeconfig> = None;
    for file in &files {
        let Some(next) = read(file)? else { continue };
        merged = Some(match merged {
            None => next,
            Some(first) => first.merge(next).map_err(|error| unreadable(file, &error))?,
        });
    }
    if let Some(merged) = merged {
        return Ok(Found::Files(Box::new(merged)));
    }
    if let Some(server) = pod(env) {
        return Ok(Found::InCluster { server });
    }
    Err(missing(&files))
}

fn files(env: &Env) -> Vec<PathBuf> {
    let named = env.kubeconfig.as_deref().filter(|list| !list.is_empty());
    if let Some(list) = named {
        let files = std::env::split_paths(list);
        return files.filter(|file| !file.as_os_str().is_empty()).collect();
    }
    let home = env.home.as_deref().filter(|home| !home.is_empty());
    home.map(|home| FilePath::new(home).join(".kube").join("config")).into_iter().collect()
}

/// The address of the API, inside a pod.
fn pod(env: &Env) -> Option<String> {
    let host = env.service_host.as_deref().filter(|host| !host.is_empty())?;
    let port = env.service_port.as_deref().filter(|port| !port.is_empty())?;
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(ip)) => Some(format!("https://[{ip}]:{port}")),
        _ => Some(format!("https://{host}:{port}")),
    }
}

/// The content of a file; `None` when there is no such file.
fn read(file: &FilePath) -> Result<Option<Kubeconfig>, Problem> {
    match Kubeconfig::read_from(file) {
        Ok(kubeconfig) => Ok(Some(kubeconfig)),
        Err(KubeconfigError::ReadConfig(error, _)) if error.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(unreadable(file, &error)),
    }
}

fn unreadable(file: &FilePath, error: &KubeconfigError) -> Problem {
    let shown = file.display();
    match error {
        KubeconfigError::ReadConfig(error, _) => Problem::error(
            UNREADABLE,
            "The kubeconfig cannot be read",
            Path::root(),
            format!("{shown}: {error}."),
        )
        .with_help("Check the file and who may read it, or name another with `-kubeconfig`."),
        KubeconfigError::Parse(error) => {
            let place = match error.location() {
                Some(at) => format!("{shown}:{}:{}", at.line(), at.column()),
                None => shown.to_string(),
            };
            let why = without_quotes(&error.without_snippet().to_string());
            Problem::error(
                MALFORMED,
                "The kubeconfig is not valid",
                Path::root(),
                format!("{place}: {}", crate::text::sentence(&why)),
            )
            .with_help("Repair the file, or name another with `-kubeconfig`.")
        }
        other => Problem::error(
            MALFORMED,
            "The kubeconfig is not valid",
            Path::root(),
            format!("{shown}: {}", crate::text::sentence(&other.to_string())),
        ),
    }
}

/// The message of the parser without what it quotes: that may be a token.
fn without_quotes(message: &str) -> String {
    let mut out = String::new();
    let mut inside = None;
    for c in message.chars() {
        match inside {
            Some(quote) if c == quote => inside = None,
            Some(_) => {}
            None if matches!(c, '"' | '`') => {
                out.push('…');
                inside = Some(c);
            }
            None => out.push(c),
        }
    }
    out
}

fn missing(files: &[PathBuf]) -> Problem {
    let names: Vec<String> = files.iter().map(|file| format!("{}", file.display())).collect();
    let detail = match names.as_slice() {
        [] => "Neither `KUBECONFIG` nor `HOME` is set, and this is no pod of a cluster.".to_owned(),
        [one] => format!("There is no file {one}."),
        several => format!("None of these files exists: {}.", several.join(", ")),
    };
    Problem::error(NOT_CONFIGURED, "No cluster is configured", Path::root(), detail).with_help(
        "Name the kubeconfig of your cluster with `-kubeconfig=FILE` or `KUBECONFIG`. No address \
         is assumed without one.",
    )
}
