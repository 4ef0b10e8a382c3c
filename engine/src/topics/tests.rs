use super::*;

fn topics(topic_queue: usize, topic_queue_bytes: usize) -> Topics {
    Topics::new(&Limits { topic_queue, topic_queue_bytes, topics: 3, ..Limits::default() })
}

fn events(subscription: &Subscription) -> Vec<(String, u64)> {
    std::iter::from_fn(|| match subscription.next() {
        Next::Event(event, dropped) => Some((event.data().to_owned(), dropped)),
        Next::Empty | Next::Closed => None,
    })
    .collect()
}

#[test]
fn a_full_subscriber_loses_its_oldest_events_and_is_told() {
    let topics = topics(2, 1 << 20);
    let reads = topics.subscribe(vec![Pattern::new("t")], WhenFull::Drop, || ());
    let stalls = topics.subscribe(vec![Pattern::new("**")], WhenFull::Drop, || ());
    for number in 0..5 {
        topics.publish("t", number.to_string().into());
        assert_eq!(events(&reads), [(number.to_string(), 0)]);
    }
    assert_eq!(events(&stalls), [("3".to_owned(), 3), ("4".to_owned(), 0)]);
}

#[test]
fn bytes_are_bounded_too_and_a_subscriber_can_choose_to_be_closed() {
    let topics = topics(100, 50);
    let drops = topics.subscribe(vec![Pattern::new("t")], WhenFull::Drop, || ());
    let closes = topics.subscribe(vec![Pattern::new("t")], WhenFull::Close, || ());
    for _ in 0..3 {
        topics.publish("t", "x".repeat(20).into());
    }
    assert_eq!(events(&drops).len(), 2);
    assert!(matches!(closes.next(), Next::Closed));
}

#[test]
fn changed_patterns_keep_what_fits_them_still_and_drop_the_rest() {
    let topics = topics(10, 100);
    let subscription = topics.subscribe(vec![Pattern::new("a"), Pattern::new("b")], WhenFull::Drop, || ());
    for topic in ["a", "b", "c", "a"] {
        topics.publish(topic, format!("\"{topic}\"").into());
    }
    subscription.change(vec![Pattern::new("a"), Pattern::new("c")]);
    topics.publish("b", "1".into());
    topics.publish("c", "2".into());
    assert_eq!(events(&subscription), [("\"a\"".to_owned(), 0), ("\"a\"".to_owned(), 0), ("2".to_owned(), 0)]);
    // The bytes of what was dropped are free again.
    (0..20).for_each(|_| topics.publish("c", "x".repeat(40).into()));
    assert_eq!(events(&subscription).len(), 2);
}

/// Subscription and data of all that waits; a closed one with "closed".
fn told(subscriber: &Subscriber) -> Vec<(u64, String)> {
    let told = std::iter::from_fn(|| subscriber.next());
    told.map(|told| match told {
        Told::Event { subscription, event, .. } => (subscription, event.data().to_owned()),
        Told::Closed { subscription } => (subscription, "closed".to_owned()),
    })
    .collect()
}

fn interest(pattern: &str, when_full: WhenFull) -> Interest {
    Interest::new(vec![Pattern::new(pattern)], when_full)
}

#[test]
fn one_subscriber_hears_all_its_subscriptions_in_the_order_of_events() {
    let (topics, subscriber) = (topics(10, 1000), Subscriber::default());
    let all = topics.add(&subscriber, interest("**", WhenFull::Drop), false, || ());
    let b = topics.add(&subscriber, interest("b", WhenFull::Drop), false, || ());
    for topic in ["a", "b", "c"] {
        topics.publish(topic, format!("\"{topic}\"").into());
    }
    let text = |text: &str| format!("\"{text}\"");
    assert_eq!(told(&subscriber), [(all, text("a")), (all, text("b")), (b, text("b")), (all, text("c"))]);
    topics.publish("b", "1".into());
    assert!(subscriber.remove(all) && !subscriber.remove(all));
    assert_eq!(told(&subscriber), [(b, "1".to_owned())], "what waits by a subscription goes with it");
    assert!(subscriber.remove(b));
    topics.publish("b", "2".into());
    assert_eq!((told(&subscriber), subscriber.count()), (vec![], 0));
}

#[test]
fn a_full_queue_closes_only_the_subscription_that_chose_it() {
    let (topics, subscriber) = (topics(2, 1000), Subscriber::default());
    let closes = topics.add(&subscriber, interest("a", WhenFull::Close), false, || ());
    let drops = topics.add(&subscriber, interest("*", WhenFull::Drop), false, || ());
    topics.publish("a", "1".into());
    topics.publish("b", "2".into());
    let expected = [(closes, "closed".to_owned()), (drops, "1".to_owned()), (drops, "2".to_owned())];
    assert_eq!(told(&subscriber), expected);
}

#[test]
fn a_subscription_may_begin_with_the_last_events() {
    let (topics, subscriber) = (topics(10, 1000), Subscriber::default());
    for (topic, data) in [("a", "1"), ("b", "2"), ("a", "3"), ("c", "4"), ("d", "5")] {
        topics.publish(topic, data.into());
    }
    // There is room for three; `a` came first.
    topics.add(&subscriber, interest("*", WhenFull::Drop), true, || ());
    topics.publish("b", "6".into());
    assert_eq!(told(&subscriber).into_iter().map(|(_, data)| data).collect::<Vec<_>>(), ["2", "4", "5", "6"]);
    let big = format!("\"{}\"", "x".repeat(1000));
    topics.publish("e", big.into());
    let late = Subscriber::default();
    topics.add(&late, interest("*", WhenFull::Drop), true, || ());
    assert_eq!(told(&late), [], "more than a subscriber may have is not kept");
}

#[test]
fn filters_choose_by_the_data() {
    let (topics, subscriber) = (topics(10, 1000), Subscriber::default());
    let filter = |places: &str| Filter::new(serde_json::from_str(places).unwrap()).unwrap();
    let one = interest("*", WhenFull::Drop).filtered(filter("{\"a.b\": 1}"));
    topics.publish("t", "{\"a\": {\"b\": 1}, \"n\": 0}".into());
    let number = topics.add(&subscriber, one, true, || ());
    for data in ["{\"a\": {\"b\": 2}}", "{\"a\": {\"b\": 1.0}}", "null", "[1]"] {
        topics.publish("t", data.into());
    }
    assert_eq!(told(&subscriber).len(), 2);
    assert_eq!(topics.filters.load(Ordering::Relaxed), 1);
    subscriber.remove(number);
    assert_eq!(topics.filters.load(Ordering::Relaxed), 0);
}

#[test]
fn whoever_is_gone_gets_nothing() {
    let topics = topics(2, 50);
    let subscription = topics.subscribe(vec![Pattern::new("t")], WhenFull::Drop, || ());
    drop(subscription);
    topics.publish("t", "1".into());
    topics.subscribe(vec![Pattern::new("t")], WhenFull::Drop, || ());
    assert_eq!(lock(&topics.state).subscribers.len(), 1, "who is gone stays in the list");
}

#[test]
fn filters_let_through_what_is_too_long_for_them() {
    let limits = Limits { checked_bytes: 10, ..Limits::default() };
    let (topics, subscriber) = (Topics::new(&limits), Subscriber::default());
    let filter = Filter::new(serde_json::from_str("{\"a\": 1}").unwrap()).unwrap();
    topics.add(&subscriber, interest("*", WhenFull::Drop).filtered(filter), false, || ());
    for data in ["{\"a\": 2}", "{\"a\": 1}", "{\"a\": 2, \"b\": 3}"] {
        topics.publish("t", data.into());
    }
    let heard: Vec<String> = told(&subscriber).into_iter().map(|(_, data)| data).collect();
    assert_eq!(heard, ["{\"a\": 1}", "{\"a\": 2, \"b\": 3}"]);
}
