//! `cargo xtask sim`: crash points, seeds, and how to see one of them again.

use sim::{Crash, Pause, Planted, Run};
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "\
usage: sim [--seeds COUNT [--from SEED]] [--crashes] [--pairs COUNT] [--pauses]
       sim --seed S | --crash POINT[,POINT...] | --resumption POINT | --pause AFTER[,UNTIL] | --bug INVARIANT
";

/// What is asked for.
enum Asked {
    One(Box<dyn Fn() -> Result<Run, String>>),
    Many { seeds: u64, from: u64, crashes: bool, pairs: u64, pauses: bool },
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let asked = match read(&words) {
        Ok(asked) => asked,
        Err(why) => {
            say(&format!("Error: {why}\n{USAGE}"));
            return ExitCode::FAILURE;
        }
    };
    let fine = match asked {
        Asked::One(run) => match run() {
            Ok(run) => one(&run),
            Err(why) => {
                say(&format!("Error: {why}\n"));
                false
            }
        },
        Asked::Many { seeds, from, crashes, pairs, pauses } => {
            let mut table = Table::default();
            if crashes {
                table.part("crash points", points().into_iter().map(|p| vec![p]), |points| {
                    Run::with_crashes(points)
                });
            }
            if crashes {
                table.part("of a resumption", points().into_iter(), |p| Run::of_resumption(*p));
            }
            if pairs > 0 {
                table.part("pairs of crashes", pairs_of(pairs), |points| Run::with_crashes(points));
            }
            if pauses {
                let last = points().len() as u64 / 2;
                // Until the second one is done, or while it is at work.
                let all = (1..=last)
                    .flat_map(|after| [1000, 7, 12, 25].map(|until| Pause { after, until }));
                table.part("takeovers", all, |pause| Run::overtaken(*pause));
            }
            if seeds > 0 {
                table.part("seeds", from..from + seeds, |seed| Run::by_seed(*seed));
            }
            table.end()
        }
    };
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn points() -> Vec<Crash> {
    sim::crash_points()
}

/// Every so many-th pair of a crash and a crash of the process that resumes.
fn pairs_of(count: u64) -> impl Iterator<Item = Vec<Crash>> {
    let points = points();
    let last = points.len() as u64;
    let all = last * last;
    let step = (all / count).max(1) | 1;
    (0..count).filter_map(move |n| {
        let at = (n * step) % all;
        let first = *points.get(usize::try_from(at / last).ok()?)?;
        let second = *points.get(usize::try_from(at % last).ok()?)?;
        Some(vec![first, Crash { effect: first.effect + second.effect, ..second }])
    })
}

#[derive(Default)]
struct Table {
    rows: Vec<String>,
    bad: u64,
}

impl Table {
    fn part<T>(&mut self, name: &str, all: impl Iterator<Item = T>, run: impl Fn(&T) -> Run) {
        let began = Instant::now();
        let (mut runs, mut effects, mut events, mut processes, mut bad) = (0, 0, 0, 0, 0);
        for one in all {
            let run = run(&one);
            runs += 1;
            effects += run.effects;
            events += run.events;
            processes += u64::from(run.processes);
            if !run.violations.is_empty() {
                bad += 1;
                if self.bad + bad <= 5 {
                    tell(&run);
                } else {
                    say(&format!("{} breaks {}\n", run.replay, names(&run)));
                }
            }
        }
        self.bad += bad;
        let seconds = began.elapsed().as_secs_f64();
        self.rows.push(format!(
            "{name:<18}{runs:>8}{processes:>11}{effects:>10}{events:>10}{bad:>12}{seconds:>9.1}s\n"
        ));
    }

    fn end(self) -> bool {
        say(&format!(
            "{:<18}{:>8}{:>11}{:>10}{:>10}{:>12}{:>10}\n{}",
            "what",
            "runs",
            "processes",
            "effects",
            "events",
            "violations",
            "time",
            self.rows.concat()
        ));
        self.bad == 0
    }
}

fn names(run: &Run) -> String {
    run.violations.iter().map(|one| one.id).collect::<Vec<_>>().join(", ")
}

fn one(run: &Run) -> bool {
    say(&format!("{}\n", run.trace.join("\n")));
    say(&format!(
        "{} processes, {} effects, {} events, digest {:016x}\n",
        run.processes, run.effects, run.events, run.digest
    ));
    for violation in &run.violations {
        say(&format!("VIOLATION {violation}\n"));
    }
    run.violations.is_empty()
}

/// A run in which something did not hold, with what led there.
fn tell(run: &Run) {
    say(&format!("\n{}\n", run.led_there().join("\n")));
    say(&format!("To see it again:\n  {}\n\n", run.replay));
}

fn read(words: &[String]) -> Result<Asked, String> {
    let mut words = words.iter();
    let (mut seeds, mut from, mut crashes, mut pairs, mut pauses) = (0, 0, false, 0, false);
    let is_empty = words.len() == 0;
    while let Some(word) = words.next() {
        let mut value = || words.next().cloned().ok_or_else(|| format!("{word} wants a value"));
        let number = |text: String| text.parse::<u64>().map_err(|_| format!("{text}: no number"));
        match word.as_str() {
            "--seeds" => seeds = number(value()?)?,
            "--from" => from = number(value()?)?,
            "--pairs" => pairs = number(value()?)?,
            "--crashes" => crashes = true,
            "--pauses" => pauses = true,
            "--seed" => {
                let seed = number(value()?)?;
                return Ok(Asked::One(Box::new(move || Ok(Run::by_seed(seed)))));
            }
            "--pause" => {
                let text = value()?;
                let (after, until) = text.split_once(',').unwrap_or((&text, "1000"));
                let pause =
                    Pause { after: number(after.to_owned())?, until: number(until.to_owned())? };
                return Ok(Asked::One(Box::new(move || Ok(Run::overtaken(pause)))));
            }
            "--crash" => {
                let text = value()?;
                let points: Result<Vec<Crash>, _> = text.split(',').map(str::parse).collect();
                let points = points.map_err(|_| format!("{text}: points are such as 12 or 12+"))?;
                return Ok(Asked::One(Box::new(move || Ok(Run::with_crashes(&points)))));
            }
            "--resumption" => {
                let text = value()?;
                let point = text.parse::<Crash>();
                let point = point.map_err(|_| format!("{text}: a point is such as 12 or 12+"))?;
                return Ok(Asked::One(Box::new(move || Ok(Run::of_resumption(point)))));
            }
            "--bug" => {
                let name = value()?;
                let none = || format!("no bug is planted for {name}");
                let bug = Planted::of(&name).ok_or_else(none)?;
                return Ok(Asked::One(Box::new(move || Ok(Run::with_bug(bug)))));
            }
            other => return Err(format!("{other}: not known")),
        }
    }
    if is_empty {
        (seeds, crashes) = (200, true);
    }
    Ok(Asked::Many { seeds, from, crashes, pairs, pauses })
}

/// Nobody listens any more: no reason to fail.
fn say(text: &str) {
    let _gone = std::io::stdout().write_all(text.as_bytes());
}
