//! The commands of the engine itself.

mod about;
mod topics;

pub(crate) use about::{about, param_order};

use crate::call::{Call, ReplyTo, lock};
use crate::core::Core;
use crate::dispatch::{CallHandle, Submitted, shutting_down};
use crate::reload::{Request, Wish};
use jackfield_message::{ByteString, Command, ErrorCode, Failure, Reply};
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    Info,
    Plugins,
    Reload,
    Load,
    Unload,
    Subscribe,
    Unsubscribe,
    Publish,
    Cancel,
    Discover,
}

impl Builtin {
    /// Keys of all built-in commands.
    pub const ALL: [(&str, Self); 10] = [
        ("jackfield.info", Self::Info),
        ("jackfield.plugins", Self::Plugins),
        ("jackfield.plugins.reload", Self::Reload),
        ("jackfield.plugins.load", Self::Load),
        ("jackfield.plugins.unload", Self::Unload),
        ("jackfield.subscribe", Self::Subscribe),
        ("jackfield.unsubscribe", Self::Unsubscribe),
        ("jackfield.publish", Self::Publish),
        ("jackfield.cancel", Self::Cancel),
        ("rpc.discover", Self::Discover),
    ];
}

/// Does a built-in command. Those that change plugins are done by the manager, in the order in which they come.
pub(crate) fn run(core: &Arc<Core>, builtin: Builtin, command: Command, reply_to: ReplyTo) -> Submitted {
    if !command.attachments.is_empty() {
        let message = format!("The command '{}' takes no attachments.", command.key());
        return Submitted::Answered(Reply::error(ErrorCode::InvalidParams, message));
    }
    let wish = match builtin {
        Builtin::Info => return Submitted::Answered(result(&info(core))),
        Builtin::Plugins => return Submitted::Answered(result(&lock(&core.registry).report())),
        Builtin::Discover => return Submitted::Answered(Reply::ok(core.openrpc())),
        Builtin::Reload => param(&command, "plugin").map(Wish::Reload),
        Builtin::Unload => param(&command, "plugin").map(Wish::Unload),
        Builtin::Load => param(&command, "file").map(|file| Wish::Load(PathBuf::from(file))),
        Builtin::Subscribe => return answered(topics::subscribe(core, &command, &reply_to)),
        Builtin::Unsubscribe => return answered(topics::unsubscribe(&command, &reply_to)),
        Builtin::Publish => return answered(topics::publish(core, &command)),
        // A session does it for requests that have ids; here come those that have none.
        Builtin::Cancel => {
            let message = "The command 'jackfield.cancel' needs a dialect whose requests have ids.";
            return Submitted::Answered(Reply::error(ErrorCode::InvalidRequest, message));
        }
    };
    let wish = match wish {
        Ok(wish) => wish,
        Err(reply) => return Submitted::Answered(*reply),
    };
    let call = Call::new(command, reply_to, None, 0);
    match core.request(Request::Wish(wish, call.clone())) {
        Ok(()) => Submitted::Waiting(CallHandle::builtin(call)),
        Err(_) => Submitted::Answered(shutting_down()),
    }
}

fn info(core: &Core) -> Value {
    let registry = lock(&core.registry);
    json!({
        "name": "jackfield",
        "version": core.version,
        "plugin_abi": format!("1.{}", jackfield_plugin_api::JF_ABI_MINOR),
        "uptime_s": core.started.elapsed().as_secs(),
        "plugins": registry.records.iter().filter(|record| record.current.is_some()).count(),
        "limits": serde_json::to_value(&*core.limits).unwrap_or_default(),
    })
}

/// The one text param of a built-in command.
fn param(command: &Command, name: &str) -> Result<String, Box<Reply>> {
    let params: Map<String, Value> = serde_json::from_str(command.params()).unwrap_or_default();
    match params.get(name) {
        Some(Value::String(value)) => Ok(value.clone()),
        Some(other) => {
            let message = format!("Parameter '{name}' of '{}' is {other}, not a text.", command.key());
            Err(Box::new(Reply::error(ErrorCode::InvalidParams, message)))
        }
        None => {
            let message = format!("Missing parameter '{name}' in '{}' request.", command.key());
            Err(Box::new(Reply::error(ErrorCode::InvalidParams, message)))
        }
    }
}

fn answered(answer: Result<Reply, Failure>) -> Submitted {
    Submitted::Answered(answer.unwrap_or_else(Reply::from))
}

fn result(value: &Value) -> Reply {
    Reply::ok(ByteString::from(value.to_string()))
}
