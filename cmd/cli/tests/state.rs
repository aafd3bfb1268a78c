//! What is remembered: lost, damaged, locked, edited.

use crate::files::nothing_is_planned;
use crate::support::Desk;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const TEAM: &str = "\
resource \"namespace\" \"team\" {
  name = \"team\"
}

resource \"config_map\" \"settings\" {
  namespace = namespace.team.name
  name      = \"settings\"
  data      = { colour = \"blue\" }
}
";

fn applied() -> Desk {
    let desk = Desk::new();
    desk.write("main.hcl", TEAM);
    let said = desk.run(&["apply", "-auto-approve"]);
    assert_eq!(said.code, 0, "{}", said.all());
    desk
}

/// Every command refuses this state, and leaves it as it is.
#[track_caller]
fn distrusted(desk: &Desk, bytes: &[u8], word: &str) {
    let path = desk.data().join("state.json");
    std::fs::write(&path, bytes).unwrap();
    for args in [
        &["plan"][..],
        &["drift"],
        &["apply", "-auto-approve"],
        &["destroy", "-auto-approve"],
        &["state", "list"],
        &["output"],
        &["show"],
    ] {
        let said = desk.run(args);
        assert_eq!(said.code, 1, "{args:?}\n{}", said.all());
        assert!(said.err.contains(word), "{args:?}: `{word}` is not in\n{}", said.err);
        nothing_is_planned(&said.out);
        assert!(std::fs::read(&path).unwrap() == bytes, "{args:?} wrote the state");
    }
}

#[test]
fn a_truncated_state_is_an_error_wherever_it_ends() {
    let desk = applied();
    let path = desk.data().join("state.json");
    let whole = std::fs::read(&path).unwrap();
    distrusted(&desk, &whole[..whole.len() / 2], "State cannot be trusted");
    // Every byte is tried where states are read; here a sample through the whole program.
    for n in (0..whole.len() - 1).step_by(97) {
        std::fs::write(&path, &whole[..n]).unwrap();
        let said = desk.run(&["plan"]);
        assert_eq!(said.code, 1, "{n} bytes of {}: {}", whole.len(), said.all());
        nothing_is_planned(&said.out);
    }
}

#[test]
fn a_flipped_bit_in_the_state_is_found() {
    let desk = applied();
    let path = desk.data().join("state.json");
    let whole = std::fs::read(&path).unwrap();
    for n in (0..whole.len() - 1).step_by(101) {
        let mut bytes = whole.clone();
        bytes[n] ^= 0x04;
        std::fs::write(&path, &bytes).unwrap();
        let said = desk.run(&["plan"]);
        assert_eq!(said.code, 1, "byte {n} of {}: {}", whole.len(), said.all());
        nothing_is_planned(&said.out);
    }
}

#[test]
fn a_state_of_a_newer_version_is_left_alone() {
    let desk = applied();
    let text = std::fs::read_to_string(desk.data().join("state.json")).unwrap();
    let newer = text.replacen("\"version\":1", "\"version\":9", 1);
    assert_ne!(text, newer);
    distrusted(&desk, newer.as_bytes(), "cannot be");
}

#[test]
fn a_lost_state_is_rebuilt_from_the_marks_on_the_objects() {
    let desk = applied();
    std::fs::remove_file(desk.data().join("state.json")).unwrap();
    let said = desk.run(&["state", "rebuild"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.out.contains("Remembered namespace.team."), "{}", said.out);
    let said = desk.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(desk.run(&["state", "list"]).out, "config_map.settings\nnamespace.team\n");
}

#[test]
fn a_rebuilt_state_knows_what_nothing_declares_any_more() {
    let desk = applied();
    std::fs::remove_file(desk.data().join("state.json")).unwrap();
    desk.write("main.hcl", "resource \"namespace\" \"team\" {\n  name = \"team\"\n}\n");
    let said = desk.run(&["state", "rebuild"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.out.contains("1 declared, 1 not declared"), "{}", said.out);
    let said = desk.run(&["plan"]);
    assert!(said.out.contains("0 to add, 0 to change, 1 to destroy"), "{}", said.out);
}

#[test]
fn the_lock_of_a_living_process_is_respected_and_names_it() {
    let desk = applied();
    desk.write("main.hcl", TEAM.replace("blue", "green"));
    // It waits for an answer, and holds the lock meanwhile.
    let mut holder = desk.command(&["apply", "-input=true"]);
    holder.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut holder = holder.spawn().unwrap();
    let mut talk = BufReader::new(holder.stderr.take().unwrap()).lines();
    assert!(talk.any(|l| l.unwrap().contains("Only 'yes' will be accepted")));

    let said = desk.run(&["apply", "-auto-approve"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.err.contains(&holder.id().to_string()), "{}", said.err);
    assert!(said.err.contains("ada"), "{}", said.err);
    let said = desk.run(&["state", "rm", "namespace.team"]);
    assert_eq!(said.code, 1, "{}", said.all());
    let said = desk.run(&["apply", "-auto-approve", "-lock-timeout=1s"]);
    assert_eq!(said.code, 1, "{}", said.all());

    holder.kill().unwrap();
    holder.wait().unwrap();
    // The lock of a dead process is no lock.
    let said = desk.run(&["apply", "-auto-approve"]);
    assert_eq!(said.code, 0, "{}", said.all());
}

#[test]
fn a_lock_file_that_a_dead_process_left_is_no_lock() {
    let desk = applied();
    let about =
        r#"{"pid":999999999,"host":"elsewhere","user":"bob","operation":"apply","since":0}"#;
    desk.write(".clinch/lock", "").write(".clinch/lock.json", about);
    desk.write("main.hcl", TEAM.replace("blue", "green"));
    let said = desk.run(&["apply", "-auto-approve"]);
    assert_eq!(said.code, 0, "{}", said.all());
}

#[test]
fn a_duration_without_a_unit_is_refused() {
    let said = applied().run(&["apply", "-auto-approve", "-lock-timeout=5"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.err.contains("`5` is not a duration"), "{}", said.err);
}

#[test]
fn records_are_listed_shown_moved_and_forgotten() {
    let desk = applied();
    assert_eq!(desk.run(&["state", "list"]).out, "config_map.settings\nnamespace.team\n");
    let shown = desk.run(&["state", "show", "namespace.team"]);
    assert!(shown.out.contains("\"Namespace team\""), "{}", shown.out);

    let moved = desk.run(&["state", "mv", "namespace.team", "namespace.other"]);
    assert_eq!(moved.out, "Moved namespace.team to namespace.other.\n");
    let said = desk.run(&["state", "mv", "namespace.other", "config_map.settings"]);
    assert_eq!(said.code, 1, "an address has one object: {}", said.all());

    let gone = desk.run(&["state", "rm", "namespace.other", "config_map.settings"]);
    assert_eq!(gone.code, 0, "{}", gone.all());
    assert!(gone.out.contains("its object stays as it is"), "{}", gone.out);
    assert_eq!(desk.run(&["state", "list"]).out, "");
    let object = desk.look("v1", "ConfigMap", "team", "settings");
    assert_eq!(object["data"]["colour"], "blue");

    for args in [&["state", "show", "namespace.team"], &["state", "rm", "namespace.team"]] {
        let said = desk.run(args);
        assert_eq!(said.code, 1);
        assert!(said.err.contains("remembers no `namespace.team`"), "{}", said.err);
    }
    let said = desk.run(&["state", "show", "name space"]);
    assert!(said.err.contains("Invalid address"), "{}", said.err);
}

#[test]
fn objects_that_were_forgotten_are_recognised_by_their_marks() {
    let desk = applied();
    assert_eq!(desk.run(&["state", "rm", "config_map.settings"]).code, 0);
    let said = desk.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.all());
}

#[test]
fn a_state_of_another_cluster_is_not_used() {
    let desk = applied();
    std::fs::remove_dir_all(desk.data().join("sandbox")).unwrap();
    let said = desk.run(&["plan"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.err.contains("State belongs to another cluster"), "{}", said.err);
    nothing_is_planned(&said.out);
}

#[test]
fn a_secret_is_in_no_file_but_the_cluster() {
    let desk = Desk::new();
    desk.write(
        "main.hcl",
        format!(
            "variable \"password\" {{\n  sensitive = true\n}}\n\n{}\n\
             output \"password\" {{\n  value     = var.password\n  sensitive = true\n}}\n",
            TEAM.replace("\"blue\"", "var.password")
        ),
    );
    let secret = "swordfish-4711";
    let var = format!("password={secret}");
    for args in [
        &["plan", "-out=tfplan", "-var", &var][..],
        &["plan", "-json", "-var", &var],
        &["apply", "-var", &var, "tfplan"],
        &["show", "tfplan"],
        &["show", "-json", "tfplan"],
        &["show"],
        &["show", "-json"],
        &["output", "-json"],
        &["state", "show", "config_map.settings"],
        &["plan", "-var", "password=marlin"],
        &["apply", "-json", "-auto-approve", "-var", "password=marlin"],
        &["drift", "-json", "-var", &var],
    ] {
        let said = desk.run(args);
        assert!(said.code == 0 || said.code == 2, "{args:?}\n{}", said.all());
        assert!(!said.all().contains(secret), "{args:?}\n{}", said.all());
        assert!(!said.all().contains("marlin"), "{args:?}\n{}", said.all());
    }
    let object = desk.look("v1", "ConfigMap", "team", "settings");
    assert_eq!(object["data"]["colour"], "marlin");
    let mut looked = 0;
    let mut open = vec![desk.dir()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // The sandbox is the cluster; it holds what was applied to it.
            if path.is_dir() && !path.ends_with("sandbox") {
                open.push(path);
            } else if path.is_file() {
                let bytes = std::fs::read(&path).unwrap();
                let text = String::from_utf8_lossy(&bytes);
                assert!(!text.contains(secret) && !text.contains("marlin"), "{}", path.display());
                looked += 1;
            }
        }
    }
    assert!(looked >= 5, "only {looked} files");
}
