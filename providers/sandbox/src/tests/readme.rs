//! The figures of the README are the tests' own.

use super::{smd, vectors};

#[test]
fn figures_of_the_readme_are_the_scores_that_are_pinned() {
    let readme = include_str!("../../README.md");
    let transitions = format!("{},{:03}", vectors::EXPECTED / 1000, vectors::EXPECTED % 1000);
    for want in [
        format!("| {transitions} recorded transitions"),
        format!("| {transitions} |"),
        format!("| {} of 226 |", smd::EXPECTED),
    ] {
        assert!(readme.contains(&want), "the README does not say {want:?}");
    }
}
