//! Works on items on all cores, and gives the results on in the order of the items, few of them held at a time.

use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Items under way for each thread: one that has to wait for its turn on a busy machine must not hold up the others.
const AHEAD: usize = 12;

/// Calls `work` on each item on any thread, and `sink` with each result, in order, on this one, which also draws the
/// items. A single item is worked on here.
///
/// # Errors
///
/// The first of `sink`, which ends it.
pub fn map<T: Send, U: Send, E>(
    mut items: impl Iterator<Item = T>,
    work: impl Fn(T) -> U + Sync,
    mut sink: impl FnMut(U) -> Result<(), E>,
) -> Result<(), E> {
    let Some(first) = items.next() else { return Ok(()) };
    let Some(second) = items.next() else { return sink(work(first)) };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let under_way = threads * AHEAD;
    let (queue, inbox) = sync_channel::<(usize, T)>(under_way);
    let (inbox, work) = (Mutex::new(inbox), &work);
    thread::scope(|scope| {
        let (queue, (done, results)) = (queue, channel());
        for _ in 0..threads {
            let (done, inbox) = (done.clone(), &inbox);
            let next = || inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
            scope.spawn(move || {
                while let Ok((index, item)) = next() {
                    let _end = Ending { index, done: &done };
                    if done.send((index, Some(work(item)))).is_err() {
                        break;
                    }
                }
            });
        }
        let mut ready = BTreeMap::new();
        let (mut drawn, mut given) = (0, 0);
        let mut give = |given: &mut usize| -> Result<(), E> {
            // There is an end to the results only when there are no senders, and one is here.
            let Ok((index, result)) = results.recv() else { return Ok(()) };
            ready.insert(index, result);
            while let Some(result) = ready.remove(given) {
                *given += 1;
                result.map_or(Ok(()), &mut sink)?;
            }
            Ok(())
        };
        for item in [first, second].into_iter().chain(items) {
            while drawn - given >= under_way {
                give(&mut given)?;
            }
            if queue.send((drawn, item)).is_err() {
                break;
            }
            drawn += 1;
        }
        while given < drawn {
            give(&mut given)?;
        }
        Ok(())
    })
}

/// Reports a missing result if the work on an item panics, because all would wait for the result.
struct Ending<'a, U> {
    index: usize,
    done: &'a Sender<(usize, Option<U>)>,
}

impl<U> Drop for Ending<'_, U> {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = self.done.send((self.index, None));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        for count in [0, 1, 2, 3, 1000] {
            let mut results = Vec::new();
            let push = |result| {
                results.push(result);
                Ok::<(), ()>(())
            };
            map(0..count, |item| item * 2, push).unwrap();
            assert_eq!(results, (0..count).map(|item| item * 2).collect::<Vec<_>>());
        }
    }

    /// A closed pipe ends everything, at once.
    #[test]
    fn an_error_of_the_sink_ends_it() {
        let drawn = std::cell::Cell::new(0);
        let items = (0..1_000_000).inspect(|_| drawn.set(drawn.get() + 1));
        let mut left = 3;
        let end = map(
            items,
            |item| item,
            |_| {
                left -= 1;
                if left == 0 { Err("closed") } else { Ok(()) }
            },
        );
        assert_eq!(end, Err("closed"));
        assert!(drawn.get() < 1_000);
    }

    /// A defect in one item's work ends the program, and leaves nobody waiting.
    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_is_not_waited_for() {
        let _ = map(0..100, |item| assert_ne!(item, 50), |()| Ok::<(), ()>(()));
    }
}
