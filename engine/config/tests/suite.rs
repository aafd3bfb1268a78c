//! Configuration as people write it, and what is said about it.

mod casebook;
mod constant;
mod corpora;
mod expressions;
mod format;
mod hostile;
mod loading;
mod manifests;
mod oracles;
mod places;
mod render;
mod show;
mod templates;
