//! Looking at what is remembered while the configuration is still being evaluated.

use addrs::InstanceAddr;
use plans::{ObjectKey, Recorded};
use provider::{Observation, Providers, Wanted};
use states::State;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;

/// So few objects are looked at as fast later.
const FEW: usize = 100;

/// Observations that are on their way. Every object of the state is looked at sooner or later:
/// it is declared, or it is to go. So nothing is read in vain, and the plan is the same.
///
/// # Interruption
///
/// Dropping it ends the looking and leaves nothing behind.
#[derive(Default)]
pub struct Ahead(JoinSet<Seen>);

/// What was asked about an object, and the answer.
#[derive(Default)]
pub(crate) struct Seen(BTreeMap<ObjectKey, Option<(Wanted, Observation)>>);

impl Ahead {
    /// Begins to look, beside whatever the caller does next. Only inside a tokio runtime.
    pub fn look(state: &State, providers: &Arc<dyn Providers>) -> Self {
        let mut looking = JoinSet::new();
        if state.records.len() > FEW {
            let wanted = |(addr, record): (&InstanceAddr, &Recorded)| Wanted {
                ty: addr.ty.clone(),
                identity: record.identity.clone(),
            };
            let wanted: Vec<Wanted> = state.records.iter().map(wanted).collect();
            let providers = providers.clone();
            looking.spawn(async move {
                let answers = providers.observe(wanted.clone()).await;
                let pairs = wanted.into_iter().zip(answers);
                Seen(pairs.map(|(w, answer)| (w.identity.key.clone(), Some((w, answer)))).collect())
            });
        }
        Self(looking)
    }

    /// Whether nothing is on its way.
    pub fn is_idle(&self) -> bool {
        self.0.is_empty()
    }

    /// What was seen. Nothing when looking broke off: all of it is then looked at again.
    pub(crate) async fn seen(mut self) -> Seen {
        match self.0.join_next().await {
            Some(Ok(seen)) => seen,
            Some(Err(_)) | None => Seen::default(),
        }
    }
}

impl Seen {
    /// The answer to exactly this question.
    pub(crate) fn take(&mut self, wanted: &Wanted) -> Option<Observation> {
        // Its place stays: to close ten thousand gaps takes longer than to leave them.
        let (asked, answer) = self.0.get_mut(&wanted.identity.key)?.take()?;
        (asked == *wanted).then_some(answer)
    }
}
