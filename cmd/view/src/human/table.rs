//! The table that stands first: one row for each change, the dangerous ones on top.

use super::change;
use crate::style::Ink;
use crate::{Style, text};
use plans::{Action, Change};
use values::Disruption;

/// Deletions first, then replacements, then what disturbs most, then the rest by address.
pub(super) fn by_risk<'a>(changes: impl Iterator<Item = &'a Change>) -> Vec<&'a Change> {
    let mut changes: Vec<_> = changes.filter(|c| c.action.is_change()).collect();
    let rank = |action| match action {
        Action::Delete => 0,
        Action::Replace => 1,
        Action::Update => 2,
        Action::Create => 3,
        Action::Forget => 4,
        Action::NoOp => 5,
    };
    changes.sort_by(|a, b| {
        let dangerous = |c: &Change| rank(c.action).min(2);
        dangerous(a)
            .cmp(&dangerous(b))
            .then(b.disruption.cmp(&a.disruption))
            .then(rank(a.action).cmp(&rank(b.action)))
            .then(a.addr.cmp(&b.addr))
    });
    changes
}

/// The lines of the table, heading first.
pub(super) fn lines(changes: &[&Change], style: Style) -> Vec<String> {
    let cells: Vec<[String; 4]> = changes
        .iter()
        .map(|c| {
            [
                text::line(&c.addr.to_string()).into_owned(),
                text::line(&c.identity.shown).into_owned(),
                c.disruption.to_string(),
                change::why(c, style),
            ]
        })
        .collect();
    let heading = ["ADDRESS", "OBJECT", "DISRUPTION", "WHY"].map(str::to_owned);
    let widths = fit(&heading, &cells, style.width);
    let mut out = vec![style.ink(Ink::Faint, &format!("    {}", row(&heading, widths, style)))];
    for (c, cells) in changes.iter().zip(&cells) {
        let mut line = format!(
            "{} {}",
            change::sign_ink(c.action, c.create_first, style),
            row(cells, widths, style)
        );
        if c.disruption > Disruption::Quiet {
            line = emphasize(&line, &cells[2], style);
        }
        out.push(line);
    }
    out
}

/// The cost of a row in the colour of a warning.
fn emphasize(line: &str, cost: &str, style: Style) -> String {
    match line.rfind(&format!("  {cost}  ")).filter(|_| style.color) {
        Some(at) => {
            let (head, rest) = line.split_at(at + 2);
            format!("{head}{}{}", style.ink(Ink::Warning, cost), &rest[cost.len()..])
        }
        None => line.to_owned(),
    }
}

fn row(cells: &[String; 4], widths: [usize; 4], style: Style) -> String {
    let mut parts = Vec::new();
    for (i, (cell, width)) in cells.iter().zip(widths).enumerate() {
        if width == 0 {
            continue;
        }
        let cell = if i == 3 {
            text::fit_end(cell, width, style)
        } else {
            text::fit_middle(cell, width, style)
        };
        parts.push(text::pad(&cell, width));
    }
    parts.join("  ").trim_end().to_owned()
}

/// Widths of the columns. What says why shrinks first, then the object, then the address; a
/// column without room is left out, the address never.
fn fit(heading: &[String; 4], rows: &[[String; 4]], screen: Option<usize>) -> [usize; 4] {
    let mut widths = [0; 4];
    for cells in rows.iter().chain([heading]) {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = text::width(cell).max(*width);
        }
    }
    let Some(screen) = screen else { return widths };
    // The sign takes four columns, two stand between each two cells.
    let total = |w: &[usize; 4]| {
        let columns = w.iter().filter(|w| **w > 0).count();
        4 + w.iter().sum::<usize>() + 2 * columns.saturating_sub(1)
    };
    for (column, least) in [(3, 24), (1, 20), (0, 36), (1, 14), (3, 14), (0, 24)] {
        let over = total(&widths).saturating_sub(screen);
        let least = least.min(widths[column]);
        widths[column] = widths[column].saturating_sub(over).max(least);
    }
    for column in [1, 3, 2] {
        if total(&widths) > screen {
            widths[column] = 0;
        }
    }
    widths[0] = widths[0].min(screen.saturating_sub(4)).max(1);
    widths
}
