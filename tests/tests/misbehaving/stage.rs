//! A server for one case. It serves a good version 1.0.0 of plugin `subject`, and plugin `witness`, whose count shows that
//! nothing beside the subject is touched.

use super::case::{Case, Promise};
use super::library;
use jackfield_tests::client::Ws;
use jackfield_tests::control::{self, Control};
use jackfield_tests::gate::Gate;
use jackfield_tests::server::{Server, Setup};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A case being played.
pub struct Stage {
    pub server: Server,
    pub control: Control,
    /// The library of the case.
    pub bad: PathBuf,
    told: Vec<String>,
    witnessed: u64,
}

/// Plays a case; what happened, in words. Panics where it is not as promised.
///
/// For every case: plugin `witness` goes on undisturbed, a good version of the subject can be put in place afterwards and
/// serves, and the server stops in order.
pub fn play(case: &Case) -> String {
    let mut stage = Stage::open(case);
    let bad = match case.promise {
        Promise::Refused(step, reason) => stage.refused(step, reason),
        Promise::Serves(answer, misuses, lines) => Some(stage.serves(answer, misuses, lines)),
        Promise::Scene(scene) => {
            scene(&mut stage);
            None
        }
    };
    stage.witness();
    if let Some(generation) = bad {
        stage.replace();
        stage.ends(generation, "closed", "");
    } else if stage.version() != "3.0.0" {
        stage.replace();
    }
    stage.close()
}

impl Stage {
    fn open(case: &Case) -> Self {
        let config = format!("[plugins]\nsettle_ms = 5\n{}", case.config);
        let mut setup =
            Setup::new().listen(control::LISTEN).listen("ws://127.0.0.1:0").arg("--log").arg("json").config(&config);
        if let super::case::Source::Panics(at) = case.source {
            setup = setup.env("PANIC_AT", at);
        }
        let bad = library::compile(case.source, setup.home().path());
        setup.home().install(library::witness(), "witness");
        setup.home().install(library::good("1.0.0"), "subject");
        let server = setup.start();
        let control = Control::of(&server);
        let mut stage = Self { server, control, bad, told: Vec::new(), witnessed: 0 };
        stage.witness();
        stage
    }

    /// Says what happened.
    pub fn tell(&mut self, what: impl Into<String>) {
        self.told.push(what.into());
    }

    /// The file of the subject.
    pub fn file(&self) -> PathBuf {
        self.server.home().plugin("subject")
    }

    /// What `jackfield.plugins` says of the subject.
    pub fn report(&mut self) -> Value {
        let file = self.file();
        self.control.plugin(&file)
    }

    /// Waits until `jackfield.plugins` says `as_wished` of the subject.
    pub fn wait_for(&mut self, as_wished: impl Fn(&Value) -> bool) -> Value {
        let file = self.file();
        self.control.wait_for_plugin(&file, as_wished)
    }

    /// The version that serves.
    pub fn version(&mut self) -> String {
        self.report()["version"].as_str().unwrap_or_default().to_owned()
    }

    /// Puts a library in the subject's place.
    pub fn put(&self, library: &std::path::Path) {
        self.server.home().install(library, "subject");
    }

    /// Puts the case's library in place and waits until it serves; gives its generation.
    pub fn put_bad(&mut self) -> u64 {
        self.put(&self.bad.clone());
        let serving = self.wait_for(|plugin| plugin["version"] == "2.0.0" || plugin["refused"].is_object());
        assert_eq!((&serving["version"], &serving["refused"]), (&json!("2.0.0"), &Value::Null), "{serving}");
        serving["generation"].as_u64().unwrap_or_default()
    }

    /// The answer to `{"subject": PARAMS}`.
    pub fn ask(&mut self, params: &str) -> String {
        self.control.ask(&format!("{{\"subject\": {params}}}"))
    }

    /// Sends `{"subject": PARAMS}` on a connection of its own, whose end is the end of its session.
    pub fn send_over_ws(&self, params: &str) -> Ws {
        let mut client = Ws::to(&self.server);
        client.send(&[&format!("{{\"subject\": {params}}}")]);
        client
    }

    /// Sends `{"subject": PARAMS}` on a connection of its own.
    pub fn send(&self, params: &str) -> Control {
        let mut client = Control::of(&self.server);
        client.send(&format!("{{\"subject\": {params}}}")).expect("the server takes messages");
        client
    }

    /// The FIFO that plugins wait at. Made before the first of them does.
    pub fn gate(&self) -> Gate {
        Gate::new(self.server.home(), "gate")
    }

    /// Misuses of the generation that serves.
    pub fn misuses(&mut self) -> u64 {
        self.report()["generations"][0]["misuses"].as_u64().unwrap_or_default()
    }

    /// Waits for a line of the log of the plugin, or of the host about it.
    pub fn log(&mut self, line: &str) {
        self.server.expect_log(line);
    }

    /// The other plugin counts on: the same instance, undisturbed.
    pub fn witness(&mut self) {
        self.witnessed += 1;
        assert_eq!(self.control.call("witness", &json!(null)), json!(self.witnessed), "the witness was disturbed");
    }

    /// The case's library is refused, and 1.0.0 goes on in the generation that it had.
    pub fn is_refused(&mut self, step: &str, reason: &str) {
        let plugin = self.wait_for(|plugin| plugin["refused"].is_object());
        let refused = &plugin["refused"];
        let told = refused["reason"].as_str().unwrap_or_default();
        // What would be refused when it is loaded may be so already in a process of its own.
        let at = refused["step"].as_str().unwrap_or_default();
        assert!(at == step || (at, step) == ("probed", "loaded"), "{plugin}");
        assert!(told.contains(reason), "{reason:?} is not in the reason: {told}");
        assert_eq!((&plugin["state"], &plugin["version"]), (&json!("serving"), &json!("1.0.0")), "{plugin}");
        self.server.expect_log(&format!("{at}: "));
        self.tell(format!("refused at '{at}': {told}"));
    }

    fn refused(&mut self, step: &str, reason: &str) -> Option<u64> {
        let before = self.report()["generation"].clone();
        self.put(&self.bad.clone());
        self.is_refused(step, reason);
        assert_eq!((self.report()["generation"].clone(), self.ask("null")), (before, "\"1.0.0\"".to_owned()));
        None
    }

    fn serves(&mut self, part: &str, misuses: u64, lines: &[&str]) -> u64 {
        let generation = self.put_bad();
        let answer = self.ask("null");
        assert!(answer.contains(part), "{part:?} is not in the answer: {answer}");
        for line in lines {
            self.log(line);
        }
        assert_eq!(self.misuses(), misuses, "misuses");
        let misuses = if misuses > 0 { format!(", misuses counted: {misuses}") } else { String::new() };
        self.tell(format!("answered {}{misuses}", answer.trim_end_matches('.')));
        match lines.len() {
            0 => {}
            1..=3 => self.tell(format!("logged: {}", lines.join(", "))),
            more => self.tell(format!("{more} calls answered as the header says")),
        }
        generation
    }

    /// A good version takes the subject's place and serves.
    pub fn replace(&mut self) {
        self.put(library::good("3.0.0"));
        self.wait_for(|plugin| plugin["version"] == "3.0.0" && plugin["refused"].is_null());
        assert_eq!(self.ask("null"), "\"3.0.0\"");
    }

    /// Generation `number` comes to this end, with this in its reason.
    pub fn ends(&mut self, number: u64, end: &str, why: &str) {
        let find = |plugin: &Value| {
            let all = plugin["generations"].as_array().cloned().unwrap_or_default();
            all.into_iter().find(|generation| generation["generation"] == number).unwrap_or_default()
        };
        let is_over = |plugin: &Value| ["closed", "retired"].contains(&find(plugin)["state"].as_str().unwrap_or(""));
        let ended = find(&self.wait_for(is_over));
        assert_eq!(ended["state"], end, "{ended}");
        let told = ended["why"].as_str().unwrap_or_default();
        assert!(told.contains(why), "{why:?} is not in the reason: {told}");
        self.tell(if told.is_empty() { end.to_owned() } else { format!("{end}: {told}") });
    }

    /// The other plugin is there still, and the server stops in order.
    fn close(mut self) -> String {
        self.witness();
        drop(self.control);
        self.server.terminate();
        let (ended, _home) = self.server.wait();
        assert_eq!(ended.code, Some(0), "the server does not stop in order:\n{}", ended.stderr);
        self.told.join("; ")
    }
}
