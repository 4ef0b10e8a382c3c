//! How far a command is, drawn on stderr.

use super::rpc::Progress;
use crate::telemetry::escaped;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use std::io::{self, IsTerminal};

const OF_TOTAL: &str = "{msg} [{wide_bar:.cyan}] {human_pos}/{human_len} {eta}";
/// Where nobody knows how much there will be.
const COUNT: &str = "{spinner} {msg} {human_pos}";

/// Whether somebody would see a bar.
pub fn is_seen() -> bool {
    io::stderr().is_terminal()
}

/// Not there before something is told, and gone when it is dropped.
#[derive(Default)]
pub struct Bar(Option<ProgressBar>);

impl Bar {
    /// Draws it anew, as often as a terminal bears it.
    pub fn show(&mut self, progress: &Progress) {
        let Progress { done, total, text } = progress;
        let text = escaped(text).into_owned();
        let length = (*total > 0).then_some(*total);
        if let Some(bar) = self.0.as_ref().filter(|bar| bar.length() == length) {
            if bar.message() != text {
                bar.set_message(text);
            }
            return bar.set_position(*done);
        }
        let (bar, template) = match length {
            Some(total) => (ProgressBar::new(total), OF_TOTAL),
            None => (ProgressBar::no_length(), COUNT),
        };
        // A template that does not parse is left out, and a plain bar drawn.
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = bar.with_finish(ProgressFinish::AndClear).with_style(style).with_message(text).with_position(*done);
        bar.tick();
        self.0 = Some(bar);
    }
}
