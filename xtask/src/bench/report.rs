//! Figures: what was measured, beside what, against which limit; as text and as JSON.

use std::fmt;

use serde_json::{Value, json};

use crate::tools::Outcome;

/// One line of the report.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    name: String,
    measured: Option<Quantity>,
    /// What the floor is, and how much of it.
    floor: Option<(&'static str, Quantity)>,
    /// The measured over the floor, by the median of the rounds.
    ratio: Option<f64>,
    limit: Option<Limit>,
    /// A better limit that is aimed for.
    aim: Option<f64>,
    note: Option<String>,
    exception: Option<Exception>,
}

/// A number and what it counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quantity(pub(super) f64, pub(super) &'static str);

/// What the ratio, or without a floor the measured number, is held against.
#[derive(Clone, Copy, Debug)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

/// Why there is no verdict by number.
#[derive(Clone, Debug)]
enum Exception {
    /// Something that the measurement needs is not here.
    Skipped(String),
    /// What must hold on every machine does not.
    Broken(String),
    /// It held; there is no number to it.
    Held,
}

impl Figure {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            measured: None,
            floor: None,
            ratio: None,
            limit: None,
            aim: None,
            note: None,
            exception: None,
        }
    }

    pub(super) fn measured(mut self, number: f64, unit: &'static str) -> Self {
        self.measured = Some(Quantity(number, unit));
        self
    }

    pub(super) fn floor(mut self, what: &'static str, floor: Quantity, ratio: f64) -> Self {
        self.floor = Some((what, floor));
        self.ratio = Some(ratio);
        self
    }

    pub(super) fn at_most(mut self, limit: f64) -> Self {
        self.limit = Some(Limit::AtMost(limit));
        self
    }

    pub(super) fn at_least(mut self, limit: f64) -> Self {
        self.limit = Some(Limit::AtLeast(limit));
        self
    }

    pub(super) fn aim(mut self, aim: f64) -> Self {
        self.aim = Some(aim);
        self
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    pub(super) fn skipped(mut self, why: impl Into<String>) -> Self {
        self.exception = Some(Exception::Skipped(why.into()));
        self
    }

    pub(super) fn broken(mut self, why: impl Into<String>) -> Self {
        self.exception = Some(Exception::Broken(why.into()));
        self
    }

    pub(super) fn held(mut self) -> Self {
        self.exception = Some(Exception::Held);
        self
    }

    fn verdict(&self) -> &'static str {
        match (&self.exception, self.limit, self.compared()) {
            (Some(Exception::Skipped(_)), ..) => "SKIPPED",
            (Some(Exception::Broken(_)), ..) => "BROKEN",
            (Some(Exception::Held), ..) => "PASS",
            (None, Some(limit), Some(number)) if limit.holds(number) => "PASS",
            (None, Some(_), _) => "MISS",
            (None, None, _) => "-",
        }
    }

    /// The number that the limit is about.
    fn compared(&self) -> Option<f64> {
        self.ratio.or(self.measured.map(|Quantity(number, _)| number))
    }

    /// How a limit is written: ratios with a cross, others in the unit of the measured.
    fn in_unit(&self, number: f64) -> String {
        match self.measured {
            _ if self.ratio.is_some() => format!("{number} ×"),
            Some(Quantity(_, unit)) => format!("{number} {unit}"),
            None => number.to_string(),
        }
    }

    fn why(&self) -> Option<&str> {
        match &self.exception {
            Some(Exception::Skipped(why) | Exception::Broken(why)) => Some(why),
            _ => None,
        }
    }

    fn to_json(&self) -> Value {
        let number = |quantity: Quantity| json!({ "number": quantity.0, "unit": quantity.1 });
        let limit = self.limit.map(|limit| match limit {
            Limit::AtMost(most) => json!({ "at_most": most }),
            Limit::AtLeast(least) => json!({ "at_least": least }),
        });
        let floor = self
            .floor
            .map(|(what, floor)| json!({ "what": what, "number": floor.0, "unit": floor.1 }));
        json!({
            "name": self.name,
            "measured": self.measured.map(number),
            "floor": floor,
            "ratio": self.ratio,
            "limit": limit,
            "aim": self.aim,
            "verdict": self.verdict(),
            "note": self.note,
            "why": self.why(),
        })
    }
}

impl Limit {
    fn holds(self, number: f64) -> bool {
        match self {
            Limit::AtMost(most) => number <= most,
            Limit::AtLeast(least) => number >= least,
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Quantity(number, unit) = *self;
        let decimals = match number.abs() {
            _ if number.fract() == 0.0 => 0,
            100.0.. => 0,
            10.0.. => 1,
            _ => 2,
        };
        write!(f, "{number:.decimals$} {unit}")
    }
}

impl fmt::Display for Figure {
    /// `name: measured (floor …) limit … PASS`, in columns.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let measured = self.measured.map_or_else(String::new, |m| m.to_string());
        write!(f, "{:<34} {measured:>14}  ", format!("{}:", self.name))?;
        let floor = self.floor.map_or_else(String::new, |(what, floor)| {
            format!("(floor: {what} {floor}; {:.2} ×)", self.ratio.unwrap_or(0.0))
        });
        write!(f, "{floor:<56}")?;
        let limit = self.limit.map_or_else(String::new, |limit| match limit {
            Limit::AtMost(most) => format!("limit ≤ {}", self.in_unit(most)),
            Limit::AtLeast(least) => format!("limit ≥ {}", self.in_unit(least)),
        });
        let aim = self.aim.map_or_else(String::new, |aim| format!(", aim {}", self.in_unit(aim)));
        write!(f, " {:<22} {}", limit + &aim, self.verdict())?;
        for text in self.why().into_iter().chain(self.note.as_deref()) {
            for line in text.lines() {
                write!(f, "\n    {line}")?;
            }
        }
        Ok(())
    }
}

/// All figures as one document.
pub(super) fn json(figures: &[Figure]) -> Value {
    figures.iter().map(Figure::to_json).collect()
}

/// Fails if anything is broken; a limit that is missed is no failure.
pub(super) fn outcome(figures: &[Figure]) -> Outcome {
    let broken = figures.iter().filter(|figure| figure.verdict() == "BROKEN");
    let names: Vec<&str> = broken.map(|figure| figure.name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(format!("what must hold on every machine does not: {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_about_the_ratio_where_there_is_a_floor() {
        let floor = Quantity(5.0, "ns");
        let get = Figure::new("get").measured(10.0, "ns").floor("copy", floor, 2.0);
        assert_eq!(get.clone().at_most(2.5).verdict(), "PASS");
        assert_eq!(get.clone().at_most(1.5).verdict(), "MISS");
        assert_eq!(get.clone().at_least(2.0).verdict(), "PASS");
        assert_eq!(get.verdict(), "-");
        let list = Figure::new("list").measured(0.4, "s").at_most(1.0);
        assert_eq!(list.verdict(), "PASS");
        assert!(list.to_string().contains("limit ≤ 1 s"), "{list}");
    }

    #[test]
    fn only_what_is_broken_fails() {
        let missed = Figure::new("slow").measured(2.0, "s").at_most(1.0);
        let skipped = Figure::new("none").skipped("no tool");
        assert_eq!(outcome(&[missed.clone(), skipped.clone()]), Ok(()));
        let torn = Figure::new("reads").measured(1.0, "ns").broken("a torn value");
        assert!(outcome(&[missed, torn, skipped]).unwrap_err().ends_with(": reads"));
    }
}
