use super::*;
use crate::transport::ListenError;
use socket2::SockRef;

#[tokio::test]
async fn the_bound_url_has_the_port_that_the_system_chose_and_the_parameters_given() {
    let listener = listen("tcp://127.0.0.1:0?eol=lf&once=1");
    let port = listener.url().addresses()[0].port();
    assert_ne!(port, 0);
    assert_eq!(listener.url().to_string(), format!("tcp://127.0.0.1:{port}?eol=lf&once=1"));
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_the_address() {
    let first = listen("ws://127.0.0.1:0");
    let error = Listener::bind(first.url()).unwrap_err();
    assert!(
        matches!(&error, ListenError::Taken { address, .. } if *address == first.url().addresses()[0]),
        "{error:?}"
    );
    assert!(error.to_string().contains(&first.url().addresses()[0].to_string()), "{error}");
}

#[tokio::test]
async fn localhost_binds_both_loopback_addresses_at_one_port() {
    let url: ListenUrl = "ws://localhost:0".parse().unwrap();
    let listeners = Listener::bind(&url).unwrap();
    let port = listeners[0].url().addresses()[0].port();
    let urls: Vec<String> = listeners.iter().map(|listener| listener.url().to_string()).collect();
    let v6: ListenUrl = "ws://[::1]:0".parse().unwrap();
    match Listener::bind(&v6) {
        Ok(_) => assert_eq!(urls, [format!("ws://127.0.0.1:{port}"), format!("ws://[::1]:{port}")]),
        Err(error) => {
            assert!(matches!(error, ListenError::NoIpv6 { .. }), "{error:?}");
            assert_eq!(urls, [format!("ws://127.0.0.1:{port}")]);
        }
    }
}

#[tokio::test]
async fn connections_have_no_delay_and_keep_alive() {
    let listener = listen("tcp://127.0.0.1:0");
    let (_client, accepted) = connected(&listener).await;
    assert!(accepted.nodelay().unwrap());
    assert!(SockRef::from(&accepted).keepalive().unwrap());
}

#[tokio::test]
async fn a_port_can_be_bound_again_while_old_connections_linger() {
    let listener = listen("tcp://127.0.0.1:0");
    let url = listener.url().clone();
    let (mut client, accepted) = connected(&listener).await;
    // The server ends first, so that the old connection stays in TIME_WAIT on its side.
    drop(accepted);
    assert_eq!(receive_all(&mut client).await, "");
    drop((client, listener));
    assert_eq!(Listener::bind(&url).unwrap().len(), 1);
}
