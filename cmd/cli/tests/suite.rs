//! The whole program, as people use it: texts in a folder, commands, what is printed.

mod casebook;
mod clusters;
mod files;
mod flags;
mod real;
mod saved;
mod state;
mod support;
