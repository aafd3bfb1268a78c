//! The canonical spelling against what a real server stored.

use crate::support;
use cluster::{canon, shown};
use values::Value;

/// What was applied or created, and the object that came of it.
fn stored() -> Option<Vec<(Value, Value)>> {
    let vectors = support::packed_lines("kubernetes-ssa-vectors.jsonl.gz")?;
    let pair = |vector: &Value| {
        let request = vector.get("request")?;
        let ty = request.get("type")?.as_str()?;
        let status = vector.get("status")?.as_number()?.as_i64()?;
        let taken = matches!(ty, "apply" | "create") && (status == 200 || status == 201);
        let body = request.get("body")?;
        taken.then(|| (body.clone(), vector.get("response").cloned().unwrap_or(Value::Null)))
    };
    Some(vectors.iter().filter_map(pair).collect())
}

/// Every leaf of the canonical intent is in the stored object with this very value; zero
/// values of optional scalars, which stay in the intent on purpose, may be left out there.
#[test]
fn the_server_stores_what_is_canonical_as_it_is() {
    let Some(rows) = stored() else { return };
    let mut written = 0;
    for (body, stored) in &rows {
        let intent = canon::canonical(body);
        let changed = shown::changed_by_server(&intent, stored);
        assert!(changed.is_empty(), "{changed:?} of {intent:?} is stored as {stored:?}");
        written += usize::from(shown::changed_by_server(body, stored).is_empty());
    }
    println!(
        "ORACLE canonical: {0}/{0} of {0} stored as sent ({written} of them as written)",
        rows.len()
    );
}

/// A second time changes nothing.
#[test]
fn canonical_is_canonical() {
    let Some(rows) = stored() else { return };
    for (body, stored) in &rows {
        for object in [body, stored] {
            let once = canon::canonical(object);
            assert_eq!(canon::canonical(&once), once);
        }
    }
    println!("ORACLE canonical-twice: {0}/{0} of {0}", rows.len());
}
