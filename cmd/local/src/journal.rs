//! The journal of the run that goes on.

use runner::BoxFuture;
use schemas::journal::Chain;
use states::JournalEntry;
use std::fs::File;
use std::io::Write as _;
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

type Answer = oneshot::Sender<Result<(), String>>;

/// The journal's file, open at its end.
///
/// One thread writes. Entries that arrive while it waits for the disk are made durable
/// together, so that ten steps at once cost hardly more than one.
#[derive(Debug)]
pub struct JournalFile {
    queue: Sender<(JournalEntry, Answer)>,
}

impl JournalFile {
    /// Goes on at the end of an open file whose last line is the end of `chain`.
    pub(crate) fn start(file: File, chain: Chain) -> std::io::Result<Self> {
        let (queue, jobs) = channel();
        let name = "journal".to_owned();
        std::thread::Builder::new().name(name).spawn(move || Writer { file, chain }.run(&jobs))?;
        Ok(Self { queue })
    }
}

impl runner::Journal for JournalFile {
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

struct Writer {
    file: File,
    chain: Chain,
}

impl Writer {
    fn run(mut self, jobs: &Receiver<(JournalEntry, Answer)>) {
        let mut broken: Option<String> = None;
        while let Ok(first) = jobs.recv() {
            let batch: Vec<_> = std::iter::once(first).chain(jobs.try_iter()).collect();
            let result = match &broken {
                Some(why) => Err(why.clone()),
                None => self.write(batch.iter().map(|(entry, _)| entry)),
            };
            // After a failure the end of the file is not known; whatever came after it would
            // not be read back.
            broken = result.clone().err();
            for (_, answer) in batch {
                // Whoever asked may be gone after a second interrupt.
                let _ = answer.send(result.clone());
            }
        }
    }

    fn write<'a>(&mut self, batch: impl Iterator<Item = &'a JournalEntry>) -> Result<(), String> {
        let mut text = String::new();
        for entry in batch {
            text.push_str(&self.chain.line(entry).map_err(|error| error.to_string())?);
        }
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|error| format!("{error}."))
    }
}
