//! Files that are not what they should be.

use crate::support::Desk;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

const TEAM: &str = "resource \"namespace\" \"team\" {\n  name = \"team\"\n}\n";

/// A plan is refused with these words, and what was applied stays planned as it is.
#[track_caller]
fn refused(desk: &Desk, words: &[&str]) {
    let said = desk.run(&["plan"]);
    assert_eq!(said.code, 1, "{}", said.all());
    for word in words {
        assert!(said.err.contains(word), "`{word}` is not in\n{}", said.err);
    }
    nothing_is_planned(&said.out);
}

/// Neither a deletion nor "No changes." was said.
#[track_caller]
pub(crate) fn nothing_is_planned(out: &str) {
    assert!(!out.contains("No changes"), "{out}");
    assert!(!out.contains("destroy"), "{out}");
    assert!(!out.contains("Plan:"), "{out}");
}

/// A desk where a namespace was applied: what cannot be read must not look like its deletion.
fn applied() -> Desk {
    let desk = Desk::new();
    desk.write("main.hcl", TEAM);
    let said = desk.run(&["apply", "-auto-approve"]);
    assert_eq!(said.code, 0, "{}", said.all());
    desk
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_and_not_a_deletion() {
    let desk = applied();
    std::fs::remove_file(desk.dir().join("main.hcl")).unwrap();
    desk.write("other.hcl", "locals {}\n");
    symlink("nowhere", desk.dir().join("main.hcl")).unwrap();
    refused(&desk, &["main.hcl", "does not exist"]);
}

#[test]
fn a_folder_with_the_name_of_a_file_is_said_to_be_one() {
    let desk = applied();
    std::fs::create_dir(desk.dir().join("team.hcl")).unwrap();
    refused(&desk, &["team.hcl", "not a regular file"]);
}

#[test]
fn text_that_is_not_utf_8_is_refused_with_its_place() {
    let desk = applied();
    desk.write("main.hcl", b"resource \"namespace\" \"team\" {\n  name = \"t\xe4m\"\n}\n");
    refused(&desk, &["main.hcl", "UTF-8", "line 2"]);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    let desk = applied();
    desk.write("main.hcl", format!("\u{feff}{}", TEAM.replace('\n', "\r\n")));
    let said = desk.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.out.contains("No changes."), "{}", said.out);
}

#[test]
fn ten_thousand_levels_of_nesting_are_refused() {
    let desk = applied();
    for (open, close) in [("[", "]"), ("(", ")"), ("{ a = ", "}"), ("!", ""), ("-", "")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        desk.write("deep.hcl", format!("locals {{\n  deep = {deep}\n}}\n"));
        refused(&desk, &["deep.hcl"]);
    }
    let deep = format!("{}{}", "a {\n".repeat(10_000), "}\n".repeat(10_000));
    desk.write("deep.hcl", deep);
    refused(&desk, &["deep.hcl"]);
}

#[test]
fn a_file_of_fifty_megabytes_is_told_apart_from_configuration_in_time() {
    let desk = applied();
    let mut text = String::with_capacity(51_000_000);
    let mut n = 0;
    while text.len() < 50_000_000 {
        writeln!(text, "# line {n} of a log that somebody gave the wrong name").unwrap();
        n += 1;
    }
    desk.write("log.hcl", &text);
    let began = Instant::now();
    let said = desk.run(&["plan"]);
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
    // Comments are no mistake, however many.
    assert_eq!(said.code, 0, "{}", said.all());
    desk.write("log.hcl", text.replace('#', "x"));
    refused(&desk, &["log.hcl"]);
    desk.write("log.hcl", text.repeat(2));
    refused(&desk, &["log.hcl", "at most"]);
}

#[test]
fn an_empty_directory_has_no_configuration() {
    let desk = Desk::new();
    refused(&desk, &["No configuration here", "-chdir=DIR"]);
    let said = desk.run(&["apply", "-auto-approve"]);
    assert_eq!(said.code, 1);
    let said = desk.run(&["destroy", "-auto-approve"]);
    assert_eq!(said.code, 1, "{}", said.all());
}

#[test]
fn configuration_that_is_gone_is_not_a_request_to_delete_everything() {
    let desk = applied();
    std::fs::remove_file(desk.dir().join("main.hcl")).unwrap();
    refused(&desk, &["No configuration here"]);
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let said = Desk::new().run(&["-chdir=nowhere", "plan"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("nowhere: it does not exist"), "{}", said.err);
}

#[test]
fn a_file_of_variables_that_cannot_be_read_is_an_error() {
    let desk = applied();
    for (name, text, word) in [
        ("gone.tfvars", None, "does not exist"),
        ("latin.tfvars", Some(&b"team = \"t\xe4m\"\n"[..]), "UTF-8"),
        ("broken.tfvars", Some(&b"team = [1,\n"[..]), "broken.tfvars"),
    ] {
        if let Some(text) = text {
            desk.write(name, text);
        }
        let said = desk.run(&["plan", "-var-file", name]);
        assert_eq!(said.code, 1, "{}", said.all());
        assert!(said.err.contains(word), "{}", said.err);
        nothing_is_planned(&said.out);
    }
}

/// A desk where the object of `apps/web/a.yaml` was applied.
fn manifests_applied(pattern: &str) -> Desk {
    let desk = Desk::new();
    desk.write(
        "main.hcl",
        format!("resource \"object\" \"app\" {{\n  for_each = manifests(\"{pattern}\")\n  manifest = each.value\n}}\n"),
    );
    desk.write("apps/web/a.yaml", MANIFEST);
    let said = desk.run(&["apply", "-auto-approve"]);
    assert_eq!(said.code, 0, "{}", said.all());
    desk
}

const MANIFEST: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n";

#[test]
fn link_to_a_folder_that_a_pattern_would_enter_is_an_error_and_not_a_deletion() {
    for pattern in ["apps/*/*.yaml", "apps/**/*.yaml", "**/*.yaml"] {
        let desk = manifests_applied(pattern);
        std::fs::rename(desk.dir().join("apps/web"), desk.dir().join("web-1")).unwrap();
        symlink("../web-1", desk.dir().join("apps/web")).unwrap();
        let other = MANIFEST.replace("team", "other");
        desk.write("apps/new/b.yaml", other);
        refused(
            &desk,
            &["File cannot be read", "`apps/web`", "link to a folder", "Put the folder"],
        );
        symlink("nowhere", desk.dir().join("apps/old")).unwrap();
        refused(&desk, &["`apps/old`", "leads nowhere", "Mend the link"]);
    }
}

#[test]
fn link_to_a_folder_that_no_pattern_enters_or_that_is_named_is_none_of_a_mistake() {
    let desk = manifests_applied("apps/w*/*.yaml");
    symlink("web", desk.dir().join("apps/latest")).unwrap();
    symlink("nowhere", desk.dir().join("apps/old")).unwrap();
    symlink("web", desk.dir().join("apps/.w-hidden")).unwrap();
    symlink("..", desk.dir().join("apps/web/up")).unwrap();
    let said = desk.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.all());
    let text = std::fs::read_to_string(desk.dir().join("main.hcl")).unwrap();
    desk.write("main.hcl", text.replace("w*/", "latest/"));
    let said = desk.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.all());
}

#[test]
fn name_that_is_not_utf_8_is_an_error_where_a_pattern_means_it() {
    let desk = manifests_applied("apps/*/*.yaml");
    let at = |name: &[u8]| desk.dir().join("apps").join(OsStr::from_bytes(name));
    for harmless in [&b"web/t\xe4m.txt"[..], b"web/.t\xe4m.yaml", b"t\xe4m.yaml"] {
        std::fs::write(at(harmless), MANIFEST).unwrap();
    }
    let said = desk.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.all());
    std::fs::rename(at(b"web/a.yaml"), at(b"web/\xe4.yaml")).unwrap();
    desk.write("apps/web/b.yaml", MANIFEST.replace("team", "other"));
    refused(
        &desk,
        &["File cannot be read", "`apps/web/\u{fffd}.yaml`", "is not UTF-8", "Rename it"],
    );
    std::fs::rename(at(b"web/\xe4.yaml"), at(b"web/a.yaml")).unwrap();
    std::fs::create_dir(at(b"t\xe4m")).unwrap();
    refused(&desk, &["`apps/t\u{fffd}m`", "is not UTF-8"]);
}

#[test]
fn link_to_a_file_that_is_gone_is_an_error_and_not_a_deletion() {
    let desk = manifests_applied("apps/web/*.yaml");
    desk.write("apps/web/b.yaml", MANIFEST.replace("team", "other"));
    std::fs::remove_file(desk.dir().join("apps/web/a.yaml")).unwrap();
    symlink("nowhere", desk.dir().join("apps/web/a.yaml")).unwrap();
    refused(&desk, &["`apps/web/a.yaml`", "leads nowhere", "main.hcl line 2"]);
}

#[test]
fn folder_that_cannot_be_looked_into_is_not_a_folder_without_files() {
    let desk = manifests_applied("apps/web/*.yaml");
    std::fs::rename(desk.dir().join("apps/web"), desk.dir().join("web-1")).unwrap();
    // A link that leads to itself cannot be followed, whoever asks.
    symlink("web", desk.dir().join("apps/web")).unwrap();
    refused(&desk, &["Files cannot be read", "`apps/web`: Too many levels of symbolic links"]);
}
