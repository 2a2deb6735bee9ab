//! A whole file that stands under an object's name: opened, looked at, used, and taken away.
//!
//! The first byte says by whom it is opened; the rest is the file, to which zeros are added up to a
//! multiple of a page, as real objects have them. Nothing waits: deadlines are over at once.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use cohabit::untyped::Untyped;
use cohabit::{
    Appended, Event, Flag, Frozen, Loose, Mutex, OnceCell, Options, Scope, Shareable, Shared, Text,
    Value, Version, collect, folder_of, list, plain, remove, shareable,
};

const NAME: &str = "object";
const PAGE: usize = 4096;
const SCOPE: Scope = Scope::User;

/// Half of its bits are no value.
#[plain]
#[derive(Clone, Debug, Default, PartialEq)]
struct Plate {
    on: bool,
    name: Text<12>,
    sign: char,
    row: [u16; 3],
}

/// To which others may append.
#[plain(appendable = 64)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Grows {
    x: i32,
    more: Appended<bool>,
}

/// Every cell.
#[shareable]
#[derive(Debug)]
struct Board {
    hits: AtomicU64,
    stop: Flag,
    limits: Frozen<Plate>,
    dials: Loose<Plate>,
    state: Value<Plate>,
    journal: Mutex<Plate>,
    door: Event,
    memo: OnceCell<Plate>,
}

fn board() -> Board {
    Board {
        hits: AtomicU64::new(7),
        stop: Flag::default(),
        limits: Frozen::default(),
        dials: Loose::default(),
        state: Value::default(),
        journal: Mutex::default(),
        door: Event::auto(),
        memo: OnceCell::new(),
    }
}

fn options<T: Shareable + ?Sized>() -> Options<T> {
    Shared::<T>::options().max_users(2).timeout(Duration::ZERO)
}

/// The folder of this user's objects; the library makes it with the first one.
fn folder() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let made = FOLDER.get_or_init(|| {
        drop(options::<Value<u8>>().create("first", || 1).expect("the first object"));
        folder_of(&SCOPE).ok().flatten().expect("its folder")
    });
    made.clone()
}

pub(crate) fn run(data: &[u8]) {
    let Some((&first, image)) = data.split_first() else { return };
    let path = folder().join(NAME);
    let mut file = image.to_vec();
    // One in eight is as it is.
    if first & 0xe0 != 0 {
        file.resize(file.len().next_multiple_of(PAGE), 0);
    }
    fs::write(&path, &file).expect("the file is written");
    match first % 8 {
        0 => observe(first == PATIENT),
        1 => guest(),
        2 => view(),
        3 => user(),
        4 => drop(std::hint::black_box(
            options::<Value<Plate>>().open_or_create(NAME, Plate::default),
        )),
        5 => grown(),
        6 => tail(),
        _ => catalog(),
    }
    let _nothing = remove(&SCOPE, NAME, true);
    let _gone = fs::remove_file(&path);
}

/// An observer that looks at the locks too: again and again for some milliseconds, in which hundreds of other
/// inputs are run.
const PATIENT: u8 = 0xa0;

fn observe(is_patient: bool) {
    let Ok(object) = Untyped::open_read_only(NAME, &SCOPE) else { return };
    looks(&object);
    if is_patient {
        std::hint::black_box((object.status().is_ok(), object.locks().is_ok()));
    }
}

fn looks(object: &Untyped) {
    std::hint::black_box((object.schema().root.size(), object.standing().is_ok(), object.size()));
    std::hint::black_box(object.users().is_ok());
    for cell in object.cells().take(40) {
        std::hint::black_box((cell.path(), cell.read().is_ok(), cell.is_unlocked()));
        std::hint::black_box(cell.wait_version(Version::NONE, Duration::ZERO).is_ok());
    }
}

fn guest() {
    let Ok(object) = Untyped::open(NAME, &SCOPE) else { return };
    looks(&object);
    for cell in object.cells().take(40) {
        let invert = |bytes: &mut [u8]| {
            bytes.iter_mut().for_each(|byte| *byte ^= 1);
            Ok::<(), ()>(())
        };
        std::hint::black_box(cell.update(Duration::ZERO, invert).is_ok());
    }
}

fn view() {
    let Ok(board) = options::<Board>().open_read_only(NAME) else { return };
    let view = board.view();
    std::hint::black_box((view.hits().load(), view.stop().load(), view.door().is_set()));
    std::hint::black_box((
        view.limits().get().ok(),
        view.dials().load().ok(),
        view.state().read().ok(),
    ));
    std::hint::black_box((view.journal().peek().ok(), view.memo().get().ok()));
    std::hint::black_box((board.standing().ok(), board.users().ok()));
}

fn user() {
    let Ok(board) = options::<Board>().open_or_create(NAME, board) else { return };
    board.hits.fetch_add(1, Relaxed);
    std::hint::black_box((
        board.limits.get().ok(),
        board.dials.load().ok(),
        board.state.read().ok(),
    ));
    std::hint::black_box(board.dials.store(Plate::default()).ok());
    std::hint::black_box(board.state.try_set(Plate::default()).ok());
    std::hint::black_box(board.state.try_update(|plate| plate.on ^= true).ok());
    std::hint::black_box(
        board.state.pin().ok().and_then(|pinned| pinned.get_part(Plate::ROW).ok()),
    );
    std::hint::black_box(board.state.wait_changed(Version::NONE, Duration::ZERO).ok());
    std::hint::black_box(board.journal.try_lock().is_ok());
    std::hint::black_box(board.journal.replace_timeout(Plate::default(), Duration::ZERO).ok());
    std::hint::black_box((board.door.set().ok(), board.door.try_wait().ok()));
    std::hint::black_box((
        board.memo.get().ok(),
        board.memo.set_timeout(Plate::default(), Duration::ZERO).ok(),
    ));
    std::hint::black_box((board.standing().ok(), board.users().ok()));
}

fn grown() {
    let Ok(value) = options::<Value<Grows>>().open(NAME) else { return };
    std::hint::black_box((
        value.get().ok(),
        value.try_set(Grows::default()).ok(),
        value.get().ok(),
    ));
}

fn tail() {
    let Ok(value) = options::<Value<[Plate]>>().len(3).open(NAME) else { return };
    std::hint::black_box((value.get_boxed().ok(), value.try_update(|all| all.reverse()).ok()));
    std::hint::black_box(value.get_part(cohabit::Part::element(2)).ok());
}

fn catalog() {
    std::hint::black_box(list(&SCOPE).ok());
    std::hint::black_box(remove(&SCOPE, NAME, false).ok());
    std::hint::black_box(collect(&SCOPE).ok());
}

/// The files of objects as the library makes them, alive and orphaned, without the zeros at their end.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let path = folder().join(NAME);
    let mut images = Vec::new();
    let mut take = || {
        let mut image = fs::read(&path).expect("the object's file");
        image.truncate(image.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
        images.push(image);
    };
    let keep = cohabit::Keep::UntilReboot;
    let value = options::<Value<Plate>>().create(NAME, Plate::default).expect("a value");
    take();
    drop(value);
    let made = options::<Board>().create(NAME, board).expect("a board");
    take();
    drop(made);
    let made =
        options::<Value<Grows>>().keep(keep).create(NAME, Grows::default).expect("one that grows");
    made.set(Grows { x: 3, more: Appended::default() }).expect("it is set");
    drop(made);
    take();
    remove(&SCOPE, NAME, true).expect("it is taken away");
    let made =
        options::<Value<[Plate]>>().len(3).keep(keep).create(NAME, || vec![Plate::default(); 3]);
    drop(made.expect("a row"));
    take();
    remove(&SCOPE, NAME, true).expect("it is taken away");
    let by = |kind: u8| images.iter().map(move |image| [&[0x20 | kind], &image[..]].concat());
    (0..8).chain([PATIENT]).flat_map(by).collect()
}
