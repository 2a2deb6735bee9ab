//! The words of a semaphore: no permit is had twice, and none is lost, whoever dies.

use std::sync::Arc;

use loom::thread;

use crate::permits::{add, forget, give_back, is_free, take, take_of_the_dead};
use crate::primitive::{AtomicU64, Ordering};
use crate::process::{FOR_EVER, Kernel};

/// Two permits at most, and a word beside them.
struct Shared {
    permits: [AtomicU64; 2],
    /// What who has the only permit adds to, by a load and a store.
    sum: AtomicU64,
}

impl Shared {
    fn new(permits: usize) -> Arc<Self> {
        let shared = Arc::new(Self { permits: [0, 0].map(AtomicU64::new), sum: AtomicU64::new(0) });
        (0..permits).for_each(|_| assert!(add(&shared.permits)));
        shared
    }

    fn take(&self, kernel: &Kernel, slot: u16) -> Option<usize> {
        let me = Kernel::token(slot);
        take(&self.permits, me)
            .or_else(|| take_of_the_dead(&self.permits, me, kernel).expect("the kernel answers"))
    }

    /// Takes a permit if it can, adds one, and gives it back; whether it could.
    fn visit(&self, kernel: &Kernel, slot: u16) -> bool {
        let Some(index) = self.take(kernel, slot) else { return false };
        // Relaxed: it is the permit that orders them.
        let sum = self.sum.load(Ordering::Relaxed);
        self.sum.store(sum + 1, Ordering::Relaxed);
        give_back(&self.permits[index], Kernel::token(slot))
    }

    /// How many permits one can have who is alone.
    fn all(&self, kernel: &Kernel, slot: u16) -> usize {
        let had = (0..3).map_while(|_| self.take(kernel, slot)).collect::<Vec<_>>();
        had.iter().for_each(|&index| assert!(give_back(&self.permits[index], Kernel::token(slot))));
        assert_eq!(self.permits.iter().filter(|permit| is_free(permit)).count(), had.len());
        had.len()
    }
}

fn model(test: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.max_branches = 10_000;
    builder.check(test);
}

fn second(
    kernel: &Kernel,
    shared: &Arc<Shared>,
    steps: usize,
    act: fn(&Shared, &Kernel) -> bool,
) -> thread::JoinHandle<bool> {
    let (kernel, shared) = (kernel.clone(), Arc::clone(shared));
    thread::spawn(move || kernel.run(1, steps, || act(&shared, &kernel)))
}

#[test]
fn the_only_permit_is_had_by_one_and_orders_what_it_guards() {
    model(|| {
        let (kernel, shared) = (Kernel::new(2), Shared::new(1));
        let other = second(&kernel, &shared, FOR_EVER, |shared, kernel| shared.visit(kernel, 1));
        let mine = shared.visit(&kernel, 0);
        let theirs = other.join().unwrap();
        assert!(mine || theirs);
        assert!(shared.take(&kernel, 0).is_some());
        assert_eq!(shared.sum.load(Ordering::Relaxed), u64::from(mine) + u64::from(theirs));
    });
}

/// Two looks at most, an exchange, a load, a store, an exchange.
const STEPS_OF_VISIT: usize = 6;

#[test]
fn a_death_costs_no_permit_and_makes_none() {
    for steps in 0..=STEPS_OF_VISIT {
        for permits in [1, 2] {
            model(move || {
                let (kernel, shared) = (Kernel::new(2), Shared::new(permits));
                let visit = |shared: &Shared, kernel: &Kernel| shared.visit(kernel, 1);
                let victim = second(&kernel, &shared, steps, visit);
                let _busy = shared.visit(&kernel, 0);
                victim.join().unwrap();
                assert_eq!(shared.all(&kernel, 0), permits);
            });
        }
    }
}

#[test]
fn what_is_forgotten_is_gone_or_not_and_what_is_added_is_there_or_not() {
    for steps in 0..=STEPS_OF_VISIT {
        model(move || {
            let (kernel, shared) = (Kernel::new(2), Shared::new(1));
            let victim = second(&kernel, &shared, steps, |shared, kernel| {
                if let Some(index) = shared.take(kernel, 1) {
                    forget(&shared.permits[index], Kernel::token(1));
                    return add(&shared.permits);
                }
                false
            });
            let _busy = shared.visit(&kernel, 0);
            victim.join().unwrap();
            assert!(shared.all(&kernel, 0) <= 1);
        });
    }
}
