//! What is happening, while it happens.
//!
//! Everywhere a line for each thing that begins or ends. On a terminal also a spinner for each
//! step that runs and a bar for the whole, redrawn below the lines; elsewhere a step that waits
//! says so every half minute, so that nobody takes silence for a hang.

use super::event;
use crate::Style;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use plans::{Event, Plan, StepId};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

/// A step that waits says so again after this long.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// Or after this long, when it waits for something else now.
const NEWS: Duration = Duration::from_secs(10);
/// How often spinners turn.
const TURN: Duration = Duration::from_millis(120);

/// Shows events as they come.
pub struct Progress<W> {
    out: W,
    style: Style,
    plan: Option<Plan>,
    /// When each waiting step was last spoken of, and what it waited for.
    told: BTreeMap<StepId, (Duration, String)>,
    live: Option<Live>,
}

/// What is redrawn on a terminal.
struct Live {
    all: MultiProgress,
    /// Looking at the world, before there are steps.
    looking: Option<ProgressBar>,
    whole: Option<ProgressBar>,
    steps: BTreeMap<StepId, ProgressBar>,
}

impl<W: Write> Progress<W> {
    /// Lines only: for a file, a pipe, a log.
    pub fn lines(out: W, style: Style) -> Self {
        Self { out, style, plan: None, told: BTreeMap::new(), live: None }
    }

    /// Lines to `out`, and spinners and a bar on the terminal behind `target`.
    pub fn live(out: W, style: Style, target: ProgressDrawTarget) -> Self {
        let all = MultiProgress::with_draw_target(target);
        let live = Live { all, looking: None, whole: None, steps: BTreeMap::new() };
        Self { live: Some(live), ..Self::lines(out, style) }
    }

    /// From here on the steps are those of this plan.
    pub fn begin(&mut self, plan: &Plan) {
        if let Some(live) = &mut self.live {
            live.begin(plan.steps.len(), self.style);
        }
        self.plan = Some(plan.clone());
    }

    /// Shows an event.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        let text = event::event(event, self.plan.as_ref(), &self.style);
        let speak = match event {
            Event::StepWaiting { id, on, elapsed, .. } => {
                self.live.is_none() && self.is_news(*id, on, *elapsed)
            }
            // On a terminal the spinner says it.
            Event::Observing { .. } | Event::Previewing { .. } => self.live.is_none(),
            Event::Observed { .. }
            | Event::Pausing { .. }
            | Event::StepStarted { .. }
            | Event::StepFinished { .. }
            | Event::StepFailed { .. }
            | Event::Stopping(_) => true,
        };
        if let Some(live) = &mut self.live {
            // Without emphasis: the lines that stay have it.
            let style = Style { color: false, ..self.style };
            live.event(event, &event::event(event, self.plan.as_ref(), &style), style);
        }
        if speak { self.say(&text) } else { Ok(()) }
    }

    /// Prints a line above what is redrawn.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        let text = format!("{text}\n");
        let out = &mut self.out;
        let mut print = || {
            crate::write(out, &text)?;
            crate::pipe_closed_is_fine(out.flush())
        };
        match &self.live {
            Some(live) => live.all.suspend(print),
            None => print(),
        }
    }

    /// Takes away what is redrawn; lines stay.
    pub fn finish(&mut self) {
        if let Some(live) = &mut self.live {
            live.finish();
        }
    }

    /// Where the lines went.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn is_news(&mut self, id: StepId, on: &str, elapsed: Duration) -> bool {
        let (last, about) = self.told.get(&id).map_or((Duration::ZERO, ""), |(l, a)| (*l, a));
        let silent = elapsed.saturating_sub(last);
        let news = silent >= HEARTBEAT || (silent >= NEWS && about != on);
        if news {
            self.told.insert(id, (elapsed, on.to_owned()));
        }
        news
    }
}

impl Live {
    fn begin(&mut self, steps: usize, style: Style) {
        self.finish();
        let bar = ProgressBar::new(u64::try_from(steps).unwrap_or(u64::MAX));
        let marks = if style.unicode { "━━─" } else { "=>-" };
        bar.set_style(template("{bar:30} {pos} of {len} steps, {elapsed}").progress_chars(marks));
        self.whole = Some(self.all.add(bar));
    }

    fn event(&mut self, event: &Event, text: &str, style: Style) {
        match event {
            Event::Observing { .. } | Event::Previewing { .. } => {
                self.end_looking();
                self.looking = Some(self.spinner(text, style));
            }
            Event::Observed { .. } => self.end_looking(),
            Event::StepStarted { id, .. } => {
                self.end_looking();
                let spinner = self.spinner(text, style);
                self.steps.insert(*id, spinner);
            }
            Event::StepWaiting { id, .. } => {
                if let Some(spinner) = self.steps.get(id) {
                    spinner.set_message(text.to_owned());
                }
            }
            Event::StepFinished { id, .. } | Event::StepFailed { id, .. } => {
                if let Some(spinner) = self.steps.remove(id) {
                    spinner.finish_and_clear();
                }
                if let Some(whole) = &self.whole {
                    whole.inc(1);
                }
            }
            Event::Pausing { .. } | Event::Stopping(_) => {}
        }
    }

    /// A spinner above the bar.
    fn spinner(&self, text: &str, style: Style) -> ProgressBar {
        let ticks = if style.unicode { "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ " } else { "|/-\\ " };
        let spinner = ProgressBar::new_spinner();
        spinner.set_style(template("{spinner} {wide_msg}").tick_chars(ticks));
        let spinner = match &self.whole {
            Some(whole) => self.all.insert_before(whole, spinner),
            None => self.all.add(spinner),
        };
        spinner.set_message(text.to_owned());
        spinner.enable_steady_tick(TURN);
        spinner
    }

    fn end_looking(&mut self) {
        if let Some(spinner) = self.looking.take() {
            spinner.finish_and_clear();
        }
    }

    fn finish(&mut self) {
        self.end_looking();
        for (_, spinner) in std::mem::take(&mut self.steps) {
            spinner.finish_and_clear();
        }
        if let Some(whole) = self.whole.take() {
            whole.finish_and_clear();
        }
    }
}

fn template(text: &str) -> ProgressStyle {
    ProgressStyle::with_template(text).expect("templates are constants of this file")
}
