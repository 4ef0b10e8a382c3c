//! A web page that a person has open in a browser on the same machine cannot drive a local server, unless its origin is
//! listed: with a real Chromium.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "for tests only")]

use jackfield_tests::browser::{Browser, Site};
use jackfield_tests::control::{self, Control};
use jackfield_tests::server::{Home, Server, Setup};
use jackfield_tests::{cc, repo_file};
use serde_json::{Value, json};

/// A name that the browser resolves to this machine, as after a rebinding of DNS.
const REBOUND: &str = "rebound.test";

/// The web server of another origin.
fn site() -> Site {
    Site::open(&[("/", repo_file("tests/fixtures/browser/page.html"))])
}

/// Opens the page in a new browser, and gives what came of its attempts.
fn visit(site: &Site, server: &Server) -> Value {
    let (ws, tcp) = (server.address("ws"), server.address("tcp"));
    let port = ws.rsplit(':').next().unwrap();
    let url = format!("{}/?ws={ws}&tcp={tcp}&rebound={REBOUND}:{port}", site.origin());
    site.told(&Browser::open(&url, &[&format!("--host-resolver-rules=MAP {REBOUND} 127.0.0.1")]))
}

/// A server with a command that counts, which lets pages of these origins in.
fn server(origins: &[String]) -> Server {
    let home = Home::new();
    cc::library("c11", &[&repo_file("tests/c/counter.c")], &[], &home.plugin("counter"));
    let setup = Setup::in_home(home).listen("ws://127.0.0.1:0").listen(control::LISTEN).arg("-v");
    setup.config(&format!("[http]\norigins = {}\n", json!(origins))).start()
}

fn counted(control: &mut Control) -> Value {
    control.call("counter.count", &json!({}))
}

/// Each attempt came to an end without an answer, except those named.
fn assert_unanswered(told: &Value, except: &[&str]) {
    let attempts = told.as_object().expect("an object");
    assert_eq!(attempts.len(), 11, "{told}");
    for (attempt, outcome) in attempts.iter().filter(|(attempt, _)| !except.contains(&attempt.as_str())) {
        let outcome = outcome.as_str().unwrap_or_default();
        let ended = ["closed", "failed: TypeError", "loaded", "sent"].contains(&outcome);
        assert!(ended && (!attempt.starts_with("socket") || outcome == "closed"), "{attempt}: {outcome}");
    }
}

#[test]
fn a_page_of_another_origin_executes_nothing() {
    let (site, server) = (site(), server(&["https://listed.test".to_owned()]));
    let mut control = Control::of(&server);
    let told = visit(&site, &server);
    assert_unanswered(&told, &[]);
    assert_eq!(counted(&mut control), json!(0), "{told}");

    // The attempts did arrive, and were turned away for the right reasons.
    server.expect_log("the Origin is neither the server's own nor in the list http.origins");
    server.expect_log("the Host is not a loopback address");
    let foreign = "the connection begins with an HTTP request";
    let arrived = server.log().text().lines().filter(|line| line.contains(foreign)).count();
    assert!(arrived >= 4, "a socket, a post, a get and a form: {arrived}");

    // What the page sent to the tcp port is a command for a client that sends no HTTP before it.
    control.send("\u{4}{\"count\": {}}\u{4}\r\n{\"count\": {}}").unwrap();
    let answers: Vec<String> = (0..3).map(|_| control.receive().unwrap()).collect();
    assert!(answers.contains(&"1".to_owned()) && answers.contains(&"2".to_owned()), "{answers:?}");
    assert_eq!(counted(&mut control), json!(2));
}

#[test]
fn a_page_of_a_listed_origin_executes_by_websocket_alone() {
    let site = site();
    let server = server(&[site.origin()]);
    let mut control = Control::of(&server);
    let told = visit(&site, &server);
    assert_eq!(told["socket"], "answered: 1", "{told}");
    assert_unanswered(&told, &["socket"]);
    assert_eq!(counted(&mut control), json!(1), "{told}");
}
