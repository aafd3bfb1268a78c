//! Reads one file of configuration from the standard input and says how many resources it
//! declares: what text costs until it is blocks, and nothing beside.
//!
//! `parsed <main.hcl`. The benchmark of the language measures it as a whole process, with the
//! allocator that clinch has.

use config::{Pattern, SourceFile, Sources};
use mimalloc::MiMalloc;
use std::io::{self, Read, Write};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The one file. It is given away when it is read, as the bytes of a file on a disk are.
struct Input(Option<Vec<u8>>);

impl Sources for Input {
    fn list(&mut self, _: &str) -> Result<Vec<SourceFile>, String> {
        let bytes = self.0.take().ok_or("it was read before")?;
        Ok(vec![SourceFile { name: "main.hcl".to_owned(), bytes: Ok(bytes) }])
    }

    fn matching(&mut self, _: &Pattern) -> Result<Vec<SourceFile>, String> {
        Ok(Vec::new())
    }

    fn file(&mut self, _: &str) -> Option<SourceFile> {
        None
    }
}

fn main() -> ExitCode {
    match count() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}

/// False when the file has mistakes.
fn count() -> io::Result<bool> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    let mut map = diags::SourceMap::default();
    let (config, problems) = config::load(".", &mut Input(Some(bytes)), &mut map);
    let resources: usize = config.modules.values().map(|module| module.resources.len()).sum();
    writeln!(io::stdout(), "{resources} resources, {} problems", problems.len())?;
    Ok(!problems.has_errors())
}
