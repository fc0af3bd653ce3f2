//! The receiver's key. It signs closing agreements and transactions, and never leaves this module.

use core::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use alloy::eips::eip2718::Encodable2718;
use alloy::network::{EthereumWallet, NetworkTransactionBuilder, TransactionBuilderError, TxSigner};
use alloy::primitives::B256;
use alloy::rpc::types::TransactionRequest;
use alloy::signers::Signer;
use alloy::signers::local::{LocalSignerError, PrivateKeySigner};
use uraiden_core::{Address, ChannelId, ClosingAgreement, Signature, TokenAmount};

use crate::secret::{self, SecretError};
use crate::settings::KeySource;

/// Chains on which everyone may know the key: those of development nodes, and 61, which the original clients can sign
/// for and which is therefore used in tests with them.
pub const DEVELOPMENT_CHAINS: [u64; 3] = [61, 1337, 31_337];

/// The accounts of the mnemonic "test test test test test test test test test test test junk", with which development
/// nodes start. Everyone has their keys.
const WELL_KNOWN: [&str; 20] = [
    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
    "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65",
    "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc",
    "0x976EA74026E726554dB657fA54763abd0C3a0aa9",
    "0x14dC79964da2C08b23698B3D3cc7Ca32193d9955",
    "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f",
    "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720",
    "0xBcd4042DE499D14e55001CcbB24a551F3b954096",
    "0x71bE63f3384f5fb98995898A86B02Fb2426c5788",
    "0xFABB0ac9d68B0B445fB7357272Ff202C5651694a",
    "0x1CBd3b2770909D4e10f157cABC84C7264073C9Ec",
    "0xdF3e18d64BC6A983f673Ab319CCaE4f1a57C7097",
    "0xcd3B766CCDd6AE721141F452C550Ca635964ce71",
    "0x2546BcD3c84621e976D8185a91A922aE77ECEc30",
    "0xbDA5747bFD65F08deb54cb465eB87D40e51B197E",
    "0xdD2FD4581271e230360230F9337D5c0430Bf44C0",
    "0x8626f6940E2eb28930eFb4CeF49B2d1F2C9C1199",
];

/// Whether everyone has the key of this account.
pub fn is_well_known(address: Address) -> bool {
    WELL_KNOWN.iter().any(|known| known.parse() == Ok(address))
}

/// The receiver's private key: in memory, or wherever a signer of the chain library has it.
pub struct ReceiverKey {
    signer: Arc<dyn Signer + Send + Sync>,
    wallet: EthereumWallet,
}

/// A transaction, signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTransaction {
    /// Its hash.
    pub hash: [u8; 32],
    /// What is sent.
    pub raw: Vec<u8>,
}

/// Shows whose key it is, and nothing of the key.
impl fmt::Debug for ReceiverKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReceiverKey({})", self.address())
    }
}

impl ReceiverKey {
    /// Reads the key.
    ///
    /// # Errors
    ///
    /// A file that others can read is refused, and one that holds no key.
    pub fn load(source: &KeySource) -> Result<Self, KeyError> {
        match source {
            KeySource::Plain(path) => signer(path.clone()).map(Self::new),
            KeySource::Keystore { keystore, password_file } => {
                let password = secret::read(password_file)?;
                PrivateKeySigner::decrypt_keystore(keystore, password)
                    .map(Self::new)
                    .map_err(|source| KeyError::Keystore { path: keystore.clone(), source })
            }
        }
    }

    /// The key behind this signer.
    pub fn new<S>(signer: S) -> Self
    where
        S: Signer + TxSigner<alloy::primitives::Signature> + Clone + Send + Sync + 'static,
    {
        Self { signer: Arc::new(signer.clone()), wallet: EthereumWallet::new(signer) }
    }

    /// The receiver.
    pub fn address(&self) -> Address {
        Address(self.signer.address().into_array())
    }

    /// Signs that the channel may be settled at once at this balance. The same request always gets the same
    /// signature.
    ///
    /// Whoever has it settles at this balance, whatever was paid since: it must not leave the process before the
    /// channel is durably marked as closing at this balance.
    ///
    /// # Errors
    ///
    /// The signer's, which for a key in memory do not happen.
    pub async fn sign_closing(
        &self,
        channel: &ChannelId,
        balance: TokenAmount,
    ) -> Result<Signature, SigningError> {
        let digest = ClosingAgreement::digest(channel, balance);
        let signature = self.signer.sign_hash(&B256::from(digest)).await?;
        Ok(Signature::from_bytes(&signature.as_bytes())?)
    }

    /// Signs a transaction of the receiver's account. Nothing may be missing in it: chain id, nonce, gas and fees.
    ///
    /// # Errors
    ///
    /// Names what is missing; or the signer's.
    pub async fn sign_transaction(
        &self,
        transaction: TransactionRequest,
    ) -> Result<SignedTransaction, SigningError> {
        let signed = transaction.build(&self.wallet).await?;
        Ok(SignedTransaction { hash: signed.tx_hash().0, raw: signed.encoded_2718() })
    }
}

/// Reads a file with the 64 hex digits of a private key, `0x` optional.
///
/// # Errors
///
/// As [`ReceiverKey::load`].
pub fn signer(path: PathBuf) -> Result<PrivateKeySigner, KeyError> {
    let text = secret::read(&path)?;
    // What is wrong is not said in more detail: the text may be most of a key.
    text.parse().map_err(|_| KeyError::NotAKey { path, characters: text.chars().count() })
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file of the key or of its password.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// No private key.
    #[error(
        "{} holds no private key: {characters} characters, where 64 hex digits of a number from 1 to the order of \
         secp256k1 are expected, 0x optional",
        path.display()
    )]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// How long its text is.
        characters: usize,
    },
    /// The keystore cannot be read, or not with this password.
    #[error("keystore {}: {source}", path.display())]
    Keystore {
        /// The file.
        path: PathBuf,
        /// Why.
        source: LocalSignerError,
    },
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The signer failed.
    #[error(transparent)]
    Signer(#[from] alloy::signers::Error),
    /// The transaction is not whole.
    #[error(transparent)]
    Transaction(#[from] TransactionBuilderError<alloy::network::Ethereum>),
    /// It made something that is no signature.
    #[error("the signer made {0}")]
    Malformed(#[from] uraiden_core::signature::SignatureError),
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use uraiden_core::BlockNumber;

    use super::*;

    /// Key 1 of the well-known mnemonic.
    const KEY: &str = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

    fn plain(text: &str) -> (tempfile::NamedTempFile, KeySource) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let source = KeySource::Plain(file.path().to_owned());
        (file, source)
    }

    /// The figures of the original code: receiver is account 1.
    #[tokio::test]
    async fn a_closing_agreement_is_the_one_of_the_original_code() {
        let (_file, source) = plain(KEY);
        let key = ReceiverKey::load(&source).unwrap();
        let channel = ChannelId {
            contract: "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512".parse().unwrap(),
            receiver: key.address(),
            sender: "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC".parse().unwrap(),
            open_block: BlockNumber(9),
        };
        let signature = key.sign_closing(&channel, TokenAmount::new(60)).await.unwrap();
        assert_eq!(
            signature.to_string(),
            "0xc55e0a2f2cc8977bc74937651392bc3f1a4df1a43e9a8e8d482e5ba03e2c264b\
             194425b8136c3a77e2787a4c64f38ce77ee17e9728e4a6eb9d0da1f81eff60ad1c"
        );
        let agreement = ClosingAgreement { channel, balance: TokenAmount::new(60), signature };
        assert!(agreement.is_by_receiver());
    }

    #[test]
    fn a_key_is_read_with_and_without_prefix() {
        for text in [KEY, &KEY[2..], &format!("{KEY}\n")] {
            let (_file, source) = plain(text);
            let key = ReceiverKey::load(&source).unwrap();
            assert_eq!(key.address().to_string(), WELL_KNOWN[1]);
            assert!(is_well_known(key.address()));
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        for text in ["", "0x12", &KEY[..65], &"0".repeat(64), &"f".repeat(64), "not a key"] {
            let (_file, source) = plain(text);
            let error = ReceiverKey::load(&source).unwrap_err();
            assert!(matches!(error, KeyError::NotAKey { .. }), "{text:?}: {error}");
            assert!(text.is_empty() || !error.to_string().contains(text), "{error}");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let (_file, source) = plain(KEY);
        let shown = format!("{:?}", ReceiverKey::load(&source).unwrap());
        assert_eq!(shown, format!("ReceiverKey({})", WELL_KNOWN[1]));
    }

    #[test]
    fn a_keystore_is_opened_with_its_password() {
        let (_file, source) = plain(KEY);
        let KeySource::Plain(path) = source else { unreachable!() };
        let bytes = signer(path).unwrap().to_bytes();
        let folder = tempfile::tempdir().unwrap();
        let mut rng = alloy::signers::k256::elliptic_curve::rand_core::OsRng;
        PrivateKeySigner::encrypt_keystore(folder.path(), &mut rng, bytes, "pass", Some("key")).unwrap();

        let open = |password: &str| {
            let (file, password) = plain(password);
            let KeySource::Plain(password_file) = password else { unreachable!() };
            let keystore = folder.path().join("key");
            let key = ReceiverKey::load(&KeySource::Keystore { keystore, password_file });
            drop(file);
            key
        };
        assert_eq!(open("pass\n").unwrap().address().to_string(), WELL_KNOWN[1]);
        assert!(matches!(open("wrong"), Err(KeyError::Keystore { .. })));
    }

    #[test]
    fn every_well_known_account_is_an_address() {
        for known in WELL_KNOWN {
            assert!(is_well_known(known.parse().unwrap()));
        }
        assert!(!is_well_known(Address([1; 20])));
    }
}
