use super::*;
use crate::container_runtime::record::Record;

const FILE: &str = r#"# By hand.
version = 2   # of the schema
imports = ["/etc/containerd/conf.d/*.toml"]

[plugins]
  # Images.
  [plugins."io.containerd.grpc.v1.cri"]
    sandbox_image = 'registry.k8s.io/pause:3.9'  # kubeadm's
    # Last words of this section.

    [plugins."io.containerd.grpc.v1.cri".containerd]
      default_runtime_name = "runc"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
        runtime_type = "io.containerd.runc.v2"

# The end.
"#;

fn way(text: &str) -> Way {
    text.split(' ').map(Arc::from).collect()
}

fn cri(inner: &str) -> Way {
    way(&format!("plugins io.containerd.grpc.v1.cri {inner}"))
}

/// The text with these settings, and that text with what was there before.
fn there_and_back(text: &str, settings: &[(Way, Value)]) -> (String, String) {
    let live = read(text).unwrap();
    let none = Record::none("shop", "/etc/c.toml").ours;
    let ours = none.with(&live, settings);
    let all: Vec<&Way> = settings.iter().map(|(way, _)| way).collect();
    let there = edited(text, &none.wanted(&live, settings), &all).unwrap();
    let now = read(&there).unwrap();
    let back = edited(&there, &ours.wanted(&now, &[]), &all).unwrap();
    (there, back)
}

/// The lines that are only in one of two texts.
fn diff(old: &str, new: &str) -> String {
    let (a, b): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let gone = a.iter().filter(|line| !b.contains(line)).map(|line| format!("-{line}\n"));
    let new = b.iter().filter(|line| !a.contains(line)).map(|line| format!("+{line}\n"));
    gone.chain(new).collect()
}

#[test]
fn one_value_is_another_and_all_else_stays_byte_for_byte() {
    let settings = [(cri("sandbox_image"), "registry.k8s.io/pause:3.10.2".into())];
    let (there, back) = there_and_back(FILE, &settings);
    assert_eq!(
        there,
        FILE.replace("'registry.k8s.io/pause:3.9'", "\"registry.k8s.io/pause:3.10.2\"")
    );
    assert_eq!(
        diff(FILE, &back),
        "-    sandbox_image = 'registry.k8s.io/pause:3.9'  # kubeadm's\n+    sandbox_image = \"registry.k8s.io/pause:3.9\"  # kubeadm's\n"
    );
}

#[test]
fn new_settings_go_where_their_section_is_and_leave_no_trace() {
    let runc = "containerd runtimes runc";
    let settings = [
        (cri("max_concurrent_downloads"), 5_i64.into()),
        (cri(&format!("{runc} options SystemdCgroup")), true.into()),
        (cri("registry config_path"), "/etc/containerd/certs.d".into()),
        (way("root"), "/data".into()),
    ];
    let (there, back) = there_and_back(FILE, &settings);
    let expected = FILE
        .replace("conf.d/*.toml\"]\n", "conf.d/*.toml\"]\nroot = \"/data\"\n")
        .replace("# kubeadm's\n", "# kubeadm's\n    max_concurrent_downloads = 5\n")
        + "\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\n  \
           SystemdCgroup = true\n\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\n  \
           config_path = \"/etc/containerd/certs.d\"\n";
    assert_eq!(there, expected);
    assert_eq!(back, FILE);
}

#[test]
fn line_ends_a_mark_and_a_missing_last_break_stay() {
    for text in [
        FILE.replace('\n', "\r\n"),
        format!("\u{feff}{FILE}"),
        "version = 2\n[ plugins . 'io.containerd.grpc.v1.cri' ]\n\tsandbox_image=\"a\"".to_owned(),
    ] {
        let settings =
            [(cri("sandbox_image"), "b".into()), (cri("max_concurrent_downloads"), 5_i64.into())];
        let (there, back) = there_and_back(&text, &settings);
        assert_eq!(there.contains("\r\n"), text.contains("\r\n"));
        assert_eq!(there.starts_with('\u{feff}'), text.starts_with('\u{feff}'));
        assert!(!there.replace("\r\n", "").contains('\r'));
        let plain = |text: &str| text.replace(['\'', '"'], "").trim_end().to_owned();
        assert_eq!(plain(&back), plain(&text));
    }
}

#[test]
fn empty_file_gets_its_sections_and_is_empty_again() {
    let settings = [(way("version"), 2_i64.into()), (cri("registry config_path"), "/etc/c".into())];
    let (there, back) = there_and_back("", &settings);
    assert_eq!(
        there,
        "version = 2\n\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\n  config_path = \"/etc/c\"\n"
    );
    assert_eq!(back, "");
    let comments = "# nothing\n#   yet";
    let (there, back) = there_and_back(comments, &settings[..1]);
    assert_eq!(
        (there.as_str(), back.as_str()),
        ("# nothing\n#   yet\nversion = 2\n", "# nothing\n#   yet\n")
    );
}

#[test]
fn a_section_that_was_empty_before_stays() {
    let text = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\n# none\n[grpc]\n";
    let (there, back) = there_and_back(text, &[(cri("registry config_path"), "/etc/c".into())]);
    assert_eq!(diff(text, &there), "+  config_path = \"/etc/c\"\n");
    assert_eq!(back, text);
}

#[test]
fn tables_in_braces_and_dotted_keys_are_edited_too() {
    let text = "version = 2 # two\nplugins = { \"io.containerd.grpc.v1.cri\" = { sandbox_image = \"a\" } }\n";
    let settings = [(cri("sandbox_image"), "b".into()), (cri("registry config_path"), "/c".into())];
    let (there, back) = there_and_back(text, &settings);
    assert!(
        there.starts_with("version = 2 # two\n") && there.contains("sandbox_image = \"b\""),
        "{there}"
    );
    assert_eq!(bare(&read(&back).unwrap()), bare(&read(text).unwrap()));
    let text = "plugins.\"io.containerd.grpc.v1.cri\".sandbox_image = \"a\"\nversion = 2\n";
    let (there, back) = there_and_back(text, &settings);
    assert!(there.contains(".sandbox_image = \"b\""), "{there}");
    assert_eq!(bare(&read(&back).unwrap()), bare(&read(text).unwrap()));
}

#[test]
fn what_is_no_toml_is_said_with_its_line_and_nothing_of_it() {
    let wrong = read("version = 2\npassword = \"hunter2\nx = 1\n").unwrap_err();
    assert!(wrong.starts_with("is no TOML: line 2: "), "{wrong}");
    assert!(!wrong.contains("hunter2"), "{wrong}");
    for text in ["\0", "[a]\n[a]\n", "a = 1\na = 2", "\u{202e}"] {
        assert!(read(text).is_err(), "{text:?}");
    }
}
