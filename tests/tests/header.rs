//! The C headers: current, readable by every compiler that we promise, laid out as the host reads them.

use jackfield_plugin_api::layout::LAYOUTS;
use jackfield_plugin_api::*;
use jackfield_tests::{cc, repo_file};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

const STANDARDS: [&str; 3] = ["c99", "c11", "c++17"];

fn passes(standard: &str, text: &str) {
    if let Err(said) = cc::check(standard, text) {
        panic!("{standard} refuses:\n{text}\n{said}");
    }
}

#[test]
fn headers_are_what_the_rust_sources_say() {
    let stale = xtask::header::stale().unwrap();
    let names: Vec<_> = stale.iter().map(|(path, _)| path).collect();
    assert!(names.is_empty(), "run `cargo xtask header` and commit: {names:?}");
}

#[test]
fn headers_compile_alone_together_and_twice_in_c99_c11_and_cpp17() {
    let types = "#include <jackfield/types.h>\n";
    let plugin = "#include <jackfield/plugin.h>\n";
    let (command, engine) = ("#include <jackfield/command.h>\n", "#include <jackfield/engine.h>\n");
    for standard in STANDARDS {
        let together = vec![engine, plugin, types, engine, command, plugin, types];
        for includes in [vec![types], vec![command], vec![plugin], vec![engine], together] {
            passes(standard, &format!("{}int main(void) {{ return 0; }}\n", includes.concat()));
        }
    }
}

const CPP_STANDARDS: [&str; 2] = ["c++17", "c++20"];

#[test]
fn headers_of_cpp_compile_alone_together_with_those_of_c_and_twice_in_cpp17_and_cpp20() {
    let strict = "#pragma GCC diagnostic error \"-Wshadow\"\n";
    let [types, plugin, engine] =
        ["types", "plugin", "engine"].map(|name| format!("#include <jackfield/{name}.hpp>\n"));
    let c = "#include <jackfield/plugin.h>\n#include <jackfield/engine.h>\n".to_owned();
    let parts =
        ["command", "plugin_host", "plugin_command", "plugin_store", "plugin_edge", "engine_command", "engine_edge"];
    let together = [&*c, &plugin, &engine, &types, &engine, &plugin, &c].concat();
    let mut all = vec![types, [&*engine, &plugin].concat(), plugin, engine, together];
    all.extend(parts.map(|part| format!("#include <jackfield/{part}.hpp>\n")));
    for standard in CPP_STANDARDS {
        for includes in &all {
            passes(standard, &format!("{strict}{includes}int main() {{ return 0; }}\n"));
        }
    }
}

#[test]
fn a_host_in_cpp_compiles_in_cpp17_and_cpp20() {
    let program = std::fs::read_to_string(repo_file("tests/cpp/engine.cpp")).unwrap();
    CPP_STANDARDS
        .iter()
        .for_each(|standard| passes(standard, &format!("#pragma GCC diagnostic error \"-Wshadow\"\n{program}")));
}

#[test]
fn handlers_of_a_host_in_cpp_have_one_of_a_few_shapes_and_others_are_refused_with_the_reason() {
    let host = |handler: &str| {
        let add = format!("jackfield::Engine engine; engine.add(\"subject\", {handler});");
        format!("#include <jackfield/engine.hpp>\nint main() {{ {add} }}\n")
    };
    for handler in [
        "[](jackfield::Engine::Call &) { return std::string(); }",
        "[](const jackfield::Engine::Command &command) { return command.params(); }",
        "[](jackfield::Engine::Pending &pending) { auto moved = std::move(pending); }",
        "[](auto &call) { call.check_cancelled(); }",
    ] {
        CPP_STANDARDS.iter().for_each(|standard| passes(standard, &host(handler)));
    }
    for (handler, reason) in [
        ("[](std::string_view) {}", "a handler takes (Call &) or (Pending &)"),
        ("[](jackfield::Engine::Pending) {}", "a handler takes (Call &) or (Pending &)"),
        ("[](jackfield::Engine::Call &) { return 1; }", "an answer is a JSON text"),
    ] {
        let said = cc::check("c++17", &host(handler)).expect_err(handler);
        assert!(said.contains(reason), "{handler}: {said}");
    }
}

/// A plugin in C++ whose one handler is `HANDLER`.
fn plugin_with(handler: &str) -> String {
    r#"#include <jackfield/plugin.hpp>
        struct Subject final : jackfield::Plugin {
            static jackfield::Info info() { return {"subject", "Subject", "1.0.0"}; }
            static void commands(jackfield::Commands<Subject> &commands) { commands.add("subject", HANDLER); }
            Subject(jackfield::Host, std::string_view) {}
            std::string_view member(const jackfield::Call &call) const { return call.params(); }
        };
        JACKFIELD_PLUGIN(Subject)"#
        .replace("HANDLER", handler)
}

#[test]
fn handlers_in_cpp_have_one_of_a_few_shapes_and_others_are_refused_with_the_reason() {
    for handler in [
        "&Subject::member",
        "[](jackfield::Call &) { return std::string(); }",
        "[](Subject &, jackfield::Call &) {}",
        "[](const Subject &, const jackfield::Command &command) { return command.params(); }",
        "[](jackfield::Pending &pending) { jackfield::Pending moved = std::move(pending); }",
    ] {
        CPP_STANDARDS.iter().for_each(|standard| passes(standard, &plugin_with(handler)));
    }
    for (handler, reason) in [
        ("[](std::string_view) {}", "a handler takes (Call &) or (Pending &)"),
        ("[](jackfield::Pending) {}", "a handler takes (Call &) or (Pending &)"),
        ("[](jackfield::Call &) { return 1; }", "an answer is a JSON text"),
        ("[](jackfield::Call &call) { call.attach(\"\", \"\", call.params()); }", "a std::string_view owns nothing"),
    ] {
        let said = cc::check("c++17", &plugin_with(handler)).expect_err(handler);
        assert!(said.contains(reason), "{handler}: {said}");
    }
}

#[test]
fn the_plugin_in_the_readme_is_one() {
    passes("c++17", &format!("#include <jackfield/plugin.hpp>\n{}", of_the_readme("cpp", 1)));
}

/// The block with this number, from 1, of this language.
fn of_the_readme(language: &str, number: usize) -> String {
    let readme = std::fs::read_to_string(repo_file("README.md")).expect("the README can be read");
    let block = readme.split(&format!("```{language}\n")).nth(number).and_then(|rest| rest.split("```").next());
    block.unwrap_or_else(|| panic!("the README has no block {number} of {language}")).to_owned()
}

#[test]
fn the_hosts_in_the_readme_compile() {
    passes("c++17", &format!("#include <jackfield/engine.hpp>\nint main() {{ {} }}\n", of_the_readme("cpp", 2)));
    let given = "jf_engine *engine; int running; jf_command_info info; jf_handler handler;";
    let main = format!("{given} void run(void); void run(void) {{ {} }}\n", of_the_readme("c", 1));
    passes("c99", &format!("#include <jackfield/engine.h>\n{main}"));
}

#[test]
fn statuses_of_cpp_are_those_of_c() {
    let c = std::fs::read_to_string(repo_file("include/jackfield/types.h")).unwrap();
    let errors: Vec<&str> = c
        .lines()
        .filter_map(|line| line.strip_prefix("#define ")?.split(' ').next())
        .filter(|name| name.starts_with("JF_E_"))
        .collect();
    let cpp = std::fs::read_to_string(repo_file("include/jackfield/types.hpp")).unwrap();
    let missing: Vec<_> = errors.iter().filter(|error| !cpp.contains(&format!(" = {error},"))).collect();
    assert!(errors.len() > 20 && missing.is_empty(), "{missing:?}");
}

#[test]
fn a_plugin_in_cpp_exports_the_entry_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let hidden = format!("-Wl,--version-script={}", repo_file("include/jackfield/plugin.map").display());
    let text = plugin_with("&Subject::member");
    let library = cc::library_of("c++17", &text, &[&hidden], &cc::library_path(folder.path(), "subject"));
    assert_eq!(exported(&library), [ENTRY_V1]);
}

#[test]
fn macros_work_in_every_standard() {
    let text = r#"
        #include <jackfield/plugin.h>
        static const jf_str name = JF_STR("static");
        static size_t length(jf_str text) { return text.len; }
        static int asks(const jf_plugin *plugin) { return JF_HAS(plugin, get_extension); }
        JF_EXPORT int JF_CALL use(void);
        JF_EXPORT int JF_CALL use(void) {
            jf_plugin plugin;
            plugin.struct_size = (uint32_t)sizeof plugin;
            return asks(&plugin) && length(JF_TEXT("four")) == 4 && name.len == 6;
        }
    "#;
    STANDARDS.iter().for_each(|standard| passes(standard, text));
}

#[test]
fn c_lays_every_struct_out_as_the_frozen_table_says() {
    let mut text = String::from("#include <assert.h>\n#include <jackfield/plugin.h>\n#include <jackfield/engine.h>\n");
    for layout in LAYOUTS.iter().chain(jackfield_embed::layout::LAYOUTS) {
        let name = layout.name;
        writeln!(text, "static_assert(sizeof({name}) == {}, \"{name}\");", layout.size).unwrap();
        for (field, offset) in layout.fields {
            writeln!(text, "static_assert(offsetof({name}, {field}) == {offset}, \"{name}.{field}\");").unwrap();
        }
    }
    for standard in ["c11", "c++17"] {
        passes(standard, &text);
        let wrong = text.replacen("== 0, \"jf_host.struct_size\"", "== 1, \"jf_host.struct_size\"", 1);
        assert!(cc::check(standard, &wrong).is_err(), "the check itself checks nothing in {standard}");
    }
}

#[test]
fn other_than_64_bit_is_refused_with_a_reason() {
    let text =
        "#include <stdint.h>\n#undef UINTPTR_MAX\n#define UINTPTR_MAX 0xFFFFFFFFu\n#include <jackfield/types.h>\n";
    let said = cc::check("c99", text).unwrap_err();
    assert!(said.contains("64-bit systems only"), "{said}");
}

macro_rules! table {
    ($($name:ident),+ $(,)?) => { [$((stringify!($name), $name.to_string())),+] };
}

#[test]
fn constants_of_the_header_are_those_of_rust() {
    let mut expected: Vec<(&str, String)> = table![
        JF_ABI_MINOR,
        JF_LOG_DEBUG,
        JF_LOG_INFO,
        JF_LOG_WARN,
        JF_LOG_ERROR,
        JF_SERIAL,
        JF_CONCURRENT,
        JF_INLINE,
        JF_HOST_THREAD,
        JF_COMMAND_ACK_ONLY,
        JF_COMMAND_READ_ONLY,
        JF_COMMAND_CATCH_ALL,
        JF_COMMAND_CANCEL_ON_DISCONNECT,
        JF_COMMAND_IDEMPOTENT,
        JF_PLUGIN_PINNED,
        JF_PLUGIN_EXCLUSIVE,
        JF_PLUGIN_STATEFUL,
        JF_BLOB_NAME_LEN,
    ]
    .to_vec();
    expected.extend(STATUSES.iter().map(|(number, name)| (name.to_str().unwrap(), number.to_string())));
    expected.extend([
        ("JF_SERVICE_STORE", SERVICE_STORE.to_owned()),
        ("JF_SERVICE_TOPICS", SERVICE_TOPICS.to_owned()),
        ("JF_SERVICE_CALL", SERVICE_CALL.to_owned()),
        ("JF_EXTENSION_STATE", EXTENSION_STATE.to_owned()),
        ("JF_EXTENSION_TOPICS", EXTENSION_TOPICS.to_owned()),
        ("JF_EXTENSION_THREAD", EXTENSION_THREAD.to_owned()),
    ]);
    let mut found = Vec::new();
    for header in ["types", "command", "plugin"] {
        let text = std::fs::read_to_string(repo_file(&format!("include/jackfield/{header}.h"))).unwrap();
        let defines = text.lines().filter_map(|line| line.strip_prefix("#define ")?.split_once(' '));
        let constants = defines.filter(|(name, value)| !name.contains('(') && !value.starts_with("__"));
        found.extend(constants.map(|(name, value)| (name.to_owned(), value.trim_matches(['(', ')', '"']).to_owned())));
    }
    found.retain(|(name, _)| name != "JF_EXPORT" && !name.starts_with("JF_TEXT"));
    let mut expected: Vec<_> = expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_plugin_in_c99_exports_the_entry_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let to = cc::library_path(folder.path(), "minimal");
    let library = cc::library("c99", &[&repo_file("tests/c/minimal.c")], &[], &to);
    assert_eq!(exported(&library), [ENTRY_V1]);
}

/// The names that a library shows.
fn exported(library: &Path) -> Vec<String> {
    let output = Command::new("nm").args(["-g", "--defined-only"]).arg("-D").arg(library).output();
    let symbols = String::from_utf8(output.expect("nm comes with the compiler").stdout).expect("names are text");
    symbols.lines().filter_map(|line| line.split(' ').nth(2)).map(str::to_owned).collect()
}

#[test]
fn a_host_and_a_plugin_in_c_understand_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let sources = [repo_file("tests/c/host.c"), repo_file("tests/c/minimal.c")];
    let program = cc::program("c99", &[&sources[0], &sources[1]], &[], &folder.path().join("host"));
    let output = Command::new(program).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let expected = "log 20 made\nid minimal\nreply 0 to 7: {\"a\":1}\nstatus 0\nhas destroy 1, get_extension 0\n";
    assert_eq!(said, expected);
    assert!(output.status.success());
}
