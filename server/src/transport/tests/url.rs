use crate::transport::{DEFAULT_LISTENERS, Eol, ListenUrl, Scheme};
use jackfield_dialects::Protocol;
use proptest::prelude::*;

fn parse(url: &str) -> ListenUrl {
    url.parse().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn each_scheme_has_its_defaults() {
    let ws = parse("ws://127.0.0.1:40010");
    assert_eq!((ws.scheme, ws.dialect, &*ws.ok, ws.buffer, ws.order), (Scheme::Ws, Protocol::Auto, "Ok", 16384, false));
    let tcp = parse("tcp://127.0.0.1:7000");
    assert_eq!(
        (tcp.scheme, tcp.dialect, &*tcp.ok, tcp.eol, tcp.once),
        (Scheme::Tcp, Protocol::Zeiss, "O.k.", Eol::CrLf, false)
    );
    assert!(DEFAULT_LISTENERS.iter().all(|url| parse(url).to_string() == *url));
}

#[test]
fn parameters_are_taken() {
    let tcp = parse("tcp://[::1]:0?dialect=echo&ok=a%20b%c3%A4&eol=eot&once=1&buffer=4096&order=1");
    assert_eq!((tcp.dialect, &*tcp.ok, tcp.eol, tcp.once), (Protocol::Echo, "a bä", Eol::Eot, true));
    assert_eq!((tcp.buffer, tcp.order), (4096, true));
    assert_eq!(parse("tcp://127.0.0.1:1?eol=none").eol.bytes(), b"");
    assert_eq!(parse("tcp://127.0.0.1:1?eol=lf&").eol.bytes(), b"\n");
}

#[test]
fn a_listener_is_displayed_as_given() {
    for url in [
        "ws://localhost:0",
        "ws://127.0.0.2:8/",
        "ws://[::1]:1/a/b?ok=%41&dialect=zeiss",
        "tcp://127.0.0.1:65535?once=0",
    ] {
        assert_eq!(parse(url).to_string(), url);
    }
}

#[test]
fn localhost_is_both_loopback_addresses() {
    let addresses: Vec<String> = parse("ws://localhost:5").addresses().iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["127.0.0.1:5", "[::1]:5"]);
}

#[test]
fn only_a_path_with_a_name_restricts_what_is_served() {
    assert_eq!(parse("ws://localhost:5").path(), None);
    assert_eq!(parse("ws://localhost:5/").path(), None);
    assert_eq!(parse("ws://localhost:5/a?ok=x").path(), Some("/a"));
}

#[test]
fn what_is_wrong_is_named_with_what_would_be_valid() {
    for (url, why) in [
        ("127.0.0.1:1", "expected SCHEME://HOST:PORT"),
        ("wss://127.0.0.1:1", "scheme wss is not in this version; valid are ws, tcp"),
        ("unix:///tmp/x", "scheme unix is not in this version; valid are ws, tcp"),
        ("http://127.0.0.1:1", "scheme \"http\" is unknown; valid are ws, tcp"),
        ("ws://127.0.0.1", "has no port"),
        ("ws://:1", "has no port"),
        ("ws://[::1]", "has no port"),
        ("ws://127.0.0.1:", "port \"\" is not a number from 0 to 65535"),
        ("ws://127.0.0.1:65536", "port \"65536\" is not"),
        ("ws://127.0.0.1:+1", "port \"+1\" is not"),
        ("ws://example.test:1", "host \"example.test\" is no address"),
        ("ws://::1:1", "host \"::1\" is no address"),
        ("ws://a@127.0.0.1:1", "host \"a@127.0.0.1\" is no address"),
        ("ws://0.0.0.0:1", "need identity"),
        ("tcp://192.168.0.1:1", "which this version does not have"),
        ("ws://[::]:1", "is not a loopback address"),
        ("tcp://127.0.0.1:1/x", "tcp has no paths"),
        ("ws://127.0.0.1:1#x", "'#' cannot stand in a listener"),
        ("ws://127.0.0.1:1/a b", "' ' cannot stand"),
        ("ws://127.0.0.1:1?eol=lf", "parameter \"eol\" is unknown on ws; valid are dialect, ok, buffer, order"),
        ("tcp://127.0.0.1:1?x=1", "\"x\" is unknown on tcp; valid are dialect, ok, eol, once, buffer, order"),
        ("tcp://127.0.0.1:1?once", "parameter \"once\" has no =VALUE"),
        ("tcp://127.0.0.1:1?once=1&once=0", "once is given twice"),
        ("tcp://127.0.0.1:1?once=yes", "parameter once is \"yes\"; valid are 0, 1"),
        ("tcp://127.0.0.1:1?eol=cr", "valid are crlf, lf, none, eot"),
        ("ws://127.0.0.1:1?dialect=wslink", "not in this version; valid are auto, zeiss, jsonrpc, echo"),
        ("ws://127.0.0.1:1?dialect=x", "dialect \"x\" is unknown"),
        ("ws://127.0.0.1:1?buffer=12", "parameter buffer is \"12\"; valid are 1024 to 1048576 bytes"),
        ("ws://127.0.0.1:1?buffer=16k", "valid are 1024 to 1048576 bytes"),
        ("ws://127.0.0.1:1?ok=", "not empty"),
        ("ws://127.0.0.1:1?ok=a%0a", "without control characters"),
        ("ws://127.0.0.1:1?ok=%4", "two hexadecimal digits"),
        ("ws://127.0.0.1:1?ok=%+4", "two hexadecimal digits"),
        ("ws://127.0.0.1:1?ok=%ff", "must be UTF-8"),
    ] {
        let error = url.parse::<ListenUrl>().expect_err(url).to_string();
        assert!(error.contains(why) && error.contains(url), "{url}: {error}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_what_is_accepted_reads_back(
        url in "(ws|tcp)://(127.0.0.1|localhost|\\[::1\\]|\\PC{0,8}):[0-9]{0,5}(/[a-z]{0,3})?(\\?((ok|once|eol|order|x)=[0-9a-z%]{0,4}&?){0,3})?"
    ) {
        if let Ok(parsed) = url.parse::<ListenUrl>() {
            prop_assert_eq!(parsed.to_string().parse::<ListenUrl>().unwrap(), parsed);
        }
    }
}
