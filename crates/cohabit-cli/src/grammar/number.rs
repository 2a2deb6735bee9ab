//! Numbers of all kinds, compared by their exact values: an `f32` with a `u128`, too.

use std::cmp::Ordering;

use cohabit::schema::Scalar;

use super::lexer::integer;
use crate::dynamic::{Whole, range_of};

/// A number of any kind.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    /// An integer of any kind.
    Whole(Whole),
    /// A float of either width.
    Float(f64),
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.compare(*other) == Some(Ordering::Equal)
    }
}

impl Number {
    fn whole(is_negative: bool, size: u128) -> Self {
        // Zero has no sign.
        Number::Whole(Whole { is_negative: is_negative && size > 0, size })
    }

    /// The number in canonical bytes.
    pub(super) fn of(scalar: Scalar, bytes: &[u8]) -> Self {
        match (scalar, bytes.len()) {
            (Scalar::F32, 4) => {
                let bits = u32::from_le_bytes(bytes.try_into().unwrap_or_default());
                Number::Float(f32::from_bits(bits).into())
            }
            (Scalar::F64, 8) => {
                let bits = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
                Number::Float(f64::from_bits(bits))
            }
            _ => Number::Whole(Whole::of(scalar, bytes)),
        }
    }

    /// The number that a text stands for, for comparing with a number of this kind.
    ///
    /// # Errors
    /// It is none, or none that this kind can be near to; in words.
    pub(super) fn literal(scalar: Scalar, text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_float = matches!(scalar, Scalar::F32 | Scalar::F64);
        if let Some(size) = integer(digits).filter(|_| !is_float) {
            let number = Number::whole(text.starts_with('-'), size);
            let (below, above) = range_of(scalar);
            let most = if text.starts_with('-') { below } else { above };
            if size > most {
                let below = if below > 0 { format!("-{below}") } else { "0".to_owned() };
                return Err(format!("that is from {below} to {above}, and never near {text}"));
            }
            return Ok(number);
        }
        let plain = text.replace('_', "");
        let float = match scalar {
            // As the nearest value of its own width: then 0.1 is what was set as 0.1.
            Scalar::F32 => plain.parse::<f32>().map(f64::from),
            _ => plain.parse::<f64>(),
        };
        float.map(Number::Float).map_err(|_| format!("{text} is no number"))
    }

    /// The integer, if it is one of at most 127 bits.
    pub(super) fn to_i128(self) -> Option<i128> {
        match self {
            Number::Whole(Whole { is_negative, size }) => {
                let size = i128::try_from(size).ok()?;
                Some(if is_negative { -size } else { size })
            }
            Number::Float(_) => None,
        }
    }

    /// Which one is larger; `None` with NaN.
    pub(super) fn compare(self, other: Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Float(left), Number::Float(right)) => left.partial_cmp(&right),
            (Number::Whole(_), Number::Float(right)) => self.compare_float(right),
            (Number::Float(left), Number::Whole(_)) => {
                other.compare_float(left).map(Ordering::reverse)
            }
            (Number::Whole(left), Number::Whole(right)) => {
                Some(match (left.is_negative, right.is_negative) {
                    (false, true) => Ordering::Greater,
                    (true, false) => Ordering::Less,
                    (false, false) => left.size.cmp(&right.size),
                    (true, true) => right.size.cmp(&left.size),
                })
            }
        }
    }

    /// An integer with a float, exactly: by the float's integer part first, then by the rest.
    fn compare_float(self, float: f64) -> Option<Ordering> {
        /// 2^128, which no integer reaches.
        const BEYOND: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0;
        if float.is_nan() {
            return None;
        }
        if float.abs() >= BEYOND {
            return Some(if float > 0.0 { Ordering::Less } else { Ordering::Greater });
        }
        let part = float.trunc();
        let by_part = self.compare(Number::whole(part < 0.0, part.abs() as u128))?;
        Some(by_part.then(part.total_cmp(&float)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(scalar: Scalar, text: &str) -> Number {
        Number::literal(scalar, text).unwrap()
    }

    #[test]
    fn integers_and_floats_are_compared_exactly() {
        let (float, whole) = (|text| of(Scalar::F64, text), |text| of(Scalar::I128, text));
        let order = [
            float("-1e40"),
            whole("-170141183460469231731687303715884105728"),
            whole("-9007199254740993"),
            float("-9007199254740992"),
            whole("-3"),
            float("-2.5"),
            whole("-2"),
            float("-0.5"),
            whole("0"),
            float("0.5"),
            whole("2"),
            float("2.5"),
            whole("3"),
            float("9007199254740992"),
            whole("9007199254740993"),
            of(Scalar::U128, "340282366920938463463374607431768211455"),
            float("1e40"),
        ];
        for (left, a) in order.iter().enumerate() {
            for (right, b) in order.iter().enumerate() {
                assert_eq!(a.compare(*b), Some(left.cmp(&right)), "{a:?} {b:?}");
            }
        }
        assert_eq!(float("-0.0").compare(whole("0")), Some(Ordering::Equal));
        assert_eq!(Number::Float(f64::NAN).compare(whole("0")), None);
    }

    #[test]
    fn bytes_are_numbers_of_their_kind() {
        assert_eq!(Number::of(Scalar::I16, &[0, 0x80]), of(Scalar::I32, "-32768"));
        assert_eq!(Number::of(Scalar::U16, &[0, 0x80]), of(Scalar::I32, "0x8000"));
        let tenth = 0.1_f32.to_le_bytes();
        assert_eq!(Number::of(Scalar::F32, &tenth), of(Scalar::F32, "0.1"));
        assert!(Number::literal(Scalar::U8, "256").is_err());
        assert!(Number::literal(Scalar::U8, "-1").is_err());
        assert!(Number::literal(Scalar::U8, "2.5").is_ok());
        assert!(Number::literal(Scalar::U8, "12abc").is_err());
    }
}
