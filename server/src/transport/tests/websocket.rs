use super::*;
use crate::transport::http::accept;
use crate::transport::{Transport, TransportError, WebSocket};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use jackfield_dialects::Close;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as WireFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

type Client = WebSocketStream<TcpStream>;

async fn pair(policy: &HttpPolicy) -> (Client, WebSocket) {
    let listener = listen("ws://127.0.0.1:0");
    let (client, accepted) = connected(&listener).await;
    let url = format!("ws://{}/", listener.url().addresses()[0]);
    let (client, server) = soon(async { tokio::join!(client_async(url, client), accept(accepted, policy)) }).await;
    (client.unwrap().0, server.unwrap().0)
}

/// The code and reason with which the server closes; the client reads on to the end, and ends too.
async fn closed(mut client: Client) -> (u16, String) {
    let mut close = None;
    while let Some(message) = soon(client.next()).await {
        match message {
            Ok(Message::Close(Some(frame))) => close = Some((frame.code.into(), frame.reason.to_string())),
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    }
    close.expect("a close frame")
}

fn close(code: u16) -> Option<Close> {
    Some(Close { code, reason: "why" })
}

#[tokio::test]
async fn messages_go_both_ways_unchanged() {
    let (mut client, mut server) = pair(&policy()).await;
    let large = "ä".repeat(300_000);
    for frame in [text("hello"), text(""), Frame::Binary(Bytes::from_static(b"\xff\0")), text(&large)] {
        let message = match &frame {
            Frame::Text(text) => Message::text(text.to_string()),
            Frame::Binary(bytes) => Message::binary(bytes.clone()),
        };
        let (sent, received) = tokio::join!(client.send(message.clone()), soon(server.next()));
        sent.unwrap();
        assert_eq!(received.unwrap(), Some(frame.clone()));
        let answer = async {
            server.queue(frame).unwrap();
            server.flush().await.unwrap();
        };
        let ((), back) = tokio::join!(soon(answer), soon(client.next()));
        assert_eq!(back.unwrap().unwrap(), message);
    }
}

#[tokio::test]
async fn a_fragmented_message_comes_whole() {
    let (mut client, mut server) = pair(&policy()).await;
    // The two bytes of one character in two frames, a ping between.
    for (bytes, kind, last) in [(&b"a\xc3"[..], Data::Text, false), (b"\xa4b", Data::Continue, true)] {
        client.send(Message::Frame(WireFrame::message(bytes, OpCode::Data(kind), last))).await.unwrap();
        if !last {
            client.send(Message::Ping(Bytes::new())).await.unwrap();
        }
    }
    assert_eq!(soon(server.next()).await.unwrap(), Some(text("aäb")));
    assert_eq!(server.ready().unwrap(), None);
}

#[tokio::test]
async fn all_that_one_read_brought_is_ready_without_waiting() {
    let (mut client, mut server) = pair(&policy()).await;
    for number in 0..50 {
        client.feed(Message::text(number.to_string())).await.unwrap();
    }
    client.flush().await.unwrap();
    let mut numbers = Vec::new();
    while numbers.len() < 50 {
        let mut frame = soon(server.next()).await.unwrap();
        while let Some(Frame::Text(text)) = frame {
            numbers.push(text.parse::<usize>().unwrap());
            frame = server.ready().unwrap();
        }
    }
    assert_eq!(numbers, (0..50).collect::<Vec<_>>());
    assert_eq!(server.ready().unwrap(), None);
}

#[tokio::test]
async fn pings_of_a_peer_that_does_not_read_are_not_collected_without_bound() {
    const MOST: usize = 64 << 20;
    let (mut client, mut server) = pair(&policy()).await;
    let pings = [&[0x89, 0x80 | 125, 0, 0, 0, 0][..], &[7; 125]].concat().repeat(1000);
    let mut sent = 0;
    let flooding = async {
        // Held up: the server does not read on.
        while sent < MOST
            && let Ok(written) = timeout(Duration::from_millis(300), client.get_mut().write_all(&pings)).await
        {
            written.unwrap();
            sent += pings.len();
        }
    };
    tokio::select! {
        () = flooding => {}
        frame = server.next() => panic!("{frame:?}"),
    }
    assert!(sent < MOST, "the server took {sent} bytes and answered them all");
}

#[tokio::test]
async fn what_is_queued_goes_out_with_the_flush_and_not_before() {
    let (mut client, mut server) = pair(&policy()).await;
    for number in 0..100 {
        server.queue(text(&number.to_string())).unwrap();
    }
    let mut byte = [0];
    let early = timeout(Duration::from_millis(50), client.get_ref().peek(&mut byte)).await;
    assert!(early.is_err(), "something came before the flush");
    server.flush().await.unwrap();
    // 10 answers of 3 bytes on the wire and 90 of 4: all of them there with the first.
    let mut whole = [0; 390];
    let length = soon(client.get_mut().read(&mut whole)).await.unwrap();
    assert_eq!(length, 390);
}

#[tokio::test]
async fn waiting_can_be_given_up_without_losing_a_message() {
    let (mut client, mut server) = pair(&policy()).await;
    for part in [&b"\x81\x85\0\0\0\0"[..], b"he", b"llo"] {
        assert!(timeout(Duration::from_millis(20), server.next()).await.is_err());
        client.get_mut().write_all(part).await.unwrap();
    }
    assert_eq!(soon(server.next()).await.unwrap(), Some(text("hello")));
}

#[tokio::test]
async fn pings_are_answered_while_the_next_message_is_awaited() {
    let (mut client, mut server) = pair(&policy()).await;
    client.send(Message::Ping(Bytes::from_static(b"p"))).await.unwrap();
    let pong = async {
        let pong = client.next().await;
        client.send(Message::text("x")).await.unwrap();
        pong
    };
    let (pong, next) = tokio::join!(soon(pong), soon(server.next()));
    assert_eq!(pong.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"p")));
    assert_eq!(next.unwrap(), Some(text("x")));
}

#[tokio::test]
async fn a_ping_among_ready_messages_is_answered_too() {
    let (mut client, mut server) = pair(&policy()).await;
    for message in [Message::text("a"), Message::Ping(Bytes::new()), Message::text("b")] {
        client.feed(message).await.unwrap();
    }
    client.flush().await.unwrap();
    assert_eq!(soon(server.next()).await.unwrap(), Some(text("a")));
    while server.ready().unwrap() != Some(text("b")) {
        tokio::task::yield_now().await;
    }
    server.flush().await.unwrap();
    assert_eq!(soon(client.next()).await.unwrap().unwrap(), Message::Pong(Bytes::new()));
}

#[tokio::test]
async fn the_longest_message_passes_and_one_byte_more_is_closed_with_1009() {
    let small = HttpPolicy { longest: longest(100_000), ..policy() };
    let (mut client, mut server) = pair(&small).await;
    client.send(Message::text("a".repeat(100_000))).await.unwrap();
    assert_eq!(soon(server.next()).await.unwrap(), Some(text(&"a".repeat(100_000))));
    client.send(Message::text("a".repeat(100_001))).await.unwrap();
    assert!(matches!(soon(server.next()).await, Err(TransportError::TooLarge { limit: 100_000 })));
    let (seen, ()) = tokio::join!(closed(client), soon(server.close(close(1009))));
    assert_eq!(seen, (1009, "why".into()));
}

#[tokio::test]
async fn messages_may_be_longer_while_attachments_are_expected() {
    let small = HttpPolicy { longest: longest(1000), ..policy() };
    let (mut client, mut server) = pair(&small).await;
    server.expect_attachments(true);
    client.send(Message::binary(vec![7; 2000])).await.unwrap();
    assert_eq!(soon(server.next()).await.unwrap(), Some(Frame::Binary(vec![7; 2000].into())));
    server.expect_attachments(false);
    client.send(Message::text("a".repeat(1001))).await.unwrap();
    assert!(matches!(soon(server.next()).await, Err(TransportError::TooLarge { limit: 1000 })));
}

#[tokio::test]
async fn fragments_are_limited_as_one_message() {
    let small = HttpPolicy { longest: longest(1000), ..policy() };
    let (mut client, mut server) = pair(&small).await;
    for kind in [Data::Text, Data::Continue] {
        let frame = WireFrame::message("a".repeat(501), OpCode::Data(kind), false);
        client.send(Message::Frame(frame)).await.unwrap();
    }
    assert!(matches!(soon(server.next()).await, Err(TransportError::TooLarge { limit: 1000 })));
    let (seen, ()) = tokio::join!(closed(client), soon(server.close(close(1009))));
    assert_eq!(seen.0, 1009);
}

#[tokio::test]
async fn the_close_code_reaches_a_client_that_is_still_sending() {
    let small = HttpPolicy { longest: longest(1000), ..policy() };
    let (client, mut server) = pair(&small).await;
    let (mut sink, mut stream) = client.split();
    let sending = async { while sink.send(Message::text("a".repeat(8 << 20))).await.is_ok() {} };
    let receiving = async {
        while let Some(message) = stream.next().await {
            if let Ok(Message::Close(Some(frame))) = message {
                return u16::from(frame.code);
            }
        }
        panic!("no close frame")
    };
    let serving = async {
        assert!(matches!(server.next().await, Err(TransportError::TooLarge { .. })));
        server.close(close(1009)).await;
    };
    let (_, code, ()) = tokio::join!(soon(sending), soon(receiving), soon(serving));
    assert_eq!(code, 1009);
}

#[tokio::test]
async fn an_absurd_length_in_a_header_is_too_large_and_allocates_nothing() {
    let (mut client, mut server) = pair(&policy()).await;
    client.get_mut().write_all(b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0").await.unwrap();
    assert!(matches!(soon(server.next()).await, Err(TransportError::TooLarge { .. })));
}

#[tokio::test]
async fn text_that_is_not_utf_8_is_closed_with_1007() {
    let (mut client, mut server) = pair(&policy()).await;
    client.send(Message::Frame(WireFrame::message(&b"\xff\xfe"[..], OpCode::Data(Data::Text), true))).await.unwrap();
    assert!(matches!(soon(server.next()).await, Err(TransportError::NotText)));
    let (seen, ()) = tokio::join!(closed(client), soon(server.close(close(1007))));
    assert_eq!(seen.0, 1007);
}

#[tokio::test]
async fn broken_framing_is_closed_with_1002() {
    // Unmasked, a reserved bit, a reserved opcode, a continuation of nothing.
    for bytes in [&b"\x81\x01a"[..], b"\xc1\x81\0\0\0\0a", b"\x83\x81\0\0\0\0a", b"\x80\x81\0\0\0\0a"] {
        let (mut client, mut server) = pair(&policy()).await;
        client.get_mut().write_all(bytes).await.unwrap();
        assert!(matches!(soon(server.next()).await, Err(TransportError::Protocol(_))), "{bytes:?}");
        let (seen, ()) = tokio::join!(closed(client), soon(server.close(close(1002))));
        assert_eq!(seen.0, 1002);
    }
}

#[tokio::test]
async fn answers_before_a_close_arrive_before_it() {
    let (mut client, mut server) = pair(&policy()).await;
    server.queue(text("bye")).unwrap();
    let client = async {
        assert_eq!(client.next().await.unwrap().unwrap(), Message::text("bye"));
        closed(client).await
    };
    let (seen, ()) = tokio::join!(soon(client), soon(server.close(close(1000))));
    assert_eq!(seen, (1000, "why".into()));
}

#[tokio::test]
async fn a_close_by_the_client_is_answered_and_ends_in_order() {
    let (mut client, mut server) = pair(&policy()).await;
    client.feed(Message::text("last")).await.unwrap();
    let both = async {
        client.close(None).await.unwrap();
        while let Some(message) = client.next().await {
            assert!(matches!(message, Ok(Message::Close(_))), "{message:?}");
        }
    };
    let serving = async {
        assert_eq!(server.next().await.unwrap(), Some(text("last")));
        assert_eq!(server.next().await.unwrap(), None);
        assert_eq!(server.next().await.unwrap(), None);
        assert_eq!(server.ready().unwrap(), None);
        server.close(None).await;
    };
    tokio::join!(soon(both), soon(serving));
}

#[tokio::test]
async fn a_connection_that_ends_without_a_close_frame_is_an_error() {
    let (client, mut server) = pair(&policy()).await;
    drop(client);
    assert!(matches!(soon(server.next()).await, Err(TransportError::Io(_))));
    soon(server.close(close(1001))).await;
}

#[tokio::test]
async fn a_client_that_does_not_answer_a_close_holds_it_up_for_its_limit_only() {
    let (client, mut server) = pair(&policy()).await;
    let begun = tokio::time::Instant::now();
    soon(server.close(close(1001))).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    drop(client);
}

#[tokio::test]
async fn an_invalid_close_code_of_the_client_is_answered_with_1002() {
    let (mut client, mut server) = pair(&policy()).await;
    client.get_mut().write_all(b"\x88\x82\0\0\0\0\x03\xed").await.unwrap();
    let (message, next) = tokio::join!(soon(client.next()), soon(server.next()));
    let Some(Ok(Message::Close(Some(frame)))) = message else { panic!("{message:?}") };
    assert_eq!(frame.code, CloseCode::Protocol);
    assert_eq!(next.unwrap(), None);
}

#[tokio::test]
async fn a_client_cannot_write_after_the_server_has_closed() {
    let (mut client, mut server) = pair(&policy()).await;
    let client = async {
        while let Some(message) = client.next().await {
            assert!(matches!(message, Ok(Message::Close(_))), "{message:?}");
        }
        client.send(Message::text("x")).await
    };
    let (sent, ()) = tokio::join!(soon(client), soon(server.close(close(1001))));
    assert!(matches!(sent, Err(Error::Protocol(_) | Error::AlreadyClosed | Error::ConnectionClosed)), "{sent:?}");
}
