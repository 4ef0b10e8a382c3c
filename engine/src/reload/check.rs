//! What an engine would say of a plugin file before it loads it.

use super::{files, proof};
use crate::Step;
use std::path::Path;

/// Checks a file as a reload does: its name, who may write to it and to its folder, and that it is a complete library with
/// the entry function. Loads nothing. Gives the bytes that were proved, or the step at which it would be refused, and why.
pub fn check_file(file: &Path) -> Result<Vec<u8>, (Step, String)> {
    let seen = |reason: String| (Step::Seen, reason);
    if !files::is_plugin_name(file) {
        let suffix = std::env::consts::DLL_SUFFIX;
        let text = format!("the name of a plugin file ends in {suffix} and does not begin with a dot");
        return Err(seen(text));
    }
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    files::check_folder(folder).map_err(|reason| seen(format!("its folder {}: {reason}", folder.display())))?;
    match files::look(file) {
        files::Found::File(_) => {}
        files::Found::Unusable(reason) => return Err(seen(reason)),
        files::Found::Gone => return Err(seen("there is no such file".to_owned())),
    }
    let changing = || "it changed while it was read".to_owned();
    let proved = |reason: String| (Step::Proved, reason);
    let (bytes, _) = files::read(file).map_err(|reason| proved(reason.unwrap_or_else(changing)))?;
    proof::prove(&bytes).map_err(proved)?;
    Ok(bytes)
}
