//! What commands do with the language itself: `console`, `fmt`, and files that expressions read.

use crate::support::Desk;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

/// What the program prints when this is its standard input, and its exit code.
fn fed(desk: &Desk, args: &[&str], input: &str) -> (String, Option<i32>) {
    let mut command = desk.command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

#[test]
fn the_console_answers_each_line_and_tells_scripts_of_mistakes() {
    let desk = Desk::new();
    desk.write("main.hcl", "locals {\n  size = 2\n}\nvariable \"key\" {\n  sensitive = true\n}\n");
    let args = ["console", "-var", "key=swordfish"];
    let (out, code) = fed(&desk, &args, "local.size + 1\n\nupper(\"x\")\nvar.key\n");
    assert_eq!((out.as_str(), code), ("3\n\"X\"\n(sensitive value)\n", Some(0)));
    let (out, code) = fed(&desk, &args, "local.sice\nlocal.size\nexit\n1\n");
    assert_eq!((out.as_str(), code), ("2\n", Some(1)));
}

#[test]
fn fmt_reads_the_standard_input_and_leaves_mistakes_alone() {
    let desk = Desk::new();
    assert_eq!(fed(&desk, &["fmt", "-"], "a=1\n"), ("a = 1\n".to_owned(), Some(0)));
    assert_eq!(fed(&desk, &["fmt", "-check", "-"], "a=1\n"), (String::new(), Some(3)));
    assert_eq!(fed(&desk, &["fmt", "-"], "a = [\n"), (String::new(), Some(1)));
}

#[test]
fn every_example_is_in_canonical_layout() {
    let desk = Desk::new();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let said = desk.run(&["fmt", "-check", "-recursive", examples]);
    assert_eq!((said.out.as_str(), said.code), ("", 0), "{}", said.all());
}

#[test]
fn a_saved_plan_holds_the_files_that_it_read() {
    let desk = Desk::new();
    desk.write("names/a.txt", "blue").write("names/b.txt", "green");
    desk.write(
        "main.hcl",
        "locals {\n  names = [for f in fileset(\"names\", \"*.txt\") : file(\"names/${f}\")]\n}\n\
         output \"names\" {\n  value = join(\",\", local.names)\n}\n",
    );
    let said = desk.run(&["plan", "-out=plan"]);
    assert_eq!(said.code, 0, "{}", said.all());
    desk.write("names/a.txt", "red").write("names/c.txt", "black");
    let said = desk.run(&["apply", "plan"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.out.contains("names = \"blue,green\""), "{}", said.all());
}

#[cfg(unix)]
#[test]
fn a_link_does_not_lead_out_of_the_configuration() {
    let desk = Desk::new();
    let secret = desk.dir().parent().unwrap().join("secret.txt");
    std::fs::write(&secret, "swordfish").unwrap();
    std::os::unix::fs::symlink(&secret, desk.dir().join("link.txt")).unwrap();
    for path in ["link.txt", "../secret.txt", "./../secret.txt", "x/../../secret.txt"] {
        desk.write("main.hcl", format!("output \"x\" {{\n  value = file(\"{path}\")\n}}\n"));
        let said = desk.run(&["plan"]);
        assert_eq!(said.code, 1, "{path}: {}", said.all());
        assert!(!said.all().contains("swordfish"), "{path}: {}", said.all());
    }
    desk.write("main.hcl", "output \"x\" {\n  value = fileset(\".\", \"../*.txt\")\n}\n");
    assert_eq!(desk.run(&["plan"]).code, 1);
}

/// A text in quotes, as the language wants it.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => write!(out, "\\u{:04x}", u32::from(c)).unwrap(),
            c => out.push(c),
        }
    }
    out.replace("${", "$${").replace("%{", "%%{") + "\""
}

/// The public list of strings that break programs, as values of an object: laid out, planned and
/// applied, they are the same again.
#[test]
fn naughty_strings_are_applied_and_found_again() {
    let Some(corpora) = std::env::var_os("CLINCH_CORPORA") else {
        println!("SKIPPED naughty strings: CLINCH_CORPORA is not set");
        return;
    };
    let file = std::path::Path::new(&corpora).join("naughty-strings/blns.json");
    let strings: Vec<String> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let mut text = String::from(
        "resource \"config_map\" \"x\" {\n  namespace = \"default\"\n  name = \"x\"\n  data = {\n",
    );
    for (i, string) in strings.iter().enumerate() {
        writeln!(text, "    k{i} = {}", quoted(string)).unwrap();
    }
    text.push_str("  }\n}\n");
    let desk = Desk::new();
    desk.write("main.hcl", text);
    for (args, says) in [
        (&["fmt"][..], "main.hcl"),
        (&["fmt", "-check"], ""),
        (&["validate"], "Success!"),
        (&["apply", "-auto-approve"], "1 added"),
        (&["plan", "-detailed-exitcode"], "No changes."),
    ] {
        let said = desk.run(args);
        assert_eq!(said.code, 0, "{args:?}: {}", said.all().chars().take(2000).collect::<String>());
        assert!(said.out.contains(says), "{args:?}");
    }
    let there = desk.look("v1", "ConfigMap", "default", "x");
    let same = |i: &usize| there["data"][format!("k{i}")] == strings[*i].as_str();
    let kept = (0..strings.len()).filter(same).count();
    // Texts are kept in one normal form, so those in another are not the same bytes.
    assert!(kept + 20 > strings.len(), "{kept} of {} are the same", strings.len());
}
