//! What a script said, understood.

use super::script::MARK;
use crate::host::{
    Answer, Ask, Entry, EntryKind, FileOnHost, HostError, LONGEST_FILE, LONGEST_LOOK, Output,
};
use std::time::Duration;

/// A part of what a script said: a line of its own, and what follows up to the next.
struct Part<'a> {
    head: String,
    body: &'a [u8],
}

/// The parts that begin with this mark. What comes before the first is the login's own talk.
fn parts<'a>(said: &'a [u8], mark: &str) -> Vec<Part<'a>> {
    let mark = format!("\n{mark} ").into_bytes();
    let mut starts: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(next) = said[at..].iter().position(|b| *b == b'\n').map(|i| at + i) {
        let found = said[next..].starts_with(&mark);
        if found {
            starts.push(next);
        }
        at = next + if found { mark.len() } else { 1 };
    }
    let part = |(i, start): (usize, &usize)| {
        let end = starts.get(i + 1).copied().unwrap_or(said.len());
        let text = &said[start + mark.len()..end];
        let line = text.iter().position(|b| *b == b'\n').unwrap_or(text.len());
        let head = String::from_utf8_lossy(&text[..line]).into_owned();
        Part { head, body: text.get(line + 1..).unwrap_or_default() }
    };
    starts.iter().enumerate().map(part).collect()
}

/// What a script decided, and what it said before; `None` when it did not come to its end.
pub(super) fn verdict(said: &[u8]) -> Option<(String, &[u8])> {
    let last = format!("\n{MARK} ").into_bytes();
    let start = (0..said.len()).rev().find(|i| said[*i..].starts_with(&last))?;
    let verdict = String::from_utf8_lossy(&said[start + last.len()..]).into_owned();
    Some((verdict.trim_end_matches('\n').to_owned(), &said[..start]))
}

/// Where something was done, for what is told about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Where<'a> {
    pub(super) host: &'a str,
    pub(super) path: &'a str,
}

/// `cat: write error: No space left on device`: the last part is the system's.
fn last_part(said: &str) -> String {
    said.trim().rsplit(": ").next().unwrap_or_default().to_owned()
}

impl Where<'_> {
    fn not_a_file(self, what: &'static str) -> HostError {
        HostError::NotAFile { host: self.host.to_owned(), path: self.path.to_owned(), what }
    }

    fn io(self, said: &str) -> HostError {
        let said = last_part(said);
        HostError::Io { host: self.host.to_owned(), path: self.path.to_owned(), said }
    }

    /// What a verdict means that is not the one that was hoped for.
    pub(super) fn refusal(self, verdict: &str) -> HostError {
        let (word, rest) = verdict.split_once(' ').unwrap_or((verdict, ""));
        let (host, path) = (self.host.to_owned(), self.path.to_owned());
        match (word, rest) {
            ("changed", _) => HostError::Changed { host, path },
            ("above", "link") => self.not_a_file("reached through a symbolic link"),
            ("above", _) => self.not_a_file("below something that is no folder"),
            ("instead", "folder") => self.not_a_file("a folder"),
            ("instead", "link") => self.not_a_file("a symbolic link"),
            ("instead", "pipe") => self.not_a_file("a pipe"),
            ("instead", "socket") => self.not_a_file("a socket"),
            ("instead", "device") => self.not_a_file("a device"),
            ("instead", "file") => self.not_a_file("a file"),
            ("instead", "names") => self.not_a_file("one of several names of a file"),
            ("io", said) => self.io(said),
            ("unsure", said) => HostError::NotOnDisk { host, path, said: last_part(said) },
            ("torn", _) => self.io("the content came cut short, so the file is as it was"),
            ("missing", tool) => HostError::NoTool { host, tool: tool.to_owned() },
            _ => HostError::Strange { host, said: verdict.to_owned() },
        }
    }
}

/// How a program ended, and what it said.
pub(super) fn output(
    host: &str,
    program: &str,
    (status, deadline): (&str, Duration),
    (stdout, stderr): (&[u8], &[u8]),
) -> Result<Output, HostError> {
    let status = match (status, status.parse()) {
        ("late", _) => {
            let (host, program) = (host.to_owned(), program.to_owned());
            return Err(HostError::TimedOut { host, program, after: deadline });
        }
        // As a shell tells of a signal. It cannot tell it from a program that chose the number.
        (_, Ok(129..=192)) => None,
        (_, Ok(status)) => Some(status),
        (said, Err(_)) => {
            return Err(HostError::Strange { host: host.to_owned(), said: said.to_owned() });
        }
    };
    Ok(Output { status, stdout: stdout.to_vec(), stderr: stderr.to_vec() })
}

/// The answers to these questions, in their order.
pub(super) fn answers(
    host: &str,
    asks: &[Ask],
    mark: &str,
    (stdout, stderr): (&[u8], &[u8]),
) -> Result<Vec<Answer>, HostError> {
    let strange = |said: &str| HostError::Strange { host: host.to_owned(), said: said.to_owned() };
    let mut parts = parts(stdout, mark).into_iter();
    let mut complaints = self::parts(stderr, mark).into_iter().filter(|part| part.head == "ran");
    let mut answers = Vec::with_capacity(asks.len());
    for ask in asks {
        let at = Where { host, path: asked(ask) };
        let part = parts.next().ok_or_else(|| strange("the answer breaks off"))?;
        let (word, rest) = part.head.split_once(' ').unwrap_or((&part.head, ""));
        if word == "absent" {
            answers.push(Answer::Absent);
            continue;
        }
        if !matches!(word, "file" | "folder" | "link" | "ran") {
            answers.push(Answer::Failed(at.refusal(&part.head)));
            continue;
        }
        let end = parts.next().ok_or_else(|| strange("the answer breaks off"))?;
        let status = end.head.strip_prefix("end ").ok_or_else(|| strange(&end.head))?;
        let answer = match word {
            "ran" => {
                let complaint = complaints.next().map_or(&[][..], |part| part.body);
                output(host, at.path, (status, LONGEST_LOOK), (part.body, complaint))
                    .map(Answer::Ran)
            }
            _ if status != "0" => Err(at.io("it could not be read to its end")),
            "file" => file(at, rest, part.body).map(Answer::File),
            "folder" => Ok(Answer::Folder(entries(part.body))),
            _ => Ok(Answer::Link(String::from_utf8_lossy(part.body).into_owned())),
        };
        answers.push(answer.unwrap_or_else(Answer::Failed));
    }
    match parts.next() {
        Some(part) if part.head == "over" => Ok(answers),
        Some(part) => Err(strange(&part.head)),
        None => Err(strange("the answer breaks off")),
    }
}

fn asked(ask: &Ask) -> &str {
    match ask {
        Ask::File(path) | Ask::Folder(path) | Ask::Link(path) => path,
        Ask::Command(words) => words.first().map_or("", String::as_str),
    }
}

/// `644 0 0 1 INODE:TIME`: mode, owner, group, names, stamp.
fn file(at: Where<'_>, meta: &str, content: &[u8]) -> Result<FileOnHost, HostError> {
    if content.len() as u64 > LONGEST_FILE {
        return Err(HostError::TooLong { host: at.host.to_owned(), path: at.path.to_owned() });
    }
    let fields: Vec<&str> = meta.splitn(5, ' ').collect();
    let number = |i: usize| fields.get(i).and_then(|field| field.parse().ok());
    let mode = fields.first().and_then(|mode| u32::from_str_radix(mode, 8).ok());
    match (mode, number(1), number(2), fields.get(4)) {
        (Some(mode), Some(uid), Some(gid), Some(stamp)) => {
            Ok(FileOnHost { content: content.to_vec(), mode, uid, gid, stamp: (*stamp).to_owned() })
        }
        _ => Err(HostError::Strange { host: at.host.to_owned(), said: meta.to_owned() }),
    }
}

/// A letter and a name, each ended by a NUL.
fn entries(listed: &[u8]) -> Vec<Entry> {
    let entry = |entry: &[u8]| {
        let (kind, name) = entry.split_first()?;
        let kind = match kind {
            b'f' => EntryKind::File,
            b'd' => EntryKind::Folder,
            b'l' => EntryKind::Link,
            _ => EntryKind::Other,
        };
        Some(Entry { name: String::from_utf8_lossy(name).into_owned(), kind })
    };
    let mut entries: Vec<Entry> = listed.split(|b| *b == 0).filter_map(entry).collect();
    entries.sort();
    entries
}
