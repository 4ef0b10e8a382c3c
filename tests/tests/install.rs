//! What is installed serves where it was not built: other programs find libjackfield in a moved tree, the program its plugins.

#![cfg(target_os = "linux")]

use jackfield_tests::client::Ws;
use jackfield_tests::dist;
use jackfield_tests::install::{Moved, dynamic};
use jackfield_tests::script::{Script, run};
use std::fs;
use std::path::Path;
use std::process::Command;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const MAJOR: &str = env!("CARGO_PKG_VERSION_MAJOR");

/// Runs a program that is to find its library in `folder`.
fn says(program: &Path, folder: &Path) -> String {
    run(Command::new(program).env("LD_LIBRARY_PATH", folder)).0
}

fn soname() -> String {
    format!("libjackfield.so.{MAJOR}")
}

/// Serves with the plugins that lie beside the program, and nothing said of them.
fn serves_its_plugins(program: &Path, home: &Path) {
    let data = home.join("data");
    let args = ["serve", "--listen", "ws://127.0.0.1:0", "--data"];
    let mut server = Script::start(Command::new(program).args(args).arg(data).current_dir(home).env_clear());
    let url = server.expect(|line| line.starts_with("listening ")).replace("listening ", "");
    server.expect(|line| line == "ready");
    let mut session = Ws::at(&url);
    assert_eq!(session.ask(r#"{"echo": {"n": 1}}"#), r#"{"n": 1}"#);
    let plugins = session.ask(r#"{"jackfield.plugins": {}}"#);
    let told: Vec<bool> =
        ["echo", "elements", "image", "project"].iter().map(|id| plugins.contains(&format!("/{id}.so"))).collect();
    assert_eq!((told, plugins.contains("refused\":{")), (vec![true; 4], false), "{plugins}");
    session.send(&["quit"]);
    server.finish();
}

#[test]
fn a_c_program_finds_the_moved_library_by_pkg_config() {
    let moved = Moved::built(&["include", "lib"]);
    let lib = moved.prefix().join("lib");
    let ask = |args: &[&str]| moved.pkg_config(&lib, None, args);
    assert_eq!(ask(&["--modversion"]), [VERSION]);
    let program = moved.compile("shared", &ask(&["--cflags", "--libs"]));
    assert_eq!(says(&program, &lib), VERSION);
    assert!(dynamic(&program, "NEEDED").contains(&soname()));
}

#[test]
fn a_c_program_links_the_moved_library_in_by_pkg_config() {
    let moved = Moved::built(&["include", "lib"]);
    let mut flags = moved.pkg_config(&moved.prefix().join("lib"), None, &["--static", "--cflags", "--libs"]);
    let library = flags.iter_mut().find(|flag| *flag == "-ljackfield").expect("pkg-config names the library");
    *library = "-l:libjackfield.a".to_owned();
    let program = moved.compile("static", &flags);
    assert_eq!(run(&mut Command::new(&program)).0, VERSION);
    assert!(!dynamic(&program, "NEEDED").contains(&soname()));
}

#[test]
fn cmake_finds_the_moved_library_shared_static_and_for_plugins() {
    let moved = Moved::built(&["include", "lib"]);
    let series = VERSION.rsplit_once('.').expect("a version has three numbers").0;
    let build = moved.cmake(series).unwrap_or_else(|said| panic!("{said}"));
    run(Command::new("cmake").arg("--build").arg(&build));
    assert!(build.join("libplugin.so").is_file());
    for (name, needed) in [("shared", true), ("static", false)] {
        let program = build.join(name);
        assert_eq!(run(&mut Command::new(&program)).0, VERSION);
        assert_eq!(dynamic(&program, "NEEDED").contains(&soname()), needed, "{name}");
    }
}

#[test]
fn cmake_finds_the_library_for_who_asks_for_the_major_version_alone() {
    let moved = Moved::built(&["include", "lib"]);
    moved.cmake(MAJOR).unwrap_or_else(|said| panic!("{said}"));
}

#[test]
fn cmake_refuses_a_version_that_does_not_fit() {
    let moved = Moved::built(&["lib/cmake"]);
    let [major, minor, patch] = VERSION.split('.').collect::<Vec<_>>()[..] else { panic!("{VERSION}") };
    let next = |number: &str| number.parse::<u32>().map_or(0, |number| number + 1);
    let others =
        [format!("{}.0", next(major)), format!("{major}.{}", next(minor)), format!("{major}.{minor}.{}", next(patch))];
    for version in others {
        let said = moved.cmake(&version).expect_err(&version);
        assert!(said.contains(&format!("version: {VERSION}")) && said.contains("JackfieldConfig.cmake"), "{said}");
    }
}

#[test]
fn the_library_has_its_soname_and_the_links_that_lead_to_it() {
    let lib = dist::dist().join("lib");
    let file = format!("libjackfield.so.{VERSION}");
    assert_eq!(dynamic(&lib.join(&file), "SONAME"), [soname()]);
    for link in ["libjackfield.so".to_owned(), soname()] {
        assert_eq!(fs::read_link(lib.join(link)).unwrap(), Path::new(&file));
    }
}

#[test]
fn no_installed_text_names_the_folder_of_its_build() {
    let lib = dist::dist().join("lib");
    let texts = ["pkgconfig/jackfield.pc", "cmake/Jackfield/JackfieldConfig.cmake"];
    for text in texts.map(|text| fs::read_to_string(lib.join(text)).unwrap()) {
        assert!(!text.contains(env!("CARGO_MANIFEST_DIR").trim_end_matches("/tests")) && !text.contains('@'), "{text}");
    }
}

#[test]
fn the_moved_program_serves_with_the_plugins_beside_it() {
    let moved = Moved::built(&["bin", "lib/jackfield"]);
    serves_its_plugins(&moved.prefix().join("bin/jackfield"), &moved.path(""));
}

#[test]
fn every_command_of_the_program_has_a_man_page() {
    let pages = dist::dist().join("share/man/man1");
    let help = run(Command::new(dist::program()).arg("--help")).0;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> =
        commands.filter_map(|line| line.split_whitespace().next()).filter(|n| *n != "help").collect();
    assert!(names.contains(&"serve") && names.contains(&"plugins"), "{help}");
    for name in names {
        let page = fs::read_to_string(pages.join(format!("jackfield-{name}.1"))).expect(name);
        assert!(page.contains(&format!(".TH jackfield-{name} 1")), "{page}");
    }
    assert!(fs::read_to_string(pages.join("jackfield.1")).unwrap().contains("jackfield\\-serve(1)"));
}

#[test]
fn debian_packages_hold_a_program_with_its_plugins_and_a_library_to_build_with() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let debs = xtask::deb::pack(&dist::dist(), &folder.path().join("debs"), true).unwrap_or_else(|e| panic!("{e}"));
    let names: Vec<String> = debs.iter().map(|deb| deb.file_name().unwrap().to_string_lossy().into_owned()).collect();
    let begins = ["jackfield".to_owned(), format!("libjackfield{MAJOR}"), "libjackfield-dev".to_owned()];
    assert!(
        names.iter().zip(&begins).all(|(name, begin)| name.starts_with(&format!("{begin}_{VERSION}-"))),
        "{names:?}"
    );
    debs.iter().for_each(|deb| drop(run(Command::new("dpkg-deb").arg("-x").arg(deb).arg(&root))));
    let field = |deb: usize, name: &str| run(Command::new("dpkg-deb").arg("-f").arg(&debs[deb]).arg(name)).0;
    assert!(field(0, "Depends").contains("libc6") && field(1, "Depends").contains("libc6"));
    assert_eq!(field(2, "Depends"), format!("{} (= {})", begins[1], field(1, "Version")));
    for (deb, name) in debs.iter().zip(["jackfield", &begins[1], "libjackfield-dev"]) {
        let notices = root.join(format!("usr/share/doc/{name}/THIRD-PARTY.txt.gz"));
        assert!(run(Command::new("zcat").arg(notices)).0.contains("\ntokio "), "{name}");
        let sums = run(Command::new("dpkg-deb").arg("-I").arg(deb).arg("md5sums")).0;
        assert!(sums.contains("  usr/") && !sums.contains("  etc/"), "{sums}");
    }
    let moved = Moved::around(folder, root.join("usr"));

    let program = root.join("usr/bin/jackfield");
    serves_its_plugins(&program, &moved.path(""));
    let configuration = root.join("etc/jackfield/jackfield.toml");
    let check = ["config", "check", "--config"];
    let report = run(Command::new(&program).args(check).arg(configuration).env_clear()).0;
    assert!(report.contains("/usr/lib/jackfield/plugins"), "{report}");

    let triplet = run(Command::new("cc").arg("-print-multiarch")).0;
    let lib = root.join("usr/lib").join(triplet);
    let flags = moved.pkg_config(&lib, Some(&root), &["--cflags", "--libs"]);
    assert_eq!(says(&moved.compile("host", &flags), &lib), VERSION);
    let build = moved.cmake(VERSION).unwrap_or_else(|said| panic!("{said}"));
    run(Command::new("cmake").arg("--build").arg(&build).args(["--target", "shared"]));
    assert_eq!(run(&mut Command::new(build.join("shared"))).0, VERSION);
}
