//! The files as other processes, crashes and people leave them.

mod child;
mod files;
mod journal;
mod lock;
mod modes;
mod plans;
mod samples;
