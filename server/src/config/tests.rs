use super::*;
use std::ffi::OsString;
use std::fs;
use tempfile::TempDir;

/// A folder with a config file, and a world in which nothing else exists.
struct Place {
    folder: TempDir,
    sources: Sources,
}

fn place(file: &str) -> Place {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("jackfield.toml"), file).unwrap();
    let world = World { current_dir: folder.path().to_owned(), ..World::default() };
    Place { folder, sources: Sources { flags: Flags::default(), world } }
}

impl Place {
    fn variable(mut self, name: &str, value: &str) -> Self {
        self.sources.world.variables.insert(name.to_owned(), OsString::from(value));
        self
    }

    fn load(&self) -> Result<Config, String> {
        Config::load(self.sources.clone()).map_err(|why| why.to_string())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

#[track_caller]
fn refused(place: &Place, parts: &[&str]) {
    let why = place.load().map(|_| ()).unwrap_err();
    for part in parts {
        assert!(why.contains(part), "no {part:?} in: {why}");
    }
}

#[test]
fn with_nothing_said_the_defaults_hold() {
    let mut place = place("");
    fs::remove_file(place.path("jackfield.toml")).unwrap();
    place.sources.world.program = Some(PathBuf::from("/opt/jackfield/bin/jackfield"));
    let config = place.load().unwrap();
    assert_eq!(config.listen, DEFAULT_LISTENERS);
    assert!(config.listen_is_default());
    assert_eq!(config.file(), None);
    assert_eq!(config.data, place.path("jackfield-data"));
    assert_eq!(config.plugins.folders, [PathBuf::from("/opt/jackfield/lib/jackfield/plugins")]);
    assert_eq!(
        (config.plugins.watch, config.plugins.settle_ms, config.plugins.live_generations),
        (Watch::Native, 60, 3)
    );
    assert!(config.plugins.probe);
    assert_eq!(config.plugin("any"), Plugin::default());
    assert_eq!(config.http, Http { origins: vec![], quit: Quit::Loopback });
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.log, Log { level: Level::Info, format: Format::Text });
}

#[test]
fn everything_can_be_said_in_the_file() {
    let place = place(
        r#"
listen = ["ws://127.0.0.1:0/a?dialect=zeiss"]
data = "here"
[plugins]
folders = ["plugins", "/opt/plugins"]
watch = "poll"
settle_ms = 0
probe = false
live_generations = 2
[plugin.image]
disabled = true
threads = 2
schema_check = false
deadline_s = { image = 5, "*" = 0.5 }
[plugin.image.config]
quality = 80
since = 2026-01-02T03:04:05Z
deep = { list = [1, 2.5, "x", { y = true }] }
[http]
origins = ["https://example.org:8443"]
quit = "never"
[limits]
nesting = 64
drain_s = 1
[log]
level = "debug"
format = "json"
"#,
    );
    let config = place.load().unwrap();
    assert_eq!(config.listen, ["ws://127.0.0.1:0/a?dialect=zeiss"]);
    assert!(!config.listen_is_default());
    assert_eq!(config.data, place.path("here"));
    assert_eq!(config.plugins.folders, [place.path("plugins"), PathBuf::from("/opt/plugins")]);
    assert_eq!((config.plugins.watch, config.plugins.settle_ms, config.plugins.live_generations), (Watch::Poll, 0, 2));
    assert!(!config.plugins.probe);
    let image = config.plugin("image");
    assert_eq!((image.disabled, image.threads, image.schema_check), (true, 2, false));
    assert_eq!(image.deadline_s.into_iter().collect::<Vec<_>>(), [("*".to_owned(), 0.5), ("image".to_owned(), 5.0)]);
    assert_eq!(
        serde_json::Value::Object(image.config),
        serde_json::json!({
            "quality": 80, "since": "2026-01-02T03:04:05Z", "deep": {"list": [1, 2.5, "x", {"y": true}]}
        })
    );
    assert_eq!(config.http, Http { origins: vec!["https://example.org:8443".to_owned()], quit: Quit::Never });
    assert_eq!(config.limits, Limits { nesting: 64, drain_s: 1.0, ..Limits::default() });
    assert_eq!(config.log, Log { level: Level::Debug, format: Format::Json });
    assert_eq!(
        *config.origin(&["plugin", "image", "config", "quality"]),
        Origin::File { path: place.path("jackfield.toml"), line: 16 }
    );
    assert_eq!(*config.origin(&["limits", "hold_ms"]), Origin::Default);
}

#[test]
fn unknown_keys_are_refused_with_file_line_and_the_valid_names() {
    let file = "jackfield.toml";
    for (text, line, name, valid) in [
        ("listn = []", "line 1", "listn", "`listen`, `data`"),
        ("\n[limits]\nmessage_byte = 1", "line 3", "message_byte", "`message_bytes`"),
        ("[plugins]\nprove = true", "line 2", "prove", "`probe`"),
        ("[plugin.image]\nroll_back = true", "line 2", "roll_back", "`rollback`"),
        ("[http]\nstatic = \"x\"", "line 2", "static", "`origins`"),
        ("[log]\ncolour = 1", "line 2", "colour", "`level`"),
        ("[tls]\nkey = \"x\"", "line 1", "tls", "`listen`"),
        ("[[token]]\nname = \"x\"", "line 1", "token", "`listen`"),
        ("origins = []", "line 1", "origins", "`listen`"),
        ("[log]\nlevel = \"loud\"", "line 2", "loud", "`trace`"),
        ("[plugins]\nwatch = true", "line 2", "watch", ""),
    ] {
        refused(&place(text), &[file, line, name, valid]);
    }
    refused(&place("listen = ["), &[file, "line 1"]);
    refused(&place("[log]\nlevel = 1\nlevel = 2"), &[file, "line 3"]);
}

#[test]
fn numbers_out_of_range_are_refused_with_line_value_and_what_is_valid() {
    for number in ["0", "-1", "nan", "inf", "1.5", "\"1\"", "true"] {
        refused(
            &place(&format!("[limits]\nnesting = {number}")),
            &["jackfield.toml:2", &format!("limits.nesting = {number}"), "a whole number of at least 1"],
        );
    }
    for number in ["0", "-0.0", "-1", "nan", "inf", "-inf", "1e10", "\"1\""] {
        for (table, name) in [("limits", "drain_s"), ("plugin.image.deadline_s", "image")] {
            refused(&place(&format!("[{table}]\n{name} = {number}")), &["jackfield.toml:2", name, "seconds above 0"]);
        }
    }
    refused(&place("[plugins]\nsettle_ms = 60001"), &["plugins.settle_ms = 60001", "from 0 to 60000"]);
    refused(&place("[plugins]\nlive_generations = 1"), &["plugins.live_generations = 1", "from 2 to 64"]);
    refused(&place("[plugin.image]\nthreads = 0"), &["plugin.image.threads = 0", "from 1 to 256"]);
    refused(&place("listen = []"), &["jackfield.toml:1", "listen = []", "at least one URL"]);
    refused(&place("listen = [\" \"]"), &["at least one URL"]);
    refused(&place("data = \"\""), &["data = \"\"", "a folder"]);
    refused(
        &place("[plugin.image.config]\nx = [nan]"),
        &["jackfield.toml:2", "plugin.image.config.x = [nan]", "finite"],
    );
    for origin in
        ["example.org", "https://example.org/", "*", "null", "https://a b", "HTTPS://example.org", "https://*"]
    {
        refused(
            &place(&format!("[http]\norigins = [\"{origin}\"]")),
            &["jackfield.toml:2", origin, "as browsers send"],
        );
    }
}

#[test]
fn every_limit_has_a_range_and_can_be_set_by_its_name() {
    for name in Limits::NAMES {
        refused(&place("").variable(&format!("JACKFIELD_LIMITS__{}", name.to_uppercase()), "0"), &[name, "valid is"]);
        place(&format!("[limits]\n{name} = 7")).load().unwrap();
    }
}

#[test]
fn the_environment_goes_over_the_file_and_flags_go_over_both() {
    let mut place = place("listen = [\"ws://127.0.0.1:1\"]\n[limits]\nnesting = 1\nconnections = 1\nattachments = 1")
        .variable("JACKFIELD_LIMITS__NESTING", "2")
        .variable("JACKFIELD_LISTEN", "ws://127.0.0.1:2, tcp://127.0.0.1:2")
        .variable("JACKFIELD_LOG__LEVEL", "warn")
        .variable("JACKFIELDS", "another program's")
        .variable("PATH", "/bin");
    let config = place.load().unwrap();
    assert_eq!(config.listen, ["ws://127.0.0.1:2", "tcp://127.0.0.1:2"]);
    assert_eq!((config.limits.nesting, config.limits.connections), (2, 1));
    assert_eq!(config.log.level, Level::Warn);
    assert_eq!(*config.origin(&["listen"]), Origin::Variable("JACKFIELD_LISTEN".to_owned()));
    place.sources.flags = Flags {
        listen: vec!["tcp://127.0.0.1:3".to_owned()],
        plugins: vec!["p".into()],
        data: Some("d".into()),
        log: Some(Format::Json),
        level: Some(("-v", Level::Debug)),
        config: None,
    };
    let config = place.load().unwrap();
    assert_eq!(config.listen, ["tcp://127.0.0.1:3"]);
    assert_eq!((config.data.clone(), config.plugins.folders.clone()), (PathBuf::from("d"), vec![PathBuf::from("p")]));
    assert_eq!(config.log, Log { level: Level::Debug, format: Format::Json });
    assert_eq!(*config.origin(&["log", "level"]), Origin::Flag("-v"));
    assert_eq!(*config.origin(&["listen"]), Origin::Flag("--listen"));
    assert_eq!(*config.origin(&["limits", "nesting"]), Origin::Variable("JACKFIELD_LIMITS__NESTING".to_owned()));
}

#[test]
fn of_a_list_that_is_wrong_the_fault_of_its_part_is_told() {
    refused(&place("").variable("JACKFIELD_LISTEN", "ws://0.0.0.0:0"), &["JACKFIELD_LISTEN", "0.0.0.0", "loopback"]);
    refused(&place("").variable("JACKFIELD_LISTEN", "ftp://a"), &["JACKFIELD_LISTEN", "ftp"]);
    refused(&place("").variable("JACKFIELD_LIMITS__NESTING", "deep"), &["JACKFIELD_LIMITS__NESTING", "deep"]);
}

#[test]
fn a_file_that_is_too_long_to_be_a_configuration_is_refused() {
    refused(&place(&"#".repeat((1 << 20) + 1)), &["jackfield.toml", "longer than 1048576 bytes"]);
}

#[test]
fn variables_are_read_as_what_fits() {
    let config = place("[plugin.image.config]\nquality = 1\nkept = 1")
        .variable("JACKFIELD_DATA", "42")
        .variable("JACKFIELD_HTTP__ORIGINS", "[\"http://a\", \"http://b\"]")
        .variable("JACKFIELD_PLUGINS__FOLDERS", "/a,/b")
        .variable("JACKFIELD_PLUGIN__IMAGE__DISABLED", "true")
        .variable("JACKFIELD_PLUGIN__IMAGE__CONFIG__QUALITY", "80")
        .variable("JACKFIELD_PLUGIN__IMAGE__CONFIG__NAME", "a, b")
        .variable("JACKFIELD_PLUGIN__IMAGE__DEADLINE_S", "{ image = 1.5 }")
        .load()
        .unwrap();
    assert_eq!(config.data, PathBuf::from("42"));
    assert_eq!(config.http.origins, ["http://a", "http://b"]);
    assert_eq!(config.plugins.folders, ["/a", "/b"].map(PathBuf::from));
    let image = config.plugin("image");
    assert_eq!((image.disabled, image.deadline_s["image"]), (true, 1.5));
    assert_eq!(serde_json::Value::Object(image.config), serde_json::json!({"quality": 80, "kept": 1, "name": "a, b"}));
}

#[test]
fn a_wrong_variable_is_named_with_the_valid_names() {
    let with = |name, value| place("").variable(name, value);
    refused(&with("JACKFIELD_LISTN", "x"), &["$JACKFIELD_LISTN", "listn", "`listen`"]);
    refused(&with("JACKFIELD_LIMITS__X", "1"), &["$JACKFIELD_LIMITS__X", "`x`", "`message_bytes`"]);
    refused(&with("JACKFIELD_LIMITS", "1"), &["$JACKFIELD_LIMITS"]);
    refused(&with("JACKFIELD_LIMITS__NESTING", "deep"), &["$JACKFIELD_LIMITS__NESTING", "deep", "at least 1"]);
    refused(&with("JACKFIELD_LIMITS", "{ nesting = 0 }"), &["$JACKFIELD_LIMITS", "limits.nesting = 0", "at least 1"]);
    refused(&with("JACKFIELD_LISTEN", ""), &["$JACKFIELD_LISTEN", "at least one URL"]);
    refused(&with("JACKFIELD_LOG__LEVEL", "loud"), &["$JACKFIELD_LOG__LEVEL", "loud", "`trace`"]);
    refused(&with("JACKFIELD_", "1"), &["$JACKFIELD_"]);
    refused(&with("JACKFIELD_PLUGIN____", "1"), &["$JACKFIELD_PLUGIN____"]);
}

#[cfg(unix)]
#[test]
fn what_is_not_utf8_is_refused_by_name() {
    use std::os::unix::ffi::OsStringExt;
    let bytes = || OsString::from_vec(vec![b'a', 0xFF]);
    let mut one = place("");
    one.sources.world.variables.insert("JACKFIELD_DATA".to_owned(), bytes());
    refused(&one, &["$JACKFIELD_DATA", "UTF-8"]);
    let mut one = place("");
    one.sources.flags.data = Some(bytes().into());
    refused(&one, &["--data", "UTF-8"]);
    let one = place("");
    fs::write(one.path("jackfield.toml"), [0xFF]).unwrap();
    refused(&one, &["jackfield.toml", "UTF-8"]);
}

#[test]
fn the_config_file_is_the_named_one_or_the_first_that_is_found() {
    let place = place("[limits]\nnesting = 1");
    let mut sources = place.sources.clone();
    let write = |path: &str, nesting: usize| {
        let path = place.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("[limits]\nnesting = {nesting}")).unwrap();
    };
    let user = if cfg!(windows) {
        sources.world.variables.insert("APPDATA".to_owned(), place.path("home").into());
        "home/jackfield/jackfield.toml"
    } else {
        sources.world.variables.insert("HOME".to_owned(), place.path("home").into());
        if cfg!(target_os = "macos") {
            "home/Library/Application Support/jackfield/jackfield.toml"
        } else {
            "home/.config/jackfield/jackfield.toml"
        }
    };
    sources.world.system_config = Some(place.path("etc"));
    write("flag.toml", 5);
    write("variable.toml", 4);
    write(user, 2);
    write("etc/jackfield/jackfield.toml", 3);
    let nesting = |sources: &Sources| {
        let config = Config::load(sources.clone()).unwrap();
        (config.limits.nesting, config.file().map(Path::to_owned))
    };
    assert_eq!(nesting(&sources), (1, Some(place.path("jackfield.toml"))));
    fs::remove_file(place.path("jackfield.toml")).unwrap();
    assert_eq!(nesting(&sources), (2, Some(place.path(user))));
    fs::remove_file(place.path(user)).unwrap();
    assert_eq!(nesting(&sources), (3, Some(place.path("etc/jackfield/jackfield.toml"))));
    fs::remove_file(place.path("etc/jackfield/jackfield.toml")).unwrap();
    assert_eq!(nesting(&sources), (128, None));
    sources.world.variables.insert("JACKFIELD_CONFIG".to_owned(), place.path("variable.toml").into());
    assert_eq!(nesting(&sources), (4, Some(place.path("variable.toml"))));
    sources.flags.config = Some("flag.toml".into());
    assert_eq!(nesting(&sources), (5, Some(place.path("flag.toml"))));
    sources.flags.config = Some("none.toml".into());
    let why = Config::load(sources.clone()).unwrap_err().to_string();
    assert!(why.contains(place.path("none.toml").to_str().unwrap()) && why.contains("--config"), "{why}");
    sources.flags.config = None;
    sources.world.variables.insert("JACKFIELD_CONFIG".to_owned(), place.path("etc").into());
    let why = Config::load(sources).unwrap_err().to_string();
    assert!(why.contains("$JACKFIELD_CONFIG"), "{why}");
}

#[test]
fn reading_again_sees_the_changed_file_below_the_same_flags() {
    let mut place = place("[limits]\nnesting = 1\n[log]\nlevel = \"warn\"");
    place.sources.flags.level = Some(("-q", Level::Error));
    let config = place.load().unwrap();
    fs::write(place.path("jackfield.toml"), "[limits]\nnesting = 2").unwrap();
    let again = config.reload().unwrap();
    assert_eq!((config.limits.nesting, again.limits.nesting, again.log.level), (1, 2, Level::Error));
    fs::write(place.path("jackfield.toml"), "[limits]\nnesting = 0").unwrap();
    config.reload().unwrap_err();
}

#[test]
fn the_report_gives_every_value_with_its_origin_and_is_toml() {
    let place = place("[limits]\nnesting = 1\n[plugin.\"a b\".config]\nx = {}\ny = [1]")
        .variable("JACKFIELD_LOG__LEVEL", "warn");
    let config = place.load().unwrap();
    let text = report(&config).unwrap();
    let file = place.path("jackfield.toml");
    for line in [
        format!("# config file: {}", file.display()),
        format!("limits.nesting = 1  # {}:2", file.display()),
        "log.level = \"warn\"  # $JACKFIELD_LOG__LEVEL".to_owned(),
        "limits.drain_s = 30.0  # default".to_owned(),
        "plugin.\"a b\".threads = 4  # default".to_owned(),
        format!("plugin.\"a b\".config.y = [1]  # {}:5", file.display()),
    ] {
        assert!(text.lines().any(|other| other == line), "no {line:?} in\n{text}");
    }
    assert_eq!(toml::from_str::<Config>(&text).unwrap().limits, config.limits);
    let json = report_json(&config).unwrap();
    assert_eq!(json["file"], file.to_str().unwrap());
    let value = json["values"].as_array().unwrap().iter().find(|value| value["key"] == "log.level").unwrap();
    assert_eq!(*value, serde_json::json!({"key": "log.level", "value": "warn", "origin": "$JACKFIELD_LOG__LEVEL"}));
}

#[test]
fn changes_are_the_keys_whose_values_differ_whoever_says_them() {
    let old = place("[limits]\nnesting = 5\n[plugin.a]\nthreads = 2\n[plugin.gone.config]\nx = 1").load().unwrap();
    let mut new = place(
        "# the same, said elsewhere\n[plugin.a]\nthreads = 3\n[plugin.same]\nthreads = 4\n[plugin.new.deadline_s]\n\"k.l\" = 1",
    )
    .variable("JACKFIELD_LIMITS__NESTING", "5")
    .load()
    .unwrap();
    new.data.clone_from(&old.data);
    let expected = ["plugin.a.threads", "plugin.gone.config.x", "plugin.new.deadline_s.\"k.l\""];
    assert_eq!(changes(&old, &new).unwrap(), expected);
    assert_eq!(changes(&old, &old).unwrap(), [""; 0]);
}
