//! Reading a file and its record, and changing both.

use crate::host_type::{Became, Marks, Site, guarded_by, mode, refused, strange, text};
use crate::look::Looked;
use crate::owned::octal;
use crate::place::{self, part, staged};
use crate::records::{self, Earlier, Record};
use crate::{accounts, codes};
use access::{Ask, Expected, FileOnHost, HostError, WriteFile};
use plans::{Identity, Op, Problem};
use provider::StepError;
use values::{Path, Value};

/// What was read, in the terms of the pure half.
pub(super) fn seen(identity: &Identity, looked: &Looked) -> Result<Value, Problem> {
    let path = part(identity, "path");
    let read = |path: &str| looked.file(path).map_err(|error| error.to_problem());
    let (file, record) = (read(path)?, read(&records::place(path))?);
    let record = record.map(|record| parsed(record, path)).transpose()?;
    let numbers = |path: &str| {
        read(path).map(|file| file.map(|file| accounts::parse(&file.content)).unwrap_or_default())
    };
    let (users, groups) = (numbers(accounts::USERS)?, numbers(accounts::GROUPS)?);
    let of = |part: &dyn Fn(&FileOnHost) -> Value| file.map_or(Value::Null, part);
    let record = record.map_or(Value::Null, |record| {
        Value::map([
            ("project", record.project.into()),
            ("secret", record.secret.into()),
            ("earlier", record.earlier.is_some().into()),
        ])
    });
    Ok(Value::map([
        ("content", of(&|file| shown(&file.content).into())),
        ("digest", of(&|file| file.digest().into())),
        ("stamp", of(&|file| file.stamp.clone().into())),
        ("mode", of(&|file| octal(file.mode).into())),
        ("owner", of(&|file| accounts::name(file.uid, &users).into())),
        ("group", of(&|file| accounts::name(file.gid, &groups).into())),
        ("record", record),
        ("users", accounts::to_value(&users)),
        ("groups", accounts::to_value(&groups)),
    ]))
}

/// A content as text; what is none is compared by its digest, and shown by its length.
fn shown(content: &[u8]) -> String {
    match str::from_utf8(content) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("({} bytes that are no text)", content.len()),
    }
}

fn parsed(record: &FileOnHost, path: &str) -> Result<Record, Problem> {
    let wrong = match Record::parse(&record.content) {
        Ok(record) if record.path == path => return Ok(record),
        Ok(_) => records::Unreadable::Damaged,
        Err(why) => why,
    };
    let place = records::place(path);
    let detail =
        format!("What clinch noted about `{path}`, the file `{place}` on the host, {wrong}.");
    let problem =
        Problem::error(codes::RECORD, "Record of a file is unreadable", Path::root(), detail);
    Err(problem.with_help(
        "Use the version that wrote it. If it is damaged, remove it; clinch then takes the file \
         for one that was there before.",
    ))
}

/// A file and its record, read together right before a step.
struct Now {
    file: Option<FileOnHost>,
    record: Option<Record>,
}

impl Now {
    async fn read(site: Site<'_>, path: &str) -> Result<Self, StepError> {
        let place = records::place(path);
        let looked = Looked::at(site.host, [Ask::file(path), Ask::file(place.as_str())]).await;
        let looked = looked.map_err(refused)?;
        let file = looked.file(path).map_err(refused)?.cloned();
        let record = looked.file(&place).map_err(refused)?;
        let record = record.map(|record| parsed(record, path)).transpose();
        let record = record.map_err(StepError::Refused)?;
        match record {
            Some(record) if record.project != site.project => Err(StepError::Stale(format!(
                "`{path}` on host `{}` belongs to project `{}` by now.",
                site.host.name(),
                record.project
            ))),
            record => Ok(Self { file, record }),
        }
    }

    /// Whether the file is as it was when the plan was made.
    fn is_as_planned(&self, op: &Op) -> bool {
        guarded_by(op).is_met_by(self.file.as_ref())
    }
}

fn changed(site: Site<'_>, path: &str) -> StepError {
    refused(HostError::Changed { host: site.host.name().to_owned(), path: path.to_owned() })
}

/// A file as it is to be.
struct Wanted {
    /// `None` to keep what it holds.
    content: Option<String>,
    mode: Option<u32>,
    uid: Option<u32>,
    gid: Option<u32>,
}

impl Wanted {
    async fn of(site: Site<'_>, op: &Op) -> Result<Self, StepError> {
        let given = |name: &str| op.args.get(name).is_some_and(|value| !value.is_null());
        let wanted = Self { content: text(op, "content"), mode: mode(op), uid: None, gid: None };
        if given("content") != wanted.content.is_some() || given("mode") != wanted.mode.is_some() {
            return Err(strange(op));
        }
        let uid = account(site, accounts::USERS, text(op, "owner")).await?;
        let gid = account(site, accounts::GROUPS, text(op, "group")).await?;
        Ok(Self { uid, gid, ..wanted })
    }

    fn is(&self, file: &FileOnHost) -> bool {
        self.content.as_ref().is_none_or(|content| content.as_bytes() == file.content)
            && self.mode.is_none_or(|mode| mode == file.mode)
            && self.uid.is_none_or(|uid| uid == file.uid)
            && self.gid.is_none_or(|gid| gid == file.gid)
    }
}

/// The number of an account, looked up on the host.
async fn account(
    site: Site<'_>,
    table: &str,
    name: Option<String>,
) -> Result<Option<u32>, StepError> {
    let Some(name) = name else { return Ok(None) };
    if let Ok(number) = name.parse() {
        return Ok(Some(number));
    }
    let file = site.host.read(table).await.map_err(refused)?;
    let all = file.map(|file| accounts::parse(&file.content)).unwrap_or_default();
    if let Some(number) = accounts::number(&name, &all) {
        return Ok(Some(number));
    }
    let detail = format!("`{table}` on host `{}` has no such account any more.", site.host.name());
    Err(StepError::Stale(detail))
}

/// # Interruption
///
/// What was there before is kept first, then the record is written, then the file, each whole
/// or not at all. After a crash anywhere the file is the old or the new one, and the operation
/// can be done again; `settle` finds out which.
pub(super) async fn perform(site: Site<'_>, op: &Op) -> Result<(), StepError> {
    match op.name.as_str() {
        "write" => write(site, op).await,
        "remove" => remove(site, op).await,
        _ => Err(strange(op)),
    }
}

async fn write(site: Site<'_>, op: &Op) -> Result<(), StepError> {
    let path = part(&op.identity, "path");
    let wanted = Wanted::of(site, op).await?;
    let now = Now::read(site, path).await?;
    let done = now.file.as_ref().is_some_and(|file| wanted.is(file));
    if !(now.is_as_planned(op) || done && now.record.is_some()) {
        return Err(changed(site, path));
    }
    let secret = op.args.get("secret").and_then(Value::as_bool).ok_or_else(|| strange(op))?;
    let record = match &now.record {
        Some(record) => Record {
            secret: secret || (record.secret && wanted.content.is_none()),
            ..record.clone()
        },
        None => {
            if let Some(file) = &now.file {
                put(site, &records::kept(path), &file.content).await?;
            }
            let of = |file: &FileOnHost| Earlier { mode: file.mode, uid: file.uid, gid: file.gid };
            let earlier = now.file.as_ref().map(of);
            let (project, path) = (site.project.to_owned(), path.to_owned());
            Record { project, path, secret, earlier }
        }
    };
    if now.record.as_ref() != Some(&record) {
        put(site, &records::place(path), record.to_string().as_bytes()).await?;
    }
    if done {
        return Ok(());
    }
    let (old, mode) = match &now.file {
        Some(file) => (file.content.as_slice(), wanted.mode.unwrap_or(file.mode)),
        None => (&[][..], wanted.mode.ok_or_else(|| strange(op))?),
    };
    let content = wanted.content.as_ref().map_or(old, |content| content.as_bytes());
    let (uid, gid, expected) = (wanted.uid, wanted.gid, guarded_by(op));
    let file =
        WriteFile::new(path, content, mode, expected).owned_by(uid, gid).staged(staged(path));
    let written = site.host.write(file).await;
    // Refused means that nothing was done. A record that could not be taken back does no harm:
    // it says how the file was, and so it is.
    if written.as_ref().is_err_and(|error| !error.is_in_doubt()) && now.record.is_none() {
        for ours in [records::place(path), records::kept(path)] {
            let _left = site.host.remove(&ours, Expected::Anything).await;
        }
    }
    written.map_err(refused)
}

async fn remove(site: Site<'_>, op: &Op) -> Result<(), StepError> {
    let path = part(&op.identity, "path");
    let now = Now::read(site, path).await?;
    let Some(record) = &now.record else {
        // All that is left of an operation that broke off.
        let kept = records::kept(path);
        if site.host.read(&kept).await.map_err(refused)?.is_some() {
            return site.host.remove(&kept, Expected::Anything).await.map_err(refused);
        }
        let why = "has no record of this project any more, so it was left as it is.";
        return Err(StepError::Stale(format!("{} {why}", op.identity.shown)));
    };
    let earlier = earlier(site, path, record).await?;
    let done = is_earlier(now.file.as_ref(), earlier.as_ref());
    if !now.is_as_planned(op) && !done {
        return Err(changed(site, path));
    }
    match &earlier {
        _ if done => {}
        Some((Earlier { mode, uid, gid }, content)) => {
            let (mode, uid, gid) = (*mode, Some(*uid), Some(*gid));
            let file = WriteFile::new(path, content, mode, guarded_by(op))
                .owned_by(uid, gid)
                .staged(staged(path));
            site.host.write(file).await.map_err(refused)?;
        }
        None => site.host.remove(path, guarded_by(op)).await.map_err(refused)?,
    }
    for ours in [records::place(path), records::kept(path)] {
        // The file is as it was before; only what was noted about it is not gone yet.
        let removed = site.host.remove(&ours, Expected::Anything).await;
        removed.map_err(|error| StepError::InDoubt(error.to_string()))?;
    }
    Ok(())
}

/// The file that was there before, with what it held.
async fn earlier(
    site: Site<'_>,
    path: &str,
    record: &Record,
) -> Result<Option<(Earlier, Vec<u8>)>, StepError> {
    let Some(earlier) = record.earlier else { return Ok(None) };
    let kept = records::kept(path);
    match site.host.read(&kept).await.map_err(refused)? {
        Some(file) => Ok(Some((earlier, file.content))),
        None => {
            let detail = format!(
                "What `{path}` held before clinch was kept as `{kept}` on host `{}`, and is no \
                 longer there.",
                site.host.name()
            );
            let summary = "Earlier content of a file is gone";
            let problem = Problem::error(codes::RECORD, summary, Path::root(), detail);
            Err(StepError::Refused(
                problem.with_help(
                    "Put the file in order by hand, and forget it with `clinch state rm`.",
                ),
            ))
        }
    }
}

fn is_earlier(now: Option<&FileOnHost>, earlier: Option<&(Earlier, Vec<u8>)>) -> bool {
    match (now, earlier) {
        (None, None) => true,
        (Some(now), Some((Earlier { mode, uid, gid }, content))) => {
            (now.mode, now.uid, now.gid) == (*mode, *uid, *gid) && now.content == *content
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Writes a file that is ours alone.
async fn put(site: Site<'_>, path: &str, content: &[u8]) -> Result<(), StepError> {
    let (mode, expected) = (records::MODE, Expected::Anything);
    let file = WriteFile::new(path, content, mode, expected).staged(staged(path));
    site.host.write(file).await.map_err(refused)
}

pub(super) async fn settle(site: Site<'_>, op: &Op) -> Result<Became, StepError> {
    let path = part(&op.identity, "path");
    let now = Now::read(site, path).await?;
    let done = match op.name.as_str() {
        "write" => {
            let wanted = Wanted::of(site, op).await?;
            now.record.is_some() && now.file.as_ref().is_some_and(|file| wanted.is(file))
        }
        // The record goes when the file is as it was before, and then what was kept.
        "remove" if now.record.is_none() => {
            let kept = site.host.read(&records::kept(path)).await.map_err(refused)?;
            return Ok(if kept.is_none() { Became::Done } else { Became::NotDone });
        }
        "remove" => false,
        _ => return Err(strange(op)),
    };
    if done {
        return Ok(Became::Done);
    }
    if now.is_as_planned(op) {
        return Ok(Became::NotDone);
    }
    let Some(record) = now.record.as_ref().filter(|_| op.name == "remove") else {
        return Ok(Became::Changed);
    };
    let earlier = earlier(site, path, record).await?;
    let half = is_earlier(now.file.as_ref(), earlier.as_ref());
    Ok(if half { Became::NotDone } else { Became::Changed })
}

pub(super) async fn find(site: Site<'_>) -> Result<Marks, HostError> {
    let listed = Looked::at(site.host, [Ask::folder(records::FOLDER)]).await?;
    let names = listed.files_in(records::FOLDER)?;
    let places: Vec<String> =
        names.into_iter().map(|name| format!("{}/{name}", records::FOLDER)).collect();
    let looked = Looked::at(site.host, places.iter().map(Ask::file)).await?;
    let mut marks = Marks::default();
    for place in places {
        match looked.file(&place)?.map(|file| Record::parse(&file.content)) {
            Some(Ok(record)) if record.project == site.project => {
                marks.found.push(place::file(site.host.name(), &record.path, Vec::new()));
            }
            Some(Err(why)) => marks.unread.push(format!("the record {place}, which {why}")),
            Some(Ok(_)) | None => {}
        }
    }
    Ok(marks)
}
