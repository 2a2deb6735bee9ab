//! Enums, `char`, 128-bit integers, wide text, missing values: images byte by byte, and bad bits.

use std::mem::offset_of;

use cohabit::__private::{Kind, Plain};
use cohabit::schema::{Schema, fingerprint};
use cohabit::{Appended, List, Part, Text, WideText, plain};
use proptest::prelude::*;

use crate::words::{image, value_of};

#[plain]
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    Off,
    Idle,
    Run = 7,
}

#[plain]
#[repr(i64)]
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wide {
    Low = i64::MIN,
    r#High = i64::MAX,
}

#[plain]
#[derive(Debug, Clone, PartialEq)]
struct Kinds {
    mode: Mode,
    sum: u128,
    letter: char,
    wide: Wide,
    debt: i128,
    name: WideText<5>,
    limit: Appended<u64>,
    modes: [Mode; 3],
    list: List<Mode, 3>,
}

fn mode() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![Mode::Off, Mode::Idle, Mode::Run])
}

fn kinds() -> impl Strategy<Value = Kinds> {
    let numbers = any::<(u128, char, bool, i128, Option<u64>)>();
    let modes = (mode(), [mode(), mode(), mode()], prop::collection::vec(mode(), 0..=3));
    (numbers, modes, "\\PC{0,2}").prop_map(|(numbers, (mode, modes, list), name)| {
        let (sum, letter, low, debt, limit) = numbers;
        Kinds {
            mode,
            sum,
            letter,
            wide: if low { Wide::Low } else { Wide::High },
            debt,
            name: WideText::truncated(&name),
            limit: limit.into(),
            modes,
            list: List::try_from(&list[..]).expect("at most three"),
        }
    })
}

proptest! {
    #[test]
    fn what_is_stored_is_loaded(value in kinds()) {
        prop_assert_eq!(value_of::<Kinds>(&image(&value)).unwrap(), value);
    }

    #[test]
    fn any_bits_are_a_value_or_an_error(mut noise in prop::collection::vec(0_u8..9, 160)) {
        noise.truncate(size_of::<<Kinds as Plain>::Stored>());
        if let Ok(value) = value_of::<Kinds>(&noise) {
            // A value that is stored again has the same meaning.
            prop_assert_eq!(value_of::<Kinds>(&image(&value)).unwrap(), value);
        }
    }
}

#[test]
fn the_layout_is_that_of_c_on_every_target() {
    let places = [
        Kinds::MODE.offset(),
        Kinds::SUM.offset(),
        Kinds::LETTER.offset(),
        Kinds::WIDE.offset(),
        Kinds::DEBT.offset(),
        Kinds::NAME.offset(),
        Kinds::LIMIT.offset(),
        Kinds::MODES.offset(),
        Kinds::LIST.offset(),
    ];
    assert_eq!(places, [0, 16, 32, 40, 48, 64, 80, 96, 100]);
    assert_eq!(size_of::<<Kinds as Plain>::Stored>(), 112);
    assert_eq!(align_of::<<Kinds as Plain>::Stored>(), 16);
    assert_eq!((Kinds::KIND.size(), Kinds::KIND.align()), (112, 16));
    let target_is_canonical = align_of::<u64>() == 8 && align_of::<u128>() == 16;
    assert_eq!(Kinds::SAME_LAYOUT, target_is_canonical);
    assert_eq!(offset_of!(Kinds, debt) == 48, target_is_canonical);
}

#[test]
fn an_enum_is_its_number() {
    assert_eq!(image(&Mode::Run), [7]);
    assert_eq!(image(&Wide::Low), i64::MIN.to_le_bytes());
    assert_eq!(value_of::<Mode>(&[1]).unwrap(), Mode::Idle);
    let bad = value_of::<Mode>(&[2]).unwrap_err();
    let said = "expected 0 (Off), 1 (Idle) or 7 (Run) for Mode, found 2";
    assert_eq!((bad.to_string(), bad.kind(), bad.found()), (said.into(), "Mode", 2));
    let bad = value_of::<Wide>(&[0xFF; 8]).unwrap_err();
    assert_eq!(bad.found(), -1);
    const { assert!(Mode::ZERO_IS_VALUE && !Wide::ZERO_IS_VALUE) };
    let Kind::Enum(kind) = Wide::KIND else { panic!("{:?}", Wide::KIND) };
    assert_eq!(kind.variants[1].name, "High");
    assert_eq!(kind.variants[0].value, i128::from(i64::MIN));
}

#[test]
fn a_char_is_a_scalar_value() {
    assert_eq!(image(&'\u{1F600}'), 0x1F600_u32.to_le_bytes());
    for bits in [0xD800_u32, 0xDFFF, 0x11_0000, u32::MAX] {
        let bad = value_of::<char>(&bits.to_le_bytes()).unwrap_err();
        assert_eq!(bad.found(), i128::from(bits));
        assert!(bad.to_string().starts_with("expected a Unicode scalar value for char"), "{bad}");
    }
}

#[test]
fn bad_bits_are_named_by_their_path() {
    let zero = vec![0; size_of::<<Kinds as Plain>::Stored>()];
    let bad = |at: usize, bytes: &[u8]| {
        let mut image = zero.clone();
        // Zero is no value of `Wide`.
        image[40..48].copy_from_slice(&i64::MAX.to_le_bytes());
        image[at..at + bytes.len()].copy_from_slice(bytes);
        value_of::<Kinds>(&image).unwrap_err().path().to_owned()
    };
    assert_eq!(bad(0, &[9]), "mode");
    assert_eq!(bad(40, &[1]), "wide");
    assert_eq!(bad(80, &[2]), "limit.present");
    assert_eq!(bad(98, &[2]), "modes[2]");
    assert_eq!(bad(100, &[4]), "list");
    assert_eq!(bad(100, &[2, 0, 0, 0, 1, 2, 9]), "list[1]");
}

#[test]
fn what_is_missing_or_behind_the_end_is_zero() {
    let whole = image(&List::<u64, 3>::try_from([1, 2, 3]).unwrap());
    let mut value = value_of::<List<u64, 3>>(&whole).unwrap();
    value.truncate(1);
    assert_eq!(image(&value), [1_u64, 1, 0, 0].map(u64::to_le_bytes).concat());
    let mut limit = Appended::new(u64::MAX);
    assert_eq!(image(&limit), [1, u64::MAX].map(u64::to_le_bytes).concat());
    limit = Appended::NONE;
    assert_eq!(image(&limit), [0; 16]);
    // What a peer left there means nothing, and goes with the next store.
    let ghost = value_of::<Appended<u64>>(&[0, 7].map(u64::to_le_bytes).concat()).unwrap();
    assert_eq!((ghost.get(), image(&ghost)), (None, vec![0; 16]));
}

#[plain]
struct Renamed {
    #[plain(was = "speed")]
    rpm: u32,
    /// A keyword is a name, too.
    #[cohabit::plain(was = "type")]
    kind: Text<4>,
}

#[plain]
#[allow(dead_code, reason = "an older program's struct")]
struct Older {
    speed: u32,
    r#type: Text<4>,
}

#[test]
fn a_renamed_field_counts_by_its_first_name() {
    assert_eq!(fingerprint(&<Renamed as Plain>::KIND, false), fingerprint(&Older::KIND, false));
    let text = Schema::of(&<Renamed as Plain>::KIND, false).to_json();
    assert!(text.contains(r#"{"name":"rpm","was":"speed","at":0,"kind":"u32"}"#), "{text}");
    const RPM: Part<Renamed, u32> = Renamed::RPM;
    assert_eq!(RPM.offset(), 0);
}

#[plain(appendable = 64)]
#[derive(Debug, Clone, PartialEq)]
struct Small {
    x: u8,
    last: u16,
}

#[test]
fn an_appendable_struct_has_room() {
    assert_eq!((Small::KIND.size(), Small::KIND.align()), (64, 16));
    assert_eq!(size_of::<<Small as Plain>::Stored>(), 64);
    const { assert!(Small::SAME_LAYOUT && !Small::DENSE && Small::ANY_BITS) };
    assert!(matches!(Small::REST_FROM, Some(4)));
    let value = Small { x: 1, last: 0xFFFF };
    assert_eq!(image(&value)[..5], [1, 0, 0xFF, 0xFF, 0]);
    let mut bytes = image(&value);
    bytes[4..].fill(9);
    assert_eq!(value_of::<Small>(&bytes).unwrap(), value);
    let text = Schema::of(&Kind::value_of::<Small>(), false).to_json();
    assert!(
        text.contains(
            r#""stride":128,"type":{"struct":"Small","size":64,"align":16,"appendable":true"#
        ),
        "{text}"
    );
    assert_eq!(Schema::parse(text.as_bytes(), false).unwrap().to_json(), text);
}

#[test]
fn schemas_of_all_kinds_are_read_back() {
    let schema = Schema::of(&Kind::value_of::<Kinds>(), false);
    let again = Schema::parse(schema.to_json().as_bytes(), false).unwrap();
    assert_eq!(again, schema);
    assert_eq!(again.fingerprint(), fingerprint(&Kind::value_of::<Kinds>(), false));
}

/// Names of a program's own do not meet those that `#[plain]` writes.
mod names {
    use cohabit::plain;

    pub(crate) const SIZE: usize = 3;
    pub(crate) const ALIGN: usize = 5;
    pub(crate) const LAYOUT: usize = 7;

    #[derive(Debug, Clone, Copy, PartialEq)]
    #[plain]
    pub(crate) struct Named {
        #[plain(was = "a")]
        pub(crate) size: [u8; SIZE],
        pub(crate) align: [u16; ALIGN],
        pub(crate) layout: [u8; LAYOUT],
        pub(crate) kind: u8,
    }

    const X: f64 = 0.5;

    /// Fields of the names of constants, as matrices have them.
    #[plain]
    #[derive(Debug, Default, PartialEq)]
    #[allow(non_snake_case, reason = "names as in the formula")]
    pub(crate) struct Formula {
        X: f64,
        A: [f64; 2],
    }

    impl Formula {
        pub(crate) fn new() -> Self {
            Self { X, A: [1.0, 2.0] }
        }
    }
}

#[test]
fn a_programs_own_names_stay_its_own() {
    let value = names::Named { size: [1; 3], align: [2; 5], layout: [3; 7], kind: 4 };
    assert_eq!(value_of::<names::Named>(&image(&value)).unwrap(), value);
    assert_eq!((names::Named::LAYOUT.offset(), names::Named::KIND.offset()), (14, 21));
    let formula = names::Formula::new();
    assert_eq!(value_of::<names::Formula>(&image(&formula)).unwrap(), formula);
}
