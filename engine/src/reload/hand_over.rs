//! EXCLUSIVE: the old generation stops before the new one starts. STATEFUL: what it knows is handed over in between. Outside
//! commands wait meanwhile, within `hold_ms`; on any failure the old one goes on, with the queue and what it knows.

use super::manager::Manager;
use super::prepare::{Cause, Prepared};
use super::registry::Block;
use super::step::Step;
use super::swap::Refusal;
use super::told::Steps;
use crate::Limits;
use crate::generation::Generation;
use crate::host::SavedState;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

impl Manager {
    /// From held to started; gives what there is to say of where the new one's state is from.
    pub(super) fn hand_over(
        &self,
        prepared: &Prepared,
        old: &Arc<Generation>,
        new: &Arc<Generation>,
        steps: &mut Steps<'_>,
    ) -> Result<Option<String>, Refusal> {
        let hold_ms = self.core.limits.hold_ms;
        let until = Instant::now() + Duration::from_millis(hold_ms);
        old.gate().hold();
        steps.done(Step::Held, Some(&old.name()));
        if !drain(old, until) {
            let inside = old.gate().inside();
            open_again(old);
            let reason = format!(
                "not drained: {inside} commands of the old version still ran after {hold_ms} ms (limit hold_ms); it is \
                 tried again when they have ended"
            );
            return Err(Refusal::at(Step::Drained, reason).until(Block::Commands).with(new.give_up()));
        }
        steps.done(Step::Drained, Some(&old.name()));
        let taken = Over { manager: self, prepared, old, new, until }.take_over(steps);
        taken.map_err(|(mut refusal, new_is_gone)| {
            match old.start_again() {
                Ok(()) => {
                    if old.is_stateful() {
                        self.core.keep.states.began(&old.plugin.id);
                    }
                    open_again(old);
                }
                // A stopped plugin may not be given commands. The new one comes in when it has ended.
                Err(error) => {
                    let why = format!("it did not start again after a refused swap: {error}");
                    self.unload(&prepared.path, &why);
                    refusal = refusal.until(Block::Generation(old.number));
                }
            }
            if new_is_gone { refusal } else { refusal.with(new.give_up()) }
        })
    }

    /// The state that was kept goes into a generation that gets none from a predecessor; `why` there is none, if there was
    /// a predecessor. Gives what is to be said where there is nothing to restore.
    pub(super) fn restore_kept(
        &self,
        new: &Arc<Generation>,
        limit: Duration,
        steps: &mut Steps<'_>,
        why: Option<&str>,
    ) -> Result<Option<String>, Refusal> {
        if !new.is_stateful() {
            return Ok(None);
        }
        let (states, id) = (&self.core.keep.states, &new.plugin.id);
        let refused = |reason: String| Refusal::at(Step::Restored, reason);
        let crashed = states.ended_unsaved(id);
        let Some(kept) = states.load(id).map_err(refused)? else {
            return Ok(crashed.then(|| "the last run ended without a save, and nothing was saved before".to_owned()));
        };
        let ago = SystemTime::now().duration_since(kept.at).unwrap_or_default().as_secs();
        let what = format!("the state that version {} saved {ago} s ago", kept.saved.version);
        let origin = match (why, crashed) {
            (Some(why), _) => format!("{what}; what came after that is lost, because {why}"),
            (None, true) => format!("{what}; what came after that is lost, because the last run ended without saving"),
            (None, false) => what,
        };
        new.restore(limit, &Arc::new(kept.saved)).map_err(refused)?;
        steps.done_because(Step::Restored, Some(&new.name()), Some(&origin));
        Ok(None)
    }
}

/// Waits until the last command is out of a generation that is held, and closes it in that moment. A nested call may enter
/// between the two: then once more.
fn drain(old: &Generation, until: Instant) -> bool {
    loop {
        if !old.ledger.wait_no_commands(until.saturating_duration_since(Instant::now())) {
            return false;
        }
        if old.gate().close_if_empty() {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
    }
}

fn open_again(old: &Arc<Generation>) {
    old.gate().reopen();
    old.plugin.queue.wake();
}

/// The part of a hand-over in which nobody serves.
struct Over<'a> {
    manager: &'a Manager,
    prepared: &'a Prepared,
    old: &'a Arc<Generation>,
    new: &'a Arc<Generation>,
    until: Instant,
}

/// A refusal, and whether the new generation is given up already.
type Fault = (Refusal, bool);

impl Over<'_> {
    fn left(&self) -> Duration {
        let lifecycle = Limits::seconds(self.manager.core.limits.lifecycle_s);
        self.until.saturating_duration_since(Instant::now()).min(lifecycle)
    }

    fn take_over(&self, steps: &mut Steps<'_>) -> Result<Option<String>, Fault> {
        let at = |step| move |reason: String| (Refusal::at(step, reason), false);
        let of_old = |reason: String| format!("the old version's {reason}");
        self.old.stop_only(self.left()).map_err(of_old).map_err(at(Step::Stopped))?;
        steps.done(Step::Stopped, Some(&self.old.name()));
        let same = self.old.plugin.id == self.new.plugin.id;
        let rolls_back = self.prepared.cause == Cause::RollBack;
        let states = &self.manager.core.keep.states;
        // A version that is taken back may have spoilt what it knows: what was saved before it stays on the disk until the
        // older version has taken the newer state.
        let saved = self.save(rolls_back, steps).map_err(of_old).map_err(at(Step::Saved))?;
        let origin = match saved {
            Some(saved) if same && self.new.is_stateful() => {
                let saved = Arc::new(saved);
                match self.new.restore(self.left(), &saved) {
                    Ok(()) => {
                        states.save(&self.old.plugin.id, &saved).map_err(at(Step::Saved))?;
                        steps.done(Step::Restored, Some(&self.new.name()));
                        None
                    }
                    Err(why) if rolls_back => self.restore_kept(steps, Some(&why))?,
                    Err(reason) => return Err(at(Step::Restored)(reason)),
                }
            }
            None if rolls_back && self.old.is_stateful() => {
                self.restore_kept(steps, Some("the version that is taken back did not save its own"))?
            }
            _ => self.restore_kept(steps, None)?,
        };
        self.new.start(self.left()).map_err(|failed| (Refusal::from(failed), true))?;
        Ok(origin)
    }

    /// What the old version knows, if it is to be handed over; on the disk too, before code of the new version can crash.
    fn save(&self, rolls_back: bool, steps: &mut Steps<'_>) -> Result<Option<SavedState>, String> {
        if !self.old.is_stateful() {
            return Ok(None);
        }
        let saved = match self.old.save(self.left()) {
            Err(why) if rolls_back => {
                tracing::warn!(plugin = self.old.plugin.id, why, "the state of what is taken back is lost");
                return Ok(None);
            }
            saved => saved?,
        };
        if !rolls_back {
            self.manager.core.keep.states.save(&self.old.plugin.id, &saved)?;
        }
        self.old.note_saved();
        steps.done(Step::Saved, Some(&self.old.name()));
        Ok(Some(saved))
    }

    fn restore_kept(&self, steps: &mut Steps<'_>, why: Option<&str>) -> Result<Option<String>, Fault> {
        let restored = self.manager.restore_kept(self.new, self.left(), steps, why);
        restored.map_err(|refusal| (refusal, false))
    }
}
