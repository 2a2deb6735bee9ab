//! Instances whose constructor or end runs on this thread: opening one of them there would wait for
//! itself. No destructor and no allocation, so that it serves also while a thread or the process ends.

use std::cell::Cell;

use crate::error::{Error, ErrorKind, Result};
use crate::format::InstanceId;

/// How deep constructors may be nested on one thread.
const NESTED: usize = 16;

thread_local! {
    static ACTING: [Cell<Option<InstanceId>>; NESTED] = const { [const { Cell::new(None) }; NESTED] };
}

/// Marks an instance while its constructor or end runs; undone on drop.
#[derive(Debug)]
pub(crate) struct Acting {
    depth: usize,
}

impl Acting {
    pub(crate) fn on(id: InstanceId, name: &str) -> Result<Acting> {
        let free = ACTING.with(|marks| {
            let depth = marks.iter().position(|mark| mark.get().is_none())?;
            marks[depth].set(Some(id));
            Some(depth)
        });
        free.map(|depth| Acting { depth }).ok_or_else(|| {
            let detail = format!("constructors are nested more than {NESTED} deep on one thread");
            Error::new(ErrorKind::Unsupported, name, detail)
        })
    }

    /// Whether this thread is inside the constructor or end of that instance.
    pub(crate) fn is_on(id: InstanceId) -> bool {
        ACTING.with(|marks| marks.iter().any(|mark| mark.get() == Some(id)))
    }
}

impl Drop for Acting {
    fn drop(&mut self) {
        ACTING.with(|marks| marks[self.depth].set(None));
    }
}
