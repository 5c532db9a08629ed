//! Works on items on all cores, and gives the results on in the order of the items, few of them held at a time.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Items that a worker has before it, or behind it, at a time.
const AHEAD: usize = 2;

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
    thread::scope(|scope| {
        let work = &work;
        let workers: Vec<(SyncSender<T>, Receiver<U>)> = (0..threads)
            .map(|_| {
                let ((inbox, todo), (done, outbox)) = (sync_channel::<T>(AHEAD), sync_channel::<U>(AHEAD));
                scope.spawn(move || todo.iter().try_for_each(|item| done.send(work(item))));
                (inbox, outbox)
            })
            .collect();
        // Item n goes to worker n and comes back from there, round and round.
        let (mut inboxes, mut outboxes) = (workers.iter().cycle(), workers.iter().cycle());
        let mut next = || outboxes.next().and_then(|(_, outbox)| outbox.recv().ok());
        let mut waiting = 0;
        for item in [first, second].into_iter().chain(items) {
            if waiting == threads * AHEAD {
                next().map_or(Ok(()), &mut sink)?;
                waiting -= 1;
            }
            if inboxes.next().is_some_and(|(inbox, _)| inbox.send(item).is_ok()) {
                waiting += 1;
            }
        }
        (0..waiting).try_for_each(|_| next().map_or(Ok(()), &mut sink))
    })
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
}
