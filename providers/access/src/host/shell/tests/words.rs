//! Words reach a program as they are.

use crate::host::shell::quote::{line, quote};
use std::borrow::Cow;
use std::process::Command;

/// What shells, people and attackers write.
const ODD: &[&str] = &[
    "",
    " ",
    "it's",
    "''",
    "'\\''",
    "a\nb",
    "$HOME",
    "${IFS}",
    "`id`",
    "$(id)",
    "; rm -rf /",
    "&& true",
    "| cat",
    "> /dev/null",
    "*",
    "?",
    "[a-z]",
    "~",
    "~root",
    "!!",
    "!$",
    "#",
    "-n",
    "--help",
    "\\",
    "\\\\",
    "\\n",
    "a\tb",
    "\u{1b}[31m",
    "\r",
    "\u{7f}",
    "\u{202e}",
    "é",
    "\u{1f4a9}",
    "%s%n",
    "{a,b}",
    "a=b",
    "\"",
    "\"'\"'",
];

/// The strings of the "Big List of Naughty Strings", where the tests have it.
pub(super) fn naughty() -> Vec<String> {
    let Some(corpora) = std::env::var_os("CLINCH_CORPORA") else {
        eprintln!("SKIPPED naughty strings: CLINCH_CORPORA is not set");
        return Vec::new();
    };
    let folder = std::path::Path::new(&corpora);
    let file = std::fs::read_to_string(folder.join("naughty-strings/blns.json"));
    let list: Vec<String> =
        file.ok().and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default();
    assert!(!list.is_empty(), "the list of naughty strings cannot be read");
    let usable: Vec<String> = list.iter().filter(|s| !s.contains('\0')).cloned().collect();
    eprintln!("ORACLE naughty strings: {}/{} of {}", usable.len(), usable.len(), list.len());
    usable
}

#[test]
fn every_shell_gives_a_program_each_word_as_it_is() {
    let words: Vec<String> = ODD.iter().map(|w| (*w).to_owned()).chain(naughty()).collect();
    for shell in [&["sh"][..], &["dash"], &["bash"], &["busybox", "sh"]] {
        for words in words.chunks(100) {
            let printf = ["printf", "%s\\0"].map(Cow::Borrowed);
            let all = printf.into_iter().chain(words.iter().map(|w| Cow::Borrowed(w.as_str())));
            let mut command = Command::new(shell[0]);
            let ran = command.args(&shell[1..]).arg("-c").arg(line(all)).output();
            let Ok(ran) = ran else {
                eprintln!("SKIPPED {shell:?}: it is not installed");
                break;
            };
            let expected: Vec<u8> =
                words.iter().flat_map(|w| [w.as_bytes(), b"\0"].concat()).collect();
            assert!(ran.stdout == expected, "{shell:?}: {}", String::from_utf8_lossy(&ran.stderr));
        }
    }
}

#[test]
fn a_quote_ends_the_quotes_and_nothing_else_does() {
    assert_eq!(quote("it's $HOME"), r"'it'\''s $HOME'");
    assert_eq!(quote(""), "''");
}
