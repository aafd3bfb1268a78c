//! What was said, without what differs from run to run.

use regex::{Captures, Regex};
use std::sync::LazyLock;

static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let letters = "[bcdfghjklmnpqrstvwxz2456789]";
    let rules = [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}".to_owned(), "UID"),
        (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z".to_owned(), "TIME"),
        (r"\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}".to_owned(), "TIME"),
        (r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000( UTC)?".to_owned(), "TIME"),
        (r"/tmp/(LIVE|MERGED)-\d+".to_owned(), "/tmp/${1}"),
        (r"^W\d{4} \S+ +\d+ (\w+)\.go:\d+\]".to_owned(), "W ${1}.go]"),
        (r"Resource Version: +\d+".to_owned(), "Resource Version:  VERSION"),
        (r#"("?resourceVersion"?: ?)"\d+""#.to_owned(), "${1}\"VERSION\""),
        (r"\b10\.\d+\.\d+\.\d+(/\d+)?\b".to_owned(), "IP"),
        (format!("-{letters}{{8,10}}-{letters}{{5}}\\b"), "-HASH-POD"),
        (format!("\\b(web|solo)-{letters}{{8,10}}\\b"), "${1}-HASH"),
        (r"pod-template-hash([=:] ?)[a-z0-9]+".to_owned(), "pod-template-hash${1}HASH"),
        (r"https?://127\.0\.0\.1:\d+".to_owned(), "SERVER"),
    ];
    rules.into_iter().map(|(rule, by)| (Regex::new(&rule).unwrap(), by)).collect()
});

static AGE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(^|\s)(\d+d)?(\d+h)?(\d+m)?\d+s(\s|$)").unwrap());

static GAP: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\S)(?: {2,}|\t+ *)").unwrap());

/// A server that looks over the addresses of services in the very moment in which one is made
/// says so, and mends nothing.
static REPAIR: LazyLock<Regex> = LazyLock::new(|| {
    let event = r"  Warning  ClusterIPNotAllocated  AGE  ipallocator-repair-controller  .*\n";
    Regex::new(&format!(r"Events:\n  Type  .*\n  ----  .*\n(?:{event})+(  |)")).unwrap()
});

/// The text as it would be said on any server at any time; `own` is what only this run has.
pub(super) fn plain(text: &str, own: &str) -> String {
    let text = text.replace(own, "OWN");
    let text: String = text.lines().map(|text| line(text) + "\n").collect();
    let none = |found: &Captures<'_>| match &found[1] {
        "" => "Events:  <none>\n".to_owned(),
        // Other events follow.
        _ => found[0].to_owned(),
    };
    REPAIR.replace_all(&text, none).into_owned()
}

fn line(text: &str) -> String {
    let mut text = text.to_owned();
    for (rule, by) in RULES.iter() {
        text = rule.replace_all(&text, *by).into_owned();
    }
    let age = |found: &Captures<'_>| format!("{}AGE{}", &found[1], &found[5]);
    text = AGE.replace_all(&text, age).into_owned();
    // The width of a column follows from what was replaced.
    GAP.replace_all(&text, "$1  ").trim_end().to_owned()
}

#[test]
fn what_differs_from_run_to_run_has_one_name() {
    #[track_caller]
    fn check(said: &str, want: &str) {
        assert_eq!(plain(said, "t42x"), format!("{want}\n"));
    }
    check("web-t42x   1/1    12s", "web-OWN  1/1  AGE");
    check("web-5d4f8c9c6b-x2x8k   1/1   2m3s", "web-HASH-POD  1/1  AGE");
    check("    resourceVersion: \"417\"", "    resourceVersion: \"VERSION\"");
    check("error: timed out after 10s, sorry", "error: timed out after 10s, sorry");
    let repair =
        "Warning  ClusterIPNotAllocated  2s  ipallocator-repair-controller  Cluster IP is not";
    let head =
        "Events:\n  Type     Reason  Age  From  Message\n  ----     ------  ----  ----  -------\n";
    check(&format!("{head}  {repair}"), "Events:  <none>");
}
