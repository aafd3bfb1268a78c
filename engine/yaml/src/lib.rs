//! YAML as Kubernetes reads it, with the place of every part.
//!
//! This crate answers one question: *what would `kubectl` make of this text, and where in it
//! does each part stand?* `kubectl`, the kubelet and kubeadm read YAML through
//! `sigs.k8s.io/yaml`, which follows YAML 1.1 in what a plain word means: `no` is false, `014`
//! is twelve, `1_000` a thousand. A reader of YAML 1.2 sees another object than they do.
//!
//! [`documents`] reads a text; [`Node`] is a part of it. The syntax is read by `granit-parser`;
//! what plain words mean is decided in `scalar`, merge keys and aliases in `tree`.
//!
//! **Invariant:** nothing is dropped. A key that is given twice, a value that JSON does not
//! have, a document that cannot be read and what `kubectl` takes for something else (`otherwise`)
//! are mistakes, not silence.
//!
//! **Not here:** what an object means.

mod node;
mod otherwise;
mod scalar;
mod tree;

pub use node::{Entry, Kind, Node, Place};
pub use tree::documents;

/// Why a text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where.
    pub place: Place,
    /// What is wrong, as a sentence.
    pub why: String,
    /// A second place that has to do with it, such as the first of two equal keys.
    pub also: Option<Place>,
}
