//! Many threads, and any sequence of steps, against what a plain list would give.

use super::*;
use proptest::prelude::*;
use std::collections::HashSet;

#[test]
fn threads_that_write_read_and_abort_the_same_blobs_leave_what_the_documents_say() {
    let (folder, store) = fresh();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..40 {
                    let content = [b'a' + (round % 3) as u8];
                    let mut batch = store.begin().unwrap();
                    let name = blob(&mut *batch, &content);
                    batch.put("c", &format!("{thread}"), &round.to_string(), &[&name]).unwrap();
                    match (round + thread) % 4 {
                        0 => drop(batch),
                        1 => remove(store, "c", &thread.to_string()),
                        _ => {
                            batch.commit().unwrap();
                            assert_eq!(store.get("c", &thread.to_string()).unwrap(), round.to_string());
                            assert_eq!(store.blob_read(&name, 0, 9).unwrap(), content.as_slice());
                        }
                    }
                    // One that is removed and put again meanwhile has a new place, and may come twice.
                    let ids: HashSet<_> = listed(store, "c", 0, 9).into_iter().map(|(id, _)| id).collect();
                    assert!(ids.len() <= 4, "{ids:?}");
                }
            });
        }
    });
    let names = store.shared.database.blob_names().unwrap();
    assert_eq!(blob_files(&store), names.len());
    let store = reopen(&folder, store);
    for name in names {
        assert_eq!(store.blob_read(&name, 0, 9).unwrap().len(), 1);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put { id: u8, blob: Option<u8> },
    Remove { id: u8 },
    Commit,
    Abort,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..6u8, prop::option::of(0..3u8)).prop_map(|(id, blob)| Step::Put { id, blob }),
        2 => (0..6u8).prop_map(|id| Step::Remove { id }),
        3 => Just(Step::Commit),
        1 => Just(Step::Abort),
        1 => Just(Step::Reopen),
    ]
}

type Model = Vec<(u8, usize, Option<u8>)>;

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Any sequence of puts, removals, commits, aborts and restarts gives what a plain list gives.
    #[test]
    fn agrees_with_a_model(steps in prop::collection::vec(step(), 1..40)) {
        let (folder, mut store) = fresh();
        let mut batch = store.begin().unwrap();
        let (mut committed, mut staged): (Model, Model) = Default::default();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Put { id, blob: content } => {
                    let names: Vec<_> = content.iter().map(|&byte| blob(&mut *batch, &[byte])).collect();
                    let names: Vec<_> = names.iter().map(String::as_str).collect();
                    batch.put("c", &id.to_string(), &number.to_string(), &names).unwrap();
                    match staged.iter_mut().find(|(other, ..)| *other == id) {
                        Some(place) => *place = (id, number, content),
                        None => staged.push((id, number, content)),
                    }
                }
                Step::Remove { id } => {
                    batch.remove("c", &id.to_string()).unwrap();
                    staged.retain(|(other, ..)| *other != id);
                }
                Step::Commit => {
                    batch.commit().unwrap();
                    committed = staged.clone();
                    batch = store.begin().unwrap();
                }
                Step::Abort => {
                    batch = store.begin().unwrap();
                    staged = committed.clone();
                }
                Step::Reopen => {
                    drop(batch);
                    store = reopen(&folder, store);
                    batch = store.begin().unwrap();
                    staged = committed.clone();
                }
            }
            let expected: Vec<_> =
                committed.iter().map(|(id, number, _)| (id.to_string(), number.to_string())).collect();
            prop_assert_eq!(listed(&store, "c", 0, 99), expected);
            prop_assert_eq!(store.count("c").unwrap(), committed.len() as u64);
        }
        drop(batch);
        let contents: HashSet<_> = committed.iter().filter_map(|(.., blob)| *blob).collect();
        prop_assert_eq!(blob_files(&store), contents.len());
    }
}
