//! Reading configuration from directories.

use config::SourceFile;
use std::fs;
use std::path::Path;

/// The port through which `config` reads.
pub(crate) struct Directory;

/// A text beyond this is no configuration that a person wrote.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

impl config::Sources for Directory {
    fn list(&mut self, dir: &str) -> Result<Vec<SourceFile>, String> {
        let entries = fs::read_dir(dir).map_err(|e| plain(&e))?;
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(|e| plain(&e))?.file_name();
            match name.into_string() {
                Ok(name) if config::is_config_file(&name) => names.push(name),
                Ok(_) => {}
                Err(name) => {
                    if name.to_string_lossy().ends_with(".hcl") {
                        let name = name.to_string_lossy().into_owned();
                        return Err(format!("the name of the file `{name}` is not UTF-8"));
                    }
                }
            }
        }
        // The order of a directory is not the same on two machines.
        names.sort();
        Ok(names
            .into_iter()
            .map(|name| {
                let name = if dir == "." { name } else { format!("{dir}/{name}") };
                let bytes = read(Path::new(&name));
                SourceFile { name, bytes }
            })
            .collect())
    }

    fn matching(&mut self, pattern: &config::Pattern) -> Result<Vec<SourceFile>, String> {
        let mut names = Vec::new();
        // A folder that is not there holds no file.
        if Path::new(pattern.folder()).is_dir() {
            names_below(pattern.folder(), pattern.depth(), &mut names)?;
        }
        names.retain(|name| pattern.is_match(name));
        names.sort();
        let root = fs::canonicalize(".").map_err(|e| plain(&e))?;
        // By name, without following links: where a folder beside the root must be.
        let mut beside = root.clone();
        for part in pattern.folder().split('/') {
            match part {
                "." => {}
                ".." => drop(beside.pop()),
                part => beside.push(part),
            }
        }
        let file = |name: String| {
            let real = fs::canonicalize(&name).map_err(|e| plain(&e));
            let inside = |real: &Path| real.starts_with(&root) || real.starts_with(&beside);
            let bytes = match real {
                Ok(real) if inside(&real) => read(&real),
                Ok(_) => Err("it is a link that leads out of the configuration".to_owned()),
                Err(why) => Err(why),
            };
            SourceFile { name, bytes }
        };
        Ok(names.into_iter().map(file).collect())
    }
}

/// The most files that are looked at for one pattern; beyond it the pattern is a mistake.
const MOST_FILES: usize = 100_000;

/// The files below a folder that are not hidden, as a user would type them. Links to folders
/// are not followed: they may lead in a circle.
fn names_below(dir: &str, depth: Option<usize>, names: &mut Vec<String>) -> Result<(), String> {
    for entry in fs::read_dir(dir).map_err(|e| format!("`{dir}`: {}", plain(&e)))? {
        let entry = entry.map_err(|e| plain(&e))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') {
            continue;
        }
        let name = if dir == "." { name } else { format!("{dir}/{name}") };
        if entry.file_type().map_err(|e| plain(&e))?.is_dir() {
            if depth != Some(0) {
                names_below(&name, depth.map(|depth| depth - 1), names)?;
            }
        } else {
            names.push(name);
        }
        if names.len() > MOST_FILES {
            return Err(format!("there are more than {MOST_FILES} files below `{dir}`"));
        }
    }
    Ok(())
}

/// The bytes of a regular file of a reasonable size, or why not.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let about = fs::metadata(path).map_err(|e| plain(&e))?;
    if !about.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    if about.len() > MAX_BYTES {
        return Err(format!("it has {} MB; at most 64 are read", about.len() / 1_000_000));
    }
    fs::read(path).map_err(|e| plain(&e))
}

/// The reason of an I/O error in plain words.
pub(crate) fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "it does not exist".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}
