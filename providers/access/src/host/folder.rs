//! A machine that lives in a folder: the folder is its `/`.

use super::fence::{self, Fence, Standing};
use super::{
    Answer, Ask, Command, Entry, EntryKind, Expected, FileOnHost, Host, HostError, LONGEST_FILE,
    Output, Staged, WriteFile, path,
};
use provider::BoxFuture;
use std::fs::{self, File, FileType, Metadata, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A machine whose `/` is a folder.
///
/// Nothing outside the folder is ever touched: a symbolic link in a path is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderHost {
    name: String,
    root: PathBuf,
    fence: Option<Fence>,
}

impl FolderHost {
    /// The machine of this node, in this folder.
    pub fn new(name: impl Into<String>, root: impl Into<PathBuf>) -> Self {
        Self { name: name.into(), root: root.into(), fence: None }
    }

    /// Does blocking work where it holds nobody up.
    fn blocking<T: Send + 'static>(
        &self,
        path: &str,
        work: impl FnOnce(&Place) -> Result<T, HostError> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, HostError>> {
        let place = Place { host: self.clone(), path: path.to_owned() };
        Box::pin(async move {
            let said = place.clone();
            match tokio::task::spawn_blocking(move || work(&place)).await {
                Ok(done) => done,
                Err(error) => Err(said.failed(&io::Error::other(error))),
            }
        })
    }
}

impl Host for FolderHost {
    fn name(&self) -> &str {
        &self.name
    }

    fn look<'a>(&'a self, asks: &'a [Ask]) -> BoxFuture<'a, Result<Vec<Answer>, HostError>> {
        let (host, asks) = (self.clone(), asks.to_vec());
        self.blocking("/", move |_| {
            let answer = |ask: &Ask| host.answer(ask).unwrap_or_else(Answer::Failed);
            Ok(asks.iter().map(answer).collect())
        })
    }

    fn write<'a>(&'a self, file: WriteFile<'a>) -> BoxFuture<'a, Result<(), HostError>> {
        let (content, expected) = (file.content.to_vec(), Owned::of(file.expected));
        let WriteFile { path, mode, uid, gid, staged, .. } = file;
        self.blocking(path, move |place| {
            let _held = place.host.pass()?;
            place.write(&content, (mode, uid, gid), expected.as_expected(), staged)
        })
    }

    fn remove<'a>(
        &'a self,
        path: &'a str,
        expected: Expected<'a>,
    ) -> BoxFuture<'a, Result<(), HostError>> {
        let expected = Owned::of(expected);
        self.blocking(path, move |place| {
            let _held = place.host.pass()?;
            place.remove(expected.as_expected())
        })
    }

    fn remove_folder<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<(), HostError>> {
        self.blocking(path, move |place| {
            let _held = place.host.pass()?;
            place.remove_folder()
        })
    }

    fn run<'a>(&'a self, command: Command<'a>) -> BoxFuture<'a, Result<Output, HostError>> {
        let program = command.words.first().copied().unwrap_or_default();
        Box::pin(std::future::ready(Err(self.no_commands(program))))
    }

    fn fenced(&self, fence: &Fence) -> Arc<dyn Host> {
        Arc::new(Self { fence: Some(fence.clone()), ..self.clone() })
    }

    fn claim(&self) -> BoxFuture<'_, Result<(), HostError>> {
        self.blocking("/", |place| place.host.pass().map(drop))
    }
}

impl FolderHost {
    /// Whether this run may change something. As long as what it gives is held, no later one comes.
    fn pass(&self) -> Result<Option<File>, HostError> {
        let Some(fence) = &self.fence else { return Ok(None) };
        let place = Place { host: self.clone(), path: fence.path() };
        let fail = |error: io::Error| place.failed(&error);
        let at = place.resolve(true)?;
        let lock = at.with_extension("lock");
        if let Some(what) = fs::symlink_metadata(&lock).ok().and_then(|m| irregular(m.file_type()))
        {
            return Err(place.not_a_file(what));
        }
        let lock = File::options().create(true).append(true).open(lock).map_err(fail)?;
        let standing = || fence.against(&self.name, place.read(&at)?.as_ref());
        loop {
            lock.lock_shared().map_err(fail)?;
            if standing()? == Standing::Own {
                return Ok(Some(lock));
            }
            lock.lock().map_err(fail)?;
            if standing()? == Standing::Behind {
                let number = (fence::MODE, None, None);
                let (text, staged) = (fence.text(), Staged::Beside);
                place.write(text.as_bytes(), number, Expected::Anything, staged)?;
            }
        }
    }

    fn answer(&self, ask: &Ask) -> Result<Answer, HostError> {
        let place = |path: &str| Place { host: self.clone(), path: path.to_owned() };
        match ask {
            Ask::File(path) => {
                let place = place(path);
                let found = place.read(&place.resolve(false)?)?;
                Ok(found.map_or(Answer::Absent, Answer::File))
            }
            Ask::Folder(path) => place(path).list(),
            Ask::Link(path) => place(path).link(),
            Ask::Command(words) => Err(self.no_commands(words.first().map_or("", String::as_str))),
        }
    }

    fn no_commands(&self, program: &str) -> HostError {
        HostError::NoCommands { host: self.name.clone(), program: program.to_owned() }
    }
}

/// Every folder in a folder as a machine; none when the folder does not exist.
pub(super) fn hosts_of(folder: &Path) -> Result<Vec<FolderHost>, HostError> {
    let failed = |error: &io::Error| HostError::Io {
        host: "(all)".to_owned(),
        path: folder.display().to_string(),
        said: error.to_string(),
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(&error)),
    };
    let mut hosts = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| failed(&e))?;
        let is_folder = entry.file_type().map_err(|e| failed(&e))?.is_dir();
        if let (true, Ok(name)) = (is_folder, entry.file_name().into_string()) {
            hosts.push(FolderHost::new(name, entry.path()));
        }
    }
    Ok(hosts)
}

/// [`Expected`] that can go to another thread.
enum Owned {
    Anything,
    Absent,
    Digest(String),
    Stamp(String),
}

impl Owned {
    fn of(expected: Expected<'_>) -> Self {
        match expected {
            Expected::Anything => Self::Anything,
            Expected::Absent => Self::Absent,
            Expected::Digest(digest) => Self::Digest(digest.to_owned()),
            Expected::Stamp(stamp) => Self::Stamp(stamp.to_owned()),
        }
    }

    fn as_expected(&self) -> Expected<'_> {
        match self {
            Self::Anything => Expected::Anything,
            Self::Absent => Expected::Absent,
            Self::Digest(digest) => Expected::Digest(digest),
            Self::Stamp(stamp) => Expected::Stamp(stamp),
        }
    }
}

/// A path on a machine.
#[derive(Clone)]
struct Place {
    host: FolderHost,
    path: String,
}

impl Place {
    fn failed(&self, error: &io::Error) -> HostError {
        let (host, path) = (self.host.name.clone(), self.path.clone());
        HostError::Io { host, path, said: error.to_string() }
    }

    fn not_a_file(&self, what: &'static str) -> HostError {
        HostError::NotAFile { host: self.host.name.clone(), path: self.path.clone(), what }
    }

    /// Where the file is in this machine's folder. Walks part by part, so that no link leads
    /// out of it; makes the folders that are missing when they are to be made.
    fn resolve(&self, make: bool) -> Result<PathBuf, HostError> {
        let mut parts = path::parts(&self.path)?;
        let file = parts.pop().unwrap_or_default();
        let mut here = self.host.root.clone();
        for part in parts {
            let above = here.clone();
            here.push(part);
            let mut found = fs::symlink_metadata(&here);
            if make && found.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
                match fs::create_dir(&here) {
                    Ok(()) => sync_folder(&above).map_err(|e| self.failed(&e))?,
                    // Somebody else has made something there just now.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    Err(error) => return Err(self.failed(&error)),
                }
                found = fs::symlink_metadata(&here);
            }
            match found {
                Ok(found) if found.is_dir() => {}
                Ok(found) if found.is_symlink() => {
                    return Err(self.not_a_file("reached through a symbolic link"));
                }
                Ok(_) => return Err(self.not_a_file("below something that is no folder")),
                // Then the file is not there either.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(self.failed(&error)),
            }
        }
        Ok(here.join(file))
    }

    fn read(&self, at: &Path) -> Result<Option<FileOnHost>, HostError> {
        let before = match fs::symlink_metadata(at) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(&error)),
        };
        // Looked at before it is opened: opening a pipe waits for somebody to write to it.
        if let Some(what) = irregular(before.file_type()) {
            return Err(self.not_a_file(what));
        }
        let file = File::open(at).map_err(|e| self.failed(&e))?;
        let meta = file.metadata().map_err(|e| self.failed(&e))?;
        if !same_file(&before, &meta) {
            let (host, path) = (self.host.name.clone(), self.path.clone());
            return Err(HostError::Changed { host, path });
        }
        let mut content = Vec::new();
        file.take(LONGEST_FILE + 1).read_to_end(&mut content).map_err(|e| self.failed(&e))?;
        if content.len() as u64 > LONGEST_FILE {
            let (host, path) = (self.host.name.clone(), self.path.clone());
            return Err(HostError::TooLong { host, path });
        }
        let mode = meta.mode() & 0o7777;
        let stamp = format!("{}:{}.{:09}", meta.ino(), meta.ctime(), meta.ctime_nsec());
        Ok(Some(FileOnHost { content, mode, uid: meta.uid(), gid: meta.gid(), stamp }))
    }

    fn list(&self) -> Result<Answer, HostError> {
        let at = self.resolve(false)?;
        match fs::symlink_metadata(&at) {
            Ok(found) if found.is_dir() => {}
            Ok(found) => {
                return Err(self.not_a_file(irregular(found.file_type()).unwrap_or("a file")));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Answer::Absent),
            Err(error) => return Err(self.failed(&error)),
        }
        let mut entries = Vec::new();
        for entry in fs::read_dir(&at).map_err(|e| self.failed(&e))? {
            let entry = entry.map_err(|e| self.failed(&e))?;
            let kind = match entry.file_type().map_err(|e| self.failed(&e))? {
                t if t.is_file() => EntryKind::File,
                t if t.is_dir() => EntryKind::Folder,
                t if t.is_symlink() => EntryKind::Link,
                _ => EntryKind::Other,
            };
            let name = entry.file_name().to_string_lossy().into_owned();
            entries.push(Entry { name, kind });
        }
        entries.sort();
        Ok(Answer::Folder(entries))
    }

    fn link(&self) -> Result<Answer, HostError> {
        let at = self.resolve(false)?;
        match fs::symlink_metadata(&at) {
            Ok(found) if found.is_symlink() => {
                let target = fs::read_link(&at).map_err(|e| self.failed(&e))?;
                Ok(Answer::Link(target.to_string_lossy().into_owned()))
            }
            Ok(found) => Err(self.not_a_file(irregular(found.file_type()).unwrap_or("a file"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Answer::Absent),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// What is there now, when it is what is expected.
    fn expected(&self, at: &Path, expected: Expected<'_>) -> Result<Option<FileOnHost>, HostError> {
        let found = self.read(at)?;
        if expected.is_met_by(found.as_ref()) {
            return Ok(found);
        }
        Err(HostError::Changed { host: self.host.name.clone(), path: self.path.clone() })
    }

    fn write(
        &self,
        content: &[u8],
        (mode, uid, gid): (u32, Option<u32>, Option<u32>),
        expected: Expected<'_>,
        staged: Staged,
    ) -> Result<(), HostError> {
        // Before any folder is made: a write that is refused leaves nothing behind.
        self.expected(&self.resolve(false)?, expected)?;
        let at = self.resolve(true)?;
        let folder = at.parent().unwrap_or(&self.host.root);
        let fail = |error: io::Error| self.failed(&error);
        let stage = match staged {
            Staged::Beside => folder,
            Staged::Above => folder.parent().unwrap_or(folder),
        };
        // Readable for nobody else from the first moment on.
        let new = tempfile::Builder::new().prefix(".clinch-").tempfile_in(stage);
        let mut new = new.map_err(fail)?;
        new.write_all(content).map_err(fail)?;
        // Right before the rename, so that there is hardly time for another change.
        let found = self.expected(&at, expected)?;
        if fs::symlink_metadata(&at).is_ok_and(|meta| meta.nlink() > 1) {
            return Err(self.not_a_file("one of several names of a file"));
        }
        let uid = uid.or(found.as_ref().map(|found| found.uid));
        let gid = gid.or(found.as_ref().map(|found| found.gid));
        let own = new.as_file().metadata().map_err(fail)?;
        let (uid, gid) = (uid.filter(|uid| *uid != own.uid()), gid.filter(|gid| *gid != own.gid()));
        if uid.is_some() || gid.is_some() {
            fchown(new.as_file(), uid, gid).map_err(fail)?;
        }
        // After the owner: changing that takes bits away.
        new.as_file().set_permissions(Permissions::from_mode(mode & 0o7777)).map_err(fail)?;
        new.as_file().sync_all().map_err(fail)?;
        new.persist(&at).map_err(|error| self.failed(&error.error))?;
        sync_folder(folder).map_err(fail)
    }

    fn remove(&self, expected: Expected<'_>) -> Result<(), HostError> {
        let at = self.resolve(false)?;
        if self.expected(&at, expected)?.is_none() {
            return Ok(());
        }
        fs::remove_file(&at).map_err(|e| self.failed(&e))?;
        sync_folder(at.parent().unwrap_or(&self.host.root)).map_err(|e| self.failed(&e))
    }
}

impl Place {
    fn remove_folder(&self) -> Result<(), HostError> {
        let at = self.resolve(false)?;
        match fs::symlink_metadata(&at) {
            Ok(found) if found.is_symlink() => return Err(self.not_a_file("a symbolic link")),
            Ok(found) if !found.is_dir() => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(self.failed(&error)),
        }
        match fs::remove_dir(&at) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(self.failed(&error)),
        }
        sync_folder(at.parent().unwrap_or(&self.host.root)).map_err(|e| self.failed(&e))
    }
}

/// Brings to disk which names a folder has.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn same_file(a: &Metadata, b: &Metadata) -> bool {
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// What is there instead of a regular file.
fn irregular(found: FileType) -> Option<&'static str> {
    match found {
        t if t.is_file() => None,
        t if t.is_symlink() => Some("a symbolic link"),
        t if t.is_dir() => Some("a folder"),
        t if t.is_fifo() => Some("a pipe"),
        t if t.is_socket() => Some("a socket"),
        t if t.is_block_device() || t.is_char_device() => Some("a device"),
        _ => Some("no regular file"),
    }
}
