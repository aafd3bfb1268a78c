//! A machine that lives in memory.

use super::fence::{self, Fence, Standing};
use super::{
    Answer, Ask, Command, Entry, EntryKind, Expected, FileOnHost, Host, HostError, Output,
    WriteFile, path,
};
use provider::BoxFuture;
use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Program = dyn Fn(&[&str], &[u8]) -> Output + Send + Sync;

/// A machine that is forgotten with its last clone. Clones share it.
#[derive(Clone)]
pub struct MemoryHost {
    name: String,
    files: Arc<Mutex<BTreeMap<String, FileOnHost>>>,
    program: Option<Arc<Program>>,
    /// How many changes there were.
    changes: Arc<AtomicU64>,
    fence: Option<Fence>,
    /// Held while something is done for a run.
    turn: Arc<Mutex<()>>,
}

impl MemoryHost {
    /// An empty machine.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            files: Arc::default(),
            program: None,
            changes: Arc::default(),
            fence: None,
            turn: Arc::default(),
        }
    }

    /// With this file, readable for all and owned by root.
    #[must_use]
    pub fn with_file(self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        let (content, stamp) = (content.into(), self.stamp());
        let file = FileOnHost { content, mode: 0o644, uid: 0, gid: 0, stamp };
        self.files().insert(path.to_owned(), file);
        self
    }

    /// With programs that do this, whether they are run or asked in a look.
    #[must_use]
    pub fn with_program(
        self,
        program: impl Fn(&[&str], &[u8]) -> Output + Send + Sync + 'static,
    ) -> Self {
        Self { program: Some(Arc::new(program)), ..self }
    }

    /// The same one for a run.
    #[must_use]
    pub fn for_run(&self, fence: &Fence) -> Self {
        Self { fence: Some(fence.clone()), ..self.clone() }
    }

    /// All files with their content as text, by path.
    pub fn dump(&self) -> BTreeMap<String, String> {
        let text = |file: &FileOnHost| String::from_utf8_lossy(&file.content).into_owned();
        self.files().iter().map(|(path, file)| (path.clone(), text(file))).collect()
    }

    fn stamp(&self) -> String {
        self.changes.fetch_add(1, Ordering::Relaxed).to_string()
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<String, FileOnHost>> {
        // Every change is a single insertion or removal, so a panic leaves nothing half.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this run may change something. No other run does while what it gives is held.
    fn pass(&self) -> Result<Option<MutexGuard<'_, ()>>, HostError> {
        // What works for no run waits for nobody: a program that is run may write, too.
        let Some(fence) = &self.fence else { return Ok(None) };
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut files = self.files();
        match fence.against(&self.name, files.get(&fence.path()))? {
            Standing::Own => {}
            Standing::Behind => {
                let (content, stamp) = (fence.text().into_bytes(), self.stamp());
                let file = FileOnHost { content, mode: fence::MODE, uid: 0, gid: 0, stamp };
                files.insert(fence.path(), file);
            }
        }
        Ok(Some(turn))
    }

    fn checked(
        &self,
        path: &str,
        expected: Expected<'_>,
        change: impl FnOnce(&mut BTreeMap<String, FileOnHost>),
    ) -> Result<(), HostError> {
        path::parts(path)?;
        let _turn = self.pass()?;
        let mut files = self.files();
        if !expected.is_met_by(files.get(path)) {
            return Err(HostError::Changed { host: self.name.clone(), path: path.to_owned() });
        }
        change(&mut files);
        Ok(())
    }
}

impl MemoryHost {
    fn answer(&self, ask: &Ask) -> Result<Answer, HostError> {
        match ask {
            Ask::File(path) => {
                path::parts(path)?;
                Ok(self.files().get(path).cloned().map_or(Answer::Absent, Answer::File))
            }
            Ask::Folder(path) => {
                path::parts(path)?;
                Ok(self.folder(path).map_or(Answer::Absent, Answer::Folder))
            }
            // It has no links.
            Ask::Link(path) => path::parts(path).map(|_| Answer::Absent),
            Ask::Command(words) => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                self.ran(&words, &[]).map(Answer::Ran)
            }
        }
    }

    /// What is in a folder, which is there when a file is in it.
    fn folder(&self, path: &str) -> Option<Vec<Entry>> {
        let files = self.files();
        let inside = files.keys().filter_map(|file| file.strip_prefix(path)?.strip_prefix('/'));
        let entry = |inside: &str| match inside.split_once('/') {
            Some((folder, _)) => Entry { name: folder.to_owned(), kind: EntryKind::Folder },
            None => Entry { name: inside.to_owned(), kind: EntryKind::File },
        };
        let entries: BTreeSet<Entry> = inside.map(entry).collect();
        (!entries.is_empty()).then(|| entries.into_iter().collect())
    }

    fn ran(&self, words: &[&str], input: &[u8]) -> Result<Output, HostError> {
        match &self.program {
            Some(program) => Ok(program(words, input)),
            None => Err(HostError::NoCommands {
                host: self.name.clone(),
                program: words.first().copied().unwrap_or_default().to_owned(),
            }),
        }
    }
}

impl Host for MemoryHost {
    fn name(&self) -> &str {
        &self.name
    }

    fn look<'a>(&'a self, asks: &'a [Ask]) -> BoxFuture<'a, Result<Vec<Answer>, HostError>> {
        let answers = asks.iter().map(|ask| self.answer(ask).unwrap_or_else(Answer::Failed));
        Box::pin(ready(Ok(answers.collect())))
    }

    fn write<'a>(&'a self, file: WriteFile<'a>) -> BoxFuture<'a, Result<(), HostError>> {
        Box::pin(ready(self.checked(file.path, file.expected, |files| {
            let (uid, gid) = files.get(file.path).map_or((0, 0), |f| (f.uid, f.gid));
            let (uid, gid) = (file.uid.unwrap_or(uid), file.gid.unwrap_or(gid));
            let (content, stamp) = (file.content.to_vec(), self.stamp());
            let new = FileOnHost { content, mode: file.mode, uid, gid, stamp };
            files.insert(file.path.to_owned(), new);
        })))
    }

    fn remove<'a>(
        &'a self,
        path: &'a str,
        expected: Expected<'a>,
    ) -> BoxFuture<'a, Result<(), HostError>> {
        Box::pin(ready(self.checked(path, expected, |files| {
            files.remove(path);
        })))
    }

    fn remove_folder<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<(), HostError>> {
        // A folder is there as long as something is in it.
        let valid = super::path::parts(path).map(drop);
        Box::pin(ready(valid.and_then(|()| self.pass().map(drop))))
    }

    fn run<'a>(&'a self, command: Command<'a>) -> BoxFuture<'a, Result<Output, HostError>> {
        Box::pin(ready(self.pass().and_then(|_turn| self.ran(command.words, command.input))))
    }

    fn fenced(&self, fence: &Fence) -> Arc<dyn Host> {
        Arc::new(self.for_run(fence))
    }

    fn claim(&self) -> BoxFuture<'_, Result<(), HostError>> {
        Box::pin(ready(self.pass().map(drop)))
    }
}
