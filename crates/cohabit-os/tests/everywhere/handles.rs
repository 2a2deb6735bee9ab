//! Files without a name, events, and what a handle allows.

use cohabit_os::error::Cause;
use cohabit_os::event::Event;
use cohabit_os::handle::{AsFd, another, rights, to_give};
use cohabit_os::mapping::{Access, File};

use crate::support::portable_since;

#[test]
fn a_file_without_a_name_is_known_by_its_handles() {
    if portable_since("nothing keeps a peer from cutting memory without a name") {
        let refused = File::anonymous(5000, 0o600).expect_err("none");
        assert_eq!(refused.cause(), Cause::Unsupported);
        return;
    }
    let file = File::anonymous(5000, 0o600).expect("memory");
    let all = rights(&file).expect("rights");
    assert!(all.reads && all.writes && all.fixed_size && !all.no_new_writers);
    let given = to_give(&file, Access::ReadOnly).expect("a handle");
    let got = another(given.as_fd()).expect("an object's handle");
    let less = rights(&got).expect("rights");
    assert!(less.reads && !less.writes);
    let (one, other) = (file.status().expect("a status"), got.status().expect("a status"));
    assert_eq!((one.id, one.size, one.links), (other.id, 5000, 0));
    file.write_at(b"seen", 4996).expect("written");
    let mut bytes = [0; 8];
    assert_eq!(got.read_at(&mut bytes, 4996).expect("read"), 4);
    assert_eq!(&bytes[..4], b"seen");
    assert!(got.write_at(b"no", 0).is_err(), "it only reads");
}

#[test]
fn an_event_is_one_handle_that_can_be_raised_and_cleared() {
    let event = Event::new().expect("an event");
    event.raise();
    event.raise();
    event.clear();
    event.clear();
    let _handle = event.as_fd();
}
