//! Capabilities to touch the world: a [`Cluster`] and its [`Hosts`].
//!
//! This crate answers one question: *how does a provider reach what it manages?* A
//! provider is given a [`Cluster`] (any Kubernetes API, real or embedded) or a [`Host`]
//! (any machine, real or a folder), and never opens a connection, a file or a process of
//! its own.
//!
//! | question | start at |
//! | --- | --- |
//! | which cluster is meant, and how is it reached | [`connect`] |
//! | what can be asked of a cluster | [`Cluster`] |
//! | why did it not work, in words for people | [`ClusterError::to_problem`] |
//! | what can be done on a machine | [`Host`] |
//! | where a secret is that a configuration points at | [`Secrets`] |
//! | values as JSON and back | [`json`] |
//! | a server that says what a test wants | [`scripted`] |
//!
//! **Invariant:** what could not be read is an error, never an empty answer. A list that
//! breaks off, a page of HTML from a proxy, a refusal half way: none of them is "nothing
//! there".
//!
//! **Invariant:** no default cluster. When the configuration names none, that is an error;
//! there is no fallback to an address on this machine.
//!
//! **Not here:** what an object means (`cluster`, `node`), and what to do about a
//! difference (the pure halves of the providers).

mod cluster;
mod host;
pub mod json;
mod kubeconfig;
pub mod scripted;
mod secrets;
pub mod text;

pub use cluster::{
    Apply, Attempt, Call, Cause, Cluster, ClusterError, Delete, Discovery, Evict, Failure, Item,
    JsonPatch, Listing, Place, Propagation, Query, Refusal, Resource, TlsTrouble, Unreachable,
    Watch, WatchEvent, Write,
};
pub use host::{
    Answer, Ask, Command, Entry, EntryKind, Expected, Fence, FenceTrouble, FileOnHost, FolderHost,
    Host, HostError, HostKeys, Hosts, KeyTrouble, LONGEST_LOOK, MemoryHost, Output, ShellHost,
    SshGate, SshSettings, Staged, SudoTrouble, WriteFile, digest,
};
pub use kubeconfig::{ClusterOptions, Env, ExecPlugins, connect};
pub use secrets::{LONGEST_SECRET, SecretSource, Secrets};
