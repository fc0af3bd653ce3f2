/** The names that go over the wire, as the protocol writes them; cookies have the same ones. */

/** The address of the `RaidenMicroTransferChannels` contract. */
export const CONTRACT_ADDRESS = "RDN-Contract-Address";
/** The address of the merchant. */
export const RECEIVER_ADDRESS = "RDN-Receiver-Address";
/** The address of the token. */
export const TOKEN_ADDRESS = "RDN-Token-Address";
/** The path root of the channel API. */
export const GATEWAY_PATH = "RDN-Gateway-Path";
/** What the resource costs. */
export const PRICE = "RDN-Price";
/** The address of the client. */
export const SENDER_ADDRESS = "RDN-Sender-Address";
/** The balance that is signed; in answers, the balance that the server holds. */
export const SENDER_BALANCE = "RDN-Sender-Balance";
/** The balance proof. */
export const BALANCE_SIGNATURE = "RDN-Balance-Signature";
/** The block in which the channel was opened. */
export const OPEN_BLOCK = "RDN-Open-Block";
/** How many confirmations are missing. */
export const INSUFFICIENT_CONFIRMATIONS = "RDN-Insufficient-Confirmations";
/** There is no such channel, or it is closed. */
export const NONEXISTING_CHANNEL = "RDN-Nonexisting-Channel";
/** The proof is not the sender's, or above the deposit. */
export const INVALID_BALANCE_PROOF = "RDN-Invalid-Balance-Proof";
/** The payment is not the price. */
export const INVALID_AMOUNT = "RDN-Invalid-Amount";
