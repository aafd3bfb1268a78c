//! Flags, streams and exit codes.

use crate::support::Desk;
use serde_json::Value as Json;
use std::io::Read as _;
use std::process::Stdio;

const TEAM: &str = "\
variable \"colour\" {
  default = \"blue\"
}

resource \"namespace\" \"team\" {
  name   = \"team\"
  labels = { colour = var.colour }
}
";

fn applied() -> Desk {
    let desk = Desk::new();
    desk.write("main.hcl", TEAM);
    let said = desk.run(&["apply", "-auto-approve"]);
    assert_eq!(said.code, 0, "{}", said.all());
    desk
}

#[test]
fn auto_approve_alone_deletes_nothing() {
    let desk = applied();
    desk.write("main.hcl", "locals {}\n");
    for args in [&["apply", "-auto-approve"][..], &["apply", "-auto-approve", "-json"]] {
        let said = desk.run(args);
        assert_eq!(said.code, 1, "{}", said.all());
        assert!(said.all().contains("-allow=empty"), "{}", said.all());
        let said = desk.run(&[args, &["-allow=empty"]].concat());
        assert_eq!(said.code, 1, "{}", said.all());
        assert!(said.all().contains("-allow=destroy"), "{}", said.all());
    }
    assert_eq!(desk.look("v1", "Namespace", "", "team")["kind"], "Namespace");
    let said = desk.run(&["apply", "-auto-approve", "-allow=destroy,empty"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(desk.look("v1", "Namespace", "", "team"), Json::Null);
}

#[test]
fn without_input_nobody_can_approve() {
    let desk = applied();
    for line in [
        "clinch apply -input=false -var colour=red",
        "CLINCH_INPUT=false clinch apply -var colour=red",
        "CLINCH_INPUT=0 clinch apply -var colour=red",
        "clinch apply -json -var colour=red",
        "clinch destroy -input=false",
    ] {
        let said = desk.line(line);
        assert_eq!(said.code, 1, "{line}\n{}", said.all());
        assert!(said.all().contains("Nobody can approve the plan"), "{line}\n{}", said.all());
    }
}

#[test]
fn an_answer_that_never_comes_is_not_a_yes() {
    let desk = applied();
    let said = desk.run(&["apply", "-var", "colour=red"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.err.contains("Apply cancelled. Nothing was changed."), "{}", said.err);
    let said = desk.run(&["destroy"]);
    assert!(said.err.contains("Destroy cancelled. Nothing was changed."), "{}", said.err);
    assert_eq!(desk.run(&["plan", "-detailed-exitcode"]).code, 0);
}

#[test]
fn exit_codes_say_whether_anything_differs() {
    let desk = applied();
    let code = |line: &str| desk.line(line).code;
    assert_eq!(code("clinch plan"), 0);
    assert_eq!(code("clinch plan -detailed-exitcode"), 0);
    assert_eq!(code("clinch plan -var colour=red"), 0);
    assert_eq!(code("clinch plan -detailed-exitcode -var colour=red"), 2);
    assert_eq!(code("clinch plan -detailed-exitcode -destroy"), 2);
    assert_eq!(code("clinch plan -detailed-exitcode -var nonsense"), 1);
    assert_eq!(code("clinch drift"), 0);
    desk.somebody_writes(
        "apiVersion: v1\nkind: Namespace\nmetadata: { name: team, labels: { colour: red } }\n",
    );
    assert_eq!(code("clinch drift"), 2);
    assert_eq!(code("clinch drift -var nonsense"), 1);
    assert_eq!(code("clinch frob"), 1);
    assert_eq!(code("clinch plan -frob"), 1);
    assert_eq!(code("clinch version"), 0);
    assert_eq!(code("clinch -h"), 0);
}

#[test]
fn one_dash_and_two_mean_the_same() {
    let desk = applied();
    for line in [
        "clinch plan -detailed-exitcode -var colour=red -no-color",
        "clinch plan --detailed-exitcode --var colour=red --no-color",
        "clinch plan --detailed-exitcode --var=colour=red -no-color",
        "clinch -chdir=. plan -detailed-exitcode -var 'colour=red'",
        "clinch --chdir . plan -detailed-exitcode -var 'colour=red'",
    ] {
        let said = desk.line(line);
        assert_eq!(said.code, 2, "{line}\n{}", said.all());
    }
}

#[test]
fn the_last_value_of_a_variable_wins() {
    let desk = applied();
    desk.write("a.tfvars", "colour = \"file\"\n");
    for (line, wins) in [
        ("CLINCH_VAR_colour=env clinch plan", "env"),
        ("CLINCH_VAR_colour=env clinch plan -var-file a.tfvars", "file"),
        ("clinch plan -var-file a.tfvars -var colour=flag", "flag"),
        ("clinch plan -var colour=flag -var-file a.tfvars", "file"),
        ("clinch plan -var colour=one -var colour=two", "two"),
    ] {
        let said = desk.line(line);
        assert!(said.out.contains(&format!("\"blue\" -> \"{wins}\"")), "{line}\n{}", said.all());
    }
    desk.write("terraform.tfvars", "colour = \"usual\"\n");
    desk.write("z.auto.tfvars", "colour = \"auto\"\n");
    let said = desk.line("CLINCH_VAR_colour=env clinch plan");
    assert!(said.out.contains("\"blue\" -> \"auto\""), "{}", said.out);
}

/// Every line is one object with what all lines have; the first says which version speaks.
#[track_caller]
fn lines(out: &str) -> Vec<Json> {
    let lines: Vec<Json> = out
        .lines()
        .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}")))
        .collect();
    assert_eq!(lines[0]["type"], "version", "{out}");
    for line in &lines {
        for key in ["@level", "@message", "@module", "@timestamp", "type"] {
            assert!(line[key].is_string(), "{key} of {line}");
        }
    }
    lines
}

#[test]
fn json_is_one_object_a_line_and_says_its_version_first() {
    let desk = Desk::new();
    desk.write("main.hcl", TEAM);
    for args in [
        &["plan", "-json"][..],
        &["apply", "-json", "-auto-approve"],
        &["plan", "-json"],
        &["drift", "-json"],
        &["plan", "-json", "-var", "nonsense"],
        &["apply", "-json", "-var", "colour=red"],
        &["destroy", "-json", "-auto-approve"],
    ] {
        let said = desk.run(args);
        let lines = lines(&said.out);
        assert!(lines.len() > 1, "{args:?}\n{}", said.out);
        assert_eq!(said.err, "", "{args:?}: nothing is said beside it");
        if said.code == 1 {
            assert!(lines.iter().any(|l| l["type"] == "diagnostic"), "{args:?}\n{}", said.out);
        }
    }
    desk.write("main.hcl", "resource \"namespace\" {\n");
    let said = desk.run(&["plan", "-json"]);
    assert_eq!(said.code, 1);
    lines(&said.out);
    let said = desk.run(&["validate", "-json"]);
    assert_eq!(said.code, 1);
    let answer: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!(answer["valid"], false, "{answer}");
}

#[test]
fn no_colour_reaches_a_pipe_unless_it_is_forced() {
    let desk = applied();
    let colourful = |line: &str| desk.line(line).all().contains('\u{1b}');
    assert!(!colourful("clinch plan -var colour=red"));
    assert!(colourful("CLICOLOR_FORCE=1 clinch plan -var colour=red"));
    assert!(!colourful("CLICOLOR_FORCE=1 NO_COLOR=1 clinch plan -var colour=red"));
    assert!(!colourful("CLICOLOR_FORCE=1 clinch plan -no-color -var colour=red"));
    assert!(!colourful("CLICOLOR_FORCE=1 clinch plan -json -var colour=red"));
}

#[test]
fn a_reader_that_has_read_enough_does_not_stop_an_apply() {
    let desk = Desk::new();
    let teams =
        "resource \"namespace\" \"team\" {\n  count = 100\n  name  = \"team-${count.index}\"\n}\n";
    desk.write("main.hcl", teams);
    closed(&desk, &["plan"], true);
    closed(&desk, &["apply", "-auto-approve"], true);
    assert_eq!(desk.run(&["state", "list"]).out.lines().count(), 100);
    desk.write("main.hcl", teams.replace("100", "200"));
    closed(&desk, &["apply", "-auto-approve", "-json"], true);
    assert_eq!(desk.run(&["state", "list"]).out.lines().count(), 200);
    desk.write("main.hcl", teams.replace("100", "300"));
    closed(&desk, &["apply", "-auto-approve"], false);
    assert_eq!(desk.run(&["state", "list"]).out.lines().count(), 300);
}

/// Runs with a stream that nobody reads: standard output, or else standard error.
#[track_caller]
fn closed(desk: &Desk, args: &[&str], out: bool) {
    let mut child =
        desk.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let mut said = String::new();
    if out {
        drop(stdout);
        { stderr }.read_to_string(&mut said).unwrap();
    } else {
        drop(stderr);
        { stdout }.read_to_string(&mut said).unwrap();
    }
    assert_eq!(child.wait().unwrap().code(), Some(0), "{args:?}\n{said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn every_command_explains_itself() {
    let desk = Desk::new();
    for command in [
        "init",
        "validate",
        "plan",
        "apply",
        "destroy",
        "drift",
        "show",
        "output",
        "state",
        "sandbox",
        "schema",
        "completion",
        "version",
    ] {
        let said = desk.run(&[command, "-help"]);
        assert_eq!(said.code, 0, "{command}\n{}", said.all());
        assert!(said.out.contains("Usage: clinch"), "{}", said.out);
    }
}
