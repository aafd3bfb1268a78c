//! Several files that change as one: what of each is ours, and how it is written.
//!
//! Only the settings that are asked for are compared and written, over whatever else a file says by
//! then: other types keep other parts of it, in the same plan too.
//!
//! **Invariant:** the record of what was there before is written before the file is first changed,
//! and goes when the file says that again.

use super::exchange::write;
use super::kept;
use super::record::{Record, Shelf};
use super::ways::{self, Way};
use crate::container_runtime::text as toml;
use crate::host_type::{Site, refused};
use crate::kubelet_config::{env, text as yaml};
use crate::records::MODE;
use access::{Expected, FileOnHost, HostError, digest};
use plans::Op;
use provider::StepError;
use std::collections::BTreeSet;
use values::Value;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Yaml,
    /// YAML that says not what it is: a part of a configuration.
    Part,
    Toml,
    /// The flags that kubeadm wrote for a kubelet.
    Flags,
}

/// A setting that is to be `will` where it was `was`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) way: Way,
    pub(crate) was: Option<Value>,
    pub(crate) will: Option<Value>,
}

/// What becomes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Goal {
    /// These of its settings; maps that are ours go when they are empty.
    Settings { format: Format, targets: Vec<Target>, made: Vec<Way> },
    /// It is ours as a whole; `None` for no file.
    Whole { was: Option<String>, will: Option<String> },
}

/// A file, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    /// Where it is noted what is ours, and where the file is kept while it changes.
    pub(crate) shelf: Shelf,
    pub(crate) path: String,
    pub(crate) goal: Goal,
    /// Digest of the record as it was planned over.
    pub(crate) record_was: Option<String>,
    /// The new record; `None` when nothing is ours afterwards.
    pub(crate) record: Option<String>,
}

/// A file and what belongs to it, read right before a step.
pub(crate) struct Now {
    pub(crate) file: Option<FileOnHost>,
    pub(crate) record: Option<FileOnHost>,
    pub(crate) kept: Option<FileOnHost>,
}

impl Format {
    /// What a text says; the error is the end of a sentence.
    pub(crate) fn read(self, text: &str) -> Result<Value, String> {
        match self {
            Self::Yaml => yaml::read(text),
            Self::Part => yaml::read_part(text),
            Self::Toml => toml::read(text),
            Self::Flags => env::read(text),
        }
    }

    fn edited(self, text: &str, wanted: &Value, ways: &[&Way]) -> Result<String, String> {
        match self {
            Self::Yaml | Self::Part => Ok(yaml::edited(text, wanted)),
            Self::Toml => toml::edited(text, wanted, ways),
            Self::Flags => env::edited(text, wanted, ways),
        }
    }
}

impl Goal {
    /// Whether the plan changes the file.
    pub(crate) fn changes(&self) -> bool {
        match self {
            Self::Settings { targets, .. } => targets.iter().any(|t| t.was != t.will),
            Self::Whole { was, will } => was != will,
        }
    }

    /// For an operation.
    fn to_value(&self) -> (Value, Value) {
        let each = |targets: &[Target], of: fn(&Target) -> &Option<Value>| {
            Value::list(targets.iter().map(|target| {
                let value = of(target).clone().unwrap_or(Value::Null);
                Value::list([ways::to_value(&target.way), value])
            }))
        };
        let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
        match self {
            Self::Settings { format, targets, made } => {
                let format = match format {
                    Format::Yaml => "yaml",
                    Format::Part => "part",
                    Format::Toml => "toml",
                    Format::Flags => "flags",
                };
                let args = Value::map([
                    ("format", format.into()),
                    ("settings", each(targets, |target| &target.will)),
                    ("made", Value::list(made.iter().map(ways::to_value))),
                ]);
                (args, each(targets, |target| &target.was))
            }
            Self::Whole { was, will } => {
                let args = Value::map([("format", "whole".into()), ("content", text(will))]);
                (args, text(was))
            }
        }
    }

    fn of_value(args: &Value, was: &Value) -> Option<Self> {
        let format = match args.get("format")?.as_str()? {
            "whole" => {
                let text = |value: &Value| value.as_str().map(str::to_owned);
                return Some(Self::Whole { was: text(was), will: text(args.get("content")?) });
            }
            "yaml" => Format::Yaml,
            "part" => Format::Part,
            "toml" => Format::Toml,
            "flags" => Format::Flags,
            _ => return None,
        };
        let pairs = args.get("settings")?.as_list()?.iter().zip(was.as_list()?);
        let targets = pairs.map(|(will, was)| {
            let ([way, will], [_, was]) = (will.as_list()?, was.as_list()?) else { return None };
            let set = |value: &Value| Some(value.clone()).filter(|value| !value.is_null());
            Some(Target { way: ways::of_value(way)?, was: set(was), will: set(will) })
        });
        let made = args.get("made")?.as_list()?.iter().map(ways::of_value);
        let (targets, made) = (targets.collect::<Option<_>>()?, made.collect::<Option<_>>()?);
        Some(Self::Settings { format, targets, made })
    }
}

impl File {
    /// What becomes of a file of which some settings are ours. `recorded` is the text of the record
    /// that `record` was read from; without `is_ours` nothing is ours any longer.
    pub(crate) fn of_settings(
        (shelf, path, format): (Shelf, &str, Format),
        (record, recorded): (&Record, Option<&str>),
        (live, will): (&Value, &Value),
        (wanted, is_ours): (&[(Way, Value)], bool),
    ) -> Self {
        let ways: BTreeSet<&Way> =
            record.earlier.keys().chain(wanted.iter().map(|(way, _)| way)).collect();
        let target = |way: &Way| Target {
            way: way.clone(),
            was: ways::get(live, way).cloned(),
            will: ways::get(will, way).cloned(),
        };
        let goal = Goal::Settings {
            format,
            targets: ways.into_iter().map(target).collect(),
            made: record.made.clone(),
        };
        Self {
            shelf,
            path: path.to_owned(),
            goal,
            record_was: recorded.map(|text| digest(text.as_bytes())),
            record: if is_ours { record.with(live, wanted).text() } else { None },
        }
    }

    /// Digest of the record as it will be.
    pub(crate) fn record_will(&self) -> Option<String> {
        self.record.as_ref().map(|text| digest(text.as_bytes()))
    }

    /// Its part of the arguments and of the guard of an operation.
    pub(crate) fn to_value(&self) -> (Value, Value) {
        let (goal, was) = self.goal.to_value();
        let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
        let args = Value::map([
            ("path", self.path.as_str().into()),
            ("goal", goal),
            ("record", text(&self.record)),
        ]);
        (args, Value::map([("was", was), ("record", text(&self.record_was))]))
    }

    pub(crate) fn of_value(shelf: Shelf, args: &Value, guard: &Value) -> Option<Self> {
        let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            shelf,
            path: text(args, "path")?,
            goal: Goal::of_value(args.get("goal")?, guard.get("was")?)?,
            record_was: text(guard, "record"),
            record: text(args, "record"),
        })
    }

    pub(crate) async fn read(&self, site: Site<'_>) -> Result<Now, StepError> {
        let read = async |path: &str| site.host.read(path).await.map_err(refused);
        Ok(Now {
            file: read(&self.path).await?,
            record: read(&self.shelf.place(&self.path)).await?,
            kept: read(&self.shelf.kept(&self.path)).await?,
        })
    }

    /// The file as it is to be, over what is there; `None` for no file. The error is why it cannot
    /// be, as the end of a sentence.
    pub(crate) fn wanted(&self, now: &Now) -> Result<Option<String>, String> {
        let (format, targets, made) = match &self.goal {
            Goal::Whole { was, will } => {
                let found = now.file.as_ref().map(|file| file.content.as_slice());
                let is = |text: &Option<String>| found == text.as_deref().map(str::as_bytes);
                let known = is(was) || is(will);
                return if known { Ok(will.clone()) } else { Err("changed since the plan".into()) };
            }
            Goal::Settings { format, targets, made } => (*format, targets, made),
        };
        let file = now.file.as_ref().ok_or("is not there any more")?;
        let text = str::from_utf8(&file.content).map_err(|_| "is no text")?;
        let live = format.read(text)?;
        for Target { way, was, will } in targets {
            let found = ways::get(&live, way);
            if found != was.as_ref() && found != will.as_ref() {
                let name = way.join(".");
                return Err(format!("changed since the plan: it says something else of `{name}`"));
            }
        }
        let set = |all: Value, target: &Target| ways::with(&all, &target.way, target.will.as_ref());
        let wanted = ways::without_empty(targets.iter().fold(live, set), made);
        let ways: Vec<&Way> = targets.iter().map(|target| &target.way).collect();
        format.edited(text, &wanted, &ways).map(Some)
    }

    /// Why nothing can be done to it.
    pub(crate) fn stale(&self, site: Site<'_>, now: &Now) -> Option<String> {
        let (path, node) = (&self.path, site.host.name());
        if let Err(why) = self.wanted(now) {
            return Some(format!("{node}:{path} {why}."));
        }
        let found = now.record.as_ref().map(FileOnHost::digest);
        let new = self.record.as_ref().map(|text| digest(text.as_bytes()));
        let known = found == self.record_was || found == new;
        (!known)
            .then(|| format!("The record of what is ours of {node}:{path} changed since the plan."))
    }

    /// Whether it is as it is to be.
    pub(crate) fn is_written(&self, now: &Now) -> bool {
        let found = now.file.as_ref().map(|file| file.content.as_slice());
        self.wanted(now).is_ok_and(|wanted| wanted.as_deref().map(str::as_bytes) == found)
    }

    /// Whether what is noted of it is as it is to be.
    pub(crate) fn is_recorded(&self, now: &Now) -> bool {
        let found = now.record.as_ref().map(|file| file.content.as_slice());
        found == self.record.as_deref().map(str::as_bytes)
    }

    /// Notes what will be ours; with `keeps` also a copy of the file, which says until it goes that
    /// somebody has to look.
    pub(crate) async fn prepare(
        &self,
        site: Site<'_>,
        now: &Now,
        keeps: bool,
    ) -> Result<(), HostError> {
        if let Some(text) = self.record.as_ref().filter(|_| !self.is_recorded(now)) {
            let place = self.shelf.place(&self.path);
            write(site, &place, text.as_bytes(), MODE, Expected::Anything).await?;
        }
        // One from a change that was not seen to its end is of a node that ran.
        if keeps && now.kept.is_none() {
            kept::keep(site, self.shelf, &self.path, now.file.as_ref()).await?;
        }
        Ok(())
    }

    pub(crate) async fn put(&self, site: Site<'_>, now: &Now) -> Result<(), HostError> {
        if self.is_written(now) {
            return Ok(());
        }
        let found = now.file.as_ref().map(FileOnHost::digest);
        let expected = found.as_deref().map_or(Expected::Absent, Expected::Digest);
        match self.wanted(now).unwrap_or_default() {
            Some(text) => {
                let mode = now.file.as_ref().map_or(0o644, |file| file.mode);
                write(site, &self.path, text.as_bytes(), mode, expected).await
            }
            None => site.host.remove(&self.path, expected).await,
        }
    }

    /// It works: nothing is noted when nothing is ours, and nothing is kept of the old file.
    pub(crate) async fn done(&self, site: Site<'_>) -> Result<(), HostError> {
        if self.record.is_none() {
            site.host.remove(&self.shelf.place(&self.path), Expected::Anything).await?;
        }
        self.forget(site).await
    }

    /// Nothing is kept of the old file.
    pub(crate) async fn forget(&self, site: Site<'_>) -> Result<(), HostError> {
        kept::forget(site, self.shelf, &self.path).await
    }

    /// Puts the old file back and what was noted of it. The copy stays until it is known that the
    /// old file works.
    pub(crate) async fn back(&self, site: Site<'_>, now: &Now) -> Result<(), String> {
        kept::put_back(site, self.shelf, &self.path).await?;
        self.record_back(site, now).await.map_err(|error| error.to_string())
    }

    /// Takes back what was prepared.
    pub(crate) async fn unprepared(&self, site: Site<'_>, now: &Now) -> Result<(), HostError> {
        self.record_back(site, now).await?;
        if now.kept.is_none() { self.forget(site).await } else { Ok(()) }
    }

    async fn record_back(&self, site: Site<'_>, now: &Now) -> Result<(), HostError> {
        let place = self.shelf.place(&self.path);
        match &now.record {
            // It is there still.
            _ if self.record.is_none() => Ok(()),
            Some(old) => write(site, &place, &old.content, MODE, Expected::Anything).await,
            None => site.host.remove(&place, Expected::Anything).await,
        }
    }
}

/// Files that change as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files(pub(crate) Vec<File>);

impl Files {
    /// Their part of the arguments and of the guard of an operation.
    pub(crate) fn to_values(&self) -> (Value, Value) {
        let (args, guards): (Vec<Value>, Vec<Value>) = self.0.iter().map(File::to_value).unzip();
        (Value::list(args), Value::list(guards))
    }

    /// Those of an operation.
    pub(crate) fn of_op(shelf: Shelf, op: &Op) -> Option<Self> {
        let guards = op.guard.get("files")?.as_list()?;
        let files = op.args.get("files")?.as_list()?.iter().zip(guards);
        let files = files.map(|(args, guard)| File::of_value(shelf, args, guard));
        files.collect::<Option<_>>().map(Self)
    }

    /// Whether the plan changes one of them.
    pub(crate) fn change(&self) -> bool {
        self.0.iter().any(|file| file.goal.changes())
    }

    /// Whether something else is noted of them than was.
    pub(crate) fn have_news(&self) -> bool {
        self.0.iter().any(|file| file.record_was != file.record_will())
    }

    pub(crate) async fn now(&self, site: Site<'_>) -> Result<Vec<Now>, StepError> {
        let mut all = Vec::new();
        for file in &self.0 {
            all.push(file.read(site).await?);
        }
        Ok(all)
    }

    fn with<'n>(&self, now: &'n [Now]) -> impl Iterator<Item = (&File, &'n Now)> {
        self.0.iter().zip(now)
    }

    /// What changed since the plan.
    pub(crate) fn stale(&self, site: Site<'_>, now: &[Now]) -> Option<String> {
        self.with(now).find_map(|(file, now)| file.stale(site, now))
    }

    /// Whether they and what is noted of them are as they are to be.
    pub(crate) fn are_there(&self, now: &[Now]) -> bool {
        self.with(now).all(|(file, now)| file.is_written(now) && file.is_recorded(now))
    }

    /// Notes what will be ours, with `keeps` also copies. What was noted already goes again when
    /// that does not succeed.
    pub(crate) async fn prepare(
        &self,
        site: Site<'_>,
        now: &[Now],
        keeps: bool,
    ) -> Result<(), StepError> {
        for (file, found) in self.with(now) {
            if let Err(error) = file.prepare(site, found, keeps).await {
                return Err(self.undone(site, now, error).await);
            }
        }
        Ok(())
    }

    pub(crate) async fn put(&self, site: Site<'_>, now: &[Now]) -> Result<(), HostError> {
        for (file, now) in self.with(now) {
            file.put(site, now).await?;
        }
        Ok(())
    }

    /// Nothing was stopped: what was noted already goes again.
    pub(crate) async fn undone(&self, site: Site<'_>, now: &[Now], error: HostError) -> StepError {
        if error.is_in_doubt() {
            return refused(error);
        }
        for (file, now) in self.with(now) {
            if let Err(why) = file.unprepared(site, now).await {
                return StepError::InDoubt(format!(
                    "{error} Putting back what was written already failed, too: {why}"
                ));
            }
        }
        refused(error)
    }

    /// It works. What runs has the new files by now; only what was noted of the old ones is not
    /// gone yet.
    pub(crate) async fn done(&self, site: Site<'_>) -> Result<(), StepError> {
        for file in &self.0 {
            let done = file.done(site).await;
            done.map_err(|error| StepError::InDoubt(error.to_string()))?;
        }
        Ok(())
    }

    /// Puts the old files back, and what was noted of them; the copies stay.
    pub(crate) async fn back(&self, site: Site<'_>, now: &[Now]) -> Result<(), String> {
        for (file, now) in self.with(now) {
            file.back(site, now).await?;
        }
        Ok(())
    }

    /// Nothing is kept of the files from before.
    pub(crate) async fn forget(&self, site: Site<'_>) -> Result<(), String> {
        for file in &self.0 {
            file.forget(site).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}
