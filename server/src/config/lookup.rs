//! Where the config file and the plugins are looked for where nobody names them.

use super::{ConfigError, Flags};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Names the config file.
pub(super) const CONFIG_VARIABLE: &str = "JACKFIELD_CONFIG";

const FILE: &str = "jackfield.toml";

/// What a configuration may see of the process.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The environment.
    pub variables: BTreeMap<String, OsString>,
    /// The current folder.
    pub current_dir: PathBuf,
    /// The program's own file.
    pub program: Option<PathBuf>,
    /// The system's folder for configuration: `jackfield/jackfield.toml` is looked for in it.
    pub system_config: Option<PathBuf>,
}

impl World {
    /// That of this process.
    pub fn of_process() -> Self {
        let variables: BTreeMap<_, _> =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect();
        let system_config = if cfg!(windows) {
            variables.get("PROGRAMDATA").map(PathBuf::from)
        } else if cfg!(target_os = "macos") {
            Some(PathBuf::from("/Library/Application Support"))
        } else {
            Some(PathBuf::from("/etc"))
        };
        Self {
            variables,
            current_dir: std::env::current_dir().unwrap_or_default(),
            program: std::env::current_exe().ok(),
            system_config,
        }
    }

    fn folder(&self, variable: &str) -> Option<PathBuf> {
        self.variables.get(variable).map(PathBuf::from).filter(|folder| folder.is_absolute())
    }

    /// The user's folder for configuration, by the custom of the system.
    fn user_config(&self) -> Option<PathBuf> {
        if cfg!(windows) {
            self.folder("APPDATA")
        } else if cfg!(target_os = "macos") {
            self.folder("HOME").map(|home| home.join("Library/Application Support"))
        } else {
            self.folder("XDG_CONFIG_HOME").or_else(|| self.folder("HOME").map(|home| home.join(".config")))
        }
    }
}

/// The config file: the one that is named, which must be there, or the first that is found, if any.
pub(super) fn config_file(flags: &Flags, world: &World) -> Result<Option<PathBuf>, ConfigError> {
    let variable = world.variables.get(CONFIG_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let named = match (&flags.config, variable) {
        (Some(path), _) => Some((path.clone(), "--config")),
        (None, Some(path)) => Some((path, "$JACKFIELD_CONFIG")),
        (None, None) => None,
    };
    if let Some((path, named_by)) = named {
        let path = world.current_dir.join(path);
        let wrong = |source| ConfigError::Read { path: path.clone(), named_by: Some(named_by), source };
        return match path.metadata() {
            Err(source) => Err(wrong(source)),
            Ok(metadata) if metadata.is_dir() => Err(wrong(io::ErrorKind::IsADirectory.into())),
            Ok(_) => Ok(Some(path)),
        };
    }
    let in_folder = |folder: PathBuf| folder.join("jackfield").join(FILE);
    let places = [
        Some(world.current_dir.join(FILE)),
        world.user_config().map(in_folder),
        world.system_config.clone().map(in_folder),
    ];
    Ok(places.into_iter().flatten().find(|path| path.is_file()))
}

/// `../lib/jackfield/plugins` beside the program's `bin/`.
pub(super) fn plugin_folder(world: &World) -> Option<PathBuf> {
    world
        .program
        .as_deref()
        .and_then(Path::parent)
        .and_then(Path::parent)
        .map(|tree| tree.join("lib/jackfield/plugins"))
}
