//! Arguments that come from the environment: `CLINCH_CLI_ARGS` for every command,
//! `CLINCH_CLI_ARGS_plan` or `CLINCH_CLI_ARGS_state_list` for one.
//!
//! They stand right after the command, those of the one command behind those of all, so that
//! what is nearer wins; what is typed wins over both.

use crate::args::{Cli, with_two_dashes};
use crate::environment;
use clap::CommandFactory;
use diags::{Code, Diagnostic};
use std::ffi::{OsStr, OsString};

const BAD_PRESET: Code = Code("E0923");

/// All words of a command line.
pub(crate) struct CommandLine {
    /// Each flag with two dashes.
    pub(crate) words: Vec<OsString>,
    /// The command as it is typed: `state list`; empty when there is none.
    pub(crate) command: String,
    /// The variables that words came from, with these words.
    presets: Vec<(String, Vec<OsString>)>,
    /// A variable that could not be read.
    pub(crate) bad: Option<Diagnostic>,
}

impl CommandLine {
    /// What was typed, and what the environment adds.
    pub(crate) fn new(typed: impl IntoIterator<Item = OsString>) -> Self {
        Self::with(typed, environment::arguments)
    }

    fn with(
        typed: impl IntoIterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<(String, OsString)>,
    ) -> Self {
        let mut words = with_two_dashes(typed);
        let (command, at) = command(&words);
        let (mut presets, mut bad) = (Vec::new(), None);
        if !command.is_empty() {
            let own = command.replace([' ', '-'], "_");
            for (name, text) in ["", &own].into_iter().filter_map(variable) {
                match split(&text) {
                    Some(more) => presets.push((name, with_two_dashes(more))),
                    None => bad = Some(unreadable(&name)),
                }
            }
            let added: Vec<OsString> = presets.iter().flat_map(|(_, w)| w).cloned().collect();
            words.splice(at..at, added);
        }
        Self { words, command, presets, bad }
    }

    /// The variable that a word came from.
    pub(crate) fn origin(&self, word: &str) -> Option<&str> {
        let is = |w: &OsString| {
            let text = w.to_string_lossy();
            text == word || text.split_once('=').is_some_and(|(name, _)| name == word)
        };
        let found = self.presets.iter().find(|(_, words)| words.iter().any(is));
        found.map(|(name, _)| name.as_str())
    }

    /// Whether a flag without a value is given, before anything is known to be right.
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.words.iter().take_while(|w| *w != "--").any(|w| w == flag)
    }
}

/// The command, and the position right after it.
fn command(words: &[OsString]) -> (String, usize) {
    let cli = Cli::command();
    let mut level = &cli;
    let mut names: Vec<String> = Vec::new();
    let mut after = 0;
    let mut rest = words.iter().enumerate().skip(1);
    while let Some((i, word)) = rest.next() {
        let text = word.to_string_lossy();
        if text.starts_with('-') {
            // The only flag that may stand before the command, when its value is a word.
            if text == "--chdir" {
                rest.next();
            }
            continue;
        }
        names.push(text.to_string());
        after = i + 1;
        match level.find_subcommand(&*text) {
            Some(next) if next.has_subcommands() => level = next,
            Some(_) | None => break,
        }
    }
    (names.join(" "), after)
}

/// As a shell would, without expanding anything.
fn split(text: &OsStr) -> Option<Vec<OsString>> {
    let words = shlex::split(text.to_str()?)?;
    Some(words.into_iter().map(OsString::from).collect())
}

fn unreadable(name: &str) -> Diagnostic {
    Diagnostic::error(
        BAD_PRESET,
        "Arguments in the environment cannot be read",
        format!("`{name}` is not UTF-8, or a quote in it is not closed."),
    )
    .with_help("Write it as for a shell: CLINCH_CLI_ARGS_plan=\"-var 'team=a b'\".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(typed: &str, presets: &[(&str, &str)]) -> CommandLine {
        let typed = typed.split(' ').map(OsString::from);
        CommandLine::with(typed, |suffix| {
            let found = presets.iter().find(|(name, _)| *name == suffix)?;
            Some((format!("CLINCH_CLI_ARGS.{suffix}"), OsString::from(found.1)))
        })
    }

    #[track_caller]
    fn check(typed: &str, presets: &[(&str, &str)], want: &str) {
        let words = line(typed, presets).words;
        let words: Vec<_> = words.iter().map(|w| w.to_string_lossy()).collect();
        assert_eq!(words.join("|"), want, "{typed}");
    }

    #[test]
    fn presets_stand_right_after_the_command_the_nearer_ones_last() {
        let both = [("", "-no-color"), ("plan", "-var 'team=a b'")];
        check("clinch plan -json", &both, "clinch|plan|--no-color|--var|team=a b|--json");
        check("clinch apply", &both, "clinch|apply|--no-color");
        check("clinch -chdir=x plan", &both[1..], "clinch|--chdir=x|plan|--var|team=a b");
        check("clinch -chdir x plan", &both[1..], "clinch|--chdir|x|plan|--var|team=a b");
        let list = [("state_list", "-json"), ("state", "-frob")];
        check("clinch state list", &list, "clinch|state|list|--json");
    }

    #[test]
    fn without_a_command_nothing_is_added() {
        check("clinch -help", &[("", "-no-color")], "clinch|--help");
        check("clinch", &[("", "-no-color")], "clinch");
    }

    #[test]
    fn an_open_quote_is_told_with_the_name_of_its_variable() {
        let bad = line("clinch plan", &[("plan", "-var 'team=a")]).bad;
        assert!(bad.expect("an open quote").detail.starts_with("`CLINCH_CLI_ARGS.plan` is not"));
    }

    #[test]
    fn it_is_known_which_variable_a_word_came_from() {
        let line = line("clinch plan -out=x", &[("plan", "-frob=1")]);
        assert_eq!(line.origin("--frob"), Some("CLINCH_CLI_ARGS.plan"));
        assert_eq!(line.origin("--out"), None);
    }
}
