//! The first answers of many types at once.
//!
//! What is done to an instance is decided in order, since it may hang on what was decided before.
//! What its type says about it mostly does not: when its arguments are known already, the answer
//! is the same whenever it is asked. So these are asked beforehand, on several threads.

use crate::PlanInput;
use crate::decide::Known;
use crate::declare::{Declaration, Declared};
use plans::ObjectKey;
use provider::{PlanRequest, Planned};
use std::collections::BTreeSet;
use std::thread;

/// Below so many instances it is not worth a thread.
const FEW: usize = 256;
const THREADS: usize = 4;

/// For each instance the answer of its type, if it is planned at all and can be asked by now.
/// `plain` says of which instances `lifecycle` says nothing.
///
/// The answers are those on `created` as it is now: they must not be used once it has grown.
pub(crate) fn answers(
    input: &PlanInput<'_, '_>,
    declared: &Declaration<'_>,
    known: &[Known<'_>],
    created: &BTreeSet<ObjectKey>,
    chosen: &[bool],
    plain: &dyn Fn(&Declared<'_>) -> bool,
) -> Vec<Option<Planned>> {
    let instances = &declared.instances;
    if instances.len() < FEW {
        return Vec::new();
    }
    let project = input.options.project.as_str();
    let ask = |d: &Declared<'_>, known: &Known<'_>| {
        d.kind.plan(&PlanRequest {
            identity: &d.identity,
            desired: Some(&d.args),
            observed: known.observed,
            recorded: known.remembered.map(|(_, recorded)| recorded),
            preview: None,
            asked: None,
            ignore: &[],
            created,
            project,
            protect: false,
            release: false,
            wait: None,
            adopt: false,
        })
    };
    let open = |(d, chosen): (&Declared<'_>, &bool)| {
        *chosen && d.args.is_known() && plain(d) && !declared.failed.contains(&d.addr)
    };
    let open: Vec<bool> = instances.iter().zip(chosen).map(open).collect();
    let mut answers: Vec<Option<Planned>> = instances.iter().map(|_| None).collect();
    let size = instances.len().div_ceil(THREADS);
    thread::scope(|threads| {
        let questions = instances.chunks(size).zip(known.chunks(size)).zip(open.chunks(size));
        for (answers, ((instances, known), open)) in answers.chunks_mut(size).zip(questions) {
            threads.spawn(move || {
                let questions = instances.iter().zip(known).zip(open);
                for (answer, ((d, known), open)) in answers.iter_mut().zip(questions) {
                    *answer = open.then(|| ask(d, known));
                }
            });
        }
    });
    answers
}
