//! Which run may change a machine: a number that only grows, kept on the machine itself.
//!
//! The lock of a state may be taken over from a run that gives no sign of life. That run may only
//! sleep. What it writes to the state is refused by the server; what it still does on a machine is
//! refused here. Whoever follows has a greater number, and the machine keeps the greatest one that
//! it has seen, in `/var/lib/clinch/fences`, a file for each project of each cluster:
//!
//! ```text
//! clinch fence 1
//! number 1795471042
//! holder admin@laptop/4242/run-7
//! project shop
//! cluster 5d0c1f3e-...
//! ```
//!
//! Whatever changes something on a machine looks at the number first, within the same script, and
//! holds a lock of the kernel (`flock`) that many may share until it has ended. The number is
//! raised under that lock alone. So when a greater number is there, nothing of a smaller one goes on
//! any more, and nothing begins. Reading is free, and so is whoever has no number: a run whose state
//! is kept on its machine has the kernel's lock for as long as it lives, asleep or not.
//!
//! **Invariant:** a file that cannot be understood refuses every change, as a greater number does.
//!
//! **Not here:** where the number comes from (`remote`, the head of the state).

use super::{FileOnHost, HostError};
use crate::text::clean;

/// Where the numbers are kept.
const FOLDER: &str = "/var/lib/clinch/fences";
/// Permission bits of the files there.
pub(super) const MODE: u32 = 0o600;
/// How long a name may be that is repeated.
const LONGEST_NAME: usize = 200;

const HEAD: &str = "clinch fence ";
const VERSION: u64 = 1;

/// The number under which a run works, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    folder: String,
    number: u64,
    holder: String,
    project: String,
    cluster: String,
}

/// Why what a machine remembers of the last run cannot be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FenceTrouble {
    /// A newer version wrote it.
    Newer,
    /// It is not what any version writes.
    Damaged,
}

/// What a machine has seen, for a run with a number of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// This very number.
    Own,
    /// A smaller one, or none: it is to be raised.
    Behind,
}

impl Fence {
    /// The run of this holder, which has this number on the way to the state of a project whose
    /// cluster has this uid.
    pub fn new(project: &str, cluster: &str, number: u64, holder: &str) -> Self {
        let name = |text: &str| clean(text).chars().take(LONGEST_NAME).collect();
        Self {
            folder: FOLDER.to_owned(),
            number,
            holder: name(holder),
            project: name(project),
            cluster: name(cluster),
        }
    }

    /// The same with its files in another folder.
    #[cfg(test)]
    pub(super) fn kept_in(self, folder: &str) -> Self {
        Self { folder: folder.to_owned(), ..self }
    }

    /// Its number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Where a machine keeps it.
    pub fn path(&self) -> String {
        let whose = format!("{}\n{}", self.project, self.cluster);
        format!("{}/{}", self.folder, &super::digest(whose.as_bytes())[..32])
    }

    /// What is in that file.
    pub(super) fn text(&self) -> String {
        let Self { number, holder, project, cluster, .. } = self;
        format!(
            "{HEAD}{VERSION}\nnumber {number}\nholder {holder}\nproject {project}\ncluster \
             {cluster}\n"
        )
    }

    /// The words in front of those of a script; one word where nobody tells runs apart.
    pub(super) fn words(fence: Option<&Self>) -> Vec<String> {
        let Some(fence) = fence else { return vec!["-".to_owned()] };
        let Self { number, holder, project, cluster, .. } = fence;
        let words = [&fence.path(), &number.to_string(), holder, project, cluster];
        words.map(String::clone).into()
    }

    /// Compares with what is in the file on a machine.
    pub(super) fn against(
        &self,
        host: &str,
        found: Option<&FileOnHost>,
    ) -> Result<Standing, HostError> {
        let Some(found) = found else { return Ok(Standing::Behind) };
        let (number, holder) = self.read(&found.content).map_err(|t| self.unreadable(host, t))?;
        match number.cmp(&self.number) {
            std::cmp::Ordering::Less => Ok(Standing::Behind),
            std::cmp::Ordering::Equal => Ok(Standing::Own),
            std::cmp::Ordering::Greater => Err(self.overtaken(host, number, &holder)),
        }
    }

    /// Whose number it was, and which. Nothing may be missing, and nothing more be there.
    fn read(&self, content: &[u8]) -> Result<(u64, String), FenceTrouble> {
        let text = str::from_utf8(content).map_err(|_| FenceTrouble::Damaged)?;
        let version = text.lines().next().and_then(|line| line.strip_prefix(HEAD));
        match version.and_then(number_in) {
            Some(VERSION) => self.lines(text).ok_or(FenceTrouble::Damaged),
            Some(version) if version > VERSION => Err(FenceTrouble::Newer),
            Some(_) | None => Err(FenceTrouble::Damaged),
        }
    }

    fn lines(&self, text: &str) -> Option<(u64, String)> {
        // A file that was not written to its end has no last line break.
        let text = text.strip_suffix('\n')?;
        let [_, number, holder, project, cluster] = text.split('\n').collect::<Vec<_>>()[..] else {
            return None;
        };
        let ours = project.strip_prefix("project ")? == self.project
            && cluster.strip_prefix("cluster ")? == self.cluster;
        let number = number_in(number.strip_prefix("number ")?)?;
        ours.then(|| Some((number, holder.strip_prefix("holder ")?.to_owned())))?
    }

    fn overtaken(&self, host: &str, number: u64, holder: &str) -> HostError {
        HostError::Overtaken {
            host: host.to_owned(),
            path: self.path(),
            number,
            holder: holder.to_owned(),
            own: self.number,
        }
    }

    fn unreadable(&self, host: &str, trouble: FenceTrouble) -> HostError {
        HostError::BadFence { host: host.to_owned(), path: self.path(), trouble }
    }

    /// What a script said that did not come past the fence; `None` for what is about its file as
    /// about any other.
    pub(super) fn refusal(&self, host: &str, said: &str) -> Option<HostError> {
        let (word, rest) = said.split_once(' ').unwrap_or((said, ""));
        Some(match word {
            "overtaken" => {
                let (number, holder) = rest.split_once(' ').unwrap_or((rest, ""));
                self.overtaken(host, number.parse().unwrap_or(u64::MAX), holder)
            }
            "newer" => self.unreadable(host, FenceTrouble::Newer),
            "damaged" => self.unreadable(host, FenceTrouble::Damaged),
            "busy" => HostError::Busy { host: host.to_owned() },
            _ => return None,
        })
    }
}

/// A number as it is written: digits, the first of them no zero, and few enough for every shell.
fn number_in(text: &str) -> Option<u64> {
    let plain = !text.starts_with('0') && text.len() <= 18;
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain && digits)
}

/// That a run was overtaken, as a sentence.
pub(super) fn overtaken(host: &str, (number, holder): (u64, &str), own: u64) -> String {
    let (host, holder) = (clean(host), clean(holder));
    format!(
        "Host `{host}` was worked on by {holder} since then, under number {number}; this run has \
         number {own} and was taken over, so it changes nothing there any more."
    )
}
