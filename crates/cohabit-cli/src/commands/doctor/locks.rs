//! Who uses the objects, and what of their locks needs somebody: holders that are stopped, and the marks
//! that the dead left.

use cohabit::untyped::Untyped;
use cohabit::{Entry, EntryState, Hold, Holder, LockState, Scope, Status, Verdict};

use super::Finding;
use crate::path::joined;

/// How many locks are told of.
const TOLD_MAX: usize = 8;

pub(super) fn check(scope: &Scope, entries: &[Entry]) -> Vec<Finding> {
    let in_use = entries.iter().filter(|entry| entry.state == EntryState::Live);
    // One that ended meanwhile, or cannot be read, is told of by another check or by nobody.
    let status = |entry: &Entry| Untyped::open_read_only(&entry.name, scope).ok()?.status().ok();
    let looks: Vec<_> =
        in_use.filter_map(|entry| Some((entry.name.as_str(), status(entry)?))).collect();
    judge(&looks)
}

fn judge(looks: &[(&str, Status)]) -> Vec<Finding> {
    let said = |is_told: fn(&LockState) -> bool| {
        let of = |(name, status): &(&str, Status)| {
            let told = status.locks.iter().filter(|lock| is_told(lock));
            told.map(|lock| format!("{}: {lock}", joined(name, &lock.path))).collect::<Vec<_>>()
        };
        looks.iter().flat_map(of).collect::<Vec<_>>()
    };
    let mut findings = vec![users(looks)];
    findings.extend(of_each(
        "holders",
        said(has_stopped_holder),
        "no stopped process has a lock",
        "It keeps what it has. Let it go on (`kill -CONT PID`, or the debugger), or end it: then whoever \
         waits takes over.",
    ));
    findings.extend(of_each(
        "marks",
        said(is_marked),
        "no lock bears the mark of a death or a panic",
        "Its users are told (LockError): one of them mends the data and says so (mark_consistent, \
         clear_poison), or writes them anew (replace).",
    ));
    findings
}

fn users(looks: &[(&str, Status)]) -> Finding {
    let all =
        looks.iter().flat_map(|(name, status)| status.users.iter().map(move |user| (name, user)));
    let stopped: Vec<_> = all
        .clone()
        .filter(|(_, user)| user.state.is_stopped())
        .map(|(name, user)| format!("{user} ({name})"))
        .collect();
    let count = all.count();
    match stopped.as_slice() {
        [] => Finding::ok("users", format!("{count} live, none of them stopped")),
        some => {
            let text = format!("{count} live, {} of them stopped: {}", some.len(), some.join("; "));
            Finding::ok("users", text)
        }
    }
}

/// A warning for each lock, as far as there is room, and below the last what to do.
fn of_each(check: &'static str, said: Vec<String>, well: &str, advice: &str) -> Vec<Finding> {
    let more = said.len().saturating_sub(TOLD_MAX);
    let mut said: Vec<_> = said.into_iter().take(TOLD_MAX).collect();
    if more > 0 {
        said.push(format!("and {more} more"));
    }
    let Some(last) = said.pop() else { return vec![Finding::ok(check, well)] };
    let warn = |text| Finding::warn(check, text);
    let before = said.into_iter().map(warn);
    before.chain(std::iter::once(warn(last).advise(advice))).collect()
}

fn has_stopped_holder(lock: &LockState) -> bool {
    let is_stopped = |user: &cohabit::User| user.state.is_stopped();
    // Who waits at a barrier keeps nothing from anybody.
    let has_it = |holder: &&Holder| holder.verdict != Verdict::Dead && holder.hold != Hold::Waits;
    let mut live = lock.holders.iter().filter(has_it);
    live.any(|holder| holder.user.as_ref().is_some_and(is_stopped))
}

/// What a value's dead writer left needs nobody: nothing is told of it.
fn is_marked(lock: &LockState) -> bool {
    let mut dead = lock.holders.iter().filter(|holder| holder.verdict == Verdict::Dead);
    lock.owner_died || lock.poisoned || dead.any(|holder| holder.hold == Hold::Owns)
}
