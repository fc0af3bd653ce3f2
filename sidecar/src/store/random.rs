//! Random bytes, for names that no other has and for draws.

/// So many of them.
///
/// # Errors
///
/// The system has none.
pub(super) fn random<const N: usize>() -> Result<[u8; N], sqlx::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| sqlx::Error::Io(std::io::Error::other(error)))?;
    Ok(bytes)
}
