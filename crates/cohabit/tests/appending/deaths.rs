//! Programs of both forms are killed in the middle of writing: nothing that anyone wrote is lost.

use crate::support::World;

#[test]
fn a_killed_older_program_takes_nothing_with_it() {
    for (holder, survivor) in [("old", "new"), ("new", "old"), ("large-old", "large-new")] {
        let world = World::new();
        let (mut dying, mut living) = (world.child(holder), world.child(survivor));
        dying.expect("create 7", "ok");
        living.expect("open", "ok");
        living.expect("update 5", "ok");
        let before = living.ask("get");
        dying.expect("hold 6", "holding");
        assert_eq!(living.ask("get"), before, "nothing half done is seen");
        dying.kill();
        assert_eq!(living.ask("get"), before);
        living.expect("set_part 8", "ok");
        let after = living.ask("get");
        assert_eq!(after, before.replacen('5', "8", 1), "the rest is what it was");
        let mut next = world.child(holder);
        next.expect("open", "ok");
        next.expect("update 9", "ok");
        living.expect("set_part 5", "ok");
        next.say("leave");
        next.finish();
        living.say("leave");
        living.finish();
        world.assert_empty();
    }
}

/// Whoever made it is dead, and so are all users: the next opener makes a new one, in its own form.
#[test]
fn an_orphan_of_another_form_is_replaced() {
    let world = World::new();
    let mut old = world.child("old");
    old.expect("create 7", "ok");
    old.kill();
    let mut new = world.child("new");
    new.expect("open_or_create 3", "ok");
    new.expect("get", "ok New { rpm: 3, small: 3, odd: 3, torque: 3.0, limit: Some(3) }");
    new.say("leave");
    new.finish();
    world.assert_empty();
}

/// Two forms write as fast as they can; each kill falls somewhere, and the sums of survivors are whole.
#[test]
fn kills_in_a_crowd_of_both_forms() {
    let world = World::new();
    let mut keeper = world.child("newest");
    keeper.expect("create 300", "ok");
    for round in 0..20_u32 {
        let mut writers = ["old", "new"].map(|role| world.child(role));
        for writer in &mut writers {
            writer.expect("open", "ok");
            // Not waited for: the kill falls before, in or behind one of these.
            for number in 0..50 {
                writer.say(format!("update {}", round * 50 + number));
            }
        }
        for mut writer in writers {
            if round % 2 == 0 {
                writer.hear();
            }
            writer.kill();
        }
        let seen = keeper.ask("get");
        assert!(seen.ends_with("name: \"300\", history: [300, 2], sum: 300 }"), "{seen}");
    }
    keeper.expect("update 1", "ok");
    keeper.say("leave");
    keeper.finish();
    world.assert_empty();
}
