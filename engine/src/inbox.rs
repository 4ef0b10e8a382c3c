//! The events that wait for one plugin. The subscription belongs to the plugin's slot, not to a generation: what is published
//! during a swap waits here, bounded like every subscriber's queue, for the generation that serves next.

use crate::call::lock;
use crate::generation::Generation;
use crate::names::Pattern;
use crate::topics::{Next, Subscription, Topics, WhenFull};
use jackfield_message::Event;
use std::sync::{Arc, Mutex, Weak};

/// Events that are delivered in one go. What else the control thread has to do (cancel, stop) waits for no more than these.
const BATCH: usize = 16;

/// A plugin's subscription, and who gets its events now.
#[derive(Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    subscription: Option<Subscription>,
    serving: Weak<Generation>,
    /// A delivery is under way on the control thread of the serving generation, or about to be.
    posted: bool,
}

impl Inbox {
    /// From now on `generation` gets the events. What waits and fits its patterns too stays.
    pub fn serve(self: &Arc<Self>, topics: &Topics, generation: &Arc<Generation>) {
        let patterns: Vec<_> = generation.descriptor.topics.iter().map(|pattern| Pattern::new(pattern)).collect();
        let mut state = lock(&self.state);
        state.serving = Arc::downgrade(generation);
        // A delivery to the one before finds that it serves no longer.
        state.posted = false;
        match &state.subscription {
            _ if patterns.is_empty() => state.subscription = None,
            Some(subscription) => subscription.change(patterns),
            None => {
                let inbox = Arc::downgrade(self);
                let wake = move || inbox.upgrade().iter().for_each(Self::wake);
                state.subscription = Some(topics.subscribe(patterns, WhenFull::Drop, wake));
            }
        }
        drop(state);
        self.wake();
    }

    /// Nobody gets events any more; what waits is dropped.
    pub fn close(&self) {
        *lock(&self.state) = State::default();
    }

    /// There may be something to deliver. Never blocks.
    pub fn wake(self: &Arc<Self>) {
        let mut state = lock(&self.state);
        if state.posted || state.subscription.is_none() {
            return;
        }
        if let Some(generation) = state.serving.upgrade() {
            state.posted = self.post(generation);
        }
    }

    fn post(self: &Arc<Self>, generation: Arc<Generation>) -> bool {
        let (inbox, ledger) = (self.clone(), generation.ledger.clone());
        ledger.control.post(move || inbox.deliver(generation))
    }

    /// On the control thread of `generation`.
    fn deliver(self: &Arc<Self>, generation: Arc<Generation>) {
        for _ in 0..BATCH {
            let Some((event, dropped)) = lock(&self.state).next_for(&generation) else { return };
            generation.event(&event, dropped);
        }
        // The rest comes behind whatever this thread was given to do meanwhile.
        let mut state = lock(&self.state);
        if state.is_serving(&generation) {
            state.posted = self.post(generation);
        }
    }
}

impl State {
    fn is_serving(&self, generation: &Arc<Generation>) -> bool {
        std::ptr::eq(self.serving.as_ptr(), Arc::as_ptr(generation))
    }

    /// The next event for `generation`, if it is the one to get it and is started; the delivery ends otherwise.
    fn next_for(&mut self, generation: &Arc<Generation>) -> Option<(Event, u64)> {
        if !self.is_serving(generation) {
            return None;
        }
        if generation.is_started()
            && let Some(Next::Event(event, dropped)) = self.subscription.as_ref().map(Subscription::next)
        {
            return Some((event, dropped));
        }
        self.posted = false;
        None
    }
}
