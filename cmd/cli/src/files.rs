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
