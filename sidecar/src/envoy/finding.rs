//! What can be wrong, why it matters, and the way out.

use std::fmt;

use serde::{Serialize, Serializer};

/// How bad it is. The worst comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something is given away, or paid routes do not work.
    Error,
    /// It works until something happens.
    Warning,
    /// It cannot be seen here, or is only inconvenient.
    Hint,
}

/// One place where something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub code: Code,
    /// The file.
    pub file: String,
    /// The path in it, such as `static_resources.listeners[0]`.
    pub path: String,
    /// What is there.
    pub found: String,
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Whole<'a> {
            severity: Severity,
            code: &'static str,
            file: &'a str,
            path: &'a str,
            found: &'a str,
            why: &'static str,
            remedy: &'static str,
        }
        let Self { code, file, path, found } = self;
        let Facts { severity, name, why, remedy } = code.facts();
        Whole { severity, code: name, file, path, found, why, remedy }.serialize(serializer)
    }
}

/// For a terminal, in four lines.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, file, path, found } = self;
        let Facts { severity, name, why, remedy } = code.facts();
        let severity = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        };
        writeln!(f, "{severity}: {name}")?;
        writeln!(f, "  at     {file}: {path}")?;
        writeln!(f, "  found  {found}")?;
        writeln!(f, "  why    {why}")?;
        write!(f, "  mend   {remedy}")
    }
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// A file has nothing of Envoy's in it.
    NotEnvoy,
    /// No listener has the paywall.
    NoPaywall,
    /// The plugin's configuration is not of the one type that arrives as text.
    PluginNotText,
    /// The plugin's configuration is one that the filter refuses.
    PluginConfiguration,
    /// A cluster that the filter needs is not there.
    MissingCluster,
    /// A cluster that the filter needs is not in the files, and may come from elsewhere.
    ClusterUnseen,
    /// Requests pass unpaid after a crash.
    FailOpen,
    /// The paywall does not come back after a crash.
    NoReload,
    /// Requests leave the filter before it has decided.
    StopIteration,
    /// A held stream has no bound that somebody chose.
    NoIdleTimeout,
    /// A held stream ends before the sidecar can have answered.
    ShortIdleTimeout,
    /// Another spelling of a path takes a free route.
    PathsAroundPrices,
    /// Another spelling of a path is refused, where it could be put right.
    PathsRefused,
    /// A price on a route cannot be read.
    RoutePrice,
    /// A route has a price, and its requests do not pass the paywall.
    PriceWithoutPaywall,
    /// A route turns the paywall on, and costs nothing.
    PaywallWithoutPrice,
    /// The paywall is off, and no route turns it on.
    EnabledNowhere,
    /// Routes are not in the files.
    RoutesUnseen,
    /// Clients can send the service what only the paywall may say.
    StrangersHeaders,
    /// A filter behind the paywall can change what was paid for.
    Reroutes,
    /// A filter behind the paywall refuses what was paid for.
    AnswersAfterPayment,
    /// A filter behind the paywall that is not known.
    UnknownFilter,
    /// No route leads to the channel API.
    NoGatewayRoute,
    /// The filter takes other money than the sidecar.
    OtherIdentity,
    /// The cluster of the sidecar is bounded by Envoy's default.
    DefaultCircuitBreakers,
    /// The cluster of the sidecar has a bound below Envoy's default.
    LowCircuitBreaker,
    /// Counters have no labels.
    StatsTags,
}

/// What is said of a code.
struct Facts {
    severity: Severity,
    name: &'static str,
    why: &'static str,
    remedy: &'static str,
}

impl Code {
    /// How bad it is.
    pub fn severity(self) -> Severity {
        self.facts().severity
    }

    /// Its name in output, and in the documentation.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    fn facts(self) -> Facts {
        use Severity::{Error, Hint, Warning};
        let (severity, name, why, remedy) = match self {
            Self::NotEnvoy => (
                Error,
                "not-envoy",
                "Nothing can be said of a file without listeners, routes or clusters.",
                "Give a bootstrap, files of resources with \"@type\", or what Envoy shows at /config_dump.",
            ),
            Self::NoPaywall => (
                Error,
                "no-paywall",
                "Every request passes unpaid.",
                "Add the filter as in envoy/envoy.yaml, with \"uraiden\" in its name, root_id or vm_id; or give the file of \
                 the listener too, by another --envoy.",
            ),
            Self::PluginNotText => (
                Error,
                "plugin-not-text",
                "Envoy hands over anything else in protobuf's binary form, which the filter refuses.",
                "Write the configuration as JSON in the value of a google.protobuf.StringValue.",
            ),
            Self::PluginConfiguration => (
                Error,
                "plugin-configuration",
                "The filter refuses it: a static Envoy does not start, and an update by xDS is rejected.",
                "docs/configuration.md has each key with its type and bounds.",
            ),
            Self::MissingCluster => (
                Error,
                "missing-cluster",
                "What the filter calls is not there: priced routes answer 502.",
                "Add the cluster, or correct the name.",
            ),
            Self::ClusterUnseen => (
                Hint,
                "cluster-unseen",
                "Clusters come by xDS here. Where this one does not come, priced routes answer 502.",
                "Give the file of the clusters too, by another --envoy.",
            ),
            Self::FailOpen => (
                Error,
                "fail-open",
                "After a crash of the filter's VM every request of that worker passes unpaid.",
                "Set failure_policy: FAIL_RELOAD, and leave fail_open out.",
            ),
            Self::NoReload => (
                Warning,
                "no-reload",
                "After a crash of the filter's VM that worker answers 503 until the configuration changes.",
                "Set failure_policy: FAIL_RELOAD.",
            ),
            Self::StopIteration => (
                Error,
                "stop-iteration",
                "Requests with a body, and held answers, leave the filter before the payment was decided.",
                "Leave allow_on_headers_stop_iteration out.",
            ),
            Self::NoIdleTimeout => (
                Warning,
                "no-idle-timeout",
                "A stream that is held when the filter's VM crashes stays for Envoy's default of five minutes, or, with 0s, \
                 for ever.",
                "Set stream_idle_timeout of the connection manager, such as 30s, or idle_timeout of each priced route.",
            ),
            Self::ShortIdleTimeout => (
                Warning,
                "short-idle-timeout",
                "Envoy gives a held request up before the sidecar can have answered: 504, though it may have been paid.",
                "Set it to several times sidecar.timeout, such as 30s.",
            ),
            Self::PathsAroundPrices => (
                Error,
                "paths-around-prices",
                "//premium, /x/../premium and /premium%2Fa take another route than /premium, past its price.",
                "Set normalize_path: true, merge_slashes: true and path_with_escaped_slashes_action: REJECT_REQUEST.",
            ),
            Self::PathsRefused => (
                Warning,
                "paths-refused",
                "The paywall answers a path with //, dot segments or %2F with 400, since servers read it in different ways.",
                "Set normalize_path: true, merge_slashes: true and path_with_escaped_slashes_action: REJECT_REQUEST.",
            ),
            Self::RoutePrice => (
                Error,
                "route-price",
                "The route is closed: it answers 502, so that a typing error never makes it free.",
                "Write the price as a decimal number in quotes, in base units of the token: price: \"1000\".",
            ),
            Self::PriceWithoutPaywall => (
                Error,
                "price-without-paywall",
                "The paywall is off on this route, so nobody asks for the price.",
                "Add to the route's typed_per_filter_config, under the filter's name, an \
                 envoy.config.route.v3.FilterConfig with config: {}.",
            ),
            Self::PaywallWithoutPrice => (
                Warning,
                "paywall-without-price",
                "The route turns the paywall on, and neither it, nor a rule, nor defaultPrice has a price for it: it is free.",
                "Add metadata.filter_metadata.uraiden.price to the route, or leave the paywall off there.",
            ),
            Self::EnabledNowhere => (
                Error,
                "enabled-nowhere",
                "The paywall is off at the listener and no route turns it on: every request passes unpaid.",
                "Turn it on on priced routes by typed_per_filter_config, as in envoy/route-prices.yaml.",
            ),
            Self::RoutesUnseen => (
                Hint,
                "routes-unseen",
                "The listener's routes come by xDS, so their prices were not checked.",
                "Give the file of the routes too, by another --envoy.",
            ),
            Self::StrangersHeaders => (
                Warning,
                "strangers-headers",
                "The paywall is off on this route and does not remove them: a client can tell the service that it has paid.",
                "Add them to request_headers_to_remove of the route, its virtual host or the route configuration.",
            ),
            Self::Reroutes => (
                Warning,
                "reroutes",
                "It can change method, path or route after the price was found: something else than what was paid for is served.",
                "Put it before the paywall.",
            ),
            Self::AnswersAfterPayment => (
                Warning,
                "answers-after-payment",
                "It refuses requests that are paid for already, and an answer below 500 is charged.",
                "Put it before the paywall, or list in chargeOn which answers are charged.",
            ),
            Self::UnknownFilter => (
                Hint,
                "unknown-filter",
                "It is not known whether it changes method, path or route, or answers by itself.",
                "Put it before the paywall, unless it does neither.",
            ),
            Self::NoGatewayRoute => (
                Warning,
                "no-gateway-route",
                "Clients do not reach the channel API: they learn nothing of their channels and close them by the chain only, \
                 and the payment page has no scripts.",
                "Add routes for gatewayPath and assetsPath that lead to sidecar.publicCluster.",
            ),
            Self::OtherIdentity => (
                Error,
                "other-identity",
                "Filter and sidecar disagree about whose money it is: priced routes answer 502.",
                "Correct the plugin's configuration, or ask the other sidecar (--admin-url).",
            ),
            Self::DefaultCircuitBreakers => (
                Hint,
                "default-circuit-breakers",
                "Envoy's default of 1024 connections and requests is shared by all workers, and a call above it is a 502.",
                "Set circuit_breakers as in envoy/envoy.yaml.",
            ),
            Self::LowCircuitBreaker => (
                Warning,
                "low-circuit-breaker",
                "Calls above it are not made: paid requests answer 502 under load.",
                "Raise it to 10000, as in envoy/envoy.yaml.",
            ),
            Self::StatsTags => (
                Hint,
                "stats-tags",
                "What the paywall counts by these labels becomes one metric for each of their values.",
                "Copy stats_config from envoy/envoy.yaml.",
            ),
        };
        Facts { severity, name, why, remedy }
    }
}
