//! Structs of numbers and text: layouts, copies by words, parts, and what is said of bad bits.

use std::mem::{MaybeUninit, offset_of};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use cohabit::__private::{self as private, Kind, Plain, WordSink, WordSource};
use cohabit::{Part, Text, plain, text};
use proptest::prelude::*;

use crate::words::{bytes, field_by_field, part, whole, words_for};

#[plain]
#[derive(Debug, Default, Clone, PartialEq)]
struct MyData {
    x: i32,
    text: Text<256>,
}

#[plain]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Inner {
    pub(crate) on: bool,
    pub(crate) value: f64,
    tail: u16,
}

#[plain]
#[derive(Debug, Clone, PartialEq)]
struct Outer {
    head: u8,
    inner: [Inner; 3],
    r#type: u32,
    name: Text<5>,
    flags: [bool; 3],
    big: i64,
    last: u8,
}

fn inner() -> impl Strategy<Value = Inner> {
    (any::<bool>(), any::<i32>(), any::<u16>()).prop_map(|(on, value, tail)| Inner {
        on,
        value: f64::from(value),
        tail,
    })
}

fn outer() -> impl Strategy<Value = Outer> {
    let arrays = ([inner(), inner(), inner()], any::<[bool; 3]>(), "[a-z]{0,4}");
    (any::<(u8, u32, i64, u8)>(), arrays).prop_map(|((head, kind, big, last), arrays)| {
        let (inner, flags, name) = arrays;
        Outer { head, inner, r#type: kind, name: Text::truncated(&name), flags, big, last }
    })
}

proptest! {
    #[test]
    fn what_is_stored_is_loaded(value in outer()) {
        let words = words_for::<Outer>();
        private::store(&value, &words);
        prop_assert_eq!(&whole::<Outer>(&words).unwrap(), &value);
        prop_assert_eq!(&field_by_field::<Outer>(&words).unwrap(), &value);
        let second = Outer::INNER.at(1).offset();
        prop_assert_eq!(&part::<Inner>(&words, second).unwrap(), &value.inner[1]);
        prop_assert_eq!(part::<Text<5>>(&words, Outer::NAME.offset()).unwrap(), value.name);
        prop_assert_eq!(part::<u8>(&words, Outer::LAST.offset()).unwrap(), value.last);
    }

    #[test]
    fn a_part_changes_nothing_around_it(value in outer(), other in outer()) {
        let words = words_for::<Outer>();
        private::store(&value, &words);
        let mut expected = value;
        private::store_part(&other.inner[2], &words, Outer::INNER.at(2).offset());
        expected.inner[2] = other.inner[2].clone();
        private::store_part(&other.flags, &words, Outer::FLAGS.offset());
        expected.flags = other.flags;
        private::store_part(&other.name, &words, Outer::NAME.offset());
        expected.name = other.name;
        private::store_part(&other.last, &words, Outer::LAST.offset());
        expected.last = other.last;
        prop_assert_eq!(&whole::<Outer>(&words).unwrap(), &expected);
        let again = words_for::<Outer>();
        private::store(&expected, &again);
        prop_assert_eq!(bytes(&words), bytes(&again));
    }

    #[test]
    fn any_bits_are_a_value_or_an_error(noise in prop::collection::vec(any::<u64>(), 15)) {
        let words: Vec<_> = noise.into_iter().map(AtomicU64::new).collect();
        if let Ok(value) = whole::<Outer>(&words) {
            prop_assert!(value.flags.iter().all(|&on| u8::from(on) <= 1));
        }
    }
}

#[test]
fn the_layout_is_that_of_c() {
    assert_eq!((size_of::<MyData>(), align_of::<MyData>()), (260, 4));
    const { assert!(MyData::DENSE && MyData::ANY_BITS) };
    const { assert!(!Outer::DENSE && !Outer::ANY_BITS) };
    assert_eq!(size_of::<<Outer as Plain>::Stored>(), 8 + 3 * 24 + 4 + 5 + 3 + 4 + 8 + 8);
    let target_is_canonical = align_of::<u64>() == 8;
    assert_eq!(Outer::SAME_LAYOUT, target_is_canonical);
    assert_eq!(offset_of!(Outer, big) == Outer::BIG.offset(), target_is_canonical);
}

#[test]
fn parts_compose() {
    const VALUE: Part<Outer, f64> = Outer::INNER.at(2).then(Inner::VALUE);
    assert_eq!(VALUE.offset(), 8 + 2 * 24 + 8);
    assert_eq!(Outer::TYPE.offset(), 80);
    assert_eq!(MyData::TEXT.offset(), 4);
}

#[test]
#[should_panic(expected = "the index of a part is outside its array")]
fn parts_refuse_an_index_outside() {
    let _ = Outer::INNER.at(3);
}

#[test]
fn padding_is_zero_and_never_read() {
    let words = words_for::<Inner>();
    private::store(&Inner { on: true, value: 1.0, tail: 0xFFFF }, &words);
    let expected = [1, 1.0_f64.to_bits(), 0xFFFF].map(u64::to_le_bytes).concat();
    assert_eq!(bytes(&words), expected);
}

#[test]
fn bad_bits_are_named_by_their_path() {
    let words = words_for::<Outer>();
    for word in &words {
        word.store(0, Relaxed);
    }
    assert_eq!(whole::<Outer>(&words).unwrap().name, "");
    private::store_part(&7_u8, &words, Outer::INNER.at(1).then(Inner::ON).offset());
    let bad = whole::<Outer>(&words).unwrap_err();
    assert_eq!(bad.to_string(), "field `inner[1].on`: expected 0 or 1 for bool, found 7");
    private::store_part(&1_u8, &words, Outer::INNER.at(1).then(Inner::ON).offset());
    private::store_part(&2_u8, &words, Outer::FLAGS.at(2).offset());
    assert_eq!(whole::<Outer>(&words).unwrap_err().path(), "flags[2]");
}

#[test]
fn a_value_is_as_large_as_the_format_says() {
    fn parts<T: Plain>() -> (usize, usize) {
        match Kind::value_of::<T>() {
            Kind::Value { copies, stride, .. } => (copies, stride),
            other => panic!("not a value: {other:?}"),
        }
    }
    assert_eq!(parts::<MyData>(), (16, 320));
    assert_eq!(parts::<u64>(), (16, 64));
    assert_eq!(parts::<[u64; 8]>(), (4, 128));
    assert_eq!(parts::<Text<256>>(), (4, 320));
    assert_eq!(Kind::value_of::<MyData>().size(), 64 + 16 * 320);
}

#[test]
fn literals_infer_their_length() {
    let data = MyData { x: 255, text: text!("Hello Shared World!") };
    assert_eq!(data.text, "Hello Shared World!");
    const GREETING: Text<6> = text!("Hello");
    assert_eq!(GREETING.as_array(), b"Hello\0");
}

#[test]
fn a_sink_zeroes_gaps_and_the_rest() {
    let words: Vec<_> = (0..5).map(|_| AtomicU64::new(u64::MAX)).collect();
    let mut sink = WordSink::new(&words);
    sink.put(3, &[1; 2]);
    sink.put(6, &[2; 11]);
    sink.put(30, &[3]);
    sink.finish();
    let mut expected = [0; 40];
    expected[3..5].fill(1);
    expected[6..17].fill(2);
    expected[30] = 3;
    assert_eq!(bytes(&words), expected);
    let mut source = WordSource::new(&words);
    for (at, len) in [(2, 1), (3, 2), (5, 3), (8, 8), (16, 1), (17, 20)] {
        let mut found = vec![MaybeUninit::new(0xAA); len];
        source.take(at, &mut found);
        // SAFETY: Every element was initialised when it was made.
        let found: Vec<u8> = found.iter().map(|byte| unsafe { byte.assume_init() }).collect();
        assert_eq!(found, expected[at..at + len], "{at}");
    }
}

#[test]
#[should_panic(expected = "in the order of their offsets")]
fn a_sink_refuses_to_go_back() {
    let words = [AtomicU64::new(0), AtomicU64::new(0)];
    let mut sink = WordSink::new(&words);
    sink.put(8, &[1]);
    sink.put(4, &[1]);
}
