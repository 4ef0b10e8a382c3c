//! What was acknowledged is there after a crash, what was not is there whole or not at all, and nothing else is left.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "for tests only")]

#[path = "common/project.rs"]
mod project;

use jackfield_tests::control::{self, Control};
use jackfield_tests::log::Log;
use jackfield_tests::server::{Home, Server, Setup};
use jackfield_tests::{PATIENCE, dist};
use project::{Project, entries};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Instant, SystemTime};

/// The bare acknowledgement on tcp.
const DONE: &str = "O.k.";

/// Imports of each kind that are sent at once.
const IMPORTS: usize = 6;

/// When a server is killed while it imports.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// As soon as so many imports of images are acknowledged.
    Answered(usize),
    /// As soon as content is being written.
    Writing,
    /// As soon as new content stands in its place, before a document refers to it.
    Placed,
    /// As soon as the log of the database changes.
    Committing,
}

const MOMENTS: [Moment; 10] = [
    Moment::Answered(0),
    Moment::Writing,
    Moment::Placed,
    Moment::Committing,
    Moment::Answered(1),
    Moment::Answered(2),
    Moment::Placed,
    Moment::Committing,
    Moment::Answered(IMPORTS - 1),
    Moment::Answered(IMPORTS),
];

impl Moment {
    /// Looks until it has come; the answers that it had to read.
    fn wait(self, home: &Home, images: &mut Control) -> usize {
        let data = home.data();
        match self {
            Self::Answered(count) => {
                (0..count).for_each(|_| assert_eq!(images.receive().unwrap(), DONE));
                return count;
            }
            Self::Writing => until(|| !entries(&data.join("tmp")).is_empty()),
            Self::Placed => {
                let blobs = || entries(&data.join("blobs")).iter().map(|fan| entries(fan).len()).sum::<usize>();
                let before = blobs();
                until(|| blobs() > before);
            }
            Self::Committing => {
                let state = || -> Option<(u64, SystemTime)> {
                    let log = fs::metadata(data.join("store.sqlite-wal")).ok()?;
                    Some((log.len(), log.modified().ok()?))
                };
                let before = state();
                until(|| state() != before);
            }
        }
        0
    }
}

/// Looks again and again: there is no event for what happens inside a process that is about to be killed.
fn until(has_come: impl Fn() -> bool) {
    let begun = Instant::now();
    while !has_come() {
        assert!(begun.elapsed() < PATIENCE, "the moment does not come");
        std::thread::yield_now();
    }
}

fn start(home: Home) -> Server {
    Setup::in_home(home).listen(control::LISTEN).start()
}

fn home() -> Home {
    let home = Home::new();
    for plugin in ["image", "elements", "project"] {
        home.install_shipped(plugin);
    }
    home
}

/// An image that no other is equal to.
fn image(home: &Home, name: &str, side: u32) -> PathBuf {
    let file = home.path().join(format!("{name}.bmp"));
    let size = 54 + side * side * 3;
    let number = |number: u32| number.to_le_bytes();
    let mut bytes =
        [b"BM", &number(size)[..], &number(0), &number(54), &number(40), &number(side), &number(side)].concat();
    // One plane, 24 bits a pixel, not compressed.
    bytes.extend([1, 0, 24, 0]);
    bytes.resize(54, 0);
    let pixels = name.bytes().cycle().take(size as usize - 54);
    bytes.extend(pixels.enumerate().map(|(at, byte)| byte.wrapping_mul(at as u8)));
    fs::write(&file, bytes).unwrap();
    file
}

/// A file of elements that no other is equal to.
fn gxml(home: &Home, name: &str) -> PathBuf {
    let file = home.path().join(format!("{name}.gxml"));
    let point = |at: usize| {
        format!(
            "<point id=\"{at}\" name=\"{name}-{at}\"><geometry><pos x=\"{at}\" y=\"0\" z=\"1\"/></geometry></point>"
        )
    };
    let points: String = (1..500).map(point).collect();
    let header = "<header><length_unit>mm</length_unit><angle_unit>deg</angle_unit></header>";
    fs::write(&file, format!("<gom>{header}<nominal>{points}</nominal></gom>")).unwrap();
    file
}

fn image_command(file: &Path, series: &str) -> String {
    json!({"image": {"file": file, "name": series, "focal_length": 50}}).to_string()
}

fn elements_command(file: &Path, mode: &str) -> String {
    json!({"elements": {"file": file, "import_mode": mode}}).to_string()
}

#[test]
fn an_acknowledged_import_survives_a_kill_right_after_it() {
    let mut home = home();
    let mut files = Vec::new();
    for (name, mode) in [("a", "new_stage"), ("b", "clipboard")] {
        for is_image in [true, false] {
            let file = if is_image { image(&home, name, 64) } else { gxml(&home, name) };
            let command = if is_image { image_command(&file, "series") } else { elements_command(&file, mode) };
            let server = start(home);
            assert_eq!(Control::of(&server).ask(&command), DONE);
            home = server.kill();
            files.push(file);
        }
    }
    let server = start(home);
    let project = Project::read(server.home());
    for file in &files {
        assert_eq!(project.count_of(file), 1, "{}", file.display());
    }
    project.assert_whole();
    let summary = Control::of(&server).call("project", &json!({}));
    let images = summary["series"][0]["images"].as_array().map(Vec::len);
    let told =
        ["/clipboard/elements", "/elements/total", "/stages/0/elements"].map(|path| summary.pointer(path).cloned());
    assert_eq!((images, told), (Some(2), [499, 499, 499].map(|elements| Some(json!(elements)))), "{summary}");
}

#[test]
fn kills_during_imports_lose_nothing_acknowledged_and_leave_nothing_half() {
    let mut home = home();
    let (mut done, mut begun) = (Vec::new(), Vec::new());
    for (round, moment) in MOMENTS.into_iter().enumerate() {
        let series = format!("round-{round}");
        let name = |index| format!("{round}-{index}");
        let images: Vec<_> = (0..IMPORTS).map(|index| image(&home, &name(index), 200)).collect();
        let elements: Vec<_> = (0..IMPORTS).map(|index| gxml(&home, &name(index))).collect();
        let server = start(home);
        let (mut of_images, mut of_elements) = (Control::of(&server), Control::of(&server));
        for (image, gxml) in images.iter().zip(&elements) {
            of_images.send(&image_command(image, &series)).unwrap();
            of_elements.send(&elements_command(gxml, "new_stage")).unwrap();
        }
        let answered = moment.wait(server.home(), &mut of_images);
        home = server.kill();

        // What it had sent when it was killed counts.
        let rest =
            |control: &mut Control| std::iter::from_fn(|| control.receive().ok()).map(|a| assert_eq!(a, DONE)).count();
        let (images_done, elements_done) = (answered + rest(&mut of_images), rest(&mut of_elements));
        println!("{:12} {images_done} + {elements_done} acknowledged", format!("{moment:?}"));
        done.extend(images[..images_done].iter().chain(&elements[..elements_done]).cloned());
        begun.extend(images.into_iter().chain(elements));

        let server = start(home);
        let project = Project::read(server.home());
        project.assert_whole();
        for file in &begun {
            let count = project.count_of(file);
            let fine = if done.contains(file) { count == 1 } else { count <= 1 };
            assert!(fine, "round {round}: {} is there {count} times", file.display());
        }
        home = server.kill();
    }
    assert!(!done.is_empty() && done.len() < begun.len(), "the kills come neither before all nor after all");
}

#[test]
fn imports_during_reloads_are_all_kept() {
    let server = start(home());
    let mut operator = Control::of(&server);
    let mut clients: Vec<_> = (0..2).map(|_| Control::of(&server)).collect();
    let mut files = Vec::new();
    for index in 0..2 * IMPORTS {
        for (client, control) in clients.iter_mut().enumerate() {
            let name = format!("{client}-{index}");
            let (image, gxml) = (image(server.home(), &name, 300), gxml(server.home(), &name));
            control.send(&image_command(&image, "series")).unwrap();
            control.send(&elements_command(&gxml, "new_stage")).unwrap();
            files.extend([image, gxml]);
        }
    }
    let mut reloads = 0;
    for client in &mut clients {
        for _ in 0..4 * IMPORTS {
            for plugin in ["image", "elements"] {
                let answer = operator.ask(&json!({"jackfield.plugins.reload": {"plugin": plugin}}).to_string());
                reloads += usize::from(answer.contains("\"generation\""));
            }
            assert_eq!(client.receive().unwrap(), DONE);
        }
    }
    assert!(reloads >= IMPORTS, "{reloads} reloads");
    let project = Project::read(server.home());
    for file in &files {
        assert_eq!(project.count_of(file), 1, "{}", file.display());
    }
    project.assert_whole();
}

#[test]
fn a_second_server_on_the_same_data_is_refused_by_name() {
    let server = start(home());
    let mut second = Command::new(dist::program());
    second.args(["serve", "--listen", "ws://127.0.0.1:0", "--data"]).arg(server.home().data());
    second.arg("--plugins").arg(server.home().plugins()).current_dir(server.home().path());
    // What the tests are told is nothing for the program, which refuses names that it does not know.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("JACKFIELD_")) {
        second.env_remove(name);
    }
    let mut second = second.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (stdout, stderr) = (Log::of(second.stdout.take().unwrap()), Log::of(second.stderr.take().unwrap()));
    let ended = stderr.wait_for_end(PATIENCE);
    if !ended {
        second.kill().unwrap();
    }
    let code = second.wait().unwrap().code();
    assert_eq!((ended, code, stdout.text().as_str()), (true, Some(1), ""));
    let (data, pid) = (server.home().data().display().to_string(), server.pid().to_string());
    for part in ["is in use by another server", &data, &format!("(process {pid})"), "--data"] {
        assert!(stderr.text().contains(part), "{part:?} is not in: {}", stderr.text());
    }
    // The first one has lost nothing by it.
    let file = image(server.home(), "after", 16);
    assert_eq!(Control::of(&server).ask(&image_command(&file, "series")), DONE);
    Project::read(server.home()).assert_whole();
}
