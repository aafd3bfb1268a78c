//! One run at a time: a Lease, a sign of life, and what happens without one.

use crate::codes::{ALIVE, LOCKED, LOST};
use crate::room::{MANAGER, NotWritten, PART, PROJECT, Room, leases, seconds, trouble};
use crate::{Holder, head};
use diags::{Diagnostic, Diagnostics};
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::RuntimeFlavor;
use tokio::sync::watch;
use tokio::time::Instant;

const HOLDER: &str = "clinch.dev/holder";
const SERIAL: &str = "clinch.dev/serial";
const LINEAGE: &str = "clinch.dev/lineage";

/// How often somebody who waits looks.
const POLL: Duration = Duration::from_secs(1);
/// Times of the server are whole seconds, and servers may differ a little.
const MARGIN: Duration = Duration::from_secs(3);
/// Letting go must not keep a person waiting.
const RELEASE: Duration = Duration::from_secs(5);

/// Who wants the lock, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who.
    pub holder: Holder,
    /// The run, which nobody else has the name of.
    pub run: String,
    /// How long it holds without a sign of life.
    pub lease: Duration,
    /// How long to wait for somebody else.
    pub timeout: Duration,
}

impl Claim {
    fn identity(&self) -> String {
        let Holder { user, host, pid, .. } = &self.holder;
        format!("{user}@{host}/{pid}/{}", self.run)
    }
}

/// What a Lease says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The configuration that it is the lock of.
    pub project: String,
    /// Who holds it; `None` when it is free.
    pub identity: Option<String>,
    /// The same in words.
    pub holder: Option<Holder>,
    /// How long it holds without a sign of life.
    pub ttl: Duration,
    /// When the last sign of life arrived, by the server's clock.
    pub renewed: Option<i64>,
    /// How often it changed hands.
    pub transitions: u64,
    /// The highest serial of the state, and its lineage.
    pub serial: Option<(u64, String)>,
}

impl Lease {
    fn read(object: &Json) -> Self {
        let annotation = |key: &str| object["metadata"]["annotations"][key].as_str();
        let spec = &object["spec"];
        let identity = spec["holderIdentity"].as_str().filter(|i| !i.is_empty());
        let fields = object["metadata"]["managedFields"].as_array().into_iter().flatten();
        let ours = fields.filter(|entry| entry["manager"] == MANAGER);
        Self {
            project: object["metadata"]["labels"][PROJECT].as_str().unwrap_or_default().to_owned(),
            identity: identity.map(str::to_owned),
            holder: annotation(HOLDER).and_then(|text| schemas::holder::read(text.as_bytes())),
            ttl: Duration::from_secs(spec["leaseDurationSeconds"].as_u64().unwrap_or(60)),
            renewed: ours.filter_map(|entry| seconds(entry["time"].as_str()?)).max(),
            transitions: spec["leaseTransitions"].as_u64().unwrap_or(0),
            serial: annotation(SERIAL)
                .and_then(|serial| serial.parse().ok())
                .zip(annotation(LINEAGE).map(str::to_owned)),
        }
    }

    /// Seconds since the last sign of life, by the server's clock.
    pub fn silence(&self, server_now: i64) -> Option<u64> {
        self.renewed.map(|renewed| u64::try_from(server_now - renewed).unwrap_or(0))
    }

    /// Whether the holder must be taken for dead.
    pub fn is_dead(&self, server_now: i64) -> bool {
        self.identity.is_some()
            && self.silence(server_now).is_some_and(|s| s > (self.ttl + MARGIN).as_secs())
    }

    /// Who holds it, in words.
    pub fn words(&self) -> String {
        match (&self.holder, &self.identity) {
            (Some(Holder { pid, host, user, operation, since }), _) => {
                let since = match Timestamp::from_second(*since) {
                    Ok(time) => format!(", since {}", time.strftime("%Y-%m-%d %H:%M:%S UTC")),
                    Err(_) => String::new(),
                };
                format!("`clinch {operation}` of {user}@{host} (process {pid}{since})")
            }
            (None, Some(identity)) => {
                let plain: String = identity.chars().filter(|c| !c.is_control()).collect();
                format!("`{plain}`")
            }
            (None, None) => "nobody".to_owned(),
        }
    }
}

/// How the lock was come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It was free.
    Free,
    /// From somebody who gave no sign of life; who that was, in words.
    From(String),
}

struct Held {
    room: Room,
    identity: String,
    ttl: Duration,
    /// The Lease as it was written last.
    object: Mutex<Json>,
    lost: watch::Sender<Option<String>>,
}

/// The lock, until it is dropped.
pub struct Lock {
    held: Option<Arc<Held>>,
    beat: Option<tokio::task::JoinHandle<()>>,
    fence: u64,
    /// How it was come by.
    pub taken: Taken,
}

/// What somebody did who released the lock of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Released {
    /// It was free already.
    Free,
    /// Whose it was, in words.
    From(String),
}

impl Room {
    fn lease_name(&self) -> String {
        format!("clinch-{}", self.project())
    }

    /// The lock of this configuration; `None` when nobody ever had it.
    pub async fn lease(&self) -> Result<Option<Lease>, Diagnostics> {
        let object = self.get(&leases(), &self.lease_name()).await.map_err(|e| trouble(&e))?;
        Ok(object.as_ref().map(Lease::read))
    }

    /// The locks of all configurations that keep their state here.
    pub async fn all_leases(&self) -> Result<Vec<Lease>, Diagnostics> {
        let label = format!("{PART}=lock");
        let all = self.list(&leases(), Some(&label)).await.map_err(|e| trouble(&e))?;
        Ok(all.iter().map(Lease::read).collect())
    }

    /// The server's clock, in seconds since 1970.
    pub async fn now(&self) -> Option<i64> {
        self.server_time().await
    }

    /// Takes the lock, and waits for it. `tell` hears once whom it waits for.
    ///
    /// # Interruption
    ///
    /// When dropped while it waits, nothing is left behind; when dropped right after the lock
    /// was taken, the lock is free again after its time.
    pub async fn lock(
        &self,
        claim: &Claim,
        tell: &(dyn Fn(String) + Send + Sync),
    ) -> Result<Lock, Diagnostics> {
        let began = Instant::now();
        // What was seen of another's Lease, and since when it is as it is, by our own clock.
        let mut seen: Option<(Json, Instant)> = None;
        let mut told = false;
        loop {
            let before = self.get(&leases(), &self.lease_name()).await.map_err(|e| trouble(&e))?;
            let mut taken = Taken::Free;
            if let Some(object) = &before
                && let lease = Lease::read(object)
                && lease.identity.is_some()
            {
                let version = object["metadata"]["resourceVersion"].clone();
                let since = match &seen {
                    Some((known, since)) if *known == version => *since,
                    Some(_) | None => {
                        let now = Instant::now();
                        seen = Some((version, now));
                        now
                    }
                };
                let server_now = self.server_time().await;
                let dead = since.elapsed() > lease.ttl + MARGIN
                    || server_now.is_some_and(|now| lease.is_dead(now));
                if !dead {
                    if began.elapsed() >= claim.timeout {
                        return Err(self.locked(&lease, server_now, claim.timeout).into());
                    }
                    if !told {
                        tell(format!("Waiting for the lock, which {} holds.", lease.words()));
                        told = true;
                    }
                    let left = claim.timeout.saturating_sub(began.elapsed());
                    tokio::time::sleep(POLL.min(left)).await;
                    continue;
                }
                taken = Taken::From(lease.words());
            }
            match self.take(before.as_ref(), claim).await {
                Ok(object) => return self.hold(object, claim, taken).await,
                // Somebody was faster.
                Err(NotWritten::Other) => {}
                Err(NotWritten::Trouble(error)) => return Err(trouble(&error)),
            }
        }
    }

    async fn take(&self, before: Option<&Json>, claim: &Claim) -> Result<Json, NotWritten> {
        let now = micro_now();
        let mut object = before.cloned().unwrap_or_else(|| {
            json!({
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {
                    "name": self.lease_name(),
                    "namespace": self.namespace(),
                    "labels": { PROJECT: self.project(), PART: "lock" },
                },
            })
        });
        let transitions = transitions_of(&object);
        object["spec"] = json!({
            "holderIdentity": claim.identity(),
            "leaseDurationSeconds": claim.lease.as_secs(),
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": transitions + 1,
        });
        annotate(&mut object, HOLDER, schemas::holder::write(&claim.holder).trim());
        match before {
            None => self.create(&leases(), &object).await,
            Some(_) => self.replace(&leases(), &object).await,
        }
    }

    /// Marks the head, so that whoever had the lock before cannot write a state any more.
    async fn hold(&self, object: Json, claim: &Claim, taken: Taken) -> Result<Lock, Diagnostics> {
        // Hosts remember the number, and they are there longer than a head that somebody deletes or
        // an old copy replaces. The time of the server makes it grow all the same.
        let now = Lease::read(&object).renewed.and_then(|now| u64::try_from(now).ok());
        let least = now.unwrap_or(0).max(transitions_of(&object));
        let (identity, ttl) = (claim.identity(), claim.lease);
        let (lost, _) = watch::channel(None);
        let object = Mutex::new(object);
        let held = Arc::new(Held { room: self.clone(), identity, ttl, object, lost });
        let beat = tokio::spawn(beat(held.clone()));
        // From here on every way out releases it.
        let mut lock = Lock { held: Some(held.clone()), beat: Some(beat), fence: 0, taken };
        loop {
            let before = head::read(self).await?;
            // Between this look and the exchange nobody can have marked the head.
            let mine = self.lease().await?.and_then(|l| l.identity) == Some(held.identity.clone());
            if !mine {
                return Err(lost_lock("Somebody else took it over.").into());
            }
            let mut next = match &before {
                Some(seen) => seen.head.clone(),
                None => head::new(self.project()),
            };
            next.fence = least.max(next.fence + 1);
            next.holder.clone_from(&held.identity);
            lock.fence = next.fence;
            match head::exchange(self, before.as_ref(), next).await {
                Ok(_) => return Ok(lock),
                Err(NotWritten::Other) => {}
                Err(NotWritten::Trouble(error)) => return Err(trouble(&error)),
            }
        }
    }

    fn locked(&self, lease: &Lease, server_now: Option<i64>, timeout: Duration) -> Diagnostic {
        let waited = match timeout.as_secs() {
            0 => String::new(),
            seconds => format!(" It was not released within {seconds} s."),
        };
        let sign = match server_now.and_then(|now| lease.silence(now)) {
            Some(silence) => format!(" Its last sign of life came {silence} s ago."),
            None => String::new(),
        };
        let detail = format!(
            "The state of `{}` in the namespace `{}` is in use by {}.{waited}{sign}",
            self.project(),
            self.namespace(),
            lease.words()
        );
        Diagnostic::error(LOCKED, "State is locked", detail).with_help(format!(
            "Wait until it has ended, or give `-lock-timeout={}s`: a run that died counts as \
             dead after {} s.",
            (lease.ttl + MARGIN).as_secs() * 2,
            (lease.ttl + MARGIN).as_secs(),
        ))
    }

    /// Remembers the highest serial on the Lease, so that an older state is recognised.
    pub(crate) async fn anchor(&self, serial: u64, lineage: &str) -> Result<(), Diagnostics> {
        loop {
            let before = self.get(&leases(), &self.lease_name()).await.map_err(|e| trouble(&e))?;
            let mut object = before.clone().unwrap_or_else(|| {
                json!({
                    "apiVersion": "coordination.k8s.io/v1",
                    "kind": "Lease",
                    "metadata": {
                        "name": self.lease_name(),
                        "namespace": self.namespace(),
                        "labels": { PROJECT: self.project(), PART: "lock" },
                    },
                    "spec": {},
                })
            });
            annotate(&mut object, SERIAL, &serial.to_string());
            annotate(&mut object, LINEAGE, lineage);
            let written = match before {
                Some(_) => self.replace(&leases(), &object).await,
                None => self.create(&leases(), &object).await,
            };
            match written {
                Ok(_) => return Ok(()),
                // A sign of life came between.
                Err(NotWritten::Other) => {}
                Err(NotWritten::Trouble(error)) => return Err(trouble(&error)),
            }
        }
    }

    /// Removes the Lease, with what it remembers.
    pub(crate) async fn forget(&self) -> Result<(), Diagnostics> {
        self.delete(&leases(), &self.lease_name()).await.map_err(|e| trouble(&e))
    }

    /// Takes the lock from whoever holds it, for nobody.
    pub async fn release(&self, force: bool) -> Result<Released, Diagnostics> {
        loop {
            let before = self.get(&leases(), &self.lease_name()).await.map_err(|e| trouble(&e))?;
            let Some(mut object) = before else { return Ok(Released::Free) };
            let lease = Lease::read(&object);
            if lease.identity.is_none() {
                return Ok(Released::Free);
            }
            let dead = self.server_time().await.is_some_and(|now| lease.is_dead(now));
            if !dead && !force {
                return Err(self.alive(&lease).into());
            }
            let transitions = lease.transitions + 1;
            free(&mut object);
            object["spec"]["leaseTransitions"] = transitions.into();
            match self.replace(&leases(), &object).await {
                Ok(_) => {
                    self.forget_holder(transitions).await?;
                    return Ok(Released::From(lease.words()));
                }
                Err(NotWritten::Other) => {}
                Err(NotWritten::Trouble(error)) => return Err(trouble(&error)),
            }
        }
    }

    /// Marks the head for nobody, so that whoever had it cannot write.
    async fn forget_holder(&self, fence: u64) -> Result<(), Diagnostics> {
        loop {
            let Some(before) = head::read(self).await? else { return Ok(()) };
            let mut head = before.head.clone();
            head.fence = fence.max(head.fence + 1);
            head.holder.clear();
            match head::exchange(self, Some(&before), head).await {
                Ok(_) => return Ok(()),
                Err(NotWritten::Other) => {}
                Err(NotWritten::Trouble(error)) => return Err(trouble(&error)),
            }
        }
    }

    fn alive(&self, lease: &Lease) -> Diagnostic {
        let detail = format!(
            "The lock of `{}` is held by {}, which gave a sign of life within the last {} s.",
            self.project(),
            lease.words(),
            (lease.ttl + MARGIN).as_secs()
        );
        Diagnostic::error(ALIVE, "Holder of the lock is alive", detail).with_help(
            "Stop that run where it goes on: it finishes its step and releases the lock. With \
             -force it loses the lock now; a step that it has begun goes on, and what became of \
             it is found out by the next run.",
        )
    }
}

impl Lock {
    /// No lock at all, for `-lock=false`.
    pub fn none() -> Self {
        Self { held: None, beat: None, fence: 0, taken: Taken::Free }
    }

    /// Who may write the state, and how often hands have changed; `None` without a lock.
    pub(crate) fn grip(&self) -> Option<(String, u64)> {
        self.held.as_ref().map(|held| (held.identity.clone(), self.fence))
    }

    /// The number under which this run works, and who that is; `None` without a lock. Each run has a
    /// greater one than all before it, about the seconds since 1970 by the server's clock.
    pub fn number(&self) -> Option<(u64, String)> {
        self.grip().map(|(identity, fence)| (fence, identity))
    }

    /// As when the process stands still.
    #[cfg(test)]
    pub(crate) fn without_signs_of_life(mut self) -> Self {
        if let Some(beat) = self.beat.take() {
            beat.abort();
        }
        self
    }

    /// Tells when the lock is lost, and why; never without a lock.
    pub fn lost(&self) -> Option<watch::Receiver<Option<String>>> {
        self.held.as_ref().map(|held| held.lost.subscribe())
    }

    /// Lets it go, as dropping it does, and waits for that.
    pub async fn release(mut self) {
        if let Some(held) = self.let_loose() {
            let _expires_by_itself = tokio::time::timeout(RELEASE, let_go(held)).await;
        }
    }

    /// No sign of life any more; what there is to let go, unless it was lost.
    fn let_loose(&mut self) -> Option<Arc<Held>> {
        if let Some(beat) = self.beat.take() {
            beat.abort();
        }
        self.held.take().filter(|held| held.lost.borrow().is_none())
    }

    /// What to say when it is lost.
    pub fn problem(&self) -> Option<Diagnostic> {
        let why = self.held.as_ref()?.lost.borrow().clone()?;
        Some(lost_lock(&why))
    }
}

fn lost_lock(why: &str) -> Diagnostic {
    let detail = format!("{why} Nothing more is begun.");
    Diagnostic::error(LOST, "Lock was lost", detail).with_help(
        "See who has it with `clinch lock show`. Once it is free, `clinch apply -resume` finishes \
         the run, if nobody else has.",
    )
}

impl Drop for Lock {
    fn drop(&mut self) {
        let Some(held) = self.let_loose() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if runtime.runtime_flavor() == RuntimeFlavor::CurrentThread {
            // Its only thread cannot wait here; `release` can.
            return;
        }
        let work = tokio::time::timeout(RELEASE, let_go(held));
        // Whichever way a run ends, the next one does not have to wait.
        tokio::task::block_in_place(|| {
            let _expires_by_itself = runtime.block_on(work);
        });
    }
}

async fn let_go(held: Arc<Held>) {
    let room = &held.room;
    for _ in 0..5 {
        let Ok(Some(mut object)) = room.get(&leases(), &room.lease_name()).await else { return };
        if object["spec"]["holderIdentity"] != held.identity {
            return;
        }
        free(&mut object);
        if !matches!(room.replace(&leases(), &object).await, Err(NotWritten::Other)) {
            return;
        }
    }
}

/// Gives signs of life until nobody wants them, or the lock is lost.
async fn beat(held: Arc<Held>) {
    let (every, patience) = (held.ttl / 5, held.ttl * 2 / 3);
    let mut last = Instant::now();
    let mut pause = every;
    loop {
        tokio::time::sleep(pause).await;
        // One request must not use up the whole time.
        let asked = Instant::now();
        let answer = tokio::time::timeout(patience / 2, renew(&held)).await;
        let why = match answer {
            Ok(Ok(true)) => {
                last = asked;
                pause = every;
                continue;
            }
            Ok(Ok(false)) => {
                let why = "Somebody else has taken the lock over, or released it.".to_owned();
                held.lost.send_replace(Some(why));
                return;
            }
            Ok(Err(error)) => error,
            Err(_) => "The server did not answer in time.".to_owned(),
        };
        if last.elapsed() >= patience {
            let seconds = last.elapsed().as_secs();
            let why = format!("No sign of life got through for {seconds} s. {why}");
            held.lost.send_replace(Some(why));
            return;
        }
        pause = every / 4;
    }
}

/// One sign of life; false when the lock is not held any more.
async fn renew(held: &Held) -> Result<bool, String> {
    let mut object = held.object.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for _ in 0..5 {
        object["spec"]["renewTime"] = micro_now().into();
        match held.room.replace(&leases(), &object).await {
            Ok(written) => {
                *held.object.lock().unwrap_or_else(PoisonError::into_inner) = written;
                return Ok(true);
            }
            Err(NotWritten::Trouble(error)) => return Err(error.to_problem().detail),
            Err(NotWritten::Other) => {}
        }
        let there = held.room.get(&leases(), &held.room.lease_name()).await;
        match there.map_err(|error| error.to_problem().detail)? {
            Some(there) if there["spec"]["holderIdentity"] == held.identity => object = there,
            Some(_) | None => return Ok(false),
        }
    }
    Err("The Lease changes all the time.".to_owned())
}

fn transitions_of(object: &Json) -> u64 {
    object["spec"]["leaseTransitions"].as_u64().unwrap_or(0)
}

/// Nobody's, as the API has it: the field is not there.
fn free(object: &mut Json) {
    if let Some(spec) = object["spec"].as_object_mut() {
        spec.remove("holderIdentity");
    }
}

fn annotate(object: &mut Json, key: &str, text: &str) {
    let annotations = &mut object["metadata"]["annotations"];
    if !annotations.is_object() {
        *annotations = json!({});
    }
    annotations[key] = text.into();
}

/// Now, as a Lease has it: with microseconds.
fn micro_now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}
