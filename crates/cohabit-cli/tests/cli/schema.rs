//! `schema`: the text of a type, JSON, Rust that compiles to the same type, and C.

use std::path::Path;
use std::sync::atomic::{AtomicI8, AtomicU64};

use cohabit::schema::Schema;
use cohabit::{
    Appended, Barrier, Condvar, Event, Flag, Frozen, List, Loose, Mutex, Once, OnceCell, Options,
    RwLock, Semaphore, Shareable, Shared, SharedValue, Text, Value,
};
use cohabit::{WideText, plain, shareable};

use crate::support::Place;

/// What `schema --as rust` printed for [`Board`]; it is compiled here and compared below.
/// `COHABIT_BLESS=1` writes down what it prints now.
#[allow(
    missing_debug_implementations,
    unreachable_pub,
    dead_code,
    reason = "generated for a library"
)]
#[path = "generated/board.rs"]
mod board;
#[allow(
    missing_debug_implementations,
    unreachable_pub,
    dead_code,
    reason = "generated for a library"
)]
#[path = "generated/config.rs"]
mod config;

#[plain]
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(i16)]
enum Mode {
    Off = -1,
    On = 7,
}

#[plain]
#[derive(Debug, Clone)]
struct Wheel {
    at: f64,
    name: Text<5>,
    mode: Mode,
}

#[plain]
#[derive(Debug, Clone)]
struct State {
    r#type: u8,
    big: i128,
    letter: char,
    on: bool,
    #[plain(was = "speed")]
    pace: f32,
    wheels: [Wheel; 4],
    spare: List<Wheel, 3>,
    title: WideText<9>,
    grid: [[u16; 2]; 3],
}

#[shareable]
#[derive(Debug)]
struct Board {
    hits: AtomicU64,
    tiny: AtomicI8,
    on: Flag,
    state: Value<State>,
    limits: Frozen<[f64; 3]>,
    loose: Loose<Wheel>,
    log: Mutex<Wheel>,
    table: RwLock<Wheel>,
    ready: Event,
    more: Condvar,
    once: Once,
    permits: Semaphore,
    spare: OnceCell<Wheel>,
    all: Barrier,
    inner: [Inner; 2],
}

#[shareable]
#[derive(Debug)]
struct Inner {
    count: AtomicU64,
    value: Value<u16>,
}

#[plain(appendable = 256)]
#[derive(Debug, Clone, Default)]
struct Config {
    level: u8,
    name: Text<16>,
    mode: Appended<Mode>,
}

fn wheel() -> Wheel {
    Wheel { at: 1.5, name: Text::default(), mode: Mode::On }
}

fn new_board() -> Board {
    let inner = || Inner { count: AtomicU64::new(1), value: Value::new(2) };
    let state = State {
        r#type: 1,
        big: -1,
        letter: 'ß',
        on: true,
        pace: 2.5,
        wheels: [wheel(), wheel(), wheel(), wheel()],
        spare: List::default(),
        title: WideText::default(),
        grid: [[0; 2]; 3],
    };
    Board {
        hits: AtomicU64::new(0),
        tiny: AtomicI8::new(-1),
        on: Flag::new(true),
        state: Value::new(state),
        limits: Frozen::new([1.0, 2.0, 3.0]),
        loose: Loose::new(wheel()),
        log: Mutex::new(wheel()),
        table: RwLock::new(wheel()),
        ready: Event::manual(),
        more: Condvar::new(),
        once: Once::new(),
        permits: Semaphore::new(3),
        spare: OnceCell::new(),
        all: Barrier::new(3),
        inner: [inner(), inner()],
    }
}

fn schema_of<T: Shareable + ?Sized>() -> Schema {
    Schema::of(&T::KIND, T::HAS_END)
}

fn is_as_written(name: &str, printed: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/generated").join(name);
    if std::env::var_os("COHABIT_BLESS").is_some() {
        std::fs::write(&file, printed).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(printed, written, "{name} differs from what was written down");
}

#[test]
fn the_rust_that_is_printed_is_the_same_type() {
    let place = Place::new();
    let board = place.options::<Board>().create("board", new_board).unwrap();
    is_as_written("board.rs", &place.run(&["schema", "board", "--as", "rust"]).fine());
    assert_eq!(schema_of::<board::Object>().fingerprint(), schema_of::<Board>().fingerprint());
    let options: Options<board::Object> = Shared::<board::Object>::options().scope(place.scope());
    let same = options.open("board").unwrap();
    same.state.update(|state| state.pace = 3.5).unwrap();
    assert_eq!(board.state.get().unwrap().pace.to_bits(), 3.5_f32.to_bits());
    let _config = place.options::<Value<Config>>().create("config", Config::default).unwrap();
    is_as_written("config.rs", &place.run(&["schema", "config", "--as", "rust"]).fine());
    assert_eq!(
        schema_of::<config::Object>().fingerprint(),
        schema_of::<Value<Config>>().fingerprint()
    );
}

#[test]
fn the_json_is_the_one_that_stands_in_the_object() {
    let place = Place::new();
    let _board = place.options::<Board>().create("board", new_board).unwrap();
    let json = place.run(&["schema", "board", "--json"]).fine();
    assert_eq!(json, schema_of::<Board>().to_json() + "\n");
    assert_eq!(json, place.run(&["schema", "board", "--as=json"]).fine());
}

#[test]
fn the_text_of_a_type_is_what_rust_calls_it() {
    let place = Place::new();
    let _data = place.sample("data");
    assert_eq!(
        place.run(&["schema", "data"]).fine(),
        "struct Data {\n    x: i32,\n    text: Text<8>,\n    on: bool,\n    tiny: i8,\n    big: u64,\n    \
         ratio: f64,\n    small: f32,\n    list: [u16; 3],\n    inner: [struct Inner {\n        a: u8,\n        \
         b: i64,\n    }; 2],\n}\n"
    );
    let slice = SharedValue::<[f64]>::options().scope(place.scope()).len(5);
    let _slice = slice.create("slice", || vec![0.0; 5].into_boxed_slice()).unwrap();
    assert_eq!(place.run(&["schema", "slice"]).fine(), "[f64]\n");
    assert!(
        place
            .run(&["schema", "slice", "--as=rust"])
            .fine()
            .ends_with("\npub type Object = Value<[f64]>;\n")
    );
    assert!(
        place
            .run(&["schema", "slice", "--as=c"])
            .fine()
            .contains("\ntypedef double cohabit_object;\n")
    );
}

#[test]
fn a_schema_of_nothing_or_in_no_language_is_refused() {
    let place = Place::new();
    place.run(&["schema", "nix"]).failed(3);
    place.run(&["schema", "nix", "--as=cobol"]).failed(2);
}
