//! Where the checkout is.

use std::path::{Path, PathBuf};

/// The root of the checkout that this program was built from.
///
/// Cargo tells it at run time; the directory known at compile time serves when the program is
/// started by hand. Either way it does not depend on the directory it is started in.
pub(crate) fn root() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own.ancestors().nth(2).map_or_else(|| own.clone(), Path::to_path_buf)
}
