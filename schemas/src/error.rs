//! Why a stored text cannot be used.

/// Why a text is not what it should be. Says nothing of the content, which may be anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is nothing in it.
    #[error("It is empty.")]
    Empty,
    /// It is larger than anything that is written.
    #[error("It is larger than {} MiB.", crate::MAX_BYTES >> 20)]
    TooLarge,
    /// It is not UTF-8.
    #[error("It is not text: byte {0} is not UTF-8.")]
    NotText(usize),
    /// It is not JSON, or JSON of a kind that is never written.
    #[error("It is not complete and valid JSON: {why} (line {line}, column {column}).")]
    NotJson {
        /// What is wrong.
        why: String,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// It is something else.
    #[error("It is {found}, and {wanted} is needed.")]
    OtherFormat {
        /// What it says it is.
        found: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// It was written by a newer clinch.
    #[error(
        "It was written by clinch {clinch} in version {version} of its format; this is clinch \
         {}, which reads version {known}. Use clinch {clinch} or newer.",
        crate::VERSION
    )]
    Newer {
        /// The version of the format.
        version: u64,
        /// The newest version that can be read.
        known: u64,
        /// The clinch that wrote it.
        clinch: String,
    },
    /// A version that never was.
    #[error("It says that it is version {0} of its format, which does not exist.")]
    NoVersion(u64),
    /// It is not as it was written.
    #[error("It is damaged: its content does not match its digest.")]
    Digest,
    /// It is as it was written, and makes no sense.
    #[error("It makes no sense: {0}.")]
    Content(String),
}

/// Why something cannot be written: it could not be read back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("It could not be read back: {0}")]
pub struct Unwritable(pub(crate) ReadError);
