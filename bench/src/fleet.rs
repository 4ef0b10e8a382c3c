//! The servers of the cells, each started when it is first needed and kept for the whole run.

use crate::Outcome;
use crate::cells::Who;
use crate::load::Target;
use crate::proc::Cores;
use crate::server::{Server, Starter, free_port};
use crate::tree::{Home, Tree};
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// Servers by what they are.
pub struct Fleet {
    tree: Tree,
    peers: PathBuf,
    python: Option<PathBuf>,
    cores: Cores,
    home: Home,
    running: HashMap<&'static str, Server>,
    /// Where foreign servers may leave files.
    scratch: TempDir,
}

/// Jackfield's listeners, and which is whose.
const LISTENERS: [&str; 3] = ["ws://127.0.0.1:0", "ws://127.0.0.1:0?buffer=131072", "tcp://127.0.0.1:0?eol=eot"];

impl Fleet {
    /// None is running yet. `peers`: the program of the reference servers; `python`: one with their packages.
    pub fn new(tree: &Tree, peers: PathBuf, python: Option<PathBuf>, cores: &Cores) -> Outcome<Self> {
        let home = Home::usual(tree)?;
        let (running, scratch) = (HashMap::new(), tempfile::tempdir()?);
        Ok(Self { tree: tree.clone(), peers, python, cores: cores.clone(), home, running, scratch })
    }

    /// Process and address of a server; it is started if need be. `Err`: why it is not there.
    pub fn get(&mut self, who: Who) -> Outcome<(u32, Target)> {
        let (name, listener) = match who {
            Who::Inline | Who::Serial | Who::Rpc | Who::Topic => ("jackfield", 0),
            Who::Wide => ("jackfield", 1),
            Who::Tcp => ("jackfield", 2),
            Who::HostInline | Who::HostSerial | Who::HostThread => ("host in C", 0),
            other => (other.name(), 0),
        };
        if !self.running.contains_key(name) {
            let server = self.start(who, name)?;
            self.running.insert(name, server);
        }
        let server = &self.running[name];
        Ok((server.pid(), server.target(listener)?))
    }

    fn start(&self, who: Who, name: &'static str) -> Outcome<Server> {
        let core = Some(self.cores.server);
        let peer = |mode: &str| {
            let mut command = Command::new(&self.peers);
            command.arg(mode);
            Starter::new(name, command)
        };
        let starter = match who {
            Who::Inline | Who::Wide | Who::Serial | Who::Tcp | Who::Rpc | Who::Topic => {
                return self.home.start(&self.cores, core, &LISTENERS);
            }
            Who::Echo => peer("echo"),
            Who::Tuned => peer("tuned"),
            Who::Raw => peer("tcp"),
            Who::Jsonrpsee => peer("jsonrpsee"),
            Who::Broadcast => peer("broadcast"),
            Who::HostInline | Who::HostSerial | Who::HostThread => {
                let program = self.scratch.path().join("host");
                self.tree.compile_host(&program)?;
                Starter::new(name, Command::new(program))
            }
            Who::HostPython => {
                let mut command = self.script("host.py")?;
                command.arg(self.tree.source.join("../examples/host-python")).arg(fs::canonicalize(&self.tree.dist)?);
                Starter::new(name, command)
            }
            Who::Zeiss => Starter::new(name, self.script("zeiss.py")?),
            Who::Wslink => {
                let port = free_port()?;
                let mut command = self.script("wslink_echo.py")?;
                command.args(["--host", "127.0.0.1", "--port", &port.to_string()]).env("WSLINK_READY_MSG", "ready\n");
                let url = Some(format!("ws://127.0.0.1:{port}/ws"));
                Starter { ready: "ready", url, ..Starter::new(name, command) }
            }
            Who::Redis => {
                let port = free_port()?;
                let mut command = Command::new("redis-server");
                command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"]);
                command.arg("--dir").arg(self.scratch.path());
                let url = Some(format!("redis://127.0.0.1:{port}"));
                Starter { ready: "Ready to accept", url, ..Starter::new(name, command) }
            }
        };
        starter.start(&self.cores, core)
    }

    fn script(&self, name: &str) -> Outcome<Command> {
        let python = self.python.as_ref().ok_or("no Python with the packages of bench/peers/requirements.txt")?;
        let mut command = Command::new(python);
        command.arg(self.tree.source.join("peers").join(name));
        Ok(command)
    }
}
