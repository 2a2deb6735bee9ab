//! No mechanism: there is no event that a reactor could watch.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::event::Event;

/// There is none.
#[derive(Debug)]
pub(super) enum Watched {}

pub(super) fn watch(_event: Arc<Event>) -> Result<Watched> {
    Err(Error::unsupported("watch a descriptor that polls"))
}

pub(super) async fn raised(watched: &Watched) -> Result<()> {
    match *watched {}
}
