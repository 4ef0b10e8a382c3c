use super::*;
use crate::transport::{Eol, Tcp, TcpOptions, Transport, TransportError};
use bytes::Bytes;

fn options() -> TcpOptions {
    TcpOptions { eol: Eol::CrLf, once: false, buffer: 16 << 10, message_bytes: 16 << 20 }
}

fn once() -> TcpOptions {
    TcpOptions { once: true, ..options() }
}

async fn pair(options: TcpOptions) -> (TcpStream, Tcp) {
    let listener = listen("tcp://127.0.0.1:0");
    let (client, accepted) = connected(&listener).await;
    (client, Tcp::new(accepted, options))
}

/// All messages until the end, after the client has sent this and ended its sending side.
async fn messages(sent: &[u8], options: TcpOptions) -> Vec<Frame> {
    let (mut client, mut server) = pair(options).await;
    send(&mut client, sent).await;
    client.shutdown().await.unwrap();
    let mut messages = Vec::new();
    while let Some(frame) = soon(server.next()).await.unwrap() {
        messages.push(frame);
    }
    messages
}

#[tokio::test]
async fn a_message_ends_at_0x04_or_where_the_sending_side_ends() {
    assert_eq!(messages(b"{}\x04", options()).await, [text("{}")]);
    assert_eq!(messages(b"{}", options()).await, [text("{}")]);
    assert_eq!(messages(b"{}\n\x04[]\x04 \r\n1", options()).await, [text("{}\n"), text("[]"), text(" \r\n1")]);
    assert_eq!(messages(b"\x04 \x04", options()).await, [text(""), text(" ")]);
}

#[tokio::test]
async fn a_rest_of_white_space_is_no_message() {
    assert_eq!(messages(b"", options()).await, []);
    assert_eq!(messages(b"{}\x04\r\n\t ", options()).await, [text("{}")]);
}

#[tokio::test]
async fn once_takes_one_message_and_drops_what_is_behind_it() {
    assert_eq!(messages(b"{}\x04[]\x04", once()).await, [text("{}")]);
    assert_eq!(messages(b"{}", once()).await, [text("{}")]);
    assert_eq!(messages(b"", once()).await, [text("")]);
    assert_eq!(messages(b" \n", once()).await, [text(" \n")]);
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_come_as_binary() {
    let bytes = Frame::Binary(Bytes::from_static(b"\xff\xfe"));
    assert_eq!(messages(b"\xff\xfe\x04ok\x04", options()).await, [bytes, text("ok")]);
}

#[tokio::test]
async fn ctrl_z_at_the_beginning_of_a_message_ends_the_connection() {
    for sent in [&b"\x1a"[..], b" \r\n\x1a{}\x04", b"\x1a\x04{}\x04"] {
        assert_eq!(messages(sent, options()).await, [], "{sent:?}");
    }
    assert_eq!(messages(b"{}\x04\n\x1a", options()).await, [text("{}")]);
    assert_eq!(messages(b"a\x1a\x04", options()).await, [text("a\x1a")]);
    let (mut client, mut server) = pair(options()).await;
    send(&mut client, b"\x1a").await;
    assert_eq!(soon(server.next()).await.unwrap(), None);
}

#[tokio::test]
async fn one_byte_a_packet_gives_the_same_messages() {
    let (mut client, mut server) = pair(options()).await;
    let message = "{\"a\": \"äöü€😀\"}";
    let sending = async {
        for byte in format!("{message}\x04{message}\x04").bytes() {
            send(&mut client, [byte]).await;
            tokio::task::yield_now().await;
        }
    };
    let receiving = async {
        for _ in 0..2 {
            assert_eq!(soon(server.next()).await.unwrap(), Some(text(message)));
        }
    };
    tokio::join!(sending, receiving);
}

#[tokio::test]
async fn the_end_byte_may_come_alone() {
    let (mut client, mut server) = pair(options()).await;
    send(&mut client, b"{}").await;
    assert!(timeout(Duration::from_millis(30), server.next()).await.is_err(), "nothing ends the message yet");
    assert_eq!(server.ready().unwrap(), None);
    send(&mut client, b"\x04").await;
    assert_eq!(soon(server.next()).await.unwrap(), Some(text("{}")));
}

#[tokio::test]
async fn several_messages_in_one_packet_are_ready_together_and_answered_in_one_write() {
    let (mut client, mut server) = pair(options()).await;
    send(&mut client, b"1\x042\x043\x04").await;
    assert_eq!(soon(server.next()).await.unwrap(), Some(text("1")));
    assert_eq!(server.ready().unwrap(), Some(text("2")));
    assert_eq!(server.ready().unwrap(), Some(text("3")));
    assert_eq!(server.ready().unwrap(), None);
    for answer in ["a", "b", "c"] {
        server.queue(text(answer)).unwrap();
    }
    let mut whole = [0; 64];
    let early = timeout(Duration::from_millis(50), client.peek(&mut whole)).await;
    assert!(early.is_err(), "something came before the flush");
    server.flush().await.unwrap();
    let length = soon(client.read(&mut whole)).await.unwrap();
    assert_eq!(&whole[..length], b"a\r\nb\r\nc\r\n");
}

#[tokio::test]
async fn more_than_one_read_is_ready_without_waiting() {
    let (mut client, mut server) = pair(TcpOptions { buffer: 1024, ..options() }).await;
    let sent: String = (0..2000).map(|number| format!("{number}\x04")).collect();
    let sending = send(&mut client, sent);
    let receiving = async {
        let mut numbers = Vec::new();
        let mut waits = 0;
        while numbers.len() < 2000 {
            let mut frame = soon(server.next()).await.unwrap();
            waits += 1;
            while let Some(Frame::Text(text)) = frame {
                numbers.push(text.parse::<usize>().unwrap());
                frame = server.ready().unwrap();
            }
        }
        assert_eq!(numbers, (0..2000).collect::<Vec<_>>());
        assert!(waits <= 10, "{waits} waits for 9 kB that are there already");
    };
    tokio::join!(sending, receiving);
}

#[tokio::test]
async fn each_answer_ends_as_the_listener_says() {
    for (eol, wire) in [(Eol::CrLf, "a\r\nb\r\n"), (Eol::Lf, "a\nb\n"), (Eol::None, "ab"), (Eol::Eot, "a\x04b\x04")] {
        let (client, mut server) = pair(TcpOptions { eol, ..options() }).await;
        server.queue(text("a")).unwrap();
        server.queue(Frame::Binary(Bytes::from_static(b"b"))).unwrap();
        // Closing sends what is queued.
        let (answer, ()) = tokio::join!(until_closed(client), soon(server.close(None)));
        assert_eq!(answer, wire);
    }
}

#[tokio::test]
async fn an_answer_after_the_client_has_ended_its_sending_side_arrives() {
    let (mut client, mut server) = pair(options()).await;
    send(&mut client, b"{}").await;
    client.shutdown().await.unwrap();
    assert_eq!(soon(server.next()).await.unwrap(), Some(text("{}")));
    assert_eq!(soon(server.next()).await.unwrap(), None);
    server.queue(text("O.k.")).unwrap();
    let (answer, ()) = tokio::join!(until_closed(client), soon(server.close(None)));
    assert_eq!(answer, "O.k.\r\n");
}

#[tokio::test]
async fn the_answer_of_once_arrives_though_more_was_sent_behind_the_request() {
    let (mut client, mut server) = pair(once()).await;
    send(&mut client, format!("{{}}\x04{}", "x".repeat(200_000))).await;
    assert_eq!(soon(server.next()).await.unwrap(), Some(text("{}")));
    assert_eq!(soon(server.next()).await.unwrap(), None);
    server.queue(text("O.k.")).unwrap();
    let (answer, ()) = tokio::join!(until_closed(client), soon(server.close(None)));
    assert_eq!(answer, "O.k.\r\n");
}

#[tokio::test]
async fn the_longest_message_passes_and_one_byte_more_does_not() {
    let small = TcpOptions { message_bytes: 5000, buffer: 1024, ..options() };
    let longest = "a".repeat(5000);
    assert_eq!(messages(format!("{longest}\x04{longest}").as_bytes(), small).await, [text(&longest), text(&longest)]);
    for end in ["a\x04", "a", "aaaa"] {
        let (mut client, mut server) = pair(small).await;
        send(&mut client, format!("{longest}{end}")).await;
        assert!(matches!(soon(server.next()).await, Err(TransportError::TooLarge { limit: 5000 })), "{end:?}");
        // The session may still say why.
        server.queue(text("Error: too long")).unwrap();
        let (answer, ()) = tokio::join!(until_closed(client), soon(server.close(None)));
        assert_eq!(answer, "Error: too long\r\n");
    }
}

#[tokio::test]
async fn white_space_without_end_is_limited_too() {
    let (mut client, mut server) = pair(TcpOptions { message_bytes: 5000, ..options() }).await;
    send(&mut client, " ".repeat(5001)).await;
    assert!(matches!(soon(server.next()).await, Err(TransportError::TooLarge { .. })));
}

#[tokio::test]
async fn a_large_message_in_small_reads_comes_whole() {
    let small = TcpOptions { buffer: 1024, ..options() };
    let (mut client, mut server) = pair(small).await;
    let message = "a".repeat(8 << 20);
    let (_, received) = tokio::join!(send(&mut client, format!("{message}\x04")), soon(server.next()));
    assert!(received.unwrap() == Some(text(&message)));
}

#[tokio::test]
async fn nothing_of_an_http_request_or_a_tls_hello_is_ever_a_message() {
    let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI"];
    let requests = methods.map(|method| format!("{method} / HTTP/1.1\r\n\r\n{{\"echo\":1}}\x04").into_bytes());
    for sent in requests.into_iter().chain([b"\x16\x03\x01\x02\x00{}\x04".to_vec(), b"GET \x04{}\x04".to_vec()]) {
        let (mut client, mut server) = pair(options()).await;
        // The beginning alone decides nothing yet.
        send(&mut client, &sent[..1]).await;
        assert!(timeout(Duration::from_millis(10), server.next()).await.is_err());
        send(&mut client, &sent[1..]).await;
        assert!(matches!(soon(server.next()).await, Err(TransportError::Refused(_))), "{sent:?}");
        assert_eq!(server.ready().unwrap(), None);
        assert_eq!(soon(server.next()).await.unwrap(), None);
        let (answer, ()) = tokio::join!(until_closed(client), soon(server.close(None)));
        assert_eq!(answer, "");
    }
}

#[tokio::test]
async fn a_message_may_begin_like_another_protocol() {
    for message in ["GET", "GETTER 1", "get / ", "P", "PUTT", "\u{16}", "\u{16}\u{4e}", " GET / HTTP/1.1"] {
        assert_eq!(messages(format!("{message}\x04").as_bytes(), options()).await, [text(message)]);
        assert_eq!(messages(message.as_bytes(), options()).await, [text(message)]);
    }
    // Only the beginning of the connection counts.
    assert_eq!(messages(b"{}\x04GET / \x04", options()).await, [text("{}"), text("GET / ")]);
}

#[tokio::test]
async fn a_client_that_never_reads_stops_the_server_from_queueing_without_bound() {
    let (client, mut server) = pair(options()).await;
    let answer = text(&"a".repeat(100_000));
    let queueing = async {
        for _ in 0..10_000 {
            server.queue(answer.clone()).unwrap();
            if server.is_full() {
                server.flush().await.unwrap();
            }
        }
    };
    assert!(timeout(Duration::from_millis(500), queueing).await.is_err(), "1 GB went nowhere");
    drop(client);
}

#[tokio::test]
async fn a_client_that_has_gone_is_an_error_and_no_more() {
    let (client, mut server) = pair(options()).await;
    client.set_zero_linger().unwrap();
    drop(client);
    assert!(matches!(soon(server.next()).await, Err(TransportError::Io(_))));
    soon(server.close(None)).await;
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Where the network cuts the stream changes nothing about the messages; no bytes make it panic or hang.
    #[test]
    fn any_bytes_cut_anywhere_give_the_messages_of_the_uncut_stream(
        parts in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 0..12), 0..6),
        ends in proptest::collection::vec(0..3usize, 6),
        cuts in proptest::collection::vec(0..64usize, 0..8),
    ) {
        let endings: [&[u8]; 3] = [b"\x04", b"", b" \x04"];
        let stream: Vec<u8> = parts.iter().zip(&ends).flat_map(|(part, end)| [part, endings[*end]].concat()).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (whole, cut) = runtime.block_on(async {
            let mut cuts: Vec<_> = cuts.iter().copied().filter(|at| *at < stream.len()).collect();
            cuts.sort_unstable();
            (outcome(&stream, &[]).await, outcome(&stream, &cuts).await)
        });
        proptest::prop_assert_eq!(whole, cut);
    }
}

/// The messages of a stream that is sent in pieces, and the error at its end, if there is one.
async fn outcome(stream: &[u8], cuts: &[usize]) -> (Vec<Frame>, Option<String>) {
    let (mut client, mut server) = pair(options()).await;
    let sending = async {
        let mut from = 0;
        for &to in cuts.iter().chain([&stream.len()]) {
            // A connection that was refused may be closed before all is sent.
            let _ = client.write_all(&stream[from..to]).await;
            tokio::task::yield_now().await;
            from = to;
        }
        let _ = client.shutdown().await;
    };
    let reading = async {
        let mut messages = Vec::new();
        loop {
            match soon(server.next()).await {
                Ok(Some(frame)) => messages.push(frame),
                Ok(None) => return (messages, None),
                Err(error) => return (messages, Some(error.to_string())),
            }
        }
    };
    tokio::join!(sending, reading).1
}
