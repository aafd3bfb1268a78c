//! Reading configuration from directories.

use config::{Pattern, SourceFile, Unreadable};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

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
                    let name = name.to_string_lossy().into_owned();
                    if config::is_config_file(&name) {
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
                let bytes = read(Path::new(&name)).map_err(Unreadable::from);
                SourceFile { name, bytes }
            })
            .collect())
    }

    fn matching(&mut self, pattern: &Pattern) -> Result<Vec<SourceFile>, String> {
        let folder = pattern.folder();
        let mut found = Found::default();
        match fs::metadata(folder) {
            Ok(about) if about.is_dir() => found.look(pattern, Path::new(folder))?,
            // What is not there, or no folder, holds no file.
            Ok(_) => {}
            Err(error) if nowhere(&error) => {}
            Err(error) => return Err(format!("`{folder}`: {}", plain(&error))),
        }
        let root = fs::canonicalize(".").map_err(|e| plain(&e))?;
        // Where a folder beside the root must be.
        let beside = joined(&root, Path::new(folder));
        let file = |name: String| {
            let real = fs::canonicalize(&name).map_err(|e| plain(&e));
            let inside = |real: &Path| real.starts_with(&root) || real.starts_with(&beside);
            let bytes = match real {
                Ok(real) if inside(&real) => read(&real).map_err(Unreadable::from),
                Ok(_) => Err(leads_out()),
                Err(why) => Err(why.into()),
            };
            SourceFile { name, bytes }
        };
        let mut files: Vec<SourceFile> = found.names.into_iter().map(file).collect();
        files.extend(found.unclear);
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    fn file(&mut self, name: &str) -> Option<SourceFile> {
        let inside = |real: &Path| {
            let root = fs::canonicalize(".").map_err(|e| plain(&e))?;
            // Beside the root, what was named and no link may lead on from it.
            let folder = Path::new(name).parent().unwrap_or(Path::new("."));
            let beside = name.starts_with("..") && real.parent() == Some(&joined(&root, folder));
            Ok::<bool, String>(real.starts_with(&root) || beside)
        };
        let bytes = match fs::canonicalize(name) {
            Err(error) if nowhere(&error) && fs::symlink_metadata(name).is_err() => return None,
            Err(error) if nowhere(&error) => Err("it is a link that leads nowhere".into()),
            Err(error) => Err(plain(&error).into()),
            Ok(real) => match inside(&real) {
                Ok(true) => read(&real).map_err(Unreadable::from),
                Ok(false) => Err(leads_out()),
                Err(why) => Err(why.into()),
            },
        };
        Some(SourceFile { name: name.to_owned(), bytes })
    }
}

/// A folder by its name from another, without following links.
fn joined(root: &Path, folder: &Path) -> PathBuf {
    let mut path = root.to_owned();
    for part in folder.components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            Component::Normal(part) => path.push(part),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    path
}

/// The most files that are looked at for one pattern; beyond it the pattern is a mistake.
const MOST_FILES: usize = 100_000;

/// What a pattern names.
#[derive(Default)]
struct Found {
    names: Vec<String>,
    /// What may hide a file that is meant. Left out without a word, its objects would be planned
    /// for deletion.
    unclear: Vec<SourceFile>,
    looked_at: usize,
}

impl Found {
    /// Looks below a folder. Links to folders are not followed: they may lead in a circle.
    fn look(&mut self, pattern: &Pattern, dir: &Path) -> Result<(), String> {
        let failed = |error: io::Error| format!("`{}`: {}", dir.display(), plain(&error));
        for entry in fs::read_dir(dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            self.looked_at += 1;
            if self.looked_at > MOST_FILES {
                let most = format!("there are more than {MOST_FILES} files below");
                return Err(format!("{most} `{}`", pattern.folder()));
            }
            let name = PathBuf::from(entry.file_name());
            let name = if dir == Path::new(".") { name } else { dir.join(name) };
            let kind = entry.file_type().map_err(failed)?;
            let enters = pattern.enters(&name);
            let is_meant = !kind.is_dir() && pattern.is_match(&name);
            if !is_meant && !(enters && (kind.is_dir() || kind.is_symlink())) {
                continue;
            }
            match name.to_str() {
                None => self.unclear(&name, not_utf8()),
                Some(_) if kind.is_dir() => self.look(pattern, &name)?,
                Some(text) => match kind.is_symlink().then(|| blind(&name, enters)).flatten() {
                    Some(why) => self.unclear(&name, why),
                    None if is_meant => self.names.push(text.to_owned()),
                    None => {}
                },
            }
        }
        Ok(())
    }

    fn unclear(&mut self, name: &Path, why: Unreadable) {
        let name = name.to_string_lossy().into_owned();
        self.unclear.push(SourceFile { name, bytes: Err(why) });
    }
}

fn not_utf8() -> Unreadable {
    Unreadable {
        why: "its name is not UTF-8".to_owned(),
        help: "Rename it, or narrow the pattern so that it does not meet it.".to_owned(),
    }
}

/// Why what is behind a link cannot be told; `enters` where a folder is meant.
fn blind(name: &Path, enters: bool) -> Option<Unreadable> {
    let why = match fs::metadata(name) {
        Ok(about) if about.is_dir() && enters => {
            return Some(Unreadable {
                why: "it is a link to a folder, and `*` does not follow such links".to_owned(),
                help: "Put the folder in its place, name the link in the pattern instead of a \
                       `*`, or narrow the pattern so that it does not meet it."
                    .to_owned(),
            });
        }
        Ok(_) => return None,
        Err(error) if nowhere(&error) => "it is a link that leads nowhere".to_owned(),
        Err(error) => format!("it is a link that cannot be followed: {}", plain(&error)),
    };
    Some(Unreadable { why, help: "Mend the link, or remove it.".to_owned() })
}

fn leads_out() -> Unreadable {
    Unreadable {
        why: "it is a link that leads out of the configuration".to_owned(),
        help: "Put a copy of the file in its place.".to_owned(),
    }
}

/// Whether there is nothing at a path: no such name, or a file on the way to it.
fn nowhere(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
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
