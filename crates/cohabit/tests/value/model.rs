//! Any sequence of writes to a slice does what the same sequence does to a `Vec`, and leaves the bytes
//! that a fresh object of that `Vec` has: nothing is left of what was there before.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cohabit::{Part, Plain, Shared, SharedValue, Value, plain};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{World, raw};

const WAIT: Duration = Duration::from_secs(100);

/// An element with padding, and with bits that are no value.
#[plain]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Padded {
    on: bool,
    x: f64,
    tail: [u16; 3],
}

/// An element of a test: made of a number.
trait Element: Plain + Copy + Debug + PartialEq {
    fn of(number: u64) -> Self;
}

impl Element for u8 {
    fn of(number: u64) -> Self {
        number as u8
    }
}

impl Element for [u16; 3] {
    fn of(number: u64) -> Self {
        [number as u16, (number >> 16) as u16, 7]
    }
}

impl Element for bool {
    fn of(number: u64) -> Self {
        number % 2 == 1
    }
}

impl Element for Padded {
    fn of(number: u64) -> Self {
        Padded { on: number % 2 == 1, x: number as f64, tail: <[u16; 3]>::of(number) }
    }
}

#[derive(Clone, Debug)]
enum Step {
    SetFrom(u64, u8),
    SetPart(prop::sample::Index, u64, u8),
    Reverse,
    Fill(u64),
    Rotate(prop::sample::Index),
    Panics,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = any::<prop::sample::Index>;
    let step = prop_oneof![
        (any::<u64>(), 0..3_u8).prop_map(|(number, form)| Step::SetFrom(number, form)),
        (index(), any::<u64>(), 0..3_u8).prop_map(|(at, to, form)| Step::SetPart(at, to, form)),
        Just(Step::Reverse),
        any::<u64>().prop_map(Step::Fill),
        index().prop_map(Step::Rotate),
        Just(Step::Panics),
    ];
    vec(step, 1..20)
}

/// All elements from one number on.
fn many<T: Element>(number: u64, len: usize) -> Vec<T> {
    (0..len as u64).map(|index| T::of(number.wrapping_add(index))).collect()
}

/// Does the step to both; whether it is a commit.
fn step<T: Element>(object: &Value<[T]>, model: &mut Vec<T>, step: &Step) -> bool {
    let done = match step {
        Step::SetFrom(number, form) => {
            *model = many(*number, model.len());
            match form {
                0 => object.set_from(model),
                1 => object.try_set_from(model),
                _ => object.set_from_timeout(model, WAIT),
            }
        }
        Step::SetPart(at, number, form) => {
            let (index, value) = (at.index(model.len()), T::of(*number));
            model[index] = value;
            let part = Part::element(index);
            match form {
                0 => object.set_part(part, value),
                1 => object.try_set_part(part, value),
                _ => object.set_part_timeout(part, value, WAIT),
            }
        }
        Step::Reverse => object.update(|all| all.reverse()).and_then(|()| {
            model.reverse();
            object.version()
        }),
        Step::Fill(number) => {
            model.fill(T::of(*number));
            object.try_update(|all| all.fill(T::of(*number))).and_then(|()| object.version())
        }
        Step::Rotate(at) => {
            let by = at.index(model.len());
            model.rotate_left(by);
            object.update_timeout(|all| all.rotate_left(by), WAIT).and_then(|()| object.version())
        }
        Step::Panics => {
            let update =
                || object.update(|all| -> () { std::panic::resume_unwind(Box::new(all.len())) });
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(update)).is_err());
            return false;
        }
    };
    done.expect("a commit");
    true
}

fn follows_the_model<T: Element>(world: &World, len: usize, steps: &[Step]) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("model-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let fresh = format!("{name}-fresh");
    let options = SharedValue::<[T]>::options().scope(world.scope()).len(len as u64);
    let mut model = many::<T>(1, len);
    let object = options.create(&name, || model.clone()).expect("an object");
    let view = options.open_read_only(&name).expect("a view");
    let mut commits = 1;
    let mut into = model.clone();
    for each in steps {
        commits += u64::from(step(&object, &mut model, each));
        assert_eq!(object.get_into(&mut into).expect("a value").number(), commits);
        assert_eq!(into, model);
        assert_eq!(&*view.get_boxed().expect("a value"), &model);
        let pinned = object.pin().expect("a pin");
        let last = Part::element(len - 1);
        assert_eq!(pinned.get_part(last).expect("a part"), model[len - 1]);
        assert_eq!(view.get_part(last).expect("a part"), model[len - 1]);
    }
    let other: Shared<Value<[T]>> = options.create(&fresh, || model.clone()).expect("an object");
    let size = len * size_of::<T::Stored>();
    assert_eq!(copy(world, &name, size), copy(world, other.name(), size));
}

/// The committed copy as it stands in the file, from its first byte to where the next one starts.
fn copy(world: &World, name: &str, size: usize) -> Vec<u8> {
    let file = raw::bytes(&world.path(name));
    let word = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().expect("8 bytes"));
    let object = word(88) as usize;
    let (stride, index) = ((8 + size).next_multiple_of(64), word(object + 8) as usize >> 1 & 0x7f);
    let at = object + 64 + index * stride;
    file[at + 8..at + stride].to_vec()
}

#[test]
fn a_slice_is_a_vec() {
    let world = World::new();
    proptest!(ProptestConfig::with_cases(60), |(len in 1..70_usize, steps in steps())| {
        follows_the_model::<u8>(&world, len, &steps);
        follows_the_model::<bool>(&world, len, &steps);
        follows_the_model::<[u16; 3]>(&world, len, &steps);
        follows_the_model::<Padded>(&world, len, &steps);
    });
}
