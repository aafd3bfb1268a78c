//! Looking at the world until the plan needs nothing more.

use crate::ahead::Ahead;
use crate::{Loaded, World};
use addrs::InstanceAddr;
use diags::{Code, Diagnostic};
use futures::future::join_all;
use planner::{Draft, Needs, Options, PlanInput, Planning};
use plans::{Event, Exported, ObjectKey, Op, Problem};
use provider::{Observation, Preview};
use states::State;
use std::collections::BTreeMap;
use std::mem;

/// A reference from one read or preview to the next makes one more round; no real
/// configuration comes near this many.
const MAX_ROUNDS: usize = 100;

const NO_END: Code = Code("E0450");

/// What was seen while planning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// Data sources.
    pub reads: BTreeMap<InstanceAddr, Exported>,
    /// Objects.
    pub observed: BTreeMap<ObjectKey, Observation>,
    /// What was asked, and the server's answers.
    pub previews: BTreeMap<ObjectKey, Vec<(Op, Preview)>>,
}

/// Plans: calls the pure planner, looks at what it needs and is not on its way `ahead`, and calls
/// it again.
///
/// # Interruption
///
/// Dropping the future leaves nothing behind; planning changes nothing.
pub async fn plan(
    loaded: &Loaded,
    state: &State,
    world: &World,
    options: &Options,
    mut ahead: Ahead,
) -> (Planning, Picture) {
    let mut picture = Picture::default();
    let mut before = None;
    let mut draft = Draft::default();
    for _ in 0..MAX_ROUNDS {
        let mut planning =
            planner::plan(&input(loaded, state, world, options, &picture), &mut draft);
        if planning.needs.is_empty() {
            return (planning, picture);
        }
        if before.as_ref() == Some(&planning.needs) {
            planning.diagnostics.push(no_end());
            return (planning, picture);
        }
        let ahead = mem::take(&mut ahead);
        let failed = look(&planning.needs, ahead, world, &mut picture).await;
        if !failed.is_empty() {
            let input = input(loaded, state, world, options, &picture);
            let placed = |(addr, problem)| planner::at_its_place(&input, &addr, problem);
            planning.diagnostics.extend(failed.into_iter().map(placed));
            planning.plan.complete = false;
            return (planning, picture);
        }
        before = Some(planning.needs);
    }
    let mut planning = planner::plan(&input(loaded, state, world, options, &picture), &mut draft);
    planning.diagnostics.push(no_end());
    planning.plan.complete = false;
    (planning, picture)
}

/// All that the pure planner is given.
pub(crate) fn input<'a, 'p>(
    loaded: &'a Loaded,
    state: &'a State,
    world: &'a World,
    options: &'a Options,
    picture: &'p Picture,
) -> PlanInput<'a, 'p> {
    PlanInput {
        config: &loaded.config,
        references: &loaded.references,
        schemas: &loaded.schemas,
        variables: &loaded.variables,
        catalog: &*world.catalog,
        state,
        reads: &picture.reads,
        observed: &picture.observed,
        previews: &picture.previews,
        options,
    }
}

/// Looks at everything that is needed, at once. A data source that cannot be read ends the
/// planning, since identities may hang on it; an object that cannot be looked at does not.
async fn look(
    needs: &Needs,
    ahead: Ahead,
    world: &World,
    picture: &mut Picture,
) -> Vec<(InstanceAddr, Problem)> {
    let mut failed = Vec::new();
    let reads = needs.reads.iter().map(|r| world.providers.read(&r.ty, r.args.clone()));
    for (read, answer) in needs.reads.iter().zip(join_all(reads).await) {
        match answer {
            Ok(exported) => {
                picture.reads.insert(read.addr.clone(), exported);
            }
            Err(problem) => failed.push((read.addr.clone(), problem)),
        }
    }
    if !needs.observations.is_empty() {
        let objects = needs.observations.len();
        (world.events)(Event::Observing { objects });
        let started = world.clock.elapsed();
        let mut seen = ahead.seen().await;
        let (mut found, mut unseen) = (Vec::new(), Vec::new());
        for wanted in &needs.observations {
            match seen.take(wanted) {
                Some(answer) => found.push((wanted.identity.key.clone(), answer)),
                None => unseen.push(wanted.clone()),
            }
        }
        // Sorted and put together at once, which costs less than one after the other.
        picture.observed.append(&mut found.into_iter().collect());
        let mut answers = Vec::new().into_iter();
        if !unseen.is_empty() {
            answers = world.providers.observe(unseen.clone()).await.into_iter();
        }
        let elapsed = world.clock.elapsed().saturating_sub(started);
        (world.events)(Event::Observed { objects, elapsed });
        for wanted in &unseen {
            // Fewer answers than questions is a fault of the provider, never an absence.
            let answer = answers.next().unwrap_or_else(|| Observation::Unknown(no_answer()));
            picture.observed.insert(wanted.identity.key.clone(), answer);
        }
    }
    if !needs.previews.is_empty() {
        (world.events)(Event::Previewing { objects: needs.previews.len() });
        let mut answers = world.providers.preview(needs.previews.clone()).await.into_iter();
        for op in &needs.previews {
            let answer = answers.next().unwrap_or_else(|| Preview::Unknown(no_answer()));
            let answers = picture.previews.entry(op.identity.key.clone()).or_default();
            answers.push((op.clone(), answer));
        }
    }
    failed
}

fn no_answer() -> Problem {
    Problem::error(
        NO_END,
        "No answer about an object",
        values::Path::root(),
        "The provider answered fewer questions than it was asked.",
    )
    .with_help("This is a fault of clinch; please report it with the configuration.")
}

fn no_end() -> Diagnostic {
    Diagnostic::error(
        NO_END,
        "Planning does not come to an end",
        "Looking at the world again and again led to the same questions.",
    )
    .with_help("This is a fault of clinch; please report it with the configuration.")
}
