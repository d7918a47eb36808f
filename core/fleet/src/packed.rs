//! Rising lists of numbers in little space: the difference to the one before, in groups of seven bits (LEB128).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A rising list of numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Packed(Box<[u8]>);

impl Packed {
    /// Packs numbers that rise.
    pub(crate) fn new(rising: impl IntoIterator<Item = u32>) -> Self {
        let mut bytes = Vec::new();
        let mut last = 0;
        for number in rising {
            let mut rest = number.wrapping_sub(last);
            last = number;
            while rest >= 0x80 {
                bytes.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            bytes.push(rest as u8);
        }
        Self(bytes.into_boxed_slice())
    }

    /// How many bytes they take: each takes one at the least.
    pub(crate) fn size(&self) -> usize {
        self.0.len()
    }

    /// The numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let mut bytes = self.0.iter();
        let mut last = 0_u32;
        std::iter::from_fn(move || {
            let (mut number, mut shift) = (0_u32, 0);
            loop {
                let byte = *bytes.next()?;
                number |= u32::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    last = last.wrapping_add(number);
                    return Some(last);
                }
            }
        })
    }
}

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(<&[u8]>::deserialize(deserializer)?.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::Packed;

    #[test]
    fn numbers_come_back() {
        for numbers in [vec![], vec![0], vec![0, 1, 127, 128, 300, 70_000, u32::MAX]] {
            assert_eq!(Packed::new(numbers.iter().copied()).iter().collect::<Vec<_>>(), numbers);
        }
    }
}
