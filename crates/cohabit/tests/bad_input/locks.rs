//! What goes wrong with locks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::time::Duration;

use cohabit::{
    Error, Event, LockError, LockResult, Mutex, Once, OnceCell, RwLock, Semaphore, Shared,
};

use crate::case;
use crate::case::{Case, NAME};
use crate::support::Peer;
#[cfg(unix)]
use crate::support::sys;

const WAIT: Duration = Duration::from_millis(5);

type Guarded = Mutex<[bool; 8]>;

fn guarded(case: &Case) -> Shared<Guarded> {
    let options = Shared::<Guarded>::options().scope(case.world.scope());
    options.open_or_create(NAME, || [true; 8]).expect("a mutex")
}

/// As `?` makes of it; the guard goes.
fn plainly<G>(outcome: LockResult<G>) -> cohabit::Result<()>
where
    Error: From<LockError<G>>,
{
    outcome.map(drop).map_err(Error::from)
}

#[test]
fn busy_mutex() {
    case!(busy_mutex, |case| {
        let mutex = guarded(case);
        let (held, tried) = (Barrier::new(2), Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _guard = mutex.lock().expect("the lock");
                held.wait();
                tried.wait();
            });
            held.wait();
            let words = ["`rpm`", &format!("held by pid {}", std::process::id())];
            case.refused("busy", &words, || plainly(mutex.try_lock()));
            case.refused("busy", &words, || plainly(mutex.lock_timeout(WAIT)));
            case.refused("busy", &words, || mutex.replace_timeout([false; 8], WAIT));
            tried.wait();
        });
    });
}

/// Takes the lock and dies.
pub(crate) fn dies_inside(peer: &mut Peer) {
    let mutex = Shared::<Guarded>::open(NAME).expect("a mutex");
    let _guard = mutex.lock().expect("the lock");
    peer.say("inside");
    peer.hear();
}

#[test]
fn owner_died() {
    case!(owner_died, |case| {
        let mutex = guarded(case);
        let mut holder = case.world.child("dies-inside");
        holder.expect_next("inside");
        holder.kill();
        case.refused("owner-died", &["`rpm`", "died inside"], || plainly(mutex.lock()));
        case.refused("owner-died", &["`rpm`", "died inside"], || plainly(mutex.try_lock()));
        mutex.replace([false; 8]).expect("a new start");
        plainly(mutex.lock()).expect("nothing is told any more");
    });
}

#[test]
fn poisoned() {
    case!(poisoned, |case| {
        let mutex = guarded(case);
        let panics = AssertUnwindSafe(|| {
            let _guard = mutex.lock().expect("the lock");
            std::panic::resume_unwind(Box::new("as the test asked"));
        });
        let panicked: Result<(), _> = catch_unwind(panics);
        panicked.expect_err("the panic goes on");
        case.refused("poisoned", &["`rpm`", "panicked inside"], || plainly(mutex.lock()));
        mutex.clear_poison().expect("an object");
        plainly(mutex.lock()).expect("nothing is told any more");
    });
}

#[test]
fn bad_bits_mutex() {
    case!(bad_bits_mutex, |case| {
        let mutex = guarded(case);
        let at = u64::from_le_bytes(case.bytes()[88..96].try_into().expect("8 bytes"));
        case.patch(at + 8 + 2, &[7]);
        let words = ["`rpm`", "field `[2]`", "expected 0 or 1 for bool, found 7"];
        case.refused("bad-bits", &words, || plainly(mutex.lock()));
        case.refused("bad-bits", &words, || plainly(mutex.lock_timeout(WAIT)));
        mutex.replace([true; 8]).expect("good bits");
        plainly(mutex.lock()).expect("a guard");
    });
}

#[test]
fn timed_out_event() {
    case!(timed_out_event, |case| {
        let options = Shared::<Event>::options().scope(case.world.scope());
        let event = options.create(NAME, Event::auto).expect("an event");
        let words = ["`rpm`", "was not set in 5ms"];
        case.refused("timed-out", &words, || event.wait_timeout(WAIT));
    });
}

#[test]
fn deadlock_mutex() {
    case!(deadlock_mutex, |case| {
        let mutex = guarded(case);
        let _guard = mutex.lock().expect("the lock");
        let words = ["`rpm`", "this thread holds the same lock"];
        case.refused("deadlock", &words, || plainly(mutex.lock()));
        case.refused("deadlock", &words, || plainly(mutex.try_lock()));
        #[cfg(unix)]
        {
            let child = sys::forked(|| {
                case.refused("forked", &["`rpm`"], || plainly(mutex.lock()));
                0
            });
            assert_eq!(sys::code_of(child), 0);
        }
    });
}

fn shelf(case: &Case) -> Shared<RwLock<u64>> {
    Shared::<RwLock<u64>>::options().scope(case.world.scope()).create(NAME, || 7).expect("a lock")
}

#[test]
fn busy_rw_lock() {
    case!(busy_rw_lock, |case| {
        let lock = shelf(case);
        let (held, tried) = (Barrier::new(2), Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let reads = lock.read().expect("the lock");
                held.wait();
                tried.wait();
                drop(reads);
                let _writes = lock.write().expect("the lock");
                held.wait();
                tried.wait();
            });
            let words = ["`rpm`", &format!("held by pid {}", std::process::id())];
            held.wait();
            case.refused("busy", &words, || plainly(lock.try_write()));
            case.refused("busy", &words, || lock.replace_timeout(8, WAIT));
            tried.wait();
            held.wait();
            case.refused("busy", &words, || plainly(lock.try_read()));
            case.refused("busy", &words, || plainly(lock.read_timeout(WAIT)));
            case.refused("busy", &words, || plainly(lock.write_timeout(WAIT)));
            tried.wait();
        });
    });
}

#[test]
fn busy_rw_lock_places() {
    case!(busy_rw_lock_places, |case| {
        let lock = shelf(case);
        let (held, tried) = (Barrier::new(32), Barrier::new(32));
        std::thread::scope(|scope| {
            for _ in 0..31 {
                scope.spawn(|| {
                    let _reads = lock.read().expect("a place");
                    held.wait();
                    tried.wait();
                });
            }
            held.wait();
            let pid = format!("by pid {}", std::process::id());
            let words = ["`rpm`", "all 31 readers' places are held", &pid];
            case.refused("busy", &words, || plainly(lock.try_read()));
            case.refused("busy", &words, || plainly(lock.read_timeout(WAIT)));
            tried.wait();
        });
    });
}

#[test]
fn deadlock_rw_lock() {
    case!(deadlock_rw_lock, |case| {
        let lock = shelf(case);
        let _reads = lock.read().expect("the lock");
        let words = ["`rpm`", "this thread holds the same lock, for reading or writing"];
        case.refused("deadlock", &words, || plainly(lock.write()));
        case.refused("deadlock", &words, || plainly(lock.read()));
    });
}

fn permits(case: &Case, permits: usize) -> Shared<Semaphore> {
    let options = Shared::<Semaphore>::options().scope(case.world.scope());
    options.create(NAME, || Semaphore::new(permits)).expect("a semaphore")
}

#[test]
fn busy_semaphore() {
    case!(busy_semaphore, |case| {
        let semaphore = permits(case, 1);
        let permit = semaphore.acquire().expect("a permit");
        let words = ["`rpm`", &format!("all permits are held, by pid {}", std::process::id())];
        case.refused("busy", &words, || semaphore.try_acquire().map(drop));
        case.refused("busy", &words, || semaphore.acquire_timeout(WAIT).map(drop));
        permit.forget();
        let words = ["`rpm`", "there is no permit until somebody adds one"];
        case.refused("busy", &words, || semaphore.try_acquire().map(drop));
    });
}

#[test]
fn out_of_range_semaphore() {
    case!(out_of_range_semaphore, |case| {
        let semaphore = permits(case, 125);
        let words = ["`rpm`", "room for 3 permits, found 2, of 127 at most; 0 were added"];
        case.refused("out-of-range", &words, || semaphore.add_permits(3));
        assert_eq!(semaphore.available_permits().expect("a number"), 125);
    });
}

fn once(case: &Case) -> Shared<Once> {
    Shared::<Once>::options().scope(case.world.scope()).create(NAME, Once::new).expect("a once")
}

fn once_cell(case: &Case) -> Shared<OnceCell<[bool; 8]>> {
    let options = Shared::<OnceCell<[bool; 8]>>::options().scope(case.world.scope());
    options.create(NAME, OnceCell::new).expect("a cell")
}

#[test]
fn busy_once() {
    case!(busy_once, |case| {
        let once = once(case);
        let (inside, tried) = (Barrier::new(2), Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let stays = once.call_once(|| {
                    inside.wait();
                    tried.wait();
                });
                stays.expect("it is done");
            });
            inside.wait();
            let words = ["`rpm`", &format!("once for all, by pid {}", std::process::id())];
            case.refused("busy", &words, || once.try_call_once(|| ()));
            case.refused("busy", &words, || once.call_once_timeout(|| (), WAIT));
            tried.wait();
        });
    });
}

#[test]
fn timed_out_once() {
    case!(timed_out_once, |case| {
        let once = once(case);
        let words = ["`rpm`", "nobody has done it in 5ms"];
        case.refused("timed-out", &words, || once.wait_timeout(WAIT));
    });
}

#[test]
fn deadlock_once() {
    case!(deadlock_once, |case| {
        let once = once(case);
        let words = ["`rpm`", "inside of what is done once, and calls it again"];
        let inside = || {
            case.refused("deadlock", &words, || once.call_once(|| ()));
            case.refused("deadlock", &words, || once.try_call_once(|| ()));
        };
        once.call_once(inside).expect("it is done");
    });
}

#[test]
fn frozen_once_cell() {
    case!(frozen_once_cell, |case| {
        let cell = once_cell(case);
        cell.set([true; 8]).expect("it is not set");
        let words = ["`rpm`", "set already, and is set only once"];
        case.refused("frozen", &words, || cell.set([false; 8]));
        case.refused("frozen", &words, || cell.set_timeout([false; 8], WAIT));
        assert_eq!(cell.get().expect("a value"), Some([true; 8]));
    });
}

#[test]
fn bad_bits_once_cell() {
    case!(bad_bits_once_cell, |case| {
        let cell = once_cell(case);
        cell.set([true; 8]).expect("it is not set");
        let at = u64::from_le_bytes(case.bytes()[88..96].try_into().expect("8 bytes"));
        case.patch(at + 8 + 2, &[7]);
        let words = ["`rpm`", "field `[2]`", "expected 0 or 1 for bool, found 7"];
        case.refused("bad-bits", &words, || cell.get().map(drop));
        case.refused("bad-bits", &words, || cell.get_or_init(|| [true; 8]).map(drop));
        case.refused("bad-bits", &words, || cell.wait_timeout(WAIT).map(drop));
    });
}

fn barrier(case: &Case) -> Shared<cohabit::Barrier> {
    let options = Shared::<cohabit::Barrier>::options().scope(case.world.scope());
    options.create(NAME, || cohabit::Barrier::new(3)).expect("a barrier")
}

/// Writes a word of the object.
fn write(case: &Case, index: u64, word: u64) {
    let at = u64::from_le_bytes(case.bytes()[88..96].try_into().expect("8 bytes"));
    case.patch(at + 8 * index, &word.to_le_bytes());
}

#[test]
fn peer_died() {
    case!(peer_died, |case| {
        let barrier = barrier(case);
        // The first seat has arrived, and is that of a user of whom the kernel knows nothing.
        write(case, 4, 9 << 32 | 7);
        write(case, 1, 1);
        let words = ["`rpm`", "of the 3 that make a round, one died after it had arrived"];
        case.refused("peer-died", &words, || barrier.wait());
    });
}

#[test]
fn timed_out_barrier() {
    case!(timed_out_barrier, |case| {
        let barrier = barrier(case);
        let words = ["`rpm`", "beside this one, 0 of the 3 that make a round had arrived"];
        case.refused("timed-out", &words, || barrier.wait_timeout(WAIT));
    });
}

#[test]
fn busy_barrier() {
    case!(busy_barrier, |case| {
        let barrier = barrier(case);
        // This process has them all.
        (0..48).for_each(|seat| write(case, 4 + seat, 1 << 32 | 1));
        let named = format!("one of them by pid {}", std::process::id());
        let words = ["`rpm`", "all 48 seats of the barrier are taken", &named];
        case.refused("busy", &words, || barrier.wait_timeout(WAIT));
    });
}

#[test]
fn frozen_barrier() {
    case!(frozen_barrier, |case| {
        let barrier = barrier(case);
        let words = ["`rpm`", "the barrier is for 3 parties, and stays so"];
        case.refused("frozen", &words, || barrier.set_parties(4));
    });
}

#[test]
fn barrier_without_parties() {
    case!(barrier_without_parties, |case| {
        let barrier = barrier(case);
        write(case, 3, 0);
        let words = ["`rpm`", "nobody has said for how many parties the barrier is"];
        case.refused("constructor-incomplete", &words, || barrier.wait());
    });
}
