//! Who may use an object that several users of a machine share, and whom its users trust.
//!
//! [`Access`] is a sentence: `Access::everyone().reads().and(Access::group("ops").writes())`. It becomes
//! permission bits and a group when the object's folder is made (`place.rs`), and is only looked at
//! for its trust by those who find one there.

use cohabit_os::accounts;
use cohabit_os::mapping::Rights;

use crate::error::{Error, ErrorKind, Result};

/// A user or a group: by name, as the system's databases know it, or by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Account {
    /// By name; on Windows also by its security identifier as text, such as `S-1-5-32-545`.
    Name(String),
    /// By number, for a machine that has no name for it. On Windows accounts have no numbers.
    Id(u32),
}

impl From<&str> for Account {
    fn from(name: &str) -> Self {
        Account::Name(name.to_owned())
    }
}

impl From<String> for Account {
    fn from(name: String) -> Self {
        Account::Name(name)
    }
}

impl From<u32> for Account {
    fn from(id: u32) -> Self {
        Account::Id(id)
    }
}

/// What one may do; writing includes reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Right {
    Reads,
    Writes,
}

impl Right {
    /// The permission bits of one class of users.
    const fn bits(self) -> u32 {
        match self {
            Right::Reads => 0o4,
            Right::Writes => 0o6,
        }
    }
}

/// Who may use an object of [`Scope::Machine`](crate::Scope::Machine), and whom its users trust.
///
/// Its owner, who is whoever created it first, always reads and writes; root may do everything. Whoever
/// may write may also end the object or take its name away.
///
/// ```
/// use cohabit::Access;
/// let only_my_programs = Access::owner();
/// let operators = Access::group("ops").writes();
/// let dashboard = Access::everyone().reads().and(Access::group("ops").writes());
/// let from_the_service = Access::group("ops").writes().trust_user("svc");
/// ```
///
/// **Rights** count for the one who makes the object, and stay when its last user has left and another
/// one makes it anew. The umask and access control lists change nothing.
///
/// **Trust** counts for everyone who opens. Anybody can put something in the place of a name that is
/// free, so an opener believes only what belongs to root, to its own user, or to whom it trusts by
/// name; anything else is refused with `OtherOwner`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    everyone: Option<Right>,
    groups: Vec<(Account, Right)>,
    trusted_users: Vec<Account>,
    trusted_groups: Vec<Account>,
}

/// Whom an [`Access`] speaks of; say what they may do, with `reads` or `writes`.
#[derive(Clone, Debug)]
#[must_use = "say what they may do: .reads() or .writes()"]
pub struct Sharing {
    group: Option<Account>,
}

impl Sharing {
    /// They read: with a `SharedView`, which can disturb nobody.
    #[must_use]
    pub fn reads(self) -> Access {
        self.may(Right::Reads)
    }

    /// They read and write.
    #[must_use]
    pub fn writes(self) -> Access {
        self.may(Right::Writes)
    }

    fn may(self, right: Right) -> Access {
        match self.group {
            None => Access { everyone: Some(right), ..Access::default() },
            Some(group) => Access { groups: vec![(group, right)], ..Access::default() },
        }
    }
}

impl Access {
    /// Its owner alone: whichever user creates it.
    #[must_use]
    pub fn owner() -> Access {
        Access::default()
    }

    /// The members of a group, by its name or number. Only a member or root can make such an object.
    pub fn group(group: impl Into<Account>) -> Sharing {
        Sharing { group: Some(group.into()) }
    }

    /// Every user of the machine.
    pub fn everyone() -> Sharing {
        Sharing { group: None }
    }

    /// Both: what either allows. An object has one group.
    #[must_use]
    pub fn and(mut self, other: Access) -> Access {
        self.everyone = self.everyone.max(other.everyone);
        for (group, right) in other.groups {
            match self.groups.iter_mut().find(|(known, _)| *known == group) {
                Some((_, known)) => *known = right.max(*known),
                None => self.groups.push((group, right)),
            }
        }
        self.trusted_users.extend(other.trusted_users);
        self.trusted_groups.extend(other.trusted_groups);
        self
    }

    /// Believes also what belongs to this user.
    #[must_use]
    pub fn trust_user(mut self, user: impl Into<Account>) -> Access {
        self.trusted_users.push(user.into());
        self
    }

    /// Believes also what belongs to a user whom the system's databases list as a member of this group:
    /// for programs of several users of which any may come first.
    #[must_use]
    pub fn trust_group(mut self, group: impl Into<Account>) -> Access {
        self.trusted_groups.push(group.into());
        self
    }

    /// Permission bits of the object's files, and the group that they speak of.
    ///
    /// A user who is in the group is judged by the bits of the group alone, so these include what
    /// everyone may.
    pub(crate) fn rights(&self, name: &str) -> Result<Rights> {
        let everyone = self.everyone.map_or(0, Right::bits);
        let (group, bits) = match self.groups.as_slice() {
            [] => (None, everyone),
            [(group, right)] => (Some(group_id(group, name)?), right.bits() | everyone),
            _ => {
                let detail = "expected one group that has rights, found several";
                return Err(Error::new(ErrorKind::TwoGroups, name, detail));
            }
        };
        Ok(Rights { mode: 0o600 | bits << 3 | everyone, group })
    }

    /// Whom an opener trusts, beside root and itself.
    pub(crate) fn trust(&self, name: &str) -> Result<Trust> {
        let users = self.trusted_users.iter().map(|user| user_id(user, name));
        let groups = self.trusted_groups.iter().map(|group| group_id(group, name));
        Ok(Trust { users: users.collect::<Result<_>>()?, groups: groups.collect::<Result<_>>()? })
    }
}

/// Users and groups that are trusted, by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust {
    users: Vec<u32>,
    groups: Vec<u32>,
}

impl Trust {
    /// Whether what belongs to `user` is believed. If the databases cannot be asked, it is not.
    pub(crate) fn includes(&self, user: u32) -> bool {
        let is_member = |group: &u32| accounts::is_member(user, *group).unwrap_or(false);
        self.users.contains(&user) || self.groups.iter().any(is_member)
    }
}

fn user_id(user: &Account, name: &str) -> Result<u32> {
    resolve(user, name, "user", accounts::user_id)
}

fn group_id(group: &Account, name: &str) -> Result<u32> {
    resolve(group, name, "group", accounts::group_id)
}

fn resolve(
    account: &Account,
    name: &str,
    what: &str,
    look_up: fn(&str) -> cohabit_os::Result<Option<u32>>,
) -> Result<u32> {
    let account = match account {
        Account::Id(number) => {
            return accounts::by_number(*number).ok_or_else(|| {
                let detail = format!(
                    "accounts have no numbers on this system: expected the {what}'s name or identifier, \
                     such as S-1-5-32-545, found {number}"
                );
                Error::new(ErrorKind::AccountUnknown, name, detail)
            });
        }
        Account::Name(account) => account,
    };
    let found = look_up(account)
        .map_err(|e| Error::from_os(name, &format!("looking up the {what} {account}"), e))?;
    found.ok_or_else(|| {
        let detail = format!("this machine knows no {what} of the name {account:?}");
        Error::new(ErrorKind::AccountUnknown, name, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cohabit_os::Mechanism;
    use cohabit_os::process::effective_uid;

    fn mode(access: Access) -> u32 {
        access.rights("x").expect("rights").mode
    }

    /// A group that every system takes.
    fn group() -> (Account, u32) {
        let account = match cohabit_os::mechanism() {
            Mechanism::Windows => Account::from("S-1-5-32-545"),
            _ => Account::from(7),
        };
        let id = group_id(&account, "x").expect("a group");
        (account, id)
    }

    #[test]
    fn a_sentence_becomes_permission_bits() {
        let ops = || Access::group(group().0);
        assert_eq!(mode(Access::owner()), 0o600);
        assert_eq!(mode(ops().reads()), 0o640);
        assert_eq!(mode(ops().writes()), 0o660);
        assert_eq!(mode(Access::everyone().reads()), 0o644);
        assert_eq!(mode(Access::everyone().writes()), 0o666);
        let both = Access::everyone().reads().and(ops().writes());
        let expected = Rights { mode: 0o664, group: Some(group().1) };
        assert_eq!(both.rights("x").expect("rights"), expected);
        assert_eq!(mode(ops().writes().and(Access::everyone().reads())), 0o664);
        assert_eq!(mode(ops().reads().and(ops().writes())), 0o660);
        // Who is in the group is everyone too.
        assert_eq!(mode(Access::everyone().writes().and(ops().reads())), 0o666);
        assert_eq!(mode(Access::owner().and(Access::everyone().reads())), 0o644);
    }

    #[test]
    fn two_groups() {
        let access = Access::group(7).writes().and(Access::group(8).reads());
        assert_eq!(access.rights("x").expect_err("two").code(), "two-groups");
    }

    #[test]
    fn numbers_of_accounts_are_those_of_unix() {
        let found = Access::owner().trust_user(1001).trust("x").map(|trust| trust.includes(1001));
        match cohabit_os::mechanism() {
            Mechanism::Windows => {
                let error = found.expect_err("whose number would it be?");
                assert_eq!(error.code(), "account-unknown");
                assert!(error.detail().contains("S-1-5-32-545, found 1001"), "{error}");
            }
            _ => assert!(found.expect("a user")),
        }
    }

    #[test]
    fn account_unknown() {
        let access = Access::group("no-such-group-here").writes();
        let error = access.rights("x").expect_err("unknown");
        assert_eq!(error.code(), "account-unknown");
        assert!(error.detail().contains("group of the name \"no-such-group-here\""), "{error}");
        let error = access.trust_user("no-such-user-here").trust("x").expect_err("unknown");
        assert!(error.detail().contains("user of the name"), "{error}");
    }

    #[test]
    fn trust_is_by_name_or_by_membership() {
        // Root's primary group is its own, on every Unix; every Windows has the group of its users.
        let (user, name, group) = match cohabit_os::mechanism() {
            Mechanism::Windows => {
                let me = effective_uid();
                let name = accounts::user_name(me).expect("a name");
                (me, name, Account::from("S-1-5-32-545"))
            }
            _ => (0, "root".to_owned(), Account::from(0)),
        };
        let trust = Access::owner().trust_user(&*name).trust("x").expect("known");
        assert!(trust.includes(user) && !trust.includes(8));
        let trust = Access::owner().trust_group(group).trust("x").expect("known");
        assert!(trust.includes(user) && !trust.includes(0x7fff_fff0));
    }
}
