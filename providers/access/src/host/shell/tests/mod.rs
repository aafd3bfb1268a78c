//! What happens on a machine that is reached through its shell.

mod fences;
mod local;
mod power;
mod ssh;
mod sshd;
mod words;
