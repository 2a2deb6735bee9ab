//! One of several processes of different word sizes that share one object; driven by
//! `cargo xtask test-abi`.
//!
//! `abi_peer NAME create` makes the object and stays until its standard input ends,
//! `abi_peer NAME add N` adds 1 to the counter N times and takes as much from the sum, `abi_peer NAME hold` is killed inside an
//! update, `abi_peer NAME get` prints one line of JSON.

use std::io::Read;

use cohabit::{Appended, Keep, List, SharedValue, Text, Version, WideText, plain};

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
#[derive(Debug)]
struct Inner {
    a: u16,
    b: i64,
    c: [u32; 3],
}

fn first() -> Abi {
    let inner = Inner { a: 2, b: -3, c: [4, 5, 6] };
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

/// All fields as one line of JSON.
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
    format!("{{{numbers},{texts}}}")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [name, verb, rest @ ..] = &args[..] else {
        return Err("NAME and a verb".into());
    };
    let options = SharedValue::<Abi>::options().keep(Keep::WhileUsed);
    match &verb[..] {
        "create" => {
            let object = options.create(name, first)?;
            println!("created {} bytes", object.size());
            std::io::stdin().read_to_end(&mut Vec::new())?;
        }
        "add" => {
            let object = options.open(name)?;
            for _ in 0..rest.first().ok_or("how often?")?.parse::<u32>()? {
                object.update(|abi| {
                    abi.counter += 1;
                    abi.sum -= 1;
                })?;
            }
        }
        "hold" => {
            let object = options.open(name)?;
            object.update(|abi| {
                abi.counter += 1_000_000;
                println!("holding");
                let _ = std::io::stdin().read_to_end(&mut Vec::new());
            })?;
        }
        "get" => {
            let (abi, version) = options.open(name)?.read()?;
            println!("{}", shown(&abi, version));
        }
        other => return Err(format!("unknown verb {other}").into()),
    }
    Ok(())
}
