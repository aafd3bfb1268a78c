//! Whether a version of Kubernetes has what an object says, without asking a server.
//!
//! For `validate -kubernetes-version=1.34`: kinds that are not there any more or not yet,
//! fields that do not exist (with the one that was probably meant), values of another type,
//! and what is missing. A server judges more than this; it is asked in every plan.

use crate::api::ObjectRef;
use crate::codes;
use apimachinery::versions::{self, Minor, Subject};
use diags::Severity;
use plans::Problem;
use values::{Path, Value};

/// What is wrong with an object for a version; paths are those of the object.
pub(crate) fn check(object: &Value, of: &ObjectRef, minor: Minor) -> Vec<Problem> {
    let (api_version, kind) = (of.api_version.as_str(), of.kind.as_str());
    let Some(fields) = versions::kind(api_version, kind, minor) else {
        return gone(api_version, kind, minor).into_iter().collect();
    };
    let shown = of.shown();
    let subject = Subject { shown: &shown, program: "Kubernetes", minor };
    let mistakes = versions::check(object, fields, subject).into_iter();
    let problems = mistakes.map(|m| Problem {
        help: m.help,
        ..Problem::error(codes::SCHEMA, m.summary, m.path, m.detail)
    });
    problems.chain(going(api_version, kind, minor)).collect()
}

/// The newest version has no such kind any more. The server may be older, so this is no error.
pub(crate) fn outdated(of: &ObjectRef) -> Option<Problem> {
    let problem = gone(&of.api_version, &of.kind, Minor::newest())?;
    Some(Problem { severity: Severity::Warning, ..problem })
}

/// The kind is not in this version. Of kinds that no version has nothing is said: a definition
/// may bring them.
fn gone(api_version: &str, kind: &str, minor: Minor) -> Option<Problem> {
    if versions::kind(api_version, kind, minor).is_some() {
        return None;
    }
    let others = versions::alternatives(kind, minor);
    let same_group = |other: &&&str| group(other) == group(api_version);
    let detail = match versions::served(api_version, kind) {
        Some((_, last)) if last < minor => {
            format!(
                "Kubernetes {minor} has no {kind} in `{api_version}` any more; {last} was the last that had."
            )
        }
        Some((first, _)) if first > minor => {
            format!(
                "Kubernetes {minor} has no {kind} in `{api_version}` yet; {first} is the first that has."
            )
        }
        Some(_) => format!("Kubernetes {minor} has no {kind} in `{api_version}`."),
        None if others.iter().any(|other| same_group(&other)) => {
            format!(
                "No version of Kubernetes since {} has a {kind} in `{api_version}`.",
                Minor::oldest()
            )
        }
        None => return None,
    };
    let path = Path::of("apiVersion");
    let problem = Problem::error(codes::NO_KIND, "Not in this version", path, detail);
    Some(match others.first() {
        Some(other) => {
            problem.with_help(format!("Write `apiVersion: {other}`, and see what else differs."))
        }
        None => problem,
    })
}

/// The kind is in this version, and a later one took it away.
fn going(api_version: &str, kind: &str, minor: Minor) -> Option<Problem> {
    let (_, last) = versions::served(api_version, kind)?;
    if last == Minor::newest() {
        return None;
    }
    let detail = format!(
        "{kind} in `{api_version}` is in Kubernetes {minor}, and {last} is the last that has it."
    );
    let path = Path::of("apiVersion");
    let problem = Problem::warning(codes::NO_KIND, "Goes away with an upgrade", path, detail);
    let longer = |other: &&str| versions::served(other, kind).is_some_and(|(_, l)| l > last);
    let now = versions::alternatives(kind, minor).into_iter().find(longer);
    let later = || versions::alternatives(kind, Minor::newest()).into_iter().next();
    Some(match (now, later()) {
        (Some(other), _) => problem.with_help(format!(
            "Kubernetes {minor} has it as `{other}` too: change to that before the upgrade."
        )),
        (None, Some(other)) => match versions::served(other, kind) {
            Some((first, _)) => problem
                .with_help(format!("Kubernetes {first} is the first that has it as `{other}`.")),
            None => problem,
        },
        (None, None) => problem,
    })
}

fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}
