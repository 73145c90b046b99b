#include "generate/backends/endpoint.h"

#include <httplib.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>

#include "core/error.h"
#include "core/log.h"
#include "core/random.h"
#include "core/text.h"

namespace sqpsych {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool is_plain_host(const std::string& host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' || c == ':';
  });
}

}  // namespace

std::string BaseUrl::origin() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return format("{}://{}:{}", scheme, ipv6 ? "[" + host + "]" : host, port);
}

BaseUrl parse_base_url(const std::string& text, const std::string& where) {
  const auto wrong = [&](const std::string& what) {
    return ConfigError(
        format("{}: base_url: found '{}', expected {}, e.g. "
               "http://127.0.0.1:8000/v1.",
               where, text, what));
  };
  BaseUrl url;
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string::npos) throw wrong("http://HOST:PORT/PATH");
  url.scheme = to_lower_ascii(text.substr(0, scheme_end));
  if (url.scheme != "http" && url.scheme != "https") throw wrong("http or https");
  const auto rest = text.substr(scheme_end + 3);
  const auto slash = rest.find('/');
  auto authority = rest.substr(0, slash);
  url.path = slash == std::string::npos ? "" : rest.substr(slash);
  while (url.path.ends_with('/')) url.path.pop_back();
  if (authority.find('@') != std::string::npos)
    throw wrong("no user name (the key comes from api_key_env)");
  url.port = url.scheme == "https" ? 443 : 80;
  const auto colon = authority.starts_with('[') ? authority.find("]:") : authority.rfind(':');
  if (colon != std::string::npos) {
    const auto port = authority.substr(authority.find(':', colon) + 1);
    if (!is_number(port) || port.size() > 5) throw wrong("a port number behind the colon");
    url.port = std::stoi(port);
    authority = authority.substr(0, authority[colon] == ']' ? colon + 1 : colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']'))
    authority = authority.substr(1, authority.size() - 2);
  url.host = to_lower_ascii(authority);
  if (!is_plain_host(url.host)) throw wrong("a host name or address");
  if (url.path.find_first_of("?#") != std::string::npos) throw wrong("no query");
  return url;
}

bool is_loopback(const std::string& host) {
  if (host == "localhost" || host == "::1") return true;
  const auto parts = split(host, ".");
  return parts.size() == 4 && parts[0] == "127" &&
         std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
           return is_number(part) && part.size() <= 3 && std::stoi(part) <= 255;
         });
}

void require_allowed_host(const BaseUrl& url, const std::vector<std::string>& allow_hosts,
                          const std::string& where) {
  if (is_loopback(url.host)) return;
  const bool allowed = std::any_of(allow_hosts.begin(), allow_hosts.end(), [&](const auto& host) {
    return to_lower_ascii(host) == url.host;
  });
  if (!allowed)
    throw ConfigError(
        format("{}: base_url: found the host '{}', expected a loopback address, for "
               "questionnaire answers are patient data. List it in allow_hosts if "
               "they may be sent there.",
               where, url.host));
  warn_once(format("{}: profiles are sent to {}, which allow_hosts lists.", where, url.origin()));
}

bool names_cloud_model(const std::string& model) {
  const auto name = to_lower_ascii(model);
  return name.ends_with("-cloud") || name.ends_with(":cloud");
}

struct Endpoint::State {
  httplib::Client client;
  httplib::Headers headers;
  double timeout_seconds;

  State(const BaseUrl& url, double timeout) : client(url.origin()), timeout_seconds(timeout) {}

  HttpReply take(const httplib::Result& result, double seconds) const {
    HttpReply reply;
    reply.seconds = seconds;
    if (!result) {
      const bool timeout = result.error() == httplib::Error::ConnectionTimeout ||
                           (result.error() == httplib::Error::Read && seconds >= timeout_seconds);
      reply.failure = timeout ? "timeout" : "connection";
      return reply;
    }
    reply.status = result->status;
    reply.body = result->body;
    reply.retry_after = result->get_header_value("Retry-After");
    reply.location = result->get_header_value("Location");
    return reply;
  }

  template <class Call>
  HttpReply timed(const Call& call) {
    const auto begin = std::chrono::steady_clock::now();
    const auto result = call();
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
    return take(result, passed.count());
  }
};

Endpoint::Endpoint(const BaseUrl& url, const std::string& api_key, double timeout_seconds)
    : state_(std::make_unique<State>(url, timeout_seconds)) {
  auto& client = state_->client;
  const auto timeout = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::duration<double>(timeout_seconds));
  client.set_connection_timeout(
      std::min<std::chrono::microseconds>(timeout, std::chrono::seconds(10)));
  client.set_read_timeout(timeout);
  client.set_write_timeout(timeout);
  client.set_follow_location(false);
  client.set_keep_alive(true);
  // A hosts file must not turn the one loopback name into another machine.
  client.set_hostname_addr_map({{"localhost", "127.0.0.1"}});
  if (url.scheme == "https") client.enable_server_certificate_verification(true);
  if (!api_key.empty()) state_->headers.emplace("Authorization", "Bearer " + api_key);
}

Endpoint::~Endpoint() = default;

HttpReply Endpoint::get(const std::string& path) {
  return state_->timed([&] { return state_->client.Get(path, state_->headers); });
}

HttpReply Endpoint::post(const std::string& path, const std::string& json) {
  return state_->timed(
      [&] { return state_->client.Post(path, state_->headers, json, "application/json"); });
}

void Endpoint::stop() { state_->client.stop(); }

double retry_after_seconds(const std::string& header) {
  const auto text = std::string(trim(header));
  if (is_number(text) && text.size() < 9) return std::stod(text);
  std::tm date{};
  if (!strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date)) return -1;
  return std::max(0.0, std::difftime(timegm(&date), std::time(nullptr)));
}

double Backoff::wait_seconds(std::int64_t attempt, std::uint64_t seed,
                             const std::string& retry_after) const {
  const auto doubled =
      first_seconds * std::exp2(static_cast<double>(std::min<std::int64_t>(attempt, 30)));
  RandomStream random(derive_seed({static_cast<std::int64_t>(seed), "backoff", attempt}));
  const auto wait = std::min(longest_seconds, doubled) * (0.5 + random.uniform());
  return std::max(wait, std::min(longest_asked_seconds, retry_after_seconds(retry_after)));
}

}  // namespace sqpsych
