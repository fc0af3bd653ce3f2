//! The filter's configuration: JSON, camelCase, durations as text, unknown keys refused with their path.

mod charge_on;
mod look;
mod mode;
mod overlap;
mod price_source;
mod reader;
mod rule;

use core::num::NonZero;
use core::time::Duration;

use crate::amount::Price;
use crate::answer::Terms;
use crate::decide::Asked;
use crate::mark::MarkSecret;
use crate::page::{Look, PageSettings};
use crate::path::{Path, PathError};
use crate::request::Request;
use crate::wire::Identity;
use crate::{Address, TokenAmount};

pub use charge_on::ChargeOn;
pub use mode::Mode;
pub use overlap::Overlap;
pub use price_source::{PriceSource, Question};
pub use reader::ConfigError;
use reader::{Document, Node};
pub use rule::Rule;
use rule::RulePrice;

/// How a paywall is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the sidecar is.
    pub sidecar: SidecarConfig,
    /// Whose payments are taken.
    pub identity: Identity,
    /// The path root of the channel API, without a slash at its end.
    pub gateway_path: String,
    /// The path prefix of the payment page's scripts, with a slash at its end.
    pub assets_path: String,
    /// Whether a browser gets a page instead of a problem document.
    pub paywall_page: bool,
    /// How such a page looks.
    pub look: Look,
    /// Which requests go upstream while their payments are made durable.
    pub overlap: Overlap,
    /// Which answers are paid for.
    pub charge_on: ChargeOn,
    /// What admission marks are made with, for a service that wants to check them.
    pub mark: Option<MarkSecret>,
    /// How many bytes a worker may use to know signers by.
    pub signer_memory: usize,
    /// What no rule names; `None` is free.
    pub default_price: Option<Price>,
    /// The first that matches decides.
    pub rules: Vec<Rule>,
    /// Whether it acts on requests.
    pub mode: Mode,
    /// In what charges are counted for statistics, in base units of the token.
    pub amount_unit: NonZero<u64>,
}

/// What a request costs, and by which rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The price, or who knows it.
    pub tariff: Tariff,
    /// The place of the rule, from 0; `None` where no rule matches.
    pub rule: Option<usize>,
}

/// What a request costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tariff {
    /// This; `None` is free.
    Fixed(Option<Price>),
    /// What the merchant's price service answers.
    Ask(Question),
}

/// How the sidecar is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct SidecarConfig {
    /// Envoy's cluster of the internal listener.
    pub cluster: String,
    /// Envoy's cluster of the public listener. The gateway and assets paths are free on its routes only.
    pub public_cluster: String,
    /// How long one call may take: 10 ms to 30 s.
    pub timeout: Duration,
    /// What the internal listener asks for; `None` where its cluster is authenticated otherwise.
    pub bearer_token: Option<String>,
}

/// Without the token.
impl core::fmt::Debug for SidecarConfig {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SidecarConfig")
            .field("cluster", &self.cluster)
            .field("public_cluster", &self.public_cluster)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    ///
    /// Names the path of the value that is wrong, what was found there, and what is expected.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        let document = Document::parse(json)?;
        let mut root = document.root().object()?;
        let sidecar = SidecarConfig::read(&root.required("sidecar")?)?;
        let identity = Identity {
            chain_id: root.required("chainId")?.integer(1..=MAX_CHAIN_ID)?,
            contract: root.required("contract")?.text_as::<Address>()?,
            receiver: root.required("receiver")?.text_as::<Address>()?,
            token: root.required("token")?.text_as::<Address>()?,
        };
        let gateway_path = root.optional("gatewayPath").map_or(Ok("/api/1".to_owned()), |node| {
            let path = plain_path(&node)?;
            if path.ends_with('/') {
                return Err(node.unlike("a path without a slash at its end, such as \"/api/1\""));
            }
            Ok(path)
        })?;
        let assets_path = root.optional("assetsPath").map_or(Ok("/js/".to_owned()), |node| {
            let path = plain_path(&node)?;
            if !path.ends_with('/') || path == "/" {
                return Err(node.unlike("a path with a slash at its end, such as \"/js/\""));
            }
            Ok(path)
        })?;
        let default_price = root.optional("defaultPrice").map_or(Ok(None), |node| price(&node))?;
        let rules = root.optional("rules").map_or(Ok(Vec::new()), |node| {
            node.array()?.iter().map(Rule::read).collect::<Result<Vec<_>, _>>()
        })?;
        let paywall_page = root.optional("paywallPage").map_or(Ok(true), |node| node.boolean())?;
        let look = root.optional("page").map_or(Ok(Look::default()), |node| look::read(&node))?;
        let signer_memory = root
            .optional("signerMemory")
            .map_or(Ok(16 * MEBIBYTE), |node| node.memory(MEBIBYTE..=1024 * MEBIBYTE))?;
        let charge_on =
            root.optional("chargeOn").map_or(Ok(ChargeOn::Success), |node| ChargeOn::read(&node))?;
        let overlap =
            root.optional("overlap").map_or(Ok(Overlap::SafeMethods), |node| Overlap::read(&node))?;
        let mark = root.optional("mark").map(|node| mark_secret(&node)).transpose()?;
        let amount_unit =
            root.optional("amountUnit").map_or(Ok(NonZero::<u64>::MIN), |node| amount_unit(&node))?;
        let mode = root.optional("mode").map_or(Ok(Mode::Enforce), |node| Mode::read(&node))?;
        root.finish()?;
        Ok(Self {
            sidecar,
            identity,
            gateway_path,
            assets_path,
            paywall_page,
            look,
            overlap,
            signer_memory,
            charge_on,
            mark,
            default_price,
            rules,
            mode,
            amount_unit,
        })
    }

    /// What a request of this path costs by rule.
    ///
    /// A request that frameworks may read in another way (by its path's second reading, or by a header that overrides
    /// method or path) must cost the same in every reading.
    ///
    /// # Errors
    ///
    /// [`PathError::TwoPrices`], [`PathError::TooLong`], or what is wrong with a path that overrides.
    pub fn price_of(&self, request: Request<'_>, path: &Path) -> Result<Quote, PathError> {
        let host = request.host();
        let overridden = PATH_OVERRIDES.iter().filter_map(|name| request.first(name)).map(Path::read);
        let overridden = overridden.collect::<Result<Vec<_>, _>>()?;
        let paths = || path.readings().chain(overridden.iter().flat_map(Path::readings));
        if self.rules.iter().any(Rule::has_regex) && paths().any(|path| path.len() > MAX_REGEX_PATH) {
            return Err(PathError::TooLong);
        }
        let methods = METHOD_OVERRIDES.iter().filter_map(|name| request.first(name));
        let mut quotes = core::iter::once(request.method())
            .chain(methods)
            .flat_map(|method| paths().map(move |path| (method, path)))
            .map(|(method, path)| {
                let mut rules = self.rules.iter().enumerate();
                let found = rules.find(|(_, rule)| rule.covers(method, &host, path, request));
                let tariff = match found.map(|(_, rule)| &rule.price) {
                    None => Tariff::Fixed(self.default_price),
                    Some(RulePrice::Fixed(price)) => Tariff::Fixed(*price),
                    Some(RulePrice::From(source)) => Tariff::Ask(Question::new(source, request, &host, path)),
                };
                Quote { tariff, rule: found.map(|(place, _)| place) }
            });
        let first = quotes.next().unwrap_or(Quote { tariff: Tariff::Fixed(self.default_price), rule: None });
        if quotes.all(|other| other.tariff == first.tariff) { Ok(first) } else { Err(PathError::TwoPrices) }
    }

    /// What is asked for a request at this price.
    pub fn asked(&self, price: Price) -> Asked {
        Asked { price, contract: self.identity.contract, receiver: self.identity.receiver }
    }

    /// What its client is told.
    pub fn terms(&self, price: Price) -> Terms<'_> {
        Terms { asked: self.asked(price), token: self.identity.token, gateway_path: &self.gateway_path }
    }

    /// What all pages have in common.
    pub fn page(&self) -> PageSettings<'_> {
        PageSettings { assets_path: &self.assets_path, chain_id: self.identity.chain_id, look: &self.look }
    }

    /// Whether a path belongs to the sidecar itself: the channel API or the payment page's scripts.
    pub fn is_gateway_path(&self, path: &Path) -> bool {
        path.readings().all(|path| {
            let below = path.strip_prefix(&self.gateway_path);
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                || path.starts_with(&self.assets_path)
        })
    }
}

/// A unit of memory, in bytes.
const MEBIBYTE: usize = 1 << 20;

/// The longest path that a regular expression looks at, in bytes.
const MAX_REGEX_PATH: usize = 4096;

/// Headers by which frameworks let a client name another method.
const METHOD_OVERRIDES: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// Headers by which frameworks let a proxy name another path.
const PATH_OVERRIDES: [&str; 2] = ["x-original-url", "x-rewrite-url"];

/// Larger ids are not exact in every JSON reader.
const MAX_CHAIN_ID: u64 = (1 << 53) - 1;

impl SidecarConfig {
    fn read(node: &Node<'_>) -> Result<Self, ConfigError> {
        let mut fields = node.object()?;
        let cluster = fields.required("cluster")?.name()?;
        let public_cluster = fields.required("publicCluster")?.name()?;
        let timeout = fields.optional("timeout").map_or(Ok(Duration::from_millis(500)), |node| {
            node.duration(Duration::from_millis(10)..=Duration::from_secs(30))
        })?;
        let bearer_token = match fields.optional("bearerToken") {
            None => None,
            Some(node) => {
                let token = node.secret()?;
                let fits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
                if !fits {
                    return Err(node.secret_unlike("printable ASCII characters without spaces"));
                }
                Some(token.to_owned())
            }
        };
        fields.finish()?;
        Ok(Self { cluster, public_cluster, timeout, bearer_token })
    }
}

fn mark_secret(node: &Node<'_>) -> Result<MarkSecret, ConfigError> {
    let mut fields = node.object()?;
    let secret = fields.required("secret")?;
    let shortest = format!("at least {} bytes", MarkSecret::SHORTEST);
    let mark = MarkSecret::new(secret.secret()?.as_bytes()).ok_or_else(|| secret.secret_unlike(&shortest))?;
    fields.finish()?;
    Ok(mark)
}

/// A unit of money for statistics, as decimal text.
fn amount_unit(node: &Node<'_>) -> Result<NonZero<u64>, ConfigError> {
    let unit = node.text_as::<TokenAmount>()?.to_u64().and_then(NonZero::new);
    unit.ok_or_else(|| node.unlike(&format!("a number of base units as text, \"1\" to \"{}\"", u64::MAX)))
}

/// A price in base units as decimal text; "0" is free.
fn price(node: &Node<'_>) -> Result<Option<Price>, ConfigError> {
    node.text_as::<TokenAmount>().map(Price::new)
}

/// A path as rules write it: decoded, and with one reading only.
fn plain_path(node: &Node<'_>) -> Result<String, ConfigError> {
    let text = node.text()?;
    let encoded = text.replace('%', "%25");
    let path = Path::read(encoded.as_bytes()).map_err(|error| node.wrong(&error))?;
    if text.contains('?') || text.contains('#') || path.readings().count() > 1 {
        return Err(node.unlike("a path without ; ? and #, written without percent-encoding"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod documented;
#[cfg(test)]
mod tests;
