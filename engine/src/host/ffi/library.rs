use super::descriptor::read_descriptor;
use super::extensions::Extensions;
use super::instance::PluginTable;
use super::read::{Unusable, read_struct};
use super::table::HostTable;
use crate::host::Descriptor;
use crate::services::ThreadKeys;
use jackfield_plugin_api as abi;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A shared library in this process. It stays mapped when this is dropped: only [`Library::close`] unmaps.
pub(crate) struct Library {
    library: ManuallyDrop<libloading::Library>,
    path: PathBuf,
    thread_keys: Option<Arc<dyn ThreadKeys>>,
}

/// Why a library is not a plugin of this host.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// The system's loader says no.
    #[error("the system cannot load the library: {0}")]
    System(String),
    /// The entry function gave an error.
    #[error("the entry function {function} answered {status}, not JF_OK (0)", function = abi::ENTRY_V1)]
    Entry {
        /// What it gave.
        status: i32,
    },
    /// What the entry function filled in is not usable.
    #[error("the plugin's {what} cannot be used: {why}")]
    Table {
        /// Which table.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl Library {
    /// Loads a private copy of a library whose bytes were proved complete. Runs its constructors: on the generation's
    /// control thread only. All symbols are bound now and stay local, so that a missing one is an error here and not the
    /// end of the process in the middle of a command. `thread_keys` gives back at the end what it used up.
    pub fn open(path: &Path, thread_keys: Option<Arc<dyn ThreadKeys>>) -> Result<Self, LoadError> {
        // SAFETY: the constructors of a plugin are trusted code (DESIGN section 9); the file is this host's own copy,
        // proved complete and never written again, so the mapping cannot change under it.
        let library = unsafe { open(path) }.map_err(|error| LoadError::System(with_sources(&error)))?;
        Ok(Self { library: ManuallyDrop::new(library), path: path.to_owned(), thread_keys })
    }

    /// Calls the entry function and copies what it says. On the control thread.
    pub fn entry(&self, host: &HostTable) -> Result<(PluginTable, Descriptor), LoadError> {
        // SAFETY: the name carries the major version; a library that exports it promises this signature.
        let entry: libloading::Symbol<'_, abi::jf_entry_v1> =
            unsafe { self.library.get(abi::ENTRY_V1) }.map_err(|error| LoadError::System(with_sources(&error)))?;
        let mut out = abi::jf_plugin {
            struct_size: size_of::<abi::jf_plugin>() as u32,
            abi_minor: 0,
            descriptor: std::ptr::null(),
            create: None,
            start: None,
            handle: None,
            cancel: None,
            stop: None,
            destroy: None,
            get_extension: None,
        };
        // SAFETY: `host` outlives the library, `out` is writable for its struct_size.
        let status = unsafe { entry(host.as_ptr(), &mut out) };
        if status != abi::JF_OK {
            return Err(LoadError::Entry { status });
        }
        let bad_table = |why: Unusable| table_error("jf_plugin", &why.what);
        // SAFETY: `out` is a local value; a smaller struct_size only hides its end.
        let table = unsafe { read_struct::<abi::jf_plugin>(&out) }.map_err(bad_table)?;
        // SAFETY: the plugin promises a static descriptor.
        let descriptor = unsafe { read_descriptor(&table) }?;
        // SAFETY: filled in by the entry function just now; the library stays mapped until it is closed.
        let extensions = unsafe { Extensions::of(&table) }?;
        if descriptor.flags & abi::JF_PLUGIN_STATEFUL != 0 && extensions.state.is_none() {
            let why = format!("it is STATEFUL and has no extension {}", abi::EXTENSION_STATE);
            return Err(LoadError::Table { what: "descriptor", why });
        }
        if !descriptor.topics.is_empty() && extensions.event.is_none() {
            let why = format!("it subscribes to topics and has no extension {}", abi::EXTENSION_TOPICS);
            return Err(LoadError::Table { what: "descriptor", why });
        }
        let table = PluginTable::new(&table, extensions).map_err(|why| table_error("jf_plugin", why))?;
        Ok((table, descriptor))
    }

    /// Unloads the library, of which no thread is left; true when its mapping is really gone. Thread-locals with destructors, NODELETE and unique
    /// symbols keep a library although the loader reports success, so it is looked up afterwards.
    pub fn close(self) -> bool {
        let Self { library, path, thread_keys } = self;
        if let Some(keys) = thread_keys {
            keys.release(&path);
        }
        ManuallyDrop::into_inner(library).close().is_ok() && !is_mapped(&path)
    }
}

/// A table that cannot be used, and why.
pub(super) fn table_error(what: &'static str, why: &str) -> LoadError {
    LoadError::Table { what, why: why.to_owned() }
}

#[cfg(unix)]
unsafe fn open(path: &Path) -> Result<libloading::Library, libloading::Error> {
    use libloading::os::unix;
    // Not libloading's default, which binds lazily.
    // SAFETY: passed on to the caller.
    unsafe { unix::Library::open(Some(path), unix::RTLD_NOW | unix::RTLD_LOCAL) }.map(Into::into)
}

#[cfg(windows)]
unsafe fn open(path: &Path) -> Result<libloading::Library, libloading::Error> {
    use libloading::os::windows;
    // Dependent libraries are looked for beside the plugin too.
    // SAFETY: passed on to the caller.
    unsafe { windows::Library::load_with_flags(path, windows::LOAD_WITH_ALTERED_SEARCH_PATH) }.map(Into::into)
}

#[cfg(unix)]
fn is_mapped(path: &Path) -> bool {
    use libloading::os::unix;
    // SAFETY: NOLOAD runs no code of the library: it only gives a handle if it is there, which is dropped at once.
    unsafe { unix::Library::open(Some(path), libc::RTLD_NOLOAD | unix::RTLD_NOW) }.is_ok()
}

#[cfg(windows)]
fn is_mapped(path: &Path) -> bool {
    libloading::os::windows::Library::open_already_loaded(path).is_ok()
}

fn with_sources(error: &libloading::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

/// Runs `work` so that a panic of ours never unwinds into a plugin.
pub(super) fn guarded<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tracing::error!("a panic in a host function was stopped at the edge");
        otherwise
    })
}
