//! How a server is to be started.

use super::{Ended, Home, Server, ended};
use crate::log::Log;
use crate::{PATIENCE, dist};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// A server to be: plugins, listeners, config, arguments.
#[derive(Default)]
pub struct Setup {
    home: Home,
    program: Option<PathBuf>,
    listen: Vec<String>,
    args: Vec<OsString>,
    environment: Vec<(String, OsString)>,
}

impl Setup {
    /// Empty folders, no plugin, one listener `ws://127.0.0.1:0`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on with the folders of an earlier server.
    pub fn in_home(home: Home) -> Self {
        Self { home, ..Self::default() }
    }

    /// The folders of the server to be.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Another program than the built one.
    pub fn program(mut self, program: &Path) -> Self {
        self.program = Some(program.to_owned());
        self
    }

    /// With a shipped plugin.
    pub fn plugin(self, id: &str) -> Self {
        self.home.install_shipped(id);
        self
    }

    /// With a plugin from a library file, under its file name.
    pub fn plugin_file(self, library: &Path) -> Self {
        let name = library.file_stem().unwrap_or_default().to_string_lossy();
        self.home.install(library, &name);
        self
    }

    /// With a listener, in place of the default one; say port 0.
    pub fn listen(mut self, url: &str) -> Self {
        self.listen.push(url.to_owned());
        self
    }

    /// With a config file of this text.
    pub fn config(self, toml: &str) -> Self {
        let file = self.home.path().join("jackfield.toml");
        fs::write(&file, toml).expect("a file can be written into a temporary folder");
        self.arg("--config").arg(file)
    }

    /// With one more argument.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// With an environment variable.
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Starts it and waits until it is ready; panics, with its log, when it does not become so.
    pub fn start(self) -> Server {
        let (child, stdout, stderr) = self.spawn();
        // From here on a panic kills it.
        let mut server = Server { child, stdout, stderr, urls: Vec::new(), home: self.home };
        let end = Instant::now() + PATIENCE;
        let mut next = 0;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Some((line, after)) = server.stdout.wait_for(next, left, |_| true) else {
                panic!("the server does not get ready; stdout so far:\n{}", server.stdout.text());
            };
            next = after;
            match line.strip_prefix("listening ") {
                Some(url) => server.urls.push(url.to_owned()),
                None if line == "ready" => return server,
                None => panic!("stdout has a line that is neither `listening URL` nor `ready`: {line:?}"),
            }
        }
    }

    /// Starts it and waits for its end: for set-ups that it refuses.
    pub fn run_to_end(self) -> Ended {
        let (mut child, stdout, stderr) = self.spawn();
        ended(&mut child, &stdout, &stderr)
    }

    fn spawn(&self) -> (Child, Log, Log) {
        let program = self.program.clone().unwrap_or_else(dist::program);
        let mut command = Command::new(&program);
        command.arg("serve").arg("--plugins").arg(self.home.plugins()).arg("--data").arg(self.home.data());
        let default = ["ws://127.0.0.1:0".to_owned()];
        for url in if self.listen.is_empty() { &default[..] } else { &self.listen } {
            command.args(["--listen", url]);
        }
        // The environment of the person who runs the tests must not configure the server.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("JACKFIELD_")) {
            command.env_remove(name);
        }
        command.args(&self.args).envs(self.environment.iter().cloned()).current_dir(self.home.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("cannot start {}: {e}", program.display()));
        let stdout = Log::of(child.stdout.take().expect("stdout is piped"));
        let stderr = Log::of(child.stderr.take().expect("stderr is piped"));
        (child, stdout, stderr)
    }
}
