//! Which answers of the upstream are paid for.

use super::reader::{ConfigError, Node};

/// What becomes of a payment once the upstream has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChargeOn {
    /// It is kept whatever the answer.
    Request,
    /// It is kept below 500, and taken back otherwise.
    Success,
    /// It is kept for these answers.
    Statuses(Vec<Statuses>),
}

/// A status, or a hundred of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statuses {
    /// `304`.
    One(u16),
    /// `2xx`, by its first digit.
    Class(u16),
}

impl ChargeOn {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, ConfigError> {
        const EXPECTED: &str = "\"request\", \"success\" or a list such as [\"2xx\", \"304\"]";
        match node.value().as_str() {
            Some("request") => Ok(Self::Request),
            Some("success") => Ok(Self::Success),
            Some(_) => Err(node.unlike(EXPECTED)),
            None => {
                let items = node.array().map_err(|_| node.unlike(EXPECTED))?;
                if items.is_empty() {
                    return Err(node.unlike("at least one status"));
                }
                items.iter().map(Statuses::read).collect::<Result<_, _>>().map(Self::Statuses)
            }
        }
    }

    /// Whether an answer of this status is paid for.
    pub fn charges(&self, status: u16) -> bool {
        match self {
            Self::Request => true,
            Self::Success => status < 500,
            Self::Statuses(all) => all.iter().any(|own| match own {
                Statuses::One(one) => *one == status,
                Statuses::Class(digit) => status.checked_div(100) == Some(*digit),
            }),
        }
    }
}

impl Statuses {
    fn read(node: &Node<'_>) -> Result<Self, ConfigError> {
        let text = node.text()?;
        let digits = text.strip_suffix("xx").unwrap_or(text);
        let number = digits.parse::<u16>().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
        match number {
            Some(class @ 1..=5) if digits.len() < text.len() => Ok(Self::Class(class)),
            Some(one @ 100..=599) if digits.len() == text.len() => Ok(Self::One(one)),
            Some(_) | None => Err(node.unlike("a status such as \"304\", or a class such as \"2xx\"")),
        }
    }
}
