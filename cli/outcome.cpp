#include "cli/outcome.h"

#include <c10/util/Exception.h>
#include <poll.h>
#include <unistd.h>

#include <exception>
#include <filesystem>
#include <iostream>
#include <new>

#include "core/terminal.h"
#include "core/text.h"

namespace sqpsych {
namespace {

int failed_with(ExitCode code, const std::string& sentence) {
  std::cerr << wrap_text("sqpsych: " + sentence, terminal_columns(STDERR_FILENO), 2) << "\n";
  return static_cast<int>(code);
}

int out_of_memory() {
  return failed_with(
      ExitCode::kFailed,
      "memory: found too little for this, expected more. Close other programs, or choose a smaller "
      "model, dtype=bfloat16 or smaller batches.");
}

int bug(const std::string& what) {
  return failed_with(ExitCode::kBug, "this is a bug in sqpsych: " + what +
                                         ". Please report it together with the command.");
}

/// LibTorch reports a failed allocation of main memory as an ordinary error.
bool is_out_of_memory(const c10::Error& error) {
  const std::string what = error.what_without_backtrace();
  return dynamic_cast<const c10::OutOfMemoryError*>(&error) ||
         what.find("can't allocate memory") != std::string::npos;
}

/// `... | head` closes the pipe as soon as it has seen enough.
bool reader_has_left(int descriptor) {
  pollfd state = {descriptor, POLLOUT, 0};
  return poll(&state, 1, 0) > 0 && (state.revents & POLLERR) != 0;
}

void flush_results() {
  std::cout.flush();
  if (std::cout || reader_has_left(STDOUT_FILENO)) return;
  throw ResourceError(
      "stdout: found that it cannot be written, expected room for all results. Is the disk full?");
}

int status_of_exception() {
  try {
    throw;
  } catch (const Error& error) {
    return failed_with(error.exit_code(), error.what());
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  } catch (const std::filesystem::filesystem_error& error) {
    return failed_with(ExitCode::kFailed, format("files: '{}': {}. Check the path and whose it is.",
                                                 error.path1().string(), error.code().message()));
  } catch (const c10::Error& error) {
    return is_out_of_memory(error) ? out_of_memory() : bug(error.what_without_backtrace());
  } catch (const std::exception& error) {
    return bug(error.what());
  } catch (...) {
    return bug("an exception of no known type");
  }
}

}  // namespace

int exit_status_of(const std::function<ExitCode()>& command) {
  try {
    const auto code = command();
    flush_results();
    return static_cast<int>(code);
  } catch (...) {
    return status_of_exception();
  }
}

void install_terminate_handler() {
  std::set_terminate([] {
    _exit(std::current_exception() ? status_of_exception() : bug("the program was terminated"));
  });
}

}  // namespace sqpsych
