//! `List<T, N>` as a list.

use std::collections::HashSet;

use cohabit::{List, ListFull, Text, plain, text};

#[plain]
#[derive(Debug, PartialEq)]
struct NotClone {
    name: Text<8>,
}

#[test]
fn it_is_full_at_its_room() {
    let mut list = List::<u16, 2>::new();
    assert!(list.is_empty() && !list.is_full());
    assert_eq!((list.push(1), list.push(2), list.push(3)), (Ok(()), Ok(()), Err(3)));
    assert!(list.is_full());
    assert_eq!((list.pop(), list.pop(), list.pop()), (Some(2), Some(1), None));
    assert_eq!(List::<u16, 2>::CAPACITY, 2);
}

#[test]
fn elements_need_neither_copy_nor_clone() {
    let mut list = List::<NotClone, 3>::default();
    for name in [text!("b"), text!("c")] {
        assert!(list.push(NotClone { name }).is_ok());
    }
    assert!(list.insert(0, NotClone { name: text!("a") }).is_ok());
    let refused = list.insert(1, NotClone { name: text!("d") });
    assert_eq!(refused, Err(NotClone { name: text!("d") }));
    assert_eq!(list.iter().map(|one| one.name.to_string()).collect::<String>(), "abc");
    assert_eq!(list.remove(1).name, "b");
    assert_eq!(list[1].name, "c");
    let list = List::<NotClone, 3>::try_from_iter(list.pop()).unwrap();
    assert_eq!(list.len(), 1);
}

#[plain]
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Copied {
    list: List<u8, 4>,
}

#[plain]
#[derive(Debug, Clone, PartialEq)]
struct OnlyClone {
    name: Text<8>,
}

#[test]
fn a_list_of_what_can_be_cloned_can_be_cloned() {
    let list = List::<OnlyClone, 3>::try_from_iter([OnlyClone { name: text!("a") }]).unwrap();
    assert_eq!(list.clone(), list);
}

#[test]
fn a_list_of_what_can_be_copied_can_be_copied() {
    let mut one = Copied { list: List::try_from([1, 2]).unwrap() };
    let other = one;
    one.list.clear();
    assert_eq!((one.list.len(), other.list.len()), (0, 2));
}

#[test]
fn it_is_a_slice() {
    let mut list = List::<u8, 5>::try_from([3, 1, 2]).unwrap();
    list.sort_unstable();
    assert_eq!(list, [1, 2, 3]);
    for element in &mut list {
        *element *= 2;
    }
    assert_eq!((&list).into_iter().sum::<u8>(), 12);
    assert_eq!((list.first(), list.get(3)), (Some(&2), None));
    assert_eq!(format!("{list:?}"), "[2, 4, 6]");
    list.truncate(9);
    list.truncate(1);
    assert_eq!(list, *[2_u8].as_slice());
    list.clear();
    assert_eq!(list, List::<u8, 1>::new());
}

#[test]
fn what_does_not_fit_changes_nothing() {
    let mut list = List::<u8, 4>::try_from(&[1, 2][..]).unwrap();
    let full: ListFull = list.extend_from_slice(&[3, 4, 5]).unwrap_err();
    assert_eq!((full.needed, full.available), (5, 4));
    assert_eq!(full.to_string(), "the list needs 5 elements, and has room for 4");
    assert_eq!(list, [1, 2]);
    list.extend_from_slice(&[3, 4]).unwrap();
    assert_eq!(list, [1, 2, 3, 4]);
    assert!(List::<u8, 4>::try_from([0; 5]).is_err());
    assert!(List::<u8, 4>::try_from(&[0; 5][..]).is_err());
    assert!(List::<u8, 4>::try_from_iter(0..9).is_err());
}

#[test]
fn equality_order_and_hash_are_those_of_the_elements() {
    let one = List::<u8, 4>::try_from([1, 2]).unwrap();
    let mut other = List::<u8, 4>::try_from([1, 2, 3]).unwrap();
    assert!(one < other);
    other.pop();
    assert_eq!(one, other);
    assert_eq!(HashSet::from([one, other]).len(), 1);
}

#[test]
#[should_panic(expected = "behind the end of the list")]
fn inserting_behind_the_end_is_refused() {
    let _ = List::<u8, 4>::new().insert(1, 0);
}
