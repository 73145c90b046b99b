#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sqpsych {

/// Exit codes of every command (README, "Exit codes").
enum class ExitCode {
  kDone = 0,
  kFailed = 1,
  kSettings = 2,
  kTooManyFailures = 3,
  kBug = 70,
  kInterrupted = 75,
};

/// Base of everything we throw on purpose. The text is one sentence of the form
/// `where: subject: found X, expected Y. Likely fix.`
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  virtual ExitCode exit_code() const { return ExitCode::kFailed; }
};

/// The user's settings or arguments are wrong.
class ConfigError : public Error {
 public:
  using Error::Error;
  ExitCode exit_code() const override { return ExitCode::kSettings; }
};

/// A file's content is wrong.
class FormatError : public Error {
 public:
  using Error::Error;
};

/// Something cannot be opened, written, allocated or found on this machine.
class ResourceError : public Error {
 public:
  using Error::Error;
};

/// A server answered something unusable.
class RemoteError : public Error {
 public:
  using Error::Error;
};

/// A signal asked us to stop; state is saved and the same command goes on.
class Interrupted : public Error {
 public:
  using Error::Error;
  ExitCode exit_code() const override { return ExitCode::kInterrupted; }
};

/// We are wrong, never the input.
class BugError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Collects problems so that all of a config's or checkpoint's faults are reported together.
class ProblemList {
 public:
  void add(std::string problem) { problems_.push_back(std::move(problem)); }
  bool empty() const { return problems_.empty(); }
  const std::vector<std::string>& problems() const { return problems_; }

  /// Throws `ErrorType` with every problem, one per line, each starting with `where: `.
  template <class ErrorType>
  void throw_if_any(const std::string& where) const {
    if (!problems_.empty()) throw ErrorType(text(where));
  }

  std::string text(const std::string& where) const {
    std::string joined;
    for (const auto& problem : problems_) {
      if (!joined.empty()) joined += "\n";
      joined += where + ": " + problem;
    }
    return joined;
  }

 private:
  std::vector<std::string> problems_;
};

}  // namespace sqpsych

/// States what only a bug of ours can break; never reachable by input.
#define SQPSYCH_CHECK(condition)                                                       \
  do {                                                                                 \
    if (!(condition))                                                                  \
      throw ::sqpsych::BugError(std::string(__FILE__ ":") + std::to_string(__LINE__) + \
                                ": " #condition " does not hold");                     \
  } while (false)
