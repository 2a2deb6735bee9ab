//! One of several processes of different word sizes that share one object; driven by
//! `cargo xtask test-abi`.
//!
//! `abi_peer NAME create` makes the object and stays until its standard input ends,
//! `abi_peer NAME add N` adds 1 to the counter and to the hits N times, takes as much from the sum, and
//! stores into the dials; `abi_peer NAME hold` is killed inside an update, `abi_peer NAME get` prints one
//! line of JSON.

use std::io::Read;
use std::sync::atomic::{AtomicI16, AtomicU64, Ordering::Relaxed};

use cohabit::{
    Appended, Flag, Frozen, Keep, List, Loose, Shared, Text, Value, Version, WideText, plain,
    shareable,
};

/// Parts that lie differently on 32 and 64 bits unless the layout is canonical.
#[shareable]
struct Board {
    early: Flag,
    hits: AtomicU64,
    level: AtomicI16,
    dials: Loose<Inner>,
    limits: [Frozen<Inner>; 2],
    late: Flag,
    abi: Value<Abi>,
}

/// Fields that lie differently on 32 and 64 bits unless the layout is canonical.
#[plain(appendable)]
#[derive(Debug)]
struct Abi {
    small: u8,
    counter: u64,
    flag: bool,
    ratio: f64,
    inner: Inner,
    text: Text<13>,
    tail: i16,
    sum: u128,
    mode: Mode,
    letter: char,
    debt: i128,
    list: List<u64, 3>,
    wide: WideText<5>,
    far: Far,
    limit: Appended<f64>,
}

/// An enum of one byte.
#[plain]
#[repr(i8)]
#[derive(Debug, Clone, Copy)]
enum Mode {
    Low = -128,
    Off = 0,
    Run = 7,
}

/// An enum as wide as a word.
#[plain]
#[repr(u64)]
#[derive(Debug, Clone, Copy)]
enum Far {
    Near,
    Away = u64::MAX,
}

/// A nested struct with padding of its own.
#[plain]
#[derive(Debug, Clone, Copy)]
struct Inner {
    a: u16,
    b: i64,
    c: [u32; 3],
}

const INNER: Inner = Inner { a: 2, b: -3, c: [4, 5, 6] };

fn board() -> Board {
    Board {
        early: Flag::new(true),
        hits: AtomicU64::new(0),
        level: AtomicI16::new(-5),
        dials: Loose::new(INNER),
        limits: [Frozen::new(INNER), Frozen::new(Inner { a: 9, ..INNER })],
        late: Flag::new(false),
        abi: Value::new(first()),
    }
}

fn first() -> Abi {
    let inner = INNER;
    Abi {
        small: 1,
        counter: 0,
        flag: true,
        ratio: 0.1,
        inner,
        text: cohabit::text!("abi"),
        tail: -7,
        sum: u128::MAX - 1,
        mode: Mode::Low,
        letter: '\u{e9}',
        debt: -1,
        list: List::try_from([1, u64::MAX]).expect("room for three"),
        wide: WideText::truncated("a\u{1F600}"),
        far: Far::Away,
        limit: Appended::new(0.25),
    }
}

/// All fields of the value as members of JSON.
fn shown(abi: &Abi, version: Version) -> String {
    let Inner { a, b, c } = &abi.inner;
    let Abi { small, counter, flag, ratio, tail, sum, debt, .. } = abi;
    let numbers = format!(
        "\"version\":{version},\"small\":{small},\"counter\":{counter},\"flag\":{flag},\
         \"ratio\":{ratio},\"a\":{a},\"b\":{b},\"c\":{c:?},\"tail\":{tail},\
         \"sum\":\"{sum}\",\"debt\":\"{debt}\",\"list\":{:?}",
        abi.list
    );
    let texts = format!(
        "\"text\":{:?},\"wide\":{:?},\"letter\":\"{}\",\"mode\":\"{:?}\",\"far\":\"{:?}\",\
         \"limit\":\"{:?}\"",
        abi.text.to_string_lossy(),
        abi.wide.to_string_lossy(),
        abi.letter,
        abi.mode,
        abi.far,
        abi.limit.get()
    );
    format!("{numbers},{texts}")
}

/// The parts of the board but the value, as members of JSON.
fn parts(board: &Board) -> cohabit::Result<String> {
    let (dials, limit) = (board.dials.load()?, board.limits[1].get()?);
    Ok(format!(
        "\"early\":{},\"hits\":{},\"level\":{},\"dials\":\"{dials:?}\",\"limit\":\"{limit:?}\",\"late\":{}",
        board.early.load(Relaxed),
        board.hits.load(Relaxed),
        board.level.load(Relaxed),
        board.late.load(Relaxed),
    ))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [name, verb, rest @ ..] = &args[..] else {
        return Err("NAME and a verb".into());
    };
    let options = Shared::<Board>::options().keep(Keep::WhileUsed);
    match &verb[..] {
        "create" => {
            let object = options.create(name, board)?;
            println!("created {} bytes", object.size());
            std::io::stdin().read_to_end(&mut Vec::new())?;
        }
        "add" => {
            let object = options.open(name)?;
            for round in 0..rest.first().ok_or("how often?")?.parse::<u32>()? {
                object.hits.fetch_add(1, Relaxed);
                object.dials.store_part(Inner::A, round as u16)?;
                object.dials.store_part(Inner::B, i64::from(round) << 20)?;
                object.late.store(true, Relaxed);
                object.abi.update(|abi| {
                    abi.counter += 1;
                    abi.sum -= 1;
                })?;
            }
        }
        "hold" => {
            let object = options.open(name)?;
            object.abi.update(|abi| {
                abi.counter += 1_000_000;
                println!("holding");
                let _ = std::io::stdin().read_to_end(&mut Vec::new());
            })?;
        }
        "get" => {
            let object = options.open(name)?;
            let (abi, version) = object.abi.read()?;
            println!("{{{},{}}}", parts(&object)?, shown(&abi, version));
        }
        other => return Err(format!("unknown verb {other}").into()),
    }
    Ok(())
}
