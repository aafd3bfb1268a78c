//! A picture of what needs what, for a browser: boxes in columns, lines between them.
//!
//! A box stands one column right of everything that it needs. A line that crosses columns has a
//! place of its own in each of them, so it runs between the boxes and not through them. Within a
//! column, boxes are sorted by where their neighbours stand, a few times in both directions.
//!
//! **Invariant:** equal graphs give equal pictures.

use addrs::ResourceAddr;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A box's height, and what is free below it; pixels, as everything here.
const BOX: usize = 28;
const FREE: usize = 14;
/// What a line that passes a column takes of its height.
const LANE: usize = 10;
/// Between two columns, for lines to cross.
const BETWEEN: usize = 80;
const MARGIN: usize = 20;
/// A character of the font, and what is free beside a name.
const CHARACTER: usize = 8;
const PADDING: usize = 24;
/// How often columns are sorted anew.
const SWEEPS: usize = 8;
/// So many places of passing lines at most; beyond, long lines are drawn straight.
const MOST_LANES: usize = 100_000;

/// A box, or where a line passes a column.
struct Place {
    column: usize,
    /// The box's name; `None` for a line.
    name: Option<String>,
    /// What it needs, one column to the left, and what needs it, one to the right.
    left: Vec<usize>,
    right: Vec<usize>,
    /// Its upper edge.
    y: usize,
}

impl Place {
    fn height(&self) -> usize {
        if self.name.is_some() { BOX } else { LANE }
    }

    fn middle(&self) -> usize {
        self.y + self.height() / 2
    }
}

/// A picture of a graph without circles, in which `nodes` has what is needed first.
pub fn svg<'a>(
    nodes: &'a [ResourceAddr],
    edges: impl IntoIterator<Item = (&'a ResourceAddr, &'a ResourceAddr)>,
) -> String {
    let numbers: BTreeMap<&ResourceAddr, usize> = nodes.iter().zip(0..).collect();
    let pairs: Vec<(usize, usize)> = edges
        .into_iter()
        .filter_map(|(from, to)| Some((*numbers.get(from)?, *numbers.get(to)?)))
        .collect();
    let columns = columns_of(nodes.len(), &pairs);
    let mut places: Vec<Place> = nodes
        .iter()
        .zip(&columns)
        .map(|(node, column)| Place {
            column: *column,
            name: Some(node.to_string()),
            left: Vec::new(),
            right: Vec::new(),
            y: 0,
        })
        .collect();
    let lines = lay_lines(&mut places, &pairs);
    let mut grid = vec![Vec::new(); columns.iter().max().map_or(0, |last| last + 1)];
    for (i, place) in places.iter().enumerate() {
        grid[place.column].push(i);
    }
    for sweep in 0..SWEEPS {
        sort(&mut places, &mut grid, sweep % 2 == 0);
    }
    draw(&places, &grid, &lines)
}

/// How many steps it is from each node to one that needs nothing, at most.
fn columns_of(count: usize, pairs: &[(usize, usize)]) -> Vec<usize> {
    let mut needs = vec![Vec::new(); count];
    for (from, to) in pairs {
        needs[*from].push(*to);
    }
    let mut columns = vec![0; count];
    for node in 0..count {
        columns[node] = needs[node].iter().map(|to: &usize| columns[*to] + 1).max().unwrap_or(0);
    }
    columns
}

/// The places that each line goes through, from what needs to what is needed.
fn lay_lines(places: &mut Vec<Place>, pairs: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let between =
        |places: &[Place], from: usize, to: usize| places[to].column + 1..places[from].column;
    let crossed: usize = pairs.iter().map(|(from, to)| between(places, *from, *to).len()).sum();
    let mut lines = Vec::with_capacity(pairs.len());
    for (from, to) in pairs {
        let mut line = vec![*from];
        if crossed <= MOST_LANES {
            for column in between(places, *from, *to).rev() {
                line.push(places.len());
                let (left, right) = (Vec::new(), Vec::new());
                places.push(Place { column, name: None, left, right, y: 0 });
            }
        }
        line.push(*to);
        for step in line.windows(2) {
            places[step[0]].left.push(step[1]);
            places[step[1]].right.push(step[0]);
        }
        lines.push(line);
    }
    lines
}

/// Sorts each column by where the neighbours on one side stand, and stacks it.
fn sort(places: &mut [Place], grid: &mut [Vec<usize>], by_left: bool) {
    let mut one = |column: &mut Vec<usize>| {
        let key = |i: usize, places: &[Place]| {
            let near = if by_left { &places[i].left } else { &places[i].right };
            if near.is_empty() {
                return places[i].middle();
            }
            near.iter().map(|n| places[*n].middle()).sum::<usize>() / near.len()
        };
        column.sort_by_key(|i| (key(*i, places), *i));
        let mut y = MARGIN;
        for i in column.iter() {
            places[*i].y = y;
            y += places[*i].height() + FREE;
        }
    };
    if by_left {
        grid.iter_mut().for_each(&mut one);
    } else {
        grid.iter_mut().rev().for_each(one);
    }
}

fn draw(places: &[Place], grid: &[Vec<usize>], lines: &[Vec<usize>]) -> String {
    let width_of = |column: &Vec<usize>| {
        let names = column.iter().filter_map(|i| places[*i].name.as_ref());
        names.map(|n| n.chars().count() * CHARACTER + PADDING).max().unwrap_or(0)
    };
    let widths: Vec<usize> = grid.iter().map(width_of).collect();
    let mut starts = Vec::with_capacity(widths.len());
    let mut x = MARGIN;
    for width in &widths {
        starts.push(x);
        x += width + BETWEEN;
    }
    let width = (x + MARGIN).saturating_sub(if widths.is_empty() { 0 } else { BETWEEN });
    let bottom = places.iter().map(|p| p.y + p.height()).max().unwrap_or(MARGIN);
    let mut out = head(width, bottom + MARGIN);
    for line in lines {
        draw_line(&mut out, line, places, &starts, &widths);
    }
    for place in places {
        let Some(name) = &place.name else { continue };
        let (x, y, width) = (starts[place.column], place.y, widths[place.column]);
        // Writing to a text cannot fail, here and below.
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{BOX}\" rx=\"4\"/>\
             <text x=\"{}\" y=\"{}\">{}</text>",
            x + PADDING / 2,
            y + BOX / 2 + 5,
            escaped(name)
        );
    }
    out.push_str("</svg>\n");
    out
}

/// Colours suit a light and a dark page; the background is the page's.
fn head(width: usize, height: usize) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n\
         <style>rect{{fill:#fff;stroke:#555}}text{{font:13px monospace;fill:#111}}\
         path{{fill:none;stroke:#888}}</style>\n\
         <marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" \
         markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L8 4L0 8\" style=\"fill:#888\"/>\
         </marker>\n"
    )
}

/// A line leaves a box on its left and arrives at the right of another, with its tip there.
fn draw_line(
    out: &mut String,
    line: &[usize],
    places: &[Place],
    starts: &[usize],
    widths: &[usize],
) {
    let left = |i: usize| (starts[places[i].column], places[i].middle());
    let right = |i: usize| {
        let column = places[i].column;
        (starts[column] + widths[column], places[i].middle())
    };
    let mut path = String::new();
    for (step, pair) in line.windows(2).enumerate() {
        let ((x1, y1), (x2, y2)) = (left(pair[0]), right(pair[1]));
        let _ = if step == 0 { write!(path, "M{x1} {y1}") } else { write!(path, "L{x1} {y1}") };
        let half = usize::midpoint(x1, x2);
        let _ = write!(path, "C{half} {y1} {half} {y2} {x2} {y2}");
    }
    let _ = writeln!(out, "<path d=\"{path}\" marker-end=\"url(#tip)\"/>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> ResourceAddr {
        text.parse::<addrs::InstanceAddr>().unwrap().resource()
    }

    #[test]
    fn boxes_stand_right_of_what_they_need_and_lines_pass_between() {
        let nodes = ["namespace.a", "config_map.b", "secret.c"].map(addr);
        let edges = [(1, 0), (2, 1), (2, 0)].map(|(f, t): (usize, usize)| (&nodes[f], &nodes[t]));
        let drawn = svg(&nodes, edges);
        let boxes: Vec<&str> = drawn.lines().filter(|line| line.starts_with("<rect")).collect();
        let wanted = [("20", "namespace.a"), ("212", "config_map.b"), ("412", "secret.c")];
        for (line, (x, name)) in boxes.iter().zip(wanted) {
            assert!(line.starts_with(&format!("<rect x=\"{x}\" y=\"20\"")), "{line}");
            assert!(line.ends_with(&format!(">{name}</text>")), "{line}");
        }
        assert_eq!(boxes.len(), wanted.len());
        // The line that leads past `config_map.b` runs below it, which ends at 48.
        let past: Vec<&str> = drawn.lines().filter(|line| line.contains("L212 ")).collect();
        assert_eq!(past.len(), 1, "{drawn}");
        assert!(past[0].contains("L212 67C"), "{past:?}");
        assert_eq!(drawn, svg(&nodes, edges), "equal graphs give equal pictures");
    }

    #[test]
    fn a_graph_without_nodes_is_a_picture_too() {
        assert!(svg(&[], []).ends_with("</svg>\n"));
    }

    #[test]
    fn a_long_chain_that_all_of_it_leads_back_from_is_drawn_in_bounds() {
        let nodes: Vec<ResourceAddr> = (0..1000).map(|i| addr(&format!("a.n{i}"))).collect();
        let chain = (1..1000).map(|i| (i, i - 1));
        let back = (2..1000).map(|i| (i, 0));
        let edges = chain.chain(back).map(|(f, t)| (&nodes[f], &nodes[t]));
        assert!(svg(&nodes, edges).len() < 1 << 20);
    }

    #[test]
    fn what_means_something_in_xml_is_escaped() {
        assert_eq!(escaped("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
    }
}
