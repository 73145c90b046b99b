#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sqpsych {

/// The parts of `http://host:port/path`.
struct BaseUrl {
  std::string scheme;
  std::string host;
  int port = 0;
  std::string path;  ///< without a slash at the end; may be empty
  std::string origin() const;
  std::string text() const { return origin() + path; }
};

/// ConfigError for anything but http or https with a plain host; user names are refused.
BaseUrl parse_base_url(const std::string& text, const std::string& where);

/// localhost, 127.0.0.0/8 in dotted form and ::1; nothing is looked up.
bool is_loopback(const std::string& host);

/// Questionnaire answers leave this machine only to hosts that the user listed: ConfigError unless
/// `url` is loopback or its host is in `allow_hosts`, in which case it is named once on stderr.
void require_allowed_host(const BaseUrl& url, const std::vector<std::string>& allow_hosts,
                          const std::string& where);

/// True for model names that say they run elsewhere (Ollama's `-cloud` and `:cloud`).
bool names_cloud_model(const std::string& model);

/// What came back over HTTP; `status` 0 means no answer, with the reason in `failure`:
/// timeout | connection.
struct HttpReply {
  int status = 0;
  std::string failure;
  std::string body;
  std::string retry_after;
  std::string location;
  double seconds = 0;
};

/// One connection to one origin. Redirects are not followed, proxy settings of the environment are
/// not read, certificates are checked. stop() may be called from another thread.
class Endpoint {
 public:
  Endpoint(const BaseUrl& url, const std::string& api_key, double timeout_seconds);
  ~Endpoint();
  HttpReply get(const std::string& path);
  HttpReply post(const std::string& path, const std::string& json);
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Seconds that a Retry-After header asks for (a number or an HTTP date); negative when unreadable.
double retry_after_seconds(const std::string& header);

/// min(longest, first * 2^attempt), spread over [50 %, 150 %] by `seed`; at least what the server
/// asked for, which itself is honoured up to `longest_asked`.
struct Backoff {
  double first_seconds = 1;
  double longest_seconds = 60;
  double longest_asked_seconds = 600;
  double wait_seconds(std::int64_t attempt, std::uint64_t seed,
                      const std::string& retry_after) const;
};

}  // namespace sqpsych
