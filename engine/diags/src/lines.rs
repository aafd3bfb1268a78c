//! On which line an offset of a text is, without counting from its beginning each time.

/// Bytes between two counts: few enough to look through, enough that the counts are small
/// beside the text.
const PAGE: usize = 4096;

/// The newlines of a text.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    /// How many stand before each page.
    before: Vec<usize>,
}

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        let mut count = 0;
        let page = |page: &[u8]| {
            let before = count;
            count += newlines(page);
            before
        };
        Self { before: text.as_bytes().chunks(PAGE).map(page).collect() }
    }

    /// The line of an offset of the same text, from 1.
    pub(crate) fn line(&self, text: &str, offset: usize) -> usize {
        let page = offset / PAGE;
        // The end of a text may be the beginning of a page that is not there.
        let page = page.min(self.before.len().saturating_sub(1));
        let before = self.before.get(page).copied().unwrap_or(0);
        let rest = text.as_bytes().get(page * PAGE..offset).unwrap_or_default();
        before + newlines(rest) + 1
    }
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().map(|byte| usize::from(*byte == b'\n')).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offset_is_on_the_line_that_counting_gives() {
        let lines: Vec<String> = (0..2_000).map(|i| "x".repeat(i % 17)).collect();
        let lines = lines.join("\n");
        for text in ["", "\n", "a", &lines[..PAGE], &lines[..2 * PAGE], &lines] {
            let index = Lines::of(text);
            for offset in 0..=text.len() {
                assert_eq!(index.line(text, offset), text[..offset].matches('\n').count() + 1);
            }
        }
    }
}
