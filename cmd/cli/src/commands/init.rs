//! `init`: prepare a directory.

use crate::args::InitArgs;
use crate::console::Console;
use crate::environment::Environment;
use crate::exit;
use diags::{Code, Diagnostic};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

const CANNOT_WRITE: Code = Code("E0907");

/// The first configuration of a directory that has none.
const FIRST: &str = r#"# What this directory manages. See the examples for more.

clinch {
  name = "NAME"
}

resource "namespace" "example" {
  name = "example"
}
"#;

pub(crate) fn run(args: &InitArgs, env: &Environment) -> u8 {
    let console = Console::new(&args.style, env);
    let mut lines = Vec::new();
    match first_configuration() {
        Ok(true) => lines.push("Wrote main.hcl, a first configuration.".to_owned()),
        Ok(false) => {}
        Err(why) => {
            let diagnostic = Diagnostic::error(CANNOT_WRITE, "Cannot write main.hcl", why);
            console.diagnostic(diagnostic);
            return exit::FAILED;
        }
    }
    let folder = local::Folder::open(env.data_dir.clone());
    if let Err(problems) = folder.prepare() {
        console.diagnostics(&problems, &diags::SourceMap::default());
        return exit::FAILED;
    }
    lines.push(format!("State is kept in {}, which git ignores.", env.data_dir.display()));
    lines.push(
        "Next: `clinch plan`, which works on the built-in sandbox until you name a cluster."
            .to_owned(),
    );
    console.data(&format!("{}\n", lines.join("\n")));
    exit::DONE
}

/// Writes `main.hcl` when the directory has no configuration at all; never overwrites.
fn first_configuration() -> Result<bool, String> {
    let listed = config::Sources::list(&mut crate::files::Directory, ".")?;
    if !listed.is_empty() {
        return Ok(false);
    }
    let name = std::env::current_dir().ok();
    let name = name.and_then(|d| d.file_name().map(|n| n.to_string_lossy().to_lowercase()));
    let name: String = name
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(63)
        .collect();
    let name = name.trim_matches('-');
    let name = if name.is_empty() { "example" } else { name };
    let opened = OpenOptions::new().write(true).create_new(true).open(Path::new("main.hcl"));
    let written = opened.and_then(|mut f| f.write_all(FIRST.replace("NAME", name).as_bytes()));
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(crate::files::plain(&error)),
    }
}
