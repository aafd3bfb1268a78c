//! State, journal and plans of runs, as one thing that is read and written.

use crate::codes::{DAMAGED, FENCED, FOREIGN, GONE, MOVING, PLAN, ROLLED_BACK, UNWRITABLE};
use crate::head::{self, Seen, set_aside, shown};
use crate::pieces::{self, Broken};
use crate::room::{NotWritten, PROJECT, SET, secrets, short_id, trouble};
use crate::{Journal, Lock, Room, journal};
use diags::{Diagnostic, Diagnostics};
use schemas::head::{Head, Pieces};
use schemas::plan::SavedPlan;
use states::{Follows, JournalEntry, State, UnfinishedRun};
use std::sync::{Arc, Mutex, PoisonError, Weak};

const STATE: &str = head::STATE;
const RUN: &str = "plan";

/// How often a look at what changes meanwhile is repeated.
const RETRIES: usize = 5;

/// What the cluster remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The state after the journal; `None` when nothing was ever applied.
    pub state: Option<State>,
    /// The run that the journal does not finish.
    pub unfinished: Option<UnfinishedRun>,
    /// A run that the journal does finish, and that did not write the state any more.
    pub left: Option<String>,
}

/// The state of one configuration in the cluster that it describes.
///
/// Whoever writes has the [`Lock`], unless a person switched it off; reading needs none.
pub struct Store {
    room: Room,
    /// Who may write, by the lock; without one, only over what was read.
    grip: Option<(String, u64)>,
    /// What a rebuild is allowed to believe: that what is there is older than it should be.
    rebuilding: bool,
    /// The head as it was read or written last.
    seen: Mutex<Option<Seen>>,
    /// The journal that is open, so that there is one writer at most.
    open: Mutex<Weak<Journal>>,
}

enum Look {
    Steady(Loaded),
    /// What was there went while it was read; what to say if it stays so.
    Moving(Diagnostic),
}

impl Store {
    /// For looking, and for writing without a lock.
    pub fn new(room: Room) -> Self {
        let (seen, open) = (Mutex::default(), Mutex::default());
        Self { room, grip: None, rebuilding: false, seen, open }
    }

    /// For writing under a lock.
    #[must_use]
    pub fn under(self, lock: &Lock) -> Self {
        Self { grip: lock.grip(), ..self }
    }

    /// For a rebuild: a state that is gone, or older than it should be, is begun with.
    #[must_use]
    pub fn for_rebuild(self) -> Self {
        Self { rebuilding: true, ..self }
    }

    /// Where it is.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Reads the state and what the journal adds to it. Needs no lock: what a run changes in
    /// the meantime is seen as it was before or as it is after.
    pub async fn load(&self) -> Result<Loaded, Diagnostics> {
        let mut why = None;
        for _ in 0..RETRIES {
            match self.look().await? {
                Look::Steady(loaded) => return Ok(loaded),
                Look::Moving(problem) => why = Some(problem),
            }
        }
        Err(why.map_or_else(Diagnostics::new, Diagnostics::from))
    }

    async fn look(&self) -> Result<Look, Diagnostics> {
        // The anchor first: it is written after the head, so it is never ahead of it.
        let anchor = self.room.lease().await?.and_then(|lease| lease.serial);
        let seen = head::read(&self.room).await?;
        self.remember(seen.clone());
        let head = seen.map_or_else(|| head::new(self.room.project()), |seen| seen.head);
        self.is_ours(&head)?;
        let highest = self.highest(anchor, &head)?;
        let mut state = match &head.state {
            None => None,
            Some(pieces) => match pieces::get(&self.room, STATE, pieces).await {
                Ok(text) => Some(self.read(&text, &head)?),
                Err(broken) => return self.moved(&head, broken).await,
            },
        };
        if let Some((serial, lineage)) = highest {
            let rebuilt = state.get_or_insert_with(|| State::new(lineage, self.room.project()));
            rebuilt.serial = serial;
        }
        let Some(set) = &head.journal else {
            return Ok(Look::Steady(Loaded { state, unfinished: None, left: None }));
        };
        // Before it is read: what is planned and probed from here on must not go on growing.
        if let Some((holder, fence)) = &self.grip
            && (head.holder == *holder && head.fence == *fence)
        {
            journal::take(&self.room, set, holder).await?;
        }
        let pages = journal::read(&self.room, set).await?;
        if pages.bytes.is_empty() && self.has_moved(&head).await? {
            return Ok(Look::Moving(self.moving()));
        }
        let entries = journal::entries(&self.room, &pages)?.entries;
        if entries.is_empty() {
            return Ok(Look::Steady(Loaded { state, unfinished: None, left: None }));
        }
        let state = state.unwrap_or_else(|| State::new("", ""));
        let last = last_run(&entries);
        let loaded = match states::follows(&state, &entries) {
            Ok(Follows::Continues) => {
                let states::Replayed { state, unfinished } = states::replay(state, &entries);
                let left = last.filter(|_| unfinished.is_none());
                Loaded { state: Some(state), unfinished, left }
            }
            Ok(Follows::Superseded) => Loaded { state: Some(state), unfinished: None, left: last },
            Err(why) => return Err(journal::bad(&self.room, &why.to_string()).into()),
        };
        Ok(Look::Steady(loaded))
    }

    fn is_ours(&self, head: &Head) -> Result<(), Diagnostics> {
        if head.project == self.room.project() {
            return Ok(());
        }
        let detail = format!(
            "{} is the state of `{}`, and this configuration is `{}`.",
            shown(&self.room),
            head.project,
            self.room.project()
        );
        Err(Diagnostic::error(FOREIGN, "State of another configuration", detail)
            .with_help(set_aside(&self.room))
            .into())
    }

    /// Compares with the highest serial that was ever there. For a rebuild: what to begin with.
    fn highest(
        &self,
        anchor: Option<(u64, String)>,
        head: &Head,
    ) -> Result<Option<(u64, String)>, Diagnostics> {
        let Some((serial, lineage)) = anchor else { return Ok(None) };
        if head.state.is_some() && head.lineage != lineage && !self.rebuilding {
            let detail = format!(
                "{} has the lineage {}, and the one before had {lineage}. Somebody has put \
                 another state in its place.",
                shown(&self.room),
                head.lineage
            );
            return Err(Diagnostic::error(FOREIGN, "State is another one than before", detail)
                .with_help(set_aside(&self.room))
                .into());
        }
        if head.serial >= serial && (head.lineage == lineage || head.state.is_some()) {
            return Ok(None);
        }
        if self.rebuilding {
            return Ok(Some((serial, lineage)));
        }
        if head.state.is_none() {
            let detail = format!(
                "The state of `{}` was in the namespace `{}` with serial {serial}, and it is not \
                 there any more.",
                self.room.project(),
                self.room.namespace()
            );
            return Err(Diagnostic::error(GONE, "State is gone", detail)
                .with_help("Run `clinch state rebuild`, which finds what was applied.")
                .into());
        }
        let detail = format!(
            "{} has serial {}, and serial {serial} was there before. An old copy was put in its \
             place; what was applied since would be forgotten.",
            shown(&self.room),
            head.serial
        );
        Err(Diagnostic::error(ROLLED_BACK, "State is older than it was", detail)
            .with_help(
                "Put the newest one back; or run `clinch state rebuild`, which finds what was \
                 applied.",
            )
            .into())
    }

    fn read(&self, text: &str, head: &Head) -> Result<State, Diagnostics> {
        let state = schemas::state::read(text.as_bytes()).map_err(|e| head::bad(&self.room, &e))?;
        if state.lineage != head.lineage || state.serial != head.serial {
            return Err(self.damaged("It names a state of another serial or lineage.").into());
        }
        Ok(state)
    }

    fn damaged(&self, why: &str) -> Diagnostic {
        let detail = format!("{} cannot be used. {why}", shown(&self.room));
        Diagnostic::error(DAMAGED, "State cannot be trusted", detail)
            .with_help(set_aside(&self.room))
    }

    fn moving(&self) -> Diagnostic {
        let detail = format!("{} changes all the time; another run is at work.", shown(&self.room));
        Diagnostic::error(MOVING, "State is changing", detail).with_help("Try again in a moment.")
    }

    /// Pieces that are missing may be those of a state that was exchanged meanwhile.
    async fn moved(&self, head: &Head, broken: Broken) -> Result<Look, Diagnostics> {
        match broken {
            Broken::Trouble(error) => Err(trouble(&error)),
            Broken::Changed(why) => Err(self.damaged(&why).into()),
            Broken::Missing(_) if self.has_moved(head).await? => Ok(Look::Moving(self.moving())),
            Broken::Missing(name) => {
                Err(self.damaged(&format!("Its piece `{name}` is missing.")).into())
            }
        }
    }

    async fn has_moved(&self, head: &Head) -> Result<bool, Diagnostics> {
        Ok(head::read(&self.room).await?.map(|seen| seen.head).as_ref() != Some(head))
    }

    fn remember(&self, seen: Option<Seen>) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    /// Keeps the plan of a run that is about to begin.
    pub async fn keep(&self, run: &str, saved: &SavedPlan) -> Result<(), Diagnostics> {
        let text = schemas::plan::write(saved).map_err(|error| {
            let detail = format!("The plan cannot be stored. {error}");
            Diagnostic::error(UNWRITABLE, "Plan cannot be stored", detail)
        })?;
        let put = pieces::put(&self.room, RUN, &set_of(run), &text).await;
        put.map(drop).map_err(not_written)
    }

    /// The plan of a run that did not finish.
    pub async fn kept(&self, run: &str) -> Result<SavedPlan, Diagnostics> {
        let bad = |why: String| {
            let detail = format!("The plan of the run {run} cannot be used. {why}");
            Diagnostics::from(
                Diagnostic::error(PLAN, "Plan of the run cannot be trusted", detail)
                    .with_help("Run `clinch apply`, which plans anew from what is there now."),
            )
        };
        let text = match pieces::find(&self.room, RUN, &set_of(run)).await {
            Ok(text) => text,
            Err(Broken::Missing(name)) => return Err(bad(format!("Secret `{name}` is missing."))),
            Err(Broken::Changed(why)) => return Err(bad(why)),
            Err(Broken::Trouble(error)) => return Err(trouble(&error)),
        };
        schemas::plan::read(text.as_bytes()).map_err(|why| bad(why.to_string()))
    }

    /// The journal, open at its end. What a finished run left there is put away first.
    pub async fn journal(&self) -> Result<Arc<Journal>, Diagnostics> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        if let Some(journal) = open {
            return Ok(journal);
        }
        let loaded = self.load().await?;
        if let (Some(state), None, Some(_)) = (&loaded.state, &loaded.unfinished, &loaded.left) {
            self.commit(state, true).await?;
        }
        let named = head::read(&self.room).await?.and_then(|seen| seen.head.journal);
        let writer = self.grip.as_ref().map_or_else(short_id, |(identity, _)| identity.clone());
        let journal = match named {
            Some(set) => {
                self.change(|head| self.names(head, &set)).await?;
                journal::open(&self.room, &set, &writer, false).await?
            }
            // A crash leaves a piece that nothing names; a head that named a journal without any
            // piece could not be read any more.
            None => {
                let set = short_id();
                let journal = journal::open(&self.room, &set, &writer, true).await?;
                self.change(|head| self.names(head, &set)).await?;
                journal
            }
        };
        let journal = Arc::new(journal);
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&journal);
        Ok(journal)
    }

    /// Makes this the journal, where there is none or it is so already.
    fn names(&self, head: &mut Head, set: &str) -> Result<(), Diagnostics> {
        let named = head.journal.get_or_insert_with(|| set.to_owned());
        if named == set { Ok(()) } else { Err(self.moving().into()) }
    }

    /// Writes the state. When `finished`, nothing of the journal is needed any more: it goes
    /// with the same exchange of the head, and plans of runs are dropped. Else both stay for a
    /// resumption.
    ///
    /// # Interruption
    ///
    /// Before the exchange the old state is there, and after it the new one. Pieces that nobody
    /// names are removed by the next one who writes.
    pub async fn commit(&self, state: &State, finished: bool) -> Result<(), Diagnostics> {
        let text = schemas::state::write(state).map_err(|why| {
            let detail = format!("The state cannot be written. {why}");
            Diagnostic::error(UNWRITABLE, "State cannot be stored", detail)
        })?;
        let set = format!("{}-{}", state.serial, short_id());
        let put = pieces::put(&self.room, STATE, &set, &text).await;
        let pieces = put.map_err(not_written)?;
        self.change(|head| self.put_in(head, state, &pieces, finished)).await?;
        self.room.anchor(state.serial, &state.lineage).await?;
        if finished {
            *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Weak::new();
        }
        // What is left over costs a little room and nothing else.
        let _later = self.sweep(finished).await;
        Ok(())
    }

    fn put_in(
        &self,
        head: &mut Head,
        state: &State,
        pieces: &Pieces,
        finished: bool,
    ) -> Result<(), Diagnostics> {
        let other = head.state.is_some() && head.lineage != state.lineage && !self.rebuilding;
        if other || head.serial > state.serial {
            let detail = format!(
                "{} (lineage {}, serial {}) would be replaced by an older one (lineage {}, \
                 serial {}).",
                shown(&self.room),
                head.lineage,
                head.serial,
                state.lineage,
                state.serial
            );
            return Err(fenced(detail).into());
        }
        head.lineage.clone_from(&state.lineage);
        head.serial = state.serial;
        head.state = Some(pieces.clone());
        if finished {
            head.journal = None;
        }
        Ok(())
    }

    /// Exchanges the head for a changed one, if it is ours to change.
    async fn change(
        &self,
        mut change: impl FnMut(&mut Head) -> Result<(), Diagnostics>,
    ) -> Result<(), Diagnostics> {
        for _ in 0..RETRIES {
            let before = head::read(&self.room).await?;
            self.may_write(before.as_ref())?;
            let mut head = match &before {
                Some(seen) => seen.head.clone(),
                None => head::new(self.room.project()),
            };
            change(&mut head)?;
            match head::exchange(&self.room, before.as_ref(), head).await {
                Ok(seen) => {
                    self.remember(Some(seen));
                    return Ok(());
                }
                Err(NotWritten::Other) => {}
                Err(NotWritten::Trouble(error)) => return Err(trouble(&error)),
            }
        }
        Err(self.moving().into())
    }

    /// With a lock: nobody has taken it over. Without one: nobody has written since it was read.
    fn may_write(&self, before: Option<&Seen>) -> Result<(), Diagnostics> {
        let Some((holder, fence)) = &self.grip else {
            let known = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if known.as_ref() == before {
                return Ok(());
            }
            return Err(fenced("Somebody changed it since it was read.".to_owned()).into());
        };
        let head = before.map(|seen| &seen.head);
        if head.is_some_and(|head| head.holder == *holder && head.fence == *fence) {
            return Ok(());
        }
        let (now, since) = head.map_or(("nobody", 0), |head| (head.holder.as_str(), head.fence));
        let now = if now.is_empty() { "nobody" } else { now };
        Err(fenced(format!(
            "This run had it under number {fence}, and it is {now}'s under number {since}. \
                 Nothing was written."
        ))
        .into())
    }

    /// Removes pieces that nothing names.
    async fn sweep(&self, finished: bool) -> Result<(), Diagnostics> {
        // The list first: what somebody who takes over writes after the look at the head is
        // not in it, however long this run sleeps in between.
        let labels = format!("{PROJECT}={}", self.room.project());
        let all = self.room.list(&secrets(), Some(&labels)).await.map_err(|e| trouble(&e))?;
        let seen = head::read(&self.room).await?;
        self.may_write(seen.as_ref())?;
        let Some(Seen { head, .. }) = seen else { return Ok(()) };
        let state = head.state.as_ref().map(|pieces| pieces.set.as_str());
        for object in &all {
            let label = |key: &str| object["metadata"]["labels"][key].as_str().unwrap_or_default();
            let needed = match label(crate::room::PART) {
                STATE => Some(label(SET)) == state,
                journal::PART => Some(label(SET)) == head.journal.as_deref(),
                RUN => !finished,
                _ => true,
            };
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            if !needed {
                self.room.delete(&secrets(), name).await.map_err(|e| trouble(&e))?;
            }
        }
        Ok(())
    }

    /// Whether anything was ever stored.
    pub async fn is_used(&self) -> Result<bool, Diagnostics> {
        let seen = head::read(&self.room).await?;
        Ok(seen.is_some_and(|seen| seen.head.state.is_some() || seen.head.journal.is_some()))
    }

    /// As [`Store::is_used`]; `None` when nobody lets us look.
    pub async fn is_used_if_visible(&self) -> Result<Option<bool>, Diagnostics> {
        match self.room.get(&secrets(), &self.room.name(head::STATE)).await {
            Ok(None) => Ok(Some(false)),
            Ok(Some(_)) => self.is_used().await.map(Some),
            Err(error) if error.is_forbidden() => Ok(None),
            Err(error) => Err(trouble(&error)),
        }
    }

    /// Removes all of it, after it was moved elsewhere. The caller holds the lock, which goes
    /// with it.
    pub async fn remove(&self) -> Result<(), Diagnostics> {
        self.may_write(head::read(&self.room).await?.as_ref())?;
        let labels = format!("{PROJECT}={}", self.room.project());
        // The head first: pieces without a head are nothing.
        let gone = self.room.delete(&secrets(), &self.room.name(STATE)).await;
        gone.map_err(|e| trouble(&e))?;
        let all = self.room.list(&secrets(), Some(&labels)).await.map_err(|e| trouble(&e))?;
        for object in &all {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            self.room.delete(&secrets(), name).await.map_err(|e| trouble(&e))?;
        }
        self.room.forget().await
    }
}

fn not_written(error: NotWritten) -> Diagnostics {
    match error {
        NotWritten::Trouble(error) => trouble(&error),
        NotWritten::Other => {
            fenced("Something of the same name is there already.".to_owned()).into()
        }
    }
}

fn fenced(detail: String) -> Diagnostic {
    Diagnostic::error(FENCED, "State was taken over by somebody else", detail).with_help(
        "Plan again. What this run had begun is in its journal; whoever took over found out what \
         became of it.",
    )
}

/// A run's name as a part of the name of an object.
fn set_of(run: &str) -> String {
    access::digest(run.as_bytes())[..16].to_owned()
}

/// The name of the run that started last.
fn last_run(entries: &[JournalEntry]) -> Option<String> {
    entries.iter().rev().find_map(|entry| match entry {
        JournalEntry::RunStarted(start) => Some(start.run.clone()),
        JournalEntry::Begin { .. }
        | JournalEntry::End { .. }
        | JournalEntry::Records { .. }
        | JournalEntry::RunFinished { .. } => None,
    })
}
