//! The state file.

pub mod v1;

use crate::{ReadError, Unwritable, envelope};
use states::State;

/// The text of the state file. Sensitive outputs are written as a mark only.
pub fn write(state: &State) -> Result<String, Unwritable> {
    let body = serde_json::to_string(&v1::Body::from(state)).expect("the wire form is plain JSON");
    envelope::seal(&envelope::STATE, &body)
}

/// The state in a state file, when the file is whole.
pub fn read(bytes: &[u8]) -> Result<State, ReadError> {
    envelope::open::<v1::Body>(&envelope::STATE, bytes).map(State::from)
}
