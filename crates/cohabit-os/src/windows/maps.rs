//! Which object is mapped where in this process: waits are told an address, and other processes know the
//! word by its object and its place in it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::disk::DiskFile;
use super::names::Key;
use super::rights::Descriptor;

/// One view: its length, and what it shows from its start.
#[derive(Debug)]
struct View {
    len: usize,
    shows: Shown,
}

/// What a view shows.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) key: Key,
    /// Who may wait for its words and wake: who may write it. `None`: that cannot be said.
    pub(crate) bells: Option<Arc<Descriptor>>,
    /// The file that it is of, if any.
    pub(crate) file: Option<Arc<DiskFile>>,
}

static VIEWS: RwLock<BTreeMap<usize, View>> = RwLock::new(BTreeMap::new());

/// Remembers a view that was just made.
pub(crate) fn enter(base: usize, len: usize, shows: Shown) {
    let mut views = VIEWS.write().unwrap_or_else(PoisonError::into_inner);
    views.insert(base, View { len, shows });
}

/// Forgets a view that is about to be given back; its file, to be let go of after that.
pub(crate) fn leave(base: usize) -> Option<Arc<DiskFile>> {
    VIEWS.write().unwrap_or_else(PoisonError::into_inner).remove(&base)?.shows.file
}

/// The file of the view that begins there.
pub(crate) fn file_of(base: usize) -> Option<Arc<DiskFile>> {
    VIEWS.read().unwrap_or_else(PoisonError::into_inner).get(&base)?.shows.file.clone()
}

/// Of which object an address shows a byte, and which.
pub(crate) fn find(address: usize) -> Option<(Key, usize)> {
    find_view(address, |shown| shown.key)
}

/// Who may wait at the object of which an address shows a byte.
pub(crate) fn bells_at(address: usize) -> Option<Arc<Descriptor>> {
    find_view(address, |shown| shown.bells.clone())?.0
}

fn find_view<T>(address: usize, ask: impl FnOnce(&Shown) -> T) -> Option<(T, usize)> {
    let views = VIEWS.read().unwrap_or_else(PoisonError::into_inner);
    let (base, view) = views.range(..=address).next_back()?;
    let offset = address - base;
    (offset < view.len).then(|| (ask(&view.shows), offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_belongs_to_the_view_that_it_is_in() {
        let key = |id| Key { is_global: false, id };
        let shown = |id| Shown { key: key(id), bells: None, file: None };
        enter(0x10_0000, 0x2000, shown(1));
        enter(0x10_4000, 0x1000, shown(2));
        assert_eq!(find(0x10_0000), Some((key(1), 0)));
        assert_eq!(find(0x10_1ff8), Some((key(1), 0x1ff8)));
        assert_eq!(find(0x10_2000), None);
        assert_eq!(find(0x10_4010), Some((key(2), 0x10)));
        leave(0x10_0000);
        assert_eq!(find(0x10_0000), None);
        leave(0x10_4000);
    }
}
