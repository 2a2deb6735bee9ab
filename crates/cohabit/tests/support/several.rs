//! Words of the role `user` for objects of several users.
//!
//! ```text
//! become UID GID [GROUP…]             ok, and there is no way back
//! umask OCTAL                         ok
//! list machine=ACCESS                 ok NAME:STATE[:CODE] …
//! collect machine=ACCESS              ok NAME … / N left
//! remove NAME machine=ACCESS          ok;  remove_force too
//! ```

use cohabit::{Access, Scope};

use super::line;
#[cfg(unix)]
use super::sys;

/// A scope by its access in short: `o` the owner, `e:r` everyone reads, `g5:w` group 5 writes, `t7`
/// trusts user 7, `T5` trusts group 5.
pub(crate) fn scope(spec: &str) -> Scope {
    let id = |text: &str| text.parse::<u32>().expect("an id");
    let access = spec.split(',').fold(Access::owner(), |access, part| {
        let (whom, right) = part.split_once(':').unwrap_or((part, ""));
        let sharing = match whom.split_at(1) {
            ("o", _) => return access,
            ("t", user) => return access.trust_user(id(user)),
            ("T", group) => return access.trust_group(id(group)),
            ("e", _) => Access::everyone(),
            ("g", group) => Access::group(id(group)),
            (other, _) => panic!("no such word: {other}"),
        };
        access.and(if right == "w" { sharing.writes() } else { sharing.reads() })
    });
    Scope::Machine(access)
}

pub(crate) fn act(words: &[&str]) -> String {
    let of = |word: &str| scope(word.strip_prefix("machine=").expect("an access"));
    match words {
        #[cfg(unix)]
        ["become", uid, gid, groups @ ..] => {
            let id = |word: &&str| word.parse::<u32>().expect("an id");
            let groups: Vec<u32> = groups.iter().map(id).collect();
            sys::become_for_good(id(uid), id(gid), &groups);
            "ok".to_owned()
        }
        #[cfg(unix)]
        ["umask", mask] => {
            sys::set_umask(u32::from_str_radix(mask, 8).expect("a mask"));
            "ok".to_owned()
        }
        ["list", access] => line(cohabit::list(&of(access)).map(listed)),
        ["collect", access] => line(cohabit::collect(&of(access)).map(|collected| {
            assert!(collected.problems.is_empty(), "{:?}", collected.problems);
            format!("{} / {} left", collected.removed.join(" "), collected.left)
        })),
        ["remove", name, access] => {
            line(cohabit::remove(&of(access), name, false).map(|()| "removed"))
        }
        ["remove_force", name, access] => {
            line(cohabit::remove(&of(access), name, true).map(|()| "removed"))
        }
        other => panic!("no such words: {other:?}"),
    }
}

fn listed(entries: Vec<cohabit::Entry>) -> String {
    let entries = entries.iter().map(|entry| {
        let code =
            entry.problem.as_ref().map_or(String::new(), |error| format!(":{}", error.code()));
        format!("{}:{}{code}", entry.name, entry.state.as_str())
    });
    entries.collect::<Vec<_>>().join(" ")
}
