//! What people do with kubectl, on the sandbox and on a real control plane.
//!
//! Each transcript beside this file is run line by line by a shell, with two releases of kubectl.
//! What the sandbox makes kubectl say has to be what the transcript shows, and what a real control
//! plane makes it say has to be the same, unless the transcript shows that too and says why.
//!
//! `CLINCH_TEST_KUBECTL` and `CLINCH_TEST_KUBECTL_OLDER` name the programs,
//! `CLINCH_TEST_KUBECONFIG` the control plane. `UPDATE_EXPECT=1` rewrites the transcripts from
//! whatever of these is there; a difference without a reason gets the word `UNEXPLAINED`, and the
//! test fails until somebody replaces it.

mod plain;
mod shell;
mod transcript;

use self::shell::{Kubectl, Shell};
use self::transcript::{Heard, Transcript};
use std::path::{Path, PathBuf};

const UNEXPLAINED: &str = "UNEXPLAINED";

/// Runs a transcript on every server with every kubectl, and compares.
fn check(name: &str) {
    let programs = Kubectl::all(name);
    if programs.is_empty() {
        return;
    }
    let path = transcripts().join(format!("{name}.md"));
    let text = std::fs::read_to_string(&path).unwrap();
    let transcript = Transcript::parse(&text);
    let heard = std::thread::scope(|scope| {
        let on_sandbox = scope.spawn(|| {
            let run =
                |program: &Kubectl| (program.is_older, Shell::sandbox(program).run(&transcript));
            programs.iter().map(run).collect::<Vec<_>>()
        });
        let on_real = scope.spawn(|| {
            let run = |program: &Kubectl| {
                let shell = Shell::real(name, program)?;
                Some((program.is_older, shell.run(&transcript)))
            };
            programs.iter().filter_map(run).collect::<Vec<_>>()
        });
        Heard { sandbox: on_sandbox.join().unwrap(), real: on_real.join().unwrap() }
    });
    let shown = transcript.heard(&heard, UNEXPLAINED);
    if std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1") {
        std::fs::write(&path, &shown).unwrap();
    } else {
        let differs = text.lines().zip(shown.lines()).position(|(want, said)| want != said);
        if let Some(at) = differs.or((text != shown).then(|| text.lines().count())) {
            let from = |text: &str| {
                text.lines().skip(at.saturating_sub(5)).take(12).collect::<Vec<_>>().join("\n")
            };
            panic!(
                "{}, line {}: shown\n{}\n\nsaid\n{}",
                path.display(),
                at + 1,
                from(&text),
                from(&shown)
            );
        }
    }
    assert!(!shown.contains(UNEXPLAINED), "{} has a difference without a reason", path.display());
}

/// The figures of the sandbox's README are those of the transcripts.
#[test]
fn readme_of_the_sandbox_counts_the_lines_that_say_the_same() {
    let (mut lines, mut differ) = (0, 0);
    for entry in std::fs::read_dir(transcripts()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "md") {
            let transcript = Transcript::parse(&std::fs::read_to_string(path).unwrap());
            lines += transcript.lines().count();
            differ += transcript.differing().count();
        }
    }
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../providers/sandbox/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let row = readme.lines().find(|line| line.starts_with("| command lines of kubectl")).unwrap();
    let score = format!("| {} of {lines} |", lines - differ);
    assert!(row.ends_with(&score), "{score}: {row}");
}

fn transcripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/kubectl")
}

/// One test for each transcript, and no transcript without a test.
macro_rules! transcripts {
    ($($test:ident => $name:literal),* $(,)?) => {
        $(#[test]
        fn $test() {
            check($name);
        })*

        #[test]
        fn every_transcript_is_run() {
            let mut there: Vec<String> = std::fs::read_dir(transcripts())
                .unwrap()
                .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
                .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
                .collect();
            there.sort();
            let mut run = vec![$($name),*];
            run.sort_unstable();
            assert_eq!(there, run);
        }
    };
}

transcripts! {
    objects_are_shown_in_every_way => "get",
    objects_are_applied_and_compared => "apply",
    objects_are_changed => "change",
    objects_are_created_without_a_file => "create",
    objects_are_deleted_and_waited_for => "delete",
    nodes_are_taken_out_of_service => "nodes",
    workloads_are_scaled_and_rolled_out => "workloads",
    the_server_is_asked_about_itself => "server",
}
