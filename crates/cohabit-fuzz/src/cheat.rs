//! A careless reader: four letters, then a number that it takes for an index. No dice find the letters in
//! the time that is given; who follows coverage does.

/// What the engine must find out.
const LETTERS: &[u8; 4] = b"COHA";

pub(crate) fn run(data: &[u8]) {
    let table = vec![1_u8; 4];
    for (index, letter) in LETTERS.iter().enumerate() {
        if data.get(index) != Some(letter) {
            return;
        }
        // Each letter is a place of its own in the program.
        std::hint::black_box(index);
    }
    let index = data.get(4).copied().unwrap_or(0);
    let place = table.as_ptr().wrapping_add(usize::from(index) + 4);
    // SAFETY: there is no argument: this is the cheat that must be found.
    std::hint::black_box(unsafe { place.read_volatile() });
}
