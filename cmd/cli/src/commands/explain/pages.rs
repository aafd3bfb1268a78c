//! The pages: text files beside this one, one heading for each code.
//!
//! A page is what is wrong in sentences, an example in a fence, and what to do. The fence says
//! what the example is: `hcl` is configuration that `clinch validate` answers with this code,
//! `hcl plan` one that `clinch plan` does, `console` a command, `text` a situation. A test holds
//! the first two to it, and finds codes that have no page.

/// What there is to say about a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// `E0203`.
    pub(super) code: &'static str,
    /// What is wrong.
    pub(super) cause: &'static str,
    /// What leads to it.
    pub(super) example: &'static str,
    /// What to do.
    pub(super) help: &'static str,
}

/// The chapters, in the order of their codes.
const CHAPTERS: [&str; 7] = [
    include_str!("syntax.md"),
    include_str!("language.md"),
    include_str!("plan.md"),
    include_str!("state.md"),
    include_str!("world.md"),
    include_str!("nodes.md"),
    include_str!("commands.md"),
];

/// All pages, in the order of their codes.
pub(super) fn all() -> Vec<Page> {
    CHAPTERS.iter().flat_map(|chapter| chapter.split("\n## ").skip(1)).filter_map(page).collect()
}

fn page(text: &'static str) -> Option<Page> {
    let (code, rest) = text.split_once('\n')?;
    let (cause, rest) = rest.split_once("\n```")?;
    let (_kind, rest) = rest.split_once('\n')?;
    let (example, help) = rest.split_once("\n```\n")?;
    Some(Page { code, cause: cause.trim(), example, help: help.trim() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_whole_and_in_order() {
        let headings = CHAPTERS.iter().flat_map(|c| c.lines()).filter(|l| l.starts_with("## "));
        let pages = all();
        assert_eq!(pages.len(), headings.count(), "a page without an example or without help");
        for page in &pages {
            let parts = [page.cause, page.example, page.help];
            assert!(parts.iter().all(|part| !part.is_empty()), "{page:?}");
            assert!(!page.help.contains("```"), "{page:?}");
        }
        assert!(pages.is_sorted_by(|a, b| a.code < b.code));
    }
}
