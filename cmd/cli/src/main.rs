//! Empty for the moment.
fn main() {}
