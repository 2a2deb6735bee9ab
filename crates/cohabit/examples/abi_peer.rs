//! One of several processes of different word sizes that share one object; driven by
//! `cargo xtask test-abi`.
//!
//! `abi_peer NAME create` makes the object and stays until its standard input ends,
//! `abi_peer NAME add N` adds 1 to the counter N times, `abi_peer NAME hold` is killed inside an
//! update, `abi_peer NAME get` prints one line of JSON.

use std::io::Read;

use cohabit::{Keep, SharedValue, Text, plain};

/// Fields that lie differently on 32 and 64 bits unless the layout is canonical.
#[plain]
#[derive(Debug)]
struct Abi {
    small: u8,
    counter: u64,
    flag: bool,
    ratio: f64,
    inner: Inner,
    text: Text<13>,
    tail: i16,
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
    }
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
                object.update(|abi| abi.counter += 1)?;
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
            println!(
                "{{\"version\":{version},\"small\":{},\"counter\":{},\"flag\":{},\"ratio\":{},\
                 \"a\":{},\"b\":{},\"c\":{:?},\"text\":{:?},\"tail\":{}}}",
                abi.small,
                abi.counter,
                abi.flag,
                abi.ratio,
                abi.inner.a,
                abi.inner.b,
                abi.inner.c,
                abi.text.to_string_lossy(),
                abi.tail
            );
        }
        other => return Err(format!("unknown verb {other}").into()),
    }
    Ok(())
}
