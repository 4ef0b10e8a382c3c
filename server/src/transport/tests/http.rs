use super::*;
use crate::transport::http::{RequestInfo, accept, refuse};
use crate::transport::{Transport, TransportError, WebSocket};

type Accepted = Result<(WebSocket, RequestInfo), TransportError>;

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const UPGRADE: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n";
const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";

/// Sends a request that is refused; gives all that comes back and what the server made of it.
async fn request(line: &str, headers: &str, policy: &HttpPolicy) -> (String, Accepted) {
    let listener = listen("ws://127.0.0.1:0");
    let (mut client, accepted) = connected(&listener).await;
    let exchange = async {
        send(&mut client, format!("{line}\r\n{headers}\r\n")).await;
        until_closed(client).await
    };
    tokio::join!(exchange, soon(accept(accepted, policy)))
}

async fn refused(line: &str, headers: &str) -> String {
    let (answer, accepted) = request(line, headers, &policy()).await;
    assert!(matches!(accepted, Err(TransportError::Refused(_))), "{headers}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    answer
}

async fn upgraded(line: &str, headers: &str, policy: &HttpPolicy) -> (String, RequestInfo) {
    let listener = listen("ws://127.0.0.1:0");
    let (mut client, accepted) = connected(&listener).await;
    send(&mut client, format!("{line}\r\n{headers}\r\n")).await;
    let (socket, info) = soon(accept(accepted, policy)).await.unwrap();
    drop(socket);
    (receive_all(&mut client).await, info)
}

#[tokio::test]
async fn an_upgrade_is_answered_101_without_subprotocol_and_extensions() {
    let offers = "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";
    let headers = format!("Host: localhost:1\r\n{UPGRADE}{VERSION}{KEY}{offers}");
    let (answer, info) = upgraded("GET /a/b?c=d HTTP/1.1", &headers, &policy()).await;
    let lower = answer.to_lowercase();
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert!(lower.contains("sec-websocket-accept: ") && answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
    assert!(lower.contains("upgrade: websocket\r\n") && lower.contains("connection: upgrade\r\n"), "{answer}");
    assert!(
        !lower.contains("protocol:") && !lower.contains("extensions") && !lower.contains("connection: close"),
        "{answer}"
    );
    assert_eq!(info, RequestInfo { path: "/a/b".into(), host: "localhost:1".into(), origin: None });
}

#[tokio::test]
async fn the_own_origin_and_listed_ones_come_in() {
    let listed = HttpPolicy { origins: vec!["https://tool.test".into()], ..policy() };
    for origin in ["http://127.0.0.1:1", "https://tool.test"] {
        let headers = format!("Host: 127.0.0.1:1\r\nOrigin: {origin}\r\n{UPGRADE}{VERSION}{KEY}");
        let (_, info) = upgraded("GET / HTTP/1.1", &headers, &listed).await;
        assert_eq!(info.origin.as_deref(), Some(origin));
    }
}

#[tokio::test]
async fn foreign_hosts_and_origins_get_403_whatever_they_ask_for() {
    let good = format!("{UPGRADE}{VERSION}{KEY}");
    for headers in [
        "Host: evil.test\r\n",
        "Host: 127.0.0.1.evil.test\r\n",
        "",
        "Host: localhost\r\nHost: localhost\r\n",
        "Host: a@localhost\r\n",
        "Host: localhost:1\r\nOrigin: http://evil.test\r\n",
        "Host: localhost:1\r\nOrigin: null\r\n",
        "Host: localhost:1\r\nOrigin: http://localhost.evil.test:1\r\n",
        "Host: localhost:1\r\nOrigin: http://localhost:2\r\n",
        "Host: localhost:1\r\nOrigin: HTTP://LOCALHOST:1\r\n",
        "Host: localhost:1\r\nOrigin: http://localhost:1\r\nOrigin: http://localhost:1\r\n",
        "Host: localhost:1\r\nOrigin: http://localhost:1\u{fc}\r\n",
    ] {
        for (line, rest) in [("GET / HTTP/1.1", good.as_str()), ("GET / HTTP/1.1", ""), ("OPTIONS * HTTP/1.1", "")] {
            let answer = refused(line, &format!("{headers}{rest}")).await;
            assert!(answer.starts_with("HTTP/1.1 403 "), "{headers}{answer}");
            assert!(!answer.to_lowercase().contains("access-control"), "{answer}");
        }
    }
    let answer = refused("GET http://evil.test/ HTTP/1.1", &format!("Host: localhost:1\r\n{good}")).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[tokio::test]
async fn everything_that_is_no_upgrade_gets_426_with_a_text() {
    for (line, headers) in [
        ("GET / HTTP/1.1", String::new()),
        ("GET /healthz HTTP/1.1", "Connection: keep-alive\r\n".into()),
        ("HEAD / HTTP/1.1", String::new()),
        ("OPTIONS / HTTP/1.1", "Access-Control-Request-Private-Network: true\r\n".into()),
        ("POST / HTTP/1.1", format!("Content-Length: 0\r\n{UPGRADE}{VERSION}{KEY}")),
        ("GET / HTTP/1.1", format!("Upgrade: websocket\r\n{VERSION}{KEY}")),
        ("GET / HTTP/1.1", format!("Connection: Upgrade\r\nUpgrade: h2c\r\n{VERSION}{KEY}")),
        ("GET / HTTP/1.0", format!("{UPGRADE}{VERSION}{KEY}")),
        ("GET / HTTP/1.1", format!("{UPGRADE}{KEY}")),
        ("GET / HTTP/1.1", format!("{UPGRADE}Sec-WebSocket-Version: 8\r\n{KEY}")),
        ("GET / HTTP/1.1", format!("{UPGRADE}{VERSION}{VERSION}{KEY}")),
    ] {
        let answer = refused(line, &format!("Host: 127.0.0.1:1\r\n{headers}")).await;
        let lower = answer.to_lowercase();
        assert!(answer.contains(" 426 "), "{line}\r\n{headers}{answer}");
        assert!(
            lower.contains("upgrade: websocket\r\n") && lower.contains("sec-websocket-version: 13\r\n"),
            "{answer}"
        );
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(line.starts_with("HEAD") || !body.is_empty(), "{answer}");
    }
}

#[tokio::test]
async fn the_openrpc_document_is_read_by_get_and_head_whatever_the_listeners_path_is() {
    let only_a = HttpPolicy { path: Some("/a".into()), ..policy() };
    for policy in [policy(), only_a] {
        for method in ["GET", "HEAD"] {
            let line = format!("{method} /openrpc.json?x HTTP/1.1");
            let (answer, accepted) =
                request(&line, "Host: localhost:1\r\nOrigin: http://localhost:1\r\n", &policy).await;
            assert!(accepted.is_err(), "it is no WebSocket");
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let lower = head.to_lowercase();
            let length = format!("content-length: {}", DOCUMENT.len());
            assert!(head.starts_with("HTTP/1.1 200 ") && lower.contains(&length), "{head}");
            assert!(lower.contains("content-type: application/json") && lower.contains("connection: close"), "{head}");
            assert_eq!(body, if method == "GET" { DOCUMENT } else { "" });
        }
    }
}

#[tokio::test]
async fn the_openrpc_document_has_the_rules_of_all_else() {
    for (headers, status) in [
        ("Host: evil.test\r\n", "403"),
        ("", "403"),
        ("Host: localhost:1\r\nOrigin: http://evil.test\r\n", "403"),
        ("Host: localhost:1\r\nUpgrade: h2c\r\n", "426"),
    ] {
        let answer = refused("GET /openrpc.json HTTP/1.1", headers).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && !answer.contains(DOCUMENT), "{headers}{answer}");
    }
    for line in ["POST /openrpc.json HTTP/1.1", "GET /openrpc.json/ HTTP/1.1", "GET /a/openrpc.json HTTP/1.1"] {
        let answer = refused(line, "Host: localhost:1\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 426 "), "{line}: {answer}");
    }
    let headers = format!("Host: localhost\r\n{UPGRADE}{VERSION}{KEY}");
    assert_eq!(upgraded("GET /openrpc.json HTTP/1.1", &headers, &policy()).await.1.path, "/openrpc.json");
}

#[tokio::test]
async fn a_key_that_is_none_gets_400() {
    for key in
        ["", "Sec-WebSocket-Key: short\r\n", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==\r\n", &format!("{KEY}{KEY}")]
    {
        let answer = refused("GET / HTTP/1.1", &format!("Host: [::1]\r\n{UPGRADE}{VERSION}{key}")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{key}{answer}");
    }
}

#[tokio::test]
async fn another_path_than_the_listeners_gets_404() {
    let served = HttpPolicy { path: Some("/a".into()), ..policy() };
    let headers = format!("Host: localhost\r\n{UPGRADE}{VERSION}{KEY}");
    assert_eq!(upgraded("GET /a?x HTTP/1.1", &headers, &served).await.1.path, "/a");
    let (answer, accepted) = request("GET /b HTTP/1.1", &headers, &served).await;
    assert!(answer.starts_with("HTTP/1.1 404 ") && accepted.is_err(), "{answer}");
}

#[tokio::test]
async fn a_large_body_is_not_read_and_the_answer_still_arrives() {
    let body = "x".repeat(4 << 20);
    let headers = format!("Host: localhost\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let answer = refused("POST / HTTP/1.1", &headers).await;
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
}

#[tokio::test]
async fn what_is_no_http_or_too_long_is_answered_by_an_error() {
    let long = format!("Host: localhost\r\nX: {}\r\n", "x".repeat(64 << 10));
    for (line, headers) in [("\u{1}\u{2}", ""), ("GET / HTTP/9.9", ""), ("GET / HTTP/1.1", long.as_str())] {
        let (answer, accepted) = request(line, headers, &policy()).await;
        assert!(matches!(accepted, Err(TransportError::Protocol(_))), "{line}");
        assert!(answer.starts_with("HTTP/1.1 4"), "{line}: {answer}");
    }
}

#[tokio::test]
async fn a_connection_too_many_gets_503() {
    let listener = listen("ws://127.0.0.1:0");
    let (mut client, accepted) = connected(&listener).await;
    send(&mut client, format!("GET / HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}{VERSION}{KEY}\r\n")).await;
    let (answer, ()) = tokio::join!(until_closed(client), soon(refuse(accepted)));
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains(&format!("Content-Length: {}\r\n", body.len())) && head.contains("Connection: close"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_closed_after_its_limit() {
    let impatient = HttpPolicy { handshake: Duration::from_millis(150), ..policy() };
    for sent in ["", "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow"] {
        let listener = listen("ws://127.0.0.1:0");
        let (mut client, accepted) = connected(&listener).await;
        send(&mut client, sent).await;
        let accepted = soon(accept(accepted, &impatient)).await;
        assert!(matches!(accepted, Err(TransportError::Refused(_))), "{sent:?}");
        assert_eq!(receive_all(&mut client).await, "");
    }
}

#[tokio::test]
async fn one_byte_at_a_time_does_not_prolong_the_handshake() {
    let impatient = HttpPolicy { handshake: Duration::from_millis(300), ..policy() };
    let listener = listen("ws://127.0.0.1:0");
    let (mut client, accepted) = connected(&listener).await;
    let drip = async {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        while client.write_all(b"G").await.is_ok() {
            tick.tick().await;
        }
    };
    let (_, accepted) = tokio::join!(soon(drip), soon(accept(accepted, &impatient)));
    assert!(matches!(accepted, Err(TransportError::Refused(why)) if why.contains("handshake_s")));
}

#[tokio::test]
async fn a_client_that_leaves_during_the_handshake_is_an_error_and_no_more() {
    let listener = listen("ws://127.0.0.1:0");
    let (client, accepted) = connected(&listener).await;
    drop(client);
    assert!(matches!(
        soon(accept(accepted, &policy())).await,
        Err(TransportError::Io(_) | TransportError::Protocol(_))
    ));
}

#[tokio::test]
async fn messages_right_behind_the_request_are_not_lost() {
    let listener = listen("ws://127.0.0.1:0");
    let (mut client, accepted) = connected(&listener).await;
    let mut sent = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}{VERSION}{KEY}\r\n").into_bytes();
    // Two masked text messages, mask 0.
    sent.extend_from_slice(b"\x81\x82\0\0\0\0hi\x81\x82\0\0\0\0ho");
    send(&mut client, sent).await;
    let (mut socket, _) = soon(accept(accepted, &policy())).await.unwrap();
    assert_eq!(soon(socket.next()).await.unwrap(), Some(text("hi")));
    assert_eq!(socket.ready().unwrap(), Some(text("ho")));
    assert_eq!(socket.ready().unwrap(), None);
}

#[tokio::test]
async fn a_handshake_can_be_served_on_any_thread() {
    let listener = listen("ws://127.0.0.1:0");
    let (client, accepted) = connected(&listener).await;
    drop(client);
    let served = tokio::spawn(async move { accept(accepted, &policy()).await.map(drop) });
    assert!(soon(served).await.unwrap().is_err());
}
