//! Works on items on all cores, and gives the results on in the order of the items, few of them held at a time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// Items under way for each thread: one that has to wait for its turn on a busy machine must not hold up the others.
const AHEAD: usize = 6;

/// Calls `work` on each item on rayon's threads, and `sink` with each result, in order, on this one, which also draws the
/// items and must be none of rayon's. A single item is worked on here.
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
    let under_way = rayon::current_num_threads() * AHEAD;
    let (work, is_over) = (&work, &AtomicBool::new(false));
    rayon::in_place_scope(|scope| {
        let _over = Over(is_over);
        let (done, results) = channel::<(usize, Option<U>)>();
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
            let (index, done) = (drawn, done.clone());
            scope.spawn(move |_| {
                let _end = Ending { index, done: &done };
                if !is_over.load(Ordering::Relaxed) {
                    // Nobody receives it if the sink has failed meanwhile.
                    let _ = done.send((index, Some(work(item))));
                }
            });
            drawn += 1;
        }
        while given < drawn {
            give(&mut given)?;
        }
        Ok(())
    })
}

/// Says when dropped that the results of items that are still under way are wanted no more.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
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
    #[should_panic(expected = "assertion `left != right` failed")]
    fn a_panic_is_not_waited_for() {
        let _ = map(0..100, |item| assert_ne!(item, 50), |()| Ok::<(), ()>(()));
    }
}
