//! The journal of the run that goes on.
//!
//! Lines go into pieces, one behind the other; the last one grows. It is exchanged at the
//! version that this writer knows, so that a writer who has lost the lock cannot add a line:
//! whoever took over has changed that piece.

use crate::codes::JOURNAL;
use crate::room::{NotWritten, Room, content, secrets, trouble};
use diags::{Diagnostic, Diagnostics};
use runner::BoxFuture;
use schemas::journal::{Chain, Read};
use serde_json::{Value as Json, json};
use states::JournalEntry;
use tokio::sync::{mpsc, oneshot};

pub(crate) const PART: &str = "journal";

/// A piece that is longer gets a successor: the whole piece is sent with every line.
const FULL: usize = 64 << 10;

const WRITER: &str = "clinch.dev/writer";

type Answer = oneshot::Sender<Result<(), String>>;

/// The journal in the cluster, open at its end.
///
/// One task writes. Entries that arrive while it waits for the server are made durable
/// together, so that ten steps at once cost hardly more than one.
#[derive(Debug)]
pub struct Journal {
    queue: mpsc::UnboundedSender<(JournalEntry, Answer)>,
}

impl runner::Journal for Journal {
    fn append<'a>(&'a self, entry: &'a JournalEntry) -> BoxFuture<'a, Result<(), String>> {
        let (answer, durable) = oneshot::channel();
        // Queued at once, not when it is first polled: entries keep the order of the calls.
        let queued = self.queue.send((entry.clone(), answer));
        Box::pin(async move {
            let gone = || "the journal's writer has ended".to_owned();
            queued.map_err(|_| gone())?;
            durable.await.unwrap_or_else(|_| Err(gone()))
        })
    }
}

fn name(room: &Room, set: &str, number: usize) -> String {
    format!("{}-{set}-{number}", room.name(PART))
}

/// All lines of a journal, and its pieces as they are.
pub(crate) struct Pages {
    pub(crate) bytes: Vec<u8>,
    pages: Vec<Json>,
}

/// Reads the pieces of a journal, in order, until there is no more.
pub(crate) async fn read(room: &Room, set: &str) -> Result<Pages, Diagnostics> {
    let (mut bytes, mut pages) = (Vec::new(), Vec::new());
    loop {
        let name = name(room, set, pages.len());
        let page = room.get(&secrets(), &name).await.map_err(|e| trouble(&e))?;
        let Some(page) = page else { return Ok(Pages { bytes, pages }) };
        let lines = content(&page).ok_or_else(|| {
            bad(room, &format!("Secret `{name}` is something else than a piece of a journal."))
        })?;
        bytes.extend(lines);
        pages.push(page);
    }
}

/// The entries of a journal.
pub(crate) fn entries(room: &Room, pages: &Pages) -> Result<Read, Diagnostics> {
    if pages.pages.is_empty() {
        return Err(bad(room, "The head names a journal, and there is none.").into());
    }
    let read = schemas::journal::read(&pages.bytes);
    let read = read.map_err(|line| Diagnostics::from(bad(room, &line.to_string())))?;
    if read.torn > 0 {
        // No crash does that here: a piece is exchanged as a whole.
        return Err(bad(room, "It breaks off in the middle of a line.").into());
    }
    Ok(read)
}

pub(crate) fn bad(room: &Room, why: &str) -> Diagnostic {
    let labels = room.labels(PART);
    let detail = format!(
        "The journal of `{}` in the namespace `{}` cannot be used. {why}",
        room.project(),
        room.namespace()
    );
    Diagnostic::error(JOURNAL, "Journal cannot be trusted", detail).with_help(format!(
        "Keep a copy of the Secrets with the labels `{labels}`, then:\n{}",
        crate::head::set_aside(room)
    ))
}

/// Takes a journal from whoever wrote it before, who adds nothing from then on.
///
/// # Interruption
///
/// Its last piece may be marked then, and nothing else is different.
pub(crate) async fn take(room: &Room, set: &str, writer: &str) -> Result<(), Diagnostics> {
    // Whoever wrote before may add a piece while this looks; it can do so once.
    for _ in 0..4 {
        let Some(mut last) = read(room, set).await?.pages.pop() else { return Ok(()) };
        if last["metadata"]["annotations"][WRITER] == writer {
            return Ok(());
        }
        last["metadata"]["annotations"] = json!({ WRITER: writer });
        match room.replace(&secrets(), &last).await {
            // Looked at once more: there may be one behind it.
            Ok(_) | Err(NotWritten::Other) => {}
            Err(NotWritten::Trouble(error)) => return Err(trouble(&error)),
        }
    }
    Err(bad(room, "Somebody else writes it.").into())
}

/// Opens a journal at its end, or a new one, and takes it from whoever wrote before.
pub(crate) async fn open(
    room: &Room,
    set: &str,
    writer: &str,
    is_new: bool,
) -> Result<Journal, Diagnostics> {
    // Whoever wrote before may add a piece while this looks; it can do so once.
    for _ in 0..3 {
        let pages = read(room, set).await?;
        let page = match pages.pages.last() {
            None if is_new => page(room, set, 0, writer, ""),
            None => return Err(entries(room, &pages).err().unwrap_or_default()),
            Some(last) => {
                let mut last = last.clone();
                last["metadata"]["annotations"] = json!({ WRITER: writer });
                last
            }
        };
        let number = pages.pages.len().saturating_sub(1);
        let taken = if pages.pages.is_empty() {
            room.create(&secrets(), &page).await
        } else {
            room.replace(&secrets(), &page).await
        };
        let taken = match taken {
            Ok(taken) => taken,
            Err(NotWritten::Other) => continue,
            Err(NotWritten::Trouble(error)) => return Err(trouble(&error)),
        };
        // Read again: what came before the taking counts, what comes after it cannot be.
        let after = read(room, set).await?;
        if after.pages.len() != number + 1 {
            continue;
        }
        let chain = match entries(room, &after) {
            Ok(read) => read.chain,
            Err(problems) => return Err(problems),
        };
        let lines = content(&taken).unwrap_or_default();
        let lines = String::from_utf8(lines).unwrap_or_default();
        let (room, set, writer) = (room.clone(), set.to_owned(), writer.to_owned());
        let writer = Writer { room, set, name: writer, number, page: taken, lines, chain };
        let (queue, jobs) = mpsc::unbounded_channel();
        tokio::spawn(writer.run(jobs));
        return Ok(Journal { queue });
    }
    Err(bad(room, "Somebody else writes it.").into())
}

fn page(room: &Room, set: &str, number: usize, writer: &str, lines: &str) -> Json {
    let mut object = room.secret(&name(room, set, number), PART, set, lines.as_bytes());
    object["metadata"]["annotations"] = json!({ WRITER: writer });
    object
}

struct Writer {
    room: Room,
    set: String,
    /// Who writes, as it stands on each piece.
    name: String,
    /// The last piece: its number, the object as it is, and its lines.
    number: usize,
    page: Json,
    lines: String,
    chain: Chain,
}

impl Writer {
    async fn run(mut self, mut jobs: mpsc::UnboundedReceiver<(JournalEntry, Answer)>) {
        let mut broken: Option<String> = None;
        while let Some(first) = jobs.recv().await {
            let mut batch = vec![first];
            while let Ok(next) = jobs.try_recv() {
                batch.push(next);
            }
            let result = match &broken {
                Some(why) => Err(why.clone()),
                None => self.write(batch.iter().map(|(entry, _)| entry)).await,
            };
            // After a failure the end of the journal is not known; whatever came after it would
            // not be read back.
            broken = result.clone().err();
            for (_, answer) in batch {
                // Whoever asked may be gone after a second interrupt.
                let _ = answer.send(result.clone());
            }
        }
    }

    async fn write(&mut self, batch: impl Iterator<Item = &JournalEntry>) -> Result<(), String> {
        let mut text = String::new();
        for entry in batch {
            text.push_str(&self.chain.line(entry).map_err(|error| error.to_string())?);
        }
        if self.lines.len() >= FULL {
            self.turn().await?;
        }
        self.lines.push_str(&text);
        self.put().await
    }

    /// Begins a new piece. The one before is exchanged first, for the same reason as always:
    /// only whoever has the journal may.
    async fn turn(&mut self) -> Result<(), String> {
        self.page["metadata"]["annotations"]["clinch.dev/full"] = "true".into();
        self.put().await?;
        let next = page(&self.room, &self.set, self.number + 1, &self.name, "");
        self.page = self.room.create(&secrets(), &next).await.map_err(said)?;
        self.number += 1;
        self.lines.clear();
        Ok(())
    }

    async fn put(&mut self) -> Result<(), String> {
        let mut object = page(&self.room, &self.set, self.number, &self.name, &self.lines);
        object["metadata"]["annotations"] = self.page["metadata"]["annotations"].clone();
        object["metadata"]["resourceVersion"] = self.page["metadata"]["resourceVersion"].clone();
        self.page = self.room.replace(&secrets(), &object).await.map_err(said)?;
        Ok(())
    }
}

fn said(error: NotWritten) -> String {
    match error {
        NotWritten::Other => {
            "Somebody else has taken over this run's journal, so the lock was lost.".to_owned()
        }
        NotWritten::Trouble(error) => error.to_problem().detail,
    }
}
