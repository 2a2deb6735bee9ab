//! What this process is attached to: one attachment for each (file, instance, role).
//!
//! Opening a name twice gives the same mapping, since two mappings of one object in one process are
//! two places for what the compiler takes for one, and since one slot is enough. Slow paths also find
//! the member of a cell here, by its address.
//!
//! The map is only touched under cohabit-os's process lock, which fork takes too: a child never
//! inherits it locked. So these functions must not be called by a thread that is in a life section,
//! and nothing whose drop would leave an object is dropped inside [`with_known`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use cohabit_os::fork::process_lock;

use crate::format::InstanceId;
use crate::member::{Attachment, Member, Role};

#[derive(Debug)]
struct Entry {
    attachment: Weak<Attachment>,
    member: Weak<Member>,
}

struct Known {
    by_base: BTreeMap<usize, Entry>,
    by_key: BTreeMap<(InstanceId, Role), usize>,
}

static KNOWN: Mutex<Known> =
    Mutex::new(Known { by_base: BTreeMap::new(), by_key: BTreeMap::new() });

fn with_known<R>(run: impl FnOnce(&mut Known) -> R) -> R {
    let _process = process_lock();
    run(&mut KNOWN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The attachment of this process to an instance, unless it belongs to a parent.
pub(crate) fn find(id: InstanceId, role: Role) -> Option<Arc<Attachment>> {
    let found = with_known(|known| known.find(id, role));
    found.filter(|attachment| attachment.member().is_here())
}

/// Enters a new attachment, unless another thread was first: then that one is the one to use.
pub(crate) fn enter(fresh: Arc<Attachment>) -> Arc<Attachment> {
    let member = fresh.member();
    let (id, role) = member.key();
    loop {
        if let Some(first) = find(id, role) {
            return first;
        }
        let entry = Entry { attachment: Arc::downgrade(&fresh), member: Arc::downgrade(member) };
        let raced = with_known(|known| match known.find(id, role) {
            Some(other) if other.member().is_here() => Some(other),
            stale => {
                known.by_key.insert((id, role), member.base());
                known.by_base.insert(member.base(), entry);
                stale
            }
        });
        // Dropped out here, outside the map: it may be the last handle of a dying attachment.
        match raced {
            Some(other) if other.member().is_here() => drop(other),
            _ => return fresh,
        }
    }
}

/// Forgets an attachment that is being dropped; another one of the same instance stays.
pub(crate) fn forget(member: &Member) {
    with_known(|known| {
        let is_it = |entry: &Entry| std::ptr::eq(entry.member.as_ptr(), member);
        if known.by_base.get(&member.base()).is_some_and(is_it) {
            known.by_base.remove(&member.base());
            if known.by_key.get(&member.key()) == Some(&member.base()) {
                known.by_key.remove(&member.key());
            }
        }
    });
}

/// The member whose mapping holds `address`, also one that a parent process made.
pub(crate) fn at(address: usize) -> Option<Arc<Member>> {
    let found = with_known(|known| {
        let (_, entry) = known.by_base.range(..=address).next_back()?;
        entry.member.upgrade()
    });
    found.filter(|member| address - member.base() < member.size())
}

/// The attachment whose mapping holds `address`, also one that a parent process made.
pub(crate) fn attachment_at(address: usize) -> Option<Arc<Attachment>> {
    let found = with_known(|known| {
        let (_, entry) = known.by_base.range(..=address).next_back()?;
        entry.attachment.upgrade()
    });
    // Judged out here, outside the map: what is dropped may be the last handle.
    let holds = |it: &Arc<Attachment>| address - it.member().base() < it.member().size();
    found.filter(holds)
}

/// Everything that is attached now.
pub(crate) fn all() -> Vec<Arc<Member>> {
    with_known(|known| known.by_base.values().filter_map(|e| e.member.upgrade()).collect())
}

impl Known {
    fn find(&self, id: InstanceId, role: Role) -> Option<Arc<Attachment>> {
        let base = self.by_key.get(&(id, role))?;
        self.by_base.get(base)?.attachment.upgrade()
    }
}
