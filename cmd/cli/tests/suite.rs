//! The whole program, as people use it: texts in a folder, commands, what is printed.

mod casebook;
mod real;
mod support;
