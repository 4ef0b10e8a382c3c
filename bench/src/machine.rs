//! Where and when figures were taken.

use serde::Serialize;
use std::fmt;
use std::fs;
use std::process::Command;

/// A machine on a day.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Year, month, day.
    pub date: String,
    /// Model of the processor.
    pub cpu: String,
    /// How many cores.
    pub cores: usize,
    /// Name and release of the system's kernel.
    pub kernel: String,
}

impl Machine {
    /// This one, today.
    pub fn here() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(": "));
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            date: said("date", &["-u", "+%Y-%m-%d"]),
            cpu: model.map_or("unknown processor", |(_, model)| model).to_owned(),
            cores: cpuinfo.lines().filter(|line| line.starts_with("processor")).count(),
            kernel: format!("Linux {}", release.trim()),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, cpu, cores, kernel } = self;
        write!(f, "{date}, {cpu}, {cores} cores, {kernel}")
    }
}

/// The first line that a program prints; empty where there is none.
pub fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).lines().next().unwrap_or_default().to_owned()
}
