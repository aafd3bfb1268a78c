//! A transcript: files, and commands with what they say, in the middle of words for people.
//!
//! A block of `yaml` or `sh` with a name is a file. In a block of `console`, a line after `$ ` is a
//! command, and what follows is what it says on the sandbox. Then may come, where something else
//! is said: `[older]` with what an older kubectl says there, and `[real: why]` or
//! `[real older: why]` with what is said on a real control plane.

use std::fmt::Write as _;

pub(super) struct Transcript {
    parts: Vec<Part>,
}

enum Part {
    /// Words, and everything else that stays as it is.
    Text(String),
    File {
        name: String,
        text: String,
    },
    Line(Line),
}

/// A command, and what it says where.
struct Line {
    command: String,
    said: Vec<(String, String)>,
}

pub(super) struct File<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

/// What the commands of a transcript said, with the newer and the older kubectl.
pub(super) struct Heard {
    pub(super) sandbox: Vec<(bool, Vec<String>)>,
    pub(super) real: Vec<(bool, Vec<String>)>,
}

impl Transcript {
    pub(super) fn parse(text: &str) -> Self {
        let mut parts = vec![Part::Text(String::new())];
        let mut fence: Option<&str> = None;
        for line in text.split_inclusive('\n') {
            let bare = line.trim_end();
            match (fence, bare.strip_prefix("```")) {
                (None, Some(language)) => {
                    fence = Some(language);
                    push(&mut parts, line);
                    if let Some((_, name)) = language.split_once(' ') {
                        parts.push(Part::File { name: name.to_owned(), text: String::new() });
                    }
                }
                (Some(_), Some("")) => {
                    fence = None;
                    parts.push(Part::Text(line.to_owned()));
                }
                (Some("console"), _) => console(&mut parts, line),
                (_, _) => push(&mut parts, line),
            }
        }
        Self { parts }
    }

    pub(super) fn files(&self) -> impl Iterator<Item = File<'_>> {
        self.parts.iter().filter_map(|part| match part {
            Part::File { name, text } => Some(File { name, text }),
            Part::Text(_) | Part::Line(_) => None,
        })
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.commands().map(|line| line.command.as_str())
    }

    /// The commands that say something else on a real control plane.
    pub(super) fn differing(&self) -> impl Iterator<Item = &str> {
        let differs = |line: &&Line| line.said.iter().any(|(head, _)| head.starts_with("real"));
        self.commands().filter(differs).map(|line| line.command.as_str())
    }

    fn commands(&self) -> impl Iterator<Item = &Line> {
        self.parts.iter().filter_map(|part| match part {
            Part::Line(line) => Some(line),
            Part::Text(_) | Part::File { .. } => None,
        })
    }

    /// The transcript with what was heard in the place of what it shows.
    pub(super) fn heard(&self, heard: &Heard, unexplained: &str) -> String {
        let mut out = String::new();
        let mut number = 0;
        for part in &self.parts {
            match part {
                Part::Text(text) | Part::File { text, .. } => out.push_str(text),
                Part::Line(line) => {
                    out.push_str(&line.heard(heard, number, unexplained));
                    number += 1;
                }
            }
        }
        out
    }
}

fn push(parts: &mut Vec<Part>, line: &str) {
    match parts.last_mut() {
        Some(Part::Text(text) | Part::File { text, .. }) => text.push_str(line),
        Some(Part::Line(_)) | None => parts.push(Part::Text(line.to_owned())),
    }
}

fn console(parts: &mut Vec<Part>, line: &str) {
    if let Some(command) = line.strip_prefix("$ ") {
        let said = vec![(String::new(), String::new())];
        parts.push(Part::Line(Line { command: command.trim_end().to_owned(), said }));
        return;
    }
    let Some(Part::Line(current)) = parts.last_mut() else { return push(parts, line) };
    let head = line.trim_end().strip_prefix('[').and_then(|line| line.strip_suffix(']'));
    match head.filter(|head| head.starts_with("older") || head.starts_with("real")) {
        Some(head) => current.said.push((head.to_owned(), String::new())),
        None => current.said.last_mut().unwrap().1.push_str(line),
    }
}

impl Line {
    /// What is shown under a head that begins like this, and the head.
    fn shown(&self, head: &str) -> Option<&(String, String)> {
        self.said.iter().find(|(said, _)| said.split(':').next() == Some(head))
    }

    fn heard(&self, heard: &Heard, number: usize, unexplained: &str) -> String {
        let new = |runs: &[(bool, Vec<String>)], wanted: bool| {
            runs.iter().find(|(older, _)| *older == wanted).map(|(_, said)| said[number].clone())
        };
        let kept = |head: &str| self.shown(head).map(|(_, text)| text.clone());
        // What nobody asked now stays as it was.
        let plain = new(&heard.sandbox, false).or_else(|| kept("")).unwrap_or_default();
        let older = match new(&heard.sandbox, true) {
            Some(text) => text,
            None => kept("older").unwrap_or_else(|| plain.clone()),
        };
        let real = match new(&heard.real, false) {
            Some(text) => text,
            None => kept("real").unwrap_or_else(|| plain.clone()),
        };
        let as_expected = if real == plain { &older } else { &real };
        let real_older = match new(&heard.real, true) {
            Some(text) => text,
            None => kept("real older").unwrap_or_else(|| as_expected.clone()),
        };
        let mut out = format!("$ {}\n{plain}", self.command);
        let mut add = |head: &str, text: &str, needs_reason: bool| {
            let shown = self.shown(head).map(|(head, _)| head.clone());
            let new = if needs_reason { format!("{head}: {unexplained}") } else { head.to_owned() };
            // Writing to a string cannot fail.
            let _ = write!(out, "[{}]\n{text}", shown.unwrap_or(new));
        };
        if older != plain {
            add("older", &older, false);
        }
        if real != plain {
            add("real", &real, true);
        }
        if real_older != *as_expected {
            add("real older", &real_older, true);
        }
        out
    }
}

#[test]
fn transcript_is_printed_as_it_was_read_when_nothing_else_is_heard() {
    let text = "# Title\n\n```yaml a.yaml\nkind: x\n```\n\nWords.\n\n```console\n$ kubectl get x\nNAME\nx\n[older]\nold\n[real: slow]\nreal\n[real older: older]\nboth\n$ true\n```\n";
    let transcript = Transcript::parse(text);
    assert_eq!(transcript.lines().collect::<Vec<_>>(), ["kubectl get x", "true"]);
    assert_eq!(transcript.files().map(|file| file.name).collect::<Vec<_>>(), ["a.yaml"]);
    let nothing = Heard { sandbox: Vec::new(), real: Vec::new() };
    assert_eq!(transcript.heard(&nothing, "?"), text);
}

#[test]
fn difference_is_shown_and_wants_a_reason() {
    let transcript = Transcript::parse("```console\n$ a\nold\n[real: because]\nx\n```\n");
    let said = |text: &str| vec![(false, vec![text.to_owned()])];
    let hear = |sandbox: &str, real: &str| {
        transcript.heard(&Heard { sandbox: said(sandbox), real: said(real) }, "?")
    };
    assert_eq!(hear("1\n", "1\n"), "```console\n$ a\n1\n```\n");
    assert_eq!(hear("1\n", "2\n"), "```console\n$ a\n1\n[real: because]\n2\n```\n");
    let bare = Transcript::parse("```console\n$ a\n```\n");
    let heard = Heard { sandbox: said("1\n"), real: said("2\n") };
    assert_eq!(bare.heard(&heard, "?"), "```console\n$ a\n1\n[real: ?]\n2\n```\n");
}
