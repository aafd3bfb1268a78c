//! How to show: colour, width, characters. Colours stand in one table.

use anstyle::{AnsiColor, Effects};

/// What the screen can do; the caller knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether to write colours. Everything is readable without.
    pub color: bool,
    /// Columns of the screen; `None` when lines may be of any length (a file, a pipe).
    pub width: Option<usize>,
    /// Whether lines and dots outside of ASCII may be drawn.
    pub unicode: bool,
}

impl Style {
    /// For files and pipes: no colour, lines of any length.
    pub fn plain() -> Self {
        Self { color: false, width: None, unicode: true }
    }

    /// The text in the colour of its meaning.
    pub(crate) fn ink(self, ink: Ink, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let style = ink.style();
        format!("{}{text}{}", style.render(), style.render_reset())
    }

    /// Stands for what was left out.
    pub(crate) fn dots(self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }
}

/// How much to show of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Detail {
    /// The table and the counts.
    Summary,
    /// And what changes in each object.
    #[default]
    Concise,
    /// And what does not.
    Full,
}

/// What a piece of text means, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Strong,
    Faint,
    Create,
    Destroy,
    Change,
    Error,
    Warning,
    Good,
}

impl Ink {
    fn style(self) -> anstyle::Style {
        let color = |c: AnsiColor| anstyle::Style::new().fg_color(Some(c.into()));
        match self {
            Self::Strong => anstyle::Style::new().effects(Effects::BOLD),
            Self::Faint => color(AnsiColor::BrightBlack),
            Self::Create => color(AnsiColor::Green),
            Self::Destroy => color(AnsiColor::Red),
            Self::Change => color(AnsiColor::Yellow),
            Self::Error => color(AnsiColor::Red).effects(Effects::BOLD),
            Self::Warning => color(AnsiColor::Yellow).effects(Effects::BOLD),
            Self::Good => color(AnsiColor::Green).effects(Effects::BOLD),
        }
    }
}
