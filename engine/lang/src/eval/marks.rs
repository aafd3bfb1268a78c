//! Taking the mark of a sensitive value off, and putting it back on.

use values::Value;

/// The value without its own mark, and whether it had one. Marks of parts stay.
pub(crate) fn unmark(value: Value) -> (Value, bool) {
    match value {
        Value::Sensitive(inner) => (inner.expose().clone(), true),
        value => (value, false),
    }
}

/// The value with a mark if `marked`.
pub(crate) fn mark(value: Value, marked: bool) -> Value {
    if marked { value.into_sensitive() } else { value }
}
