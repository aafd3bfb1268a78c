//! Which pods a node has now: one list, then one watch for all of them.
//!
//! A watch alone is not trusted: it may be cut, refused, or silent while things happen. Each
//! lasts for [`LOOK`] at most; then the pods are listed again.

use super::look::pods;
use crate::drain::objects::Pod;
use access::{Cluster, ClusterError, Query, WatchEvent};
use plans::Problem;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

/// How long to trust a watch.
const LOOK: Duration = Duration::from_secs(30);
/// How long to pause where nothing can be watched.
const PAUSE: Duration = Duration::from_secs(1);

/// The pods of a node, for everybody who waits for one to go.
pub(super) struct Board<'a> {
    cluster: &'a Cluster,
    fields: String,
    seen: watch::Sender<Seen>,
}

/// What is on the board.
#[derive(Default)]
pub(super) struct Seen {
    /// By uid; `None` until they were listed for the first time.
    pods: Option<BTreeMap<String, Pod>>,
    /// Why pods cannot be looked at just now.
    pub(super) trouble: Option<String>,
    /// Whether there is no use in going on.
    pub(super) over: bool,
}

impl Seen {
    /// Whether this pod is known to be gone.
    pub(super) fn is_gone(&self, uid: &str) -> bool {
        self.pods.as_ref().is_some_and(|pods| !pods.contains_key(uid))
    }

    /// The pod as it was last seen.
    pub(super) fn pod(&self, uid: &str) -> Option<&Pod> {
        self.pods.as_ref()?.get(uid)
    }
}

impl<'a> Board<'a> {
    pub(super) fn new(cluster: &'a Cluster, node: &str) -> Self {
        let fields = format!("spec.nodeName={node}");
        Self { cluster, fields, seen: watch::Sender::new(Seen::default()) }
    }

    /// To look at, and to wait for changes.
    pub(super) fn watch(&self) -> watch::Receiver<Seen> {
        self.seen.subscribe()
    }

    /// There is no use in going on.
    pub(super) fn stop(&self) {
        self.seen.send_modify(|seen| seen.over = true);
    }

    /// Follows the pods until that is impossible; says why.
    pub(super) async fn follow(&self) -> Problem {
        loop {
            let looked = Instant::now();
            match self.list().await {
                Ok(version) => {
                    let until = looked + LOOK;
                    let watched = self.follow_from(&version, until).await;
                    if watched.is_err() || looked.elapsed() < PAUSE {
                        sleep(PAUSE).await;
                    }
                }
                Err(Trouble::For(why)) => {
                    self.seen.send_modify(|seen| seen.trouble = Some(why));
                    sleep(PAUSE).await;
                }
                Err(Trouble::Final(problem)) => return problem,
            }
        }
    }

    /// Looks once, whatever comes of it.
    pub(super) async fn look(&self) {
        if let Err(Trouble::For(why)) = self.list().await {
            self.seen.send_modify(|seen| seen.trouble = Some(why));
        }
    }

    fn query(&self) -> Query<'_> {
        Query { fields: Some(&self.fields), ..Query::default() }
    }

    async fn list(&self) -> Result<String, Trouble> {
        let resource = pods();
        let listing = self.cluster.list(&resource, self.query(), |object| Some(Pod::of(&object)));
        let listing = listing.await.map_err(|error| Trouble::of(&error))?;
        let mut found = BTreeMap::new();
        for pod in listing.items {
            let pod = pod.map_err(|unreadable| Trouble::Final(unreadable.to_problem()))?;
            found.insert(pod.uid.clone(), pod);
        }
        self.seen.send_modify(|seen| {
            seen.pods = Some(found);
            seen.trouble = None;
        });
        Ok(listing.resource_version)
    }

    /// Watches until another list is due.
    async fn follow_from(&self, version: &str, until: Instant) -> Result<(), ()> {
        let resource = pods();
        let watch = self.cluster.watch(&resource, self.query(), version, LOOK);
        let Ok(Ok(mut watch)) = timeout_at(until, watch).await else { return Err(()) };
        loop {
            match timeout_at(until, watch.next()).await {
                Ok(Ok(Some(WatchEvent::Now(object)))) => {
                    // One that cannot be read is for the next list to say.
                    let Ok(pod) = Pod::of(&object) else { return Err(()) };
                    self.change(|pods| {
                        pods.insert(pod.uid.clone(), pod);
                    });
                }
                Ok(Ok(Some(WatchEvent::Gone(object)))) => {
                    let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
                    self.change(|pods| {
                        pods.remove(uid);
                    });
                }
                Ok(Ok(Some(WatchEvent::Bookmark(_)))) => {}
                Ok(Ok(None)) | Err(_) => return Ok(()),
                Ok(Err(_)) => return Err(()),
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Pod>)) {
        self.seen.send_modify(|seen| {
            if let Some(pods) = &mut seen.pods {
                change(pods);
            }
        });
    }
}

/// Why pods were not listed.
enum Trouble {
    /// It may be over soon; why, as a clause.
    For(String),
    /// It will stay so.
    Final(Problem),
}

impl Trouble {
    fn of(error: &ClusterError) -> Self {
        match error.code() {
            Some(408 | 410 | 429) => Self::For(error.to_string()),
            Some(400..=499) => Self::Final(error.to_problem()),
            // The server may be restarting, and by our own hand.
            _ => Self::For(error.to_string()),
        }
    }
}
