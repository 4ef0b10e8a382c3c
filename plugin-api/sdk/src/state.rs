//! State that goes from one version of a plugin to the next, and from one run of the server to the next.

use crate::export::state::SinkWriter;
use crate::{Error, Plugin};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{BufWriter, Write};
use std::marker::PhantomData;

/// A plugin with a state that outlives it. Told by `const ABILITIES: Abilities<Self> = Abilities::new().stateful();`.
///
/// Such a plugin is exclusive: the old version has stopped and saved before the new one takes over and starts. The server
/// also saves at its orderly stop, and gives the state back at its next start; after a crash, the state that was saved
/// last. What an acknowledged command did must be on disk also after a crash: that is for the [`Store`](crate::Store).
///
/// ```
/// use jackfield_plugin::{Abilities, Commands, Error, Host, Info, NoConfig, Plugin, Saved, Saver, State, Stateful, Written};
/// use serde::{Deserialize, Serialize};
/// use std::sync::{Mutex, PoisonError};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Names(Vec<String>);
///
/// impl State for Names {
///     const SCHEMA: u32 = 2;
///
///     // Schema 1 was one text, with commas.
///     fn from_older(saved: &Saved<'_>) -> Result<Self, Error> {
///         match saved.schema() {
///             1 => Ok(Self(saved.read::<String>()?.split(',').map(str::to_owned).collect())),
///             _ => Err(saved.refused::<Self>()),
///         }
///     }
/// }
///
/// struct Guests(Mutex<Names>);
///
/// impl Stateful for Guests {
///     type State = Names;
///
///     fn save(&self, saver: Saver<'_, Names>) -> Result<Written, Error> {
///         saver.write(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
///     }
///
///     fn restore(&self, state: Names, _saved: &Saved<'_>) -> Result<(), Error> {
///         *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
///         Ok(())
///     }
/// }
///
/// impl Plugin for Guests {
///     type Config = NoConfig;
///     const INFO: Info = Info::new("guests", "Guests", "2.0.0");
///     const ABILITIES: Abilities<Self> = Abilities::new().stateful();
///
///     fn new(_host: Host, _config: NoConfig) -> Result<Self, Error> {
///         Ok(Self(Mutex::default()))
///     }
///
///     fn commands(commands: &mut Commands<Self>) {
///         commands.add("guests", |guests: &Self, _, (): ()| Ok(guests.0.lock().map_or(0, |names| names.0.len())));
///     }
/// }
///
/// use jackfield_plugin::testing::{Bench, SavedState};
/// let old = SavedState::new(1, "1.0.0", r#""Ada,Emmy""#);
/// assert_eq!(Bench::<Guests>::restored("{}", &old).unwrap().call("guests", "null").json, "2");
/// ```
pub trait Stateful: Plugin {
    /// What is saved.
    type State: State;

    /// Writes the whole state, once. Called on the control thread after [`stop`](Plugin::stop), when no command runs. The
    /// plugin keeps what it has: if the new version is refused, this one is started again and goes on. An error refuses
    /// the swap, and stands in the log.
    fn save(&self, saver: Saver<'_, Self::State>) -> Result<Written, Error>;

    /// Takes over a state. Called on the control thread between [`new`](Plugin::new) and [`start`](Plugin::start), at most
    /// once, and only if something was saved. An error is told to the operator, and the older version goes on.
    fn restore(&self, state: Self::State, saved: &Saved<'_>) -> Result<(), Error>;
}

/// The shape of a state, written as JSON: what has no JSON, such as a number that is NaN, does not come back.
pub trait State: Serialize + DeserializeOwned {
    /// Number of this shape. A change that the older shape's JSON does not fit any more takes the next number.
    const SCHEMA: u32;

    /// Makes this state of one with a lower number: what a new version does. Refuses unless it is written.
    fn from_older(saved: &Saved<'_>) -> Result<Self, Error> {
        Err(saved.refused::<Self>())
    }

    /// Makes this state of one with a higher number: what an older version does when it is put back. Refuses unless it is
    /// written, because a version cannot know what later ones mean by theirs.
    fn from_newer(saved: &Saved<'_>) -> Result<Self, Error> {
        Err(saved.refused::<Self>())
    }
}

/// Where [`Stateful::save`] writes to.
pub struct Saver<'a, S> {
    sink: &'a SinkWriter,
    state: PhantomData<fn(&S)>,
}

/// Shows that a state was written.
#[derive(Debug)]
#[must_use = "give it back from `save`"]
pub struct Written(());

impl<'a, S: State> Saver<'a, S> {
    pub(crate) fn new(sink: &'a SinkWriter) -> Self {
        Self { sink, state: PhantomData }
    }

    /// Writes the state, piece by piece: there is no second copy of it on this side.
    pub fn write(self, state: &S) -> Result<Written, Error> {
        const PIECE: usize = 64 << 10;
        let mut pieces = BufWriter::with_capacity(PIECE, self.sink);
        serde_json::to_writer(&mut pieces, state)?;
        pieces.flush()?;
        Ok(Written(()))
    }
}

/// A state as it was saved, perhaps by another version.
#[derive(Clone, Copy, Debug)]
pub struct Saved<'a> {
    schema: u32,
    version: &'a str,
    bytes: &'a [u8],
}

impl<'a> Saved<'a> {
    pub(crate) fn new(schema: u32, version: &'a str, bytes: &'a [u8]) -> Self {
        Self { schema, version, bytes }
    }

    /// Number of its shape: [`State::SCHEMA`] of who saved it.
    pub fn schema(&self) -> u32 {
        self.schema
    }

    /// Version text of who saved it, as in [`Info::new`](crate::Info::new).
    pub fn version(&self) -> &'a str {
        self.version
    }

    /// Reads it as the shape that it had then.
    pub fn read<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        serde_json::from_slice(self.bytes).map_err(|error| {
            let Self { schema, version, .. } = self;
            format!("what version {version} saved is not of schema {schema}: {error}").into()
        })
    }

    /// Why `S` cannot be made of it: no way is known from the one number to the other.
    pub fn refused<S: State>(&self) -> Error {
        let (Self { schema, version, .. }, own) = (self, S::SCHEMA);
        let way = if *schema > own { "newer than" } else { "not known to a version with" };
        format!("the state was saved by version {version} with schema {schema}, which is {way} schema {own}").into()
    }

    /// As `S`, whatever its number.
    pub(crate) fn into_state<S: State>(self) -> Result<S, Error> {
        match self.schema.cmp(&S::SCHEMA) {
            std::cmp::Ordering::Less => S::from_older(&self),
            std::cmp::Ordering::Equal => self.read(),
            std::cmp::Ordering::Greater => S::from_newer(&self),
        }
    }
}
