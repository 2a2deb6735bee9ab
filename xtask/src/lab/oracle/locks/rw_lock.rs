//! A `RwLock`: readers together or a writer alone, and a death of a writer inside is told.
//!
//! What it guards are two numbers, equal when it is whole; every writer adds one to both. The words and the
//! numbers are read from the segment where the victim stands still:
//! 1. while the word names the victim, nobody else comes in, and who does not wait is told so. Once it is
//!    dead, others come in, and are told that a writer died inside exactly where the word named it without
//!    ENTERS, or where a mark says so from before;
//! 2. while a reader's word names the victim and the word does not, another reader comes in, and a writer does
//!    not. Once it is dead, the writer does, and nothing is told;
//! 3. where no word names the victim, it delays nobody, alive and stopped as it is: the mate writes before
//!    the kill;
//! 4. whoever comes in finds the numbers as they were when the one before left, and equal unless a death is
//!    told; it is told until a writer mends, and then no more.
use super::super::super::list::Scene;
use super::super::super::remains::Remains;
use super::super::super::trace::Event;
use super::super::Findings;
use super::names::{Names, Who};
use super::{Cast, GoesOn, Part, WHO, at, until_it_waits, until_word, word};

const OWNER_DIED: u64 = 1 << 17;
const POISONED: u64 = 1 << 18;
const AGE: u64 = 7 << 19;
const ENTERS: u64 = 1 << 22;

/// What is known of the case.
#[derive(Debug, Default)]
pub(super) struct Guarded {
    /// Who was named when.
    names: Names,
    /// The number in the segment when the victim began.
    sum: u64,
    /// Whether the mate is inside, to write or to read.
    mate_holds: Option<&'static str>,
    /// Whether the mate waits to come in, or has been in since.
    mate_came: bool,
    /// Where the victim stands still.
    facts: Facts,
}

/// What stands in the segment.
#[derive(Clone, Debug, Default)]
struct Facts {
    word: u64,
    readers: Vec<u64>,
    sums: [u64; 2],
}

impl Facts {
    fn read(remains: &mut Remains) -> Self {
        let [first, end] = at::RW_LOCK_READERS;
        Self {
            word: word(remains, at::RW_LOCK),
            readers: (first..end).step_by(8).map(|at| word(remains, at)).collect(),
            sums: at::RW_LOCK_SUMS.map(|at| word(remains, at)),
        }
    }

    fn is_dead_inside(&self) -> bool {
        (self.word & 0xffff != 0 && self.word & ENTERS == 0) || self.word & OWNER_DIED != 0
    }

    /// What the next one is told and finds.
    fn expected(&self) -> String {
        let told = match () {
            () if self.is_dead_inside() => "owner-died",
            () if self.word & POISONED != 0 => "poisoned",
            () => "whole",
        };
        format!("{told} {} {}", self.sums[0], self.sums[1])
    }

    /// The same after those inside have died, and one that only looked was there.
    fn after_a_look(self) -> Self {
        let died = if self.is_dead_inside() { OWNER_DIED } else { 0 };
        Self { word: self.word & POISONED | died, ..self }
    }

    /// The same after a writer that was told one thing, mended that and added.
    fn after_a_writer(self) -> Self {
        let sum = self.sums[0].max(self.sums[1]) + 1;
        let word = if self.is_dead_inside() { self.word & POISONED } else { 0 };
        Self { word, sums: [sum, sum], ..self }
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        self.readers.iter().copied().chain([self.word])
    }
}

impl Guarded {
    /// Whether the word names the victim.
    fn victim_has_the_word(&self) -> bool {
        self.names.who(self.facts.word) == Who::Victim
    }

    fn victim_reads(&self) -> bool {
        self.facts.readers.iter().any(|&word| self.names.who(word) == Who::Victim)
    }

    /// Whether the word names one that is stopped and lives.
    fn word_is_held(&self, cast: &Cast) -> bool {
        self.names.is_stopped(cast, self.facts.word)
    }

    /// The same, or a reader's word does.
    fn somebody_is_stopped(&self, cast: &Cast) -> bool {
        self.facts.words().any(|word| self.names.is_stopped(cast, word))
    }

    /// Whether the victim has added one already, or never will.
    fn victim_has_added(&self, cast: &Cast) -> bool {
        !cast.what.contains("write") || self.facts.sums.iter().all(|&sum| sum > self.sum)
    }

    fn mate_lets_go(&mut self, cast: &mut Cast) -> Result<(), String> {
        let Some(which) = self.mate_holds.take() else { return Ok(()) };
        cast.mate.ask("go")?;
        if which == "write" {
            self.facts.sums = self.facts.sums.map(|sum| sum + 1);
            self.facts.word &= !WHO;
        }
        Ok(())
    }

    /// The mate comes to look alone; for long, where the scene says so.
    fn mate_comes(&mut self, cast: &mut Cast, remains: &mut Remains) -> Result<(), String> {
        cast.mate.order("do rw_look_alone")?;
        self.mate_came = true;
        until_it_waits(&mut cast.mate);
        if cast.scene == Scene::LongAwaited {
            until_word(remains, at::RW_LOCK, |word| word & AGE != 0)?;
        }
        Ok(())
    }

    /// Those who do not wait: they ask the kernel at once, and are told who is in the way.
    fn others_try(&self, cast: &mut Cast, findings: &mut Findings) -> Result<(), String> {
        if self.word_is_held(cast) || self.mate_came {
            return cast.busy_at_their_deadline(&["do rw_try_read", "do rw_try_write"], findings);
        }
        let found = cast.fresh.ask("do rw_try_read")?;
        let expected = self.facts.expected();
        findings.check(found == expected, || {
            format!(
                "beside a reader that is stopped, one was told `{found}`, expected `{expected}`"
            )
        });
        cast.busy_at_their_deadline(&["do rw_try_write"], findings)
    }
}

impl Part for Guarded {
    fn set_scene(&mut self, cast: &mut Cast) -> Result<(), String> {
        match cast.scene {
            Scene::DeadHolder => cast.somebody_dies("writing"),
            Scene::DeadPins => cast.somebody_dies("reading"),
            Scene::Poisoned => cast.mate.ask("do rw_write_panics").map(drop),
            _ => Ok(()),
        }
    }

    fn first_begins(&mut self, remains: &mut Remains) {
        self.names.before_the_first(Facts::read(remains).words());
    }

    fn begin(&mut self, cast: &mut Cast, remains: &mut Remains) -> Result<(), String> {
        let facts = Facts::read(remains);
        self.names.before_the_victim(facts.words());
        self.sum = facts.sums[0].max(facts.sums[1]);
        if cast.scene == Scene::Held {
            // A writer is in the way of readers, and a reader of writers.
            let which = if cast.what.contains("write") { "read" } else { "write" };
            cast.mate.ask(&format!("hold {which}"))?;
            self.mate_holds = Some(which);
        }
        Ok(())
    }

    fn passed(
        &mut self,
        cast: &mut Cast,
        event: &Event,
        remains: &mut Remains,
    ) -> Result<(), String> {
        match (cast.scene, event) {
            (Scene::Held, event) if cast.is_first_wait(event) => self.mate_lets_go(cast),
            (Scene::Awaited | Scene::LongAwaited, Event::Changed(_)) if !self.mate_came => {
                self.facts = Facts::read(remains);
                let reads = self.victim_reads() && !self.victim_has_the_word();
                let writes = self.victim_has_the_word() && self.facts.word & ENTERS == 0;
                if reads || writes { self.mate_comes(cast, remains) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    fn before_the_kill(
        &mut self,
        cast: &mut Cast,
        remains: &mut Remains,
        findings: &mut Findings,
    ) -> Result<(), String> {
        self.facts = Facts::read(remains);
        if self.mate_holds.is_some() {
            return Ok(());
        }
        let is_inside = self.somebody_is_stopped(cast);
        if is_inside {
            self.others_try(cast, findings)?;
        }
        if !self.mate_came {
            cast.mate.order("do rw_look_alone")?;
            self.mate_came = true;
            if is_inside {
                until_it_waits(&mut cast.mate);
            }
        }
        if is_inside {
            let early = cast.mate.answered_ok();
            findings.check(!early, || "a writer came in beside one that lives".to_owned());
            return Ok(());
        }
        // The victim stands still and is not inside: the mate is done before it is dead.
        cast.mate.until_answered()?;
        self.facts = Facts::read(remains);
        Ok(())
    }

    /// Where the victim has the word, stopped, others wait and say so; where it reads, a reader comes in and a
    /// writer waits. Then it goes on, and they have the lock. Where it is not inside, the mate is done before
    /// it goes on.
    fn beside(
        &mut self,
        cast: &mut Cast,
        remains: &mut Remains,
        goes_on: &mut GoesOn<'_>,
        findings: &mut Findings,
    ) -> Result<(), String> {
        self.facts = Facts::read(remains);
        let (has_word, reads) = (self.victim_has_the_word(), self.victim_reads());
        let nobody_may_write = self.somebody_is_stopped(cast);
        let is_inside = has_word || reads;
        let has_added = !is_inside && self.victim_has_added(cast);
        if reads && !has_word {
            cast.fresh.order("do rw_read")?;
            until_it_waits(&mut cast.fresh);
            cast.companion.dies();
            let (found, expected) = (cast.fresh.settle("do rw_read")?, self.facts.expected());
            findings.check(found == expected, || {
                format!("beside a reader that is stopped: `{found}`, not `{expected}`")
            });
        }
        cast.mate.order("do rw_look_alone")?;
        until_it_waits(&mut cast.mate);
        let early = nobody_may_write && cast.mate.answered_ok();
        findings.check(!early, || "a writer came in beside one that is stopped".to_owned());
        cast.companion.dies();
        if is_inside {
            cast.busy_at_their_deadline(&["do rw_try_write", "do rw_write_briefly"], findings)?;
            if has_word {
                cast.busy_at_their_deadline(&["do rw_try_read", "do rw_read_briefly"], findings)?;
            }
            goes_on(&cast.companion, remains)?;
            let (added, expected) = (Facts::read(remains).sums, [self.sum + 1; 2]);
            let writes = cast.what.contains("write");
            findings.check(!writes || added == expected, || format!("it added: {added:?}"));
        }
        let found = cast.mate.settle("do rw_look_alone")?;
        self.facts = Facts::read(remains);
        let (news, base) = (self.facts.expected(), self.facts.sums[0].max(self.facts.sums[1]));
        findings.check(found == news, || format!("the mate: `{found}`, and not `{news}`"));
        let found = cast.fresh.ask("do rw_write")?;
        findings.check(found == news, || format!("a later one: `{found}`, and not `{news}`"));
        if !is_inside {
            goes_on(&cast.companion, remains)?;
        }
        let will_add = !is_inside && !has_added;
        let (facts, sum) = (Facts::read(remains), base + 1 + u64::from(will_add));
        let is_free = facts.words().all(|word| word & 0xffff == 0);
        findings.check(is_free && facts.sums == [sum; 2], || {
            format!("lost, or somebody inside: {facts:?}, and {sum} was to be there")
        });
        Ok(())
    }

    fn after_the_kill(&mut self, cast: &mut Cast, findings: &mut Findings) -> Result<(), String> {
        self.mate_lets_go(cast)?;
        let mut facts = std::mem::take(&mut self.facts);
        if self.mate_came {
            let found = cast.mate.settle("do rw_look_alone")?;
            findings.check(found == facts.expected(), || {
                format!("the mate was told `{found}`, expected `{}`", facts.expected())
            });
        }
        facts = facts.after_a_look();
        let found = cast.fresh.ask("do rw_read")?;
        findings.check(found == facts.expected(), || {
            format!("a reader was told `{found}`, expected `{}`", facts.expected())
        });
        for player in [&mut cast.fresh, &mut cast.mate] {
            let found = player.ask("do rw_write")?;
            findings.check(found == facts.expected(), || {
                format!("a later one was told `{found}`, expected `{}`", facts.expected())
            });
            facts = facts.after_a_writer();
        }
        let seen = cast.observer.ask("rw_peek")?;
        let expected = format!("{} {}", facts.sums[0], facts.sums[1]);
        findings.check(seen == expected, || format!("the observer saw {seen}, not {expected}"));
        Ok(())
    }

    fn finished(
        &mut self,
        cast: &mut Cast,
        remains: &mut Remains,
        findings: &mut Findings,
    ) -> Result<(), String> {
        if self.mate_came {
            cast.mate.settle("do rw_look_alone")?;
        }
        let facts = Facts::read(remains);
        let is_over = |word| !matches!(self.names.who(word), Who::Victim | Who::Player);
        findings.check(facts.words().all(is_over), || format!("still inside: {facts:?}"));
        let half_is_told = facts.word & OWNER_DIED != 0;
        findings.check(facts.sums[0] == facts.sums[1] || half_is_told, || {
            format!("half done: {facts:?}")
        });
        Ok(())
    }
}
