//! What a CallManager is to a phone.

/// A server's place in a phone's list.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The first choice.
    Primary,
    /// The second choice.
    Secondary,
    /// The third choice.
    Tertiary,
    /// A router at the site that takes over when no server is reached.
    Srst,
    /// Nothing told it.
    #[default]
    Unknown,
}

impl Role {
    /// Every role, from the most wanted to the least.
    pub const ALL: [Self; 5] = [
        Self::Primary,
        Self::Secondary,
        Self::Tertiary,
        Self::Srst,
        Self::Unknown,
    ];

    /// The role of the server at `place` (0 is the first) of a list in order of priority.
    pub const fn of_place(place: usize) -> Self {
        match place {
            0 => Self::Primary,
            1 => Self::Secondary,
            2 => Self::Tertiary,
            _ => Self::Unknown,
        }
    }

    /// The word of the configuration, the report and the metrics label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
            Self::Tertiary => "tertiary",
            Self::Srst => "srst",
            Self::Unknown => "unknown",
        }
    }

    /// How far down the list it stands; `None` where nothing told it.
    pub const fn rank(self) -> Option<u8> {
        match self {
            Self::Primary => Some(0),
            Self::Secondary => Some(1),
            Self::Tertiary => Some(2),
            Self::Srst => Some(3),
            Self::Unknown => None,
        }
    }
}
