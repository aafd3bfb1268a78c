//! A real server that does not answer, or not as hoped: said as it is, never as an absence,
//! a deletion or "no changes".

use super::site::Site;
use super::stage::Stage;
use crate::support::Said;
use std::path::Path;

/// What every command must say of a cluster that it may not or cannot look at.
#[track_caller]
fn refused(site: &Site<'_>, kubeconfig: &Path, words: &[&str]) {
    let before = std::fs::read(site.desk.data().join("state.json")).unwrap();
    let kubeconfig = kubeconfig.display().to_string();
    for command in [
        &["plan", "-detailed-exitcode"][..],
        &["drift"],
        &["apply", "-auto-approve"],
        &["destroy", "-auto-approve"],
        &["state", "rebuild"],
    ] {
        let said = site.desk.run(&[command, &["-kubeconfig", &kubeconfig]].concat());
        is_refused(&said, command, words);
    }
    let after = std::fs::read(site.desk.data().join("state.json")).unwrap();
    assert_eq!(String::from_utf8(after), String::from_utf8(before), "the state is as it was");
}

#[track_caller]
fn is_refused(said: &Said, command: &[&str], words: &[&str]) {
    let all = said.all();
    assert_eq!(said.code, 1, "{command:?}: {all}");
    for word in words {
        assert!(said.err.contains(word), "{command:?} does not say `{word}`: {all}");
    }
    // A destruction that was asked for is shown as far as it can be planned, and not begun.
    let asked = command[0] == "destroy";
    let lies = ["No changes", "will be created", "complete!", "Remembered", "Destroying..."];
    for lie in lies.into_iter().chain((!asked).then_some("will be destroyed")) {
        assert!(!all.contains(lie), "{command:?} says `{lie}`: {all}");
    }
}

/// The quickstart, applied.
fn applied(stage: &Stage) -> Site<'_> {
    let site = Site::new(stage, "quickstart");
    site.well(&["apply", "-auto-approve"]);
    site
}

/// The kubeconfig with some lines changed.
fn edited(site: &Site<'_>, edit: impl Fn(&str) -> Option<String>) -> std::path::PathBuf {
    let text = std::fs::read_to_string(&site.stage.kubeconfig).unwrap();
    let lines: Vec<String> = text.lines().filter_map(edit).collect();
    site.desk.write("kubeconfig", lines.join("\n"));
    site.desk.dir().join("kubeconfig")
}

fn is_credential(line: &str) -> bool {
    ["client-certificate", "client-key", "token"].iter().any(|c| line.trim().starts_with(c))
}

#[test]
fn a_refusal_of_some_kinds_is_told_for_each_and_nothing_else_is_planned() {
    let Some(stage) = Stage::real("403 on some kinds") else { return };
    let Some(readonly) = Stage::readonly("403 on some kinds") else { return };
    let site = applied(&stage);
    refused(
        &site,
        &readonly,
        &[
            "Error: The server does not allow this",
            "resource_quota.compute",
            "User `viewer` may not get resourcequotas in namespace `web-",
            "kubectl auth can-i get resourcequotas -n web-",
        ],
    );
    site.is_converged();
}

#[test]
fn credentials_that_are_not_accepted_are_told() {
    let Some(stage) = Stage::real("401") else { return };
    let site = applied(&stage);
    let bad = edited(&site, |line| {
        let user = line.trim() == "user:";
        let kept = (!is_credential(line)).then(|| line.to_owned());
        kept.map(|line| if user { format!("{line}\n    token: expired") } else { line })
    });
    refused(&site, &bad, &["Error: The server does not accept the credentials", "answered 401"]);
    let nobody = edited(&site, |line| (!is_credential(line)).then(|| line.to_owned()));
    refused(&site, &nobody, &["`system:anonymous`", "has no credentials"]);
}

#[test]
fn another_authority_and_a_closed_port_are_told_apart() {
    let Some(stage) = Stage::real("wrong CA, server down") else { return };
    let site = applied(&stage);
    let down = edited(&site, |line| {
        let server = line.trim().starts_with("server:");
        Some(if server { "    server: https://127.0.0.1:1".to_owned() } else { line.to_owned() })
    });
    refused(&site, &down, &["Error: The server cannot be reached", "the connection was refused"]);
    let distrusted = edited(&site, |line| {
        (!line.trim().starts_with("certificate-authority")).then(|| line.to_owned())
    });
    let words = ["Error: The server cannot be trusted", "signed by an authority that is not known"];
    refused(&site, &distrusted, &words);
}

#[test]
fn a_pin_on_another_cluster_stops_before_anything_is_looked_at() {
    let Some(stage) = Stage::real("wrong pin") else { return };
    let site = applied(&stage);
    let pin = "cluster \"prod\" {\n  uid = \"00000000-0000-0000-0000-000000000000\"\n}\n";
    site.desk.write("pin.hcl", pin);
    let words = ["Error: This is another cluster", "pin.hcl line 1", "Nothing was done."];
    refused(&site, &stage.kubeconfig, &words);
    std::fs::remove_file(site.desk.dir().join("pin.hcl")).unwrap();
    // The state remembers its cluster too: the sandbox is not mistaken for it.
    let said = site.desk.run(&["plan"]);
    is_refused(&said, &["plan"], &["Error: State belongs to another cluster"]);
    site.is_converged();
}
