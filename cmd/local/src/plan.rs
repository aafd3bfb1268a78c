//! Plan files.

use crate::codes::{PLAN_DAMAGED, PLAN_FILE, PLAN_NEWER};
use crate::disk;
use diags::{Diagnostic, Diagnostics};
use schemas::ReadError;
use schemas::plan::SavedPlan;
use std::io;
use std::path::Path;

/// Writes a plan file, readable by its owner only. No secret is in it.
pub fn write_plan(path: &Path, saved: &SavedPlan) -> Result<(), Diagnostics> {
    let text = schemas::plan::write(saved).map_err(|error| {
        let detail = format!("The plan cannot be stored. {error}");
        Diagnostic::error(PLAN_FILE, "Plan file cannot be written", detail)
    })?;
    disk::replace(path, text.as_bytes()).map_err(|error| {
        let detail = format!("`{}` cannot be written: {error}.", path.display());
        Diagnostic::error(PLAN_FILE, "Plan file cannot be written", detail).into()
    })
}

/// Reads a plan file. One that is not as it was written is refused.
pub fn read_plan(path: &Path) -> Result<SavedPlan, Diagnostics> {
    let unreadable = |error: io::Error| {
        let detail = format!("`{}` cannot be read: {error}.", path.display());
        Diagnostic::error(PLAN_FILE, "Plan file cannot be read", detail)
    };
    let missing = || unreadable(io::Error::new(io::ErrorKind::NotFound, "there is no such file"));
    let bytes = disk::read(path).map_err(unreadable)?.ok_or_else(missing)?;
    schemas::plan::read(&bytes).map_err(|why| bad(path, &why).into())
}

fn bad(path: &Path, why: &ReadError) -> Diagnostic {
    let detail = format!("`{}` is not a plan that can be applied. {why}", path.display());
    match why {
        ReadError::Newer { .. } => {
            Diagnostic::error(PLAN_NEWER, "Plan file of a newer version", detail)
        }
        ReadError::Empty
        | ReadError::TooLarge
        | ReadError::NotText(_)
        | ReadError::NotJson { .. }
        | ReadError::OtherFormat { .. }
        | ReadError::NoVersion(_)
        | ReadError::Digest
        | ReadError::Content(_) => {
            Diagnostic::error(PLAN_DAMAGED, "Plan file cannot be trusted", detail)
                .with_help("Plan again with `clinch plan -out=FILE`.")
        }
    }
}
