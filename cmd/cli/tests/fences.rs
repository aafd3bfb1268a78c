//! Hosts that know which run worked there last.

use crate::support::Desk;
use std::path::PathBuf;

fn configuration(text: &str) -> String {
    format!(
        "clinch {{\n  state \"cluster\" {{}}\n}}\n\nresource \"host_file\" \"motd\" {{\n  node    = \
         \"worker-1\"\n  path    = \"/etc/motd\"\n  content = \"{text}\\n\"\n}}\n"
    )
}

fn host(desk: &Desk) -> PathBuf {
    desk.data().join("sandbox/hosts/worker-1")
}

/// The file in which the host keeps the number of the last run.
fn fence(desk: &Desk) -> PathBuf {
    let kept = std::fs::read_dir(host(desk).join("var/lib/clinch/fences")).unwrap();
    let mut kept = kept.map(|entry| entry.unwrap().path()).filter(|p| p.extension().is_none());
    let only = kept.next().unwrap();
    assert_eq!(kept.next(), None);
    only
}

fn motd(desk: &Desk) -> String {
    std::fs::read_to_string(host(desk).join("etc/motd")).unwrap()
}

#[test]
fn l3_a_host_on_which_a_later_run_was_is_not_changed_and_the_way_out_is_said() {
    let desk = Desk::new();
    let apply = |text: &str| {
        desk.write("main.hcl", configuration(text));
        desk.run(&["apply", "-auto-approve"])
    };
    assert_eq!(apply("one").code, 0);
    let fence = fence(&desk);
    let kept = std::fs::read_to_string(&fence).unwrap();
    let lines: Vec<&str> = kept.lines().collect();
    assert_eq!((lines[0], lines[3]), ("clinch fence 1", "project team"), "{kept}");
    assert!(lines[2].starts_with("holder ada@"), "{kept}");

    // Somebody followed this run, as far as the host knows.
    let later = "number 999999999999\nholder ben@lap/7/run-9";
    std::fs::write(&fence, kept.replace(&format!("{}\n{}", lines[1], lines[2]), later)).unwrap();
    let refused = apply("two");
    assert_eq!((refused.code, motd(&desk).as_str()), (1, "one\n"), "{refused:?}");
    for said in [
        "A later run works on the host",
        "Host `worker-1` was worked on by ben@lap/7/run-9 since then, under number 999999999999;",
        "host_file.motd",
    ] {
        assert!(unwrapped(&refused.all()).contains(said), "{said}: {}", refused.all());
    }
    // Looking is free.
    assert_eq!(desk.run(&["plan"]).code, 0);

    std::fs::write(&fence, "clinch fence 1\nnumber 9").unwrap();
    let refused = apply("two");
    assert_eq!((refused.code, motd(&desk).as_str()), (1, "one\n"), "{refused:?}");
    assert!(refused.all().contains("Who worked on a host last cannot be told"), "{refused:?}");

    // As the help says, once nobody works there.
    let path = fence.strip_prefix(host(&desk)).unwrap().display().to_string();
    let help = format!("remove `/{path}` there");
    assert!(unwrapped(&refused.all()).contains(&help), "{help}: {}", refused.all());
    std::fs::remove_file(&fence).unwrap();
    let done = apply("two");
    assert_eq!((done.code, motd(&desk).as_str()), (0, "two\n"), "{done:?}");
}

/// Without the frame and the line breaks of a diagnostic.
fn unwrapped(said: &str) -> String {
    said.lines().map(|line| line.trim_matches(['│', ' '])).collect::<Vec<_>>().join(" ")
}
