//! `explain -json`: pages about the codes of messages.

use schemars::JsonSchema;
use serde::Serialize;

/// What `explain -json` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Explanation {
    /// Of this object: minor versions add, major versions break.
    pub format_version: String,
    /// The pages that were asked for, in the order of their codes.
    pub pages: Vec<Page>,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Page {
    /// The code of a message: `E0203`.
    pub code: String,
    /// What is wrong when a message has this code, in sentences.
    pub cause: String,
    /// What leads to it: configuration, a command, or a situation in words.
    pub example: String,
    /// What to do.
    pub help: String,
}

impl Explanation {
    /// Of these pages.
    pub fn new(pages: Vec<Page>) -> Self {
        Self { format_version: "1.0".to_owned(), pages }
    }
}
