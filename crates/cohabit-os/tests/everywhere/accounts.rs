//! Names of accounts, and who this process is.

use cohabit_os::accounts::{group_id, group_name, is_member, user_id, user_name};
use cohabit_os::process::{
    Activity, command_line, condition, effective_uid, identity, random, started_ns,
};

#[test]
fn this_user_is_known_by_name_and_number() {
    let me = effective_uid();
    let name = user_name(me).expect("a name");
    assert_eq!(user_id(&name).expect("an answer"), Some(me), "{name}");
}

#[test]
fn what_nobody_knows_is_none() {
    for name in ["no-such-account-here", "", "with\0end"] {
        assert_eq!(user_id(name).expect("an answer"), None, "{name:?}");
        assert_eq!(group_id(name).expect("an answer"), None, "{name:?}");
    }
    const NOBODYS: u32 = 0x7fff_fff0;
    assert_eq!((user_name(NOBODYS), group_name(NOBODYS)), (None, None));
    assert!(!is_member(NOBODYS, 0).expect("an answer"));
}

#[test]
fn a_process_knows_who_it_is() {
    let me = identity();
    assert_eq!((me.pid, me.uid), (std::process::id(), effective_uid()));
    assert!(me.start > 0);
    assert_eq!(identity(), me);
    assert!(command_line(me.pid, me.start).is_some_and(|line| line.contains("everywhere")));
    assert_eq!(command_line(me.pid, me.start + 1), None, "another one of this id");
    let stands = condition(me.pid, me.start).is_some_and(|it| it.activity == Activity::Stopped);
    assert!(!stands, "who asks is not stopped");
    assert!(started_ns(me.start).is_some());
    let (mut one, mut two) = ([0; 300], [0; 300]);
    random(&mut one).expect("random bytes");
    random(&mut two).expect("random bytes");
    assert_ne!(one, two);
}
