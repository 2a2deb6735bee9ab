//! Names of users and groups.

use cohabit_os::accounts::{described, group_id, group_name, is_member, user_id, user_name};

/// No account of any system has it.
const NOBODYS: u32 = 0x7fff_fff0;

#[test]
fn root_is_known_by_both_names() {
    assert_eq!(user_id("root").expect("an answer"), Some(0));
    assert_eq!(user_name(0).as_deref(), Some("root"));
    let group = group_name(0).expect("group 0 has a name");
    assert_eq!(group_id(&group).expect("an answer"), Some(0));
    assert!(is_member(0, 0).expect("an answer"), "its primary group");
    assert!(!is_member(0, NOBODYS).expect("an answer"));
    assert_eq!(described(user_name(0), 0), "root (0)");
}

#[test]
fn what_nobody_knows_is_none() {
    for name in ["no-such-account-here", "", "with\0end", "a:b"] {
        assert_eq!(user_id(name).expect("an answer"), None, "{name:?}");
        assert_eq!(group_id(name).expect("an answer"), None, "{name:?}");
    }
    assert_eq!(user_name(NOBODYS), None);
    assert_eq!(group_name(NOBODYS), None);
    assert!(!is_member(NOBODYS, 0).expect("an answer"));
    assert_eq!(described(None, 5), "5");
}
