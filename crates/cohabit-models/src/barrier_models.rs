//! The rounds of a barrier: all pass or none, a death is told to all of its round, and never to another.

use std::sync::Arc;

use loom::thread;

use crate::error::{ErrorKind, Result};
use crate::lock::Patience;
use crate::primitive::{AtomicU64, Ordering};
use crate::process::{FOR_EVER, Kernel};
use crate::round::{Passed, Round};

/// A barrier, and a word that each party sets before it comes.
struct Barrier<const SEATS: usize> {
    bell: AtomicU64,
    gate: AtomicU64,
    told: AtomicU64,
    seats: [AtomicU64; SEATS],
    parties: u32,
    came: [AtomicU64; 2],
}

impl<const SEATS: usize> Barrier<SEATS> {
    fn new(parties: u32) -> Arc<Self> {
        let zero = || AtomicU64::new(0);
        let seats = [const { 0 }; SEATS].map(AtomicU64::new);
        let came = [zero(), zero()];
        Arc::new(Self { bell: zero(), gate: zero(), told: zero(), seats, parties, came })
    }

    fn wait(&self, kernel: &Kernel, slot: u16, patience: Patience) -> Result<Passed, ErrorKind> {
        let Self { bell, gate, told, seats, parties, .. } = self;
        let round = Round { bell, gate, told, seats, parties: *parties };
        let passed = round.wait(Kernel::token(slot), kernel, patience, || Ok(()));
        passed.map_err(|error| error.kind())
    }

    /// A process comes, and is dead when this returns: a thread of its own, since it stays dead.
    fn visited_by(self: &Arc<Self>, kernel: &Kernel, slot: u16, steps: usize) {
        let (kernel, barrier) = (kernel.clone(), Arc::clone(self));
        let visit = thread::spawn(move || {
            let wait = || barrier.wait(&kernel, slot, Patience::None);
            kernel.run(slot, steps, wait)
        });
        let _as_a_dead_one_sees_it: Result<Passed, ErrorKind> = visit.join().unwrap();
    }

    /// Without waiting, until nobody is found that died; how often that was.
    fn deaths_told(&self, kernel: &Kernel, slot: u16) -> usize {
        for told in 0..4 {
            match self.wait(kernel, slot, Patience::None) {
                Err(ErrorKind::PeerDied) => {}
                Err(ErrorKind::TimedOut) => return told,
                other => panic!("alone, and {other:?}"),
            }
        }
        panic!("the dead are told again and again");
    }

    /// Whether a round could begin, in which nobody has arrived yet.
    fn is_clean(&self) -> bool {
        const ARRIVED_AND_BROKEN: u64 = (1 << 49) - 1;
        self.gate.load(Ordering::Relaxed) & ARRIVED_AND_BROKEN == 0
    }
}

fn model(threads: usize, test: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    // As in `lock_models`: most faults need few preemptions.
    builder.preemption_bound = Some(if threads > 2 { 2 } else { 3 });
    builder.max_branches = 10_000;
    builder.check(test);
}

#[test]
fn both_pass_and_see_what_the_other_did_before() {
    model(2, || {
        let (kernel, barrier) = (Kernel::new(2), Barrier::<2>::new(2));
        let visit = |kernel: &Kernel, barrier: &Barrier<2>, slot: u16| {
            let (mine, theirs) = (usize::from(slot), usize::from(1 - slot));
            barrier.came[mine].store(1, Ordering::Relaxed);
            let passed = barrier.wait(kernel, slot, Patience::Forever).unwrap();
            assert_eq!(barrier.came[theirs].load(Ordering::Relaxed), 1, "passed before it came");
            passed == Passed::Leader
        };
        let other = thread::spawn({
            let (kernel, barrier) = (kernel.clone(), Arc::clone(&barrier));
            move || visit(&kernel, &barrier, 1)
        });
        let mine = visit(&kernel, &barrier, 0);
        assert!(mine != other.join().unwrap(), "one leader");
        assert!(barrier.is_clean());
    });
}

/// The steps to arrive: a look at the gate, a look at a seat, and an exchange of each.
const STEPS_TO_ARRIVE: usize = 4;
/// More than a whole wait that gives up has.
const STEPS_OF_WAIT: usize = 13;

/// One of two dies, at each of its steps, while both come and neither waits.
fn a_death_at(steps: usize) {
    model(2, move || {
        let (kernel, barrier) = (Kernel::new(2), Barrier::<1>::new(2));
        let victim = thread::spawn({
            let (kernel, barrier) = (kernel.clone(), Arc::clone(&barrier));
            move || {
                let wait = || barrier.wait(&kernel, 1, Patience::None);
                kernel.run(1, steps, wait)
            }
        });
        let mine = barrier.wait(&kernel, 0, Patience::None);
        let theirs = victim.join().unwrap();
        if steps == FOR_EVER {
            use ErrorKind::{Busy, TimedOut};
            let is_so = match (mine, theirs) {
                (Ok(mine), Ok(theirs)) => mine != theirs,
                (Err(mine), Err(theirs)) => {
                    [mine, theirs].iter().all(|one| matches!(one, TimedOut | Busy))
                }
                _ => false,
            };
            assert!(is_so, "{mine:?} {theirs:?}");
        }
        let told = barrier.deaths_told(&kernel, 0);
        let all = told + usize::from(mine == Err(ErrorKind::PeerDied));
        assert!(all <= usize::from(steps >= STEPS_TO_ARRIVE && steps != FOR_EVER), "told {all}");
        assert!(barrier.is_clean());
    });
}

#[test]
fn two_that_live_pass_both_or_none() {
    a_death_at(FOR_EVER);
}

#[test]
fn a_death_at_any_step_is_told_once_and_then_a_new_round_begins() {
    for steps in 0..=STEPS_OF_WAIT {
        a_death_at(steps);
    }
}

#[test]
fn who_breaks_a_round_may_die_at_any_step() {
    for steps in 0..=STEPS_OF_WAIT {
        model(3, move || {
            let (kernel, barrier) = (Kernel::new(3), Barrier::<3>::new(3));
            barrier.visited_by(&kernel, 2, STEPS_TO_ARRIVE);
            assert!(!barrier.is_clean(), "the first one has arrived");
            let mender = thread::spawn({
                let (kernel, barrier) = (kernel.clone(), Arc::clone(&barrier));
                move || {
                    let wait = || barrier.wait(&kernel, 1, Patience::None);
                    kernel.run(1, steps, wait)
                }
            });
            let mine = barrier.wait(&kernel, 0, Patience::None);
            assert!(matches!(mine, Err(ErrorKind::PeerDied | ErrorKind::TimedOut)), "{mine:?}");
            let _theirs: Result<Passed, ErrorKind> = mender.join().unwrap();
            barrier.deaths_told(&kernel, 0);
            assert!(barrier.is_clean());
        });
    }
}

#[test]
fn what_one_is_told_is_not_told_to_who_sits_there_next() {
    for steps in 0..=STEPS_OF_WAIT {
        model(3, move || {
            let (kernel, barrier) = (Kernel::new(3), Barrier::<2>::new(3));
            barrier.visited_by(&kernel, 2, STEPS_TO_ARRIVE);
            // It sits beside the dead one, is told so or not, and dies.
            barrier.visited_by(&kernel, 1, steps);
            let seated = || barrier.wait(&kernel, 0, Patience::None);
            let first = seated();
            assert!(matches!(first, Err(ErrorKind::PeerDied | ErrorKind::TimedOut)), "{first:?}");
            assert!(barrier.deaths_told(&kernel, 0) <= 1 && barrier.is_clean());
            assert_eq!(seated(), Err(ErrorKind::TimedOut), "both seats can be had");
        });
    }
}
