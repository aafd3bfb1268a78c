//! What the server would answer to the eviction of a pod now.
//!
//! The rules are those of the eviction subresource, in its order: a pod that is over, not
//! begun or already going is evicted unasked; one budget is asked; more than one is an error of
//! the server's own.
//!
//! Source: [API-initiated Eviction](https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/),
//! [Unhealthy Pod Eviction Policy](https://kubernetes.io/docs/tasks/run-application/configure-pdb/#unhealthy-pod-eviction-policy).

use super::objects::{Budget, Key, Pod, UnhealthyPolicy};

/// With more unconfirmed evictions than these a budget answers none any more.
const MOST_UNCONFIRMED: usize = 2000;

/// What the server would answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// No budget is asked.
    Free,
    /// The budget has room for so many pods now.
    Allowed {
        /// The budget.
        budget: Key,
        /// How many may go at once.
        allowed: i64,
    },
    /// The budget would not count it, since it is not ready.
    Unhealthy {
        /// The budget.
        budget: Key,
    },
    /// The budget has no room (429).
    Blocked {
        /// The budget.
        budget: Key,
        /// Why.
        why: Block,
    },
    /// More than one budget selects it, which the server cannot evict (500).
    Several {
        /// The budgets, by name.
        budgets: Vec<Key>,
    },
    /// What the budget's status says is no sense, and the server refuses (403).
    Corrupt {
        /// The budget.
        budget: Key,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Budgets could not be looked at.
    Unseen,
}

/// Why a budget has no room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Too few pods are healthy.
    Spent {
        /// How many have to be healthy.
        needs: i64,
        /// How many are.
        has: i64,
        /// Whether all pods that there should be are needed, so that it stays so.
        always: bool,
    },
    /// Its controller has not counted since it was changed.
    Stale,
    /// Its controller cannot count; why.
    Failed(String),
}

impl Answer {
    /// Whether the pod stays where it is for now.
    pub fn blocks(&self) -> bool {
        matches!(self, Self::Blocked { .. } | Self::Several { .. } | Self::Corrupt { .. })
    }
}

/// What the server would answer about this pod with these budgets, which may be of any
/// namespace.
pub fn answer<'a>(pod: &Pod, budgets: impl IntoIterator<Item = &'a Budget>) -> Answer {
    if pod.is_unguarded() {
        return Answer::Free;
    }
    let covering: Vec<&Budget> = budgets.into_iter().filter(|budget| budget.covers(pod)).collect();
    let budget = match covering.as_slice() {
        [] => return Answer::Free,
        [budget] => *budget,
        several => {
            let mut budgets: Vec<Key> = several.iter().map(|budget| budget.key.clone()).collect();
            budgets.sort();
            return Answer::Several { budgets };
        }
    };
    let key = budget.key.clone();
    if !pod.ready {
        let enough = budget.healthy >= budget.desired && budget.desired > 0;
        if enough || budget.policy == UnhealthyPolicy::AlwaysAllow {
            return Answer::Unhealthy { budget: key };
        }
    }
    match room(budget) {
        Ok(allowed) => Answer::Allowed { budget: key, allowed },
        Err(Closed::For(why)) => Answer::Blocked { budget: key, why },
        Err(Closed::Broken(why)) => Answer::Corrupt { budget: key, why },
    }
}

enum Closed {
    For(Block),
    Broken(&'static str),
}

fn room(budget: &Budget) -> Result<i64, Closed> {
    if budget.observed < budget.generation {
        return Err(Closed::For(Block::Stale));
    }
    if budget.allowed < 0 {
        return Err(Closed::Broken("it allows fewer than no pods to go"));
    }
    if budget.unconfirmed > MOST_UNCONFIRMED {
        return Err(Closed::Broken("too many evictions are not confirmed by its controller"));
    }
    if budget.allowed > 0 {
        return Ok(budget.allowed);
    }
    Err(Closed::For(match &budget.failed {
        Some(why) => Block::Failed(why.clone()),
        None => Block::Spent {
            needs: budget.desired,
            has: budget.healthy,
            always: budget.expected > 0 && budget.desired >= budget.expected,
        },
    }))
}
