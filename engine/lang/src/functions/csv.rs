//! Tables of values separated by commas, as RFC 4180 describes them.

use super::Kind::String;
use super::{FunctionInfo, deep, fail, p, str_at};
use std::collections::BTreeSet;
use values::Value;

type Text = std::string::String;

pub(super) fn table() -> Vec<FunctionInfo> {
    vec![deep(
        "csvdecode",
        [p("text", String)],
        "list(any)",
        "The lines of a table as objects, with the names of its first line.",
        |a| {
            let mut rows = match rows(str_at(a, 0)) {
                Ok(rows) => rows.into_iter(),
                Err(why) => return fail(0, why),
            };
            let Some((_, names)) = rows.next() else {
                return fail(
                    0,
                    "the text is empty, and its first line is the names of the columns",
                );
            };
            let mut seen = BTreeSet::new();
            if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
                return fail(0, format!("there are two columns `{twice}`"));
            }
            let mut objects = Vec::new();
            for (line, row) in rows {
                if row.len() != names.len() {
                    let (is, want) = (row.len(), names.len());
                    return fail(
                        0,
                        format!("line {line} has {is} values, and there are {want} columns"),
                    );
                }
                let entries = names.iter().zip(row);
                objects.push(Value::map(entries.map(|(n, v)| (n.as_str(), Value::from(v)))));
            }
            Ok(Value::list(objects))
        },
    )]
}

/// Every row that is not empty, with the number of its first line.
fn rows(text: &str) -> Result<Vec<(usize, Vec<Text>)>, Text> {
    let text = text.replace("\r\n", "\n");
    let mut rows = Vec::new();
    let (mut row, mut field) = (Vec::new(), Text::new());
    let (mut line, mut first) = (1, 1);
    let mut quoted = false;
    let mut closed = false;
    let mut signs = text.chars().peekable();
    while let Some(c) = signs.next() {
        line += usize::from(c == '\n');
        match c {
            '"' if quoted && signs.peek() == Some(&'"') => {
                signs.next();
                field.push('"');
            }
            '"' if quoted => (quoted, closed) = (false, true),
            c if quoted => field.push(c),
            '"' if field.is_empty() && !closed => quoted = true,
            '"' => {
                return Err(format!(
                    "line {line} has a quote within a value that has none around it"
                ));
            }
            ',' => {
                row.push(std::mem::take(&mut field));
                closed = false;
            }
            '\n' => {
                if !(row.is_empty() && field.is_empty() && !closed) {
                    row.push(std::mem::take(&mut field));
                    rows.push((first, std::mem::take(&mut row)));
                }
                (first, closed) = (line, false);
            }
            _ if closed => return Err(format!("line {line} goes on behind a closing quote")),
            c => field.push(c),
        }
    }
    if quoted {
        return Err(format!("the quote of line {first} is never closed"));
    }
    if !(row.is_empty() && field.is_empty() && !closed) {
        row.push(field);
        rows.push((first, row));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn quotes_hold_commas_line_breaks_and_quotes() {
        let got = rows("a,b\r\n\"x,\"\"y\n\",\n\n1,\"\"\n");
        let want = [(1, vec!["a", "b"]), (2, vec!["x,\"y\n", ""]), (5, vec!["1", ""])];
        let want: Vec<(usize, Vec<String>)> = want
            .into_iter()
            .map(|(line, row)| (line, row.into_iter().map(str::to_owned).collect()))
            .collect();
        assert_eq!(got, Ok(want));
        for wrong in ["a\n\"b", "a\nb\"c", "a\n\"b\"c"] {
            assert!(rows(wrong).is_err(), "{wrong:?}");
        }
    }
}
