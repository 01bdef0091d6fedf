//! The groups of people whose contributions the state supports. Who belongs to one is not judged here.

/// A group that a rule of the state's support names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Of a poor household.
    Poor,
    /// Of an island commune.
    Island,
    /// Of a near-poor household.
    NearPoor,
    /// Of an ethnic minority.
    Minority,
    /// Of a household of farming, forestry, fishery or salt that lives averagely.
    Farming,
    /// Everybody else.
    Other,
}

impl Group {
    /// Every group, the best supported of voluntary insurance first.
    pub const ALL: [Self; 6] = [
        Self::Poor,
        Self::Island,
        Self::NearPoor,
        Self::Minority,
        Self::Farming,
        Self::Other,
    ];

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Poor => "poor",
            Self::Island => "island",
            Self::NearPoor => "near-poor",
            Self::Minority => "minority",
            Self::Farming => "farming",
            Self::Other => "other",
        }
    }

    /// The group of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.as_str() == word)
    }

    /// Its name in Vietnamese, as a page shows it.
    #[must_use]
    pub const fn vi(self) -> &'static str {
        match self {
            Self::Poor => "hộ nghèo",
            Self::Island => "xã đảo",
            Self::NearPoor => "hộ cận nghèo",
            Self::Minority => "dân tộc thiểu số",
            Self::Farming => "hộ nông, lâm, ngư, diêm nghiệp có mức sống trung bình",
            Self::Other => "đối tượng khác",
        }
    }

    /// Its row in the table of voluntary insurance.
    pub(super) const fn voluntary_row(self) -> &'static str {
        match self {
            Self::Poor | Self::Island => "poor household, island commune",
            Self::NearPoor => "near-poor household",
            Self::Minority => "ethnic minority",
            Self::Farming | Self::Other => "others",
        }
    }

    /// Its row in the table of households' health insurance, where it has one.
    pub(super) const fn household_row(self) -> Option<&'static str> {
        match self {
            Self::Poor | Self::Island => Some("poor household, island commune"),
            Self::NearPoor => Some("near-poor household"),
            Self::Farming => Some("average household of farming, forestry, fishery, salt"),
            Self::Minority | Self::Other => None,
        }
    }
}

/// The groups of one person on one day; everybody is of [`Group::Other`] too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Groups(u8);

impl Groups {
    /// With one more.
    #[must_use]
    pub const fn with(self, group: Group) -> Self {
        Self(self.0 | 1 << group as u8)
    }

    /// Each of them, and [`Group::Other`].
    pub fn iter(self) -> impl Iterator<Item = Group> {
        let belongs =
            move |group: &Group| *group == Group::Other || self.0 & 1 << *group as u8 != 0;
        Group::ALL.into_iter().filter(belongs)
    }
}

impl From<Group> for Groups {
    fn from(group: Group) -> Self {
        Self::default().with(group)
    }
}

impl FromIterator<Group> for Groups {
    fn from_iter<I: IntoIterator<Item = Group>>(groups: I) -> Self {
        groups.into_iter().fold(Self::default(), Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_has_a_word_and_is_found_by_it() {
        for group in Group::ALL {
            assert_eq!(Group::of_word(group.as_str()), Some(group));
            assert!(!group.vi().is_empty());
        }
        assert_eq!(Group::of_word("rich"), None);
    }

    #[test]
    fn everybody_is_of_the_others_too() {
        assert_eq!(Groups::default().iter().collect::<Vec<_>>(), [Group::Other]);
        let two: Groups = [Group::Minority, Group::Poor].into_iter().collect();
        assert_eq!(
            two.iter().collect::<Vec<_>>(),
            [Group::Poor, Group::Minority, Group::Other]
        );
        assert_eq!(two, two.with(Group::Poor));
    }
}
