//! What a plugin says of itself, copied out of its memory. Every length is held against its limit before anything behind it
//! is read.

use super::LoadError;
use super::read::{MAX_TEXT, Unusable, elements, read_struct, text};
use crate::host::{CommandInfo, Descriptor};
use crate::router::Class;
use jackfield_plugin_api as abi;

/// A plugin may not take more keys than this.
const MAX_COMMANDS: usize = 1024;

/// Schemas, names of params and examples of all commands of a plugin together, in bytes.
pub(super) const MAX_SCHEMAS: usize = 1 << 20;

/// Reads and checks the descriptor.
///
/// # Safety
/// `table.descriptor` is null or points to a static descriptor as the ABI describes it.
pub(super) unsafe fn read_descriptor(table: &abi::jf_plugin) -> Result<Descriptor, LoadError> {
    // SAFETY: promised by the caller.
    let read = unsafe { read(table) };
    let checked = read.and_then(|mut descriptor| descriptor.check().map(|()| descriptor));
    checked.map_err(|why| LoadError::Table { what: "descriptor", why })
}

/// Says of which part something is not as it must be.
fn of(part: &str) -> impl Fn(Unusable) -> String + '_ {
    move |why| format!("{part} has {}", why.what)
}

/// # Safety
/// As for [`read_descriptor`].
unsafe fn read(table: &abi::jf_plugin) -> Result<Descriptor, String> {
    // SAFETY: promised by the caller, also for everything that is reachable from here.
    unsafe {
        let raw = read_struct(table.descriptor).map_err(of("it"))?;
        let own = |part: &str, value| Ok::<_, String>(text(value, MAX_TEXT).map_err(of(part))?.to_owned());
        let (id, name, version) =
            (own("its id", raw.id)?, own("its name", raw.name)?, own("its version", raw.version)?);
        let (license, build) = (own("its license", raw.license)?, own("its build text", raw.build)?);
        if raw.command_count > MAX_COMMANDS {
            return Err(format!("it has {} commands, more than {MAX_COMMANDS}", raw.command_count));
        }
        let patterns = elements(raw.topics, raw.topic_count).map_err(of("its list of topics"))?;
        let topics = patterns.iter().map(|&pattern| own("a topic pattern", pattern)).collect::<Result<_, _>>()?;
        let pointers = elements(raw.commands, raw.command_count).map_err(of("its list of commands"))?;
        let mut left = MAX_SCHEMAS;
        let commands = pointers.iter().enumerate();
        let commands = commands.map(|(index, &pointer)| {
            let number = format!("its command {} of the list", index + 1);
            read_command_info(&number, pointer, &mut left, None)
        });
        let commands = commands.collect::<Result<_, _>>()?;
        Ok(Descriptor {
            id,
            name,
            version,
            license,
            build,
            flags: raw.flags,
            abi_minor: table.abi_minor,
            topics,
            commands,
        })
    }
}

/// Reads what is said of one command; `number` names it. `host_thread`: the class that JF_HOST_THREAD is, if it may be.
/// `left`: what this command's schemas, names of params and examples may have together.
///
/// # Safety
/// As for [`read_descriptor`].
pub(super) unsafe fn read_command_info(
    number: &str,
    pointer: *const abi::jf_command_info,
    left: &mut usize,
    host_thread: Option<Class>,
) -> Result<CommandInfo, String> {
    // SAFETY: promised by the caller.
    unsafe {
        let raw = read_struct(pointer).map_err(of(number))?;
        let key = text(raw.key, MAX_TEXT).map_err(of(&format!("the key of {number}")))?;
        let the = |part: &str| format!("the {part} of the command {:?}", shown(key));
        let class = match (raw.command_class, host_thread) {
            (abi::JF_SERIAL, _) => Class::Serial,
            (abi::JF_CONCURRENT, _) => Class::Concurrent,
            (abi::JF_INLINE, _) => Class::Inline,
            (abi::JF_HOST_THREAD, Some(class)) => class,
            (other, _) => {
                let class = the("command_class");
                let more = if host_thread.is_some() { ", JF_HOST_THREAD (3)" } else { "" };
                return Err(format!(
                    "{class} is {other}, none of JF_SERIAL (0), JF_CONCURRENT (1), JF_INLINE (2){more}"
                ));
            }
        };
        let help = text(raw.help, MAX_TEXT).map_err(of(&the("help")))?.to_owned();
        let mut take = |part: &str, value: abi::jf_str| {
            if value.len > *left {
                let part = the(part);
                return Err(format!(
                    "{part} has {} bytes; schemas, examples and names of params of all commands may have {MAX_SCHEMAS}",
                    value.len
                ));
            }
            *left -= value.len;
            Ok(text(value, MAX_SCHEMAS).map_err(of(&the(part)))?.to_owned())
        };
        let params_schema = take("params_schema", raw.params_schema)?;
        let result_schema = take("result_schema", raw.result_schema)?;
        let order = elements(raw.param_order, raw.param_count as usize).map_err(of(&the("param_order")))?;
        let param_order = order.iter().map(|&name| take("param_order", name)).collect::<Result<_, _>>()?;
        let examples = elements(raw.examples, raw.example_count).map_err(of(&the("examples")))?;
        let examples = examples.iter().map(|&example| take("examples", example)).collect::<Result<_, _>>()?;
        let (key, flags, params) = (key.into(), raw.flags, None);
        Ok(CommandInfo { key, class, flags, help, params_schema, params, result_schema, param_order, examples })
    }
}

/// The beginning of a text that may be long, for messages.
fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(128)]
}
