//! The environment variables that clinch reads; nothing else reads any.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// `CLINCH_VAR_name`: value of the variable `name`, below every file and flag.
const VARIABLE: &str = "CLINCH_VAR_";
/// `CLINCH_CLI_ARGS`: arguments of every command; with `_` and the name of a command, of that.
const ARGUMENTS: &str = "CLINCH_CLI_ARGS";
/// `CLINCH_DATA_DIR`: where state and sandbox are kept; `.clinch` by default.
const DATA_DIR: &str = "CLINCH_DATA_DIR";
/// `CLINCH_INPUT`: `false` or `0` never asks.
const INPUT: &str = "CLINCH_INPUT";
/// `CLINCH_LOG`: `error`, `warn`, `info`, `debug` or `trace`, to standard error.
const LOG: &str = "CLINCH_LOG";
/// `KUBECONFIG`: read as client-go does, once a cluster is asked for.
const KUBECONFIG: &str = "KUBECONFIG";
/// Any value: no colour.
const NO_COLOR: &str = "NO_COLOR";
/// Any value but `0`: colour even in a pipe.
const CLICOLOR_FORCE: &str = "CLICOLOR_FORCE";

/// Arguments from the environment, and the name of their variable: of the command `plan`, or
/// with an empty name of every command.
pub(crate) fn arguments(command: &str) -> Option<(String, OsString)> {
    let name = match command {
        "" => ARGUMENTS.to_owned(),
        command => format!("{ARGUMENTS}_{command}"),
    };
    let value = std::env::var_os(&name).filter(|v| !v.is_empty())?;
    Some((name, value))
}

/// What the environment says, read once.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is one variable, read once")]
pub(crate) struct Environment {
    /// Values of variables by name; a value that is not UTF-8 is left out and named in
    /// `unreadable`.
    pub(crate) variables: BTreeMap<String, String>,
    /// Variables whose values are not UTF-8.
    pub(crate) unreadable: Vec<String>,
    /// Where state and sandbox are kept.
    pub(crate) data_dir: PathBuf,
    /// Whether a person may be asked.
    pub(crate) input: bool,
    /// The level of the log.
    pub(crate) log: Option<String>,
    /// Where client-go would look for a cluster, once one is asked for.
    pub(crate) cluster: access::Env,
    /// The user's name, for the journal.
    pub(crate) user: String,
    /// `NO_COLOR`.
    pub(crate) no_color: bool,
    /// `CLICOLOR_FORCE`.
    pub(crate) force_color: bool,
    /// `TERM=dumb`.
    pub(crate) dumb: bool,
    /// Whether the locale can show more than ASCII.
    pub(crate) unicode: bool,
}

impl Environment {
    /// Reads it.
    pub(crate) fn read() -> Self {
        let mut variables = BTreeMap::new();
        let mut unreadable = Vec::new();
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().and_then(|n| n.strip_prefix(VARIABLE)) else { continue };
            match value.into_string() {
                Ok(value) => drop(variables.insert(name.to_owned(), value)),
                Err(_) => unreadable.push(format!("{VARIABLE}{name}")),
            }
        }
        let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty());
        let text = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|n| text(n));
        Self {
            variables,
            unreadable,
            data_dir: set(DATA_DIR).map_or_else(|| PathBuf::from(".clinch"), PathBuf::from),
            input: !matches!(text(INPUT).as_deref(), Some("false" | "0")),
            log: text(LOG),
            cluster: access::Env {
                kubeconfig: text(KUBECONFIG),
                home: text("HOME"),
                service_host: text("KUBERNETES_SERVICE_HOST"),
                service_port: text("KUBERNETES_SERVICE_PORT"),
            },
            user: text("USER").or_else(|| text("LOGNAME")).unwrap_or_else(|| "unknown".to_owned()),
            no_color: set(NO_COLOR).is_some(),
            force_color: set(CLICOLOR_FORCE).is_some_and(|v| v != OsStr::new("0")),
            dumb: text("TERM").as_deref() == Some("dumb"),
            // Without a locale most terminals of today still show Unicode.
            unicode: locale.is_none_or(|l| {
                let l = l.to_ascii_lowercase();
                l.contains("utf-8") || l.contains("utf8") || l == "c" || l == "posix"
            }),
        }
    }
}
