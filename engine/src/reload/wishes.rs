//! What operators ask for: reload, load, unload.

use super::files;
use super::manager::Manager;
use super::prepare::Cause;
use super::registry::{Block, Record, Refused};
use crate::call::lock;
use jackfield_message::{Culprit, ErrorCode, Failure, Reply};
use serde_json::json;
use std::path::{Path, PathBuf};

/// What an operator can ask for.
pub(crate) enum Wish {
    Reload(String),
    Load(PathBuf),
    Unload(String),
}

/// Names for people.
fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl Manager {
    /// Does what an operator asks for.
    pub(super) fn grant(&self, wish: Wish) -> Result<Reply, Failure> {
        let by_operator = |code, message: String| Failure::new(code, message).blame(Culprit::Operator);
        let path = match &wish {
            Wish::Load(file) => self.inside_folders(file)?,
            Wish::Reload(id) | Wish::Unload(id) => {
                let registry = lock(&self.core.registry);
                let found = registry.records.iter().find(|record| record.id() == Some(id));
                let serving = registry.records.iter().filter(|record| record.current.is_some());
                let known: Vec<_> = serving.filter_map(Record::id).map(str::to_owned).collect();
                let path = found.filter(|record| record.current.is_some()).map(|record| record.path.clone());
                path.ok_or_else(|| {
                    let hint = found.map_or(String::new(), |record| {
                        format!(" It was unloaded; load {} brings it back.", record.path.display())
                    });
                    let message = format!("No plugin '{id}' is loaded; loaded are: {}.{hint}", list(&known));
                    Failure::new(ErrorCode::InvalidParams, message)
                })?
            }
        };
        if let Wish::Unload(id) = &wish {
            let hash = lock(&self.core.registry).get(&path).and_then(|record| record.hash);
            self.unload(&path, "by command");
            if let Some(record) = lock(&self.core.registry).get_mut(&path) {
                record.unloaded_hash = hash;
                record.unloaded_id = Some(id.clone());
            }
            self.retry_blocked(Block::Plugin);
            return Ok(Reply::ok(json!({"file": path.to_string_lossy(), "state": "unloaded"}).to_string()));
        }
        let folder = self.config.folders.iter().position(|folder| Some(folder.as_path()) == path.parent());
        self.note(folder.unwrap_or_default(), &path, true);
        if let Some(record) = lock(&self.core.registry).get_mut(&path) {
            record.missing_since = None;
            record.refused_hash = None;
            record.refused = None;
            record.unloaded_hash = None;
            if record.live() >= self.config.live_generations.max(2) {
                let message =
                    format!("{} generations of {} are live (live_generations)", record.live(), path.display());
                return Err(by_operator(ErrorCode::Busy, message));
            }
            if let Some(watched) = &mut record.watched {
                watched.pending = false;
            }
        }
        let before = lock(&self.core.registry).get(&path).and_then(|record| record.current.clone());
        self.load(&path, if matches!(wish, Wish::Load(_)) { Cause::Wish } else { Cause::Reload });
        let registry = lock(&self.core.registry);
        let record = registry.get(&path);
        let now = record.and_then(|record| record.current.as_ref());
        match now.filter(|now| before.is_none_or(|before| before.number != now.number)) {
            Some(now) => {
                let (id, version) = (&now.plugin.id, &now.descriptor.version);
                let reply =
                    json!({"plugin": id, "version": version, "generation": now.number, "file": path.to_string_lossy()});
                Ok(Reply::ok(reply.to_string()))
            }
            None => {
                let why = match record.and_then(|record| record.refused.as_ref()) {
                    Some(Refused { step, reason, .. }) => format!("was refused at step {step}: {reason}"),
                    None => "is still changing; it is loaded when it has stopped".to_owned(),
                };
                Err(by_operator(ErrorCode::Unavailable, format!("{} {why}.", path.display())))
            }
        }
    }

    /// A path that an operator gave, if it lies directly in a plugin folder.
    fn inside_folders(&self, file: &Path) -> Result<PathBuf, Failure> {
        let named = file.file_name().filter(|_| !file.as_os_str().is_empty());
        let wanted = match file.parent() {
            Some(parent) if parent.as_os_str().is_empty() => None,
            Some(parent) => parent.canonicalize().ok(),
            None => None,
        };
        let bare = file.parent().is_some_and(|parent| parent.as_os_str().is_empty());
        for folder in &self.config.folders {
            let same = wanted.is_some() && folder.canonicalize().ok() == wanted;
            if let (Some(name), true) = (named, same || bare && folder.join(file).exists()) {
                let path = folder.join(name);
                if files::is_plugin_name(&path) && std::fs::symlink_metadata(&path).is_ok() {
                    return Ok(path);
                }
            }
        }
        let folders: Vec<_> = self.config.folders.iter().map(|folder| folder.display().to_string()).collect();
        let message = format!(
            "There is no plugin file {} in the plugin folders ({}); its name must end in .{} and not begin with a dot.",
            file.display(),
            folders.join(", "),
            std::env::consts::DLL_EXTENSION
        );
        Err(Failure::new(ErrorCode::InvalidParams, message))
    }
}
