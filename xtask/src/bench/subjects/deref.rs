//! `Shared` dereferences to the machine code of a pointer: two functions, disassembled.

use std::hint::black_box;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use cohabit::Shared;

use super::Setting;
use crate::bench::report::Figure;
use crate::tools;

#[inline(never)]
fn load_through_shared(shared: &Shared<AtomicU64>) -> u64 {
    shared.load(Ordering::Relaxed)
}

#[inline(never)]
fn load_through_pointer(pointer: &&AtomicU64) -> u64 {
    pointer.load(Ordering::Relaxed)
}

pub(super) fn measure(_setting: &Setting) -> Result<Vec<Figure>, String> {
    let figure = Figure::new("Shared deref");
    let by_shared: fn(&Shared<AtomicU64>) -> u64 = black_box(load_through_shared);
    let by_pointer: fn(&&AtomicU64) -> u64 = black_box(load_through_pointer);
    let (by_shared, by_pointer) = (by_shared as usize, by_pointer as usize);
    let both = instructions(by_shared).and_then(|shared| Ok((shared, instructions(by_pointer)?)));
    let (shared, pointer) = match both {
        Ok(both) => both,
        Err(why) => return Ok(vec![figure.skipped(why)]),
    };
    let merged =
        if by_shared == by_pointer { " (the compiler made one function of both)" } else { "" };
    let note = format!(
        "through Shared:    {}\nthrough a pointer: {}{merged}",
        shared.join("; "),
        pointer.join("; ")
    );
    let figure = figure.measured(shared.len() as f64, "instructions").note(note);
    // The pointer may stand at another offset in the handle.
    let same = without_offsets(&shared) == without_offsets(&pointer);
    Ok(vec![if same { figure.held() } else { figure.at_most(pointer.len() as f64) }])
}

/// The instructions of the function of this program at an address, to its return.
fn instructions(address: usize) -> Result<Vec<String>, String> {
    const LONGEST: usize = 256;
    let program = std::env::current_exe().map_err(|e| format!("cannot find this program: {e}"))?;
    let start = address - loaded_at()?;
    let mut objdump = Command::new("objdump");
    objdump
        .args(["--disassemble", "--no-show-raw-insn"])
        .arg(format!("--start-address={start}"))
        .arg(format!("--stop-address={}", start + LONGEST))
        .arg(program);
    let text = tools::quietly(objdump)
        .map_err(|why| format!("{why}; objdump is in the package binutils"))?;
    let lines = text.lines().filter_map(|line| line.trim().split_once(":\t"));
    let mut found = Vec::new();
    for (_, instruction) in lines {
        let words: Vec<&str> = instruction.split_whitespace().collect();
        found.push(words.join(" "));
        if instruction.starts_with("ret") {
            break;
        }
    }
    Ok(found)
}

/// Where this program's file begins in memory.
fn loaded_at() -> Result<usize, String> {
    let maps = std::fs::read_to_string("/proc/self/maps").map_err(|e| e.to_string())?;
    let first = maps.split('-').next().unwrap_or_default();
    usize::from_str_radix(first, 16).map_err(|e| format!("cannot read the map of memory: {e}"))
}

fn without_offsets(instructions: &[String]) -> Vec<String> {
    let without = |text: &String| match text.split_once(" 0x") {
        Some((name, rest)) => match rest.split_once('(') {
            Some((_, rest)) => format!("{name} ({rest}"),
            None => text.clone(),
        },
        None => text.clone(),
    };
    instructions.iter().map(without).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_makes_no_other_instruction() {
        let plain = ["mov (%rdi),%rax".to_owned(), "ret".to_owned()];
        let offset = ["mov 0x8(%rdi),%rax".to_owned(), "ret".to_owned()];
        let other = ["mov (%rsi),%rax".to_owned(), "ret".to_owned()];
        assert_eq!(without_offsets(&plain), without_offsets(&offset));
        assert_ne!(without_offsets(&plain), without_offsets(&other));
    }
}
