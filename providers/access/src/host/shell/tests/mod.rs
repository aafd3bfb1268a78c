//! What happens on a machine that is reached through its shell.

mod local;
mod ssh;
mod sshd;
mod words;
