//! What plugins say of themselves.

use super::case::Promise::{Refused, Scene, Serves};
use super::case::{Case, Source};
use super::stage::Stage;

pub const TOPICS: &str = "topics, NULL with a length";

const GOOD: &str = "\"2.0.0\"";

pub fn cases() -> Vec<Case> {
    let refused = |does, spoil: &'static [&'static str], reason| {
        Case::new(does, Source::C("table.c", spoil), Refused("loaded", reason))
    };
    let serves =
        |does, spoil: &'static [&'static str]| Case::new(does, Source::C("table.c", spoil), Serves(GOOD, 0, &[]));
    vec![
        refused("its entry function fails", &["-DSPOIL=status=JF_E_VERSION"], "answered -13"),
        refused("jf_plugin of size 0", &["-DSPOIL=plugin.struct_size=0"], "a struct_size of 0,"),
        refused("jf_plugin too small", &["-DSPOIL=plugin.struct_size=16"], "a struct_size of 16,"),
        refused("jf_plugin of 4 GiB", &["-DSPOIL=plugin.struct_size=~0u"], "a struct_size of 4294967295,"),
        serves("jf_plugin of a later minor version", &["-DSPOIL=plugin.struct_size=4096"]),
        Case::new("minor version 9", Source::C("table.c", &["-DSPOIL=plugin.abi_minor=9"]), Scene(minor_is_told)),
        refused("no descriptor", &["-DSPOIL=plugin.descriptor=NULL"], "a null"),
        refused("no create", &["-DSPOIL=plugin.create=NULL"], "`create` is null"),
        refused("no handle", &["-DSPOIL=plugin.handle=NULL"], "`handle` is null"),
        refused("no destroy", &["-DSPOIL=plugin.destroy=NULL"], "`destroy` is null"),
        refused("descriptor of size 0", &["-DSPOIL=descriptor.struct_size=0"], "it has a struct_size of 0,"),
        refused("descriptor too small", &["-DSPOIL=descriptor.struct_size=55"], "it has a struct_size of 55,"),
        refused("descriptor of 4 GiB", &["-DSPOIL=descriptor.struct_size=~0u"], "it has a struct_size of 4294967295,"),
        serves("descriptor of a later minor version", &["-DSPOIL=descriptor.struct_size=4096"]),
        serves("unknown flags of plugin and command", &["-DSPOIL=descriptor.flags=~7u;info.flags=~31u"]),
        refused("an id with capitals", &["-DSPOIL=descriptor.id=text(\"Subject\")"], "the id \"Subject\" is not"),
        refused(
            "an id with no UTF-8",
            &["-DSPOIL=descriptor.id=text(\"\\xff\")"],
            "its id has a text that is not UTF-8",
        ),
        refused("an id, NULL with a length", &["-DSPOIL=descriptor.id.ptr=NULL"], "its id has a null with a length"),
        refused("an id of 1 GiB", &["-DSPOIL=descriptor.id.len=GIB"], "its id has a length of 1073741824 bytes"),
        refused("a version of 1 GiB", &["-DSPOIL=descriptor.version.len=GIB"], "its version has a length of"),
        refused(
            "commands, NULL with a length",
            &["-DSPOIL=descriptor.commands=NULL"],
            "its list of commands has a null",
        ),
        refused(
            "10,000 commands",
            &["-DSPOIL=descriptor.command_count=10000"],
            "it has 10000 commands, more than 1024",
        ),
        Case::new(
            TOPICS,
            Source::C("table.c", &["-DSPOIL=descriptor.topic_count=2"]),
            Refused("loaded", "its list of topics"),
        ),
        refused("2^60 commands", &["-DSPOIL=descriptor.command_count=GIB<<30"], "more than 1024"),
        refused("a command that is NULL", &["-DSPOIL=commands[0]=NULL"], "its command 1 of the list has a null"),
        refused(
            "command of size 0",
            &["-DSPOIL=info.struct_size=0"],
            "its command 1 of the list has a struct_size of 0,",
        ),
        refused("command too small", &["-DSPOIL=info.struct_size=31"], "a struct_size of 31,"),
        refused("command of 4 GiB", &["-DSPOIL=info.struct_size=~0u"], "a struct_size of 4294967295,"),
        serves("command of a later minor version", &["-DSPOIL=info.struct_size=4096"]),
        refused("a key twice", &["-DSPOIL=descriptor.command_count=2"], "the key \"subject\" stands twice"),
        refused("an empty key", &["-DSPOIL=info.key.len=0"], "the key \"\" is not 1 to 128 bytes"),
        refused(
            "a key of the host's",
            &["-DSPOIL=info.key=text(\"jackfield.info\")"],
            "\"jackfield.\", which is reserved",
        ),
        refused(
            "a key of 1 GiB",
            &["-DSPOIL=info.key.len=GIB"],
            "the key of its command 1 of the list has a length of",
        ),
        refused(
            "an unknown class",
            &["-DSPOIL=info.command_class=9"],
            "the command_class of the command \"subject\" is 9",
        ),
        refused(
            "a help of 1 GiB",
            &["-DSPOIL=info.help.len=GIB"],
            "the help of the command \"subject\" has a length of",
        ),
        refused(
            "a schema, NULL with a length",
            &["-DSPOIL=info.params_schema.len=5"],
            "\"subject\" has a null with a length",
        ),
        refused("a schema that is no JSON", &["-DSPOIL=info.params_schema=text(\"{a\")"], "\"subject\" is no JSON: "),
        refused(
            "a schema that is a number",
            &["-DSPOIL=info.result_schema=text(\"1\")"],
            "but no schema: that is an object",
        ),
        refused(
            "a schema of 2 MiB",
            &["-DSPOIL=info.params_schema=(jf_str){calloc(1,2<<20),2<<20}"],
            "has 2097152 bytes;",
        ),
        refused("a schema of 1 GiB", &["-DSPOIL=info.result_schema=(jf_str){KEY,GIB}"], "has 1073741824 bytes;"),
        refused(
            "two params of one name",
            &[
                "-DSPOIL=static const jf_str names[]={JF_STR(\"a\"),JF_STR(\"a\")};info.param_order=names;info.param_count=2",
            ],
            "the param_order of the command \"subject\" has \"a\" twice",
        ),
        refused("params without names", &["-DSPOIL=info.param_count=2"], "has a null array with a length"),
        refused(
            "an example that is no JSON",
            &["-DSPOIL=static const jf_str one=JF_STR(\"{\");info.examples=&one;info.example_count=1"],
            "the examples of the command \"subject\" have one that is no JSON",
        ),
        refused("2^60 examples", &["-DSPOIL=info.examples=&info.key;info.example_count=GIB<<30"], "an absurd number"),
        refused("STATEFUL without state", &["-DFLAGS=JF_PLUGIN_STATEFUL"], "it is STATEFUL and has no extension"),
        Case::new(
            "state without functions",
            Source::C("state.c", &["-DNO_FUNCTIONS"]),
            Refused("loaded", "`save` or `restore` is null"),
        ),
    ]
}

fn minor_is_told(stage: &mut Stage) {
    let generation = stage.put_bad();
    assert_eq!((stage.report()["abi"].as_str(), stage.ask("null").as_str()), (Some("1.9"), GOOD));
    stage.tell("told as abi 1.9, and served");
    stage.replace();
    stage.ends(generation, "closed", "");
}
