//! What to do after a 402 to a payment. Pure: sending, waiting and saving are the caller's acts.

use uraiden_core::TokenAmount;

use crate::charge::{Charge, Complaint};
use crate::{Error, Payer};

/// What to do next.
#[derive(Debug)]
pub(crate) enum Next {
    /// Send the same proof again after a pause: time mends it.
    Repeat(Missing),
    /// The server holds this balance, proved by our own signature: go on from it.
    Resume(TokenAmount),
    /// The server has accepted the payment, but did not serve for it.
    Lost,
}

/// What the server is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The channel's opening.
    Opening,
    /// Blocks on top of it.
    Confirmations,
    /// A deposit that covers the balance.
    Deposit,
}

/// Judges a 402 to the proof of `sent`.
///
/// `young`: as far as we know the channel has not paid yet, so that the server may not have seen it.
///
/// # Errors
///
/// [`Error::ChannelRefused`], [`Error::ProofRefused`], [`Error::FalseBalance`] and [`Error::Unexplained`].
pub(crate) fn judge(payer: &Payer, sent: TokenAmount, young: bool, charge: &Charge) -> Result<Next, Error> {
    let held = charge.held.map(|held| held.verified(payer)).transpose()?;
    match (charge.complaint, held) {
        (Some(Complaint::NonexistingChannel), _) if young => Ok(Next::Repeat(Missing::Opening)),
        (Some(Complaint::NonexistingChannel), _) => Err(Error::ChannelRefused { channel: *payer.channel() }),
        (Some(Complaint::InsufficientConfirmations), _) => Ok(Next::Repeat(Missing::Confirmations)),
        (Some(Complaint::InvalidBalanceProof), Some(_)) => Ok(Next::Repeat(Missing::Deposit)),
        (Some(Complaint::InvalidBalanceProof), None) => {
            Err(Error::ProofRefused { channel: *payer.channel() })
        }
        // A balance of 0 is never a payment, only a question for the state.
        (Some(Complaint::InvalidAmount) | None, Some(balance)) if balance == sent && !sent.is_zero() => {
            Ok(Next::Lost)
        }
        (Some(Complaint::InvalidAmount), Some(balance)) => Ok(Next::Resume(balance)),
        // The original server says so to a balance above the deposit.
        (None, Some(balance)) if balance.checked_add(charge.terms.price.amount()) == Some(sent) => {
            Ok(Next::Repeat(Missing::Deposit))
        }
        (None, Some(balance)) => Ok(Next::Resume(balance)),
        (Some(Complaint::InvalidAmount) | None, None) => Err(Error::Unexplained { sent }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PrivateKeySigner;
    use crate::charge::{Held, Terms};
    use uraiden_core::{Address, BlockNumber, Price};

    const PRICE: u64 = 10;

    #[test]
    fn each_answer_to_a_payment_of_10_on_top_of_50() {
        use Complaint::*;
        let ours = payer();
        let signed = |balance| Some(held(&ours, balance));
        for (complaint, held, outcome) in [
            (Some(NonexistingChannel), None, "channel-refused"),
            (Some(InsufficientConfirmations), None, "repeat-Confirmations"),
            (Some(InvalidBalanceProof), None, "proof-refused"),
            (Some(InvalidBalanceProof), signed(50), "repeat-Deposit"),
            (Some(InvalidAmount), signed(70), "resume-70"), // we had lost our state
            (Some(InvalidAmount), signed(40), "resume-40"), // the server took one back
            (Some(InvalidAmount), signed(60), "lost"),
            (Some(InvalidAmount), None, "unexplained"),
            (None, signed(60), "lost"),
            (None, signed(50), "repeat-Deposit"), // the original server, above the deposit
            (None, signed(70), "resume-70"),
            (None, None, "unexplained"),
        ] {
            let found = outcome_of(&ours, 60, false, complaint, held);
            assert_eq!(found, outcome, "{complaint:?} {held:?}");
        }
    }

    #[test]
    fn a_young_channel_may_be_unknown_to_the_server() {
        let ours = payer();
        let found = outcome_of(&ours, 10, true, Some(Complaint::NonexistingChannel), None);
        assert_eq!(found, "repeat-Opening");
    }

    #[test]
    fn a_balance_counts_only_with_our_own_signature() {
        let ours = payer();
        let stranger = payer();
        let unsigned = Held { balance: TokenAmount::new(70), signature: None };
        let other_balance = Held { balance: TokenAmount::new(80), ..held(&ours, 70) };
        for claimed in [unsigned, other_balance, held(&stranger, 70)] {
            for complaint in [Some(Complaint::InvalidAmount), None, Some(Complaint::InvalidBalanceProof)] {
                assert_eq!(outcome_of(&ours, 60, false, complaint, Some(claimed)), "false-balance");
            }
        }
    }

    #[test]
    fn a_question_for_the_state_is_no_lost_payment() {
        let ours = payer();
        let nothing = Held { balance: TokenAmount::ZERO, signature: None };
        assert_eq!(outcome_of(&ours, 0, false, None, Some(nothing)), "resume-0");
        assert_eq!(
            outcome_of(&ours, 0, false, Some(Complaint::InvalidAmount), Some(held(&ours, 70))),
            "resume-70"
        );
    }

    fn outcome_of(
        payer: &Payer,
        sent: u64,
        young: bool,
        complaint: Option<Complaint>,
        held: Option<Held>,
    ) -> String {
        let terms = Terms {
            price: Price::new(TokenAmount::new(PRICE)).unwrap(),
            contract: payer.channel().contract,
            receiver: payer.channel().receiver,
            token: Address([3; 20]),
            gateway_path: "/api/1".to_owned(),
        };
        match judge(payer, TokenAmount::new(sent), young, &Charge { terms, complaint, held }) {
            Ok(Next::Repeat(missing)) => format!("repeat-{missing:?}"),
            Ok(Next::Resume(balance)) => format!("resume-{balance}"),
            Ok(Next::Lost) => "lost".to_owned(),
            Err(Error::ChannelRefused { .. }) => "channel-refused".to_owned(),
            Err(Error::ProofRefused { .. }) => "proof-refused".to_owned(),
            Err(Error::FalseBalance { .. }) => "false-balance".to_owned(),
            Err(Error::Unexplained { .. }) => "unexplained".to_owned(),
            Err(other) => other.to_string(),
        }
    }

    fn held(payer: &Payer, balance: u64) -> Held {
        let proof = payer.proof(TokenAmount::new(balance));
        Held { balance: proof.balance, signature: Some(proof.signature) }
    }

    fn payer() -> Payer {
        Payer::new(PrivateKeySigner::random(), Address([1; 20]), Address([2; 20]), BlockNumber(7))
    }
}
