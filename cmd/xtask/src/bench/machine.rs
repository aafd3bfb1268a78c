//! What the figures were taken on, and with.

use super::pair::Bench;
use crate::checkout;
use crate::gate;
use crate::trouble::{Doing, Trouble, say};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Builds a program as it is distributed.
pub(super) fn build(name: &str) -> Result<PathBuf, Trouble> {
    made("--bin", name)
}

/// Builds an example of a crate in the same way.
pub(super) fn example(name: &str) -> Result<PathBuf, Trouble> {
    made("--example", name)
}

fn made(kind: &str, name: &str) -> Result<PathBuf, Trouble> {
    say(format_args!("building {name} as it is distributed"));
    let answer = Command::new("cargo")
        .args(["build", "--profile", "dist", "--locked", kind, name])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(checkout::root())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .doing(|| "starting cargo".to_owned())?;
    let messages = String::from_utf8_lossy(&answer.stdout).into_owned();
    let binary = messages.lines().filter_map(|line| gate::binary(line, name)).next_back();
    let binary = binary.filter(|_| answer.status.success());
    binary.ok_or_else(|| Trouble::new(format!("{name} does not build")))
}

/// Where configurations and states are written: below cargo's own folder.
pub(super) fn folder() -> Result<PathBuf, Trouble> {
    let target = std::env::var_os("CARGO_TARGET_DIR").filter(|value| !value.is_empty());
    let target = checkout::root().join(target.unwrap_or_else(|| "target".into()));
    let folder = target.join("bench");
    fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
    Ok(folder)
}

/// Machine, system and versions, a line each.
pub(super) fn describe(bench: &Bench) -> Result<Vec<String>, Trouble> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_else(|| "unknown".to_owned());
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().filter(|text| !text.is_empty()).unwrap_or("unknown");
    let mut lines = vec![
        format!(
            "{model}, {processors} processors, {memory} of memory, {} {}",
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
        format!("load when it began: {load}"),
        format!(
            "{}, commit {}",
            first_line(&bench.clinch, &["version"])?,
            first_line("git", &["rev-parse", "--short=12", "HEAD"])?
        ),
    ];
    if bench.given {
        lines.push(
            "this binary was given with --clinch: of which commit it is, and whether it is \
                    optimised, is not known"
                .to_owned(),
        );
    }
    if let Some(terraform) = &bench.terraform {
        lines.push(format!("Terraform {}, {}", terraform.version, terraform.kind));
    }
    Ok(lines)
}

fn first_line(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Result<String, Trouble> {
    let name = program.as_ref().to_string_lossy().into_owned();
    let answer = Command::new(program)
        .args(arguments)
        .current_dir(checkout::root())
        .output()
        .doing(|| format!("starting {name}"))?;
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    Ok(text.lines().next().unwrap_or("unknown").trim().to_owned())
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
