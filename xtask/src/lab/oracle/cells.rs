//! The oracle of cells without a lock: no field torn, no neighbour set back, nobody in the way.
//!
//! **Cast.** The *victim*; the *mate*, a second user that stores the fields beside those of the victim,
//! in the same words, whenever the victim stands still; the *observer*, which maps read-only; the
//! *fresh* opener, which comes after the kill.
//!
//! **Model.** Each field holds a number in all its bytes. Promises, in each state in which the victim
//! is killed:
//! 1. a field that the victim stores is the old one or the new one, whole; of several, those before in
//!    memory are new, those behind are old;
//! 2. every other field is what its own writer stored last;
//! 3. the survivors can do what the victim did, and find it done;
//! 4. when all have left, the folder is empty, and no survivor holds a descriptor or mapping more.
use super::super::cast::{self, Player};
use super::super::list::{Operation, Touch};
use super::super::remains::Remains;
use super::super::step::{Stage, State, Verdict};
use super::super::trace::{Event, Method, Victim};
use super::{Findings, Ground, start_victim};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Instant;

/// The fields, as children tell them.
const FIELDS: [&str; 19] = [
    "hits", "flag", "a", "b", "c", "d", "e", "f", "g0", "g1", "g2", "g3", "g4", "g5", "g6", "g7",
    "g8", "h", "i",
];
const FLAG: usize = 1;
/// The fields that the mate stores.
const BESIDE: [usize; 6] = [2, 3, 5, 7, 17, 18];

/// The numbers that are stored: at first, by the victim, and after it by mate and fresh opener. Those
/// beside come from the last one on.
const FIRST: u8 = 1;
const VICTIM: u8 = 2;
const MATE: u8 = 3;
const FRESH: u8 = 4;
const BESIDE_FROM: u8 = 10;

/// The fields that an operation stores, in the order of the memory.
fn touched(touch: Touch) -> Range<usize> {
    match touch {
        Touch::Nothing => 0..0,
        Touch::Atomic => 0..1,
        Touch::Flag => FLAG..FLAG + 1,
        Touch::Part => 4..5,
        Touch::Span => 8..17,
        Touch::All => 2..19,
    }
}

/// The stage of one operation on an object with parts.
#[derive(Debug)]
pub(in super::super) struct CellsStage {
    operation: &'static Operation,
    touch: Touch,
    ground: Ground,
    folder: PathBuf,
    mate: Player,
    observer: Player,
    fresh: Player,
    held_before: Vec<(usize, usize)>,
    name: String,
    /// What each field holds but for the victim's stores.
    fields: [u8; FIELDS.len()],
    /// The number that the mate stored last.
    beside: u8,
}

impl CellsStage {
    /// Sets up the cast for one operation.
    pub(in super::super) fn new(
        operation: &'static Operation,
        touch: Touch,
    ) -> Result<Self, String> {
        let ground = Ground::new()?;
        let player = |name| Player::start(name, &["player", "cells"]);
        let (mate, observer, fresh) =
            (player("mate")?, player("observer")?, player("fresh opener")?);
        let folder = ground.folder();
        let mut stage = Self {
            operation,
            touch,
            ground,
            folder,
            mate,
            observer,
            fresh,
            held_before: Vec::new(),
            name: String::new(),
            fields: [FIRST; FIELDS.len()],
            beside: BESIDE_FROM,
        };
        stage.warm_up()?;
        Ok(stage)
    }

    fn cast(&mut self) -> [&mut Player; 3] {
        [&mut self.mate, &mut self.observer, &mut self.fresh]
    }

    fn place(&self) -> String {
        format!("{} {}", self.folder.display(), self.name)
    }

    fn begin(&mut self) -> Result<(), String> {
        self.name = self.ground.next_name();
        self.fields = [FIRST; FIELDS.len()];
        self.fields[FLAG] = as_shown(FLAG, FIRST);
        self.beside = BESIDE_FROM;
        let place = self.place();
        self.mate.ask(&format!("create {place}"))?;
        self.observer.ask(&format!("view {place}")).map(drop)
    }

    fn warm_up(&mut self) -> Result<(), String> {
        self.begin()?;
        let place = self.place();
        self.fresh.ask(&format!("open {place}"))?;
        for player in self.cast() {
            player.ask("leave")?;
        }
        self.held_before = self.holdings();
        Ok(())
    }

    fn holdings(&mut self) -> Vec<(usize, usize)> {
        let folder = self.folder.clone();
        let held = |player: &mut Player| cast::holdings(player.pid(), &folder).unwrap_or_default();
        self.cast().map(held).to_vec()
    }

    fn restore(&mut self) -> Result<(), String> {
        for player in self.cast() {
            player.replace()?;
        }
        self.ground.sweep();
        self.warm_up()
    }

    /// The mate stores beside the victim's fields, unless the victim stores these too.
    fn mate_stores_beside(&mut self) -> Result<(), String> {
        if self.touch == Touch::All {
            return Ok(());
        }
        self.beside = self.beside.wrapping_add(1).max(BESIDE_FROM);
        self.mate.ask(&format!("beside {}", self.beside))?;
        for field in BESIDE {
            self.fields[field] = self.beside;
        }
        Ok(())
    }

    /// The victim's operation by a survivor.
    fn again(&mut self, n: u8) -> Result<(), String> {
        let order = format!("do {} {n}", self.operation.name);
        let player = if n == MATE { &mut self.mate } else { &mut self.fresh };
        let done = if self.operation.name.starts_with("parts_") { "read" } else { &order };
        player.ask(done)?;
        for field in touched(self.touch) {
            self.fields[field] = as_shown(field, n);
        }
        Ok(())
    }

    /// Holds what somebody read against the model; fields of the victim may be `new` from the front.
    fn check(&self, who: &str, read: &str, new: Option<u8>, findings: &mut Findings) -> Vec<u8> {
        let mut seen = Vec::new();
        let mut is_behind = false;
        for (field, word) in read.split_whitespace().enumerate() {
            let name = FIELDS.get(field).copied().unwrap_or("?");
            let Ok(n) = word.parse::<u8>() else {
                findings.texts.push(format!("{who} read {name} torn: {word}"));
                return self.fields.to_vec();
            };
            seen.push(n);
            let old = self.fields.get(field).copied().unwrap_or(0);
            let may_be = new.filter(|_| touched(self.touch).contains(&field));
            let may_be = may_be.map(|new| as_shown(field, new));
            let is_new = may_be == Some(n) && !is_behind;
            is_behind |= may_be.is_some() && n == old && may_be != Some(old);
            findings.check(n == old || is_new, || {
                format!("{who} read {name} = {n}; it was {old}, and may be {may_be:?}")
            });
        }
        findings.check(seen.len() == FIELDS.len(), || format!("{who} read `{read}`"));
        seen
    }

    fn prove(&mut self, victim: Victim, findings: &mut Findings) -> Result<(), String> {
        let read = self.observer.ask("read")?;
        self.check("observer, before the kill,", &read, Some(VICTIM), findings);
        victim.kill();
        let read = self.mate.ask("read")?;
        let found = self.check("mate", &read, Some(VICTIM), findings);
        // From here on what the victim has stored is what there is.
        for (field, n) in touched(self.touch).filter_map(|field| Some((field, *found.get(field)?)))
        {
            self.fields[field] = n;
        }
        self.mate_stores_beside()?;
        let read = self.observer.ask("read")?;
        self.check("observer", &read, None, findings);
        self.again(MATE)?;
        let place = self.place();
        self.fresh.ask(&format!("open {place}"))?;
        let read = self.fresh.ask("read")?;
        self.check("fresh opener", &read, None, findings);
        self.again(FRESH)?;
        let read = self.observer.ask("read")?;
        self.check("observer, in the end,", &read, None, findings);
        Ok(())
    }

    fn all_leave(&mut self, findings: &mut Findings) -> Result<(), String> {
        for player in self.cast() {
            player.ask("leave")?;
        }
        let names = self.ground.names();
        findings.check(names.is_empty(), || format!("left in the folder: {names:?}"));
        let held = self.holdings();
        findings.check(held == self.held_before, || {
            let before = &self.held_before;
            format!("descriptors and mappings of the survivors: {held:?}, before: {before:?}")
        });
        Ok(())
    }
}

/// What a field shows that was stored with a number.
fn as_shown(field: usize, n: u8) -> u8 {
    if field == FLAG { n % 2 } else { n }
}

impl Stage for CellsStage {
    fn raise(&mut self, method: Method) -> Result<(Victim, Remains), String> {
        self.begin()?;
        let folder = self.folder.display().to_string();
        let mut remains = Remains::new(&self.folder);
        remains.follow(self.mate.pid()).map_err(|error| format!("the mate's mapping: {error}"))?;
        let (what, number) = (self.operation.name, VICTIM.to_string());
        let arguments = ["victim", "cells", what, &folder, &self.name, &number];
        let victim = start_victim(&arguments, &mut remains, method)?;
        self.mate_stores_beside()?;
        remains.look();
        Ok((victim, remains))
    }

    fn passed(&mut self, _: &Event, _: &mut Remains) -> Result<(), String> {
        self.mate_stores_beside()
    }

    fn judge(&mut self, victim: Victim, _: &mut Remains, _: &State) -> Result<Verdict, String> {
        let mut findings = Findings::default();
        let start = Instant::now();
        let proved = self.prove(victim, &mut findings);
        findings.keep(proved);
        let recovered = start.elapsed();
        if !findings.unsettled {
            let left = self.all_leave(&mut findings);
            findings.keep(left);
        }
        if findings.unsettled || !findings.texts.is_empty() {
            self.restore()?;
        }
        Ok(Verdict { violations: findings.texts, recovered })
    }

    fn finished(&mut self, _: &Victim, _: &mut Remains) -> Result<Vec<String>, String> {
        let mut findings = Findings::default();
        for field in touched(self.touch) {
            self.fields[field] = as_shown(field, VICTIM);
        }
        let read = self.observer.ask("read")?;
        self.check("observer, of what was done undisturbed,", &read, None, &mut findings);
        Ok(findings.texts)
    }

    fn clear(&mut self, victim: Victim) -> Result<(), String> {
        victim.kill();
        self.restore()
    }
}
