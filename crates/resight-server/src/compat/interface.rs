//! Which interfaces there are.

use std::str::FromStr;

/// The interface of another service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// `/add`, `/search` and so on, as the project `match` and TinEye's MatchEngine have them.
    Match,
    /// `/index/…`, as pastec has it.
    Pastec,
    /// `/api/…` with answers `{code, msg, data}`, as the project that Resight grew from has it.
    Origin,
}

impl Interface {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Match, Self::Pastec, Self::Origin];

    /// Its name in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Pastec => "pastec",
            Self::Origin => "origin",
        }
    }
}

impl FromStr for Interface {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| {
            let all = Self::ALL.map(Self::as_str).join(", ");
            format!("there are {all}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_have_names() {
        for one in Interface::ALL {
            assert_eq!(one.as_str().parse(), Ok(one));
        }
        assert!("tineye".parse::<Interface>().is_err());
    }
}
