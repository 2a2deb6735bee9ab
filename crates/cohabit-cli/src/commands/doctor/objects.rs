//! What lies about: objects that nobody can use any more, and names that are no objects.

use cohabit::{Entry, EntryState, Scope};

use super::{Finding, locks};
use crate::path::listed;

pub(super) fn check(scope: &Scope) -> Vec<Finding> {
    match cohabit::list(scope) {
        Ok(entries) => {
            let mut findings = judge(&entries);
            findings.extend(locks::check(scope, &entries));
            findings
        }
        // The check of the folder has said why.
        Err(_) => Vec::new(),
    }
}

fn judge(entries: &[Entry]) -> Vec<Finding> {
    let of = |states: &'static [EntryState]| {
        entries.iter().filter(|entry| states.contains(&entry.state)).collect::<Vec<_>>()
    };
    let stale = of(&[EntryState::Orphan, EntryState::Ended]);
    let strange = of(&[EntryState::Unreadable]);
    let well = entries.len() - stale.len() - strange.len();
    let mut findings = vec![Finding::ok("objects", format!("{well} in use or kept"))];
    if !stale.is_empty() {
        let names = listed(stale.iter().map(|entry| entry.name.as_str()));
        let text = format!("{} that nobody can use any more: {names}", stale.len());
        findings.push(Finding::warn("stale", text).advise("`cohabit gc` takes them away."));
    }
    if !strange.is_empty() {
        let names = listed(strange.iter().map(|entry| entry.name.as_str()));
        let text = format!("{} that cannot be read: {names}", strange.len());
        findings.push(Finding::warn("unreadable", text).advise("`cohabit ls` says why, for each."));
    }
    findings
}
