//! Commands that run until the test lets them go: the plugin of `tests/c/gate.c`.

use crate::server::{Home, Setup};
use crate::{PATIENCE, cc, repo_file};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

/// A set-up with the plugin `gate`.
pub fn setup() -> Setup {
    let setup = Setup::new();
    let flags = ["-D_POSIX_C_SOURCE=200809L"];
    cc::library("c11", &[&repo_file("tests/c/gate.c")], &flags, &setup.home().plugin("gate"));
    setup
}

/// One command `gate.wait`, to be sent once.
pub struct Gate {
    fifo: PathBuf,
}

/// The command runs; dropping this lets it answer `"released"`.
#[must_use]
pub struct Held(#[expect(dead_code, reason = "held open")] File);

impl Gate {
    /// `name` is free for every gate of a server.
    pub fn new(home: &Home, name: &str) -> Self {
        let fifo = home.path().join(name);
        let made = Command::new("mkfifo").arg(&fifo).status().expect("mkfifo is a program of every Unix");
        assert!(made.success(), "{} cannot be made", fifo.display());
        Self { fifo }
    }

    /// What the command takes.
    pub fn path(&self) -> &Path {
        &self.fifo
    }

    /// What to send.
    pub fn message(&self) -> String {
        format!("{{\"gate.wait\": \"{}\"}}", self.fifo.display())
    }

    /// Waits until the command runs.
    pub fn entered(self) -> Held {
        let (opened, is_open) = mpsc::channel();
        // Opening waits for the reader without a limit.
        thread::spawn(move || opened.send(File::options().write(true).open(&self.fifo)));
        let file = is_open.recv_timeout(PATIENCE).expect("the command begins");
        Held(file.expect("a FIFO can be opened"))
    }
}
