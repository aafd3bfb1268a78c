//! Reading and writing whole files.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

/// The content of a file; `None` when there is none.
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    // A pipe would be waited for, and a device may have no end.
    let length = match fs::metadata(path) {
        Ok(meta) if !meta.is_file() => return Err(not_a_file()),
        // Not even looked at: there may be no room for it here.
        Ok(meta) if meta.len() > schemas::MAX_BYTES as u64 => {
            let limit = schemas::MAX_BYTES >> 20;
            return Err(io::Error::other(format!("it is larger than {limit} MiB")));
        }
        Ok(meta) => meta.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // With room for the end to be seen, so that it is read into one place and not moved again.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1);
    // One byte more than is allowed, so that a file that grows meanwhile is seen to be too large.
    let limit = schemas::MAX_BYTES as u64 + 1;
    match File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn not_a_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")
}

/// Puts a file in place of another, or where none was.
///
/// # Interruption
///
/// Until the rename the old file is there, and after it the new one. A crash before leaves a
/// file behind whose name begins with a dot, which nobody reads.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let dir = parent(path);
    refuse_special(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // 0600 from the first moment, by the file's creation.
    let mut file = tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        .tempfile_in(dir)
        .map_err(|error| cannot_create(dir, &error))?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_dir(dir)
}

/// Why no file can be made in a directory, without the name of the one that was tried: nobody
/// asked for that.
fn cannot_create(dir: &Path, error: &io::Error) -> io::Error {
    let dir = dir.display();
    let why = match error.kind() {
        io::ErrorKind::NotFound => format!("there is no directory `{dir}`"),
        io::ErrorKind::NotADirectory => format!("`{dir}` is not a directory"),
        io::ErrorKind::PermissionDenied => format!("the directory `{dir}` may not be written to"),
        // The kind alone, since the message has the name.
        kind => format!("in the directory `{dir}`: {kind}"),
    };
    io::Error::new(error.kind(), why)
}

/// Moves a file within one file system.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    refuse_special(to)?;
    fs::rename(from, to)?;
    sync_dir(parent(to))?;
    sync_dir(parent(from))
}

/// Nothing but a regular file is ever replaced: a link would lead elsewhere, and a device or a
/// pipe is somebody's.
fn refuse_special(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => Ok(()),
        Ok(_) => Err(not_a_file()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        Some(_) | None => Path::new("."),
    }
}

/// Makes renames and new names in a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// A directory that only its owner may enter. One that is there already is made so.
pub(crate) fn private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(dir) {
        Ok(()) => return sync_dir(parent(dir)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let meta = fs::symlink_metadata(dir)?;
    if !meta.is_dir() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a directory"));
    }
    narrow(dir, &meta)
}

#[cfg(unix)]
fn narrow(dir: &Path, meta: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = meta.permissions().mode() & 0o777;
    let narrow = mode & 0o700;
    if mode == narrow {
        return Ok(());
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(narrow))
}

#[cfg(not(unix))]
fn narrow(_: &Path, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// Opens a file that grows, or that is only there to be locked; creates it when it is missing.
pub(crate) fn open_private(path: &Path, append: bool) -> io::Result<File> {
    refuse_special(path)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).append(append).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    sync_dir(parent(path))?;
    Ok(file)
}

/// Removes a file, or does nothing when it is not there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes what a crash left behind while it wrote one of these files.
pub(crate) fn sweep(dir: &Path, names: &[&str]) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let left = entry.file_name();
        let left = left.to_string_lossy();
        if names.iter().any(|name| left.starts_with(&format!(".{name}."))) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}
