//! A library that is loaded, whose plugin said who it is, and what becomes of it: a generation, or nothing.

use super::end::{Ended, end};
use super::{Generation, Watch};
use crate::Limits;
use crate::call::lock;
use crate::control::{Control, TooLate};
use crate::core::Core;
use crate::host::{Descriptor, HostTable, Instance, Ledger, Library, LoadError, PluginTable};
use crate::plugin::{PluginConfig, PluginSlot};
use crate::reload::Step;
use crate::router::Class;
use jackfield_plugin_api as abi;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// At which step a candidate failed, and why.
#[derive(Debug)]
pub(crate) struct Failed {
    pub step: Step,
    pub reason: String,
    /// The library had to be left in the process.
    pub retired: bool,
}

/// A plugin of which no instance exists yet.
pub(crate) struct Candidate {
    number: u64,
    thread_name: String,
    file: PathBuf,
    copy: PathBuf,
    pub descriptor: Descriptor,
    limits: Arc<Limits>,
    table: PluginTable,
    library: Library,
    host: Arc<HostTable>,
    ledger: Arc<Ledger>,
    control: Control,
    control_thread: JoinHandle<()>,
}

impl Candidate {
    /// Loads a private copy of a plugin file on a control thread of its own, and asks who it is.
    pub fn load(number: u64, file: &Path, copy: &Path, core: &Arc<Core>) -> Result<Self, Failed> {
        let limits = &core.limits;
        let failed = |reason: String, retired| Failed { step: Step::Loaded, reason, retired };
        let thread_name = core.thread_name(number);
        let (control, control_thread) = Control::start(&format!("{thread_name}-control"), &core.spawner)
            .map_err(|error| failed(format!("its control thread cannot be started: {error}"), false))?;
        let (store, weak) = (lock(&core.store).clone(), Arc::downgrade(core));
        let ledger = Ledger::new(number, limits.clone(), store, weak, control.clone(), core.spawner.clone());
        let host = HostTable::new(ledger.clone());
        let limit = Limits::seconds(limits.lifecycle_s);
        let (path, table_of_host, thread_keys) = (copy.to_owned(), host.clone(), core.thread_keys.clone());
        let loaded = control.run(limit, move || {
            let library = Library::open(&path, thread_keys)?;
            let entered = library.entry(&table_of_host);
            Ok::<_, LoadError>((library, entered))
        });
        match loaded {
            Ok(Ok((library, Ok((table, descriptor))))) => {
                ledger.set_plugin(&descriptor.id);
                let (file, copy, limits) = (file.to_owned(), copy.to_owned(), limits.clone());
                Ok(Self {
                    number,
                    thread_name,
                    file,
                    copy,
                    descriptor,
                    limits,
                    table,
                    library,
                    host,
                    ledger,
                    control,
                    control_thread,
                })
            }
            Ok(Ok((library, Err(error)))) => {
                let retired = matches!(end(library, host, &control, control_thread, limit), Ended::Retired(_));
                Err(failed(error.to_string(), retired))
            }
            Ok(Err(error)) => {
                control.finish();
                Err(failed(error.to_string(), false))
            }
            Err(TooLate) => {
                control.finish();
                std::mem::forget(host);
                let reason = format!("loading it took longer than {} s (limit lifecycle_s)", limits.lifecycle_s);
                Err(failed(reason, true))
            }
        }
    }

    /// Gives the candidate up before `create`.
    pub fn discard(self) -> Ended {
        let Self { limits, library, host, control, control_thread, .. } = self;
        end(library, host, &control, control_thread, Limits::seconds(limits.lifecycle_s))
    }

    /// Calls `create`; the result is a generation that serves nothing yet.
    pub fn create(
        self,
        plugin: &Arc<PluginSlot>,
        config: &Arc<PluginConfig>,
        unclosable: Option<&'static str>,
    ) -> Result<Arc<Generation>, Failed> {
        let limit = Limits::seconds(self.limits.lifecycle_s);
        let settings = serde_json::Value::Object(config.config.clone()).to_string();
        let (table, host, ledger) = (self.table, self.host.clone(), self.ledger.clone());
        let created = self.control.run(limit, move || {
            table.enter_thread()?;
            table.create(&host, &ledger, &settings).inspect_err(|_| table.leave_thread())
        });
        match created {
            Ok(Ok(instance)) => Ok(self.into_generation(plugin, config, instance, unclosable)),
            Ok(Err(reason)) => {
                let retired = matches!(self.discard(), Ended::Retired(_));
                Err(Failed { step: Step::Created, reason, retired })
            }
            Err(TooLate) => {
                // When it does return, its own control thread destroys the result (see `Control::run`).
                self.control.finish();
                std::mem::forget(self.host);
                let reason = format!("create took longer than {} s (limit lifecycle_s)", self.limits.lifecycle_s);
                Err(Failed { step: Step::Created, reason, retired: true })
            }
        }
    }

    fn into_generation(
        self,
        plugin: &Arc<PluginSlot>,
        config: &Arc<PluginConfig>,
        instance: Instance,
        unclosable: Option<&'static str>,
    ) -> Arc<Generation> {
        let commands = &self.descriptor.commands;
        let has_inline = commands.iter().any(|command| command.class == Class::Inline);
        let pinned = self.descriptor.flags & abi::JF_PLUGIN_PINNED != 0;
        Arc::new(Generation {
            number: self.number,
            thread_name: self.thread_name,
            file: self.file,
            checks_params: config.schema_check && commands.iter().any(|command| command.params.is_some()),
            keys: commands.iter().enumerate().map(|(index, command)| (command.key.clone(), index)).collect(),
            watches: commands.iter().map(|_| Watch::default()).collect(),
            descriptor: self.descriptor,
            ledger: self.ledger,
            plugin: plugin.clone(),
            config: config.clone(),
            copy: self.copy,
            instance,
            library: Mutex::new(Some(self.library)),
            threads: Mutex::new(vec![self.control_thread]),
            unclosable: if pinned { Some("the plugin is PINNED") } else { unclosable.filter(|_| has_inline) },
            has_workers: Mutex::new(false),
            served: AtomicBool::new(false),
            saved: AtomicBool::new(false),
        })
    }
}
